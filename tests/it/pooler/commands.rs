//! The program as its own process behind a pooler, from an empty database on.

use onlycar::dev::stripe;
use onlycar::ground::clock::Clock;
use onlycar::tools::outbound;
use serde_json::Value;
use sqlx::PgPool;
use tokio::process::Command;

use super::named_statements;
use crate::support::pgbouncer::{PgBouncer, SESSIONS};
use crate::support::program::{Running, free_port, onlycar, run};
use crate::support::wait::until;
use crate::support::{Story, database};

const SECRET: &str = "whsec_of_the_tests";

fn command(arguments: &[&str], database_url: &str) -> Command {
    let mut command = onlycar(arguments);
    command
        .env("DATABASE_URL", database_url)
        .env("STRIPE_WEBHOOK_SECRET", SECRET);
    command
}

async fn done(arguments: &[&str], database_url: &str) -> String {
    let ended = run(command(arguments, database_url)).await;
    assert_eq!(ended.code, Some(0), "{arguments:?}: {}{}", ended.out, ended.err);
    ended.out
}

#[tokio::test]
async fn migrate_serve_and_the_commands_work_with_nothing_configured() {
    let database_url = database::empty().await;
    let Some(pooler) = PgBouncer::start(&database_url).await else {
        return;
    };
    let through = pooler.url(&database_url);
    assert!(
        done(&["migrate"], &through)
            .await
            .ends_with("migrations applied\n")
    );
    assert_eq!(done(&["migrate"], &through).await, "the database is up to date\n");

    let port = free_port();
    let mut serve = command(&["serve"], &through);
    serve.env("BIND_ADDR", format!("127.0.0.1:{port}"));
    let mut running = Running::start(serve);
    running.err.wait_for("\"ready\"").await;
    assert!(
        running.err.text().contains(r#""pooler":true"#),
        "{}",
        running.err.text()
    );

    let pool = PgPool::connect(&database_url).await.unwrap();
    let story = Story::create(&pool).await;
    let now = Clock::system().now();
    let event = story.event("payment_intent.succeeded", now);
    let body = stripe::body(&event);
    let sent = outbound::client()
        .unwrap()
        .post(format!("http://127.0.0.1:{port}/api/webhooks/stripe"))
        .header("stripe-signature", stripe::sign(SECRET, now, &body))
        .body(body)
        .send();
    assert_eq!(sent.await.unwrap().status(), 200);
    let id = event["id"].as_str().unwrap();
    let state = "select count(*) from webhooks.events where state = 'processed'";
    let handled = async || {
        sqlx::query_scalar::<_, i64>(state)
            .fetch_one(&pool)
            .await
            .unwrap()
            == 1
    };
    until("it is handled", handled).await;

    assert!(done(&["events", "list"], &through).await.contains(id));
    assert!(
        done(&["events", "show", id], &through)
            .await
            .contains("servicio.pagado")
    );
    let dry = done(&["events", "replay", id, "--dry-run"], &through).await;
    assert!(dry.contains("nothing was written"), "{dry}");
    done(&["events", "replay", id], &through).await;
    let chain: Value = serde_json::from_str(&done(&["audit", "verify", "--json"], &through).await).unwrap();
    // The migrations, the start, the payment, the replay.
    assert_eq!(
        (&chain["ok"], &chain["chain"]["rows"]),
        (&true.into(), &4.into()),
        "{chain}"
    );
    assert_eq!(running.stop().await, Some(0));
    assert_eq!(named_statements(&through).await, [0; SESSIONS]);
}
