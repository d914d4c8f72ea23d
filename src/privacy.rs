//! A person's data are erased: each slice does its part in its own tables, in one unit of work; what needs the network is
//! done by jobs after the commit. What the law keeps stays, and is named.

use serde::Serialize;
use serde_json::json;

use crate::engine::erasure::{self, Traces};
use crate::engine::work::{Unit, Work};
use crate::engine::{Engine, Failure};
use crate::ground::erasure::{Erasure, Law, Open};
use crate::ground::values::ClientId;
use crate::notifications::{alerts, incidents};
use crate::payments::erasure::Person;
use crate::{contracts, invoicing, payments};

/// How an erasure ended, or would.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// There is no such client.
    Unknown,
    /// Something is open that needs the person: nothing was removed.
    Refused {
        /// What, and what to do about it.
        open: Vec<Open>,
    },
    /// It was done. When nothing was removed, it had been done before.
    Done {
        /// What went and what stays.
        #[serde(flatten)]
        erasure: Erasure,
        /// Where else the person is known.
        elsewhere: Vec<Elsewhere>,
    },
}

/// Where a person has to be erased by other means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Elsewhere {
    /// Where.
    pub place: &'static str,
    /// What to do there.
    pub what: String,
}

/// Erases a client, or with `dry_run` does all of it and takes it back.
pub async fn erase(engine: &Engine, client: ClientId, unit: Unit, dry_run: bool) -> Result<Outcome, Failure> {
    // The inbox is looked through before anything is held: it may be large. What comes meanwhile is found by a second
    // run, and is emptied with its time in any case.
    let traces = {
        let mut work = engine.begin(unit.clone()).await?;
        let Some(person) = payments::erasure::hold(&mut work, client).await? else {
            return Ok(Outcome::Unknown);
        };
        traces(&mut work, &person).await?
    };
    let concerned = erasure::concerned(&engine.pool, &traces).await?;

    let mut work = engine.begin(unit).await?;
    let Some(person) = payments::erasure::hold(&mut work, client).await? else {
        return Ok(Outcome::Unknown);
    };
    let mut open = payments::erasure::open(&mut work, &person).await?;
    open.extend(invoicing::erasure::open(&mut work, client).await?);
    open.extend(contracts::erasure::open(&mut work, client).await?);
    open.extend(concerned.underway.iter().map(|event| Open {
        what: format!("the event {event}"),
        hint: "it is being handled: wait, then run this again",
    }));
    if !open.is_empty() {
        return Ok(Outcome::Refused { open });
    }
    let theirs = contracts::erasure::theirs(&mut work, client).await?;
    let elsewhere = elsewhere(&person, &theirs.mifiel);
    let causes: Vec<String> = theirs
        .contracts
        .iter()
        .map(|it| incidents::of_declined(*it))
        .collect();

    let mut done = invoicing::erasure::erase(&mut work, client, &person.payments).await?;
    done.add(contracts::erasure::erase(&mut work, client).await?);
    let alerts = alerts::forget(&mut work, &causes, &traces.patterns()).await?;
    done.removed("texts of incidents", alerts);
    done.removed(
        "payloads of events",
        erasure::empty(&mut work, &concerned.done).await?,
    );
    let words = erasure::forget_words(&mut work, &traces).await?
        + erasure::forget_field(&mut work, "document", &theirs.mifiel, "reason").await?;
    done.removed("words of the person in reasons of failures and in jobs", words);
    // Last: the others look at what these rows say.
    done.add(payments::erasure::erase(&mut work, &person).await?);
    if !done.removed.is_empty() {
        let counts: serde_json::Map<_, _> = done
            .removed
            .iter()
            .map(|it| (it.what.to_owned(), json!(it.count)))
            .collect();
        work.audit(
            "cliente.suprimido",
            "clientes",
            client,
            json!({ "suprimido": counts }),
        );
    }
    done.kept(
        "rows of the audit log about the client, with ids only",
        1,
        Law::Accountability,
        None,
    );
    if !dry_run {
        work.commit().await?;
    }
    Ok(Outcome::Done {
        erasure: done,
        elsewhere,
    })
}

/// By what events and errors about the person are known.
async fn traces(work: &mut Work, person: &Person) -> Result<Traces, Failure> {
    let mut traces = Traces::default();
    traces.ids.extend(payments::erasure::ids(work, person).await?);
    traces
        .ids
        .extend(invoicing::erasure::ids(work, person.client, &person.payments).await?);
    let theirs = contracts::erasure::theirs(work, person.client).await?;
    traces
        .ids
        .extend(theirs.contracts.iter().map(ToString::to_string));
    traces.ids.extend(theirs.mifiel);
    traces.words = invoicing::erasure::contacts(work, person.client).await?;
    // Who was erased before has no name any more.
    if person.erased_at.is_none() {
        traces.words.push(person.name.clone());
        traces
            .words
            .extend([&person.email, &person.phone].into_iter().flatten().cloned());
    }
    Ok(traces)
}

/// What this program has no hand in.
fn elsewhere(person: &Person, mifiel: &[String]) -> Vec<Elsewhere> {
    let mut all = Vec::new();
    let mut add = |place, what: String| all.push(Elsewhere { place, what });
    for customer in &person.customers {
        add("Stripe", format!("delete the customer {customer}"));
    }
    add(
        "Gigstack",
        "ask for the client's fiscal data to be erased; the invoices stay for as long as the law demands"
            .to_owned(),
    );
    if !mifiel.is_empty() {
        add(
            "Mifiel",
            format!("delete what was not signed: {}", mifiel.join(", ")),
        );
    }
    add(
        "Supabase Auth",
        "delete the client's user, where there is one".to_owned(),
    );
    add(
        "mail",
        "delete the client's messages from the team's mailboxes and chat".to_owned(),
    );
    add(
        "backups",
        "they go with their own time; erase again after one was restored".to_owned(),
    );
    all
}
