//! D1 ends as PostgreSQL is, whatever is repeated, lost on the way, or overtaken.

use chrono::TimeDelta;
use onlycar::dev::cloudflare::{Fault, Plan};
use reqwest::header::AUTHORIZATION;
use serde_json::Value;

use super::Rig;
use crate::support::cloudflare::TOKEN;

/// Sends a question that was sent before once more, as a slow network does.
async fn again(rig: &Rig, question: usize) {
    let asked = rig.cloudflare.asked()[question].clone();
    let path = asked.line.strip_prefix("POST ").unwrap();
    let request = rig.app.client.post(format!("{}{path}", rig.cloudflare.url()));
    let answer = request
        .header(AUTHORIZATION, format!("Bearer {TOKEN}"))
        .body(asked.body)
        .send()
        .await
        .unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["success"], true, "{answer}");
}

#[tokio::test]
async fn an_older_request_that_comes_late_changes_nothing() {
    let rig = Rig::open().await;
    let id = rig.invoice().await;
    rig.flush().await;
    let first = rig.asked() - 1;
    rig.app.advance(TimeDelta::seconds(30));
    rig.cancel(id).await;
    rig.flush().await;
    let newest = rig.rows();
    again(&rig, first).await;
    assert_eq!(rig.rows(), newest);
    again(&rig, first + 1).await;
    assert_eq!(rig.rows(), newest, "the newest again neither");

    let delete = "delete from facturas_emitidas where id = $1";
    sqlx::query(delete).bind(id).execute(&rig.app.pool).await.unwrap();
    rig.mark(id).await;
    rig.flush().await;
    again(&rig, first).await;
    again(&rig, first + 1).await;
    assert!(rig.shown(id)["estado"].is_null(), "what is removed stays so");
    rig.app.finish().await;
}

#[tokio::test]
async fn a_change_while_it_is_told_stays_marked() {
    let rig = Rig::patient(8).await;
    let id = rig.invoice().await;
    rig.cloudflare.plan(Plan {
        delay_ms: 500,
        ..Plan::new(Fault::Slow, 1)
    });
    let change = async {
        rig.app
            .until("D1 is being asked", async || rig.asked() == 1)
            .await;
        rig.cancel(id).await;
    };
    tokio::join!(rig.flush(), change);
    assert_eq!(
        rig.shown(id)["estado"],
        "vigente",
        "the slow one told what was then"
    );
    assert_eq!(rig.waiting().await, 1);
    rig.flush().await;
    assert_eq!(rig.shown(id)["estado"], "cancelada");
    assert_eq!(rig.waiting().await, 0);
    rig.app.finish().await;
}

/// A rolled back change leaves no mark, and one that is under way is in nobody's way.
#[tokio::test]
async fn a_change_under_way_neither_waits_nor_is_waited_for() {
    let rig = Rig::open().await;
    let id = rig.invoice().await;
    let mut held = rig.app.pool.acquire().await.unwrap();
    sqlx::query("begin").execute(&mut *held).await.unwrap();
    let touch = "update edge.marks set version = version + 1, marked_at = marked_at where id = $1";
    sqlx::query(touch).bind(id).execute(&mut *held).await.unwrap();
    rig.flush().await;
    assert_eq!(rig.shown(id)["estado"], "vigente");
    assert_eq!(rig.waiting().await, 1, "told, and to be told again");
    sqlx::query("rollback").execute(&mut *held).await.unwrap();
    rig.flush().await;
    assert_eq!(rig.waiting().await, 0);
    rig.app.finish().await;
}

#[tokio::test]
async fn two_at_once_are_one() {
    let rig = Rig::patient(8).await;
    rig.invoice().await;
    rig.cloudflare.plan(Plan {
        delay_ms: 300,
        ..Plan::new(Fault::Slow, 1)
    });
    let before = rig.asked();
    tokio::join!(rig.flush(), rig.flush(), rig.flush());
    assert_eq!(rig.asked() - before, 1);
    assert_eq!(rig.waiting().await, 0);
    rig.app.finish().await;
}
