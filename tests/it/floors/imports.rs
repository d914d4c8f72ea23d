//! Floors: a file imports from its own floor or from a lower one, and slices are strangers to each other.

use super::{Source, can_fail, holds};

/// From the ground up.
const FLOORS: &[&[&str]] = &[
    &["ground"],
    &["tools"],
    &["engine"],
    &["access", "notifications"],
    &[
        "payments",
        "contracts",
        "invoicing",
        "documents",
        "edge",
        "checklist",
        "monitoring",
    ],
    &["story", "panel", "privacy", "app", "routes"],
    &["cli", "dev", "main"],
];
const SLICES: usize = 4;

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

fn imports_its_own_floor_or_a_lower_one(source: &Source) -> Vec<String> {
    let Some(own) = source.modules().first().copied() else {
        return Vec::new();
    };
    let Some(own_floor) = floor(own) else {
        return vec![format!(
            "{}: `{own}` has no floor; give it one in src/lib.rs and here",
            source.path
        )];
    };
    let mut broken = Vec::new();
    for named in named_from_the_root(source) {
        let why = match floor(&named) {
            None => "which has no floor",
            Some(floor) if floor > own_floor => "which is above it",
            Some(SLICES) if own_floor == SLICES && named != own => "which is another slice",
            Some(_) => continue,
        };
        broken.push(format!("{} names crate::{named}, {why}", source.path));
    }
    broken
}

/// The top-level modules that the code names: `crate::a`, `crate::{a, b}`, or as many `super::` as lead to the root.
fn named_from_the_root(source: &Source) -> Vec<String> {
    let to_root = "super::".repeat(source.modules().len());
    let mut named = Vec::new();
    for root in ["crate::", "onlycar::", &to_root] {
        for (at, _) in source.bare.match_indices(root) {
            let before = source.bare[..at].chars().last();
            let longer =
                before.is_some_and(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '$' | ':'));
            let after = &source.bare[at + root.len()..];
            if longer || after.starts_with("super::") {
                continue;
            }
            match after.strip_prefix('{') {
                Some(group) => named.extend(group_items(group)),
                None => named.push(name(after)),
            }
        }
    }
    named.retain(|name| !name.is_empty() && *name == name.to_lowercase());
    named
}

/// The first name of each item of `a::b, c::{d, e}}`.
fn group_items(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(name(group[start..at].trim()));
                return items;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(name(group[start..at].trim()));
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

fn name(path: &str) -> String {
    path.chars()
        .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
        .collect()
}

#[test]
fn floors_are_kept() {
    holds(imports_its_own_floor_or_a_lower_one);
}

#[test]
fn a_file_that_looks_up_is_seen() {
    let rule = imports_its_own_floor_or_a_lower_one;
    can_fail(
        rule,
        "src/engine/work.rs",
        &[
            "use crate::payments::Stripe;",
            "use crate::{ground::facts::Fact, story};",
            "use crate::{\n    ground::{clock::Clock, values},\n    payments::{a, b},\n};",
            "fn a() { crate::story::react() }",
            "use super::super::notifications::Notice;",
            "pub(crate) use crate::dev::Options;",
            "use crate::helpers::a;",
        ],
        &[
            "use crate::engine::inbox::Inbox;\nuse crate::{ground::facts::Fact, tools::{db, problem}};",
            "// use crate::payments::Stripe;",
            "const A: &str = \"crate::payments\";",
            "use super::inbox::Inbox;",
            "use other_crate::payments::Stripe;\nuse sqlx::{Pool, payments};",
            "#[cfg(test)]\nmod tests {\n    use crate::payments::Stripe;\n}",
        ],
    );
    can_fail(
        rule,
        "src/engine/audit/seal.rs",
        &["use super::super::super::payments::Stripe;"],
        &["use super::super::work::Work;", "use super::payments;"],
    );
    can_fail(
        rule,
        "src/payments/events.rs",
        &[
            "use crate::contracts::end;",
            "use crate::invoicing;",
            "use crate::app::Shared;",
        ],
        &["use crate::payments::store;\nuse crate::notifications::Notice;"],
    );
    can_fail(
        rule,
        "src/ground/values.rs",
        &["use crate::tools::db;"],
        &["use crate::ground::facts::Fact;"],
    );
    can_fail(
        rule,
        "src/story.rs",
        &["use crate::cli::main;"],
        &["use crate::{contracts, payments, app};"],
    );
    can_fail(
        rule,
        "src/app.rs",
        &["use crate::dev::seed;"],
        &["use crate::{routes, story};"],
    );
    can_fail(rule, "src/attic.rs", &[""], &[]);
}

#[test]
fn the_floor_plan_names_the_modules_there_are() {
    let lib = super::sources()
        .into_iter()
        .find(|source| source.path == "src/lib.rs")
        .unwrap();
    let modules: Vec<&str> = lib
        .bare
        .split("pub mod ")
        .skip(1)
        .filter_map(|rest| rest.split(';').next())
        .collect();
    assert!(modules.len() >= 10, "{modules:?}");
    for module in &modules {
        assert!(floor(module).is_some(), "{module} has no floor");
        let line = lib
            .text
            .lines()
            .find(|line| line.contains(&format!("pub mod {module};")))
            .unwrap();
        let explained = line.contains("; // ") || matches!(*module, "contracts" | "dev");
        assert!(explained, "src/lib.rs says in a line what each floor is: {line}");
    }
}
