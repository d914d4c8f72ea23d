//! A body on its way in: written beside the objects and verified before anything else can see it.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::StreamExt;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{Checksum, StreamingBlob};
use s3s::{S3Error, S3Result, s3_error};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

/// What the client says about the body it sends.
#[derive(Debug, Default)]
pub(super) struct Declared {
    pub(super) length: Option<i64>,
    pub(super) md5: Option<String>,
    pub(super) checksum: Checksum,
}

/// A complete, verified and synced body; removed again unless it is kept.
#[derive(Debug)]
pub(super) struct Spooled {
    path: PathBuf,
    pub(super) size: u64,
    pub(super) md5: [u8; 16],
}

impl Drop for Spooled {
    fn drop(&mut self) {
        // After `keep_as` there is nothing left under this name.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Spooled {
    /// Writes `body` into `folder` and holds it against what was declared.
    pub(super) async fn receive(
        folder: &Path,
        body: Option<StreamingBlob>,
        declared: &Declared,
    ) -> S3Result<Self> {
        let length = declared.length.ok_or_else(|| {
            s3_error!(
                MissingContentLength,
                "You must provide the Content-Length HTTP header."
            )
        })?;
        let mut hasher = declared.hasher()?;
        let mut md5 = Md5::new();
        let mut spooled = Self::empty(folder);
        let mut file = File::create_new(&spooled.path)
            .await
            .map_err(S3Error::internal_error)?;
        let mut body = body.unwrap_or_else(|| StreamingBlob::from(s3s::Body::empty()));
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| incomplete(&error))?;
            hasher.update(&chunk);
            md5.update(&chunk);
            spooled.size += chunk.len() as u64;
            file.write_all(&chunk).await.map_err(S3Error::internal_error)?;
        }
        spooled.md5 = md5.finalize();
        if i64::try_from(spooled.size) != Ok(length) {
            return Err(incomplete(&format!("{} bytes of {length}", spooled.size)));
        }
        declared.verify(&spooled.md5, &hasher.finalize())?;
        file.sync_all().await.map_err(S3Error::internal_error)?;
        Ok(spooled)
    }

    /// Joins bodies into a new one, in order; its `md5` is that of their digests, as multipart `ETags` want it.
    pub(super) fn join<'a>(folder: &Path, bodies: impl IntoIterator<Item = &'a Self>) -> io::Result<Self> {
        let mut joined = Self::empty(folder);
        let mut md5 = Md5::new();
        let mut file = std::fs::File::create_new(&joined.path)?;
        for body in bodies {
            joined.size += io::copy(&mut std::fs::File::open(&body.path)?, &mut file)?;
            md5.update(&body.md5);
        }
        file.sync_all()?;
        joined.md5 = md5.finalize();
        Ok(joined)
    }

    /// A copy of a stored file; the caller knows its `ETag` already.
    pub(super) fn copy_of(folder: &Path, source: &mut std::fs::File) -> io::Result<Self> {
        let mut copy = Self::empty(folder);
        let mut file = std::fs::File::create_new(&copy.path)?;
        copy.size = io::copy(source, &mut file)?;
        file.sync_all()?;
        Ok(copy)
    }

    /// Moves the body to its final name.
    pub(super) fn keep_as(self, path: &Path) -> io::Result<()> {
        std::fs::rename(&self.path, path)
    }

    fn empty(folder: &Path) -> Self {
        Self {
            path: folder.join(unique_name()),
            size: 0,
            md5: [0; 16],
        }
    }
}

impl Declared {
    fn hasher(&self) -> S3Result<ChecksumHasher> {
        let sum = &self.checksum;
        let hasher = ChecksumHasher {
            crc32: sum.checksum_crc32.is_some().then(Default::default),
            crc32c: sum.checksum_crc32c.is_some().then(Default::default),
            sha1: sum.checksum_sha1.is_some().then(Default::default),
            sha256: sum.checksum_sha256.is_some().then(Default::default),
            crc64nvme: sum.checksum_crc64nvme.is_some().then(Default::default),
        };
        let given = [
            self.md5.is_some(),
            hasher.crc32.is_some(),
            hasher.crc32c.is_some(),
            hasher.sha1.is_some(),
            hasher.sha256.is_some(),
            hasher.crc64nvme.is_some(),
        ];
        if given.iter().filter(|given| **given).count() > 1 {
            return Err(s3_error!(
                InvalidRequest,
                "You can only specify one non-default checksum at a time."
            ));
        }
        Ok(hasher)
    }

    fn verify(&self, md5: &[u8], computed: &Checksum) -> S3Result<()> {
        let md5 = BASE64_STANDARD.encode(md5);
        let intact = self.md5.as_ref().is_none_or(|declared| *declared == md5) && self.checksum == *computed;
        if intact {
            return Ok(());
        }
        Err(s3_error!(
            BadDigest,
            "The checksum you specified did not match what we received."
        ))
    }
}

/// A file name nobody else has.
pub(super) fn unique_name() -> String {
    format!("{:032x}", rand::random::<u128>())
}

fn incomplete(reason: &dyn std::fmt::Display) -> S3Error {
    s3_error!(
        IncompleteBody,
        "The request body terminated unexpectedly: {reason}"
    )
}
