//! Questions to Stripe's API. Answers come as they are, as JSON: the crate's own types refuse objects of other API
//! versions, and our shapes read them more leniently. Only reads; nothing here changes anything at Stripe.

use std::fmt::Display;
use std::slice::Chunks;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde_json::Value;
use stripe::{ApiErrorsCode, Client, ClientBuilder, RequestStrategy, StripeError};
use stripe_client_core::{RequestBuilder, StripeMethod};
use url::form_urlencoded;

use crate::engine::Failure;
use crate::ground::config;
use crate::tools::outbound;
use crate::tools::probe::Probe;

/// The families of objects, by their path below `/v1/`.
pub const FAMILIES: [&str; 11] = [
    "payment_intents",
    "charges",
    "refunds",
    "disputes",
    "customers",
    "payment_methods",
    "subscriptions",
    "invoices",
    "invoice_payments",
    "checkout/sessions",
    "events",
];

/// Stripe takes at most so many names in `types[]`.
const TYPES_AT_ONCE: usize = 20;

/// The longest page that Stripe gives.
const PAGE: &str = "100";

/// Why there is no answer. Texts hold status and code, never the key nor what was answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// Stripe knows no such object under our key.
    #[error("Stripe does not know the object")]
    Missing,
    /// Not now: the network, Stripe's side, a rate limit, or a key that a person has to repair first. When to ask again is
    /// not known: async-stripe keeps the answer's headers to itself.
    #[error("Stripe cannot be asked now: {reason}")]
    Unavailable {
        /// What happened.
        reason: String,
    },
    /// The question itself is wrong, and will be next time.
    #[error("Stripe was not asked, or refused: {0}")]
    Refused(String),
    /// Something answered that was not Stripe, or in words that are not JSON.
    #[error("Stripe's answer cannot be read: {0}")]
    Unreadable(String),
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        match error {
            // An unreadable answer is mostly a proxy's page, and gone a minute later.
            ApiError::Unavailable { .. } | ApiError::Unreadable(_) => Self::retry(error),
            ApiError::Missing | ApiError::Refused(_) => Self::Park(error.to_string()),
        }
    }
}

impl ApiError {
    /// What the team reads in an incident.
    fn in_spanish(&self) -> String {
        match self {
            Self::Unavailable { reason } | Self::Refused(reason) => format!("Stripe contestó: {reason}"),
            Self::Missing => "Stripe no conoce lo que se pidió".to_owned(),
            Self::Unreadable(_) => "la respuesta no es de Stripe".to_owned(),
        }
    }
}

/// Stripe's API with our key.
#[derive(Debug, Clone)]
pub struct StripeApi {
    client: Client,
    page_attempts: u32,
}

/// Which events to list.
#[derive(Debug, Clone, Copy)]
pub struct EventQuery<'a> {
    /// Those that happened then or later. Stripe keeps events for 30 days.
    pub since: DateTime<Utc>,
    /// Those of these types; any number of them.
    pub types: &'a [&'a str],
}

/// The events of a query, page by page.
#[derive(Debug)]
pub struct EventPages<'a> {
    api: &'a StripeApi,
    since: DateTime<Utc>,
    types: Chunks<'a, &'a str>,
    /// The types asked for now, and the last event seen of them.
    now: Option<(&'a [&'a str], Option<String>)>,
}

impl StripeApi {
    /// `None` without a key: then nothing can be asked.
    pub fn new(settings: &config::Stripe, file: &config::StripeFile) -> anyhow::Result<Option<Self>> {
        let Some(key) = &settings.secret_key else {
            return Ok(None);
        };
        outbound::use_ring();
        let base = file.api_base.as_str().trim_end_matches('/');
        let client = ClientBuilder::new(key.expose_secret())
            .url(format!("{base}/"))
            .app_info("onlycar", Some(env!("CARGO_PKG_VERSION").to_owned()), None)
            // Without it the crate waits for ever.
            .timeout(Duration::from_secs(file.timeout_seconds))
            .build();
        // The crate's error is left out: it could quote the address with what somebody wrote into it.
        let client = client.ok().context(
            "the client of Stripe's API could not be made\n\
             hint: STRIPE_SECRET_KEY may hold visible ASCII only, STRIPE_API_BASE must be an address",
        )?;
        Ok(Some(Self {
            client,
            page_attempts: file.page_attempts,
        }))
    }

