//! `onlycar trigger`

use anyhow::Context;
use chrono::Utc;
use clap::Args;
use serde_json::Value;
use sqlx::PgPool;

use super::database::DevFolder;
use super::{Outcome, Usage, say};
use crate::dev::stripe::{self, KINDS, Sample};
use crate::ground::clock::Clock;
use crate::ground::config::Settings;
use crate::tools::outbound;

/// Send a realistic, correctly signed event to a running server
///
/// Goes to the `onlycar dev` of this folder, about the next of its services that waits for payment; or to any other
/// server with --to, signed with the first secret of STRIPE_WEBHOOK_SECRET.
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
    /// Change a value of the event, as in metadata.service_id=…; may be repeated
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
    /// Render it as an account with an API version of before 2025-03-31 gets it
    #[arg(long)]
    old_version: bool,
    /// Another server, as in https://staging.onlycar.mx
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    #[command(flatten)]
    dev: DevFolder,
}

/// Where events go and how they are signed.
struct Target {
    url: String,
    secret: String,
    /// The database of `dev`, to find a service that waits for payment.
    samples: Option<PgPool>,
}

impl Trigger {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let Some(kind) = self.event.as_deref().filter(|_| !self.list) else {
            for (name, about) in KINDS {
                say(format!("{name:36} {about}"))?;
            }
            return Ok(Outcome::Done);
        };
        let target = self.target().await?;
        let client = outbound::client()?;
        let mut outcome = Outcome::Done;
        for _ in 0..self.times {
            let event = self.event(kind, &target).await?;
            for _ in 0..=u8::from(self.duplicate) {
                if !self.send(&client, &target, &event).await? {
                    outcome = Outcome::FellShort;
                }
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
            return Ok(Target {
                url,
                secret,
                samples: None,
            });
        }
        let pool = PgPool::connect(&self.dev.value("/database_url")?).await;
        Ok(Target {
            url: format!("{}/api/webhooks/stripe", self.dev.value("/base_url")?),
            secret: self.dev.value("/webhook_secrets/stripe")?,
            samples: Some(
                pool.context("the database of `onlycar dev` does not answer\nhint: is it still running?")?,
            ),
        })
    }

    async fn event(&self, kind: &str, target: &Target) -> anyhow::Result<Value> {
        let sample = match &target.samples {
            Some(pool) => sample(pool).await?,
            None => Sample::default(),
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

    /// Sends it and prints the answer; whether that was the one to expect.
    async fn send(&self, client: &reqwest::Client, target: &Target, event: &Value) -> anyhow::Result<bool> {
        let body = stripe::body(event);
        let secret = if self.bad_signature {
            "whsec_wrong"
        } else {
            &target.secret
        };
        let signature = stripe::sign(secret, now(), &body);
        let request = client
            .post(&target.url)
            .header("content-type", "application/json; charset=utf-8");
        let answer = request
            .header("stripe-signature", signature)
            .body(body)
            .send()
            .await;
        let answer = answer
            .with_context(|| format!("{} does not answer\nhint: is the server running?", target.url))?;
        let status = answer.status();
        let id = event.get("id").and_then(Value::as_str).unwrap_or("-");
        let kind = event.get("type").and_then(Value::as_str).unwrap_or("-");
        say(format!("{id}  {kind}  ->  {status}  {}", answer.text().await?))?;
        let expected = if self.bad_signature { 400 } else { 200 };
        Ok(status.as_u16() == expected)
    }
}

fn now() -> chrono::DateTime<Utc> {
    Clock::system().now()
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
