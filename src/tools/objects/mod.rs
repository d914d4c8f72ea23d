//! The store of documents: Cloudflare R2, or anything that speaks S3 as R2 does.
//!
//! An object is written once. Under its key there are from then on these bytes, whole, and no others; storing the same
//! bytes again is a success that changes nothing (docs/decisions/0009-digests-and-write-once-objects.md).

mod client;
mod error;
mod intake;
mod link;
mod meta;
mod upload;

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{Stream, TryStreamExt as _, stream};
use tokio::sync::Semaphore;

use crate::ground::config;
use crate::tools::outbound::{DownloadError, gathered};
use crate::tools::probe::Probe;

pub use client::Patience;
pub use error::StoreError;
pub use intake::Digest;
pub use link::Link;
pub use meta::{FIVE_YEARS, Meta};

use error::status;
use intake::{Hasher, Intake, Part};
use meta::{Headers, check_key};
use upload::{Completed, Upload};

/// So many documents are on their way at the same time; each holds one part (8 MiB) at most. The others wait, and their
/// source is not asked for a byte yet. That bounds the memory of all uploads together, whatever comes in.
const BUFFERS: usize = 12;

/// The bucket.
#[derive(Debug, Clone)]
pub struct Objects {
    client: Client,
    bucket: String,
    buffers: Arc<Semaphore>,
}

/// An object that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// SHA-256 of its bytes in lower-case hex.
    pub sha256: String,
    /// How many there are.
    pub bytes: u64,
    /// The store's own name for this content.
    pub etag: String,
}

/// What the store tells about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its size.
    pub bytes: u64,
    /// The store's own name for this content.
    pub etag: String,
    /// When it was stored, by the store's clock.
    pub last_modified: Option<DateTime<Utc>>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// As given to [`Objects::put`], and `sha256` where the object was small enough to be sent in one piece.
    pub metadata: HashMap<String, String>,
}

/// An object that is being read.
#[derive(Debug)]
pub struct Object {
    /// What the store tells about it.
    pub head: Head,
    body: ByteStream,
}

/// The two answers share these fields but no trait.
macro_rules! head {
    ($answer:ident) => {
        Head {
            bytes: $answer
                .content_length
                .and_then(|it| u64::try_from(it).ok())
                .unwrap_or_default(),
            etag: $answer.e_tag.unwrap_or_default(),
            last_modified: $answer
                .last_modified
                .and_then(|it| DateTime::from_timestamp(it.secs(), 0)),
            content_type: $answer.content_type,
            content_disposition: $answer.content_disposition,
            cache_control: $answer.cache_control,
            metadata: meta::decoded($answer.metadata.unwrap_or_default()),
        }
    };
}

impl Objects {
    /// A client; nothing is asked yet.
    pub fn new(settings: &config::R2) -> Self {
        Self::patient(settings, Patience::default())
    }

    /// The same with other limits of time.
    pub fn patient(settings: &config::R2, patience: Patience) -> Self {
        Self {
            client: client::client(settings, patience),
            bucket: settings.bucket.clone(),
            buffers: Arc::new(Semaphore::new(BUFFERS)),
        }
    }

    /// Stores what the source gives under `key`, at most `limit` bytes.
    ///
    /// When it succeeds, the object is there, whole, with these bytes; those of an earlier call count (its headers
    /// stay). When it fails, or is dropped, nothing is stored that was not there before; of a process that is killed
    /// an unfinished upload may stay, which no reader sees ([`Objects::abort_orphans`]).
    pub async fn put<S>(
        &self,
        key: &str,
        meta: &Meta<'_>,
        limit: u64,
        source: S,
    ) -> Result<Stored, StoreError>
    where
        S: Stream<Item = Result<Bytes, DownloadError>> + Send,
    {
        check_key(key)?;
        let headers = meta.headers()?;
        let buffer = self.buffers.acquire().await;
        let _buffer = buffer.map_err(|_| StoreError::unavailable("it is closed"))?;
        let source = std::pin::pin!(source);
        let mut intake = Intake::new(source, limit);
        // What is there already is not sent once more. This is no lock: the conditions of the writes below are.
        if self.head(key).await?.is_some() {
            intake.drain().await?;
            return self.already(key, intake.digest()).await;
        }
        let first = intake.part().await?;
        if first.last {
            self.whole(key, headers, first, intake.digest()).await
        } else {
            self.in_parts(key, headers, first, intake).await
        }
    }

    /// The same with bytes at hand.
    pub async fn put_bytes(&self, key: &str, meta: &Meta<'_>, bytes: Bytes) -> Result<Stored, StoreError> {
        let limit = bytes.len() as u64;
        self.put(key, meta, limit, stream::iter([Ok(bytes)])).await
    }

