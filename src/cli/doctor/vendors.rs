//! What else answers from outside: clocks, our own address, mail, Supabase, Cloudflare, Redis.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{StatusCode, header};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use url::Url;

use super::check::Check;
use crate::edge::cloudflare::{CloudflareApi, Statement};
use crate::ground::clock::Clock;
use crate::ground::config::{Cloudflare, Examined, Settings};
use crate::notifications;
use crate::tools::outbound::{self, answer};
use crate::tools::redis;

/// Signatures carry the time: Stripe's webhooks count for 5 minutes, requests to Mifiel and to the store for 15.
const ODD: TimeDelta = TimeDelta::seconds(5);
const WRONG: TimeDelta = TimeDelta::seconds(60);
const NTP: &str = "let this machine keep its time by NTP (timedatectl set-ntp true)";
const LARGEST: usize = 256 * 1024;

/// Judges how far our clock is from another one, which is known to within `grain`.
pub(super) fn skew(key: &str, whose: &str, apart: TimeDelta, grain: TimeDelta) -> Check {
    let apart = (apart.abs() - grain).max(TimeDelta::zero());
    let seconds = format!("{}.{:03}", apart.num_seconds(), apart.num_milliseconds() % 1000);
    let said = format!("{seconds} s from {whose} at least");
    if apart > WRONG {
        Check::failing(key, said, NTP)
    } else if apart > ODD {
        Check::warning(key, said, NTP)
    } else {
        Check::ok(key, format!("within {} s of {whose}", ODD.num_seconds()))
    }
}

/// What a server at Stripe says of the time. Nothing is signed in to.
pub(super) async fn clock(settings: &Settings) -> Vec<Check> {
    let key = "clock.provider";
    let base = &settings.file.stripe.api_base;
    let host = base.host_str().unwrap_or_default().to_owned();
    let asked_at = Clock::system().now();
    let date = async {
        let answer = outbound::client().ok()?.head(base.clone()).send().await.ok()?;
        let date = answer.headers().get(header::DATE)?.to_str().ok()?;
        DateTime::parse_from_rfc2822(date).ok()
    };
    let Some(theirs) = date.await else {
        let said = format!("{host} told no time");
        return vec![Check::warning(key, said, "can this machine reach it?")];
    };
    let took = Clock::system().now() - asked_at;
    let ours = asked_at + took / 2;
    // The header knows whole seconds.
    let grain = TimeDelta::seconds(1) + took / 2;
    vec![skew(key, &host, ours - theirs.with_timezone(&Utc), grain)]
}

/// Whether providers and clients find us, by an address that nobody listens in on.
pub(super) async fn our_address(examined: &Examined, settings: &Settings) -> Vec<Check> {
    let key = "server.address";
    let url = &settings.public_url;
    let set = examined
        .variables
        .iter()
        .any(|judged| judged.variable.name == "PUBLIC_URL" && judged.set);
    if !set {
        let said = "PUBLIC_URL is not set: providers cannot be told where we are";
        return vec![Check::lacking(settings.production, key, said, "set PUBLIC_URL")];
    }
    if settings.production && url.scheme() != "https" {
        return vec![Check::failing(
            key,
            "PUBLIC_URL is not https",
            "put TLS before the server",
        )];
    }
    let get = async |path: &str| {
        let client = outbound::client().ok()?;
        let answer = client.get(url.join(path).ok()?).send().await.ok()?;
        Some(answer.status())
    };
    let (alive, metrics) = tokio::join!(get("/healthz"), get("/metrics"));
    vec![match (alive, metrics) {
        (Some(StatusCode::OK), Some(StatusCode::OK)) if settings.production => Check::warning(
            key,
            "the server answers at PUBLIC_URL, and shows its metrics to everybody there",
            "let the proxy keep /metrics from the internet",
        ),
        (Some(StatusCode::OK), _) => Check::ok(key, "the server answers at PUBLIC_URL"),
        (Some(status), _) => Check::lacking(
            settings.production,
            key,
            format!("PUBLIC_URL answers {} to /healthz", status.as_u16()),
            "does the proxy lead to this server?",
        ),
        (None, _) => Check::lacking(
            settings.production,
            key,
            "nothing answers at PUBLIC_URL",
            "start the server, and see that PUBLIC_URL leads to it",
        ),
    }]
}

pub(super) async fn mail(settings: &Settings) -> Vec<Check> {
    let key = "mail.smtp";
    vec![match notifications::reach_mail_server(&settings.mail).await {
        Ok(true) => Check::ok(key, "the mail server answers and lets us in"),
        Ok(false) => Check::lacking(
            settings.production,
            key,
            "no mail server is configured: nobody gets mail",
            "set SMTP_URL and MAIL_FROM",
        ),
        Err(error) => {
            let hint = "look at SMTP_URL: host, port, user and password";
            Check::failing(key, first_line(&error), hint)
        }
    }]
}

/// An error's own words, without a hint of its own.
fn first_line(error: &anyhow::Error) -> String {
    let said = format!("{error:#}");
    said.lines().next().unwrap_or_default().to_owned()
}

