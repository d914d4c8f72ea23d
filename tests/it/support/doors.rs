//! A server that takes whatever comes, in place of the program: what simulators send is looked at there.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::Value;
use tokio::net::TcpListener;

/// What came to a door.
pub struct Letter {
    /// With its query.
    pub uri: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Letter {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// The server.
#[derive(Clone)]
pub struct Doors {
    pub url: String,
    letters: Arc<Mutex<Vec<Letter>>>,
    /// What it answers next; 200 when there is nothing here.
    pub answers: Arc<Mutex<Vec<u16>>>,
}

impl Doors {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let doors = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            letters: Arc::default(),
            answers: Arc::default(),
        };
        let own = doors.clone();
        let take = async move |uri: Uri, headers: HeaderMap, body: Bytes| own.take(&uri, headers, body);
        let router = Router::new().fallback(take);
        tokio::spawn(async move { axum::serve(listener, router).await });
        doors
    }

    fn take(&self, uri: &Uri, headers: HeaderMap, body: Bytes) -> (StatusCode, &'static str) {
        let uri = uri.to_string();
        self.letters.lock().unwrap().push(Letter { uri, headers, body });
        let mut answers = self.answers.lock().unwrap();
        let status = if answers.is_empty() {
            200
        } else {
            answers.remove(0)
        };
        (StatusCode::from_u16(status).unwrap(), "taken")
    }

    pub fn letters(&self) -> Vec<Letter> {
        std::mem::take(&mut *self.letters.lock().unwrap())
    }

    /// The only one.
    pub fn letter(&self) -> Letter {
        let mut letters = self.letters();
        assert_eq!(letters.len(), 1);
        letters.remove(0)
    }
}