    /// What the store tells about an object, if there is one.
    pub async fn head(&self, key: &str) -> Result<Option<Head>, StoreError> {
        let key = check_key(key)?;
        let request = self.client.head_object().bucket(&self.bucket).key(key);
        match request.send().await {
            Ok(answer) => Ok(Some(head!(answer))),
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens an object, if there is one.
    pub async fn get(&self, key: &str) -> Result<Option<Object>, StoreError> {
        let key = check_key(key)?;
        let request = self.client.get_object().bucket(&self.bucket).key(key);
        match request.send().await {
            Ok(mut answer) => {
                let body = std::mem::take(&mut answer.body);
                let head = head!(answer);
                Ok(Some(Object { head, body }))
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetObjectError::is_no_such_key) =>
            {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Removes an object; one that is not there is no error. Only for what the law lets go: see `privacy`.
    pub async fn remove(&self, key: &str) -> Result<(), StoreError> {
        let key = check_key(key)?;
        let request = self.client.delete_object().bucket(&self.bucket).key(key);
        match request.send().await {
            Err(error) if status(&error) == Some(404) => Ok(()),
            sent => Ok(sent.map(drop)?),
        }
    }

    /// Reads an object and says what it is, if there is one.
    pub async fn sha256_of(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        let Some(object) = self.get(key).await? else {
            return Ok(None);
        };
        let etag = object.head.etag.clone();
        Ok(Some(stored(object.digest().await?, etag)))
    }

    /// Asks whether the store answers, and lets us at the bucket.
    pub fn probe(&self) -> Probe {
        let store = self.clone();
        Probe::new("r2", move || {
            let asked = store.client.head_bucket().bucket(&store.bucket).send();
            async move {
                asked.await.map(drop).map_err(|error| match status(&error) {
                    Some(status) => format!("el almacén contestó {status}"),
                    None => "no se pudo conectar con el almacén".to_owned(),
                })
            }
        })
    }

    /// The keys that begin so, in order; only those after one of them, where it is named.
    pub async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<String>, StoreError> {
        let mut keys = Vec::new();
        let mut next = None;
        loop {
            let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
            let request = request
                .set_start_after(after.map(str::to_owned))
                .set_continuation_token(next);
            let page = request.send().await?;
            keys.extend(
                page.contents
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|it| it.key),
            );
            next = page.next_continuation_token;
            if next.is_none() {
                return Ok(keys);
            }
        }
    }

    async fn whole(
        &self,
        key: &str,
        mut headers: Headers,
        part: Part,
        digest: Digest,
    ) -> Result<Stored, StoreError> {
        headers
            .metadata
            .push(("sha256".to_owned(), digest.sha256.clone()));
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .if_none_match("*")
            .content_type(headers.content_type)
            .content_disposition(headers.content_disposition)
            .cache_control(headers.cache_control)
            .set_metadata(Some(headers.metadata.into_iter().collect()))
            .content_md5(part.md5)
            .body(ByteStream::from(part.bytes));
        match request.send().await {
            Ok(answer) => Ok(stored(digest, answer.e_tag.unwrap_or_default())),
            // Somebody else's, or our own: the answer to a first attempt may have been lost.
            Err(error) if status(&error) == Some(412) => self.already(key, digest).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn in_parts<S>(
        &self,
        key: &str,
        headers: Headers,
        first: Part,
        mut intake: Intake<S>,
    ) -> Result<Stored, StoreError>
    where
        S: Stream<Item = Result<Bytes, DownloadError>> + Unpin + Send,
    {
        let mut upload = Upload::begin(self, key, headers).await?;
        let mut part = first;
        loop {
            let last = part.last;
            let next = match upload.add(part).await {
                Ok(()) if last => break,
                Ok(()) => intake.part().await,
                Err(error) => Err(error),
            };
            part = match next {
                Ok(part) => part,
                Err(error) => {
                    upload.abort().await;
                    return Err(error);
                }
            };
        }
        let digest = intake.digest();
        match upload.complete().await? {
            Completed::Stored { etag } => Ok(stored(digest, etag)),
            Completed::Taken => self.already(key, digest).await,
        }
    }

    /// Something has the key: the same bytes, or others. What is there is read, for no name or label proves it.
    async fn already(&self, key: &str, offered: Digest) -> Result<Stored, StoreError> {
        let Some(object) = self.get(key).await? else {
            return Err(StoreError::unavailable("the key was taken, and now it is not"));
        };
        let etag = object.head.etag.clone();
        if object.head.bytes == offered.bytes && object.digest().await? == offered {
            return Ok(stored(offered, etag));
        }
        Err(StoreError::Different {
            key: key.to_owned(),
            offered: offered.sha256,
        })
    }
}

impl Object {
    /// Its bytes, as they come.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, StoreError>> + Send {
        stream::try_unfold(self.body, async |mut body| {
            let chunk = body.next().await.transpose();
            let chunk = chunk.map_err(|_| StoreError::unavailable("it broke off while it was read"))?;
            Ok(chunk.map(|chunk| (chunk, body)))
        })
    }

    /// All of its bytes at once, for a small object.
    pub async fn bytes(self) -> Result<Bytes, StoreError> {
        gathered(self.into_stream()).await
    }

    async fn digest(self) -> Result<Digest, StoreError> {
        let mut hasher = Hasher::default();
        let mut chunks = std::pin::pin!(self.into_stream());
        while let Some(chunk) = chunks.try_next().await? {
            hasher.take(&chunk);
        }
        Ok(hasher.digest())
    }
}

fn stored(digest: Digest, etag: String) -> Stored {
    Stored {
        sha256: digest.sha256,
        bytes: digest.bytes,
        etag,
    }
}
