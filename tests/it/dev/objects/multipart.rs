//! Uploads in parts.

use super::*;

#[tokio::test]
async fn multipart() {
    let (root, server) = started().await;
    let client = &server.client;
    let upload = Upload::start(client, "grande").await;
    let mut parts = Vec::new();
    for (number, size) in [(1, 5 * MIB), (2, 5 * MIB), (3, 7)] {
        parts.push(upload.part(number, size).await);
    }
    let listed = client
        .list_parts()
        .bucket(BUCKET)
        .key("grande")
        .upload_id(&upload.id)
        .send()
        .await
        .unwrap();
    assert_eq!(listed.parts().len(), 3);
    upload.complete(parts).await.unwrap();

    let head = client
        .head_object()
        .bucket(BUCKET)
        .key("grande")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_length(), Some(10 * 1024 * 1024 + 7));
    assert_eq!(head.content_type(), Some("application/pdf"));
    assert!(head.e_tag().unwrap().ends_with("-3\""));
    let body = get(client, "grande").await;
    assert_eq!(
        (body.len(), body.first(), body.last()),
        (10 * MIB + 7, Some(&1), Some(&3))
    );
    let gone = upload.complete(Vec::new()).await;
    assert_eq!(refusal(gone), refused(404, "NoSuchUpload"));
    assert_eq!(spooled_files(root.path()), 0);
    server.stop().await;
}

#[tokio::test]
async fn multipart_refusals() {
    let (root, server) = started().await;
    let client = &server.client;
    let cases = [
        (vec![5 * MIB, 6 * MIB, 7], "InvalidPart"),
        (vec![5 * MIB, 5 * MIB + 1], "InvalidPart"),
        (vec![MIB, MIB], "EntityTooSmall"),
    ];
    for (sizes, code) in cases {
        let upload = Upload::start(client, "mal").await;
        let mut parts = Vec::new();
        for (number, size) in (1..).zip(&sizes) {
            parts.push(upload.part(number, *size).await);
        }
        let reversed = parts.iter().rev().cloned().collect();
        assert_eq!(
            refusal(upload.complete(reversed).await),
            refused(400, "InvalidPartOrder")
        );
        let forged = CompletedPart::builder()
            .part_number(1)
            .e_tag("\"forged\"")
            .build();
        assert_eq!(
            refusal(upload.complete(vec![forged]).await),
            refused(400, "InvalidPart")
        );
        assert_eq!(
            refusal(upload.complete(parts).await),
            refused(400, code),
            "{sizes:?}"
        );
        let abort = || {
            client
                .abort_multipart_upload()
                .bucket(BUCKET)
                .key("mal")
                .upload_id(&upload.id)
        };
        abort().send().await.unwrap();
        assert_eq!(refusal(abort().send().await), refused(404, "NoSuchUpload"));
    }
    assert!(absent(client, "mal").await);
    assert_eq!(spooled_files(root.path()), 0);
    server.stop().await;
}

struct Upload<'a> {
    client: &'a Client,
    key: &'a str,
    id: String,
}

impl<'a> Upload<'a> {
    async fn start(client: &'a Client, key: &'a str) -> Self {
        let request = client
            .create_multipart_upload()
            .bucket(BUCKET)
            .key(key)
            .content_type("application/pdf");
        let id = request.send().await.unwrap().upload_id().unwrap().to_owned();
        Self { client, key, id }
    }

    async fn part(&self, number: u8, size: usize) -> CompletedPart {
        let request = self
            .client
            .upload_part()
            .bucket(BUCKET)
            .key(self.key)
            .upload_id(&self.id);
        let request = request
            .part_number(number.into())
            .body(ByteStream::from(vec![number; size]));
        let etag = request.send().await.unwrap().e_tag().unwrap().to_owned();
        CompletedPart::builder()
            .part_number(number.into())
            .e_tag(etag)
            .build()
    }

    async fn complete(
        &self,
        parts: Vec<CompletedPart>,
    ) -> Result<
        aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadOutput,
        SdkError<aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadError>,
    > {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self
            .client
            .complete_multipart_upload()
            .bucket(BUCKET)
            .key(self.key);
        request.upload_id(&self.id).multipart_upload(parts).send().await
    }
}
