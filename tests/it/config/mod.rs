//! The configuration: every problem at once, and no secret in any text.

mod problems;
mod secrets;
mod variables;

use onlycar::ground::config::{Environment, Problems, Settings};

use crate::support::app::PRODUCTION;

/// What nothing starts without.
const LEAST: [(&str, &str); 2] = [
    ("DATABASE_URL", "postgres://onlycar:clave@localhost/onlycar"),
    ("STRIPE_WEBHOOK_SECRET", "whsec_of_the_tests"),
];

fn read(more: &[(&str, &str)], file: Option<&str>) -> Result<Settings, Problems> {
    let all = LEAST.iter().chain(more).copied();
    Settings::from_parts(&all.collect::<Environment>(), file)
}

/// A whole production environment, with what the test adds.
fn read_production(more: &[(&str, &str)], file: Option<&str>) -> Result<Settings, Problems> {
    let mail = [
        ("SMTP_URL", "smtps://correo:clave@smtp.onlycar.example:465"),
        ("MAIL_FROM", "OnlyCar <hola@onlycar.example>"),
    ];
    let all: Vec<_> = PRODUCTION.iter().chain(&mail).chain(more).copied().collect();
    read(&all, file)
}

fn problems(result: Result<Settings, Problems>) -> Vec<String> {
    result.err().map(|problems| problems.0).unwrap_or_default()
}
