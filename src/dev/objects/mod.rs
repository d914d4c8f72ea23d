//! An embedded object store that speaks S3 and answers as Cloudflare R2 does wherever the product can tell.
//!
//! `operations` is the protocol, with `reading` and `writing` for what takes more than a line, `bucket` the objects on disk, `spool` a body on its way in, `multipart` the
//! uploads in progress, and `refusals` what R2 does not implement.

mod bucket;
mod conditions;
mod headers;
mod listing;
mod multipart;
mod operations;
mod reading;
mod refusals;
mod spool;
mod writing;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::error_handling::HandleError;
use axum::http::StatusCode;
use s3s::HttpError;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::TcpListener;

use bucket::Bucket;
use multipart::Uploads;
use operations::Operations;

/// One bucket on disk, reachable with one key pair.
pub struct ObjectStore {
    service: S3Service,
}

impl ObjectStore {
    /// Opens the bucket kept under `root`, creating it when absent and clearing what a crash left behind.
    pub fn open(root: &Path, bucket: &str, access_key: &str, secret_key: &str) -> anyhow::Result<Self> {
        let folder = root.join(bucket);
        let bucket = Bucket::open(&folder, bucket)
            .with_context(|| format!("cannot open the object store in {}", folder.display()))?;
        let operations = Operations {
            bucket: Arc::new(bucket),
            uploads: Arc::new(Uploads::default()),
        };
        let mut builder = S3ServiceBuilder::new(operations);
        builder.set_auth(SimpleAuth::from_single(access_key, secret_key));
        Ok(Self {
            service: builder.build(),
        })
    }

    /// Answers requests until `stop` resolves and the requests under way are finished.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let service = HandleError::new(self.service, failed);
        let router = Router::new().fallback_service(service);
        axum::serve(listener, router)
            .with_graceful_shutdown(stop)
            .await
            .context("the object store stopped serving")
    }
}

async fn failed(error: HttpError) -> StatusCode {
    tracing::error!(?error, "the object store could not write an answer");
    StatusCode::INTERNAL_SERVER_ERROR
}
