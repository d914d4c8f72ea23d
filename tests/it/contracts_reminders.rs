//! Whoever has not signed is reminded before the time is over, and the team is told after it; each once.

use chrono::TimeDelta;
use serde_json::Value;
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::signing::Signing;

const SUBJECT: &str = "Falta tu firma en el contrato con OnlyCar";

async fn remind(signing: &Signing) {
    signing.job("recordar_firmas").await;
}

fn reminders(signing: &Signing) -> usize {
    let mailed = signing.mailed();
    mailed.iter().filter(|(_, subject)| subject == SUBJECT).count()
}

fn expired(signing: &Signing) -> String {
    format!("contrato-vencido:{}", signing.story.contract)
}

/// A program that does nothing by itself: its clock can be moved by days.
async fn idle() -> Signing {
    Signing::with(TestApp::start().await).await
}

#[tokio::test]
async fn the_client_is_reminded_once_three_days_before_the_end() {
    let signing = idle().await;
    let sent = signing.send().await;
    // It can be signed for 15 days.
    signing.app.advance(TimeDelta::days(12) - TimeDelta::seconds(1));
    remind(&signing).await;
    assert_eq!(reminders(&signing), 0);
    signing.app.advance(TimeDelta::seconds(1));
    for _ in 0..3 {
        remind(&signing).await;
        signing.app.advance(TimeDelta::hours(20));
    }
    assert_eq!(reminders(&signing), 1);
    let mails = signing.app.mail.messages();
    let mail = mails.iter().find(|mail| mail.subject == SUBJECT).unwrap();
    assert_eq!(mail.to, ["ana@example.com"]);
    for words in [
        "Hola, Ana López:",
        "hasta el 07/12/2026 a las 12:00",
        "correo que te mandó Mifiel",
    ] {
        assert!(mail.text.contains(words), "{words}: {}", mail.text);
        assert!(
            mail.html
                .as_deref()
                .unwrap()
                .contains(words.trim_end_matches(':'))
        );
    }
    assert!(!mail.text.contains("http"), "the link is Mifiel's");
    let row = signing.row(sent.row).await;
    assert_eq!(row["estado"], "pendiente");
    assert!(signing.alerts().await.is_empty());
    signing.app.finish().await;
}

#[tokio::test]
async fn who_signed_or_declined_or_is_not_a_client_any_more_is_left_in_peace() {
    for how in ["signed", "declined", "over", "unsent"] {
        let signing = idle().await;
        if how == "unsent" {
            signing
                .app
                .mifiel
                .fail(onlycar::dev::mifiel::Fault::ServerError, 1000);
            signing.place().await.unwrap();
        } else {
            let sent = signing.send().await;
            match how {
                "signed" => signing.sign(&sent).await,
                "declined" => signing.decline(&sent).await,
                _ => signing.run("update contratos_b2b set estado = 'inactivo'").await,
            }
        }
        for days in [13, 5] {
            signing.app.advance(TimeDelta::days(days));
            remind(&signing).await;
        }
        assert_eq!(reminders(&signing), 0, "{how}");
        assert!(!signing.alerts().await.contains(&expired(&signing)), "{how}");
        let mut app = signing.app;
        app.mifiel.heal();
        app.stop().await;
    }
}

#[tokio::test]
async fn a_client_without_an_address_keeps_nobody_from_being_told() {
    let signing = idle().await;
    signing.send().await;
    signing.run("update clientes set email = null").await;
    signing.app.advance(TimeDelta::days(13));
    remind(&signing).await;
    assert_eq!(reminders(&signing), 0);
    let audit = signing.app.audit().await;
    let unsent = audit
        .iter()
        .filter(|(_, action, _)| action == "notificacion.no_enviada");
    assert_eq!(unsent.count(), 1);
    signing.app.finish().await;
}

#[tokio::test]
async fn the_team_is_told_once_when_nobody_signed_in_time() {
    let signing = idle().await;
    let sent = signing.send().await;
    signing.app.advance(TimeDelta::days(15));
    for _ in 0..3 {
        remind(&signing).await;
        signing.app.advance(TimeDelta::days(1));
    }
    assert_eq!(signing.alerts().await, [expired(&signing)]);
    let sql = "select array[times::text, detail] from engine.alerts";
    let alert: Vec<String> = signing.app.one(sql).await;
    assert_eq!(alert[0], "1", "one document, one word about it");
    assert!(alert[1].contains(&sent.row.to_string()), "{}", alert[1]);
    // Closed by a person, it stays closed.
    signing.run("update engine.alerts set resolved_at = now()").await;
    remind(&signing).await;
    assert!(signing.alerts().await.is_empty());
    signing.app.finish().await;
}

#[tokio::test]
async fn another_document_or_a_signature_after_all_closes_it() {
    let signing = idle().await;
    signing.send().await;
    signing.app.advance(TimeDelta::days(16));
    remind(&signing).await;
    assert_eq!(signing.alerts().await, [expired(&signing)]);
    let second = signing.send().await;
    assert!(signing.alerts().await.is_empty());
    // The first one is not told again, and the second one has its own time.
    remind(&signing).await;
    assert!(signing.alerts().await.is_empty());
    signing.app.advance(TimeDelta::days(16));
    remind(&signing).await;
    assert_eq!(signing.alerts().await, [expired(&signing)]);
    // Its signature of the last minute was not told.
    signing
        .run("update contratos_firmados set vence_en = null where vence_en is not null")
        .await;
    let row: Value = signing.row(second.row).await;
    assert_eq!(row["estado"], "pendiente");
    signing.app.finish().await;
}

#[tokio::test]
async fn more_time_given_at_mifiel_counts() {
    let signing = idle().await;
    signing.send().await;
    signing.app.advance(TimeDelta::days(16));
    remind(&signing).await;
    signing.run("update engine.alerts set resolved_at = now()").await;
    signing
        .run("update contratos_firmados set vence_en = vence_en + interval '10 days'")
        .await;
    remind(&signing).await;
    assert!(signing.alerts().await.is_empty());
    signing.app.advance(TimeDelta::days(10));
    remind(&signing).await;
    assert_eq!(signing.alerts().await, [expired(&signing)]);
    signing.app.finish().await;
}

#[tokio::test]
async fn many_are_told_in_one_look_and_no_more_than_it_bears() {
    let mut signing = Signing::with(TestApp::without_workers(&[]).await).await;
    let insert = "with contract as (
                      insert into contratos_b2b (cliente_id, tipo) select cliente_id, 'servicio_unico'
                      from contratos_b2b, generate_series(1, 510) returning id)
                  insert into contratos_firmados (contrato_id, mifiel_document_id, creado_en, enviado_en, vence_en)
                  select id, id::text, $1, $1, $1 + interval '2 days' from contract";
    let insert = sqlx::query(insert).bind(signing.app.now());
    insert.execute(&signing.app.pool).await.unwrap();
    let job = "insert into engine.jobs (id, kind, payload, created_at, run_at) values ($1, 'recordar_firmas', '{}', $2, $2)";
    let told = "select count(*) from engine.jobs where kind = 'notificar'";
    for (n, expected) in [(1, 500), (2, 510), (3, 510)] {
        let insert = sqlx::query(job).bind(Uuid::from_u128(n)).bind(signing.app.now());
        insert.execute(&signing.app.pool).await.unwrap();
        signing.app.work();
        signing.app.drain().await;
        assert_eq!(signing.app.one::<i64>(told).await, expected);
    }
    signing.app.stop().await;
}
