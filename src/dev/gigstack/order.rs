//! What is to be invoiced, and to whom.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One thing sold. What is paid for it includes IVA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The folio of the sale: `NoIdentificacion`.
    #[serde(default)]
    pub id: Option<String>,
    /// What it is.
    pub description: String,
    /// What is paid for all of it.
    pub total: Decimal,
}

/// Whom an invoice is for. Only its files and the vendor's `client` tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receiver {
    /// The tax id.
    pub rfc: String,
    /// The name as SAT has it.
    pub name: String,
    /// A code of c_RegimenFiscal.
    pub regime: String,
    /// Where the receiver is taxed.
    pub postal_code: String,
    /// A code of c_UsoCFDI.
    #[serde(rename = "use")]
    pub use_of_cfdi: String,
}

impl Receiver {
    /// Nobody: the receiver of a global invoice, which is taxed where it is issued.
    pub fn public(postal_code: &str) -> Self {
        Self {
            rfc: "XAXX010101000".to_owned(),
            name: "PUBLICO EN GENERAL".to_owned(),
            regime: "616".to_owned(),
            postal_code: postal_code.to_owned(),
            use_of_cfdi: "S01".to_owned(),
        }
    }

    /// A person of SAT's own test data.
    pub fn sample() -> Self {
        Self {
            rfc: "XOJI740919U48".to_owned(),
            name: "INGRID XODAR JIMENEZ".to_owned(),
            regime: "612".to_owned(),
            postal_code: "76028".to_owned(),
            use_of_cfdi: "G03".to_owned(),
        }
    }
}

/// The period of a global invoice, in SAT's codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// 04 is a month.
    pub periodicity: String,
    /// 01 to 12.
    #[serde(alias = "months")]
    pub month: String,
    /// As in 2026.
    pub year: i32,
}

/// An invoice to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Order {
    /// What is sold.
    pub items: Vec<Item>,
    /// Whom it is for; `None` is the public.
    pub receiver: Option<Receiver>,
    /// The period, which makes it a global invoice.
    pub global: Option<Period>,
    /// `TipoDeComprobante`: I, or E for a credit note.
    pub kind: char,
    /// As in MXN.
    pub currency: String,
    /// SAT's code of the form of payment.
    pub payment_form: String,
    /// The caller's own id of it.
    pub external_id: Option<String>,
    /// What the caller noted.
    pub metadata: Map<String, Value>,
    /// The receipt that its customer made it from.
    pub receipt_id: Option<String>,
    /// The payment at Stripe that it follows.
    pub payment_intent: Option<String>,
}

/// A service of 1,500.00 MXN, paid by card, for SAT's sample person.
impl Default for Order {
    fn default() -> Self {
        Self {
            items: vec![Item {
                id: None,
                description: "Servicio de mantenimiento automotriz".to_owned(),
                total: Decimal::new(150_000, 2),
            }],
            receiver: Some(Receiver::sample()),
            global: None,
            kind: 'I',
            currency: "MXN".to_owned(),
            payment_form: "04".to_owned(),
            external_id: None,
            metadata: Map::new(),
            receipt_id: None,
            payment_intent: None,
        }
    }
}

impl Order {
    /// The default one at another price.
    pub fn of(total: Decimal) -> Self {
        let mut order = Self::default();
        for item in &mut order.items {
            item.total = total;
        }
        order
    }

    /// What is paid for all of it.
    pub fn total(&self) -> Decimal {
        self.items.iter().map(|item| item.total).sum()
    }

    /// The same with something noted, as in `servicio_id`.
    #[must_use]
    pub fn noting(mut self, name: &str, value: &str) -> Self {
        self.metadata.insert(name.to_owned(), value.into());
        self
    }
}
