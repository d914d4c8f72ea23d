//! A way to the object store on which things go wrong.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use tokio::net::TcpListener;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is never passed on; this is the answer.
    Answer(u16, &'static str),
    /// It is passed on and done; the answer is lost.
    LoseAnswer,
    /// It is passed on with a byte changed.
    Garble,
    /// The answer stops after half of its body.
    CutAnswer,
    /// Nothing happens any more.
    Silence,
}

/// Requests of this method with this in their query ...
#[derive(Clone, Copy)]
struct Plan {
    method: &'static str,
    query: &'static str,
    fault: Fault,
    /// ... so many of them.
    times: u32,
}

#[derive(Clone)]
pub struct Proxy {
    pub port: u16,
    target: u16,
    plans: Arc<Mutex<Vec<Plan>>>,
    /// Method and query of everything that came.
    seen: Arc<Mutex<Vec<String>>>,
    client: reqwest::Client,
}

impl Proxy {
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            target,
            plans: Arc::default(),
            seen: Arc::default(),
            client: onlycar::tools::outbound::client().unwrap(),
        };
        let routes = Router::new().fallback(pass).with_state(proxy.clone());
        tokio::spawn(axum::serve(listener, routes).into_future());
        proxy
    }

    pub fn breaks(&self, method: &'static str, query: &'static str, times: u32, fault: Fault) {
        let plan = Plan {
            method,
            query,
            fault,
            times,
        };
        self.plans.lock().unwrap().push(plan);
    }

    /// From now on nothing goes wrong.
    pub fn mend(&self) {
        self.plans.lock().unwrap().clear();
    }

    pub fn count(&self, method: &str, query: &str) -> usize {
        let seen = self.seen.lock().unwrap();
        let fitting = seen
            .iter()
            .filter(|line| line.starts_with(method) && line.contains(query));
        fitting.count()
    }

    fn fault(&self, method: &Method, query: &str) -> Option<Fault> {
        let mut plans = self.plans.lock().unwrap();
        let fitting =
            |plan: &&mut Plan| plan.times > 0 && plan.method == *method && query.contains(plan.query);
        let plan = plans.iter_mut().find(fitting)?;
        plan.times -= 1;
        Some(plan.fault)
    }
}

async fn pass(State(proxy): State<Proxy>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    proxy
        .seen
        .lock()
        .unwrap()
        .push(format!("{} {query}", parts.method));
    let mut body = to_bytes(body, usize::MAX).await.unwrap_or_default().to_vec();
    let fault = proxy.fault(&parts.method, &query);
    match fault {
        Some(Fault::Silence) => return std::future::pending().await,
        Some(Fault::Answer(status, code)) => {
            let xml =
                format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>x</Message></Error>");
            let status = StatusCode::from_u16(status).unwrap();
            return (status, [(header::RETRY_AFTER, "7")], xml).into_response();
        }
        Some(Fault::Garble) => body[0] ^= 1,
        _ => {}
    }
    let url = format!("http://127.0.0.1:{}{}", proxy.target, parts.uri);
    let sent = proxy
        .client
        .request(parts.method, url)
        .headers(parts.headers)
        .body(body);
    let Ok(answer) = sent.send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        // A body of unknown length can break off, and one of no length cannot.
        let length = fault == Some(Fault::LoseAnswer) && name == header::CONTENT_LENGTH;
        if name != header::TRANSFER_ENCODING && !length {
            response = response.header(name, value);
        }
    }
    let body = answer.bytes().await.unwrap_or_default();
    let body = match fault {
        Some(Fault::LoseAnswer) => cut(&Bytes::new()),
        Some(Fault::CutAnswer) => cut(&body.slice(..body.len() / 2)),
        _ => Body::from(body),
    };
    response.body(body).unwrap()
}

/// A body that breaks off; its length was said to be another.
fn cut(start: &Bytes) -> Body {
    let broken = std::io::Error::other("cut");
    Body::from_stream(futures_util::stream::iter([Ok(start.clone()), Err(broken)]))
}
