//! Orders, products and amounts of money in words.

use super::Locale;
use super::lines::{Lines, bare_link};
use crate::event::{Money, Order, Product, Trade};

/// An order or a product.
pub fn trade(locale: Locale, trade: &Trade) -> String {
    match trade {
        Trade::Order(order) => self::order(locale, order),
        Trade::Product(product) => self::product(locale, product),
    }
}

fn order(locale: Locale, order: &Order) -> String {
    let mut lines = Lines::titled("🛒", &locale.pick("Pedido", "Order", "Pedido"));
    lines.words(order.title.as_deref());
    if let Some(items) = order.items {
        lines.line(format!("{}: {items}", locale.pick("Itens", "Items", "Artículos")));
    }
    if let Some(total) = &order.total {
        lines.line(format!("{}: {}", locale.pick("Total", "Total", "Total"), money(locale, total)));
    }
    lines.field(&locale.pick("Número", "Number", "Número"), order.id.as_deref());
    lines.text(order.message.as_deref());
    lines.finish()
}

fn product(locale: Locale, product: &Product) -> String {
    let mut lines = Lines::titled("🛍️", &locale.pick("Produto", "Product", "Producto"));
    lines.words(product.title.as_deref());
    if let Some(price) = &product.price {
        lines.line(money(locale, price));
    }
    lines.field(&locale.pick("Código", "Code", "Código"), product.code.as_deref());
    if let Some(url) = &product.url {
        lines.line(bare_link(url));
    }
    lines.text(product.description.as_deref()).text(product.comment.as_deref());
    lines.finish()
}

/// An amount as it is written where the language is spoken.
pub(super) fn money(locale: Locale, money: &Money) -> String {
    let cents = (i128::from(money.thousandths).unsigned_abs() + 5) / 10;
    let sign = if money.thousandths < 0 { "-" } else { "" };
    let (thousands, decimal) = if locale == Locale::En { (',', '.') } else { ('.', ',') };
    let units = grouped(&(cents / 100).to_string(), thousands);
    let amount = match money.currency.as_str() {
        "CLP" | "JPY" | "KRW" | "PYG" | "VND" => format!("{sign}{units}"),
        _ => format!("{sign}{units}{decimal}{:02}", cents % 100),
    };
    let code: String = money.currency.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    match code.as_str() {
        "" => amount,
        "BRL" => format!("R$ {amount}"),
        "USD" => format!("US$ {amount}"),
        "EUR" => format!("€ {amount}"),
        code => format!("{code} {amount}"),
    }
}

fn grouped(digits: &str, separator: char) -> String {
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_people_do() {
        let table = [
            (Locale::PtBr, 25_900, "BRL", "R$ 25,90"),
            (Locale::En, 1_234_567_890, "USD", "US$ 1,234,567.89"),
            (Locale::Es, 1_500_000, "CLP", "CLP 1.500"),
            (Locale::En, -5, "", "-0.01"),
            (Locale::En, i64::MIN, "X*Y", "XY -9,223,372,036,854,775.81"),
        ];
        for (locale, thousandths, currency, expected) in table {
            let amount = Money { thousandths, currency: currency.to_owned() };
            assert_eq!(money(locale, &amount), expected);
        }
    }
}
