//! The store does not have what it should, or does not answer.

use bytes::Bytes;

use super::scene::{ANA, OLGA};
use super::{Desk, Subject};
use crate::support::bucket::BUCKET;

async fn delete(desk: &Desk, key: &str) {
    let delete = desk.app.bucket.raw().delete_object().bucket(BUCKET).key(key);
    delete.send().await.unwrap();
}

async fn overwrite(desk: &Desk, key: &str) {
    let put = desk.app.bucket.raw().put_object().bucket(BUCKET).key(key);
    put.body(Bytes::from("other bytes").into()).send().await.unwrap();
}

async fn refused(desk: &Desk, subject: &Subject, cause: &str) {
    for _ in 0..2 {
        let answer = desk.link(subject, "pdf").await;
        assert_eq!(answer.code(), (404, "no-encontrado"));
        assert!(
            answer.detail().contains("Ya avisamos al equipo"),
            "{}",
            answer.detail()
        );
    }
    assert_eq!(desk.app.alerts().await, [cause]);
    assert_eq!(desk.audited("documento.enlace").await, 0);
}

#[tokio::test]
async fn a_file_that_is_gone_alerts_and_is_not_found() {
    let desk = Desk::open().await;
    let invoice = desk.invoice("servicio", Some(ANA), Some(OLGA), "vigente").await;
    delete(&desk, &invoice.key("pdf")).await;
    refused(&desk, &invoice, "documento-perdido").await;
    assert_eq!(
        desk.link(&invoice, "xml").await.status,
        200,
        "the others are there"
    );
    desk.app.finish().await;
}

#[tokio::test]
async fn a_file_that_was_changed_is_given_to_nobody() {
    let desk = Desk::open().await;
    let contract = desk.contract(Some(ANA), "firmado").await;
    overwrite(&desk, &contract.key("pdf")).await;
    refused(&desk, &contract, "documento-alterado").await;
    desk.app.finish().await;
}

#[tokio::test]
async fn while_the_store_is_away_the_caller_is_told_when_to_come_back() {
    let mut desk = Desk::open().await;
    let invoice = desk.invoice("servicio", Some(ANA), Some(OLGA), "vigente").await;
    desk.app.bucket.kill();
    let path = invoice.path(invoice.id, "pdf");
    let request = desk.app.client.get(format!("{}{path}", desk.app.url));
    let answer = request.bearer_auth(desk.admin()).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "5");
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(body["code"], "almacen-no-disponible");
    assert_eq!(desk.audited("documento.enlace").await, 0);
    // Others learn nothing of it.
    let stranger = crate::counter::token(&desk.app, "cliente", OLGA);
    assert_eq!(desk.ask(&stranger, &path).await.status, 404);
    desk.app.bucket.start_again().await;
    assert_eq!(desk.link(&invoice, "pdf").await.status, 200);
    desk.app.finish().await;
}
