//! Payments and bills in words, with the codes that people copy.

use jiff::tz::TimeZone;

use super::Locale;
use super::lines::{Lines, copyable, moment};
use super::trade::money;
use crate::event::{Bill, BillItem, Payment, PaymentStep, Pix};
use crate::text::literal;

/// A payment, or what becomes of a request for one.
pub fn payment(locale: Locale, zone: &TimeZone, payment: &Payment) -> String {
    let title = match payment.step {
        PaymentStep::Requested => locale.pick("Pedido de pagamento", "Payment requested", "Solicitud de pago"),
        PaymentStep::Sent => locale.pick("Pagamento enviado", "Payment sent", "Pago enviado"),
        PaymentStep::Declined => {
            locale.pick("Pedido de pagamento recusado", "Payment request declined", "Solicitud de pago rechazada")
        }
        PaymentStep::Cancelled => {
            locale.pick("Pedido de pagamento cancelado", "Payment request cancelled", "Solicitud de pago cancelada")
        }
        PaymentStep::Invited => locale.pick("Convite para pagamentos", "Invitation to payments", "Invitación a pagos"),
        PaymentStep::Invoiced => locale.pick("Fatura", "Invoice", "Factura"),
    };
    let mut lines = Lines::titled("💰", &title);
    if let Some(amount) = &payment.amount {
        lines.line(money(locale, amount));
    }
    let until = payment.expires_at.and_then(|at| moment(locale, zone, at));
    lines.field(&locale.pick("Válido até", "Valid until", "Válido hasta"), until.as_deref());
    lines.text(payment.comment.as_deref());
    lines.finish()
}

/// What is to be paid, and how.
pub(super) fn bill(lines: &mut Lines, locale: Locale, bill: &Bill) {
    lines.line(String::new());
    let title = if bill.pix.is_empty() { locale.pick("Pagamento", "Payment", "Pago") } else { "PIX".to_owned() };
    lines.line(format!("💰 **{title}**"));
    lines.items(locale, bill.items.iter().map(|item| self::item(locale, item)));
    if let Some(total) = &bill.total {
        lines.line(format!("{}: {}", locale.pick("Total", "Total", "Total"), money(locale, total)));
    }
    lines.field(&locale.pick("Referência", "Reference", "Referencia"), bill.reference.as_deref());
    for pix in &bill.pix {
        self::pix(lines, locale, pix);
    }
    for code in &bill.codes {
        lines.code(code);
    }
}

fn item(locale: Locale, item: &BillItem) -> String {
    let quantity = item.quantity.map(|quantity| format!("{quantity} × ")).unwrap_or_default();
    let price = item.price.as_ref().map(|price| format!(", {}", money(locale, price))).unwrap_or_default();
    format!("{quantity}{}{price}", literal(&item.name))
}

fn pix(lines: &mut Lines, locale: Locale, pix: &Pix) {
    lines.field(&locale.pick("Favorecido", "Payee", "Beneficiario"), pix.merchant.as_deref());
    if let Some(key) = &pix.key {
        let kind = pix.key_type.as_deref().map(|kind| format!(" ({})", literal(kind))).unwrap_or_default();
        let label = locale.pick("Chave", "Key", "Clave");
        lines.line(format!("{label}{kind}: {}", copyable(key)));
    }
    if let Some(code) = &pix.code {
        lines.line(locale.pick("Copia e cola:", "Copy and paste:", "Copiar y pegar:"));
        lines.code(code);
    }
}