    /// One object by its id, of one of [`FAMILIES`], in the newest shape. Asked once: a job that fails is tried again
    /// by the queue.
    pub async fn retrieve(&self, family: &str, id: &str) -> Result<Value, ApiError> {
        if !FAMILIES.contains(&family) {
            return Err(ApiError::Refused("there is no such family of objects".to_owned()));
        }
        let request = get(&format!("/{family}/{}", checked(id)?), &[]);
        self.ask(request, RequestStrategy::Once).await
    }

    /// Lists events, newest first, in the shape of the account's default version when they happened. More than 20 types
    /// are asked for in several lists, one after the other.
    pub fn events<'a>(&'a self, query: &EventQuery<'a>) -> EventPages<'a> {
        let mut types = query.types.chunks(TYPES_AT_ONCE);
        EventPages {
            api: self,
            since: query.since,
            now: types.next().map(|types| (types, None)),
            types,
        }
    }

    /// What an invoice was paid with: since 2025-03-31.basil the invoice itself does not tell.
    pub async fn invoice_payments_of_invoice(&self, invoice: &str) -> Result<Vec<Value>, ApiError> {
        self.all("/invoice_payments", &[("invoice", checked(invoice)?)])
            .await
    }

    /// Which invoices a payment paid: since 2025-03-31.basil the payment itself does not tell.
    pub async fn invoice_payments_of_payment(&self, payment: &str) -> Result<Vec<Value>, ApiError> {
        let payment = checked(payment)?;
        let parameters = [
            ("payment[type]", "payment_intent"),
            ("payment[payment_intent]", payment),
        ];
        self.all("/invoice_payments", &parameters).await
    }

    /// The checkout sessions that led to a payment; one, if any.
    pub async fn checkout_sessions_of_payment(&self, payment: &str) -> Result<Vec<Value>, ApiError> {
        self.all("/checkout/sessions", &[("payment_intent", checked(payment)?)])
            .await
    }

    /// The account's webhook endpoints, with their `status`: nothing else tells that Stripe disabled one.
    pub async fn webhook_endpoints(&self) -> Result<Vec<Value>, ApiError> {
        self.all("/webhook_endpoints", &[]).await
    }

    /// Asks whether Stripe answers, and knows our key: the shortest list that we ask for anyway.
    pub fn probe(&self) -> Probe {
        let api = self.clone();
        Probe::new("stripe", move || {
            let api = api.clone();
            async move {
                let asked = api.ask(
                    get("/webhook_endpoints", &[("limit", "1")]),
                    RequestStrategy::Once,
                );
                asked.await.map(drop).map_err(|error| error.in_spanish())
            }
        })
    }

