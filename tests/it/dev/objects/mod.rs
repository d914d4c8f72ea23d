//! The embedded object store, driven by the client the product uses.

mod access;
mod content;
mod multipart;
mod names;

use std::collections::HashMap;
use std::fmt::Debug;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    CompletedMultipartUpload, CompletedPart, Delete, MetadataDirective, ObjectIdentifier,
};
use onlycar::dev::objects::ObjectStore;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const BUCKET: &str = "onlycar-dev";
const MIB: usize = 1024 * 1024;

struct Server {
    endpoint: String,
    client: Client,
    stop: oneshot::Sender<()>,
    done: JoinHandle<anyhow::Result<()>>,
}

impl Server {
    async fn start(root: &Path) -> Self {
        let store = ObjectStore::open(root, BUCKET, "AKDEV", "secret").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let stopped = async { stopped.await.unwrap_or(()) };
        let done = tokio::spawn(store.serve(listener, stopped));
        Self {
            client: client(&endpoint, "secret", false),
            endpoint,
            stop,
            done,
        }
    }

    async fn stop(self) {
        let Self {
            client, stop, done, ..
        } = self;
        drop(client);
        stop.send(()).unwrap();
        done.await.unwrap().unwrap();
    }
}

fn client(endpoint: &str, secret: &str, always_checksum: bool) -> Client {
    let checksums = if always_checksum {
        RequestChecksumCalculation::WhenSupported
    } else {
        RequestChecksumCalculation::WhenRequired
    };
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint)
        .region(Region::new("auto"))
        .force_path_style(true)
        .credentials_provider(Credentials::new("AKDEV", secret, None, None, "test"))
        .request_checksum_calculation(checksums)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .build();
    Client::from_conf(config)
}

async fn started() -> (TempDir, Server) {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path()).await;
    (root, server)
}

/// Status and code of a refusal.
fn refusal<T: Debug, E: ProvideErrorMetadata + Debug>(result: Result<T, SdkError<E>>) -> (u16, String) {
    let error = result.expect_err("a refusal");
    let status = error.raw_response().unwrap().status().as_u16();
    (status, error.code().unwrap_or_default().to_owned())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

async fn put(client: &Client, key: &str, body: impl Into<Vec<u8>>) {
    client
        .put_object()
        .bucket(BUCKET)
        .key(key)
        .body(ByteStream::from(body.into()))
        .send()
        .await
        .unwrap();
}

async fn get(client: &Client, key: &str) -> Vec<u8> {
    let object = client.get_object().bucket(BUCKET).key(key).send().await.unwrap();
    object.body.collect().await.unwrap().to_vec()
}

async fn absent(client: &Client, key: &str) -> bool {
    refusal(client.get_object().bucket(BUCKET).key(key).send().await) == refused(404, "NoSuchKey")
}

fn http() -> reqwest::Client {
    // A second call finds the provider installed, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().build().unwrap()
}

fn spooled_files(root: &Path) -> usize {
    std::fs::read_dir(root.join(BUCKET).join("spool"))
        .unwrap()
        .count()
}
