//! Files that a provider gives an address of. The address came from outside, so it is held to a list before every step,
//! and what comes back is held to limits.

use std::error::Error;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::{Stream, stream};
use reqwest::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER, TRANSFER_ENCODING,
};
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, timeout_at};
use url::{Origin, Url};

use super::addresses::{NotPublic, PublicOnly};
use super::hosts::{Hosts, Way};
use super::incoming::Incoming;

/// A link to a file leads to a store, and a store perhaps to another region.
const LONGEST_CHAIN: usize = 3;

/// How long a download is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until a connection is there, the name looked up and TLS agreed on.
    pub connect: Duration,
    /// Until the answer begins, and then between two pieces of it.
    pub idle: Duration,
    /// For all of it. Below the time that a job may take.
    pub total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(20),
            total: Duration::from_mins(4),
        }
    }
}

/// Why something was not downloaded. Names hosts alone: the rest of an address may be a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DownloadError {
    /// Not one of the addresses that anything is downloaded from; nothing was asked there.
    #[error("nothing is downloaded from {host}: {why}")]
    Forbidden {
        /// The host, as far as there is one.
        host: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It answered, but not with the file.
    #[error("{host} answered {status}")]
    Status {
        /// Who answered.
        host: String,
        /// The status.
        status: u16,
        /// When it wants to be asked again.
        after: Option<Duration>,
    },
    /// No connection, too slow, broken off.
    #[error("{host}: {reason}")]
    Unavailable {
        /// Who was asked.
        host: String,
        /// What happened.
        reason: String,
    },
    /// An answer that does not let us know the file's exact bytes.
    #[error("{host}: {why}")]
    Inexact {
        /// Who answered.
        host: String,
        /// What it did.
        why: &'static str,
    },
    /// More than was allowed.
    #[error("{host}: the file is larger than {limit} bytes")]
    TooLarge {
        /// Who sent it.
        host: String,
        /// The limit.
        limit: u64,
    },
}

/// The client for files.
#[derive(Debug, Clone)]
pub struct Downloads {
    public: reqwest::Client,
    configured: reqwest::Client,
    hosts: Hosts,
    key: Option<(Origin, SecretString)>,
    limits: Limits,
}

/// A file whose head is here, and whose bytes are yet to come.
#[derive(Debug)]
pub struct Download {
    /// `Content-Type`, as the other side says: a hint, no proof.
    pub content_type: Option<String>,
    /// Its size, where the other side says it; then it is this long or fails.
    pub length: Option<u64>,
    body: Body,
}

#[derive(Debug)]
struct Body {
    response: Response,
    host: String,
    seen: u64,
    limit: u64,
    idle: Duration,
    deadline: Instant,
}

impl Downloads {
    /// A client for these hosts, with the usual limits of time.
    pub fn new(hosts: Hosts) -> anyhow::Result<Self> {
        Self::patient(hosts, Limits::default())
    }

    /// The same with other limits of time.
    pub fn patient(hosts: Hosts, limits: Limits) -> anyhow::Result<Self> {
        // A proxy of the environment would look the names up itself, past our check.
        let client = || anyhow::Ok(super::plain()?.connect_timeout(limits.connect).no_proxy());
        let why = "the client for downloads could not be made";
        Ok(Self {
            public: client()?
                .https_only(true)
                .dns_resolver(PublicOnly)
                .build()
                .context(why)?,
            configured: client()?.build().context(why)?,
            hosts,
            key: None,
            limits,
        })
    }

    /// And with this bearer token, for files that the API itself hands out: it is sent to `api` (scheme, host, port) and
    /// to nobody else, wherever a redirect leads.
    #[must_use]
    pub fn with_key(mut self, api: &Url, key: SecretString) -> Self {
        self.key = Some((api.origin(), key));
        self
    }

    /// Asks for a file of at most `limit` bytes. Read it soon: the other side sees a reader that pauses.
    pub async fn get(&self, url: &str, limit: u64) -> Result<Download, DownloadError> {
        self.get_with(url, HeaderMap::new(), limit).await
    }

    /// The same with more headers, for this one address: wherever a redirect leads, they do not go along.
    pub async fn get_with(
        &self,
        url: &str,
        headers: HeaderMap,
        limit: u64,
    ) -> Result<Download, DownloadError> {
        let mut headers = Some(headers);
        let deadline = Instant::now() + self.limits.total;
        let mut url = Url::parse(url).map_err(|_| forbidden(None, "the address cannot be read"))?;
        for _ in 0..=LONGEST_CHAIN {
            let response = self
                .ask(&url, headers.take().unwrap_or_default(), deadline)
                .await?;
            if !response.status().is_redirection() {
                return self.file(response, &host(&url), limit, deadline);
            }
            url = next(&url, &response)?;
        }
        Err(forbidden(Some(&url), "too many redirects lead there"))
    }

