//! The store of documents, against the embedded object store over real HTTP, with faults between them.

mod conflicts;
mod faults;
mod killed;
mod proxy;
mod stored;

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use onlycar::dev::objects::ObjectStore;
use onlycar::ground::config;
use onlycar::tools::objects::{FIVE_YEARS, Meta, Objects, Patience, StoreError, Stored};
use onlycar::tools::outbound::DownloadError;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::support::wait::until;

const BUCKET: &str = "onlycar-prueba";
const SECRET: &str = "un-secreto-que-nadie-debe-ver";
const KEY: &str = "facturas/2026/6f1ed002-aaaa-4bbb-8ccc-0123456789ab.pdf";
const MIB: usize = 1024 * 1024;
const PART: usize = 8 * MIB;
const LIMIT: u64 = 64 * MIB as u64;

/// An object store of its own, which can be killed.
struct Site {
    root: TempDir,
    port: u16,
    runtime: Option<Runtime>,
    objects: Objects,
}

impl Site {
    async fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        let (port, runtime) = serve(root.path(), 0).await;
        Self {
            objects: objects(port, SECRET),
            root,
            port,
            runtime: Some(runtime),
        }
    }

    /// Ends it between two instructions: connections break off, and nothing is tidied up.
    fn kill(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }

    async fn start_again(&mut self) {
        let (_, runtime) = serve(self.root.path(), self.port).await;
        self.runtime = Some(runtime);
    }

    /// The client without what we build on it.
    fn raw(&self) -> aws_sdk_s3::Client {
        raw(self.port)
    }

    async fn unfinished(&self) -> usize {
        let listed = self.raw().list_multipart_uploads().bucket(BUCKET).send().await;
        listed.unwrap().uploads().len()
    }

    async fn keys(&self) -> Vec<String> {
        let listed = self.raw().list_objects_v2().bucket(BUCKET).send().await.unwrap();
        let keys = listed.contents().iter();
        keys.filter_map(|object| object.key().map(str::to_owned))
            .collect()
    }

    /// There is this object and nothing else, not even in the making.
    async fn holds_only(&self, bytes: &[u8]) {
        assert_eq!(self.keys().await, [KEY]);
        assert_eq!(self.unfinished().await, 0);
        let found = self.objects.sha256_of(KEY).await.unwrap().unwrap();
        assert_eq!((found.bytes, found.sha256), (bytes.len() as u64, sha256(bytes)));
    }

    async fn holds_nothing(&self) {
        assert_eq!(self.keys().await, [""; 0]);
        until("the upload is aborted", async || self.unfinished().await == 0).await;
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(root: &Path, port: u16) -> (u16, Runtime) {
    // The one before it may still be closing its port.
    let mut listener = None;
    until("the port is free", async || {
        listener = TcpListener::bind(("127.0.0.1", port)).await.ok();
        listener.is_some()
    })
    .await;
    let listener = listener.unwrap().into_std().unwrap();
    let port = listener.local_addr().unwrap().port();
    let store = ObjectStore::open(root, BUCKET, "llave", SECRET).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.spawn(async move {
        let listener = TcpListener::from_std(listener).unwrap();
        store.serve(listener, std::future::pending()).await
    });
    (port, runtime)
}

fn objects(port: u16, secret: &str) -> Objects {
    let patience = Patience {
        connect: Duration::from_secs(2),
        attempt: Duration::from_secs(20),
        stalled: Duration::from_secs(5),
    };
    patient(port, secret, patience)
}

fn patient(port: u16, secret: &str, patience: Patience) -> Objects {
    let settings = config::R2 {
        endpoint: format!("http://127.0.0.1:{port}").parse().unwrap(),
        access_key_id: "llave".to_owned(),
        secret_access_key: secret.into(),
        bucket: BUCKET.to_owned(),
    };
    Objects::patient(&settings, patience)
}

fn raw(port: u16) -> aws_sdk_s3::Client {
    use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .region(Region::new("auto"))
        .force_path_style(true)
        .credentials_provider(Credentials::new("llave", SECRET, None, None, "test"));
    aws_sdk_s3::Client::from_conf(config.build())
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
