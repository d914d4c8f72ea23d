//! An object store of its own for a test, which can be killed and started again.

use std::path::Path;

use bytes::Bytes;
use onlycar::dev::objects::ObjectStore;
use onlycar::ground::config;
use onlycar::tools::objects::{Head, Objects, Patience};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::wait::until;

pub const BUCKET: &str = "onlycar-prueba";
pub const SECRET: &str = "un-secreto-que-nadie-debe-ver";

/// The store, on a port that it keeps.
pub struct Bucket {
    root: TempDir,
    pub port: u16,
    runtime: Option<Runtime>,
}

impl Bucket {
    pub async fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        let (port, runtime) = serve(root.path(), 0).await;
        Self {
            root,
            port,
            runtime: Some(runtime),
        }
    }

    /// Ends it between two instructions: connections break off, and nothing is tidied up.
    pub fn kill(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }

    pub async fn start_again(&mut self) {
        let (_, runtime) = serve(self.root.path(), self.port).await;
        self.runtime = Some(runtime);
    }

    /// The environment of a program whose store it is.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("R2_ACCOUNT_ID", "prueba".to_owned()),
            ("R2_ACCESS_KEY_ID", "llave".to_owned()),
            ("R2_SECRET_ACCESS_KEY", SECRET.to_owned()),
            ("R2_BUCKET_NAME", BUCKET.to_owned()),
            ("R2_ENDPOINT", format!("http://127.0.0.1:{}", self.port)),
        ]
    }

    pub fn objects(&self) -> Objects {
        Objects::new(&settings(self.port, SECRET))
    }

    /// An object, whole.
    pub async fn read(&self, key: &str) -> (Head, Bytes) {
        let object = self
            .raw()
            .get_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
            .unwrap();
        let head = self.objects().head(key).await.unwrap().unwrap();
        (head, object.body.collect().await.unwrap().into_bytes())
    }

    pub async fn keys(&self) -> Vec<String> {
        let listed = self.raw().list_objects_v2().bucket(BUCKET).send().await.unwrap();
        let keys = listed.contents().iter();
        keys.filter_map(|object| object.key().map(str::to_owned))
            .collect()
    }

    /// The client without what we build on it.
    pub fn raw(&self) -> aws_sdk_s3::Client {
        use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(format!("http://127.0.0.1:{}", self.port))
            .region(Region::new("auto"))
            .force_path_style(true)
            .credentials_provider(Credentials::new("llave", SECRET, None, None, "test"));
        aws_sdk_s3::Client::from_conf(config.build())
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub fn settings(port: u16, secret: &str) -> config::R2 {
    config::R2 {
        endpoint: format!("http://127.0.0.1:{port}").parse().unwrap(),
        access_key_id: "llave".to_owned(),
        secret_access_key: secret.into(),
        bucket: BUCKET.to_owned(),
    }
}

pub fn patient(port: u16, secret: &str, patience: Patience) -> Objects {
    Objects::patient(&settings(port, secret), patience)
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
