//! Cloudflare's API: D1's `/query`, and KV in bulk. The token goes to the API's own address and nowhere else; no error
//! repeats it, nor what was sent.

use std::time::Duration;

use anyhow::Context;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::ground::config;
use crate::tools::outbound;
use crate::tools::outbound::answer::{Broken, retry_after, whole};
use crate::tools::probe::Probe;

/// The largest answer that is read.
const LARGEST: usize = 1024 * 1024;
/// KV takes no shorter life of a key.
pub const SHORTEST_TTL: u64 = 60;

/// Why there is no answer that can be used. The texts are Spanish: the team reads them in an alert.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// Not now.
    #[error("Cloudflare no está disponible: {reason}")]
    Unavailable {
        /// What happened.
        reason: String,
        /// When it wants to be asked again.
        after: Option<Duration>,
    },
    /// It refuses what was asked, and will next time.
    #[error("Cloudflare rechazó la solicitud: {0}")]
    Refused(String),
    /// Its answer makes no sense.
    #[error("La respuesta de Cloudflare no se entiende: {0}")]
    Unreadable(&'static str),
}

/// A statement of D1 and its parameters.
#[derive(Debug, Clone, Serialize)]
pub struct Statement {
    /// SQL of our own.
    pub sql: &'static str,
    /// At most 100, of 2 MB each.
    pub params: Vec<String>,
}

/// A key of KV, and for how long it stays.
#[derive(Debug, Clone, Serialize)]
pub struct Pair {
    /// At most 512 bytes.
    pub key: String,
    /// JSON, as text.
    pub value: String,
    /// In seconds, [`SHORTEST_TTL`] or more.
    pub expiration_ttl: u64,
}

/// What every answer of Cloudflare's is wrapped in.
#[derive(Deserialize)]
struct Envelope {
    success: bool,
    #[serde(default)]
    errors: Vec<Told>,
    #[serde(default)]
    result: Value,
}

/// Its message may quote what was sent; its code does not.
#[derive(Deserialize)]
struct Told {
    code: i64,
}

/// What D1 says of one statement.
#[derive(Deserialize)]
struct Outcome {
    success: bool,
    #[serde(default)]
    results: Vec<Value>,
}

/// What KV says of many keys.
#[derive(Deserialize)]
struct Bulk {
    #[serde(default)]
    unsuccessful_keys: Vec<String>,
}

/// The API of an account.
#[derive(Debug, Clone)]
pub struct CloudflareApi {
    http: reqwest::Client,
    account: Url,
    authorization: HeaderValue,
    patience: Duration,
}

impl CloudflareApi {
    /// For the account of the settings.
    pub fn new(settings: &config::Cloudflare, file: &config::CloudflareFile) -> anyhow::Result<Self> {
        let bearer = format!("Bearer {}", settings.api_token.expose_secret());
        let mut authorization = HeaderValue::from_str(&bearer).ok().context(
            "CLOUDFLARE_API_TOKEN cannot be sent\nhint: it holds visible ASCII only; copy it again",
        )?;
        authorization.set_sensitive(true);
        let base = file.api_base.as_str().trim_end_matches('/');
        Ok(Self {
            http: outbound::client()?,
            account: Url::parse(&format!("{base}/accounts/{}/", settings.account_id))?,
            authorization,
            patience: Duration::from_secs(file.timeout_seconds),
        })
    }

    /// Lets D1 do these statements, and returns the rows of each. Each is done wholly or not at all; those before one
    /// that failed may have been done.
    pub async fn query(&self, database: &str, batch: &[Statement]) -> Result<Vec<Vec<Value>>, ApiError> {
        let path = format!("d1/database/{database}/query");
        let body = serde_json::json!({ "batch": batch });
        let answer = self.ask(Method::POST, &path, &body).await;
        let answer = answer.and_then(|result| outcomes(result, batch.len()));
        counted("d1", answer)
    }

    /// Sets keys of KV; returns those that KV did not set, to be set again.
    pub async fn put(&self, namespace: &str, pairs: &[Pair]) -> Result<Vec<String>, ApiError> {
        let path = format!("storage/kv/namespaces/{namespace}/bulk");
        counted("kv", self.ask(Method::PUT, &path, &pairs).await.and_then(left))
    }

    /// Takes keys out of KV; returns those that are to be taken out again. One that is not there is no error.
    pub async fn delete(&self, namespace: &str, keys: &[String]) -> Result<Vec<String>, ApiError> {
        let path = format!("storage/kv/namespaces/{namespace}/bulk/delete");
        counted("kv", self.ask(Method::POST, &path, &keys).await.and_then(left))
    }

