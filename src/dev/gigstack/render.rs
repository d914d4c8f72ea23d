//! Receipts and invoices as the API and the webhooks tell them.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Gigstack;
use super::order::Item;
use super::state::{Invoice, Receipt, State};

/// An amount as JSON has it, in pesos.
pub(super) fn amount(amount: Decimal) -> Value {
    serde_json::from_str(&amount.normalize().to_string()).unwrap_or_default()
}

/// Adds a field.
pub(super) fn put(json: &mut Value, field: &str, value: Value) {
    if let Some(fields) = json.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

fn items(items: &[Item]) -> Value {
    let item = |item: &Item| {
        json!({
            "id": item.id,
            "description": item.description,
            "quantity": 1,
            "unit_price": amount(item.total),
            "total": amount(item.total),
            "product_key": "78181500",
            "unit_key": "E48",
        })
    };
    items.iter().map(item).collect()
}

impl Gigstack {
    /// The whole invoice.
    pub(super) fn invoice_json(&self, invoice: &Invoice) -> Value {
        let order = &invoice.order;
        let document = &invoice.cfdi;
        let cancellation = invoice.cancellation.as_ref().map(|(at, motive)| {
            let status = if invoice.cancelled_at.is_some() {
                "accepted"
            } else {
                "pending"
            };
            json!({ "requested_at": at.timestamp(), "motive": motive, "status": status })
        });
        let mut json = json!({
            "id": invoice.id,
            "uuid": invoice.uuid,
            "status": invoice.status,
            "livemode": self.0.livemode,
            "currency": order.currency,
            "exchange_rate": 1,
            "subtotal": amount(document.subtotal()),
            "taxes": amount(document.total() - document.subtotal()),
            "discount": 0,
            "total": amount(document.total()),
            "series": document.serie,
            "folio_number": document.folio.as_deref().and_then(|folio| folio.parse::<u64>().ok()),
            "invoice_type": order.kind,
            "payment_method": document.metodo_pago,
            "payment_form": order.payment_form,
            "items": items(&order.items),
            "created_at": invoice.created_at.timestamp(),
            "external_id": order.external_id,
            "metadata": order.metadata,
            "receipt_id": order.receipt_id,
            "stripe": order.payment_intent.as_ref().map(|payment| json!({ "payment_intent": payment })),
            "global": order.global.as_ref().map(|period| json!({
                "periodicity": period.periodicity, "month": period.month, "months": period.month, "year": period.year,
            })),
            "cancellation": cancellation,
            "cancelled_at": invoice.cancelled_at.map(|at| at.timestamp()),
        });
        if let Some(client) = self.client_json(invoice) {
            put(&mut json, "client", client);
        }
        json
    }

    /// The receiver, where the team's habit is to tell.
    pub(super) fn client_json(&self, invoice: &Invoice) -> Option<Value> {
        let receiver = invoice.order.receiver.as_ref();
        let receiver = receiver.filter(|_| self.habits().tell_client)?;
        Some(json!({
            "id": format!("client_{}", invoice.id.trim_start_matches("invoice_")),
            "name": receiver.name,
            "legal_name": receiver.name,
            "tax_id": receiver.rfc,
            "rfc": receiver.rfc,
        }))
    }

    /// The whole receipt.
    pub(super) fn receipt_json(&self, state: &State, receipt: &Receipt) -> Value {
        let invoice = receipt.invoice.as_deref().and_then(|id| state.invoice(id));
        let invoices: Vec<Value> = invoice
            .iter()
            .map(|invoice| json!({ "id": invoice.id, "uuid": invoice.uuid }))
            .collect();
        json!({
            "id": receipt.id,
            "status": receipt.status,
            "url": self.portal_url(&receipt.id),
            "livemode": self.0.livemode,
            "currency": receipt.currency,
            "total": amount(receipt.total()),
            "payment_form": receipt.payment_form,
            "items": items(&receipt.items),
            "created_at": receipt.created_at.timestamp(),
            "external_id": receipt.external_id,
            "metadata": receipt.metadata,
            "invoices": invoices,
        })
    }

    /// Where the customer makes the invoice.
    pub fn portal_url(&self, receipt: &str) -> String {
        format!("{}/autofactura?id={receipt}", self.habits().address)
    }
}
