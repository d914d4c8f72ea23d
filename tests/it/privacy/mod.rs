//! A client is erased: who it was is nowhere any more, what the law keeps is there, and nothing brings the person back.

mod erased;
mod map;
mod refused;

use chrono::{DateTime, Utc};
use onlycar::dev::stripe;
use onlycar::engine::work::Unit;
use onlycar::ground::facts::Actor;
use onlycar::ground::values::ClientId;
use onlycar::privacy::{self, Outcome};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::signing::{Sent, Signing};

/// Words that are of this person and of nobody else.
const NAME: &str = "Zacarías Quintanilla";
const EMAIL: &str = "zacarias@example.com";
const PHONE: &str = "+528671112233";
const COUNTER_EMAIL: &str = "facturas.zq@example.org";
const USER: Uuid = Uuid::from_u128(0x5EED);
const TELLING: [&str; 7] = [
    NAME,
    "Quintanilla",
    EMAIL,
    "528671112233",
    COUNTER_EMAIL,
    "0000000005eed",
    "portal.example/zq",
];

/// A client of whom every part of the program knows something, and nothing is open.
struct Known {
    signing: Signing,
    client: Uuid,
    declined: Sent,
    signed: Sent,
}

impl Known {
    async fn all_over() -> Self {
        let mut signing = Signing::open().await;
        EMAIL.clone_into(&mut signing.story.sample.email);
        NAME.clone_into(&mut signing.story.sample.name);
        let app = &signing.app;
        let update =
            "update clientes set nombre = $1, email = $2, telefono = $3, auth_user_id = $4 returning id";
        let update = sqlx::query_scalar(update)
            .bind(NAME)
            .bind(EMAIL)
            .bind(PHONE)
            .bind(USER);
        let client: Uuid = update.fetch_one(&app.pool).await.unwrap();
        signed_by_nobody_else(app, client).await;
        for kind in [
            "customer.created",
            "payment_method.attached",
            "payment_intent.succeeded",
            "charge.succeeded",
            "checkout.session.completed",
            "customer.subscription.created",
            "invoice.paid",
        ] {
            app.handle(&signing.story.event(kind, app.now())).await;
        }
        // The service is done; another one was called off.
        signing.run("update servicios set estado = 'completado'").await;
        at_the_counter(app, client).await;
        let declined = signing.send().await;
        let reject = app.mifiel.reject(
            &declined.id,
            "ana@example.com",
            "Soy Zacarías Quintanilla y no firmo",
        );
        reject.unwrap();
        signing
            .tell(onlycar::dev::mifiel::Event::SignerRejected, &declined)
            .await;
        // As when the webhook repeats the signer's words.
        let words = "Motivo del firmante: soy Zacarías Quintanilla";
        let told = "update engine.alerts set detail = detail || $1 where cause like 'contrato-sin-firma:%'";
        let told = sqlx::query(told).bind(words).execute(&app.pool).await.unwrap();
        assert_eq!(told.rows_affected(), 1);
        let asked = "update engine.jobs set payload = payload || jsonb_build_object('reason', $1::text)
                     where kind = 'guardar_contrato' and payload ->> 'document' = $2";
        let asked = sqlx::query(asked).bind(words).bind(&declined.id);
        assert_ne!(asked.execute(&app.pool).await.unwrap().rows_affected(), 0);
        let signed = signed_contract(&signing, client).await;
        let later = app.now() + chrono::TimeDelta::hours(1);
        app.handle(&signing.story.event("customer.subscription.deleted", later))
            .await;
        Self {
            signing,
            client,
            declined,
            signed,
        }
    }

    fn app(&self) -> &TestApp {
        &self.signing.app
    }

    async fn erase(&self, dry_run: bool) -> Outcome {
        erase(self.app(), self.client, dry_run).await
    }

    async fn done(&self) -> Value {
        let done = self.erase(false).await;
        assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
        self.app().drain().await;
        serde_json::to_value(done).unwrap()
    }
}

async fn erase(app: &TestApp, client: Uuid, dry_run: bool) -> Outcome {
    let unit = Unit::by(Actor::System);
    privacy::erase(&app.engine, ClientId(client), unit, dry_run)
        .await
        .unwrap()
}

/// Somebody else, with rows of the same kinds.
async fn signed_by_nobody_else(app: &TestApp, client: Uuid) {
    let insert = "insert into clientes (id, nombre, email, telefono, stripe_customer_id)
                  values ($1, 'Berta Ruiz', 'berta@example.com', '+528670000000', 'cus_berta')";
    let berta = Uuid::from_u128(7);
    sqlx::query(insert).bind(berta).execute(&app.pool).await.unwrap();
    let sample = stripe::Sample {
        customer_id: "cus_berta".to_owned(),
        email: "berta@example.com".to_owned(),
        name: "Berta Ruiz".to_owned(),
        ..stripe::Sample::default()
    };
    let event = stripe::event("customer.created", &sample, app.now()).unwrap();
    app.handle(&event).await;
    assert_ne!(client, berta);
}

