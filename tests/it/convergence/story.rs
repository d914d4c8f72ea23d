//! A story as Stripe would tell it: what happened, in order, to which of our rows.

use chrono::{DateTime, TimeDelta, Utc};
use onlycar::dev::stripe::{self, Sample, old_shape};
use serde_json::{Value, json};

/// Stands in every id of a story; each run puts its own in its place.
pub const TOKEN: &str = "c0ffee000000";

/// A story and the rows it is about.
pub struct Story {
    pub name: &'static str,
    /// Puts the rows into the database.
    pub rows: String,
    pub steps: Vec<Step>,
}

/// Something that happened.
#[derive(Clone)]
pub struct Step {
    pub at: DateTime<Utc>,
    /// The event as Stripe renders it today, and as it did before basil.
    pub new: Value,
    pub old: Value,
}

impl Step {
    pub fn kind(&self) -> &str {
        self.new["type"].as_str().unwrap()
    }
}

/// Tells a story step by step.
pub struct Teller {
    story: Story,
    now: DateTime<Utc>,
    pub sample: Sample,
    /// The invoice that the payment pays: older payments name it.
    pub pays: Option<String>,
}

pub fn began() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// An id of Stripe's in a story.
pub fn id(prefix: &str, name: &str) -> String {
    format!("{prefix}_{TOKEN}{name}")
}

/// An id of ours in a story.
pub fn uuid(kind: u8) -> String {
    format!("0000000{kind}-0000-4000-8000-{TOKEN}")
}

pub const MINUTE: i64 = 60;
pub const DAY: i64 = 86_400;

impl Teller {
    /// About a client with a service that waits for payment and a contract whose subscription is known by its metadata.
    pub fn new(name: &'static str) -> Self {
        let sample = Sample {
            service_id: Some(uuid(2)),
            contract_id: Some(uuid(3)),
            customer_id: id("cus", "a"),
            subscription_id: id("sub", "a"),
            payment_intent_id: Some(id("pi", "a")),
            charge_id: Some(id("ch", "a")),
            refund_id: Some(id("re", "a")),
            dispute_id: Some(id("dp", "a")),
            payment_method_id: Some(id("pm", "a")),
            session_id: Some(id("cs", "a")),
            invoice_id: Some(id("in", "a")),
            invoice_payment_id: Some(id("inpay", "a")),
            name: "Ana López".to_owned(),
            email: format!("ana.{TOKEN}@example.com"),
            amount: 150_000,
            refund_amount: None,
            created: Some(began()),
        };
        let rows = format!(
            "insert into clientes (id, nombre, email, stripe_customer_id, creado_en) values
                 ('{client}', 'Ana López', 'ana.{TOKEN}@example.com', null, '2026-01-01');
             insert into servicios (id, cliente_id, descripcion, monto) values
                 ('{service}', '{client}', 'Cambio de aceite', 1500),
                 ('{other}', '{client}', 'Afinación', 900);
             insert into contratos_b2b (id, cliente_id, tipo, estado, servicios_incluidos, servicios_disponibles)
                 values ('{contract}', '{client}', 'suscripcion', 'activo', 10, 1);",
            client = uuid(1),
            service = uuid(2),
            contract = uuid(3),
            other = uuid(4),
        );
        Self {
            story: Story {
                name,
                rows,
                steps: Vec::new(),
            },
            now: began(),
            sample,
            pays: None,
        }
    }

    /// More rows.
    pub fn rows(&mut self, sql: &str) {
        self.story.rows.push_str(sql);
    }

    /// Time passes.
    pub fn after(&mut self, seconds: i64) -> &mut Self {
        self.now += TimeDelta::seconds(seconds);
        self
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// An event of this kind happens now, a second after the one before.
    pub fn tell(&mut self, kind: &str) -> &mut Self {
        self.tell_with(kind, kind, &json!({}))
    }

    /// The same with some fields of its object changed; paths as in `items.data.0.quantity`.
    pub fn with(&mut self, kind: &str, changes: &Value) -> &mut Self {
        self.tell_with(kind, kind, changes)
    }

    /// The same of a kind that is built like another one.
    pub fn tell_with(&mut self, kind: &str, like: &str, changes: &Value) -> &mut Self {
        self.now += TimeDelta::seconds(1);
        let mut new = stripe::event(like, &self.sample, self.now).unwrap();
        new["id"] = json!(id("evt", &format!("{}", self.story.steps.len())));
        new["type"] = json!(kind);
        for (path, value) in changes.as_object().unwrap() {
            put(&mut new["data"]["object"], path, value.clone());
        }
        let old = self.old(new.clone());
        let at = self.now;
        self.story.steps.push(Step { at, new, old });
        self
    }

    /// As before basil: the invoice names its payment, and the payment its invoice.
    fn old(&self, new: Value) -> Value {
        let mut old = old_shape(new);
        let object = &mut old["data"]["object"];
        match object["object"].as_str().unwrap() {
            "invoice" => {
                for (field, known) in [
                    ("payment_intent", &self.sample.payment_intent_id),
                    ("charge", &self.sample.charge_id),
                ] {
                    if object[field].is_string() {
                        object[field] = json!(known);
                    }
                }
            }
            "payment_intent" | "charge" => object["invoice"] = json!(self.pays),
            _ => {}
        }
        old
    }

    pub fn done(self) -> Story {
        self.story
    }
}

fn put(object: &mut Value, path: &str, value: Value) {
    let mut place = object;
    for word in path.split('.') {
        place = match word.parse::<usize>() {
            Ok(at) => &mut place[at],
            Err(_) => &mut place[word],
        };
    }
    *place = value;
}
