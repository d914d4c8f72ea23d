//! Mifiel's API (docs.mifiel.com): documents for signature. Each request is signed with our keys and the time; they go to
//! Mifiel's own address and nowhere else.

mod error;

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue};
use reqwest::multipart::{Form, Part as FormPart};
use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

pub use error::ApiError;

use super::apiauth::{Signed, http_date};
use crate::ground::clock::Clock;
use crate::ground::config;
use crate::tools::outbound::answer::{Broken, whole};
use crate::tools::outbound::{self, Downloads, Hosts, Incoming};
use crate::tools::probe::Probe;

/// The largest answer that is read: a page of documents is a few hundred KB.
const LARGEST: usize = 8 * 1024 * 1024;
/// A document is sent at this rate at least, or not in time: a slow line is waited for.
const SLOWEST: u64 = 256 * 1024;
const JSON: &str = "application/json";

/// A file of a document that everybody has signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The PDF with the signatures.
    SignedPdf,
    /// Mifiel's XML: signatures, certificates and the constancia of NOM-151.
    Xml,
}

impl Part {
    fn path(self) -> &'static str {
        match self {
            Self::SignedPdf => "file_signed",
            Self::Xml => "xml",
        }
    }

    /// How its object's name ends.
    pub fn ending(self) -> &'static str {
        match self {
            Self::SignedPdf => "pdf",
            Self::Xml => "xml",
        }
    }

    /// `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::SignedPdf => "application/pdf",
            Self::Xml => "application/xml",
        }
    }
}

/// Who has to sign.
#[derive(Clone, Serialize, Deserialize)]
pub struct Signer {
    /// Name.
    pub name: String,
    /// Mail address: Mifiel writes there.
    pub email: String,
    /// RFC, where only its e.firma is to count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_id: Option<String>,
}

/// A document to be signed.
pub struct NewDocument {
    /// The id that we give it.
    pub external_id: Uuid,
    /// Its name at Mifiel.
    pub file_name: String,
    /// The PDF.
    pub pdf: Bytes,
    /// Who has to sign.
    pub signers: Vec<Signer>,
    /// Where Mifiel tells that it is signed.
    pub callback_url: SecretString,
    /// For how long it can be signed.
    pub days_to_expire: u16,
    /// How often Mifiel reminds whoever has not signed, in days.
    pub remind_every: u16,
}

/// A page of the list that nobody ever fills.
const FAR_BEHIND: u32 = 1_000;

/// Mifiel's API with our keys.
#[derive(Debug, Clone)]
pub struct MifielApi {
    http: reqwest::Client,
    downloads: Downloads,
    base: Url,
    app_id: String,
    secret: SecretString,
    clock: Clock,
    patience: Duration,
}

impl MifielApi {
    /// For the account of the settings.
    pub fn new(settings: &config::Mifiel, file: &config::MifielFile, clock: Clock) -> anyhow::Result<Self> {
        Ok(Self {
            http: outbound::client()?,
            downloads: Downloads::new(Hosts::default().with(&settings.base_url))?,
            base: settings.base_url.clone(),
            app_id: settings.app_id.clone(),
            secret: settings.app_secret.clone(),
            clock,
            patience: Duration::from_secs(file.timeout_seconds),
        })
    }

    /// A document as it is now.
    pub async fn document(&self, id: &str) -> Result<Value, ApiError> {
        let url = self.url(&["documents", id])?;
        self.json(Method::GET, url).await
    }

    /// A page of the account's documents, newest first; an empty one is the end.
    pub async fn documents(&self, page: u32) -> Result<Vec<Value>, ApiError> {
        let mut url = self.url(&["documents"])?;
        url.query_pairs_mut().append_pair("page", &page.to_string());
        match self.json(Method::GET, url).await? {
            Value::Array(documents) => Ok(documents),
            _ => Err(ApiError::Unreadable("una lista que no lo es")),
        }
    }

    /// Asks whether Mifiel answers, and knows our keys: a page far behind the last document, which holds none.
    pub fn probe(&self) -> Probe {
        let api = self.clone();
        Probe::new("mifiel", move || {
            let api = api.clone();
            async move {
                let asked = api.documents(FAR_BEHIND).await;
                asked.map(drop).map_err(|error| error.to_string())
            }
        })
    }