    /// A list to its end.
    async fn all(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Vec<Value>, ApiError> {
        let (mut all, mut last) = (Vec::new(), None);
        loop {
            let (page, more) = self.page(path, parameters, last.as_deref()).await?;
            all.extend(page);
            last = more;
            if last.is_none() {
                return Ok(all);
            }
        }
    }

    /// One page of a list, and the id to go on after when there is more.
    async fn page(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
        after: Option<&str>,
    ) -> Result<(Vec<Value>, Option<String>), ApiError> {
        let paging = [("limit", Some(PAGE)), ("starting_after", after)];
        let paging = paging.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
        let parameters: Vec<_> = parameters.iter().copied().chain(paging).collect();
        let strategy = RequestStrategy::ExponentialBackoff(self.page_attempts);
        let mut answer = self.ask(get(path, &parameters), strategy).await?;
        let Some(Value::Array(items)) = answer.get_mut("data").map(Value::take) else {
            return Err(unreadable("a list without `data`"));
        };
        if answer.get("has_more") != Some(&Value::Bool(true)) {
            return Ok((items, None));
        }
        match items.last().and_then(|item| item.get("id")?.as_str()) {
            Some(last) => {
                let last = last.to_owned();
                Ok((items, Some(last)))
            }
            None => Err(unreadable("a list that goes on after nothing")),
        }
    }

    async fn ask(&self, request: RequestBuilder, strategy: RequestStrategy) -> Result<Value, ApiError> {
        let request = request
            .customize::<miniserde::json::Value>()
            .request_strategy(strategy);
        let answer = request
            .send(&self.client)
            .await
            .map_err(|error| error_of(&error))?;
        serde_json::from_str(&miniserde::json::to_string(&answer)).map_err(unreadable)
    }
}

impl EventPages<'_> {
    /// The next page; `None` after the last. After an error it may be called again, and goes on where it was.
    pub async fn next(&mut self) -> Result<Option<Vec<Value>>, ApiError> {
        let Some((types, after)) = &self.now else {
            return Ok(None);
        };
        let since = self.since.timestamp().to_string();
        // Never `created[gt]`: several events share a second.
        let mut parameters = vec![("created[gte]", since.as_str())];
        parameters.extend(types.iter().map(|kind| ("types[]", *kind)));
        let (events, more) = self.api.page("/events", &parameters, after.as_deref()).await?;
        self.now = match more {
            Some(last) => Some((*types, Some(last))),
            None => self.types.next().map(|types| (types, None)),
        };
        Ok(Some(events))
    }
}

fn get(path: &str, parameters: &[(&str, &str)]) -> RequestBuilder {
    let mut request = RequestBuilder::new(StripeMethod::Get, path);
    if !parameters.is_empty() {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        request.query = Some(query);
    }
    request
}

/// An id comes out of a payload and goes into a path: letters, digits, `_` and `-` lead nowhere else, and all of
/// Stripe's ids are made of them.
fn checked(id: &str) -> Result<&str, ApiError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if (1..=255).contains(&id.len()) && id.bytes().all(fits) {
        return Ok(id);
    }
    Err(ApiError::Refused("the id cannot be one of Stripe's".to_owned()))
}

fn unreadable(error: impl Display) -> ApiError {
    ApiError::Unreadable(error.to_string())
}

fn unavailable(reason: impl Into<String>) -> ApiError {
    ApiError::Unavailable {
        reason: reason.into(),
    }
}

/// Of Stripe's own error only status and code are told on: its message quotes what was asked, and part of a wrong key.
fn error_of(error: &StripeError) -> ApiError {
    match error {
        StripeError::Stripe(told, 404) if told.code == Some(ApiErrorsCode::ResourceMissing) => {
            ApiError::Missing
        }
        StripeError::Stripe(told, status) => {
            let code = told.code.as_ref().map(ApiErrorsCode::as_str);
            let told = format!("status {status}, {}", code.unwrap_or(told.type_.as_str()));
            match status {
                401 | 403 => unavailable(format!(
                    "{told}: STRIPE_SECRET_KEY is not valid, or lacks a right"
                )),
                409 | 424 | 429 | 500.. => unavailable(told),
                _ => ApiError::Refused(told),
            }
        }
        // The crate gives an answer with a good status these words; with any other, its status is lost.
        StripeError::JSONDeserialize(told) if told == "error deserializing request data" => {
            unreadable("it is not JSON")
        }
        StripeError::JSONDeserialize(_) => unavailable("an error that is not in Stripe's words"),
        StripeError::Timeout => unavailable("no answer in time"),
        StripeError::ClientError(_) => unavailable("the connection failed"),
        StripeError::ConfigError(_) => unavailable("the client is not configured"),
    }
}
