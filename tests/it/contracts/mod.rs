//! The way of a contract, from the order to send it to its signed and recorded documents, over real HTTP, with a real
//! store.

mod api;
mod declined;
mod forged;
mod orders;
mod outages;
mod refused;
mod signed;
mod unseen;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use onlycar::dev::mifiel::{self, Delivery, Document, Event, Fault, Mifiel, Plan};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::access::rig::SECRET;
use crate::counter::{ADMIN, SUPABASE, token};
use crate::support::TestApp;

/// A client's contract that waits for its signature, and an administrator.
struct Scene {
    app: TestApp,
    contract: Uuid,
    admin: String,
}

/// What a caller is told.
#[derive(Debug)]
struct Told {
    status: u16,
    body: Value,
}

impl Told {
    /// The status, and the problem's code if there is one.
    fn code(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }

    /// Field and code of every error, in order.
    fn errors(&self) -> Vec<(&str, &str)> {
        let errors = self.body["errors"].as_array().unwrap().iter();
        let text = |value: &'_ Value| -> String { value.as_str().unwrap().to_owned() };
        errors
            .map(|error| {
                assert!(!text(&error["detail"]).is_empty(), "{error}");
                (error["field"].as_str().unwrap(), error["code"].as_str().unwrap())
            })
            .collect()
    }
}

impl Scene {
    /// A single service's contract.
    async fn open() -> Self {
        Self::of("servicio_unico", "").await
    }

    /// The same with this `tipo` and these settings.
    async fn of(kind: &str, file: &str) -> Self {
        let supabase = [("SUPABASE_URL", SUPABASE), ("SUPABASE_JWT_SECRET", SECRET)];
        let mut app = TestApp::configured(&supabase, Some(file)).await;
        app.work();
        let client = Uuid::new_v4();
        let insert = "insert into clientes (id, nombre, email, creado_en)
                      values ($1, 'Ana López', 'ana@example.com', now())";
        let insert = sqlx::query(insert).bind(client);
        insert.execute(&app.pool).await.unwrap();
        let insert = "insert into contratos_b2b (cliente_id, tipo, estado) values ($1, $2, 'pendiente_firma')
                      returning id";
        let insert = sqlx::query_scalar(insert).bind(client).bind(kind);
        Self {
            contract: insert.fetch_one(&app.pool).await.unwrap(),
            admin: token(&app, "admin", ADMIN),
            app,
        }
    }

    /// Sends the contract as the administrator.
    async fn send(&self, form: &Value) -> Told {
        self.send_as(Some(&self.admin), &self.contract.to_string(), form)
            .await
    }

    async fn send_as(&self, token: Option<&str>, contract: &str, form: &Value) -> Told {
        let url = format!("{}/api/admin/contracts/{contract}/send", self.app.url);
        let mut request = self.app.client.post(url).json(form);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        Told {
            status: answer.status().as_u16(),
            body: answer.json().await.unwrap(),
        }
    }

    /// Sends it, and waits until Mifiel has it.
    async fn sent(&self) -> Document {
        let told = self.send(&form()).await;
        assert_eq!(told.status, 202, "{told:?}");
        self.app.drain().await;
        self.app.mifiel.documents().pop().expect("Mifiel has it")
    }

    /// Mifiel tells of a document; returns when all that follows from it is done.
    async fn tell(&self, event: Event, document: &Document) {
        self.tell_as(event, document, Delivery::default()).await;
    }

    async fn tell_as(&self, event: Event, document: &Document, delivery: Delivery) {
        let told = self.app.mifiel.deliver(event, &document.id, delivery).await;
        for answer in told.unwrap() {
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        self.app.drain().await;
    }

    /// What is recorded of a document.
    async fn row(&self, document: &Document) -> Value {
        let id = document.draft.external_id.as_deref().unwrap();
        self.app.row("contratos_firmados", id).await
    }

    /// `contratos_b2b.estado`
    async fn standing(&self) -> String {
        let row = self.app.row("contratos_b2b", self.contract).await;
        row["estado"].as_str().unwrap().to_owned()
    }

    /// Open incidents, by their cause.
    async fn alerts(&self) -> Vec<String> {
        self.app.alerts().await
    }

    /// States of Mifiel's events, sorted.
    async fn states(&self) -> Vec<String> {
        let sql = "select state::text from webhooks.events where provider = 'mifiel' order by 1";
        sqlx::query_scalar(sql).fetch_all(&self.app.pool).await.unwrap()
    }

    /// What the audit log says, in order, but for the files that were stored.
    async fn audited(&self) -> Vec<String> {
        let audit = self.app.audit().await;
        let actions = audit.into_iter().map(|(_, action, _)| action);
        actions.filter(|action| action != "documento.guardado").collect()
    }

    /// What can be written, all of it.
    async fn everything(&self) -> Value {
        let sql = "select jsonb_build_object(
            'documents', (select jsonb_agg(jsonb_build_array(d.xmin::text, d)) from contratos_firmados d),
            'contracts', (select jsonb_agg(jsonb_build_array(c.xmin::text, c)) from contratos_b2b c),
            'notices', (select jsonb_agg(id order by id) from engine.jobs where kind = 'notificar'),
            'audit', (select jsonb_agg(id order by id) from logs_auditoria
                      where recurso_tipo in ('contratos_firmados', 'contratos_b2b')))";
        let rows: Value = self.app.one(sql).await;
        json!([rows, self.app.bucket.keys().await])
    }

    /// Everything that waits for a later attempt is due: so much time goes by, step by step.
    async fn wait(&self, time: TimeDelta) {
        let step = (time / 30).max(TimeDelta::seconds(10));
        let mut gone = TimeDelta::zero();
        while gone < time {
            self.app.advance(step);
            gone += step;
            self.app.drain().await;
        }
    }
}

/// A contract of one page.
fn pdf() -> Vec<u8> {
    mifiel::Draft::default().file.to_vec()
}

/// For two signers.
fn form() -> Value {
    json!({
        "pdf_base64": STANDARD.encode(pdf()),
        "signers": [
            { "name": "Ana López", "email": "ana@example.com", "tax_id": "XOJI740919U48" },
            { "name": "Beto Ruiz", "email": "beto@firmantes.example" },
        ],
    })
}

/// The same with one value changed.
fn with(pointer: &str, value: Value) -> Value {
    let mut form = form();
    *form.pointer_mut(pointer).unwrap() = value;
    form
}

/// The next document that is sent meets this fault; the list of documents, which is looked through before, does not.
fn meet_at_create(mifiel: &Mifiel, fault: Fault) {
    let list = Plan {
        delay_ms: 0,
        ..Plan::at("/api/v1/documents?page=1", Fault::Slow, 1)
    };
    mifiel.plan(list);
    mifiel.fail_at("/api/v1/documents", fault, 1);
}
