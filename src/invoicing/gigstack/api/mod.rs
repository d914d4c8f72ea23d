//! Gigstack's API, in both of its dialects: the customer's (`v1`, the paths of the specification) and the vendor's
//! current one (`v2`). The token goes to Gigstack's own address and nowhere else.

mod error;
mod files;

use std::time::Duration;

use reqwest::Response;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

pub use error::ApiError;
pub use files::Part;

use crate::ground::config::{self, Dialect};
use crate::tools::outbound::answer::{Broken, whole};
use crate::tools::outbound::{self, Downloads, Hosts};
use crate::tools::probe::Probe;

/// The largest answer that is read: a page of a hundred invoices is a few hundred KB, a PDF inside an answer a few MB.
const LARGEST: usize = 8 * 1024 * 1024;

/// So many invoices are on a page of a list.
const PAGE: &str = "100";

/// Gigstack's API with our key.
#[derive(Debug, Clone)]
pub struct GigstackApi {
    http: reqwest::Client,
    downloads: Downloads,
    base: Url,
    key: SecretString,
    dialect: Dialect,
    patience: Duration,
}

/// A page of a list.
#[derive(Debug)]
pub struct Page {
    /// What is on it.
    pub items: Vec<Value>,
    /// What the next page is asked for with, where there is one.
    pub next: Option<String>,
}

impl GigstackApi {
    /// Speaks the dialect of the settings.
    pub fn new(settings: &config::Gigstack, file: &config::GigstackFile) -> anyhow::Result<Self> {
        let names: Vec<&str> = file.file_hosts.iter().map(String::as_str).collect();
        let hosts = Hosts::new(&names).with(&settings.base_url);
        Ok(Self {
            http: outbound::client()?,
            downloads: Downloads::new(hosts)?.with_key(&settings.base_url, settings.api_key.clone()),
            base: settings.base_url.clone(),
            key: settings.api_key.clone(),
            dialect: file.dialect,
            patience: Duration::from_secs(file.timeout_seconds),
        })
    }

    /// An invoice as it is now, by Gigstack's id or by its UUID.
    pub async fn invoice(&self, id: &str) -> Result<Value, ApiError> {
        let url = match self.dialect {
            Dialect::V1 => self.url(&["v1", "invoices", id]),
            Dialect::V2 => self.url(&["v2", "invoices", "income", id]),
        };
        self.get(url?).await
    }

    /// A receipt as it is now.
    pub async fn receipt(&self, id: &str) -> Result<Value, ApiError> {
        let url = match self.dialect {
            Dialect::V1 => self.url(&["v1", "receipts", id]),
            Dialect::V2 => self.url(&["v2", "receipts", id]),
        };
        self.get(url?).await
    }

    /// Asks for a page where the client makes the own invoice. The same key is the same page.
    pub async fn self_service(&self, key: Uuid, body: &Value) -> Result<Value, ApiError> {
        let url = match self.dialect {
            Dialect::V1 => self.url(&["v1", "invoices", "self-service"]),
            Dialect::V2 => self.url(&["v2", "receipts"]),
        };
        self.post(url?, key, body).await
    }

    /// Asks for the global invoice of a month.
    pub async fn public(&self, key: Uuid, body: &Value) -> Result<Value, ApiError> {
        let url = match self.dialect {
            Dialect::V1 => self.url(&["v1", "invoices", "public"]),
            Dialect::V2 => self.url(&["v2", "invoices", "income"]),
        };
        self.post(url?, key, body).await
    }

