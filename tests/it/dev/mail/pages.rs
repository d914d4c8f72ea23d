//! The mail in the browser.

use super::*;

#[tokio::test]
async fn pages() {
    let server = started().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = server.mailbox.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    // A second call finds the provider installed, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().build().unwrap();
    let get = async |path: &str| {
        let answer = http.get(format!("{base}{path}")).send().await.unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let (policy, kind) = (header("content-security-policy"), header("content-type"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        (
            answer.status().as_u16(),
            policy,
            kind,
            answer.text().await.unwrap(),
        )
    };

    let (status, policy, _, empty) = get("/").await;
    assert_eq!(status, 200);
    assert!(empty.contains("Todavía no hay correos"));
    assert!(policy.starts_with("default-src 'none'; style-src 'self'"));

    server
        .transport()
        .send(mail("<script>alert(\"asunto\")</script>"))
        .await
        .unwrap();
    let (_, _, _, list) = get("/").await;
    assert!(list.contains("&#60;script&#62;alert("), "{list}");
    assert!(!list.contains("<script") && !list.contains("style="));
    assert!(list.contains("Para ana@example.com, archivo@onlycar.mx"));

    let (_, policy, _, page) = get("/1").await;
    assert!(!page.contains("<script") && !page.contains("style=") && !policy.contains("unsafe"));
    assert!(page.contains("sandbox=\"allow-popups allow-popups-to-escape-sandbox\""));
    assert!(
        page.contains("href=\"https://onlycar.mx/recibo?a=1&#38;b=2\""),
        "{page}"
    );

    let (_, policy, kind, html) = get("/1/html").await;
    assert!(policy.starts_with("sandbox allow-popups") && policy.contains("default-src 'none'"));
    assert!(!policy.contains("allow-scripts") && !policy.contains("allow-same-origin"));
    assert_eq!(kind, "text/html; charset=utf-8");
    assert!(html.contains("<b>Ana</b>"));

    let (_, _, kind, raw) = get("/1/raw").await;
    assert_eq!(kind, "text/plain; charset=utf-8");
    assert!(raw.starts_with("Return-Path: <avisos@onlycar.mx>\r\n"));
    let (_, _, _, json) = get("/api/messages").await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["id"], 1);
    assert_eq!(json[0]["subject"], "<script>alert(\"asunto\")</script>");
    assert!(json[0].get("raw").is_none());
    assert_eq!(get("/mail.css").await.2, "text/css; charset=utf-8");
    for path in ["/2", "/x", "/2/html", "/2/raw"] {
        assert_eq!(get(path).await.0, 404, "{path}");
    }
}
