//! Metrics: the code, their catalog and docs/observability.md name the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use onlycar::tools::telemetry::{Kind, METRICS};

pub fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn code(folder: &Path, all: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            code(&path, all);
        } else {
            all.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

/// Each metric that the code counts, as kind and labels: `metrics::counter!("name", "label" => value)`.
fn emitted() -> BTreeMap<String, BTreeSet<(String, Vec<String>)>> {
    let mut files = Vec::new();
    code(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (kind, text) in ["counter", "gauge", "histogram"]
        .iter()
        .flat_map(|kind| files.iter().map(move |text| (kind, text)))
    {
        for (at, call) in text.match_indices(&format!("metrics::{kind}!(")) {
            let end = text[at..].find([';', '}']).unwrap();
            let inside = text[at + call.len()..at + end].trim_start();
            let Some(inside) = inside.strip_prefix('"') else {
                panic!("a metric's name is a literal: {}", &text[at..at + end]);
            };
            let (name, rest) = inside.split_once('"').unwrap();
            let labels = rest.match_indices("\" =>").map(|(end, _)| {
                let start = rest[..end].rfind('"').unwrap() + 1;
                rest[start..end].to_owned()
            });
            let told = ((*kind).to_owned(), labels.collect());
            found.entry(name.to_owned()).or_default().insert(told);
        }
    }
    found
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    }
}

#[test]
fn the_catalog_is_what_the_code_counts() {
    let emitted = emitted();
    assert!(emitted.len() > 25, "{emitted:#?}");
    for (name, told) in &emitted {
        let metric = METRICS.iter().find(|metric| metric.name == name);
        let metric = metric.unwrap_or_else(|| panic!("src/tools/telemetry/catalog.rs lacks {name}"));
        let labels: Vec<String> = metric.labels.iter().map(|label| (*label).to_owned()).collect();
        let expected = BTreeSet::from([(word(metric.kind).to_owned(), labels)]);
        assert_eq!(*told, expected, "{name}");
    }
    for metric in METRICS {
        assert!(
            emitted.contains_key(metric.name),
            "nothing counts {}",
            metric.name
        );
        assert_eq!(
            metric.name.ends_with("_total"),
            metric.kind == Kind::Counter,
            "{}",
            metric.name
        );
    }
}

#[test]
fn the_document_names_each_with_type_unit_and_labels() {
    let document = file("docs/observability.md");
    let rows: Vec<Vec<&str>> = document
        .lines()
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .filter(|cells: &Vec<&str>| matches!(cells.get(1), Some(&("counter" | "gauge" | "histogram"))))
        .collect();
    let documented: Vec<(String, String, String)> = rows
        .iter()
        .map(|cells| (cells[0].to_owned(), cells[1].to_owned(), cells[3].to_owned()))
        .collect();
    let expected: Vec<(String, String, String)> = METRICS
        .iter()
        .map(|metric| {
            let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            let labels = if labels.is_empty() {
                "-".to_owned()
            } else {
                labels.join(", ")
            };
            (format!("`{}`", metric.name), word(metric.kind).to_owned(), labels)
        })
        .collect();
    assert_eq!(documented, expected);
}
