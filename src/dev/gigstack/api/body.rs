//! What the API is asked to make, read as tolerantly as its callers write, and judged as strictly as SAT.

use axum::http::HeaderMap;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::answers::Refused;
use super::super::order::{Item, Order, Period, Receiver};
use super::super::render::put;

/// SAT's forms of payment.
const FORMS: [&str; 22] = [
    "01", "02", "03", "04", "05", "06", "08", "12", "13", "14", "15", "17", "23", "24", "25", "26", "27",
    "28", "29", "30", "31", "99",
];

/// The body of a question that makes something.
#[derive(Deserialize)]
pub(super) struct Asked {
    idempotency_key: Option<String>,
    external_id: Option<String>,
    #[serde(default = "pesos")]
    currency: String,
    payment_form: Option<String>,
    #[serde(default)]
    items: Vec<AskedItem>,
    #[serde(default)]
    client: Value,
    #[serde(default)]
    metadata: Map<String, Value>,
    #[serde(default)]
    global: Value,
}

fn pesos() -> String {
    "MXN".to_owned()
}

/// Amounts include IVA.
#[derive(Deserialize)]
struct AskedItem {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(default = "one")]
    quantity: Decimal,
    unit_price: Option<Decimal>,
    total: Option<Decimal>,
}

fn one() -> Decimal {
    Decimal::ONE
}

/// The header's or the body's key; two that differ are refused.
pub(super) fn idempotency_key(headers: &HeaderMap, asked: &Asked) -> Result<Option<String>, Refused> {
    let header = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    match (header, asked.idempotency_key.as_deref()) {
        (Some(one), Some(other)) if one != other => Err(Refused::invalid(
            "The idempotency key of the header is not that of the body",
        )),
        (one, other) => Ok(one.or(other).map(str::to_owned)),
    }
}

impl Asked {
    pub(super) fn read(json: &Value) -> Result<Self, Refused> {
        Self::deserialize(json).map_err(|error| Refused::invalid(error.to_string()))
    }

    pub(super) fn is_global(&self) -> bool {
        !self.global.is_null()
    }

    /// The invoice of a period, for the public.
    pub(super) fn global_order(&self) -> Result<Order, Refused> {
        let mut global = self.global.clone();
        // The year comes as a number and as text.
        if let Some(year) = global.get("year").and_then(Value::as_str) {
            let year: i32 = year
                .parse()
                .map_err(|_| Refused::invalid("global.year is no year"))?;
            put(&mut global, "year", year.into());
        }
        let wrong = |error: serde_json::Error| Refused::invalid(format!("global: {error}"));
        let period: Period = serde_json::from_value(global).map_err(wrong)?;
        let month = period
            .month
            .parse()
            .ok()
            .filter(|month| (1..=12_u8).contains(month));
        if period.month.len() != 2 || month.is_none() {
            return Err(Refused::invalid("global.month must be 01 to 12"));
        }
        if !["01", "02", "03", "04"].contains(&&*period.periodicity) {
            return Err(Refused::invalid("global.periodicity must be 01, 02, 03 or 04"));
        }
        let mut ids: Vec<_> = self.items.iter().map(|item| item.id.as_deref()).collect();
        ids.sort_unstable();
        if ids.contains(&None) || ids.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(Refused::invalid(
                "every item of a global invoice needs an id of its own",
            ));
        }
        Ok(Order {
            global: Some(period),
            ..self.order(None)?
        })
    }

    /// The invoice or receipt of these items.
    pub(super) fn order(&self, receiver: Option<Receiver>) -> Result<Order, Refused> {
        if self.items.is_empty() {
            return Err(Refused::invalid("items must not be empty"));
        }
        let form = self.payment_form.as_deref();
        let form = form.ok_or_else(|| Refused::invalid("payment_form is required"))?;
        if !FORMS.contains(&form) {
            return Err(Refused::invalid(
                "payment_form is not in SAT's catalogue c_FormaPago",
            ));
        }
        if !self.currency.eq_ignore_ascii_case("MXN") {
            return Err(Refused::invalid("currency must be MXN"));
        }
        Ok(Order {
            items: self.items.iter().map(AskedItem::item).collect::<Result<_, _>>()?,
            receiver,
            global: None,
            kind: 'I',
            currency: self.currency.to_uppercase(),
            payment_form: form.to_owned(),
            external_id: self.external_id.clone(),
            metadata: self.metadata.clone(),
            receipt_id: None,
            payment_intent: None,
        })
    }

    /// Whom an invoice that is no global one is for.
    pub(super) fn receiver(&self) -> Result<Receiver, Refused> {
        let text = |names: &[&str]| {
            let told = names.iter().find_map(|name| self.client.get(name)?.as_str());
            let wrong = || Refused::invalid(format!("client.{} is required", names.join(" or ")));
            told.map(str::to_owned).ok_or_else(wrong)
        };
        Ok(Receiver {
            rfc: text(&["tax_id", "rfc"])?,
            name: text(&["legal_name", "name"])?,
            regime: text(&["tax_system", "regime"])?,
            postal_code: text(&["zip", "postal_code"])?,
            use_of_cfdi: text(&["use", "use_of_cfdi"])?,
        })
    }
}

impl AskedItem {
    fn item(&self) -> Result<Item, Refused> {
        let product = self.unit_price.map(|price| price * self.quantity);
        let total = match (self.total, product) {
            (Some(total), Some(product)) if total != product => {
                return Err(Refused::invalid(
                    "an item's total is not quantity times unit_price",
                ));
            }
            (total, product) => total.or(product),
        };
        let total = total.filter(|total| *total > Decimal::ZERO && total.normalize().scale() <= 2);
        Ok(Item {
            id: self.id.clone(),
            description: self.description.clone(),
            total: total
                .ok_or_else(|| Refused::invalid("an item's total must be a positive amount in centavos"))?,
        })
    }
}
