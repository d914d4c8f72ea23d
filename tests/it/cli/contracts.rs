//! A contract from the command line to its signature, beside a running `onlycar dev`.

use std::time::Duration;

use onlycar::dev::mifiel::Draft;
use onlycar::tools::outbound;
use serde_json::{Value, json};

use crate::support::dev::Dev;

/// A contract of the sample data.
const CONTRACT: &str = "0b000000-0000-4000-8000-000000000000";

#[tokio::test]
async fn a_contract_is_sent_signed_and_seen() {
    let mut dev = Dev::start().await;
    std::fs::write(dev.path().join("contrato.pdf"), Draft::default().file).unwrap();
    let words = [
        "contracts",
        "send",
        "--contract",
        CONTRACT,
        "--pdf",
        "contrato.pdf",
        "--signer",
        "Ana <ana@example.com>",
    ];
    let sent = dev.done(&words).await;
    assert!(sent.contains("onlycar contracts list --waiting"), "{sent}");
    let pool = dev.pool().await;
    let state = async |expected: &str| {
        let sql = "select exists (select from contratos_firmados where mifiel_document_id is not null and estado = $1)";
        let reached = async {
            let mut tick = tokio::time::interval(Duration::from_millis(20));
            let there = async || {
                let there = sqlx::query_scalar::<_, bool>(sql).bind(expected);
                there.fetch_one(&pool).await.unwrap()
            };
            while !there().await {
                tick.tick().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), reached)
            .await
            .expect(expected);
    };
    state("pendiente").await;
    let listed = dev.done(&["contracts", "list", "--waiting"]).await;
    assert!(
        listed.contains(CONTRACT) && listed.contains("waits for signatures until"),
        "{listed}"
    );

    // Everybody signs, and the webhook is lost.
    let url = format!(
        "{}/_sim/events",
        dev.json["simulators"]["mifiel"].as_str().unwrap()
    );
    let happening = json!({ "kind": "document_closed", "deliver": { "lose": true } });
    let answer = outbound::client()
        .unwrap()
        .post(url)
        .json(&happening)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let found = dev.done(&["reconcile", "mifiel", "--json"]).await;
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["missing"][0]["event_type"], "document_closed", "{found}");
    state("firmado").await;
    let listed = dev.done(&["contracts", "list"]).await;
    assert!(listed.contains("signed 20"), "{listed}");
    assert_eq!(dev.running.stop().await, Some(0));
}
