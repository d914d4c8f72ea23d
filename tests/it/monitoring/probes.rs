//! Whether services answer, and what is kept of it.

use std::net::SocketAddr;

use chrono::TimeDelta;
use onlycar::dev::mail::Mailbox;
use onlycar::monitoring::availability;
use tokio::net::TcpListener;

use crate::support::TestApp;
use crate::support::program::{onlycar, run};

const JOB: &str = "sondear_proveedores";

/// An address of this machine where nobody answers.
async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
}

#[tokio::test]
async fn three_unanswered_probes_are_an_outage_and_the_next_answer_ends_it() {
    let address = nobody().await;
    let smtp = format!("smtp://secreto:clave@{address}");
    let app = TestApp::with(&[("SMTP_URL", smtp.as_str())]).await;
    let mut before = Vec::new();
    for round in 1..=3 {
        assert_eq!(app.alerts().await, [""; 0], "before round {round}");
        before.push(app.now());
        app.job_later(JOB).await;
        let probed = || async {
            availability::services(&app.db)
                .await
                .unwrap()
                .iter()
                .any(|it| it.service == "smtp" && it.failed_in_row == round)
        };
        app.until("all were asked", probed).await;
        app.advance(TimeDelta::minutes(1));
    }
    assert_eq!(app.alerts().await, ["proveedor-caido:smtp"]);
    let services = availability::services(&app.db).await.unwrap();
    let names: Vec<&str> = services.iter().map(|it| it.service.as_str()).collect();
    assert_eq!(names, ["gigstack", "mifiel", "r2", "smtp", "stripe"]);
    for standing in &services {
        assert_eq!(standing.is_down(), standing.service == "smtp", "{standing:?}");
        assert_eq!(
            standing.last_error.is_some(),
            standing.service == "smtp",
            "{standing:?}"
        );
    }
    let outage = &availability::outages(&app.db, None, before[0], 10).await.unwrap()[0];
    assert_eq!((outage.began_at, outage.ended_at), (before[0], None));
    assert!(
        !outage.reason.contains("clave") && outage.reason.contains("correo"),
        "{}",
        outage.reason
    );

    let folder = tempfile::tempdir().unwrap();
    let mailbox = Mailbox::open(folder.path()).unwrap();
    let listener = TcpListener::bind(address).await.unwrap();
    tokio::spawn(mailbox.clone().serve(listener, std::future::pending()));
    app.advance(TimeDelta::hours(1));
    app.job(JOB).await;
    let days = availability::days(&app.db, Some("smtp"), app.now())
        .await
        .unwrap();
    assert_eq!((days[0].probes, days[0].failed, days[0].percent()), (4, 3, 25.0));
    let months = availability::months(&app.db, None, app.now()).await.unwrap();
    assert_eq!(months.len(), 5);
    assert_eq!(months.iter().find(|it| it.service == "r2").unwrap().failed, 0);

    let mut command = onlycar(&["availability", "--since", "2026-11-01", "--csv"]);
    command.env("DATABASE_URL", &app.database_url);
    let printed = run(command).await;
    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert!(
        printed.out.contains("smtp,2026-11-22,4,3,25.00,"),
        "{}",
        printed.out
    );
    app.advance(TimeDelta::hours(1));
    app.drain().await;
    let ended = &availability::outages(&app.db, Some("smtp"), before[0], 10)
        .await
        .unwrap()[0];
    assert!(ended.ended_at.is_some() && app.alerts().await.is_empty());
    app.finish().await;
}
