//! Refused: 400 or 413 with a reason, and no row.

use chrono::TimeDelta;
use onlycar::dev::stripe;

use super::{MIB, announced, payment_of_size, stored, told, unhandled};
use crate::support::app::SECRET;
use crate::support::wire::{Wire, head};
use crate::support::{Story, TestApp};

async fn nothing_is_kept(app: TestApp) {
    assert_eq!(stored(&app).await, 0);
    assert_eq!(
        app.one::<i64>("select count(*) from engine.jobs where tick is null")
            .await,
        0
    );
    assert_eq!(app.audit().await, []);
    app.finish().await;
}

#[tokio::test]
async fn a_signature_that_is_missing_wrong_or_stale() {
    let app = TestApp::start().await;
    let body = unhandled("1");
    let bare = app.client.post(format!("{}/api/webhooks/stripe", app.url));
    assert_eq!(
        told(bare.body(body.clone()).send().await.unwrap()).await,
        (400, "Webhook Error: no Stripe-Signature header".to_owned())
    );
    let wrong = stripe::sign("whsec_of_somebody_else", app.now(), &body);
    assert_eq!(
        told(app.post(&wrong, body.clone()).await).await,
        (
            400,
            "Webhook Error: no signature matches: wrong signing secret, or the body was changed on the way"
                .to_owned()
        )
    );
    let signature = stripe::sign(SECRET, app.now(), &body);
    let mut changed = body.clone();
    changed[8] ^= 1;
    assert_eq!(app.post(&signature, changed).await.status(), 400);
    app.advance(TimeDelta::seconds(301));
    assert_eq!(
        told(app.post(&signature, body.clone()).await).await,
        (
            400,
            "Webhook Error: timestamp outside the tolerance of 300 s (too old): check the clock".to_owned()
        )
    );
    let ahead = stripe::sign(SECRET, app.now() + TimeDelta::seconds(301), &body);
    assert!(
        told(app.post(&ahead, body).await)
            .await
            .1
            .contains("in the future")
    );
    nothing_is_kept(app).await;
}

