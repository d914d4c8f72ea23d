//! A Supabase that publishes keys, as far as it is asked to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// How it answers.
#[derive(Clone)]
pub enum Answer {
    /// These keys.
    Keys(Vec<Value>),
    /// Something else, with its status and type.
    Other(u16, &'static str, Vec<u8>),
    /// It tells another address.
    Elsewhere(String),
    /// Nothing before it is let go; then these keys.
    Held(Vec<Value>),
    /// Nothing at all.
    Never,
}

pub struct Supabase {
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    answer: Mutex<Answer>,
    asked: AtomicUsize,
    /// One permit per question that came.
    arrived: Semaphore,
    let_go: Semaphore,
}

impl Supabase {
    pub async fn start(keys: &[Value]) -> Self {
        let shared = Arc::new(Shared {
            answer: Mutex::new(Answer::Keys(keys.to_vec())),
            asked: AtomicUsize::new(0),
            arrived: Semaphore::new(0),
            let_go: Semaphore::new(0),
        });
        let router = axum::Router::new()
            .route("/auth/v1/.well-known/jwks.json", get(jwks))
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    pub fn answers(&self, answer: Answer) {
        *self.shared.answer.lock().unwrap() = answer;
    }

    pub fn publishes(&self, keys: &[Value]) {
        self.answers(Answer::Keys(keys.to_vec()));
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// Returns when one more question has come.
    pub async fn until_asked(&self) {
        self.shared.arrived.acquire().await.unwrap().forget();
    }

    /// Answers one question that is held.
    pub fn let_go(&self) {
        self.shared.let_go.add_permits(1);
    }
}

async fn jwks(State(shared): State<Arc<Shared>>) -> Response {
    shared.asked.fetch_add(1, Ordering::SeqCst);
    shared.arrived.add_permits(1);
    let answer = shared.answer.lock().unwrap().clone();
    match answer {
        Answer::Keys(keys) => axum::Json(json!({ "keys": keys })).into_response(),
        Answer::Other(status, kind, body) => {
            let status = axum::http::StatusCode::from_u16(status).unwrap();
            (status, [("content-type", kind)], body).into_response()
        }
        Answer::Elsewhere(url) => axum::response::Redirect::temporary(&url).into_response(),
        Answer::Held(keys) => {
            shared.let_go.acquire().await.unwrap().forget();
            axum::Json(json!({ "keys": keys })).into_response()
        }
        Answer::Never => std::future::pending().await,
    }
}