/// The keys that prove who signs in, and whether the key for browsers is accepted.
pub(super) async fn supabase(settings: &Settings) -> Vec<Check> {
    let key = "supabase.keys";
    let Some(supabase) = &settings.supabase else {
        let said = "SUPABASE_URL is not set: nobody can sign in";
        return vec![Check::lacking(
            settings.production,
            key,
            said,
            "set SUPABASE_URL and its keys",
        )];
    };
    if supabase.url.origin() == settings.public_url.origin() {
        return vec![Check::ok(key, "this server is its own Supabase, as in `dev`")];
    }
    let base = supabase.url.as_str().trim_end_matches('/');
    let published = ask_json(&format!("{base}/auth/v1/.well-known/jwks.json"), None).await;
    let count = published
        .ok()
        .and_then(|it| Some(it.get("keys")?.as_array()?.len()));
    let anon = supabase
        .anon_key
        .as_ref()
        .map(|key| key.expose_secret().to_owned());
    let accepted = ask_json(&format!("{base}/auth/v1/settings"), anon.as_deref()).await;
    vec![match (count, accepted) {
        (_, Err(Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN))) => Check::failing(
            key,
            "Supabase does not accept SUPABASE_ANON_KEY",
            "copy it again from the project's API settings",
        ),
        (Some(0), _) if supabase.jwt_secret.is_none() => Check::failing(
            key,
            "Supabase publishes no signing key, and SUPABASE_JWT_SECRET is not set: nobody can sign in",
            "migrate the project to asymmetric signing keys, or set SUPABASE_JWT_SECRET",
        ),
        (Some(count), Ok(_)) => Check::ok(key, format!("Supabase Auth answers; {count} public keys")),
        (Some(_), Err(_)) => Check::warning(
            key,
            "its keys are published; whether SUPABASE_ANON_KEY is right cannot be told",
            "look at the project's status in Supabase",
        ),
        (None, _) => Check::failing(
            key,
            "Supabase Auth does not answer with its keys",
            "look at SUPABASE_URL, and whether the project is paused",
        ),
    }]
}

async fn ask_json(url: &str, api_key: Option<&str>) -> Result<Value, Option<StatusCode>> {
    let url = Url::parse(url).map_err(|_| None)?;
    let mut request = outbound::client().map_err(|_| None)?.get(url);
    if let Some(api_key) = api_key {
        let mut value = header::HeaderValue::from_str(api_key).map_err(|_| None)?;
        value.set_sensitive(true);
        request = request.header("apikey", value);
    }
    let response = request.send().await.map_err(|_| None)?;
    let status = response.status();
    if status != StatusCode::OK {
        return Err(Some(status));
    }
    let bytes = answer::whole(response, LARGEST).await.map_err(|_| None)?;
    serde_json::from_slice(&bytes).map_err(|_| None)
}

const TOKEN: &str = "the token needs \"D1 Edit\" and \"Workers KV Storage Edit\"; look at the ids too";

fn cloudflare<'a>(
    settings: &'a Settings,
    key: &str,
    id: fn(&'a Cloudflare) -> Option<&'a str>,
) -> Result<(CloudflareApi, &'a str), Check> {
    let configured = settings.cloudflare.as_ref();
    let Some((cloudflare, id)) = configured.and_then(|it| Some((it, id(it)?))) else {
        return Err(Check::ok(key, "not configured: optional"));
    };
    match CloudflareApi::new(cloudflare, &settings.file.cloudflare) {
        Ok(api) => Ok((api, id)),
        Err(error) => Err(Check::failing(key, first_line(&error), TOKEN)),
    }
}

pub(super) async fn d1(settings: &Settings) -> Vec<Check> {
    let key = "cloudflare.d1";
    let (api, database) = match cloudflare(settings, key, |it| it.d1_database_id.as_deref()) {
        Ok(found) => found,
        Err(check) => return vec![check],
    };
    let one = Statement {
        sql: "select 1",
        params: Vec::new(),
    };
    vec![match api.query(database, &[one]).await {
        Ok(_) => Check::ok(key, "D1 answers"),
        Err(error) => Check::failing(key, error.to_string(), TOKEN),
    }]
}

/// Takes a key out that was never in: that needs the right to write.
pub(super) async fn kv(settings: &Settings) -> Vec<Check> {
    let key = "cloudflare.kv";
    let (api, namespace) = match cloudflare(settings, key, |it| it.kv_namespace_id.as_deref()) {
        Ok(found) => found,
        Err(check) => return vec![check],
    };
    // Another one each time: KV takes one write a second of a key.
    let never_in = format!("onlycar:doctor:{}", Clock::system().new_id());
    vec![match api.delete(namespace, &[never_in]).await {
        Ok(_) => Check::ok(key, "KV answers, and may be written"),
        Err(error) => Check::failing(key, error.to_string(), TOKEN),
    }]
}

pub(super) async fn redis(settings: &Settings) -> Vec<Check> {
    let Some(url) = &settings.redis_url else {
        return vec![Check::ok("redis", "not configured: optional")];
    };
    vec![match redis::reach(url, Duration::from_secs(5)).await {
        Ok(()) => Check::ok("redis", "Redis answers"),
        Err(why) => Check::failing(
            "redis",
            format!("Redis does not answer: {why}"),
            "look at REDIS_URL",
        ),
    }]
}
