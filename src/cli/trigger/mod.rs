//! `onlycar trigger`

mod gigstack;
mod mifiel;

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use super::database::DevFolder;
use super::{Outcome, Usage, say};
use crate::dev::gigstack::Event;
use crate::dev::simulator::delivery::Answer;
use crate::dev::stripe::{self, KINDS, Sample};
use crate::ground::clock::Clock;
use crate::ground::config::Settings;
use crate::tools::outbound;

/// How long the database of `dev` may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Send a realistic, correctly signed event to a running server
///
/// Happens at the simulated Stripe, Gigstack or Mifiel of this folder's `onlycar dev`, which delivers it: about the next
/// service that waits for payment, or, for refunds, disputes and invoices of payments, the last that was paid; of Mifiel,
/// about the last document that waits for a signature. gigstack: or mifiel: before a name means the provider's own event.
/// With --to it goes straight to another server, signed with the first secret of STRIPE_WEBHOOK_SECRET,
/// GIGSTACK_WEBHOOK_SECRET or MIFIEL_WEBHOOK_SECRET.
///
/// Example: onlycar trigger payment_intent.succeeded --set amount=99900
#[derive(Args)]
#[allow(clippy::struct_excessive_bools)] // each is a switch of the command line
pub struct Trigger {
    /// What happened; --list names all
    #[arg(required_unless_present = "list")]
    event: Option<String>,
    /// Name every event there is
    #[arg(long)]
    list: bool,
    /// Change a value of the event (of Gigstack: of what is invoiced; of Mifiel: of a new document), as in
    /// metadata.service_id=…; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// How many different events
    #[arg(long, default_value_t = 1)]
    times: u32,
    /// Send each event twice, as Stripe sometimes does
    #[arg(long)]
    duplicate: bool,
    /// Sign with a wrong secret; the server should answer 400
    #[arg(long)]
    bad_signature: bool,
    /// Render it as a Stripe account with an API version of before 2025-03-31 gets it
    #[arg(long)]
    old_version: bool,
    /// Another server, as in https://staging.onlycar.mx
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    #[command(flatten)]
    dev: DevFolder,
}

/// Where events go.
enum Target {
    /// Straight to a server, signed with its secret.
    Server { url: String, secret: String },
    /// To the Stripe of `dev`, which delivers them: so the event and its object exist there too.
    Simulator {
        url: String,
        /// The database of `dev`, to find a service that waits for payment.
        database: PgPool,
    },
}

impl Trigger {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let Some(kind) = self.event.as_deref().filter(|_| !self.list) else {
            for (name, about) in KINDS {
                say(format!("{name:36} {about}"))?;
            }
            for (event, about) in Event::ALL {
                say(format!("{:36} {about}", gigstack::listed(event)))?;
            }
            for (name, about) in mifiel::listed() {
                say(format!("{name:36} {about}"))?;
            }
            return Ok(Outcome::Done);
        };
        if let Some(event) = mifiel::named(kind) {
            return self.at_mifiel(event).await;
        }
        if let Some(event) = gigstack::named(kind) {
            return self.at_gigstack(event).await;
        }
        let target = self.target().await?;
        let client = outbound::client()?;
        let mut outcome = Outcome::Done;
        for _ in 0..self.times {
            let event = self.event(kind, &target, &client).await?;
            for answer in self.send(&client, &target, &event).await? {
                let expected = if self.bad_signature { 400 } else { 200 };
                if answer.status != expected {
                    outcome = Outcome::FellShort;
                }
                let text = |field: &str| event.get(field).and_then(Value::as_str).unwrap_or("-");
                print(text("id"), text("type"), &answer)?;
            }
        }
        if self.to.is_none() && !self.bad_signature {
            say("see what became of it: onlycar events show <the evt_… above>")?;
        }
        Ok(outcome)
    }

    async fn target(&self) -> anyhow::Result<Target> {
        if let Some(to) = &self.to {
            let secret = Settings::stripe_signing_secret().ok_or_else(|| {
                Usage(
                    "--to needs the signing secret of that server\nhint: set STRIPE_WEBHOOK_SECRET"
                        .to_owned(),
                )
            })?;
            let url = format!("{}/api/webhooks/stripe", to.trim_end_matches('/'));
            return Ok(Target::Server { url, secret });
        }
        Ok(Target::Simulator {
            url: self.dev.value("/simulators/stripe")?,
            database: self.database().await?,
        })
    }

    /// The database of `dev`. A pool of sqlx's that nobody answers tries for half a minute unless told otherwise.
    async fn database(&self) -> anyhow::Result<PgPool> {
        let options = PgPoolOptions::new().acquire_timeout(PATIENCE);
        let database = options.connect(&self.dev.value("/database_url")?).await;
        database.context("the database of `onlycar dev` does not answer\nhint: is it still running?")
    }

    async fn event(&self, kind: &str, target: &Target, client: &reqwest::Client) -> anyhow::Result<Value> {
        let sample = match target {
            Target::Server { .. } => Sample::default(),
            Target::Simulator { url, database } => {
                let sample = sample(database).await?;
                if follows_a_payment(kind) {
                    about_the_last_payment(sample, client, url).await?
                } else {
                    sample
                }
            }
        };
        let event = stripe::event(kind, &sample, Clock::system().now());
        let mut event =
            event.ok_or_else(|| Usage(format!("there is no event {kind}\nhint: onlycar trigger --list")))?;
        if self.old_version {
            event = stripe::old_shape(event);
        }
        for assignment in &self.set {
            let (path, value) = assignment.split_once('=').ok_or_else(|| {
                Usage(format!(
                    "--set {assignment} has no =\nhint: --set metadata.service_id=…"
                ))
            })?;
            stripe::set_path(&mut event, path, value).map_err(|error| Usage(format!("{error:#}")))?;
        }
        Ok(event)
    }

    /// Sends it, or has it sent; what the server answered.
    async fn send(
        &self,
        client: &reqwest::Client,
        target: &Target,
        event: &Value,
    ) -> anyhow::Result<Vec<Answer>> {
        let (url, secret) = match target {
            Target::Server { url, secret } => (url, secret),
            Target::Simulator { url, .. } => return self.have_sent(client, url, event).await,
        };
        let body = stripe::body(event);
        let secret = if self.bad_signature { "whsec_wrong" } else { secret };
        let mut answers = Vec::new();
        for _ in 0..=u8::from(self.duplicate) {
            let signature = stripe::sign(secret, Clock::system().now(), &body);
            let request = client
                .post(url)
                .header("content-type", "application/json; charset=utf-8")
                .header("stripe-signature", signature);
            let answer = request.body(body.clone()).send().await;
            let answer =
                answer.with_context(|| format!("{url} does not answer\nhint: is the server running?"))?;
            answers.push(Answer {
                status: answer.status().as_u16(),
                body: answer.text().await?,
            });
        }
        Ok(answers)
    }

    async fn have_sent(
        &self,
        client: &reqwest::Client,
        simulator: &str,
        event: &Value,
    ) -> anyhow::Result<Vec<Answer>> {
        let delivery = json!({ "duplicate": self.duplicate, "bad_signature": self.bad_signature });
        let request = client.post(format!("{simulator}/_sim/events"));
        let told = request
            .json(&json!({ "event": event, "deliver": delivery }))
            .send()
            .await;
        let told =
            told.context("the simulator of Stripe does not answer\nhint: is `onlycar dev` running?")?;
        if !told.status().is_success() {
            anyhow::bail!("{}hint: is `onlycar dev` running?", told.text().await?);
        }
        let told: Value = told.json().await?;
        let answers = told.pointer("/0/answers").cloned().unwrap_or_default();
        Ok(serde_json::from_value(answers)?)
    }
}

