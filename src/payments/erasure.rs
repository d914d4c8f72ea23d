//! A client is erased, as far as payments know them: `clientes`, and Stripe's rows.

use serde_json::json;

pub use super::store::erasure::Person;
use super::store::{customers, erasure};
use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::erasure::{Erasure, Law, Open};
use crate::ground::values::ClientId;

/// Holds the client until the commit. None: there is none with this id.
pub async fn hold(work: &mut Work, client: ClientId) -> Result<Option<Person>, Failure> {
    erasure::hold(work, client).await
}

/// What needs the person still.
pub async fn open(work: &mut Work, person: &Person) -> Result<Vec<Open>, Failure> {
    let found = erasure::open(work, person).await?;
    let each = |what: &str, ids: Vec<String>, hint: &'static str| -> Vec<Open> {
        let open = |id| Open {
            what: format!("{what} {id}"),
            hint,
        };
        ids.into_iter().map(open).collect()
    };
    let services = found.services.iter().map(ToString::to_string).collect();
    Ok([
        each(
            "the service",
            services,
            "finish it and have it paid, or cancel it",
        ),
        each(
            "the payment",
            found.payments,
            "wait until it ends, or cancel it at Stripe",
        ),
        each("the refund", found.refunds, "wait until it arrives"),
        each(
            "the dispute",
            found.disputes,
            "wait until the bank has decided it",
        ),
        each("the subscription", found.subscriptions, "cancel it at Stripe"),
    ]
    .concat())
}

/// Every id of Stripe's and of ours that an event about the person names.
pub async fn ids(work: &mut Work, person: &Person) -> Result<Vec<String>, Failure> {
    let mut ids = erasure::ids(work, person).await?;
    ids.extend(person.services.iter().map(ToString::to_string));
    ids.push(person.client.to_string());
    Ok(ids)
}

/// Erases the person from `clientes`, `servicios` and `stripe.*`.
pub async fn erase(work: &mut Work, person: &Person) -> Result<Erasure, Failure> {
    let mut done = Erasure::default();
    let client = customers::erase(work, person.client).await?;
    done.removed(
        "name, mail address, telephone and login of the client",
        u64::from(client),
    );
    let rows = erasure::forget_at_stripe(work, person).await?;
    done.removed(
        "Stripe's objects: mail address, card, reasons and personal pages",
        rows,
    );
    let texts = erasure::forget_texts(work, person).await?;
    for service in &texts.removed {
        work.audit("servicio.texto_suprimido", "servicios", service, json!({}));
    }
    done.removed(
        "texts of services that were not paid, or whose time is over",
        texts.removed.len() as u64,
    );
    done.kept(
        "paid services, with amount, date and what was done",
        texts.kept,
        Law::Fiscal,
        texts.until,
    );
    done.kept(
        "Stripe's payments, with ids, amounts and dates",
        person.payments.len() as u64,
        Law::Fiscal,
        texts.until,
    );
    Ok(done)
}
