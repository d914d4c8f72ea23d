//! What a case plays in: the program, its rows, and Stripe's events about them in one of the two shapes.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use onlycar::dev::mail::Message;
use onlycar::dev::stripe::{self, Sample};
use serde_json::{Value, json};

use crate::support::{Story, TestApp};

/// The version of a row, which two shapes may tell differently; the rest of it is the same in both.
const VERSION: [&str; 5] = ["rank", "as_of", "asked", "digest", "updated_at"];

/// One run of a case.
pub struct Scene {
    pub app: TestApp,
    pub story: Story,
    /// When its objects were made.
    pub began: DateTime<Utc>,
    /// Whether events come in the old shape.
    pub old: bool,
}

/// Plays the same in today's shape and in an old one.
pub async fn in_both_shapes(check: impl AsyncFn(&mut Scene)) {
    for old in [false, true] {
        let mut scene = Scene::start(old).await;
        check(&mut scene).await;
        scene.app.finish().await;
    }
}

/// `base` with some of its fields changed.
pub fn with(mut base: Value, changes: Value) -> Value {
    let (Value::Object(fields), Value::Object(changes)) = (&mut base, changes) else {
        panic!("rows are objects");
    };
    fields.extend(changes);
    base
}

impl Scene {
    pub async fn start(old: bool) -> Self {
        let app = TestApp::start().await;
        let mut story = Story::create(&app.pool).await;
        story.sample = story.sample.one_story();
        let began = app.now();
        Self {
            app,
            story,
            began,
            old,
        }
    }

    /// An event about the sample, in the shape of this run.
    pub fn event(&self, kind: &str) -> Value {
        self.event_of(kind, &self.story.sample)
    }

    /// An event about another sample.
    pub fn event_of(&self, kind: &str, sample: &Sample) -> Value {
        let created = Some(sample.created.unwrap_or(self.began));
        let sample = Sample {
            created,
            ..sample.clone()
        };
        let make = if self.old {
            stripe::old_event
        } else {
            stripe::event
        };
        make(kind, &sample, self.app.now()).unwrap()
    }

    /// An event with some fields of its object changed, in the newest words: an old shape is made of it.
    pub fn event_with(&self, kind: &str, changes: Value) -> Value {
        let created = Some(self.began);
        let sample = Sample {
            created,
            ..self.story.sample.clone()
        };
        let mut event = stripe::event(kind, &sample, self.app.now()).unwrap();
        let object = event["data"]["object"].take();
        event["data"]["object"] = with(object, changes);
        if self.old { stripe::old_shape(event) } else { event }
    }

    /// It happens, comes, and all that follows is done. A second later the next thing can happen.
    pub async fn happens(&self, kind: &str) -> Value {
        let event = self.event(kind);
        self.comes(&event).await;
        event
    }

    /// The same with some fields of the object changed; its object.
    pub async fn happens_with(&self, kind: &str, changes: Value) -> Value {
        let event = self.event_with(kind, changes);
        self.comes(&event).await;
        event["data"]["object"].clone()
    }

    /// This event comes and is processed.
    pub async fn comes(&self, event: &Value) {
        self.app.handle(event).await;
        assert_eq!(
            self.app.state(event).await,
            ("processed".to_owned(), None),
            "{event:#}"
        );
        self.app.advance(TimeDelta::seconds(1));
    }

    /// This event comes and is kept for a person.
    pub async fn is_parked(&self, event: &Value) -> String {
        self.app.handle(event).await;
        let (state, reason) = self.app.state(event).await;
        assert_eq!(state, "parked", "{reason:?}");
        self.app.advance(TimeDelta::seconds(1));
        reason.unwrap()
    }

    /// The event was sent, so that a case does not bear a wrong name.
    pub async fn was_sent(&self, kind: &str) {
        let sent: i64 = sqlx::query_scalar("select count(*) from webhooks.events where event_type = $1")
            .bind(kind)
            .fetch_one(&self.app.pool)
            .await
            .unwrap();
        assert!(sent > 0, "{kind} was not sent");
    }

