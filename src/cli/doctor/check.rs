//! One check and how it came out.

use serde::Serialize;

/// How it came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    /// As it should be.
    Ok,
    /// It works, and somebody should look at it.
    Warning,
    /// It does not work.
    Failing,
    /// A step by hand that nobody has done yet.
    Pending,
}

/// A line of the report. It holds names of variables and what was found out; never a value.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    pub(super) key: String,
    pub(super) status: Status,
    pub(super) says: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<String>,
}

impl Check {
    pub(super) fn ok(key: &str, says: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            status: Status::Ok,
            says: says.into(),
            hint: None,
        }
    }

    pub(super) fn warning(key: &str, says: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::with(Status::Warning, key, says, hint)
    }

    pub(super) fn failing(key: &str, says: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::with(Status::Failing, key, says, hint)
    }

    pub(super) fn pending(key: &str, says: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::with(Status::Pending, key, says, hint)
    }

    /// What must be there in production, and is missed nowhere else.
    pub(super) fn lacking(
        production: bool,
        key: &str,
        says: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let status = if production {
            Status::Failing
        } else {
            Status::Warning
        };
        Self::with(status, key, says, hint)
    }

    fn with(status: Status, key: &str, says: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            status,
            says: says.into(),
            hint: Some(hint.into()),
        }
    }
}

/// Everything that is checked besides variables (`env.…`), and every step by hand, in the order of the report.
pub(super) const KEYS: &[&str] = &[
    "configuration",
    // Gigstack API Directa
    "gigstack.key",
    "webhooks-gigstack",
    "server.address",
    "csd-gigstack",
    "plantillas-gigstack",
    "confirmacion-probada",
    "autofactura-probada",
    "invoicing.global",
    "alerts.team",
    "mail.smtp",
    // Gigstack via Stripe
    "app-gigstack-stripe",
    "payment-links-fiscales",
    "stripe.key",
    "stripe.webhook",
    "conexion-stripe-gigstack",
    "pago-probado",
    "webhook-gigstack-recibido",
    // Mifiel
    "mifiel.key",
    "mifiel.webhook",
    "firma-probada",
    "plantillas-contrato",
    "acreditacion-mifiel",
    // Infraestructura
    "r2.objects",
    "database.reached",
    "database.migrations",
    "database.closed",
    "database.role",
    "supabase.keys",
    "server.limits",
    "audit.append_only",
    "audit.heads",
    "audit.key",
    "queue.health",
    "monitoring.probes",
    // What else there is.
    "clock.database",
    "clock.provider",
    "cloudflare.d1",
    "cloudflare.kv",
    "redis",
    "checklist",
];

#[cfg(test)]
mod tests {
    use super::KEYS;
    use crate::checklist::{LINES, Part, STEPS};
    use crate::ground::config::VARIABLES;

    fn is_checked(key: &str) -> bool {
        let variable = |name| VARIABLES.iter().any(|variable| variable.name == name);
        KEYS.contains(&key) || key.strip_prefix("env.").is_some_and(variable)
    }

    #[test]
    fn each_line_of_the_checklist_is_checked_or_a_step_and_documented() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/checklist.md");
        let document = std::fs::read_to_string(path).expect("the document");
        let of = |part| LINES.iter().filter(|line| line.part == part).count();
        assert_eq!(
            Part::ALL.map(of),
            [8, 7, 5, 6],
            "lines of the company's checklist"
        );
        for line in LINES {
            assert!(!line.held_by.is_empty(), "nothing holds {}", line.text);
            let row = document
                .lines()
                .find(|row| row.starts_with(&format!("| {} |", line.text)));
            let row = row.unwrap_or_else(|| panic!("docs/checklist.md lacks {}", line.text));
            for key in line.held_by {
                assert!(is_checked(key), "{}: there is no check {key}", line.text);
                assert!(
                    row.contains(&format!("`{key}`")),
                    "docs/checklist.md: {} lacks {key}",
                    line.text
                );
            }
        }
        for key in KEYS {
            assert!(
                document.contains(&format!("`{key}`")) || *key == "checklist",
                "docs/checklist.md lacks {key}"
            );
        }
    }

    #[test]
    fn each_step_is_shown_and_is_on_the_checklist() {
        for step in STEPS {
            assert!(KEYS.contains(&step.key), "{}", step.key);
            let on_a_line = LINES.iter().any(|line| line.held_by.contains(&step.key));
            assert!(on_a_line, "{}", step.key);
        }
    }
}
