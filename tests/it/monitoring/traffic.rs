//! Webhooks by the hour, what is usual, and silence where something is.

use chrono::{DateTime, TimeDelta, Utc};
use onlycar::monitoring::traffic::{self, Hour};

use crate::support::TestApp;

const SILENT: &str = "proveedor-callado:stripe";

async fn stripe(app: &TestApp, count: u16) -> Vec<Hour> {
    let hours = traffic::hours(&app.engine, count).await.unwrap();
    hours
        .into_iter()
        .filter(|hour| hour.provider == "stripe")
        .collect()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[tokio::test]
async fn closed_hours_are_counted_once_and_the_running_one_live() {
    let app = TestApp::start().await; // 18:00:00
    app.came(4, at("2026-11-22T15:59:59.999Z"), 100).await;
    app.came(19, at("2026-11-22T16:30:00Z"), 1000).await;
    app.came(1, at("2026-11-22T16:40:00Z"), 9000).await;
    app.came(3, at("2026-11-22T17:10:00Z"), -50).await;
    // What we asked for ourselves nobody brought.
    sqlx::query(
        "update webhooks.events set trust = 'reconcile' where id = (select id from webhooks.events order by id desc limit 1)",
    )
    .execute(&app.pool)
    .await
    .unwrap();
    for _ in 0..2 {
        app.job("contar_avisos").await;
        let up_to: DateTime<Utc> = app.one("select up_to from monitoring.counted").await;
        assert_eq!(
            up_to,
            at("2026-11-22T17:00:00Z"),
            "five minutes are left to the last hour"
        );
        let kept: Vec<(String, i64)> =
            sqlx::query_as("select hour::text, received from monitoring.traffic order by hour")
                .fetch_all(&app.pool)
                .await
                .unwrap();
        assert_eq!(
            kept.iter().map(|(_, received)| *received).collect::<Vec<_>>(),
            [4, 20],
            "{kept:?}"
        );
    }
    app.advance(TimeDelta::minutes(5));
    app.came(6, at("2026-11-22T18:01:00Z"), 0).await;
    sqlx::query("insert into engine.failures (row_id, attempt, failed_at, error)
                 select id, 1, received_at, 'x' from webhooks.events where received_at = '2026-11-22T18:01:00Z' limit 2")
        .execute(&app.pool)
        .await
        .unwrap();
    let hours = stripe(&app, 4).await;
    let shown: Vec<_> = hours
        .iter()
        .map(|hour| (hour.received, hour.failed, hour.lag_p50_ms, hour.lag_p95_ms))
        .collect();
    assert_eq!(
        shown,
        [
            (4, 0, Some(100), Some(100)),
            (20, 0, Some(1000), Some(1000)),
            (2, 0, Some(0), Some(0)),
            (6, 2, Some(0), Some(0))
        ]
    );
    assert!(hours.iter().all(|hour| hour.usual.is_none()), "no week is known");
    app.job("contar_avisos").await;
    assert_eq!(
        app.one::<DateTime<Utc>>("select up_to from monitoring.counted")
            .await,
        at("2026-11-22T18:00:00Z")
    );
    // After an outage of weeks it catches up by and by.
    app.advance(TimeDelta::days(10));
    app.job("contar_avisos").await;
    app.job("contar_avisos").await;
    assert_eq!(
        app.one::<DateTime<Utc>>("select up_to from monitoring.counted")
            .await,
        at("2026-12-02T18:00:00Z")
    );
    app.finish().await;
}

#[tokio::test]
async fn silence_is_told_where_webhooks_are_usual_and_not_before_a_week_is_known() {
    let app = TestApp::start().await;
    let start = at("2026-10-25T18:00:00Z"); // four weeks before, in the other daylight saving of Nuevo Laredo
    let check = async || {
        app.job("contar_avisos").await;
        app.job("vigilar_operacion").await;
        app.alerts().await
    };
    // Twelve an hour, and a storm once.
    let weeks = [12, 12, 400, 12];
    for (week, count) in weeks.into_iter().enumerate() {
        let begun = start + TimeDelta::weeks(i64::try_from(week).unwrap());
        for hour in 0..3 {
            app.came(count, begun + TimeDelta::hours(hour) + TimeDelta::minutes(1), 0)
                .await;
        }
    }
    for _ in 0..5 {
        app.job("contar_avisos").await;
    }
    app.advance(TimeDelta::hours(1));
    let usual = stripe(&app, 1).await[0].usual.unwrap();
    assert!(usual > 12.0, "{usual}: the mean shows the storm");
    app.came(1, app.now() - TimeDelta::minutes(5), 0).await;
    assert_eq!(check().await, [""; 0]);
    app.advance(TimeDelta::minutes(15));
    assert_eq!(check().await, [""; 0], "twenty minutes without any may be chance");
    app.advance(TimeDelta::minutes(20));
    // Of an hour that is counted, no more is known than that something came in it.
    assert_eq!(check().await, [SILENT]);
    let detail: String = app.one("select detail from engine.alerts").await;
    assert!(
        detail.contains("suelen llegar unos 7 ") && detail.contains("22/11/2026 13:00"),
        "{detail}"
    );
    // The next one ends it.
    app.came(1, app.now(), 0).await;
    assert_eq!(check().await, [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn nothing_is_silent_before_a_week_is_known() {
    let app = TestApp::start().await;
    for hour in 1..100 {
        app.came(50, app.now() - TimeDelta::hours(hour), 0).await;
    }
    app.job("contar_avisos").await;
    app.advance(TimeDelta::days(2));
    app.job("contar_avisos").await;
    app.job("vigilar_operacion").await;
    assert_eq!(app.alerts().await, [""; 0]);
    // A week after those it would be.
    app.advance(TimeDelta::days(4));
    app.job("contar_avisos").await;
    app.job("vigilar_operacion").await;
    assert_eq!(app.alerts().await, [SILENT]);
    app.finish().await;
}
