//! What our own tables tell: the queue, the audit log's heads, the steps by hand.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::FromRow;

use super::check::Check;
use crate::checklist::{self, Kept, LINES};
use crate::ground::clock::Clock;
use crate::ground::config::Settings;
use crate::monitoring::availability;
use crate::tools::db::Db;

/// Workers take what is due within seconds.
const SLOW: i64 = 60;
const STUCK: i64 = 900;

pub(super) async fn checks(settings: &Settings, pool: &Db) -> Result<Vec<Check>, sqlx::Error> {
    let now = Clock::system().now();
    let mut checks = vec![
        queue(pool, now).await?,
        heads(settings, pool, now).await?,
        probes(pool, now).await?,
    ];
    match checklist::kept(pool).await {
        Ok(kept) => checks.extend(kept.iter().map(|kept| by_hand(kept, now))),
        Err(error) => checks.push(Check::failing(
            "checklist",
            format!("the steps by hand cannot be read: {error}"),
            "run docs/sql/service_role.sql as the owner after every `onlycar migrate`",
        )),
    }
    Ok(checks)
}

#[derive(FromRow)]
struct Queue {
    dead: i64,
    parked: i64,
    seconds: i64,
}

async fn queue(pool: &Db, now: DateTime<Utc>) -> Result<Check, sqlx::Error> {
    let sql = "with rows as (select state, run_at from webhooks.events where state not in ('processed', 'ignored')
                   union all select state, run_at from engine.jobs where state not in ('processed', 'ignored'))
               select count(*) filter (where state = 'dead') as dead, count(*) filter (where state = 'parked') as parked,
                   greatest(coalesce(extract(epoch from $1 - min(run_at) filter (where state in ('pending', 'failed'))), 0), 0)
                       ::bigint as seconds
               from rows";
    let queue: Queue = sqlx::query_as(sql).bind(now).fetch_one(pool).await?;
    let key = "queue.health";
    let Queue {
        dead,
        parked,
        seconds,
    } = queue;
    Ok(if seconds > STUCK {
        let said = format!("the oldest event or job has been due for {seconds} s");
        Check::failing(
            key,
            said,
            "is a server with workers running? look at its log for \"attempt failed\"",
        )
    } else if dead > 0 {
        let said = format!("{dead} given up, {parked} kept for a person");
        Check::warning(
            key,
            said,
            "onlycar events list --state dead; then, when its cause is mended: onlycar events replay",
        )
    } else if seconds > SLOW || parked > 0 {
        let said = format!("{parked} kept for a person; the oldest has been due for {seconds} s");
        Check::warning(key, said, "onlycar events list --state parked")
    } else {
        Check::ok(
            key,
            "nothing waits longer than a minute, nothing was given up or kept for a person",
        )
    })
}

#[derive(FromRow)]
struct Heads {
    signed_at: Option<DateTime<Utc>>,
    unsealed: Option<DateTime<Utc>>,
    broken: bool,
}

/// The chain is proven whenever a head is signed, once a day.
async fn heads(settings: &Settings, pool: &Db, now: DateTime<Utc>) -> Result<Check, sqlx::Error> {
    let sql = "select (select max(signed_at) from engine.audit_heads) as signed_at,
                   (select min(ocurrido_en) from logs_auditoria where hash is null) as unsealed,
                   exists (select from engine.alerts where cause like 'auditoria-%' and resolved_at is null) as broken";
    let heads: Heads = sqlx::query_as(sql).fetch_one(pool).await?;
    let key = "audit.heads";
    let waits = heads
        .unsealed
        .filter(|since| now - *since > TimeDelta::minutes(5));
    Ok(match heads.signed_at {
        _ if heads.broken => Check::failing(
            key,
            "an alert says that the audit log does not fit its hashes",
            "onlycar audit verify, then docs/runbook.md",
        ),
        _ if waits.is_some() => Check::failing(
            key,
            "rows of the audit log have waited for their place in the chain for minutes",
            "is a server with workers running?",
        ),
        Some(at) if now - at < TimeDelta::hours(49) => Check::ok(
            key,
            format!("the chain was proven and signed at {}", at.format("%F %T UTC")),
        ),
        _ if !settings.file.audit.sign_daily => Check::warning(
            key,
            "daily signing is switched off",
            "set audit.sign_daily = true",
        ),
        Some(at) => Check::warning(
            key,
            format!(
                "the chain was last proven and signed at {}",
                at.format("%F %T UTC")
            ),
            "onlycar audit verify; is a server with workers running, and does the store answer?",
        ),
        None => Check::lacking(
            settings.production,
            key,
            "the chain was never proven and signed",
            "a running server does it once a day, where the store is configured; by hand: onlycar audit verify",
        ),
    })
}

/// A running server asks each service every few minutes.
async fn probes(pool: &Db, now: DateTime<Utc>) -> Result<Check, sqlx::Error> {
    let key = "monitoring.probes";
    let services = availability::services(pool).await?;
    let hint = "is a server with workers running? it asks each service by itself";
    let down: Vec<&str> = services
        .iter()
        .filter(|it| it.is_down())
        .map(|it| it.service.as_str())
        .collect();
    Ok(match services.iter().map(|it| it.probed_at).min() {
        None => Check::warning(key, "no service was asked yet whether it is there", hint),
        Some(oldest) if now - oldest > TimeDelta::minutes(30) => {
            let said = format!("a service was asked last at {}", oldest.format("%F %T UTC"));
            Check::warning(key, said, hint)
        }
        Some(_) if !down.is_empty() => {
            let said = format!("{} did not answer three times in a row", down.join(", "));
            Check::warning(key, said, "see `proveedor-caido` in docs/runbook.md")
        }
        Some(_) => Check::ok(key, format!("{} services are asked, and answer", services.len())),
    })
}

fn by_hand(kept: &Kept, now: DateTime<Utc>) -> Check {
    let key = kept.step.key;
    let line = LINES.iter().find(|line| line.held_by.contains(&key));
    let line = line.map_or(key, |line| line.text);
    let day = |at: DateTime<Utc>| at.format("%F").to_string();
    match (&kept.done, kept.seen) {
        (Some(done), _) if kept.is_over(now) => {
            let said = format!(
                "{line}: done {} by {}, too long ago",
                day(done.done_at),
                done.done_by
            );
            Check::warning(key, said, kept.step.how)
        }
        (Some(done), _) => {
            let note = done
                .note
                .as_ref()
                .map(|note| format!(": {note}"))
                .unwrap_or_default();
            Check::ok(
                key,
                format!("{line}: done {} by {}{note}", day(done.done_at), done.done_by),
            )
        }
        (None, Some(seen)) => Check::ok(key, format!("{line}: seen in our data since {}", day(seen))),
        (None, None) => Check::pending(key, line, kept.step.how),
    }
}