fn print(id: &str, kind: &str, answer: &Answer) -> anyhow::Result<()> {
    let status = reqwest::StatusCode::from_u16(answer.status)?;
    say(format!("{id}  {kind}  ->  {status}  {}", answer.body))
}

/// Refunds and disputes are about something that was paid before.
fn follows_a_payment(kind: &str) -> bool {
    let families = ["refund.", "charge.refund", "charge.dispute.", "charge.updated"];
    families.iter().any(|family| kind.starts_with(family))
}

/// The last payment that the simulator knows to have succeeded, in place of a new one.
async fn about_the_last_payment(
    mut sample: Sample,
    client: &reqwest::Client,
    simulator: &str,
) -> anyhow::Result<Sample> {
    let state = client.get(format!("{simulator}/_sim/state")).send().await?;
    let state: Value = state.json().await?;
    let objects = state
        .get("objects")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let text = |object: &Value, path: &str| object.pointer(path)?.as_str().map(str::to_owned);
    let last = objects.iter().rev().find(|object| {
        text(object, "/object").as_deref() == Some("payment_intent")
            && text(object, "/status").as_deref() == Some("succeeded")
    });
    if let Some(payment) = last {
        sample.payment_intent_id = text(payment, "/id");
        sample.charge_id = text(payment, "/latest_charge");
        sample.service_id = text(payment, "/metadata/service_id");
        sample.customer_id = text(payment, "/customer").unwrap_or(sample.customer_id);
        let amount = payment.get("amount").and_then(Value::as_i64);
        sample.amount = amount.unwrap_or(sample.amount);
    }
    Ok(sample)
}

/// The next sample service that waits for payment, its client, and a contract with a subscription.
async fn sample(pool: &PgPool) -> anyhow::Result<Sample> {
    let mut sample = Sample::default();
    let service = sqlx::query!(
        r#"select servicios.id, (monto * 100)::bigint as "centavos!", nombre, email, stripe_customer_id
           from servicios join clientes on clientes.id = cliente_id
           where estado_pago in ('pendiente', 'fallido')
             and not exists (select from stripe.payments where servicio_id = servicios.id)
           order by agendado_para, servicios.id limit 1"#
    );
    match service.fetch_optional(pool).await? {
        Some(service) => {
            sample.service_id = Some(service.id.to_string());
            sample.amount = service.centavos;
            sample.name = service.nombre;
            sample.email = service.email.unwrap_or(sample.email);
            sample.customer_id = service.stripe_customer_id.unwrap_or(sample.customer_id);
        }
        None => say("no sample service waits for payment any more; `onlycar dev --fresh` makes new ones")?,
    }
    let contract = sqlx::query!(
        r#"select id, stripe_subscription_id as "subscription!" from contratos_b2b
           where stripe_subscription_id is not null order by estado, id limit 1"#
    );
    if let Some(contract) = contract.fetch_optional(pool).await? {
        sample.contract_id = Some(contract.id.to_string());
        sample.subscription_id = contract.subscription;
    }
    Ok(sample)
}
