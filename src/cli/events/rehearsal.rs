//! What `onlycar events replay --dry-run` prints.

use serde::Serialize;
use serde_json::Value;

use crate::engine::rehearsal::{Change, Rehearsal, RowChange};
use crate::engine::replay::Candidate;

/// An event and what handling it would do.
#[derive(Serialize)]
pub(super) struct Rehearsed {
    #[serde(flatten)]
    pub(super) event: Candidate,
    pub(super) rehearsal: Rehearsal,
}

/// The same for people.
pub(super) fn tell(rehearsed: &Rehearsed) -> String {
    let Rehearsed { event, rehearsal } = rehearsed;
    let mut lines = vec![format!(
        "{}  {}  {} -> {}{}",
        event.event_id,
        event.event_type,
        event.state,
        rehearsal.outcome,
        rehearsal
            .reason
            .as_deref()
            .map(|why| format!("  {why}"))
            .unwrap_or_default(),
    )];
    if rehearsal.rows.is_empty() {
        lines.push("  no row would change".to_owned());
    }
    for row in &rehearsal.rows {
        lines.extend(tell_row(row));
    }
    for audit in &rehearsal.audit {
        lines.push(format!(
            "  audit  {}  {}  {} {}  {}",
            audit.actor, audit.action, audit.resource_type, audit.resource_id, audit.detail
        ));
    }
    for job in &rehearsal.jobs {
        let once = job
            .key
            .as_deref()
            .map(|key| format!("  once for {key}"))
            .unwrap_or_default();
        lines.push(format!("  job    {}{once}  {}", job.kind, job.payload));
    }
    lines.join("\n")
}

fn tell_row(row: &RowChange) -> Vec<String> {
    let key: Vec<String> = row
        .key
        .iter()
        .map(|(column, value)| format!("{column}={}", text(value)))
        .collect();
    let change = match row.change {
        Change::Insert => "  (new)",
        Change::Update => "",
        Change::Delete => "  (deleted)",
    };
    let mut lines = vec![format!("  {}  {}{change}", row.table, key.join(" "))];
    let width = row.columns.iter().map(|it| it.column.len()).max().unwrap_or(0);
    for it in &row.columns {
        lines.push(format!(
            "    {:width$}  {} -> {}",
            it.column,
            text(&it.before),
            text(&it.after)
        ));
    }
    lines
}

/// A text without quotes, but so that it cannot pass for nothing or for another line.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() && text != "null" && !text.contains(char::is_control) => {
            text.clone()
        }
        other => other.to_string(),
    }
}
