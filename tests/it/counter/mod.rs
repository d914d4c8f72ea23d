//! The operators' endpoints, as their callers meet them: over real HTTP, with tokens of each role.

mod confirmed;
mod invoices;
mod list;
mod races;
mod refused;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::access::rig::{Draft, SECRET, Signer};
use crate::support::{Story, TestApp};

pub const SUPABASE: &str = "http://127.0.0.1:9";
const OPERATOR: Uuid = Uuid::from_u128(1);
const OTHER_OPERATOR: Uuid = Uuid::from_u128(2);
pub const ADMIN: Uuid = Uuid::from_u128(3);

/// A service of 1500.00 MXN that is assigned to [`OPERATOR`], and their tokens.
struct Counter {
    app: TestApp,
    story: Story,
    service: Uuid,
    operator: String,
}

/// What a caller is told.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    status: u16,
    body: Value,
}

impl Counter {
    async fn open() -> Self {
        let supabase = [("SUPABASE_URL", SUPABASE), ("SUPABASE_JWT_SECRET", SECRET)];
        // One operator tries everything within a moment.
        let mut app = TestApp::configured(&supabase, Some("limits.writes.off = true")).await;
        app.work();
        let story = Story::create(&app.pool).await;
        let assign = sqlx::query("update servicios set operador_id = $1").bind(OPERATOR);
        assign.execute(&app.pool).await.unwrap();
        Self {
            operator: token(&app, "operador", OPERATOR),
            service: story.service,
            story,
            app,
        }
    }

    /// The operator of the service confirms it.
    async fn confirm(&self, body: &Value) -> Told {
        self.confirm_as(&self.operator, body).await
    }

    async fn confirm_as(&self, token: &str, body: &Value) -> Told {
        let path = format!("/api/services/{}/confirm-payment-presencial", self.service);
        self.call(Method::POST, &path, Some(token), Some(body)).await
    }

    async fn get(&self, path: &str) -> Told {
        self.call(Method::GET, path, Some(&self.operator), None).await
    }

    async fn call(&self, method: Method, path: &str, token: Option<&str>, body: Option<&Value>) -> Told {
        let url = format!("{}{path}", self.app.url);
        let mut request = self.app.client.request(method, url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let kind = if status == 200 {
            "application/json"
        } else {
            "application/problem+json"
        };
        assert_eq!(answer.headers()["content-type"], kind);
        Told {
            status,
            body: answer.json().await.unwrap(),
        }
    }

    async fn row(&self) -> Value {
        self.app.row("servicios", self.service).await
    }

    /// Changes the service behind the program's back, as the customer's other programs do.
    async fn set(&self, assignments: &str) {
        let sql = format!("update servicios set {assignments} where id = $1");
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(self.service);
        query.execute(&self.app.pool).await.unwrap();
    }

    /// What can be written by a confirmation, all of it.
    async fn everything(&self) -> Value {
        let sql = "select jsonb_build_object(
            'services', (select jsonb_agg(jsonb_build_array(s.xmin::text, s)) from servicios s),
            'sales', (select jsonb_agg(jsonb_build_array(s.xmin::text, s)) from ventas_factura_global s),
            'requests', (select jsonb_agg(jsonb_build_array(r.xmin::text, r)) from invoicing.requests r),
            'jobs', (select jsonb_agg(id order by id) from engine.jobs
                     where kind in ('solicitar_a_gigstack', 'notificar')),
            'audit', (select jsonb_agg(id order by id) from logs_auditoria))";
        self.app.one(sql).await
    }

    /// How often each action was written down, in the order of their first time.
    async fn audited(&self) -> Vec<String> {
        let audit = self.app.audit().await;
        audit.into_iter().map(|(_, action, _)| action).collect()
    }

    /// Everything that waits for a later attempt is due: so much time goes by, step by step.
    async fn wait(&self, time: TimeDelta) {
        let step = time / 20;
        for _ in 0..20 {
            self.app.advance(step);
            self.app.drain().await;
        }
    }

    /// What a month's global invoice does first: it claims the sales. The test's own, so that it can be held open.
    async fn claim(&self, connection: &mut sqlx::PgConnection) -> u64 {
        let request = Uuid::new_v4();
        let ask = "insert into invoicing.requests (id, kind, period, part, state, created_at, updated_at)
                   values ($1, 'global', '2026-11', 1, 'requested', now(), now())";
        let ask = sqlx::query(ask).bind(request);
        ask.execute(&mut *connection).await.unwrap();
        let claim = "with open as (
                         select servicio_id from ventas_factura_global
                         where periodo = '2026-11' and solicitud_id is null for update)
                     update ventas_factura_global set solicitud_id = $1 from open
                     where ventas_factura_global.servicio_id = open.servicio_id";
        let claimed = sqlx::query(claim).bind(request).execute(connection).await;
        claimed.unwrap().rows_affected()
    }
}

impl Told {
    /// The status, and the problem's code if there is one.
    fn code(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }

    fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }

    /// Field and code of every error, in order.
    fn errors(&self) -> Vec<(&str, &str)> {
        let errors = self.body["errors"].as_array().unwrap().iter();
        errors
            .map(|error| {
                assert_ne!(error["detail"], "", "{error}");
                (error["field"].as_str().unwrap(), error["code"].as_str().unwrap())
            })
            .collect()
    }
}

/// A token as Supabase signs it.
pub fn token(app: &TestApp, role: &str, user: Uuid) -> String {
    token_at(app.now(), role, user)
}

/// The same for a program with another clock.
pub fn token_at(now: DateTime<Utc>, role: &str, user: Uuid) -> String {
    let draft = Draft {
        header: json!({ "typ": "JWT" }),
        claims: json!({
            "iss": format!("{SUPABASE}/auth/v1"),
            "aud": "authenticated",
            "sub": user,
            "exp": (now + TimeDelta::days(30)).timestamp(),
            "role": "authenticated",
            "app_metadata": { "role": role },
        }),
    };
    draft.sign(&Signer::secret())
}

/// In cash, for the global invoice.
fn without_invoice() -> Value {
    json!({ "payment_received": true, "payment_method": "01", "requires_invoice": false })
}

/// In cash, with an invoice of the client's own.
fn with_invoice() -> Value {
    with(
        without_invoice(),
        json!({ "requires_invoice": true, "customer_email": "luisa@example.com" }),
    )
}

/// The same with other values; null takes one away.
fn with(mut body: Value, changes: Value) -> Value {
    let (Value::Object(fields), Value::Object(changes)) = (&mut body, changes) else {
        panic!("both are objects")
    };
    for (name, value) in changes {
        if value.is_null() {
            fields.remove(&name);
        } else {
            fields.insert(name, value);
        }
    }
    body
}
