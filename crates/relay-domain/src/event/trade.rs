//! Buying and paying: orders, products, payments, PIX.

use super::Media;
use crate::clock::Timestamp;

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// In thousandths of the currency's unit.
    pub thousandths: i64,
    /// ISO 4217 code; empty when it is not told.
    pub currency: String,
}

/// Something for sale, or bought.
#[derive(Clone, Debug, PartialEq)]
pub enum Trade {
    /// An order made from a catalogue.
    Order(Order),
    /// A product, or a whole catalogue.
    Product(Product),
}

/// An order made from a catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// The shop's number of it.
    pub id: Option<String>,
    /// The shop.
    pub title: Option<String>,
    /// What the customer wrote along with it.
    pub message: Option<String>,
    /// How many things.
    pub items: Option<i64>,
    /// What it costs.
    pub total: Option<Money>,
}

/// Something for sale.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Product {
    /// What it is called.
    pub title: Option<String>,
    /// What it is like.
    pub description: Option<String>,
    /// What it costs.
    pub price: Option<Money>,
    /// The shop's own number of it.
    pub code: Option<String>,
    /// Its page.
    pub url: Option<String>,
    /// What the sender wrote about it.
    pub comment: Option<String>,
    /// Its picture.
    pub image: Option<Media>,
}

/// Money that changes hands through WhatsApp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// What happens.
    pub step: PaymentStep,
    /// How much.
    pub amount: Option<Money>,
    /// What for.
    pub comment: Option<String>,
    /// Until when.
    pub expires_at: Option<Timestamp>,
}

/// What happens with a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentStep {
    /// It is asked for.
    Requested,
    /// It was made.
    Sent,
    /// The request was turned down.
    Declined,
    /// The request was taken back.
    Cancelled,
    /// Somebody is invited to pay this way.
    Invited,
    /// There is an invoice.
    Invoiced,
}

/// Something to pay, with the ways of paying it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// The shop's number of it.
    pub reference: Option<String>,
    /// How much.
    pub total: Option<Money>,
    /// What for: name, how many, what each costs.
    pub items: Vec<BillItem>,
    /// Brazilian instant payment.
    pub pix: Vec<Pix>,
    /// A line of digits for the bank (boleto), or a page to pay on.
    pub codes: Vec<String>,
}

/// One line of a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillItem {
    /// What it is called.
    pub name: String,
    /// How many.
    pub quantity: Option<i64>,
    /// What each costs.
    pub price: Option<Money>,
}

/// How to pay somebody by PIX.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pix {
    /// Who is paid.
    pub merchant: Option<String>,
    /// Their key: a number, an address or a random code.
    pub key: Option<String>,
    /// What the key is: `CPF`, `CNPJ`, `PHONE`, `EMAIL`, `EVP`.
    pub key_type: Option<String>,
    /// The code to copy and paste.
    pub code: Option<String>,
}

impl Bill {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
