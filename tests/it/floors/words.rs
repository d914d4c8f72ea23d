//! Words that may stand in one place only, or in none.

use super::{Source, can_fail, holds};

/// The engine serves any provider: it names none.
fn the_engine_names_no_provider(source: &Source) -> Vec<String> {
    if !source.path.starts_with("src/engine/") {
        return Vec::new();
    }
    let code = source.code.to_lowercase();
    let named = ["stripe", "gigstack", "mifiel"]
        .into_iter()
        .filter(|name| code.contains(name));
    named
        .map(|name| format!("{} names {name}", source.path))
        .collect()
}

/// To be split; whoever does it takes it off this list.
const STILL_LONG: [&str; 0] = [];

fn is_short(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    let told = match (lines > 400, STILL_LONG.contains(&source.path.as_str())) {
        (true, false) => format!("{} has {lines} lines; 400 is the limit: split it", source.path),
        (false, true) => format!("{} is short now: take it off STILL_LONG", source.path),
        _ => return Vec::new(),
    };
    vec![told]
}

/// A name that says nothing gathers everything.
fn has_a_name_that_says_what_it_is(source: &Source) -> Vec<String> {
    const EMPTY: [&str; 6] = ["utils", "util", "helpers", "helper", "common", "misc"];
    let declared = source.bare.split("mod ").skip(1).map(|rest| {
        let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
        &rest[..end.unwrap_or(rest.len())]
    });
    let names = source.modules().into_iter().chain(declared);
    let found = names.filter(|name| EMPTY.contains(name));
    found
        .map(|name| format!("{}: what is `{name}`?", source.path))
        .collect()
}

/// Each of `words` stands in the code of `places` only (a folder ends with `/`).
fn only_in(source: &Source, words: &[&str], places: &[&str]) -> Vec<String> {
    let here = |place: &str| source.path == place || (place.ends_with('/') && source.path.starts_with(place));
    if places.iter().copied().any(here) {
        return Vec::new();
    }
    let squeezed: String = source.bare.split_whitespace().collect();
    let found = words.iter().filter(|word| {
        let starts = |at: usize| {
            squeezed[..at]
                .chars()
                .last()
                .is_none_or(|it| !it.is_alphanumeric() && it != '_')
        };
        let own_start = word.starts_with(|letter: char| letter.is_alphabetic());
        squeezed
            .match_indices(*word)
            .any(|(at, _)| !own_start || starts(at))
    });
    found
        .map(|word| format!("{} has `{word}`", source.path))
        .collect()
}

fn asks_the_clock_for_the_time(source: &Source) -> Vec<String> {
    let words = [
        "Utc::now(",
        "Local::now(",
        "Uuid::now_v7(",
        "Uuid::now_v6(",
        "SystemTime::now(",
    ];
    only_in(source, &words, &["src/ground/clock.rs"])
}

fn leaves_the_environment_to_the_configuration(source: &Source) -> Vec<String> {
    let words = [
        "env::var(",
        "env::vars(",
        "env::var_os(",
        "env::vars_os(",
        "env::{",
        "dotenv",
    ];
    only_in(
        source,
        &words,
        &["src/ground/config/", "src/dev/postgres/binaries.rs"],
    )
}

/// `engine.begin` is the door to work.rs itself, and `tools/db` the ground that it stands on.
fn opens_transactions_in_work_only(source: &Source) -> Vec<String> {
    let begun = source
        .bare
        .replace("engine.begin(", "")
        .replace("self.begin(", "");
    let without = Source::new(&source.path, &begun);
    only_in(
        &without,
        &[".begin(", ".begin_with(", ".try_begin("],
        &["src/engine/work.rs", "src/tools/db/"],
    )
}

/// What came in from outside must not pass for what we fetched ourselves: only the code that calls the provider says so.
fn says_that_it_fetched_a_message(source: &Source) -> Vec<String> {
    only_in(
        source,
        &["Fetched::new("],
        &[
            "src/payments/",
            "src/invoicing/reconcile/",
            "src/contracts/reconcile/",
        ],
    )
}

