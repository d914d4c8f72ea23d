//! How the report is shown.

use serde_json::json;

use super::check::{Check, Status};
use crate::checklist::{self, LINES, Part};

pub(super) fn lines(checks: &[Check], production: bool, offline: bool) -> String {
    let width = checks
        .iter()
        .map(|check| check.key.len())
        .max()
        .unwrap_or_default();
    let mut lines = Vec::new();
    for (title, part) in headings() {
        let of_this = checks.iter().filter(|check| place(&check.key) == part);
        let told: Vec<String> = of_this.flat_map(|check| told(check, width)).collect();
        if !told.is_empty() {
            lines.push(format!("\n{title}"));
            lines.extend(told);
        }
    }
    lines.push(format!("\n{}", summary(checks, production, offline)));
    lines.join("\n").trim_start().to_owned()
}

/// The checklist's parts, then what is on no line of it.
fn headings() -> impl Iterator<Item = (&'static str, Option<Part>)> {
    let parts = Part::ALL.into_iter().map(|part| (part.title(), Some(part)));
    parts.chain([("Besides", None)])
}

/// Variables stand together, though some lines of the checklist name one.
fn place(key: &str) -> Option<Part> {
    checklist::part_of(key)
}

fn told(check: &Check, width: usize) -> Vec<String> {
    let word = match check.status {
        Status::Ok => "ok       ",
        Status::Warning => "warning  ",
        Status::Failing => "failing  ",
        Status::Pending => "pendiente",
    };
    let mut told = vec![format!("  {word}  {:width$}  {}", check.key, check.says)];
    if let Some(hint) = &check.hint {
        told.push(format!("             hint: {hint}"));
    }
    told
}

fn count(checks: &[Check], status: Status) -> usize {
    checks.iter().filter(|check| check.status == status).count()
}

fn summary(checks: &[Check], production: bool, offline: bool) -> String {
    let mode = if production {
        "production"
    } else {
        "not production"
    };
    let mut summary = format!(
        "{mode}: {} ok, {} warnings, {} failing, {} steps by hand to be done",
        count(checks, Status::Ok),
        count(checks, Status::Warning),
        count(checks, Status::Failing),
        count(checks, Status::Pending),
    );
    if offline {
        summary.push_str("\noffline: nothing was connected to; without --offline more is checked");
    }
    if count(checks, Status::Pending) > 0 {
        summary.push_str("\nwhen a step is done: onlycar doctor done KEY --note TEXT");
    }
    summary
}

/// Each line of the checklist with how it stands: as the worst of what holds it.
pub(super) fn json(checks: &[Check], production: bool, offline: bool) -> anyhow::Result<String> {
    let lines: Vec<_> = LINES
        .iter()
        .map(|line| {
            let held = checks
                .iter()
                .filter(|check| line.held_by.contains(&check.key.as_str()));
            json!({
                "part": line.part,
                "line": line.text,
                "held_by": line.held_by,
                "status": held.map(|check| check.status).max_by_key(|status| gravity(*status)),
            })
        })
        .collect();
    let report = json!({
        "ok": count(checks, Status::Failing) == 0,
        "production": production,
        "offline": offline,
        "checks": checks,
        "checklist": lines,
    });
    Ok(serde_json::to_string_pretty(&report)?)
}

fn gravity(status: Status) -> u8 {
    match status {
        Status::Ok => 0,
        Status::Pending => 1,
        Status::Warning => 2,
        Status::Failing => 3,
    }
}
