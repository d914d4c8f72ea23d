//! What is due and waits.

use chrono::TimeDelta;
use sqlx::{Connection as _, Executor as _};

use crate::support::{Story, TestApp};

#[tokio::test]
async fn what_is_due_for_long_is_told_and_ends_when_it_is_done() {
    let app = TestApp::without_workers(&[]).await;
    let event = Story::create(&app.pool)
        .await
        .event("payment_intent.succeeded", app.now());
    app.send(&event).await;
    // Nobody can claim a row that is locked.
    let mut holder = sqlx::PgConnection::connect(&app.database_url).await.unwrap();
    holder
        .execute("begin; select from webhooks.events for update")
        .await
        .unwrap();
    let mut app = app;
    app.work();
    let check = async |app: &TestApp, done| {
        app.job_later("vigilar_operacion").await;
        let checked = || async {
            app.one::<i64>(
                "select count(*) from engine.jobs where kind = 'vigilar_operacion' and state = 'processed'",
            )
            .await
                == done
        };
        app.until("it was checked", checked).await;
        app.alerts().await
    };
    app.advance(TimeDelta::seconds(300));
    assert_eq!(check(&app, 1).await, [""; 0]);
    app.advance(TimeDelta::seconds(1));
    assert_eq!(check(&app, 2).await, ["cola-atrasada"]);
    let mail = &app.mails(1).await[0];
    assert!(
        mail.text
            .contains("El más viejo de los eventos que ya tocaban espera desde hace 301 s"),
        "{}",
        mail.text
    );
    holder.execute("rollback").await.unwrap();
    app.drain().await;
    assert_eq!(check(&app, 3).await, [""; 0]);
    app.finish().await;
}