    async fn ask(&self, url: &Url, headers: HeaderMap, deadline: Instant) -> Result<Response, DownloadError> {
        let way = self.hosts.way(url).map_err(|why| forbidden(Some(url), why))?;
        let client = match way {
            Way::Public => &self.public,
            Way::Configured => &self.configured,
        };
        let mut request = client.get(url.clone()).headers(headers);
        if let Some((api, key)) = &self.key
            && *api == url.origin()
        {
            request = request.bearer_auth(key.expose_secret());
        }
        let until = deadline.min(Instant::now() + self.limits.connect + self.limits.idle);
        match timeout_at(until, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(failed(url, &error)),
            Err(_) => Err(unavailable(host(url), "no answer in time")),
        }
    }

    fn file(
        &self,
        response: Response,
        host: &str,
        limit: u64,
        deadline: Instant,
    ) -> Result<Download, DownloadError> {
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        if response.status() != StatusCode::OK {
            let after = header(RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
            return Err(DownloadError::Status {
                host: host.to_owned(),
                status: response.status().as_u16(),
                after: after.map(Duration::from_secs),
            });
        }
        let inexact = |why| DownloadError::Inexact {
            host: host.to_owned(),
            why,
        };
        if header(CONTENT_ENCODING).is_some_and(|it| !it.eq_ignore_ascii_case("identity")) {
            return Err(inexact("it sent the file encoded, which nobody asked for"));
        }
        let length: Option<u64> = header(CONTENT_LENGTH).and_then(|it| it.parse().ok());
        // Then the end of the connection is the end of the file, and a file cut short looks like a whole one.
        if length.is_none() && header(TRANSFER_ENCODING).is_none() {
            return Err(inexact("it did not say where the file ends"));
        }
        let content_type = header(CONTENT_TYPE).map(str::to_owned);
        let body = Body {
            host: host.to_owned(),
            seen: 0,
            limit,
            idle: self.limits.idle,
            deadline,
            response,
        };
        if length.is_some_and(|length| length > limit) {
            return Err(body.too_large());
        }
        Ok(Download {
            content_type,
            length,
            body,
        })
    }
}

impl Download {
    /// The same, to be passed on.
    pub fn incoming(self) -> Incoming {
        Incoming::new(self.body.host.clone(), self.into_stream())
    }

    /// Its bytes, as they come; after the first error nothing more comes.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, DownloadError>> + Send {
        stream::try_unfold(self.body, async |mut body| {
            let chunk = body.next().await?;
            Ok(chunk.map(|chunk| (chunk, body)))
        })
    }

    /// All of its bytes at once, for a small file.
    pub async fn bytes(self) -> Result<Bytes, DownloadError> {
        super::gathered(self.into_stream()).await
    }
}

impl Body {
    async fn next(&mut self) -> Result<Option<Bytes>, DownloadError> {
        let until = self.deadline.min(Instant::now() + self.idle);
        let chunk = match timeout_at(until, self.response.chunk()).await {
            Ok(Ok(chunk)) => chunk,
            Ok(Err(_)) => return Err(unavailable(self.host.clone(), "the file broke off")),
            Err(_) if until == self.deadline => {
                return Err(unavailable(self.host.clone(), "the file took too long"));
            }
            Err(_) => return Err(unavailable(self.host.clone(), "the file stopped coming")),
        };
        self.seen += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        if self.seen > self.limit {
            return Err(self.too_large());
        }
        Ok(chunk)
    }

    fn too_large(&self) -> DownloadError {
        DownloadError::TooLarge {
            host: self.host.clone(),
            limit: self.limit,
        }
    }
}

/// Where a redirect leads. Whether it may be followed is asked before it is.
fn next(url: &Url, response: &Response) -> Result<Url, DownloadError> {
    let location = response
        .headers()
        .get(LOCATION)
        .and_then(|value| value.to_str().ok());
    let led = location.and_then(|location| url.join(location).ok());
    led.ok_or_else(|| DownloadError::Status {
        host: host(url),
        status: response.status().as_u16(),
        after: None,
    })
}

/// The cause alone: the error itself repeats the address.
fn failed(url: &Url, error: &reqwest::Error) -> DownloadError {
    let mut cause: &(dyn Error + 'static) = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if cause.is::<NotPublic>() {
        return forbidden(Some(url), "its name leads to an address that is not public");
    }
    let reason = if error.is_timeout() {
        "no connection in time".to_owned()
    } else if error.is_connect() {
        format!("no connection: {cause}")
    } else {
        "the connection broke off".to_owned()
    };
    DownloadError::Unavailable {
        host: host(url),
        reason,
    }
}

fn unavailable(host: String, reason: &str) -> DownloadError {
    DownloadError::Unavailable {
        host,
        reason: reason.to_owned(),
    }
}

fn forbidden(url: Option<&Url>, why: &'static str) -> DownloadError {
    DownloadError::Forbidden {
        host: url.map_or_else(|| "no address".to_owned(), host),
        why,
    }
}

/// What may be told of an address. A host of the longest kind is 253 letters; what is longer is none.
fn host(url: &Url) -> String {
    let host = url.host_str().filter(|host| host.len() <= 253);
    host.unwrap_or("no host").to_owned()
}