    /// Asks whether Cloudflare answers, and knows our token, at what it keeps for us: the database, else the namespace.
    pub fn probe(&self, database: Option<&str>, namespace: Option<&str>) -> Option<Probe> {
        let path = match (database, namespace) {
            (Some(database), _) => format!("d1/database/{database}"),
            (None, Some(namespace)) => format!("storage/kv/namespaces/{namespace}"),
            (None, None) => return None,
        };
        let api = self.clone();
        Some(Probe::new("cloudflare", move || {
            let (api, path) = (api.clone(), path.clone());
            async move {
                let asked = async { api.send(api.request(Method::GET, &path)?).await };
                asked.await.map(drop).map_err(|error| error.to_string())
            }
        }))
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<Value, ApiError> {
        self.send(self.request(method, path)?.json(body)).await
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, ApiError> {
        let url = self.account.join(path);
        let url = url.map_err(|_| ApiError::Unreadable("CLOUDFLARE_API_BASE"))?;
        Ok(self.http.request(method, url).timeout(self.patience))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value, ApiError> {
        let response = request
            .header(AUTHORIZATION, self.authorization.clone())
            .send()
            .await
            .map_err(|error| of_request(&error))?;
        let (status, after) = (response.status(), retry_after(&response));
        let body = read(response).await;
        if !status.is_success() {
            return Err(of_status(status, after, body.ok().as_deref()));
        }
        let envelope: Envelope =
            serde_json::from_slice(&body?).map_err(|_| ApiError::Unreadable("no es la de su API"))?;
        if !envelope.success {
            return Err(ApiError::Refused(codes(&envelope.errors)));
        }
        Ok(envelope.result)
    }
}

async fn read(response: Response) -> Result<Vec<u8>, ApiError> {
    whole(response, LARGEST).await.map_err(|broken| match broken {
        Broken::Off(error) => of_request(&error),
        Broken::TooLarge => ApiError::Unreadable("es de más de 1 MiB"),
    })
}

/// As many as were asked for, and each well: else all of it is asked for again.
fn outcomes(result: Value, asked: usize) -> Result<Vec<Vec<Value>>, ApiError> {
    let outcomes: Vec<Outcome> =
        serde_json::from_value(result).map_err(|_| ApiError::Unreadable("no dice qué hizo D1"))?;
    if outcomes.iter().any(|outcome| !outcome.success) {
        return Err(ApiError::Refused("D1 no hizo todas las instrucciones".to_owned()));
    }
    if outcomes.len() != asked {
        return Err(ApiError::Unreadable("D1 no dice qué hizo con cada instrucción"));
    }
    Ok(outcomes.into_iter().map(|outcome| outcome.results).collect())
}

/// Older doors of KV answer a success with nothing.
fn left(result: Value) -> Result<Vec<String>, ApiError> {
    let bulk: Option<Bulk> =
        serde_json::from_value(result).map_err(|_| ApiError::Unreadable("no dice qué hizo KV"))?;
    Ok(bulk.map(|bulk| bulk.unsuccessful_keys).unwrap_or_default())
}

fn of_request(error: &reqwest::Error) -> ApiError {
    let reason = if error.is_timeout() {
        "no contestó a tiempo"
    } else if error.is_connect() {
        "no se pudo conectar con CLOUDFLARE_API_BASE"
    } else {
        "la conexión se cortó"
    };
    unavailable(reason.to_owned(), None)
}

fn of_status(status: StatusCode, after: Option<Duration>, body: Option<&[u8]>) -> ApiError {
    let told = body.and_then(|body| serde_json::from_slice::<Envelope>(body).ok());
    let codes = codes(&told.map(|told| told.errors).unwrap_or_default());
    let told = format!("contestó {} ({codes})", status.as_u16());
    match status.as_u16() {
        401 | 403 => ApiError::Refused(format!(
            "{told}: CLOUDFLARE_API_TOKEN no vale o no puede editar D1 y KV"
        )),
        404 => ApiError::Refused(format!(
            "{told}: revisa CLOUDFLARE_ACCOUNT_ID, D1_DATABASE_ID y KV_NAMESPACE_ID"
        )),
        408 | 425 | 429 | 500.. => unavailable(told, after),
        // Our token would go wherever it leads.
        300..=399 => unavailable(format!("{told}: manda a otra dirección"), None),
        _ => ApiError::Refused(told),
    }
}

fn unavailable(reason: String, after: Option<Duration>) -> ApiError {
    ApiError::Unavailable { reason, after }
}

fn codes(errors: &[Told]) -> String {
    let codes: Vec<String> = errors.iter().map(|told| told.code.to_string()).collect();
    if codes.is_empty() {
        return "sin código".to_owned();
    }
    format!("código {}", codes.join(", "))
}

fn counted<T>(store: &'static str, answer: Result<T, ApiError>) -> Result<T, ApiError> {
    let outcome = match &answer {
        Ok(_) => "ok",
        Err(ApiError::Unavailable { .. }) => "unavailable",
        Err(ApiError::Refused(_)) => "refused",
        Err(ApiError::Unreadable(_)) => "unreadable",
    };
    metrics::counter!("cloudflare_requests_total", "store" => store, "outcome" => outcome).increment(1);
    answer
}