fn finishes_what_it_began(source: &Source) -> Vec<String> {
    only_in(
        source,
        &["todo!", "unimplemented!", "dbg!", ".unwrap()", ".unwrap_err()"],
        &[],
    )
}

#[test]
fn the_engine_serves_any_provider() {
    holds(the_engine_names_no_provider);
    let wrong = [
        "fn stripe() {}",
        "const A: &str = \"Gigstack\";",
        "struct Mifiel;",
    ];
    can_fail(
        the_engine_names_no_provider,
        "src/engine/work.rs",
        &wrong,
        &["/// As Stripe does.\nfn a() {}"],
    );
    can_fail(the_engine_names_no_provider, "src/payments/mod.rs", &[], &wrong);
}

#[test]
fn files_are_short() {
    holds(is_short);
    can_fail(
        is_short,
        "src/story.rs",
        &["// a\n".repeat(401).leak()],
        &["// a\n".repeat(400).leak()],
    );
}

#[test]
fn names_say_what_is_there() {
    holds(has_a_name_that_says_what_it_is);
    let rule = has_a_name_that_says_what_it_is;
    can_fail(
        rule,
        "src/tools/db.rs",
        &["mod utils;", "pub mod common {}"],
        &["mod commons;", "// mod utils;"],
    );
    for path in [
        "src/helpers.rs",
        "src/tools/misc.rs",
        "src/payments/utils/money.rs",
    ] {
        can_fail(rule, path, &[""], &[]);
    }
}

#[test]
fn the_time_comes_from_the_clock() {
    let rule = asks_the_clock_for_the_time;
    holds(rule);
    let wrong = [
        "let a = Utc::now();",
        "chrono::Utc::now()",
        "Utc::\n    now()",
        "uuid::Uuid::now_v7()",
        "SystemTime::now()",
    ];
    can_fail(
        rule,
        "src/engine/work.rs",
        &wrong,
        &["clock.now()", "// Utc::now()", "work.now()", "Instant::now()"],
    );
    can_fail(rule, "src/ground/clock.rs", &[], &wrong);
}

#[test]
fn the_environment_is_read_in_one_place() {
    let rule = leaves_the_environment_to_the_configuration;
    holds(rule);
    let wrong = [
        "std::env::var(\"A\")",
        "env::vars()",
        "env::var_os(name)",
        "use std::env::{self, var};",
    ];
    can_fail(
        rule,
        "src/tools/db.rs",
        &wrong,
        &["env!(\"A\")", "std::env::current_exe()", "\"env::var(\""],
    );
    can_fail(rule, "src/ground/config/environment.rs", &[], &wrong);
}

#[test]
fn transactions_begin_in_one_place() {
    let rule = opens_transactions_in_work_only;
    holds(rule);
    let wrong = [
        "pool.begin().await",
        "self.pools.main.begin()",
        "pool\n    .begin()",
        "connection.begin_with(\"begin\")",
    ];
    can_fail(
        rule,
        "src/payments/store.rs",
        &wrong,
        &["engine.begin(unit).await", "\"pool.begin(\""],
    );
    can_fail(rule, "src/engine/work.rs", &[], &wrong);
}

#[test]
fn only_a_slice_says_that_it_fetched_a_message() {
    let rule = says_that_it_fetched_a_message;
    holds(rule);
    can_fail(
        rule,
        "src/engine/receive.rs",
        &["Fetched::new(&*self.source, body, now)"],
        &["Verified::new(&*self.source, &parts, body, now)"],
    );
}

#[test]
fn nothing_is_half_done() {
    let rule = finishes_what_it_began;
    holds(rule);
    let wrong = [
        "todo!()",
        "unimplemented!(\"a\")",
        "dbg!(a)",
        "a.unwrap()",
        "a\n    .unwrap()",
    ];
    let right = [
        "a.unwrap_or_default()",
        "// todo!()",
        "\"todo!\"",
        "#[cfg(test)]\nmod tests {\n    a.unwrap()\n}",
    ];
    can_fail(rule, "src/story.rs", &wrong, &right);
}