    /// Sends a document for signature. It has no idempotency key: look for its `external_id` first.
    pub async fn create(&self, new: &NewDocument) -> Result<Value, ApiError> {
        let url = self.url(&["documents"])?;
        let pdf = FormPart::stream(new.pdf.clone())
            .file_name(new.file_name.clone())
            .mime_str("application/pdf")
            .map_err(|_| ApiError::Unreadable("el tipo del PDF"))?;
        let mut form = Form::new()
            .part("file", pdf)
            .text("external_id", new.external_id.to_string())
            .text("callback_url", new.callback_url.expose_secret().to_owned())
            .text("sign_callback_url", new.callback_url.expose_secret().to_owned())
            .text("days_to_expire", new.days_to_expire.to_string())
            .text("remind_every", new.remind_every.to_string())
            .text("send_mail", "true");
        for (n, signer) in new.signers.iter().enumerate() {
            let field = |name: &str| format!("signatories[{n}][{name}]");
            form = form
                .text(field("name"), signer.name.clone())
                .text(field("email"), signer.email.clone());
            if let Some(tax_id) = &signer.tax_id {
                form = form.text(field("tax_id"), tax_id.clone());
            }
        }
        let content_type = format!("multipart/form-data; boundary={}", form.boundary());
        let patience = self.patience + Duration::from_secs(new.pdf.len() as u64 / SLOWEST);
        let request = self.http.post(url.clone()).multipart(form).timeout(patience);
        self.send(request, &Method::POST, &url, &content_type).await
    }

    /// Opens a file of a signed document.
    pub async fn file(&self, id: &str, part: Part, limit: u64) -> Result<Incoming, ApiError> {
        let url = self.url(&["documents", id, part.path()])?;
        let headers = self.headers(&Method::GET, &url, JSON)?;
        let download = self.downloads.get_with(url.as_str(), headers, limit).await;
        let download = counted(download.map_err(|error| ApiError::of_download(&error)))?;
        Ok(download.incoming())
    }

    async fn json(&self, method: Method, url: Url) -> Result<Value, ApiError> {
        let request = self
            .http
            .request(method.clone(), url.clone())
            .timeout(self.patience);
        self.send(request, &method, &url, JSON).await
    }

    async fn send(
        &self,
        request: RequestBuilder,
        method: &Method,
        url: &Url,
        content_type: &str,
    ) -> Result<Value, ApiError> {
        let asked_at = self.clock.now();
        let headers = self.headers(method, url, content_type)?;
        let answer = async {
            let response = request.headers(headers).send().await;
            let response = response.map_err(|error| ApiError::of_request(&error))?;
            if !response.status().is_success() {
                return Err(ApiError::of_answer(&response, asked_at));
            }
            let bytes = whole(response, LARGEST).await.map_err(|broken| match broken {
                Broken::Off(error) => ApiError::of_request(&error),
                Broken::TooLarge => ApiError::Unreadable("es de más de 8 MiB"),
            })?;
            serde_json::from_slice(&bytes).map_err(|_| ApiError::Unreadable("no es JSON"))
        };
        counted(answer.await)
    }

    /// As Mifiel's own clients for Node.js and Java send them.
    fn headers(&self, method: &Method, url: &Url, content_type: &str) -> Result<HeaderMap, ApiError> {
        let date = http_date(self.clock.now());
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let signed = Signed {
            method: method.as_str(),
            content_type,
            content_md5: "",
            path: &format!("{}{query}", url.path()),
            date: &date,
        };
        let authorization = signed.authorization(&self.app_id, self.secret.expose_secret().as_bytes());
        let value =
            |text: &str| HeaderValue::from_str(text).map_err(|_| ApiError::Unreadable("MIFIEL_APP_ID"));
        let mut authorization = value(&authorization)?;
        authorization.set_sensitive(true);
        Ok(HeaderMap::from_iter([
            (AUTHORIZATION, authorization),
            (DATE, value(&date)?),
            (CONTENT_TYPE, value(content_type)?),
            (
                HeaderName::from_static("content-md5"),
                HeaderValue::from_static(""),
            ),
        ]))
    }

    /// Below the base. Ids come from outside: each is one segment, whatever is in it.
    fn url(&self, segments: &[&str]) -> Result<Url, ApiError> {
        if segments.iter().any(|id| matches!(*id, "" | "." | "..")) {
            return Err(ApiError::Missing);
        }
        let base = self.base.as_str().trim_end_matches('/');
        let base = base.strip_suffix("/api/v1").unwrap_or(base);
        let unreadable = || ApiError::Unreadable("MIFIEL_BASE_URL");
        let mut url = Url::parse(base).map_err(|_| unreadable())?;
        url.path_segments_mut()
            .map_err(|()| unreadable())?
            .pop_if_empty()
            .extend(["api", "v1"])
            .extend(segments);
        Ok(url)
    }
}

/// Shows the outcome to whoever watches.
fn counted<T>(answer: Result<T, ApiError>) -> Result<T, ApiError> {
    let code = answer.as_ref().err().map_or("ok", ApiError::code);
    metrics::counter!("mifiel_requests_total", "answer" => code).increment(1);
    answer
}
