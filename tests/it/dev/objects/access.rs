//! Who may do what: key pairs, presigned links, and what R2 does not do.

use super::*;

#[tokio::test]
async fn presigned_links() {
    let (_root, server) = started().await;
    put(&server.client, "privado/factura.xml", "<xml/>").await;
    put(&server.client, "privado/ajena.xml", "<no/>").await;
    let sign = async |config: PresigningConfig| {
        let request = server
            .client
            .get_object()
            .bucket(BUCKET)
            .key("privado/factura.xml");
        request.presigned(config).await.unwrap().uri().to_owned()
    };
    let http = http();
    let status = async |url: &str| http.get(url).send().await.unwrap().status().as_u16();
    let good = sign(PresigningConfig::expires_in(Duration::from_mins(1)).unwrap()).await;

    let answer = http.get(&good).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.text().await.unwrap(), "<xml/>");

    assert_eq!(status(&good.replace("factura.xml", "ajena.xml")).await, 403);
    assert_eq!(
        status(&good.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")).await,
        403
    );
    let (head, signature) = good.split_once("X-Amz-Signature=").unwrap();
    let flipped = if signature.starts_with('0') { '1' } else { '0' };
    let tampered = format!("{head}X-Amz-Signature={flipped}{}", signature.get(1..).unwrap());
    assert_eq!(status(&tampered).await, 403);
    assert_eq!(status(good.split_once('?').unwrap().0).await, 403);

    let long_ago = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let config = PresigningConfig::builder()
        .start_time(long_ago)
        .expires_in(Duration::from_mins(1));
    let expired = sign(config.build().unwrap()).await;
    assert_eq!(status(&expired).await, 403);
    server.stop().await;
}

#[tokio::test]
async fn presigned_upload() {
    let (_root, server) = started().await;
    let config = PresigningConfig::expires_in(Duration::from_mins(1)).unwrap();
    let request = server
        .client
        .put_object()
        .bucket(BUCKET)
        .key("subida")
        .content_type("text/plain");
    let url = request.presigned(config).await.unwrap().uri().to_owned();
    let http = http();
    let upload = async |kind: &str| {
        let request = http.put(&url).header("content-type", kind).body("hola");
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(upload("text/html").await, 403);
    assert!(absent(&server.client, "subida").await);
    assert_eq!(upload("text/plain").await, 200);
    assert_eq!(get(&server.client, "subida").await, b"hola");
    server.stop().await;
}

#[tokio::test]
async fn only_our_key_pair_and_bucket() {
    let (_root, server) = started().await;
    let stranger = client(&server.endpoint, "not the secret", false);
    let written = stranger
        .put_object()
        .bucket(BUCKET)
        .key("x")
        .body(ByteStream::from_static(b"x"))
        .send()
        .await;
    assert_eq!(refusal(written), refused(403, "SignatureDoesNotMatch"));
    assert!(absent(&server.client, "x").await);

    let client = &server.client;
    client.head_bucket().bucket(BUCKET).send().await.unwrap();
    assert_eq!(
        refusal(client.head_bucket().bucket("another").send().await).0,
        404
    );
    let created = client.create_bucket().bucket(BUCKET).send().await;
    assert_eq!(refusal(created), refused(409, "BucketAlreadyOwnedByYou"));
    let read = client.get_object().bucket("another").key("x").send().await;
    assert_eq!(refusal(read), refused(404, "NoSuchBucket"));
    server.stop().await;
}

#[tokio::test]
async fn what_r2_does_not_do() {
    let (_root, server) = started().await;
    let client = &server.client;
    let put = || {
        client
            .put_object()
            .bucket(BUCKET)
            .key("x")
            .body(ByteStream::from_static(b"x"))
    };
    let not_implemented = refused(501, "NotImplemented");
    assert_eq!(refusal(put().tagging("a=b").send().await), not_implemented);
    assert_eq!(
        refusal(put().object_lock_legal_hold_status("ON".into()).send().await),
        not_implemented
    );
    assert_eq!(
        refusal(put().server_side_encryption("aws:kms".into()).send().await),
        not_implemented
    );
    assert_eq!(
        refusal(client.get_object_tagging().bucket(BUCKET).key("x").send().await),
        not_implemented
    );

    let always = self::client(&server.endpoint, "secret", true);
    let bytes = http_body_of_unknown_hash();
    let trailer = always
        .put_object()
        .bucket(BUCKET)
        .key("x")
        .body(bytes)
        .send()
        .await;
    assert_eq!(refusal(trailer), not_implemented);
    assert!(absent(client, "x").await);

    let large = put().metadata("m", "v".repeat(8192)).send().await;
    assert_eq!(refusal(large), refused(400, "MetadataTooLarge"));
    server.stop().await;
}

/// A body from a file makes the client send its checksum in a trailer.
fn http_body_of_unknown_hash() -> ByteStream {
    ByteStream::from_body_1_x(reqwest::Body::from("hola"))
}
