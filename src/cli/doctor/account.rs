//! The providers' accounts: does the key open what we need, is it of the right mode, are we told of everything?

use super::check::Check;
use crate::contracts::mifiel::api::{ApiError as MifielError, MifielApi};
use crate::ground::clock::Clock;
use crate::ground::config::{Mode, Settings};
use crate::invoicing::gigstack::api::{ApiError as GigstackError, GigstackApi};
use crate::payments::api::{ApiError as StripeError, EventQuery, StripeApi};
use crate::payments::{Endpoint, Trouble, Watch};

fn stripe_api(settings: &Settings, key: &str) -> Result<StripeApi, Check> {
    match StripeApi::new(&settings.stripe, &settings.file.stripe) {
        Ok(Some(api)) => Ok(api),
        Ok(None) => Err(Check::lacking(
            settings.production,
            key,
            "STRIPE_SECRET_KEY is not set: Stripe cannot be asked",
            "set STRIPE_SECRET_KEY, best to a restricted key (rk_)",
        )),
        Err(_) => Err(Check::failing(
            key,
            "STRIPE_SECRET_KEY or STRIPE_API_BASE cannot be used",
            "copy the key again; STRIPE_API_BASE is an address",
        )),
    }
}

fn stripe_refused(key: &str, error: &StripeError, right: &str) -> Check {
    let hint = match error {
        StripeError::Unavailable { .. } | StripeError::Unreadable(_) => {
            format!(
                "is the key right, may it {right}, and does STRIPE_API_BASE answer? see status.stripe.com"
            )
        }
        StripeError::Missing | StripeError::Refused(_) => format!("let the key {right}"),
    };
    Check::failing(key, error.to_string(), hint)
}

/// Whether the key may list events, as `reconcile` does, and whether it is of the mode that the rest is of.
pub(super) async fn stripe_key(settings: &Settings) -> Vec<Check> {
    let key = "stripe.key";
    let api = match stripe_api(settings, key) {
        Ok(api) => api,
        Err(check) => return vec![check],
    };
    let query = EventQuery {
        since: Clock::system().now(),
        types: &["payment_intent.succeeded"],
    };
    if let Err(error) = api.events(&query).next().await {
        return vec![stripe_refused(key, &error, "read events")];
    }
    let others = [
        (
            "GIGSTACK_ENV",
            settings.gigstack.as_ref().map(|gigstack| gigstack.mode),
        ),
        ("MIFIEL_ENV", settings.mifiel.as_ref().map(|mifiel| mifiel.mode)),
    ];
    let mode = if settings.stripe.live { "live" } else { "test" };
    let other = |mode: Mode| (mode == Mode::Production) != settings.stripe.live;
    let apart: Vec<String> = others
        .iter()
        .filter_map(|(name, mode)| Some((name, (*mode).filter(|mode| other(*mode))?)))
        .map(|(name, mode)| format!("{name} is {}", word(mode)))
        .collect();
    vec![if apart.is_empty() {
        Check::ok(key, format!("a {mode} key, accepted; it may read events"))
    } else {
        let said = format!("a {mode} key, accepted; but {}", apart.join(" and "));
        Check::warning(
            key,
            said,
            "all three are of one mode: test payments must make no real invoice, nor the other way",
        )
    }]
}

fn word(mode: Mode) -> &'static str {
    match mode {
        Mode::Sandbox => "sandbox",
        Mode::Production => "production",
    }
}

pub(super) async fn stripe_webhook(settings: &Settings) -> Vec<Check> {
    let key = "stripe.webhook";
    let api = match stripe_api(settings, key) {
        Ok(api) => api,
        Err(check) => return vec![check],
    };
    let looked = Watch::new(Some(api), &settings.public_url).look().await;
    vec![match looked {
        Err(error) => stripe_refused(key, &error, "read webhook endpoints"),
        Ok(Endpoint::NoKey) => Check::failing(key, "STRIPE_SECRET_KEY is not set", "set it"),
        Ok(Endpoint::Fine(version)) => {
            let version = version.map_or_else(
                || "in the account's own API version".to_owned(),
                |version| format!("in API version {version}"),
            );
            Check::ok(
                key,
                format!("enabled, {version}, subscribed to every event that is needed"),
            )
        }
        Ok(Endpoint::Trouble(Trouble::Missing(address))) => Check::failing(
            key,
            format!("no endpoint at Stripe leads to {address}"),
            "add it in Stripe's dashboard under Webhooks, or put PUBLIC_URL right",
        ),
        Ok(Endpoint::Trouble(Trouble::Disabled)) => Check::failing(
            key,
            "Stripe has disabled the endpoint: nothing arrives",
            "enable it in Stripe's dashboard, then: onlycar reconcile stripe --since 72h",
        ),
        Ok(Endpoint::Trouble(Trouble::Unsubscribed(events))) => Check::failing(
            key,
            format!("the endpoint is not subscribed to {}", events.join(", ")),
            "add these events to the endpoint in Stripe's dashboard",
        ),
    }]
}

pub(super) async fn gigstack(settings: &Settings) -> Vec<Check> {
    let key = "gigstack.key";
    let Some(gigstack) = &settings.gigstack else {
        let said = "Gigstack is not configured";
        return vec![Check::lacking(
            settings.production,
            key,
            said,
            "set the variables GIGSTACK_…",
        )];
    };
    let api = match GigstackApi::new(gigstack, &settings.file.gigstack) {
        Ok(api) => api,
        Err(error) => {
            return vec![Check::failing(
                key,
                error.to_string(),
                "look at GIGSTACK_BASE_URL",
            )];
        }
    };
    let now = Clock::system().now().timestamp();
    vec![match api.list(now, None).await {
        Ok(_) => Check::ok(
            key,
            format!("accepted ({}); it may list invoices", word(gigstack.mode)),
        ),
        Err(error) => {
            let hint = match &error {
                GigstackError::KeyRefused(_) => {
                    "make another key in Gigstack's panel and set GIGSTACK_API_KEY"
                }
                GigstackError::Unavailable { .. } => {
                    "look at GIGSTACK_BASE_URL, and at Gigstack's status page"
                }
                _ => "look at GIGSTACK_BASE_URL and at gigstack.dialect in the settings file",
            };
            Check::failing(key, error.to_string(), hint)
        }
    }]
}

pub(super) async fn mifiel(settings: &Settings) -> Vec<Check> {
    let key = "mifiel.key";
    let Some(mifiel) = &settings.mifiel else {
        let said = "Mifiel is not configured";
        return vec![Check::lacking(
            settings.production,
            key,
            said,
            "set the variables MIFIEL_…",
        )];
    };
    let api = match MifielApi::new(mifiel, &settings.file.mifiel, Clock::system()) {
        Ok(api) => api,
        Err(error) => return vec![Check::failing(key, error.to_string(), "look at MIFIEL_BASE_URL")],
    };
    vec![match api.documents(1).await {
        Ok(_) => Check::ok(
            key,
            format!("accepted ({}); it may list documents", word(mifiel.mode)),
        ),
        Err(error) => {
            let hint = match &error {
                MifielError::KeyRefused(_) => "are MIFIEL_APP_ID and MIFIEL_APP_SECRET those of MIFIEL_ENV?",
                MifielError::Clock(_) => "let this machine keep its time by NTP",
                _ => "look at MIFIEL_BASE_URL, and at Mifiel's status page",
            };
            Check::failing(key, error.to_string(), hint)
        }
    }]
}
