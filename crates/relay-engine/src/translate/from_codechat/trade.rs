//! Orders, products, payments, and the bills that stand in interactive messages.

use codechat::message_in;
use codechat::wire::as_i64;
use relay_domain::event::{Bill, BillItem, Content, Money, Order, Payment, PaymentStep, Pix, Product, Trade};
use serde_json::Value;

use super::fields::{first_text, list, moment, number, object, text};
use super::media;

pub(super) fn order(content: &Value) -> Option<Content> {
    let order = Order {
        id: text(content, "orderId"),
        title: text(content, "orderTitle"),
        message: text(content, "message"),
        items: number(content, "itemCount"),
        total: thousandths(content, "totalAmount1000", "totalCurrencyCode"),
    };
    (order != Order::default()).then(|| Content::Trade(Box::new(Trade::Order(order))))
}

pub(super) fn product(content: &Value) -> Option<Content> {
    let product = product_of(content);
    (product != Product::default()).then(|| Content::Trade(Box::new(Trade::Product(product))))
}

/// A product, or the catalogue that is shared in its place.
pub(super) fn product_of(content: &Value) -> Product {
    let comment = first_text(content, &["body", "footer"]);
    let Some(product) = object(content, "product") else {
        let catalogue = object(content, "catalog").unwrap_or(&Value::Null);
        let image = media::picture(catalogue, "catalogImage");
        let (title, description) = (text(catalogue, "title"), text(catalogue, "description"));
        return Product { title, description, image, comment, ..Product::default() };
    };
    let price = |key| thousandths(product, key, "currencyCode").filter(|price| price.thousandths > 0);
    Product {
        title: text(product, "title"),
        description: text(product, "description"),
        price: price("salePriceAmount1000").or_else(|| price("priceAmount1000")),
        code: first_text(product, &["retailerId", "productId"]),
        url: text(product, "url"),
        comment,
        image: media::picture(product, "productImage"),
    }
}

pub(super) fn payment_requested(content: &Value) -> Option<Content> {
    payment(content, PaymentStep::Requested)
}

pub(super) fn payment_sent(content: &Value) -> Option<Content> {
    payment(content, PaymentStep::Sent)
}

pub(super) fn payment_declined(content: &Value) -> Option<Content> {
    payment(content, PaymentStep::Declined)
}

pub(super) fn payment_cancelled(content: &Value) -> Option<Content> {
    payment(content, PaymentStep::Cancelled)
}

pub(super) fn payment_invited(content: &Value) -> Option<Content> {
    payment(content, PaymentStep::Invited)
}

pub(super) fn invoice(content: &Value) -> Option<Content> {
    payment(content, PaymentStep::Invoiced)
}

fn payment(content: &Value, step: PaymentStep) -> Option<Content> {
    let noted = message_in(content, "noteMessage").and_then(|note| note.text().map(ToOwned::to_owned));
    let amount = object(content, "amount").and_then(|amount| {
        let currency = text(amount, "currencyCode");
        fraction(amount, currency.as_deref().unwrap_or_default())
    });
    let payment = Payment {
        step,
        amount: thousandths(content, "amount1000", "currencyCodeIso4217").or(amount),
        comment: noted.or_else(|| text(content, "note")),
        expires_at: moment(content, "expiryTimestamp"),
    };
    content.is_object().then_some(Content::Payment(payment))
}

/// What is to be paid, from the parameters of a button: `payment_info`, `review_and_pay` and their like (as WhatsApp Business
/// and its Cloud API write them).
pub(super) fn bill(params: &Value) -> Option<Bill> {
    let currency = text(params, "currency").unwrap_or_default();
    let order = object(params, "order").unwrap_or(&Value::Null);
    let item = |item: &Value| {
        let price = object(item, "sale_amount").or_else(|| object(item, "amount"));
        let price = price.and_then(|price| fraction(price, &currency));
        Some(BillItem { name: text(item, "name")?, quantity: number(item, "quantity"), price })
    };
    let settings = list(params, "payment_settings");
    let codes = [("boleto", "digitable_line"), ("payment_link", "uri")];
    let code = |setting: &Value| codes.iter().find_map(|(kind, key)| text(setting.get(*kind)?, key));
    let bill = Bill {
        reference: text(params, "reference_id"),
        total: object(params, "total_amount")
            .and_then(|total| fraction(total, &currency))
            .filter(|total| total.thousandths > 0),
        items: list(order, "items").iter().filter_map(item).collect(),
        pix: settings.iter().filter_map(pix).collect(),
        codes: settings.iter().filter_map(code).collect(),
    };
    (!bill.is_empty()).then_some(bill)
}

fn pix(setting: &Value) -> Option<Pix> {
    let found = ["pix_static_code", "pix_dynamic_code"].iter().find_map(|kind| object(setting, kind))?;
    let pix = Pix {
        merchant: text(found, "merchant_name"),
        key: text(found, "key"),
        key_type: text(found, "key_type"),
        code: text(found, "code"),
    };
    (pix != Pix::default()).then_some(pix)
}

fn thousandths(content: &Value, amount: &str, currency: &str) -> Option<Money> {
    let thousandths = number(content, amount)?;
    Some(Money { thousandths, currency: text(content, currency).unwrap_or_default() })
}

/// An amount as `value` divided by `offset`.
fn fraction(amount: &Value, currency: &str) -> Option<Money> {
    let value = i128::from(as_i64(amount.get("value")?)?);
    let offset = number(amount, "offset").filter(|offset| *offset > 0).unwrap_or(1);
    let thousandths = i64::try_from(value * 1000 / i128::from(offset)).ok()?;
    Some(Money { thousandths, currency: currency.to_owned() })
}
