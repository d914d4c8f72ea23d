//! Events of Gigstack: they happen at its simulator.

use anyhow::Context;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Trigger, about_the_last_payment, print, sample};
use crate::cli::{Outcome, Usage, say};
use crate::dev::gigstack::{Account, Delivery, Event, Gigstack, Order, key};
use crate::dev::simulator::delivery::Answer;
use crate::dev::stripe::{self, KINDS, Sample};
use crate::ground::clock::Clock;
use crate::ground::config::{Issuer, Settings};
use crate::tools::outbound;

/// Before a name that Stripe has too.
const PROVIDER: &str = "gigstack:";

fn is_stripes_too(name: &str) -> bool {
    KINDS.iter().any(|(known, _)| *known == name)
}

/// The event that a name means, if it is one of Gigstack's.
pub(super) fn named(name: &str) -> Option<Event> {
    match name.strip_prefix(PROVIDER) {
        Some(name) => Event::named(name),
        None => Event::named(name).filter(|_| !is_stripes_too(name)),
    }
}

/// The name that means it and nothing else.
pub(super) fn listed(event: Event) -> String {
    let provider = if is_stripes_too(event.name()) {
        PROVIDER
    } else {
        ""
    };
    format!("{provider}{}", event.name())
}

/// What the simulator tells of one event.
#[derive(Deserialize)]
struct Told {
    id: String,
    answers: Vec<Answer>,
}

impl Trigger {
    pub(super) async fn at_gigstack(&self, event: Event) -> anyhow::Result<Outcome> {
        if self.old_version {
            return Err(Usage("--old-version is about events of Stripe".to_owned()).into());
        }
        let mut outcome = Outcome::Done;
        for _ in 0..self.times {
            let told = match &self.to {
                Some(to) => self.send_straight(event, to).await?,
                None => self.let_happen(event).await?,
            };
            for answer in &told.answers {
                let expected = if self.bad_signature { 400 } else { 200 };
                if answer.status != expected {
                    outcome = Outcome::FellShort;
                }
                print(&told.id, event.name(), answer)?;
            }
        }
        if self.to.is_none() && !self.bad_signature {
            say("see what became of it: onlycar events show <the evt_… above>")?;
        }
        Ok(outcome)
    }

    fn delivery(&self) -> Delivery {
        Delivery {
            duplicate: self.duplicate,
            bad_signature: self.bad_signature,
            ..Delivery::default()
        }
    }

    /// The order with what --set changes of it.
    fn set_in(&self, order: &Order) -> anyhow::Result<Value> {
        let mut order = serde_json::to_value(order)?;
        for assignment in &self.set {
            let (path, value) = assignment.split_once('=').ok_or_else(|| {
                Usage(format!(
                    "--set {assignment} has no =\nhint: --set items.0.total=900"
                ))
            })?;
            stripe::set_path(&mut order, path, value).map_err(|error| Usage(format!("{error:#}")))?;
        }
        Ok(order)
    }

    async fn let_happen(&self, event: Event) -> anyhow::Result<Told> {
        let client = outbound::client()?;
        let database = self.database().await?;
        let mut about = sample(&database).await?;
        if event == Event::CfdiCreated {
            let stripe = self.dev.value("/simulators/stripe")?;
            about = about_the_last_payment(about, &client, &stripe).await?;
        }
        let order = self.set_in(&order(event, about))?;
        let gigstack = self.dev.value("/simulators/gigstack")?;
        let asked = json!({ "kind": event, "order": order, "deliver": self.delivery() });
        let request = client.post(format!("{gigstack}/_sim/events")).json(&asked);
        let told = request
            .send()
            .await
            .context("the simulator of Gigstack does not answer\nhint: is `onlycar dev` running?")?;
        if !told.status().is_success() {
            anyhow::bail!("{}hint: is `onlycar dev` running?", told.text().await?);
        }
        let told: Vec<Told> = told.json().await?;
        told.into_iter()
            .next()
            .context("the simulator of Gigstack told nothing")
    }

    /// A team that the server knows nothing of: it will ask its own Gigstack, and not find it there.
    async fn send_straight(&self, event: Event, to: &str) -> anyhow::Result<Told> {
        let secret = Settings::gigstack_signing_secret().ok_or_else(|| {
            Usage(
                "--to needs the signing secret of that server\nhint: set GIGSTACK_WEBHOOK_SECRET".to_owned(),
            )
        })?;
        let issuer = Issuer {
            rfc: "EKU9003173C9".to_owned(),
            name: "ESCUELA KEMPER URGATE".to_owned(),
            regime: "612".to_owned(),
            postal_code: "88000".to_owned(),
        };
        let account = Account {
            seed: rand::random(),
            ..Account::new(&key(false), issuer)
        };
        let gigstack = Gigstack::new(account, Clock::system())?;
        gigstack.send_to(to, &secret);
        let order = self.set_in(&order(event, Sample::default()))?;
        let order = serde_json::from_value(order).map_err(|error| Usage(format!("--set: {error}")))?;
        let subject = gigstack.happen(event, None, order)?;
        let answers = gigstack.deliver(event, &subject, self.delivery()).await;
        let answers = answers.map_err(|error| error.context("hint: is the server running?"))?;
        let sent = gigstack.sent();
        let id = sent.last().map(|sent| sent.id.clone()).unwrap_or_default();
        Ok(Told { id, answers })
    }
}

/// What is invoiced: a service, or the payment of one.
fn order(event: Event, about: Sample) -> Order {
    let order = Order::of(Decimal::new(about.amount, 2));
    let payment = about.payment_intent_id.filter(|_| event == Event::CfdiCreated);
    let order = Order {
        external_id: about.service_id.clone(),
        payment_intent: payment,
        ..order
    };
    // Gigstack's app passes on what the payment at Stripe notes; our own questions note it by another name.
    let name = if event == Event::CfdiCreated {
        "service_id"
    } else {
        "servicio_id"
    };
    match about.service_id {
        Some(service) => order.noting(name, &service),
        None => order,
    }
}
