//! What can happen in the team: receipts, stamps, cancellations.

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::delivery::Delivery;
use super::envelope::Event;
use super::order::{Order, Receiver};
use super::state::{Invoice, Receipt, State};
use super::{Account, Gigstack};
use crate::dev::cfdi;

impl Gigstack {
    /// Stamps an invoice; nobody is told.
    pub fn stamp(&self, order: Order) -> Invoice {
        let now = self.0.clock.now();
        stamp(&mut self.state(), &self.0.account, order, now)
    }

    /// What Gigstack's app in Stripe does by itself after a payment of so many centavos: stamps an invoice with what the
    /// payment notes, and tells `cfdi.created` once, in the usual way.
    pub async fn stripe_paid(
        &self,
        payment_intent: &str,
        amount: i64,
        metadata: Map<String, Value>,
    ) -> anyhow::Result<Invoice> {
        let invoice = self.stamp(Order {
            payment_intent: Some(payment_intent.to_owned()),
            metadata,
            ..Order::of(Decimal::new(amount, 2))
        });
        let delivery = self.delivery();
        self.deliver(Event::CfdiCreated, &invoice.id, delivery).await?;
        Ok(invoice)
    }

    /// Makes a receipt, as `POST /v1/invoices/self-service` does; nobody is told.
    pub fn receipt(&self, order: Order) -> Receipt {
        let now = self.0.clock.now();
        receipt(&mut self.state(), order, now)
    }

    /// What the portal does when its form is right: the receipt becomes an invoice, once. Nobody is told.
    pub fn complete(&self, receipt: &str, receiver: Receiver) -> anyhow::Result<Invoice> {
        let now = self.0.clock.now();
        let mut state = self.state();
        let found = state
            .receipt(receipt)
            .context("there is no such receipt")?
            .clone();
        if found.status != "open" {
            bail!("the receipt is {}", found.status);
        }
        let order = Order {
            items: found.items,
            receiver: Some(receiver),
            currency: found.currency,
            payment_form: found.payment_form,
            external_id: found.external_id,
            metadata: found.metadata,
            receipt_id: Some(found.id),
            ..Order::default()
        };
        let invoice = stamp(&mut state, &self.0.account, order, now);
        if let Some(kept) = state.receipt_mut(receipt) {
            kept.status = "completed";
            kept.invoice = Some(invoice.id.clone());
        }
        Ok(invoice)
    }

    /// Takes a receipt back: its customer can make no invoice of it any more.
    pub fn withdraw(&self, receipt: &str) -> anyhow::Result<()> {
        let mut state = self.state();
        let receipt = state.receipt_mut(receipt).context("there is no such receipt")?;
        if receipt.status == "completed" {
            bail!("the receipt was invoiced already");
        }
        receipt.status = "cancelled";
        Ok(())
    }

    /// Asks SAT to cancel an invoice, by SAT's motive. It is cancelled at once, unless the receiver is asked. Whether it
    /// is; nobody is told.
    pub fn cancel(&self, invoice: &str, motive: &str) -> anyhow::Result<bool> {
        let now = self.0.clock.now();
        let waits = self.habits().ask_receiver;
        let mut state = self.state();
        let invoice = state.invoice_mut(invoice).context("there is no such invoice")?;
        invoice
            .cancellation
            .get_or_insert_with(|| (now, motive.to_owned()));
        if !waits {
            invoice.status = "cancelled";
            invoice.cancelled_at.get_or_insert(now);
        }
        Ok(invoice.status == "cancelled")
    }

    /// The receiver agrees to a cancellation, or refuses it; nobody is told.
    pub fn receiver_answers(&self, invoice: &str, agrees: bool) -> anyhow::Result<()> {
        let now = self.0.clock.now();
        let mut state = self.state();
        let invoice = state.invoice_mut(invoice).context("there is no such invoice")?;
        if invoice.cancellation.is_none() {
            bail!("nobody asked to cancel it");
        }
        if agrees {
            invoice.status = "cancelled";
            invoice.cancelled_at.get_or_insert(now);
        } else {
            invoice.cancellation = None;
        }
        Ok(())
    }

    /// An invoice as it is now, by its id or its UUID.
    pub fn invoice(&self, name: &str) -> Option<Invoice> {
        self.state().invoice(name).cloned()
    }

    /// Every invoice, the oldest first.
    pub fn invoices(&self) -> Vec<Invoice> {
        self.state().invoices.clone()
    }

    /// Every receipt, the oldest first.
    pub fn receipts(&self) -> Vec<Receipt> {
        self.state().receipts.clone()
    }

    /// How webhooks go that follow by themselves.
    pub(super) fn delivery(&self) -> Delivery {
        self.habits().delivery
    }
}

pub(super) fn receipt(state: &mut State, order: Order, now: DateTime<Utc>) -> Receipt {
    let receipt = Receipt {
        id: state.new_id("receipt"),
        status: "open",
        items: order.items,
        currency: order.currency,
        payment_form: order.payment_form,
        external_id: order.external_id,
        metadata: order.metadata,
        created_at: now,
        invoice: None,
    };
    state.receipts.push(receipt.clone());
    receipt
}

pub(super) fn stamp(state: &mut State, account: &Account, order: Order, now: DateTime<Utc>) -> Invoice {
    let uuid = state.new_uuid();
    let invoice = Invoice {
        id: state.new_id("invoice"),
        uuid,
        status: "stamped",
        created_at: now,
        cancellation: None,
        cancelled_at: None,
        cfdi: document(uuid, state.next_folio(), account, &order, now),
        order,
    };
    state.invoices.push(invoice.clone());
    invoice
}

/// The invoice as SAT wants it.
fn document(uuid: Uuid, folio: usize, account: &Account, order: &Order, now: DateTime<Utc>) -> cfdi::Invoice {
    let issuer = &account.issuer;
    let public = Receiver::public(&issuer.postal_code);
    let receiver = order.receiver.as_ref().unwrap_or(&public);
    let party = |rfc: &str, nombre: &str, regimen: &str| cfdi::Party {
        rfc: rfc.to_owned(),
        nombre: nombre.to_owned(),
        regimen: regimen.to_owned(),
    };
    let conceptos = order.items.iter().map(|item| {
        // The concepts of a global invoice bear the sale's id and say nothing else of it.
        let description = order.global.as_ref().map_or(&*item.description, |_| "Venta");
        cfdi::Line::paid(item.id.as_deref(), description, item.total, account.vat)
    });
    cfdi::Invoice {
        serie: Some(if order.global.is_some() { "G" } else { "A" }.to_owned()),
        folio: Some(folio.to_string()),
        tipo: order.kind,
        moneda: order.currency.clone(),
        forma_pago: Some(order.payment_form.clone()),
        lugar_expedicion: issuer.postal_code.clone(),
        domicilio_receptor: Some(receiver.postal_code.clone()),
        uso_cfdi: Some(receiver.use_of_cfdi.clone()),
        conceptos: conceptos.collect(),
        global: order.global.as_ref().map(|period| cfdi::Global {
            periodicidad: period.periodicity.clone(),
            meses: period.month.clone(),
            anio: period.year,
        }),
        ..cfdi::Invoice::new(
            uuid,
            now,
            party(&issuer.rfc, &issuer.name, &issuer.regime),
            party(&receiver.rfc, &receiver.name, &receiver.regime),
        )
    }
}
