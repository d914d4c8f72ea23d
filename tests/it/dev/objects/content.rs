//! What is stored comes back, whole, in part or not at all.

use super::*;

#[tokio::test]
async fn headers_and_metadata_come_back() {
    let (_root, server) = started().await;
    let client = &server.client;
    let stored = client
        .put_object()
        .bucket(BUCKET)
        .key("a/recibo.pdf")
        .body(ByteStream::from_static(b"hola"))
        .content_type("application/pdf")
        .cache_control("private, max-age=60")
        .content_disposition("attachment; filename=\"recibo.pdf\"")
        .content_language("es-MX")
        .metadata("sha256", "abc")
        .send()
        .await
        .unwrap();
    assert_eq!(stored.e_tag(), Some("\"4d186321c1a7f0f354b297e8914ab240\""));

    let head = client
        .head_object()
        .bucket(BUCKET)
        .key("a/recibo.pdf")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_type(), Some("application/pdf"));
    assert_eq!(head.cache_control(), Some("private, max-age=60"));
    assert_eq!(
        head.content_disposition(),
        Some("attachment; filename=\"recibo.pdf\"")
    );
    assert_eq!(head.content_language(), Some("es-MX"));
    assert_eq!(head.content_length(), Some(4));
    assert_eq!(head.e_tag(), stored.e_tag());
    assert_eq!(
        head.metadata(),
        Some(&HashMap::from([("sha256".to_owned(), "abc".to_owned())]))
    );
    assert!(head.last_modified().is_some());

    let object = client
        .get_object()
        .bucket(BUCKET)
        .key("a/recibo.pdf")
        .send()
        .await
        .unwrap();
    assert_eq!(object.content_type(), Some("application/pdf"));
    assert_eq!(object.metadata(), head.metadata());
    assert_eq!(object.last_modified(), head.last_modified());
    assert_eq!(object.body.collect().await.unwrap().to_vec(), b"hola");
    server.stop().await;
}

#[tokio::test]
async fn ranges() {
    let (_root, server) = started().await;
    put(&server.client, "digits", "0123456789").await;
    let cases = [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=8-99", "89", "bytes 8-9/10"),
    ];
    for (range, body, content_range) in cases {
        let part = server
            .client
            .get_object()
            .bucket(BUCKET)
            .key("digits")
            .range(range)
            .send()
            .await
            .unwrap();
        assert_eq!(part.content_range(), Some(content_range), "{range}");
        assert_eq!(
            part.body.collect().await.unwrap().to_vec(),
            body.as_bytes(),
            "{range}"
        );
    }
    let beyond = server
        .client
        .get_object()
        .bucket(BUCKET)
        .key("digits")
        .range("bytes=10-")
        .send()
        .await;
    assert_eq!(refusal(beyond), refused(416, "InvalidRange"));
    server.stop().await;
}

#[tokio::test]
async fn conditional_requests() {
    let (_root, server) = started().await;
    let client = &server.client;
    let put_if = || client.put_object().bucket(BUCKET).key("once");
    let first = put_if()
        .if_none_match("*")
        .body(ByteStream::from_static(b"1"))
        .send()
        .await
        .unwrap();
    let etag = first.e_tag().unwrap();

    let again = put_if()
        .if_none_match("*")
        .body(ByteStream::from_static(b"2"))
        .send()
        .await;
    assert_eq!(refusal(again), refused(412, "PreconditionFailed"));
    let lost = put_if()
        .if_match("\"other\"")
        .body(ByteStream::from_static(b"2"))
        .send()
        .await;
    assert_eq!(refusal(lost), refused(412, "PreconditionFailed"));
    assert_eq!(get(client, "once").await, b"1");

    let read = || client.get_object().bucket(BUCKET).key("once");
    assert_eq!(refusal(read().if_none_match(etag).send().await).0, 304);
    assert_eq!(
        refusal(
            client
                .head_object()
                .bucket(BUCKET)
                .key("once")
                .if_none_match(etag)
                .send()
                .await
        )
        .0,
        304
    );
    assert_eq!(refusal(read().if_match("\"other\"").send().await).0, 412);
    let modified = *read()
        .if_match(etag)
        .send()
        .await
        .unwrap()
        .last_modified()
        .unwrap();
    assert_eq!(refusal(read().if_modified_since(modified).send().await).0, 304);
    assert!(read().if_unmodified_since(modified).send().await.is_ok());

    put_if()
        .if_match(etag)
        .body(ByteStream::from_static(b"2"))
        .send()
        .await
        .unwrap();
    assert_eq!(get(client, "once").await, b"2");
    server.stop().await;
}

#[tokio::test]
async fn a_failed_check_leaves_nothing() {
    let (root, server) = started().await;
    let client = &server.client;
    let put = |key: &str| {
        client
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .body(ByteStream::from_static(b"hola"))
    };

    put("ok")
        .content_md5("TRhjIcGn8PNUspfokUqyQA==")
        .send()
        .await
        .unwrap();
    put("ok2")
        .checksum_sha256("siHZ27CDp/M0KNfCo8MZiuklYU1wIQ4ocWzKp81N23k=")
        .send()
        .await
        .unwrap();

    let wrong_md5 = put("md5").content_md5("1B2M2Y8AsgTpgAmY7PhCfg==").send().await;
    assert_eq!(refusal(wrong_md5), refused(400, "BadDigest"));
    assert!(absent(client, "md5").await);

    let wrong_sum = put("sum")
        .checksum_sha256("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
        .send()
        .await;
    assert_eq!(refusal(wrong_sum), refused(400, "BadDigest"));
    assert!(absent(client, "sum").await);
    assert_eq!(spooled_files(root.path()), 0);
    server.stop().await;
}

#[tokio::test]
async fn a_body_cut_short_leaves_nothing_and_an_overwrite_keeps_the_old() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (root, server) = started().await;
    put(&server.client, "cut", "old").await;
    let config = PresigningConfig::expires_in(Duration::from_mins(1)).unwrap();
    let request = server.client.put_object().bucket(BUCKET).key("cut");
    let url = request.presigned(config).await.unwrap().uri().to_owned();
    let path = url.strip_prefix(&server.endpoint).unwrap();
    let host = server.endpoint.strip_prefix("http://").unwrap();

    let mut socket = tokio::net::TcpStream::connect(host).await.unwrap();
    let head = format!("PUT {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 1000\r\n\r\nonly this");
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.shutdown().await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    assert!(
        !answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&answer)
    );

    assert_eq!(get(&server.client, "cut").await, b"old");
    server.stop().await;
    assert_eq!(spooled_files(root.path()), 0);
}
