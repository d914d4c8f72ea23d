//! Bytes on their way from a source to the store: counted, hashed, and cut into parts.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::StoreError;
use crate::tools::outbound::DownloadError;

/// The size of a part. R2 wants all but the last to be equal, and at least 5 MiB.
pub(super) const PART: usize = 8 * 1024 * 1024;

/// What identifies bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// SHA-256 in lower-case hex.
    pub sha256: String,
    /// How many there are.
    pub bytes: u64,
}

/// Counts and hashes.
#[derive(Default)]
pub(super) struct Hasher {
    sha256: Sha256,
    bytes: u64,
}

impl Hasher {
    pub(super) fn take(&mut self, chunk: &[u8]) {
        self.sha256.update(chunk);
        self.bytes += chunk.len() as u64;
    }

    pub(super) fn digest(self) -> Digest {
        Digest {
            sha256: hex::encode(self.sha256.finalize()),
            bytes: self.bytes,
        }
    }
}

/// As many bytes as go in one request.
pub(super) struct Part {
    pub(super) bytes: Bytes,
    /// In base64, as `Content-MD5` has it: the store refuses a part that changed on the way.
    pub(super) md5: String,
    /// Whether nothing follows.
    pub(super) last: bool,
}

/// A source and what was seen of it so far.
pub(super) struct Intake<S> {
    source: S,
    limit: u64,
    hasher: Hasher,
    /// Of the last chunk, what belongs to the next part.
    rest: Bytes,
}

impl<S> Intake<S>
where
    S: Stream<Item = Result<Bytes, DownloadError>> + Unpin,
{
    pub(super) fn new(source: S, limit: u64) -> Self {
        Self {
            source,
            limit,
            hasher: Hasher::default(),
            rest: Bytes::new(),
        }
    }

    /// The next part: [`PART`] bytes, fewer only when it is the last one.
    pub(super) async fn part(&mut self) -> Result<Part, StoreError> {
        // As large as it can become: pages that nothing is written to cost nothing, and growing it would copy.
        let largest = usize::try_from(self.limit).unwrap_or(PART).min(PART);
        let mut bytes = BytesMut::with_capacity(largest);
        let mut md5 = Md5::new();
        while bytes.len() < PART && self.more().await? {
            let fitting = self.rest.len().min(PART - bytes.len());
            let chunk = self.rest.split_to(fitting);
            md5.update(&chunk);
            bytes.extend_from_slice(&chunk);
        }
        Ok(Part {
            bytes: bytes.freeze(),
            md5: BASE64_STANDARD.encode(md5.finalize()),
            last: !self.more().await?,
        })
    }

    /// Reads to the end and keeps nothing.
    pub(super) async fn drain(&mut self) -> Result<(), StoreError> {
        while self.more().await? {
            self.rest.clear();
        }
        Ok(())
    }

    /// What went through; asked at the end.
    pub(super) fn digest(self) -> Digest {
        self.hasher.digest()
    }

    /// Whether `rest` holds a byte, or could be given one.
    async fn more(&mut self) -> Result<bool, StoreError> {
        while self.rest.is_empty() {
            let Some(chunk) = self.source.next().await else {
                return Ok(false);
            };
            let chunk = chunk?;
            if self.hasher.bytes + chunk.len() as u64 > self.limit {
                return Err(StoreError::TooLarge { limit: self.limit });
            }
            self.hasher.take(&chunk);
            self.rest = chunk;
        }
        Ok(true)
    }
}
