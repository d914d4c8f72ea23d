//! Events of Mifiel: they happen at its simulator.

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Trigger, print};
use crate::cli::{Outcome, Usage, say};
use crate::dev::mifiel::{Account, Delivery, Draft, Event, Mifiel, Shape, Signature};
use crate::dev::simulator::delivery::Answer;
use crate::dev::stripe;
use crate::ground::clock::Clock;
use crate::ground::config::Settings;
use crate::tools::outbound;

/// Before a name of the vendor's.
const PROVIDER: &str = "mifiel:";

/// What a signer says who will not sign.
const REASON: &str = "El documento tiene un error";

/// An event, and whose shape its body has.
pub(super) type Named = (Event, Shape);

/// The event that a name means, if it is one of Mifiel's: the customer's name of it, or the vendor's own.
pub(super) fn named(name: &str) -> Option<Named> {
    match name.strip_prefix(PROVIDER) {
        Some(name) => Event::named(name).map(|event| (event, Shape::Account)),
        None => Event::customers(name).map(|event| (event, Shape::Customer)),
    }
}

/// Every name, with what it stands for.
pub(super) fn listed() -> Vec<(String, &'static str)> {
    let customers = Event::ALL.iter();
    let customers = customers.filter_map(|(event, about)| Some((event.customers_name()?.to_owned(), *about)));
    let own = Event::ALL.iter();
    let own = own.map(|(event, about)| (format!("{PROVIDER}{}", event.name()), *about));
    customers.chain(own).collect()
}

/// What the simulator tells of one event.
#[derive(Deserialize)]
struct Told {
    about: String,
    answers: Vec<Answer>,
}

impl Trigger {
    pub(super) async fn at_mifiel(&self, (event, shape): Named) -> anyhow::Result<Outcome> {
        if self.old_version {
            return Err(Usage("--old-version is about events of Stripe".to_owned()).into());
        }
        let name = match shape {
            Shape::Customer => event.customers_name().unwrap_or(event.name()),
            Shape::Account | Shape::Callback => event.name(),
        };
        let mut outcome = Outcome::Done;
        for _ in 0..self.times {
            let told = match &self.to {
                Some(to) => self.sign_elsewhere(event, shape, to).await?,
                None => self.let_sign(event, shape).await?,
            };
            for answer in &told.answers {
                let expected = if self.bad_signature { 400 } else { 200 };
                if answer.status != expected {
                    outcome = Outcome::FellShort;
                }
                print(&told.about, name, answer)?;
            }
        }
        if self.to.is_none() && !self.bad_signature {
            say("see what became of it: onlycar events list --provider mifiel")?;
        }
        Ok(outcome)
    }

    fn mifiels_delivery(&self, shape: Shape) -> Delivery {
        let delivery = if self.bad_signature {
            Delivery::forged()
        } else {
            Delivery::default()
        };
        Delivery {
            shape,
            duplicate: self.duplicate,
            ..delivery
        }
    }

    /// A new document, with what --set changes of it.
    fn draft(&self) -> anyhow::Result<Value> {
        let mut draft = serde_json::to_value(Draft::default())?;
        for assignment in &self.set {
            let (path, value) = assignment
                .split_once('=')
                .ok_or_else(|| Usage(format!("--set {assignment} has no =\nhint: --set external_id=…")))?;
            stripe::set_path(&mut draft, path, value).map_err(|error| Usage(format!("{error:#}")))?;
        }
        Ok(draft)
    }

    async fn let_sign(&self, event: Event, shape: Shape) -> anyhow::Result<Told> {
        let mifiel: String = self.dev.value("/simulators/mifiel")?;
        let draft = self.draft()?;
        let mut about = Value::Null;
        if !self.set.is_empty() {
            let made: Value = ask(&format!("{mifiel}/_sim/documents"), &draft).await?;
            about = made.get("id").cloned().unwrap_or_default();
        }
        let delivery = self.mifiels_delivery(shape);
        let happening = json!({ "kind": event, "about": about, "draft": draft, "deliver": delivery });
        let told: Vec<Told> = ask(&format!("{mifiel}/_sim/events"), &happening).await?;
        told.into_iter()
            .next()
            .context("the simulator of Mifiel told nothing")
    }

    /// An account that the server knows nothing of: it will ask its own Mifiel, and not find the document there.
    async fn sign_elsewhere(&self, event: Event, shape: Shape, to: &str) -> anyhow::Result<Told> {
        let secret = Settings::mifiel_signing_secret().ok_or_else(|| {
            Usage("--to needs the signing secret of that server\nhint: set MIFIEL_WEBHOOK_SECRET".to_owned())
        })?;
        let account = Account {
            seed: rand::random(),
            ..Account::new("", "")
        };
        let mifiel = Mifiel::new(account, Clock::system())?;
        let url = format!("{}/api/webhooks/mifiel", to.trim_end_matches('/'));
        mifiel.send_to(&url, &secret);
        let draft: Draft =
            serde_json::from_value(self.draft()?).map_err(|error| Usage(format!("--set: {error}")))?;
        let document = mifiel.create(draft);
        mifiel.happen(event, &document, None, REASON)?;
        let delivery = Delivery {
            signature: if self.bad_signature {
                Signature::Wrong
            } else {
                Signature::Right
            },
            ..self.mifiels_delivery(shape)
        };
        let answers = mifiel.deliver(event, &document.id, delivery).await;
        let answers = answers.map_err(|error| error.context("hint: is the server running?"))?;
        Ok(Told {
            about: document.id,
            answers,
        })
    }
}

async fn ask<T: serde::de::DeserializeOwned>(url: &str, body: &Value) -> anyhow::Result<T> {
    let told = outbound::client()?.post(url).json(body).send().await;
    let told = told.context("the simulator of Mifiel does not answer\nhint: is `onlycar dev` running?")?;
    if !told.status().is_success() {
        anyhow::bail!("{}hint: is `onlycar dev` running?", told.text().await?);
    }
    Ok(told.json().await?)
}
