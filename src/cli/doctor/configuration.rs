//! What variables and settings tell by themselves.

use secrecy::ExposeSecret as _;
use url::Url;

use super::check::Check;
use crate::ground::config::{Examined, Judged, Limits, Need, Settings};

const EXPLAINED: &str = ".env.example explains each variable, config/default.toml each setting";

pub(super) fn checks(examined: &Examined) -> Vec<Check> {
    let production = examined.production;
    let variables = examined.variables.iter();
    let mut checks: Vec<Check> = variables.map(|judged| of_variable(judged, production)).collect();
    checks.push(as_a_whole(examined));
    if let Some(settings) = &examined.settings {
        checks.push(global_invoice(examined, settings));
        checks.push(team(examined, settings));
        checks.push(mifiel_webhook(examined, settings));
        checks.push(limits(&settings.file.limits));
        checks.push(audit_key(settings));
    }
    checks
}

fn of_variable(judged: &Judged, production: bool) -> Check {
    let name = judged.variable.name;
    let key = &format!("env.{name}");
    let hint = format!("set {name} right: {EXPLAINED}");
    match (&judged.problem, &judged.warning) {
        (Some(problem), _) => Check::failing(key, problem.as_str(), hint),
        (None, Some(warning)) => Check::warning(key, warning.as_str(), hint),
        (None, None) if judged.set => Check::ok(key, "set"),
        (None, None) if judged.variable.need == Need::Optional => {
            Check::ok(key, "not set: optional, or its default holds")
        }
        // The server says so itself; a variable that nothing reads is told here.
        (None, None) => Check::lacking(production, key, format!("{name} is not set"), hint),
    }
}

fn as_a_whole(examined: &Examined) -> Check {
    let mode = if examined.production {
        "production: live keys"
    } else {
        "not production: no live key"
    };
    let key = "configuration";
    if !examined.problems.is_empty() {
        return Check::failing(key, examined.problems.join("; "), EXPLAINED);
    }
    if examined.settings.is_none() {
        return Check::failing(key, "too little is set right to check more", EXPLAINED);
    }
    match examined.warnings.join("; ") {
        warnings if warnings.is_empty() => Check::ok(key, mode),
        warnings => Check::warning(key, format!("{mode}; {warnings}"), EXPLAINED),
    }
}

fn global_invoice(examined: &Examined, settings: &Settings) -> Check {
    let key = "invoicing.global";
    let needed = [
        ("GIGSTACK_…", settings.gigstack.is_some()),
        ("EMISOR_…", settings.issuer.is_some()),
        ("R2_…", settings.r2.is_some()),
    ];
    let missing: Vec<&str> = needed
        .iter()
        .filter(|(_, there)| !there)
        .map(|(name, _)| *name)
        .collect();
    if !missing.is_empty() {
        let said = format!(
            "no global invoice can be made: {} are not set",
            missing.join(", ")
        );
        return Check::lacking(examined.production, key, said, EXPLAINED);
    }
    if settings.file.invoicing.global_every_month {
        return Check::ok(key, "every month on day 1 at 00:15, Nuevo Laredo");
    }
    Check::warning(
        key,
        "switched off: somebody has to run `onlycar global-invoice run` each month",
        "set invoicing.global_every_month = true",
    )
}

fn team(examined: &Examined, settings: &Settings) -> Check {
    let key = "alerts.team";
    let mail = &settings.mail;
    let by_mail = mail.team.is_some() && mail.smtp_url.is_some() && mail.from.is_some();
    match (by_mail, mail.team_webhook.is_some()) {
        (true, true) => Check::ok(key, "by mail to TEAM_EMAIL and by TEAM_WEBHOOK_URL"),
        (true, false) => Check::ok(key, "by mail to TEAM_EMAIL; TEAM_WEBHOOK_URL is not set"),
        (false, true) => Check::warning(
            key,
            "by TEAM_WEBHOOK_URL only",
            "set TEAM_EMAIL, SMTP_URL and MAIL_FROM: a second way for when one fails",
        ),
        (false, false) => Check::lacking(
            examined.production,
            key,
            "nobody would be told of a failure",
            "set TEAM_EMAIL, SMTP_URL and MAIL_FROM, or TEAM_WEBHOOK_URL",
        ),
    }
}

/// Mifiel is told this address with each document: a wrong one is noticed by the contracts that are never signed.
fn mifiel_webhook(examined: &Examined, settings: &Settings) -> Check {
    let key = "mifiel.webhook";
    let Some(mifiel) = &settings.mifiel else {
        return Check::lacking(
            examined.production,
            key,
            "Mifiel is not configured",
            "set the variables MIFIEL_…",
        );
    };
    let Ok(url) = Url::parse(mifiel.webhook_url.expose_secret()) else {
        return Check::failing(key, "MIFIEL_WEBHOOK_URL is no address", EXPLAINED);
    };
    let ours = &settings.public_url;
    if (url.scheme(), url.host_str(), url.port_or_known_default())
        != (ours.scheme(), ours.host_str(), ours.port_or_known_default())
    {
        let hint = "MIFIEL_WEBHOOK_URL is PUBLIC_URL and /api/webhooks/mifiel?token=…";
        return Check::warning(key, "MIFIEL_WEBHOOK_URL leads elsewhere than PUBLIC_URL", hint);
    }
    if url.path() == "/api/webhooks/mifiel" {
        return Check::ok(key, "leads to our door, with a token of 128 bits or more");
    }
    let said = "MIFIEL_WEBHOOK_URL does not lead to /api/webhooks/mifiel: nothing of Mifiel's would arrive";
    Check::failing(key, said, "mend its path")
}

fn limits(limits: &Limits) -> Check {
    let groups = [
        ("webhooks", limits.webhooks.off),
        ("tokens", limits.tokens.off),
        ("sign_in", limits.sign_in.off),
        ("public", limits.public.off),
        ("reads", limits.reads.off),
        ("writes", limits.writes.off),
        ("links", limits.links.off),
        ("admin", limits.admin.off),
    ];
    let off: Vec<&str> = groups
        .iter()
        .filter(|(_, off)| *off)
        .map(|(name, _)| *name)
        .collect();
    if off.is_empty() {
        return Check::ok(
            "server.limits",
            format!("all {} groups of addresses have limits", groups.len()),
        );
    }
    let said = format!("no limits for {}", off.join(", "));
    Check::warning("server.limits", said, "take `off = true` out of [limits]")
}

fn audit_key(settings: &Settings) -> Check {
    let key = "audit.key";
    match (&settings.audit_signing_key, &settings.r2) {
        (Some(_), _) => Check::ok(key, "heads and evidence are signed with AUDIT_SIGNING_KEY"),
        (None, Some(_)) => Check::warning(
            key,
            "signed with a key derived from R2_SECRET_ACCESS_KEY: it changes with that",
            "set AUDIT_SIGNING_KEY (openssl rand -base64 32)",
        ),
        (None, None) => Check::warning(
            key,
            "nothing signs the audit log's heads, for there is no store",
            "set the variables R2_… and AUDIT_SIGNING_KEY",
        ),
    }
}