#[tokio::test]
async fn a_signature_of_300_seconds_ago_is_still_good() {
    let app = TestApp::start().await;
    let body = unhandled("1");
    let signature = stripe::sign(SECRET, app.now(), &body);
    app.advance(TimeDelta::seconds(300));
    assert_eq!(app.post(&signature, body).await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn two_signature_lines() {
    let app = TestApp::start().await;
    let body = unhandled("1");
    let line = format!("stripe-signature: {}", stripe::sign(SECRET, app.now(), &body));
    for other in [line.as_str(), "Stripe-Signature: t=1,v1=00", "stripe-signature:"] {
        let length = format!("content-length: {}", body.len());
        let mut wire = Wire::open(&app.url).await;
        let lines = [length.as_bytes(), line.as_bytes(), other.as_bytes()];
        wire.send([head(&lines), body.clone()].concat()).await;
        let reply = wire.reply().await.unwrap();
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (
                400,
                "Webhook Error: more than one Stripe-Signature header: Stripe sends one line"
            ),
            "{other}"
        );
    }
    nothing_is_kept(app).await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_by_its_declared_length() {
    let app = TestApp::start().await;
    for length in [MIB + 1, 2 * MIB, 1 << 60] {
        let length = format!("content-length: {length}");
        let mut wire = announced(&app, b"", &[&length]).await;
        let reply = wire.reply().await.expect("an answer before the body is sent");
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (413, "Webhook Error: the body is over the limit of 1 MiB"),
            "{length}"
        );
    }
    nothing_is_kept(app).await;
}

#[tokio::test]
async fn a_body_of_two_mebibytes_sent_by_a_client_library_is_refused() {
    let app = TestApp::start().await;
    let body = vec![b' '; 2 * MIB];
    assert_eq!(app.post_signed(body).await.status(), 413);
    nothing_is_kept(app).await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_without_a_declared_length() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let (_, body) = payment_of_size(&app, &story, MIB + 1);
    let mut wire = announced(&app, &body, &["transfer-encoding: chunked"]).await;
    for part in body.chunks(64 * 1024) {
        let size = format!("{:x}\r\n", part.len());
        wire.send([size.as_bytes(), part, b"\r\n"].concat()).await;
    }
    let reply = wire.reply().await.expect("an answer before the last chunk");
    assert_eq!(reply.status, 413, "{reply:?}");
    nothing_is_kept(app).await;
}

#[tokio::test]
async fn exactly_the_limit_is_taken_and_processed() {
    let app = TestApp::start().await;
    for chunked in [false, true] {
        let story = Story::create(&app.pool).await;
        let (event, body) = payment_of_size(&app, &story, MIB);
        let length = format!("content-length: {MIB}");
        let framing = if chunked {
            "transfer-encoding: chunked"
        } else {
            &length
        };
        let mut wire = announced(&app, &body, &[framing]).await;
        if chunked {
            let size = format!("{:x}\r\n", body.len());
            wire.send([size.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat())
                .await;
        } else {
            wire.send(&body).await;
        }
        let reply = wire.reply().await.unwrap();
        assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"received":true}"#));
        app.drain().await;
        assert_eq!(app.state(&event).await.0, "processed");
        assert_eq!(app.row("servicios", story.service).await["estado_pago"], "pagado");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_body_cut_off_on_the_way() {
    let app = TestApp::start().await;
    let body = unhandled("1");
    let length = format!("content-length: {}", body.len());
    let mut wire = announced(&app, &body, &[&length]).await;
    wire.send(&body[..body.len() - 1]).await;
    wire.end().await;
    let reply = wire.reply().await;
    assert!(
        reply.as_ref().is_none_or(|reply| reply.status == 400),
        "{reply:?}"
    );
    nothing_is_kept(app).await;
}

#[tokio::test]
async fn signed_but_not_a_json_event() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let whole = stripe::body(&story.event("payment_intent.succeeded", app.now()));
    let deep = format!("{}{}", "[".repeat(3_000), "]".repeat(3_000)).into_bytes();
    let not_json = "Webhook Error: the body is not a JSON object: ";
    let not_event = r#"Webhook Error: the body is not an event: its "object" should be "event""#;
    let event = |fields: &str| format!(r#"{{"object":"event",{fields}}}"#).into_bytes();
    let id = r#"Webhook Error: the event has no "id" that begins with evt_"#;
    let kind = r#"Webhook Error: the event has no "type""#;
    let control = [
        r"evt_\u0000",
        r"evt_a\nb",
        r"evt_a b",
        "evt_ñ",
        "ch_1",
        "",
        r"evt_\ud800",
    ];
    let control = control.map(|id| event(&format!(r#""id":"{id}","type":"plan.created""#)));
    let types =
        [r"\u0000", r"a\tb", "a b", "ñ", ""].map(|kind| event(&format!(r#""id":"evt_1","type":"{kind}""#)));
    let long = "x".repeat(300);
    let mut cases = vec![
        (whole[..whole.len() / 2].to_vec(), not_json),
        (whole[..whole.len() - 1].to_vec(), not_json),
        (Vec::new(), not_json),
        (deep, not_json),
        (b"[]".to_vec(), not_json),
        (b"null".to_vec(), not_json),
        ([whole.as_slice(), b"{}"].concat(), not_json),
        (
            b"{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"\xff\"}".to_vec(),
            "Webhook Error: the body is not UTF-8",
        ),
        (br#"{"id":"evt_1","type":"plan.created"}"#.to_vec(), not_event),
        (
            br#"{"id":"evt_1","type":"plan.created","object":["event"]}"#.to_vec(),
            not_event,
        ),
        (event(r#""id":7,"type":"plan.created""#), id),
        (event(&format!(r#""id":"evt_{long}","type":"plan.created""#)), id),
        (event(r#""id":"evt_1""#), kind),
        (event(r#""id":"evt_1","type":null"#), kind),
        (event(&format!(r#""id":"evt_1","type":"{long}""#)), kind),
        (event(r#""id":"evt_1","type":"plan.created","id":null"#), id),
    ];
    cases.extend(control.map(|body| (body, id)));
    cases.extend(types.map(|body| (body, kind)));
    for (body, reason) in cases {
        let shown = String::from_utf8_lossy(&body)
            .chars()
            .take(100)
            .collect::<String>();
        let (status, text) = told(app.post_signed(body).await).await;
        assert_eq!(status, 400, "{shown}");
        assert!(text.starts_with(reason), "{shown}: {text}");
        assert!(text.len() < 200, "{shown}: {text}");
    }
    nothing_is_kept(app).await;
}
