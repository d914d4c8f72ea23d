//! Neither the token nor whoever signs is in PostgreSQL, whatever Mifiel tells.

use onlycar::dev::mifiel::{Delivery, Event, Shape};
use serde_json::json;

use super::{Scene, with};
use crate::support::mifiel::TOKEN;

/// Every row of every table, as text; bytes as the text that they may hold.
async fn everything(scene: &Scene) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', schemaname, tablename) from pg_tables
         where schemaname not in ('pg_catalog', 'information_schema')",
    )
    .fetch_all(&scene.app.pool)
    .await
    .unwrap();
    let mut all = String::new();
    for table in tables {
        let sql = format!("select coalesce(string_agg(t::text, ' '), '') from {table} t");
        let rows: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&scene.app.pool)
            .await
            .unwrap();
        all.push_str(&rows);
    }
    let payloads = "select coalesce(string_agg(encode(payload, 'escape'), ' '), '') from webhooks.events";
    all + &scene.app.one::<String>(payloads).await
}

#[tokio::test]
async fn no_table_holds_the_token_nor_who_signs() {
    let signers = json!([
        { "name": "Firmante Secretisima", "email": "secreta@firmantes.example", "tax_id": "SECR850101AB1" },
    ]);
    let form = with("/signers", signers);
    for shape in [Shape::Account, Shape::Customer, Shape::Callback] {
        let scene = Scene::open().await;
        for declined in [true, false] {
            assert_eq!(scene.send(&form).await.status, 202);
            scene.app.drain().await;
            let document = scene.app.mifiel.documents().pop().unwrap();
            let delivery = Delivery {
                shape,
                ..Delivery::default()
            };
            if declined {
                let signer = &document.signers[0].id;
                scene
                    .app
                    .mifiel
                    .reject(&document.id, signer, "No soy yo")
                    .unwrap();
                scene.tell_as(Event::SignerRejected, &document, delivery).await;
                scene.app.mifiel.delete(&document.id).unwrap();
                scene
                    .tell_as(Event::DocumentDeleted, &document, Delivery::default())
                    .await;
            } else {
                scene.app.mifiel.sign_all(&document.id).unwrap();
                scene.tell_as(Event::SignerCompleted, &document, delivery).await;
                scene.tell_as(Event::DocumentClosed, &document, delivery).await;
                assert_eq!(scene.row(&document).await["estado"], "firmado");
            }
        }
        let everything = everything(&scene).await;
        assert!(
            everything.contains("contratos_firmados/"),
            "the scan sees the rows"
        );
        for secret in [TOKEN, "SECR850101AB1", "SECRETISIMA", "secreta@firmantes.example"] {
            let lower = secret.to_lowercase();
            assert!(!everything.to_lowercase().contains(&lower), "{secret} {shape:?}");
            assert!(!everything.contains(&hex::encode(secret)), "{secret} in hex");
            assert!(!everything.contains(&hex::encode(lower)), "{secret} in hex");
        }
        scene.app.finish().await;
    }
}
