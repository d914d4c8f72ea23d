//! The rows of a run, with the ids of its story: what every run of the story has to end in.

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};

use super::story::{Story, TOKEN};

/// What is compared, and by what a story's rows are found.
pub const TABLES: [&str; 13] = [
    "stripe.payments",
    "stripe.charges",
    "stripe.refunds",
    "stripe.disputes",
    "stripe.customers",
    "stripe.payment_methods",
    "stripe.subscriptions",
    "stripe.invoices",
    "stripe.invoice_payments",
    "stripe.checkout_sessions",
    "public.servicios",
    "public.contratos_b2b",
    "public.clientes",
];

/// How we came to know a version is no part of it.
pub const VERSION: &str = "- 'rank' - 'as_of' - 'asked' - 'digest' - 'updated_at'";

/// The business alone: the same whatever the shapes of the events.
pub const BUSINESS: [&str; 3] = ["public.servicios", "public.contratos_b2b", "public.clientes"];

/// Every id that a story names.
pub fn ids(story: &Story) -> Vec<String> {
    let mut text = story.rows.clone();
    for step in &story.steps {
        text.push_str(&step.new.to_string());
        text.push_str(&step.old.to_string());
    }
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != '-');
    let is_id = |word: &&str| word.contains(TOKEN) && (word.contains('_') || word.len() == 36);
    let ids: BTreeSet<&str> = words.filter(is_id).collect();
    ids.into_iter().map(ToOwned::to_owned).collect()
}

/// The rows with these ids, under the story's own names.
pub async fn of(pool: &PgPool, ids: &[String], token: &str) -> Value {
    let ids: Vec<String> = ids.iter().map(|id| id.replace(TOKEN, token)).collect();
    let (stripes, ours): (Vec<&String>, Vec<&String>) = ids.iter().partition(|id| id.contains('_'));
    let columns: Vec<String> = TABLES.iter().map(|table| column(table)).collect();
    let sql = AssertSqlSafe(format!("select jsonb_build_object({})::text", columns.join(", ")));
    let text: String = sqlx::query_scalar(sql)
        .bind(stripes)
        .bind(ours)
        .fetch_one(pool)
        .await
        .unwrap();
    serde_json::from_str(&text.replace(token, TOKEN)).unwrap()
}

fn column(table: &str) -> String {
    let wanted = if table.starts_with("stripe.") {
        "id = any($1)"
    } else {
        "id = any($2::text[]::uuid[])"
    };
    format!(
        "'{table}', (select coalesce(jsonb_object_agg(id, to_jsonb(row) {VERSION}), '{{}}') from {table} as row where {wanted})"
    )
}

/// What differs, line by line.
pub fn differences(expected: &Value, found: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    compare("", expected, found, &mut lines);
    lines
}

fn compare(place: &str, expected: &Value, found: &Value, lines: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            let names: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
            for name in names {
                let of = |side: &serde_json::Map<String, Value>| side.get(name).cloned().unwrap_or_default();
                compare(&format!("{place}/{name}"), &of(expected), &of(found), lines);
            }
        }
        _ if expected == found => {}
        _ => lines.push(format!("{place}: {expected} expected, {found} found")),
    }
}
