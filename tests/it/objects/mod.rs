//! The store of documents, against the embedded object store over real HTTP, with faults between them.

mod conflicts;
mod faults;
mod killed;
mod proxy;
mod stored;

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use onlycar::tools::objects::{FIVE_YEARS, Meta, Objects, Patience, StoreError, Stored};
use onlycar::tools::outbound::DownloadError;
use sha2::{Digest as _, Sha256};

use crate::support::bucket::{BUCKET, Bucket, SECRET, patient};
use crate::support::wait::until;

const KEY: &str = "facturas/2026/6f1ed002-aaaa-4bbb-8ccc-0123456789ab.pdf";
const MIB: usize = 1024 * 1024;
const PART: usize = 8 * MIB;
const LIMIT: u64 = 64 * MIB as u64;

/// An object store of its own, which can be killed, and our client of it.
struct Site {
    bucket: Bucket,
    objects: Objects,
}

impl Site {
    async fn start() -> Self {
        let bucket = Bucket::start().await;
        Self {
            objects: objects(bucket.port, SECRET),
            bucket,
        }
    }

    async fn unfinished(&self) -> usize {
        let listed = self
            .bucket
            .raw()
            .list_multipart_uploads()
            .bucket(BUCKET)
            .send()
            .await;
        listed.unwrap().uploads().len()
    }

    /// There is this object and nothing else, not even in the making.
    async fn holds_only(&self, bytes: &[u8]) {
        assert_eq!(self.bucket.keys().await, [KEY]);
        assert_eq!(self.unfinished().await, 0);
        let found = self.objects.sha256_of(KEY).await.unwrap().unwrap();
        assert_eq!((found.bytes, found.sha256), (bytes.len() as u64, sha256(bytes)));
    }

    async fn holds_nothing(&self) {
        assert_eq!(self.bucket.keys().await, [""; 0]);
        until("the upload is aborted", async || self.unfinished().await == 0).await;
    }
}

fn objects(port: u16, secret: &str) -> Objects {
    let patience = Patience {
        connect: Duration::from_secs(2),
        attempt: Duration::from_secs(20),
        stalled: Duration::from_secs(5),
    };
    patient(port, secret, patience)
}

fn meta() -> Meta<'static> {
    Meta {
        content_type: "application/pdf",
        file_name: "factura.pdf",
        cache_control: FIVE_YEARS,
        metadata: vec![("tipo", "I".to_owned())],
    }
}

/// Bytes in which two places look alike only after a while.
fn document(length: usize, seed: u8) -> Bytes {
    let mut bytes = vec![seed; length];
    for (number, block) in bytes.chunks_mut(1000).enumerate() {
        let mark = u64::try_from(number).unwrap().to_be_bytes();
        for (byte, mark) in block.iter_mut().zip(mark) {
            *byte = mark;
        }
    }
    bytes.into()
}

/// In pieces of a size that fits nothing.
fn pieces(bytes: &Bytes) -> impl Stream<Item = Result<Bytes, DownloadError>> + Send + use<> {
    let bytes = bytes.clone();
    let starts = (0..bytes.len()).step_by(70_001);
    stream::iter(starts.map(move |start| Ok(bytes.slice(start..bytes.len().min(start + 70_001)))))
}

async fn put(objects: &Objects, bytes: &Bytes) -> Result<Stored, StoreError> {
    objects.put(KEY, &meta(), LIMIT, pieces(bytes)).await
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn broken_off() -> DownloadError {
    DownloadError::Unavailable {
        host: "proveedor.example".to_owned(),
        reason: "the file broke off".to_owned(),
    }
}

#[track_caller]
fn is_unavailable<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Unavailable { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}
