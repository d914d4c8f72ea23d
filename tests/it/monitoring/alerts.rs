//! Incidents from their opening to their end, and what the team is told.

use chrono::TimeDelta;
use onlycar::engine::work::Unit;
use onlycar::ground::facts::{Actor, Fact, Health};
use onlycar::notifications::alerts::{self, Seen, State, Which};
use uuid::Uuid;

use crate::support::TestApp;

fn failing() -> Fact {
    Fact::Health(Health::WebhooksFailing {
        provider: "stripe".to_owned(),
        in_row: 4,
        reason: "database: gone".to_owned(),
    })
}

fn fine() -> Fact {
    Fact::Health(Health::WebhooksFine {
        provider: "stripe".to_owned(),
    })
}

impl TestApp {
    async fn happens(&self, fact: Fact) {
        let mut work = self.engine.begin(Unit::by(Actor::System)).await.unwrap();
        work.say(fact);
        work.commit().await.unwrap();
        self.drain().await;
    }
}

#[tokio::test]
async fn the_team_reads_what_happened_what_to_do_and_where_and_once_that_it_is_over() {
    let app = TestApp::start().await;
    app.happens(failing()).await;
    app.happens(failing()).await;
    let open = alerts::list(&app.db, &Which::default(), 10).await.unwrap();
    let [alert] = &open[..] else { panic!("{open:?}") };
    assert_eq!(
        (alert.kind.as_str(), alert.times, alert.state()),
        ("webhooks-fallan", 2, State::Open)
    );
    let mails = app.mails(1).await;
    let link = format!("http://localhost:8080/panel/alertas/{}", alert.id);
    for part in [
        "database: gone",
        "Siguiente paso: onlycar events list --provider stripe",
        &link,
    ] {
        assert!(
            mails[0].text.contains(part)
                && mails[0]
                    .html
                    .as_deref()
                    .is_none_or(|html| html.contains("panel/alertas")),
            "{part}: {}",
            mails[0].text
        );
    }

    // It comes and goes: that is the same incident still, and nobody is told of its end too soon.
    app.happens(fine()).await;
    app.advance(TimeDelta::minutes(2));
    app.happens(failing()).await;
    app.advance(TimeDelta::minutes(4));
    app.drain().await;
    assert_eq!(app.mail.messages().len(), 1);
    assert_eq!(app.one::<i64>("select count(*) from engine.alerts").await, 1);

    app.happens(fine()).await;
    app.advance(alerts::SETTLED);
    let mails = app.mails(2).await;
    assert!(
        mails[1].subject.contains("Resuelta: Los avisos de un proveedor"),
        "{}",
        mails[1].subject
    );
    assert!(mails[1].text.contains(&link), "{}", mails[1].text);

    // After that it is another one.
    app.happens(failing()).await;
    app.mails(3).await;
    assert_eq!(app.one::<i64>("select count(*) from engine.alerts").await, 2);
    app.finish().await;
}

#[tokio::test]
async fn whoever_sees_to_it_is_noted_and_nobody_is_told_again() {
    let app = TestApp::start().await;
    app.happens(failing()).await;
    app.mails(1).await;
    let id: Uuid = app.one("select id from engine.alerts").await;
    let admin = Uuid::from_u128(7);
    let acknowledge = async |id| {
        let mut work = app.engine.begin(Unit::by(Actor::Admin(admin))).await.unwrap();
        let seen = alerts::acknowledge(&mut work, id, Some("ya lo veo\0"))
            .await
            .unwrap();
        work.commit().await.unwrap();
        seen
    };
    assert_eq!(acknowledge(Uuid::nil()).await, Seen::Unknown);
    assert_eq!(acknowledge(id).await, Seen::Noted);
    assert_eq!(acknowledge(id).await, Seen::TooLate);
    app.happens(failing()).await;
    let alert = alerts::one(&app.db, id).await.unwrap().unwrap();
    assert_eq!(
        (alert.state(), alert.times, alert.note.as_deref()),
        (State::Acknowledged, 2, Some("ya lo veo\u{fffd}"))
    );
    assert_eq!(alert.acknowledged_by, Some(Actor::Admin(admin).to_string()));
    assert_eq!(app.mail.messages().len(), 1);
    let unresolved = alerts::unresolved(&app.db).await.unwrap();
    assert_eq!((unresolved.open, unresolved.acknowledged), (0, 1));

    let mut work = app.engine.begin(Unit::by(Actor::Admin(admin))).await.unwrap();
    assert_eq!(alerts::close(&mut work, id, None).await.unwrap(), Seen::Noted);
    assert_eq!(alerts::close(&mut work, id, None).await.unwrap(), Seen::TooLate);
    work.commit().await.unwrap();
    let said: Vec<(String, String)> = app
        .audit()
        .await
        .into_iter()
        .filter(|(_, action, _)| action.starts_with("alerta."))
        .map(|(actor, action, _)| (actor, action))
        .collect();
    let by = Actor::Admin(admin).to_string();
    assert_eq!(
        said,
        [
            (by.clone(), "alerta.atendida".to_owned()),
            (by, "alerta.cerrada".to_owned())
        ]
    );
    app.finish().await;
}

#[tokio::test]
async fn the_list_shows_what_is_open_first_and_pages_without_gaps() {
    let mut app = TestApp::without_workers(&[]).await;
    for n in 0..7 {
        let mut work = app.engine.begin(Unit::by(Actor::System)).await.unwrap();
        work.say(Fact::EventsMissed {
            provider: ["a", "b", "c", "d", "e", "f", "g"][n],
            count: 1,
        });
        work.commit().await.unwrap();
        app.advance(TimeDelta::seconds(1));
    }
    for (cause, at) in [("b", 1), ("f", 2), ("d", 2)] {
        let sql = "update engine.alerts set resolved_at = $2 where cause = 'avisos-perdidos:' || $1";
        let at = app.now() + TimeDelta::seconds(at);
        sqlx::query(sql)
            .bind(cause)
            .bind(at)
            .execute(&app.pool)
            .await
            .unwrap();
    }
    let mut causes = Vec::new();
    let mut which = Which::default();
    loop {
        let page = alerts::list(&app.db, &which, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        which.after = Some(last.place());
        causes.extend(
            page.iter()
                .map(|alert| alert.cause.replace("avisos-perdidos:", "")),
        );
    }
    assert_eq!(causes, ["g", "e", "c", "a", "f", "d", "b"]);
    let of = async |state: &str, kind: &str| {
        let which = Which {
            state: Some(state.to_owned()),
            kind: Some(kind.to_owned()),
            after: None,
        };
        alerts::list(&app.db, &which, 10).await.unwrap().len()
    };
    assert_eq!(
        (
            of("resuelta", "avisos-perdidos").await,
            of("abierta", "avisos-perdidos").await
        ),
        (3, 4)
    );
    assert_eq!(
        (
            of("atendida", "avisos-perdidos").await,
            of("abierta", "muerto").await
        ),
        (0, 0)
    );
    app.stop().await;
}
