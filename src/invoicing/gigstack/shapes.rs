//! Gigstack's objects as we need them, read leniently: field names differ between its versions.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use url::{Host, Url};
use uuid::Uuid;

/// Where an invoice stands at Gigstack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Not stamped yet: a draft, or on its way.
    Pending,
    /// Stamped and valid.
    Stamped,
    /// Cancelled at the SAT.
    Cancelled,
    /// It came to nothing.
    Failed,
}

/// An invoice.
#[derive(Clone, Debug)]
pub struct Invoice {
    /// Gigstack's id.
    pub id: String,
    /// The UUID of the SAT, once it is stamped.
    pub uuid: Option<Uuid>,
    /// Where it stands.
    pub status: Status,
    /// Whether it is a real one, when Gigstack says so.
    pub livemode: Option<bool>,
    /// What it is about.
    pub total: Option<Decimal>,
    /// In which currency.
    pub currency: Option<String>,
    /// `metadata.servicio_id`: our service.
    pub service: Option<Uuid>,
    /// Stripe's payment that it was made for.
    pub payment: Option<String>,
    /// Whether Gigstack's app in Stripe made it, after a payment there.
    pub by_stripe: bool,
    /// `metadata.solicitud_id`: the request of ours that it answers.
    pub request: Option<Uuid>,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was cancelled.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// The receipt that it was made from.
    pub receipt: Option<String>,
    /// `metadata.periodo` of a global invoice.
    pub period: Option<String>,
}

impl Invoice {
    /// Reads the object, with or without the envelope `{message, data}`. None: it has no id.
    pub fn of(answer: &Value) -> Option<Self> {
        let object = answer
            .get("data")
            .filter(|data| data.is_object())
            .unwrap_or(answer);
        let text = |paths: &[&str]| {
            let found = paths.iter().find_map(|path| object.pointer(path)?.as_str());
            found
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let uuid = text(&[
            "/uuid_sat",
            "/fiscal_uuid",
            "/uuid",
            "/folio_fiscal",
            "/stamp/uuid",
        ]);
        let uuid = uuid
            .and_then(|text| text.parse::<Uuid>().ok())
            .filter(|uuid| !uuid.is_nil());
        Some(Self {
            id: text(&["/id", "/invoice_id", "/uuid"])?,
            uuid,
            status: status(&text(&["/status"]).unwrap_or_default()),
            livemode: object.get("livemode").and_then(Value::as_bool),
            total: object.get("total").and_then(decimal),
            currency: text(&["/currency", "/moneda"]).map(|currency| currency.to_uppercase()),
            service: text(&["/metadata/servicio_id", "/metadata/service_id", "/external_id"])
                .and_then(|text| text.parse().ok()),
            by_stripe: object.get("stripe").is_some_and(|stripe| !stripe.is_null()),
            payment: text(&[
                "/metadata/payment_intent",
                "/metadata/stripe_payment_intent",
                "/metadata/stripe_payment_intent_id",
                "/stripe/payment_intent",
                "/payment_intent",
                "/payment_id",
            ])
            .filter(|payment| payment.starts_with("pi_")),
            request: text(&["/metadata/solicitud_id"]).and_then(|text| text.parse().ok()),
            created_at: ["/created_at", "/created"]
                .iter()
                .find_map(|path| super::envelope::time(object.pointer(path)?)),
            cancelled_at: ["/cancelled_at", "/canceled_at", "/cancellation/cancelled_at"]
                .iter()
                .find_map(|path| super::envelope::time(object.pointer(path)?)),
            receipt: text(&["/receipt_id", "/receipt", "/metadata/receipt_id"]),
            period: text(&["/metadata/periodo"]),
        })
    }
}

/// Whether a page may be shown and mailed to a client: by TLS, or on this machine (a simulator). A link that runs a script,
/// or that a mail would break in two, is none.
fn is_page(text: &str) -> bool {
    let here = |url: &Url| match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    text.len() <= 2000
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && Url::parse(text).is_ok_and(|url| url.scheme() == "https" || url.scheme() == "http" && here(&url))
}

fn status(text: &str) -> Status {
    match text.to_lowercase().as_str() {
        "stamped" | "valid" | "vigente" | "issued" | "completed" => Status::Stamped,
        "cancelled" | "canceled" | "cancelada" => Status::Cancelled,
        "failed" | "error" => Status::Failed,
        _ => Status::Pending,
    }
}

/// A number without going through a float: JSON's own digits.
fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// A receipt: what a client makes the own invoice from, in Gigstack's portal.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Gigstack's id.
    pub id: String,
    /// The portal's page.
    pub url: Option<String>,
    /// The invoice that was made from it, by Gigstack's id or its UUID.
    pub invoice: Option<String>,
}

impl Receipt {
    /// Reads the object, with or without the envelope.
    pub fn of(answer: &Value) -> Option<Self> {
        let object = answer
            .get("data")
            .filter(|data| data.is_object())
            .unwrap_or(answer);
        let text = |paths: &[&str]| {
            paths
                .iter()
                .find_map(|path| object.pointer(path)?.as_str())
                .map(str::to_owned)
        };
        Some(Self {
            id: text(&["/id", "/receipt_id"])?,
            url: text(&["/url", "/self_invoice_url", "/portal_url"]).filter(|url| is_page(url)),
            invoice: text(&[
                "/invoice_id",
                "/invoices/0/id",
                "/invoices/0/uuid",
                "/invoices/0",
                "/invoice/id",
            ]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::is_page;

    #[test]
    fn a_link_for_a_client_is_a_page_by_tls() {
        for (text, fine) in [
            ("https://portal.gigstack.io/r/1?a=b", true),
            ("http://127.0.0.1:8080/r/1", true),
            ("http://portal.gigstack.io/r/1", false),
            ("http://127.0.0.1.evil.example/", false),
            ("javascript:alert(1)", false),
            ("httpx://portal.gigstack.io", false),
            ("https://portal.gigstack.io/\r\nBcc: a@b", false),
            ("https://portal.gigstack.io/\u{202e}", false),
            ("https://", false),
        ] {
            assert_eq!(is_page(text), fine, "{text}");
        }
    }
}
