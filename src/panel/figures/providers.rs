//! How each provider brings what it should, and how each service answers.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::chart::{self, Bar};
use super::super::period::Period;
use super::super::{amounts, words};
use crate::engine::Engine;
use crate::ground::clock::{BUSINESS_ZONE, Clock};
use crate::monitoring::availability::{self, Share, Standing};
use crate::monitoring::traffic::{self, Hour};

/// A provider's last day.
pub(in super::super) struct Provider {
    pub(in super::super) name: String,
    pub(in super::super) hours: Vec<Hour>,
    lag_p50_ms: Option<i64>,
    lag_p95_ms: Option<i64>,
    /// Attempts that failed with no success between.
    pub(in super::super) failed_in_row: i64,
}

/// A service that is asked from time to time, provider or not.
pub(in super::super) struct Service {
    pub(in super::super) standing: Standing,
    today: Option<Share>,
    month: Option<Share>,
}

impl Provider {
    pub(in super::super) fn received(&self) -> i64 {
        self.hours.iter().map(|hour| hour.received).sum()
    }

    pub(in super::super) fn failed(&self) -> i64 {
        self.hours.iter().map(|hour| hour.failed).sum()
    }

    pub(in super::super) fn refused(&self) -> i64 {
        self.hours.iter().map(|hour| hour.refused).sum()
    }

    /// What usually comes in such a day; none while too little is known.
    pub(in super::super) fn usual(&self) -> Option<i64> {
        let known: Vec<f64> = self.hours.iter().filter_map(|hour| hour.usual).collect();
        (!known.is_empty()).then(|| known.into_iter().map(whole).sum())
    }

    /// Half of them came within this time.
    pub(in super::super) fn half_within(&self) -> String {
        late(self.lag_p50_ms)
    }

    /// Nineteen of twenty came within this time.
    pub(in super::super) fn most_within(&self) -> String {
        late(self.lag_p95_ms)
    }

    pub(in super::super) fn chart(&self) -> String {
        let bars: Vec<Bar> = self
            .hours
            .iter()
            .map(|hour| Bar {
                name: hour_of_day(hour.hour),
                value: hour.received,
                beside: hour.usual.map_or(0, whole),
            })
            .collect();
        chart::upright(
            &format!("Avisos de {} por hora, últimas 24 horas", self.name),
            "Una barra por hora; detrás, más clara, lo que suele llegar a esa hora.",
            &bars,
        )
    }
}

impl Service {
    pub(in super::super) fn today(&self) -> String {
        share(self.today.as_ref())
    }

    pub(in super::super) fn month(&self) -> String {
        share(self.month.as_ref())
    }

    pub(in super::super) fn probed(&self) -> String {
        words::time(self.standing.probed_at)
    }
}

/// As in «12 h».
pub(in super::super) fn hour_of_day(at: DateTime<Utc>) -> String {
    at.with_timezone(&BUSINESS_ZONE).format("%H h").to_string()
}

/// As in 99.52 %; what was never asked has no percentage.
pub(in super::super) fn share(share: Option<&Share>) -> String {
    let asked = share.filter(|share| share.probes > 0);
    asked.map_or_else(
        || "sin datos".to_owned(),
        |share| format!("{:.2} %", share.percent()),
    )
}

/// A mean number of webhooks, for people.
pub(in super::super) fn whole(mean: f64) -> i64 {
    #[allow(clippy::cast_possible_truncation)] // far below what an i64 holds; a wrong mean is cut off
    let whole = mean.round() as i64;
    whole
}

pub(in super::super) fn late(milliseconds: Option<i64>) -> String {
    match milliseconds {
        None => "sin datos".to_owned(),
        Some(ms @ ..1000) => format!("{ms} ms"),
        Some(ms) => amounts::lasting(ms / 1000),
    }
}

/// The last twenty-four hours of every provider.
pub(in super::super) async fn providers(engine: &Engine) -> Result<Vec<Provider>, sqlx::Error> {
    let db = &engine.pool;
    let mut providers: Vec<Provider> = Vec::new();
    for hour in traffic::hours(engine, 24).await? {
        match providers.last_mut() {
            Some(provider) if provider.name == hour.provider => provider.hours.push(hour),
            _ => providers.push(Provider {
                name: hour.provider.clone(),
                hours: vec![hour],
                lag_p50_ms: None,
                lag_p95_ms: None,
                failed_in_row: 0,
            }),
        }
    }
    let since = engine.clock.now() - TimeDelta::hours(24);
    let lags = sqlx::query!(
        r#"select provider, percentile_disc(0.5) within group (order by late) as "half",
                  percentile_disc(0.95) within group (order by late) as "most"
           from (select provider, greatest((extract(epoch from received_at - occurred_at) * 1000)::bigint, 0) as late
                 from webhooks.events where id >= $1 and trust <> 'reconcile') as events
           group by provider"#,
        Clock::first_id_of(since),
    );
    for lag in lags.fetch_all(db).await? {
        if let Some(provider) = providers.iter_mut().find(|it| it.name == lag.provider) {
            (provider.lag_p50_ms, provider.lag_p95_ms) = (lag.half, lag.most);
        }
    }
    let failures = sqlx::query!("select provider, in_row from engine.webhook_failures where in_row > 0");
    for failing in failures.fetch_all(db).await? {
        if let Some(provider) = providers.iter_mut().find(|it| it.name == failing.provider) {
            provider.failed_in_row = failing.in_row.into();
        }
    }
    Ok(providers)
}

/// Every service that was ever asked, with today and the last thirty days.
pub(in super::super) async fn services(engine: &Engine) -> Result<Vec<Service>, sqlx::Error> {
    let (db, now) = (&engine.pool, engine.clock.now());
    let standings = availability::services(db).await?;
    if standings.is_empty() {
        return Ok(Vec::new());
    }
    let days = availability::days(db, None, now - TimeDelta::days(29)).await?;
    let today = Period::named("hoy", now).map(|today| today.first);
    let services = standings.into_iter().map(|standing| {
        let own = days.iter().filter(|day| day.service == standing.service);
        let month = own.clone().cloned().reduce(|sum, day| Share {
            probes: sum.probes + day.probes,
            failed: sum.failed + day.failed,
            ..sum
        });
        let mut today = own.filter(|day| Some(day.period) == today).cloned();
        Service {
            today: today.next(),
            month,
            standing,
        }
    });
    Ok(services.collect())
}
