//! An upload in parts: it ends as one object or leaves nothing behind.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use chrono::{DateTime, Utc};

use super::error::status;
use super::intake::Part;
use super::meta::Headers;
use super::{Objects, StoreError};

/// An upload whose end nobody cleans up is found by the sweep; it is not worth a longer wait.
const PATIENCE_WITH_ABORT: Duration = Duration::from_secs(10);

/// How an upload ended that did not fail.
pub(super) enum Completed {
    /// It is the object now.
    Stored { etag: String },
    /// The key was taken meanwhile, perhaps by this very upload when the answer to its end was lost.
    Taken,
}

/// An upload in progress; dropped before its end, it is aborted.
pub(super) struct Upload {
    /// None once nothing of it is left at the store.
    open: Option<Open>,
    parts: Vec<CompletedPart>,
}

struct Open {
    client: Client,
    bucket: String,
    key: String,
    id: String,
}

impl Upload {
    pub(super) async fn begin(objects: &Objects, key: &str, headers: Headers) -> Result<Self, StoreError> {
        let request = objects
            .client
            .create_multipart_upload()
            .bucket(&objects.bucket)
            .key(key)
            .content_type(headers.content_type)
            .content_disposition(headers.content_disposition)
            .cache_control(headers.cache_control)
            .set_metadata(Some(headers.metadata.into_iter().collect()));
        let begun = request.send().await?;
        let id = begun
            .upload_id
            .ok_or_else(|| StoreError::unavailable("it named no upload"))?;
        Ok(Self {
            open: Some(Open {
                client: objects.client.clone(),
                bucket: objects.bucket.clone(),
                key: key.to_owned(),
                id,
            }),
            parts: Vec::new(),
        })
    }

    /// Sends the next part.
    pub(super) async fn add(&mut self, part: Part) -> Result<(), StoreError> {
        let number = i32::try_from(self.parts.len() + 1).unwrap_or(i32::MAX);
        let open = self.open()?;
        let request = open
            .client
            .upload_part()
            .bucket(&open.bucket)
            .key(&open.key)
            .upload_id(&open.id)
            .part_number(number)
            .content_md5(part.md5)
            .body(ByteStream::from(part.bytes));
        let sent = request.send().await.map_err(|error| match error.code() {
            // Swept, or forgotten by a store that was restarted: from the start it can succeed.
            Some("NoSuchUpload") => StoreError::unavailable("it forgot the upload"),
            _ => error.into(),
        })?;
        let part = CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag);
        self.parts.push(part.build());
        Ok(())
    }

    /// Makes the parts the object, if the key is still free.
    pub(super) async fn complete(mut self) -> Result<Completed, StoreError> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(std::mem::take(&mut self.parts)));
        let open = self.open()?;
        let request = open
            .client
            .complete_multipart_upload()
            .bucket(&open.bucket)
            .key(&open.key)
            .upload_id(&open.id)
            .if_none_match("*")
            .multipart_upload(parts.build());
        match request.send().await {
            Ok(completed) => {
                self.open = None;
                Ok(Completed::Stored {
                    etag: completed.e_tag.unwrap_or_default(),
                })
            }
            Err(error) if error.code() == Some("NoSuchUpload") => {
                self.open = None;
                Ok(Completed::Taken)
            }
            Err(error) if status(&error) == Some(412) => {
                self.abort().await;
                Ok(Completed::Taken)
            }
            Err(error) => {
                self.abort().await;
                Err(error.into())
            }
        }
    }

    /// Removes what was sent.
    pub(super) async fn abort(mut self) {
        if let Some(open) = self.open.take() {
            open.abort().await;
        }
    }

    fn open(&self) -> Result<&Open, StoreError> {
        self.open
            .as_ref()
            .ok_or_else(|| StoreError::unavailable("the upload has ended"))
    }
}

impl Drop for Upload {
    /// The one who waited has gone: a worker was stopped, or took too long.
    fn drop(&mut self) {
        if let (Some(open), Ok(runtime)) = (self.open.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(open.abort());
        }
    }
}

impl Open {
    async fn abort(self) {
        let request = self
            .client
            .abort_multipart_upload()
            .bucket(&self.bucket)
            .key(&self.key)
            .upload_id(&self.id);
        let gone = match tokio::time::timeout(PATIENCE_WITH_ABORT, request.send()).await {
            Ok(Ok(_)) => true,
            // Completed after all, though its answer was lost, or forgotten by the store.
            Ok(Err(error)) => error.code() == Some("NoSuchUpload"),
            Err(_) => false,
        };
        if !gone {
            tracing::warn!(
                key = self.key,
                "an upload could not be aborted; the sweep will find it"
            );
        }
    }
}

impl Objects {
    /// Aborts the uploads that began before this and never ended, as those of a process that was killed, and says how
    /// many. Nothing of them can be seen in the bucket, but they are stored and paid for (R2 drops them after a week).
    pub async fn abort_orphans(&self, begun_before: DateTime<Utc>) -> Result<usize, StoreError> {
        let mut aborted = 0;
        let (mut key_marker, mut id_marker) = (None, None);
        loop {
            let request = self.client.list_multipart_uploads().bucket(&self.bucket);
            let request = request.set_key_marker(key_marker).set_upload_id_marker(id_marker);
            let page = request.send().await?;
            for upload in page.uploads() {
                let old = upload
                    .initiated()
                    .is_some_and(|at| at.secs() < begun_before.timestamp());
                if let (true, Some(key), Some(id)) = (old, upload.key(), upload.upload_id()) {
                    self.abort_orphan(key, id).await?;
                    aborted += 1;
                }
            }
            (key_marker, id_marker) = (page.next_key_marker, page.next_upload_id_marker);
            if page.is_truncated != Some(true) || key_marker.is_none() {
                return Ok(aborted);
            }
        }
    }

    async fn abort_orphan(&self, key: &str, id: &str) -> Result<(), StoreError> {
        let request = self.client.abort_multipart_upload().bucket(&self.bucket);
        match request.key(key).upload_id(id).send().await {
            // Another replica was faster.
            Err(error) if error.code() == Some("NoSuchUpload") => Ok(()),
            sent => Ok(sent.map(drop)?),
        }
    }
}
