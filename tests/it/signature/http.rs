//! Every row of the matrix, byte by byte, against the real endpoint.

use onlycar::ground::config::{Environment, Settings};

use super::cases::{Case, Expected, SECRET, cases};
use crate::support::TestApp;
use crate::support::wire::{Reply, Wire, head};

async fn with_the_secret() -> TestApp {
    // All that is refused comes within a moment, and from one address.
    let file = Some("limits.webhooks.off = true");
    let mut app = TestApp::configured(&[("STRIPE_WEBHOOK_SECRET", SECRET)], file).await;
    app.work();
    app
}

/// The line break of row 11 ends the head early, so that the rest of the head becomes the body's first bytes.
async fn post(app: &TestApp, case: &Case) -> Reply {
    let length = format!("content-length: {}", case.body.len()).into_bytes();
    let signatures = case
        .headers
        .iter()
        .map(|header| [b"stripe-signature:", header.as_slice()].concat());
    let lines: Vec<Vec<u8>> = std::iter::once(length).chain(signatures).collect();
    let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
    let mut wire = Wire::open(&app.url).await;
    wire.send([head(&lines), case.body.clone()].concat()).await;
    wire.reply().await.expect("an answer, whatever was sent")
}

async fn stored(app: &TestApp) -> i64 {
    app.one("select count(*) from webhooks.events").await
}

fn taken(reply: &Reply, more: i64) -> bool {
    (reply.status, reply.body.as_str(), more) == (200, r#"{"received":true}"#, 1)
}

fn refused(reply: &Reply, more: i64) -> bool {
    let reason = reply.body.strip_prefix("Webhook Error: ").unwrap_or_default();
    let kind = reply.header("content-type").unwrap_or_default();
    reply.status == 400 && reason.len() > 15 && kind.starts_with("text/plain") && more == 0
}

#[tokio::test]
async fn every_row_gets_its_answer_and_nothing_refused_is_stored() {
    let app = with_the_secret().await;
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for case in cases(app.now()) {
        if case.expected == Expected::RefusedAtStart {
            continue;
        }
        let before = stored(&app).await;
        let reply = post(&app, &case).await;
        let more = stored(&app).await - before;
        let right = match case.expected {
            Expected::Accept => taken(&reply, more),
            Expected::Reject(_) | Expected::SignedThen400 => refused(&reply, more),
            _ => taken(&reply, more) || refused(&reply, more),
        };
        if !right {
            let Case {
                number,
                name,
                expected,
                ..
            } = case;
            wrong.push(format!(
                "row {number} ({name}): {expected:?}, got {reply:?}, {more} stored"
            ));
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(seen, 101, "all but the three bad secrets");
    app.finish().await;
}

#[tokio::test]
async fn a_header_of_68_kilobytes_is_read_whole() {
    let app = with_the_secret().await;
    let all = cases(app.now());
    let case = all.iter().find(|case| case.number == 88).unwrap();
    assert!(case.headers[0].len() > 68_000, "{}", case.headers[0].len());
    let reply = post(&app, case).await;
    assert!(taken(&reply, stored(&app).await), "{reply:?}");
    app.finish().await;
}

#[test]
fn a_bad_secret_stops_the_start() {
    let rows = cases(super::now());
    let bad: Vec<_> = rows
        .iter()
        .filter(|case| case.expected == Expected::RefusedAtStart)
        .collect();
    assert_eq!(bad.len(), 3);
    for case in bad {
        let environment = Environment::from([
            ("DATABASE_URL", "postgres://localhost/onlycar"),
            ("STRIPE_WEBHOOK_SECRET", &case.secret),
        ]);
        let problems = Settings::from_parts(&environment, None).expect_err(case.name);
        assert!(
            matches!(&problems.0[..], [one] if one.starts_with("STRIPE_WEBHOOK_SECRET ")),
            "{}: {problems}",
            case.name
        );
    }
}
