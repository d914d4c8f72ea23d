//! The dashboard and the rules of Prometheus use names that exist, and each rule has its section of the runbook.

use std::collections::BTreeSet;

use onlycar::notifications::incidents::KINDS;
use onlycar::tools::telemetry::{Kind, METRICS};
use yaml_rust2::{Yaml, YamlLoader};

use super::names::file;

/// Of Prometheus itself.
const OF_A_SCRAPE: [&str; 3] = ["up", "job", "instance"];
const WORDS: [&str; 13] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "and",
    "or",
    "unless",
    "offset",
    "bool",
    "inf",
    "nan",
];

/// The names of metrics in an expression, and those of labels.
fn used(expression: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut metrics, mut labels) = (BTreeSet::new(), BTreeSet::new());
    // What is quoted is a value.
    let bare: String = expression.split('"').step_by(2).collect();
    let (mut braces, mut grouping, mut range) = (false, false, false);
    let mut last = String::new();
    let mut rest = bare.as_str();
    while let Some(letter) = rest.chars().next() {
        let length = rest
            .find(|it: char| !it.is_ascii_alphanumeric() && it != '_')
            .unwrap_or(rest.len());
        if length == 0 {
            match letter {
                '{' => braces = true,
                '}' => braces = false,
                '[' => range = true,
                ']' => range = false,
                '(' => grouping = matches!(last.as_str(), "by" | "without" | "on" | "ignoring"),
                ')' => grouping = false,
                _ => {}
            }
            if !letter.is_whitespace() {
                last.clear();
            }
            rest = &rest[letter.len_utf8()..];
            continue;
        }
        let (word, after) = rest.split_at(length);
        rest = after;
        let number = word.starts_with(|it: char| it.is_ascii_digit());
        let function = after.trim_start().starts_with('(') || after.trim_start().starts_with("by ");
        if braces || grouping {
            labels.insert(word.to_owned());
        } else if !(range || number || WORDS.contains(&word) || function) {
            metrics.insert(word.to_owned());
        }
        word.clone_into(&mut last);
    }
    (metrics, labels)
}

fn exists(expression: &str) {
    let (metrics, labels) = used(expression);
    assert!(!metrics.is_empty(), "no metric in {expression}");
    let mut known: BTreeSet<&str> = OF_A_SCRAPE.into_iter().collect();
    for name in &metrics {
        if OF_A_SCRAPE.contains(&name.as_str()) {
            continue;
        }
        let of = |metric: &&onlycar::tools::telemetry::Metric| match metric.kind {
            Kind::Histogram => name
                .strip_prefix(metric.name)
                .is_some_and(|end| matches!(end, "_bucket" | "_sum" | "_count")),
            _ => metric.name == name,
        };
        let metric = METRICS
            .iter()
            .find(of)
            .unwrap_or_else(|| panic!("there is no {name}: {expression}"));
        known.extend(metric.labels);
        if metric.kind == Kind::Histogram {
            known.insert("le");
        }
    }
    for label in &labels {
        assert!(
            known.contains(label.as_str()),
            "there is no label {label}: {expression}"
        );
    }
}

fn rules() -> Vec<Yaml> {
    let text = file("ops/prometheus/rules.yml");
    let document = YamlLoader::load_from_str(&text).unwrap().remove(0);
    document["groups"][0]["rules"].as_vec().unwrap().clone()
}

#[test]
fn an_expression_is_taken_apart() {
    let set = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<BTreeSet<_>>()
    };
    let (metrics, labels) = used(
        r#"sum by (provider) (rate(a_total{answer="b",x!~"c|d"}[5m] offset 1w)) / max(e_bucket) > 0.5 or f == 0"#,
    );
    assert_eq!(metrics, set(&["a_total", "e_bucket", "f"]));
    assert_eq!(labels, set(&["answer", "provider", "x"]));
}

#[test]
fn the_rules_use_what_exists_and_name_their_section() {
    let runbook = file("docs/runbook.md");
    let rules = rules();
    assert!(rules.len() >= 15);
    let mut names = BTreeSet::new();
    for rule in &rules {
        let name = rule["alert"].as_str().unwrap();
        let expression = rule["expr"].as_str().unwrap();
        assert!(names.insert(name.to_owned()), "{name} twice");
        exists(expression);
        let (_, labels) = used(expression);
        for field in ["summary", "description"] {
            let text = rule["annotations"][field].as_str().unwrap();
            for (_, after) in text
                .match_indices("$labels.")
                .map(|(at, found)| (at, &text[at + found.len()..]))
            {
                let label = after
                    .split(|it: char| !it.is_alphanumeric() && it != '_')
                    .next()
                    .unwrap();
                assert!(
                    labels.contains(label) || label == "instance",
                    "{name}: $labels.{label}"
                );
            }
        }
        assert!(
            matches!(rule["labels"]["severity"].as_str(), Some("critical" | "warning")),
            "{name}"
        );
        let link = format!("docs/runbook.md#{}", name.to_lowercase());
        assert_eq!(rule["annotations"]["runbook"].as_str(), Some(link.as_str()));
        assert!(
            runbook.contains(&format!("\n### {name}\n")),
            "docs/runbook.md lacks {name}"
        );
    }
    for line in runbook
        .lines()
        .filter_map(|line| line.strip_prefix("### Onlycar"))
    {
        assert!(
            names.contains(&format!("Onlycar{line}")),
            "there is no rule Onlycar{line}"
        );
    }
}

#[test]
fn the_dashboard_uses_what_exists() {
    let text = file("ops/grafana/onlycar.json");
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array())
        .flatten();
    let mut count = 0;
    for target in targets {
        exists(target["expr"].as_str().unwrap());
        count += 1;
    }
    assert!(count > 20, "{count}");
}

#[test]
fn promtool_finds_nothing_where_it_is_installed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/ops/prometheus/rules.yml");
    match std::process::Command::new("promtool")
        .args(["check", "rules", path])
        .output()
    {
        Ok(checked) => assert!(
            checked.status.success(),
            "{}",
            String::from_utf8_lossy(&checked.stderr)
        ),
        Err(_) => assert!(
            std::env::var_os("ONLYCAR_REQUIRE_PROMTOOL").is_none(),
            "promtool is not installed (Debian: prometheus)"
        ),
    }
}

#[test]
fn each_kind_of_incident_has_its_section_of_the_runbook() {
    let runbook = file("docs/runbook.md");
    let headings: Vec<&str> = runbook.lines().filter(|line| line.starts_with("### ")).collect();
    for kind in KINDS {
        let named = |heading: &&&str| {
            let after = heading
                .split_once(&format!("`{}", kind.name))
                .map(|(_, after)| after);
            after.is_some_and(|after| after.starts_with(['`', ':']))
        };
        assert_eq!(
            headings.iter().filter(named).count(),
            1,
            "docs/runbook.md and {}",
            kind.name
        );
    }
}
