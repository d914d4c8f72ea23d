//! What a link opens, for how long, and that it opens nothing else.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{Method, Url};

use super::Desk;
use super::scene::{ADMIN, ANA, OLGA, content, seconds};
use crate::counter::token;

#[tokio::test]
async fn a_link_opens_the_right_file_under_its_name() {
    let desk = Desk::open().await;
    let invoice = desk.invoice("servicio", Some(ANA), Some(OLGA), "cancelada").await;
    let token = token(&desk.app, "cliente", ANA);
    for (format, kind) in [
        ("pdf", "application/pdf"),
        ("xml", "application/xml"),
        ("acuse", "application/xml"),
    ] {
        let answer = desk.ask(&token, &invoice.path(invoice.id, format)).await;
        let key = invoice.key(format);
        let file = desk.app.client.get(answer.url()).send().await.unwrap();
        assert_eq!(file.status(), 200);
        let name = key.rsplit('/').next().unwrap();
        let disposition = format!("attachment; filename=\"{name}\"");
        assert_eq!(file.headers()["content-disposition"], disposition);
        assert_eq!(file.headers()["content-type"], kind);
        assert_eq!(file.bytes().await.unwrap(), content(&key));

        let until: DateTime<Utc> = answer.body["expires_at"].as_str().unwrap().parse().unwrap();
        let left = until - desk.app.now();
        assert!(
            left <= TimeDelta::seconds(600) && left > TimeDelta::seconds(598),
            "{left}"
        );
        assert!(answer.url().contains("X-Amz-Expires=600"));
    }
    desk.app.finish().await;
}

#[tokio::test]
async fn a_link_opens_nothing_else() {
    let desk = Desk::open().await;
    let invoice = desk.invoice("servicio", Some(ANA), Some(OLGA), "vigente").await;
    let other = desk.invoice("servicio", Some(ANA), Some(OLGA), "vigente").await;
    let link = desk.link(&invoice, "pdf").await;
    let link = link.url();
    let status = async |method: Method, url: &str| {
        let answer = desk.app.client.request(method, url).send().await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(status(Method::GET, link).await, 200);
    let (key, other) = (invoice.key("pdf"), other.key("pdf"));
    assert_eq!(
        status(Method::GET, &link.replace(&key, &other)).await,
        403,
        "another object"
    );
    let stretched = link.replace("X-Amz-Expires=600", "X-Amz-Expires=86400");
    assert_eq!(status(Method::GET, &stretched).await, 403, "a longer time");
    let bare = Url::parse(link).unwrap();
    let bare = format!("{}{}", bare.origin().ascii_serialization(), bare.path());
    assert_eq!(status(Method::GET, &bare).await, 403, "no signature");
    for method in [Method::PUT, Method::DELETE] {
        assert_eq!(status(method.clone(), link).await, 403, "{method}");
    }
    // One that was signed ten minutes and a second ago.
    seconds(&desk.app, -601);
    let old = desk.link(&invoice, "pdf").await;
    assert_eq!(old.status, 200);
    assert_eq!(status(Method::GET, old.url()).await, 403, "its time is over");
    seconds(&desk.app, 11);
    let young = desk.link(&invoice, "pdf").await;
    assert_eq!(
        status(Method::GET, young.url()).await,
        200,
        "its time is not over"
    );
    desk.app.finish().await;
}

#[tokio::test]
async fn who_asked_is_written_down_and_the_link_is_not() {
    let desk = Desk::open().await;
    let invoice = desk.invoice("servicio", Some(ANA), Some(OLGA), "vigente").await;
    let contract = desk.contract(Some(ANA), "firmado").await;
    let ana = token(&desk.app, "cliente", ANA);
    let link = desk.ask(&ana, &invoice.path(invoice.alias, "xml")).await;
    let refused = desk.ask(&ana, &contract.path(contract.alias, "evidencia")).await;
    assert_eq!(refused.status, 404);
    let evidence = desk.link(&contract, "evidencia").await;
    assert_eq!(evidence.status, 200);

    let rows = "select jsonb_agg(to_jsonb(l) - 'ocurrido_en' - 'hash' - 'hash_anterior' - 'id' order by id)
                from logs_auditoria l";
    let rows: serde_json::Value = desk.app.one(rows).await;
    let head = desk.app.bucket.read(&invoice.key("xml")).await.0;
    let digest = |column| format!("select {column} from facturas_emitidas where uuid_sat is not null");
    let sha256: String = sqlx::query_scalar(sqlx::AssertSqlSafe(digest("sha256_xml")))
        .fetch_one(&desk.app.pool)
        .await
        .unwrap();
    assert_eq!(
        rows[0],
        serde_json::json!({
            "actor": format!("cliente:{ANA}"), "accion": "documento.enlace", "recurso_tipo": "facturas_emitidas",
            "recurso_id": invoice.id, "ip": "127.0.0.1", "evento_id": null, "trabajo_id": null,
            "detalle": { "archivo": "xml", "objeto": invoice.key("xml"), "sha256": sha256, "etag": head.etag,
                         "hasta": link.body["expires_at"] },
        })
    );
    assert_eq!(rows[1]["accion"], "documento.negado");
    assert_eq!(rows[1]["recurso_id"], contract.alias.to_string());
    assert_eq!(
        rows[1]["detalle"],
        serde_json::json!({ "archivo": "evidencia", "motivo": "no-es-suyo" })
    );
    assert_eq!(rows[2]["actor"], format!("admin:{ADMIN}"));
    let text = rows.to_string();
    let signature = link.url().rsplit("X-Amz-Signature=").next().unwrap();
    for part in ["X-Amz", "http", &signature[..16]] {
        assert!(!text.contains(part), "{part}: {text}");
    }
    desk.app.finish().await;
}
