//! What Stripe shows at the end of a story, and nothing else: rows made of its answers alone.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::lane::Lane;
use super::run::{Plan, Run, Tie};
use super::story::Story;

/// Asks about each object of the story, of which no event ever came.
pub async fn rows(lane: &Lane, story: &Story, ids: &[String], number: u64) -> Value {
    let plan = Plan::orderly(story, vec![false; story.steps.len()], Tie::All);
    let mut run = Run::begin(lane, story, &plan, number).await;
    run.all_happened();
    let cause = Uuid::new_v4();
    let object = |object: &Value| {
        let text = |field: &str| object["data"]["object"][field].as_str().unwrap().to_owned();
        (text("object"), text("id"))
    };
    let objects: BTreeSet<(String, String)> = story.steps.iter().map(|step| object(&step.new)).collect();
    for (family, id) in objects {
        let family = family.replace('.', "_");
        let id = id.replace(super::story::TOKEN, &run.telling.token);
        let insert = "insert into engine.jobs (id, kind, payload, cause, created_at, run_at)
                      values (gen_random_uuid(), 'preguntar_a_stripe', $1, $2, now(), now())";
        let question = json!({ "question": "object", "family": family, "id": id });
        let insert = sqlx::query(insert).bind(question).bind(cause);
        insert.execute(&lane.pool).await.unwrap();
    }
    run.ask(&[cause]).await;
    run.end(ids).await.rows
}

/// The tables of Stripe's objects, without what only events tell: when a payment was made, or a subscription ended.
pub fn snapshots(rows: &Value) -> Value {
    let tables = rows.as_object().unwrap().iter();
    let mut tables: serde_json::Map<String, Value> = tables
        .filter(|(table, _)| table.starts_with("stripe."))
        .map(|(table, rows)| (table.clone(), rows.clone()))
        .collect();
    for (table, column) in [
        ("stripe.payments", "paid_at"),
        ("stripe.subscriptions", "ended_at"),
    ] {
        for row in tables[table].as_object_mut().unwrap().values_mut() {
            row[column] = Value::Null;
        }
    }
    Value::Object(tables)
}