/// What the counter, the queue and Gigstack know.
async fn at_the_counter(app: &TestApp, client: Uuid) {
    let service: Uuid = sqlx::query_scalar(
        "insert into servicios (cliente_id, descripcion, monto, estado)
         values ($1, 'Lavado en casa de Zacarías Quintanilla', 100, 'cancelado') returning id",
    )
    .bind(client)
    .fetch_one(&app.pool)
    .await
    .unwrap();
    sqlx::query(
        "insert into invoicing.requests (id, kind, servicio_id, email, phone, portal_url, state, created_at, updated_at)
         values ($1, 'self_invoice', $2, $3, $4, 'https://portal.example/zq', 'completed', $5, $5)",
    )
    .bind(Uuid::from_u128(11))
    .bind(service)
    .bind(COUNTER_EMAIL)
    .bind(PHONE)
    .bind(app.now())
    .execute(&app.pool)
    .await
    .unwrap();
    for (number, until) in [(21_u128, "2020-05-01"), (22, "2032-05-01")] {
        let (id, key) = (Uuid::from_u128(number), format!("facturas/2014/{number}.xml"));
        let meta = onlycar::tools::objects::Meta {
            content_type: "application/xml",
            file_name: "factura.xml",
            cache_control: "private",
            metadata: vec![],
        };
        let bytes = format!("<cfdi receptor=\"{NAME}\"/>").into();
        app.bucket.objects().put_bytes(&key, &meta, bytes).await.unwrap();
        sqlx::query(
            "insert into facturas_emitidas (id, servicio_id, uuid_sat, url_xml, sha256_xml, estado, origen, conservar_hasta)
             values ($1, $2, $1, $3, 'x', 'vigente', 'directa', $4::date)",
        )
        .bind(id)
        .bind(service)
        .bind(key)
        .bind(until)
        .execute(&app.pool)
        .await
        .unwrap();
    }
    let failure = format!("550 5.1.1 <{EMAIL}>: Recipient address rejected");
    sqlx::query("insert into engine.failures (row_id, attempt, failed_at, error) values ($1, 1, now(), $2)")
        .bind(Uuid::from_u128(1))
        .bind(failure)
        .execute(&app.pool)
        .await
        .unwrap();
}

/// A contract for one service, signed by everybody.
async fn signed_contract(signing: &Signing, client: Uuid) -> Sent {
    let contract: Uuid = sqlx::query_scalar(
        "insert into contratos_b2b (cliente_id, tipo, estado) values ($1, 'servicio_unico', 'pendiente_firma') returning id",
    )
    .bind(client)
    .fetch_one(&signing.app.pool)
    .await
    .unwrap();
    let row = signing.place_of(contract).await.unwrap();
    signing.app.drain().await;
    let id = signing.row(row).await["mifiel_document_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let sent = Sent { row, id };
    signing.sign(&sent).await;
    sent
}

/// Where in the whole database one of the words stands, as `schema.table.column: word`.
async fn found(app: &TestApp, words: &[&str]) -> Vec<String> {
    let columns: Vec<(String, String, String)> = sqlx::query_as(
        "select quote_ident(table_schema) || '.' || quote_ident(table_name), quote_ident(column_name), udt_name::text
         from information_schema.columns join information_schema.tables using (table_schema, table_name)
         where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'",
    )
    .fetch_all(&app.pool)
    .await
    .unwrap();
    assert!(columns.len() > 200, "{}", columns.len());
    let mut found = Vec::new();
    for (table, column, kind) in columns {
        let text = if kind == "bytea" {
            format!("convert_from({column}, 'UTF8')")
        } else {
            format!("{column}::text")
        };
        // A digest is bytes that are no text.
        if column.ends_with("sha256") && kind == "bytea" || column == "checksum" {
            continue;
        }
        for word in words {
            let sql = format!("select count(*) from {table} where {text} ilike '%' || $1 || '%'");
            let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(word)
                .fetch_one(&app.pool)
                .await
                .unwrap();
            if count > 0 {
                found.push(format!("{table}.{column}: {word}"));
            }
        }
    }
    found
}

/// The keys of the objects in which one of the words stands.
async fn in_the_bucket(app: &TestApp, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for key in app.bucket.keys().await {
        let (_, bytes) = app.bucket.read(&key).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if words.iter().any(|word| text.contains(word)) {
            found.push(key);
        }
    }
    found
}

/// Another event about the customer, with all that Stripe knows of the person.
fn about_the_customer(known: &Known, kind: &str, at: DateTime<Utc>) -> Value {
    stripe::event(kind, &known.signing.story.sample, at).unwrap()
}

/// What went and what stays, by their names.
fn names(done: &Value, list: &str) -> Vec<String> {
    let all = done[list].as_array().unwrap().iter();
    all.map(|it| format!("{} {}", it["count"], it["what"].as_str().unwrap()))
        .collect()
}

fn nothing_removed(done: &Value) -> bool {
    done["removed"] == json!([])
}