    /// A row of `stripe.*` without its version.
    pub async fn kept(&self, table: &str, object: &Value) -> Value {
        let id = object["id"].as_str().unwrap();
        let mut row = self.app.row(&format!("stripe.{table}"), id).await;
        for column in VERSION {
            assert!(row.as_object_mut().unwrap().remove(column).is_some(), "{column}");
        }
        row
    }

    pub async fn service(&self) -> Value {
        self.app.row("servicios", self.story.service).await
    }

    /// The columns of the service that payments decide.
    pub async fn payment_of_service(&self) -> Value {
        let service = self.service().await;
        let columns = [
            "estado_pago",
            "canal_pago",
            "stripe_payment_intent_id",
            "pagado_en",
            "monto_pagado",
            "monto_reembolsado",
            "ultimo_error_pago",
            "estado_factura",
        ];
        columns
            .iter()
            .map(|column| ((*column).to_owned(), service[column].clone()))
            .collect()
    }

    pub async fn contract(&self) -> Value {
        self.app.row("contratos_b2b", self.story.contract).await
    }

    pub async fn client(&self) -> Value {
        let sql = "select to_jsonb(t) from clientes t where nombre = 'Ana López'";
        self.app.one(sql).await
    }

    /// The actions of the audit log about business rows, in order; what was sent is seen in the mailbox.
    pub async fn audit(&self) -> Vec<String> {
        let actions = self.app.audit().await.into_iter().map(|(_, action, _)| action);
        actions
            .filter(|action| !action.starts_with("notificacion."))
            .collect()
    }

    /// The causes of the open alerts.
    pub async fn alerts(&self) -> Vec<String> {
        let sql = "select coalesce(array_agg(cause order by cause), '{}') from engine.alerts where resolved_at is null";
        self.app.one(sql).await
    }

    /// The text of the open alert of a cause.
    pub async fn alert(&self, cause: &str) -> String {
        sqlx::query_scalar("select detail from engine.alerts where cause = $1 and resolved_at is null")
            .bind(cause)
            .fetch_optional(&self.app.pool)
            .await
            .unwrap()
            .unwrap_or_else(|| panic!("no open alert {cause}"))
    }

    /// All that was mailed so far: to whom, and the subject.
    pub fn mailed(&self) -> Vec<(String, String)> {
        let mails = self.app.mail.messages();
        mails
            .iter()
            .map(|mail| (mail.to[0].clone(), mail.subject.clone()))
            .collect()
    }

    /// The last mail, which went to the client.
    pub fn told_client(&self) -> Arc<Message> {
        let mail = self.app.mail.messages().pop().expect("a mail was sent");
        assert_eq!(mail.to, ["ana@example.com"], "{}", mail.subject);
        assert!(mail.text.starts_with("Hola, Ana López:"), "{}", mail.text);
        mail
    }

    /// The last mail, which went to the team.
    pub fn told_team(&self) -> Arc<Message> {
        let mail = self.app.mail.messages().pop().expect("a mail was sent");
        assert_eq!(mail.to, ["equipo@onlycar.example"], "{}", mail.subject);
        mail
    }

    /// Nobody was written to, and nothing waits for a person.
    pub async fn is_quiet(&self) {
        assert_eq!(self.mailed(), []);
        assert_eq!(self.alerts().await, [""; 0]);
    }

    /// Changes rows as the rest of the business would.
    pub async fn run(&self, sql: &'static str) {
        sqlx::query(sql).execute(&self.app.pool).await.unwrap();
    }
}

/// A moment as PostgreSQL shows it.
pub fn time(at: DateTime<Utc>) -> Value {
    json!(at.format("%Y-%m-%dT%H:%M:%S+00:00").to_string())
}

/// The mail has all of these.
pub fn says(mail: &Message, words: &[&str]) {
    for word in words {
        assert!(mail.text.contains(word), "no «{word}» in\n{}", mail.text);
        let html = mail.html.as_deref().unwrap_or_default();
        let plain = html.replace("<strong>", "").replace("</strong>", "");
        let as_link = word
            .rsplit_once(": https://")
            .map(|(_, rest)| format!("https://{rest}"));
        let word = as_link.as_deref().unwrap_or(word);
        assert!(plain.contains(word), "no «{word}» in\n{html}");
    }
}
