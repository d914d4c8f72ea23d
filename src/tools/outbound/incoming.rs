//! A file on its way, and who hands it out.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _};

use super::DownloadError;

/// The bytes of a file, as they come.
pub struct Incoming {
    host: String,
    bytes: BoxStream<'static, Result<Bytes, DownloadError>>,
}

impl Incoming {
    /// What this host hands out.
    pub fn new<S>(host: impl Into<String>, bytes: S) -> Self
    where
        S: Stream<Item = Result<Bytes, DownloadError>> + Send + 'static,
    {
        Self {
            host: host.into(),
            bytes: bytes.boxed(),
        }
    }

    /// Who hands it out: evidence tells it.
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl Stream for Incoming {
    type Item = Result<Bytes, DownloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.bytes.poll_next_unpin(context)
    }
}
