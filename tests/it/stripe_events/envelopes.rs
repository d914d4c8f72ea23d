//! Odd things around the object: its absence, JSON that only some can read, versions and times of no kind.

use onlycar::dev::stripe;
use reqwest::StatusCode;
use serde_json::json;

use super::in_both_shapes;
use super::odd::{FAMILIES, all_ended, send};
use super::scene::time;

#[tokio::test]
async fn an_event_without_an_object_is_kept() {
    in_both_shapes(async |scene| {
        for data in [
            json!(null),
            json!({}),
            json!({ "object": null }),
            json!({ "object": "pi_1" }),
            json!([]),
        ] {
            let mut odd = scene.event("payment_intent.succeeded");
            odd["data"] = data;
            let reason = scene.is_parked(&odd).await;
            assert_eq!(reason, "unknown shape: /data/object should be an object");
        }
    })
    .await;
}

#[tokio::test]
async fn json_that_only_some_can_read_is_kept() {
    in_both_shapes(async |scene| {
        let body = String::from_utf8(stripe::body(&scene.event("payment_intent.succeeded"))).unwrap();
        let description = "\"Servicio OnlyCar\"";
        assert!(body.contains(description));
        let nested = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        for (number, odd) in ["1e999", r#""\ud800""#, &nested].into_iter().enumerate() {
            let event = scene.event("payment_intent.succeeded");
            let bytes = String::from_utf8(stripe::body(&event))
                .unwrap()
                .replace(description, odd);
            let answer = scene.app.post_signed(bytes.into_bytes()).await;
            assert_eq!(answer.status(), StatusCode::OK, "{number}");
            scene.app.drain().await;
            let (state, reason) = scene.app.state(&event).await;
            assert_eq!(state, "parked", "{number}");
            assert!(
                reason
                    .unwrap()
                    .starts_with("unknown shape: the JSON cannot be read"),
                "{number}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn any_version_of_the_api_is_taken() {
    let versions = [
        (json!(null), None),
        (
            json!("2016-03-07; orders_beta=v3"),
            Some("2016-03-07; orders_beta=v3"),
        ),
        (json!("2027-05-31.future"), Some("2027-05-31.future")),
        (json!(20_270_531), None),
        (json!("a\0b"), None),
        (json!("v".repeat(500)), None),
    ];
    for (version, kept) in versions {
        in_both_shapes(async |scene| {
            for (number, (kind, _)) in FAMILIES.into_iter().enumerate() {
                let mut event = scene.event(kind);
                event["api_version"] = version.clone();
                send(scene, &event, number).await;
                scene.app.drain().await;
            }
            all_ended(scene).await;
            let told: Vec<Option<String>> =
                sqlx::query_scalar("select distinct api_version from webhooks.events")
                    .fetch_all(&scene.app.pool)
                    .await
                    .unwrap();
            assert_eq!(told, [kept.map(str::to_owned)]);
            let unread: i64 = scene
                .app
                .one("select count(*) from webhooks.events where last_error like 'unknown shape%'")
                .await;
            assert_eq!(unread, 0);
        })
        .await;
    }
}

#[tokio::test]
async fn an_event_whose_time_cannot_be_read_counts_as_of_now() {
    in_both_shapes(async |scene| {
        for created in [
            json!(null),
            json!("yesterday"),
            json!(-5),
            json!(1e18),
            json!(253_402_300_800_i64),
            json!([]),
        ] {
            let mut odd = scene.event("payment_intent.succeeded");
            odd["created"] = created;
            scene.app.handle(&odd).await;
            let untold = "select bool_and(occurred_at is null) from webhooks.events";
            assert!(scene.app.one::<bool>(untold).await);
        }
        assert_eq!(scene.service().await["estado_pago"], "pagado");
        assert_eq!(scene.service().await["pagado_en"], time(scene.began));
        all_ended(scene).await;
    })
    .await;
}
