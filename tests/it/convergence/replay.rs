//! The whole inbox is handled again, in another order: nothing changes.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use onlycar::engine::replay;
use onlycar::engine::source::Event;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use super::proof::{next_number, seed};
use super::rows::differences;
use super::run::{Plan, Telling, Tie};
use super::story::{Story, TOKEN};
use crate::support::TestApp;
use crate::support::app::console;

/// Everything that an event can change, without how we came to know a version of an object.
const TABLES: [(&str, &str); 16] = [
    ("stripe.payments", VERSION),
    ("stripe.charges", VERSION),
    ("stripe.refunds", VERSION),
    ("stripe.disputes", VERSION),
    ("stripe.customers", VERSION),
    ("stripe.payment_methods", VERSION),
    ("stripe.subscriptions", VERSION),
    ("stripe.invoices", VERSION),
    ("stripe.invoice_payments", VERSION),
    ("stripe.checkout_sessions", VERSION),
    ("public.servicios", ALL),
    ("public.contratos_b2b", ALL),
    ("public.clientes", ALL),
    // The chain is sealed later.
    ("public.logs_auditoria", "- 'hash' - 'hash_anterior'"),
    ("engine.jobs", ALL),
    ("engine.alerts", "- 'times' - 'last_seen_at'"),
];
const VERSION: &str = "- 'rank' - 'as_of' - 'asked' - 'digest' - 'updated_at'";
const ALL: &str = "";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handling_the_whole_inbox_again_changes_nothing() {
    let seed = seed();
    let mut chance = StdRng::seed_from_u64(seed);
    let mut app = TestApp::without_workers(&[]).await;
    app.advance(TimeDelta::days(200));
    let mut inbox = Vec::new();
    for story in super::all_stories() {
        inbox.extend(begin(&app, &story, &mut chance).await);
    }
    inbox.shuffle(&mut chance);
    keep(&app, &inbox).await;
    app.work();
    app.drain().await;
    app.stop().await;
    let before = everything(&app.pool).await;
    let mails = app.mail.messages().len();

    let mut rows: Vec<Uuid> = sqlx::query_scalar("select id from webhooks.events")
        .fetch_all(&app.pool)
        .await
        .unwrap();
    rows.shuffle(&mut chance);
    let back = replay::put_back(&app.engine, &console(), &rows).await.unwrap();
    assert_eq!(back.len(), inbox.len());
    let mix = "update webhooks.events as event set run_at = event.run_at - place * interval '1 ms'
               from unnest($1::uuid[]) with ordinality as mixed (id, place) where event.id = mixed.id";
    sqlx::query(mix).bind(&rows).execute(&app.pool).await.unwrap();
    app.advance(TimeDelta::seconds(1));
    app.work();
    app.drain().await;
    let after = everything(&app.pool).await;
    println!(
        "replay: {} events handled again; CONVERGENCE_SEED={seed}",
        inbox.len()
    );
    let changes: Vec<String> = differences(&before, &after);
    let told: Vec<&str> = changes.iter().take(20).map(String::as_str).collect();
    assert!(
        told.is_empty(),
        "{} values changed:\n{}",
        changes.len(),
        told.join("\n")
    );
    assert_eq!(app.mail.messages().len(), mails);
    app.finish().await;
}

/// Its rows, what Stripe shows of it at its end, and its events, each in one shape or the other.
async fn begin(app: &TestApp, story: &Story, chance: &mut StdRng) -> Vec<Event> {
    let old = story.steps.iter().map(|_| chance.random_bool(0.5)).collect();
    let telling = Telling::new(story, &Plan::orderly(story, old, Tie::None), next_number());
    let rows = AssertSqlSafe(story.rows.replace(TOKEN, &telling.token));
    sqlx::raw_sql(rows).execute(&app.pool).await.unwrap();
    for event in &telling.objects {
        app.stripe.happened(event);
    }
    telling.events
}

/// Puts them into the inbox, due in this order.
async fn keep(app: &TestApp, events: &[Event]) {
    let insert = "insert into webhooks.events (id, provider, event_id, event_type, occurred_at, received_at, trust, state,
                      run_at, payload, payload_sha256)
                  values ($1, 'stripe', $2, $3, $4, $5, 'hmac', 'pending', $5 - interval '1 day', $6, '')";
    for (place, event) in events.iter().enumerate() {
        let insert = sqlx::query(insert)
            .bind(app.clock.new_id())
            .bind(&event.event_id)
            .bind(&event.event_type)
            .bind(event.occurred_at)
            .bind(app.now() + TimeDelta::milliseconds(i64::try_from(place).unwrap()))
            .bind(&event.payload);
        insert.execute(&app.pool).await.unwrap();
    }
}

async fn everything(pool: &PgPool) -> Value {
    let mut tables = BTreeMap::new();
    for (table, without) in TABLES {
        let wanted = match table {
            "engine.jobs" => "where kind <> 'preguntar_a_stripe' and tick is null",
            "public.logs_auditoria" => "where accion <> 'evento.reprocesado'",
            _ => "",
        };
        let sql = format!(
            "select coalesce(jsonb_object_agg(id, to_jsonb(row) {without}), '{{}}') from {table} as row {wanted}"
        );
        let rows: Value = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(pool)
            .await
            .unwrap();
        tables.insert(table, rows);
    }
    serde_json::to_value(tables).unwrap()
}
