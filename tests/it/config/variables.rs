//! `.env.example` is the list of all variables, and no configuration.

use std::collections::BTreeSet;

use onlycar::ground::config::{Environment, Settings, VARIABLES};

const EXAMPLE: &str = include_str!("../../../.env.example");

/// Each line's name and value, and whether it is commented out.
fn lines() -> Vec<(&'static str, &'static str, bool)> {
    let line = |line: &'static str| {
        let (text, commented) = line.strip_prefix("# ").map_or((line, false), |text| (text, true));
        let (name, value) = text.split_once('=')?;
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        is_name.then_some((name, value, commented))
    };
    EXAMPLE.lines().filter_map(line).collect()
}

#[test]
fn the_example_names_exactly_the_variables_there_are() {
    let named: Vec<&str> = lines().iter().map(|(name, ..)| *name).collect();
    let known: BTreeSet<&str> = VARIABLES.iter().map(|variable| variable.name).collect();
    assert_eq!(named.iter().copied().collect::<BTreeSet<_>>(), known);
    assert_eq!(named.len(), known.len(), "one line each");
    assert_eq!(VARIABLES.len(), known.len());
}

#[test]
fn what_is_commented_out_is_optional() {
    for (name, _, commented) in lines() {
        let variable = VARIABLES.iter().find(|variable| variable.name == name).unwrap();
        assert_eq!(format!("{:?}", variable.need) == "Optional", commented, "{name}");
    }
}

#[test]
fn the_example_as_it_stands_is_refused_for_each_placeholder() {
    for with_comments in [false, true] {
        let taken = || {
            lines()
                .into_iter()
                .filter(move |(.., commented)| with_comments || !commented)
        };
        let environment: Environment = taken().map(|(name, value, _)| (name, value)).collect();
        let refused = Settings::from_parts(&environment, None).unwrap_err();
        let read_later = ["OTEL_"];
        let placeholders = taken().filter(|(name, value, _)| {
            value.contains("...") && !read_later.iter().any(|prefix| name.starts_with(prefix))
        });
        for (name, ..) in placeholders {
            let expected = format!("{name} still holds the placeholder of .env.example");
            assert!(refused.0.contains(&expected), "{name}: {refused}");
        }
    }
}

#[test]
fn the_example_filled_in_starts() {
    let filled =
        lines()
            .into_iter()
            .filter(|(.., commented)| !commented)
            .map(|(name, value, _)| match name {
                "MAIL_FROM" | "TEAM_EMAIL" => (name, "equipo@onlycar.example".to_owned()),
                "GIGSTACK_API_KEY" => (name, "sk_test_filled-in".to_owned()),
                "MIFIEL_WEBHOOK_URL" => (name, value.replace("...", &"0123456789abcdef".repeat(2))),
                _ => (name, value.replace("...", "filled-in")),
            });
    let settings = Settings::from_parts(&filled.collect(), None).unwrap();
    assert!(!settings.production);
    assert_eq!(settings.warnings, [""; 0]);
}

#[test]
fn every_line_is_explained() {
    let all: Vec<&str> = EXAMPLE.lines().collect();
    for (name, ..) in lines() {
        let at = all
            .iter()
            .position(|line| line.trim_start_matches("# ").starts_with(&format!("{name}=")))
            .unwrap();
        let before = all[at - 1].strip_prefix("# ").unwrap_or_default();
        let another = lines()
            .iter()
            .any(|(name, ..)| before.starts_with(&format!("{name}=")));
        assert!(before.len() > 10 && !another, "{name}: {before}");
    }
}