    /// Invoices made since, newest first, from `after` on.
    pub async fn list(&self, since: i64, after: Option<&str>) -> Result<Page, ApiError> {
        let mut url = self.invoices()?;
        url.query_pairs_mut()
            .append_pair("limit", PAGE)
            .append_pair("created_after", &since.to_string())
            .extend_pairs(after.map(|id| ("starting_after", id)));
        let mut answer = self.get(url).await?;
        let more = answer.get("has_more") == Some(&Value::Bool(true));
        let Some(Value::Array(items)) = answer.get_mut("data").map(Value::take) else {
            return Err(ApiError::Unreadable("una lista sin data"));
        };
        if !more {
            return Ok(Page { items, next: None });
        }
        let last = items.last().and_then(|item| item.get("id")?.as_str());
        // A list that leads nowhere, or to itself, would never end, or end too soon.
        let next = last.filter(|last| after != Some(*last)).map(str::to_owned);
        match next {
            Some(next) => Ok(Page {
                items,
                next: Some(next),
            }),
            None => Err(ApiError::Unreadable("una lista que no dice cómo sigue")),
        }
    }

    /// Asks whether Gigstack answers, and knows our key: a list of one invoice.
    pub fn probe(&self) -> Probe {
        let api = self.clone();
        Probe::new("gigstack", move || {
            let api = api.clone();
            async move {
                let asked = async {
                    let mut url = api.invoices()?;
                    url.query_pairs_mut().append_pair("limit", "1");
                    api.get(url).await
                };
                asked.await.map(drop).map_err(|error| error.to_string())
            }
        })
    }

    /// Where invoices are listed.
    fn invoices(&self) -> Result<Url, ApiError> {
        match self.dialect {
            Dialect::V1 => self.url(&["v1", "invoices"]),
            Dialect::V2 => self.url(&["v2", "invoices", "income"]),
        }
    }

    async fn get(&self, url: Url) -> Result<Value, ApiError> {
        self.send(self.http.get(url)).await
    }

    async fn post(&self, url: Url, key: Uuid, body: &Value) -> Result<Value, ApiError> {
        let mut body = body.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.insert("idempotency_key".to_owned(), json!(key));
        }
        let request = self.http.post(url).header("idempotency-key", key.to_string());
        self.send(request.json(&body)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Value, ApiError> {
        let request = request.timeout(self.patience);
        counted(answer(request.bearer_auth(self.key.expose_secret())).await)
    }

    /// Below the base, whether that ends with its version or not. Ids come from outside: each is one segment, whatever
    /// is in it.
    fn url(&self, segments: &[&str]) -> Result<Url, ApiError> {
        if segments.iter().any(|id| matches!(*id, "" | "." | "..")) {
            return Err(ApiError::Missing);
        }
        let mut url = self.base.clone();
        url.set_query(None);
        url.set_fragment(None);
        let no_path = || ApiError::Unreadable("GIGSTACK_BASE_URL");
        let path = url.path_segments().ok_or_else(no_path)?;
        let empty = path
            .clone()
            .rev()
            .take_while(|segment| segment.is_empty())
            .count();
        let last = path.rev().nth(empty);
        let above = empty + usize::from(matches!(last, Some("v1" | "v2")));
        {
            let mut path = url.path_segments_mut().map_err(|()| no_path())?;
            for _ in 0..above {
                path.pop();
            }
            path.extend(segments);
        }
        Ok(url)
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Value, ApiError> {
    let response = request.send().await;
    let response = response.map_err(|error| ApiError::of_request(&error))?;
    if !response.status().is_success() {
        return Err(ApiError::of_answer(response).await);
    }
    serde_json::from_slice(&bytes(response).await?).map_err(|_| ApiError::Unreadable("no es JSON"))
}

/// All of an answer, up to the largest.
async fn bytes(response: Response) -> Result<Vec<u8>, ApiError> {
    whole(response, LARGEST).await.map_err(|broken| match broken {
        Broken::Off(error) => ApiError::of_request(&error),
        Broken::TooLarge => ApiError::Unreadable("es de más de 8 MiB"),
    })
}

/// Shows the outcome to whoever watches.
fn counted<T>(answer: Result<T, ApiError>) -> Result<T, ApiError> {
    let code = answer.as_ref().err().map_or("ok", ApiError::code);
    metrics::counter!("gigstack_requests_total", "answer" => code).increment(1);
    answer
}
