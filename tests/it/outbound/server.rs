//! HTTP by hand, from the other side: what is sent is what the test says, to the byte.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// One thing that a server does.
#[derive(Clone, Debug)]
pub enum Step {
    Send(Vec<u8>),
    /// For ever: a piece, and a pause.
    Repeat(Vec<u8>, Duration),
    /// Nothing more, and the connection stays open.
    Hang,
}

/// Answers each request by its path, then closes the connection.
#[derive(Clone)]
pub struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub async fn start(script: impl Fn(&str) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            seen: Arc::default(),
        };
        let (seen, script) = (Arc::clone(&server.seen), Arc::new(script));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&seen), Arc::clone(&script)));
            }
        });
        server
    }

    pub fn url(&self, path: &str) -> Url {
        format!("http://127.0.0.1:{}{path}", self.port).parse().unwrap()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The heads of the requests so far; a connection without one is an empty text.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(
    stream: TcpStream,
    seen: Arc<Mutex<Vec<String>>>,
    script: Arc<impl Fn(&str) -> Vec<Step> + Send + Sync>,
) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).await.unwrap_or(0) > 0 {}
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    seen.lock().unwrap().push(head);
    for step in script(&path) {
        match step {
            Step::Send(bytes) => {
                let _ = stream.write_all(&bytes).await;
            }
            Step::Repeat(bytes, pause) => {
                while stream.write_all(&bytes).await.is_ok() {
                    tokio::time::sleep(pause).await;
                }
            }
            Step::Hang => std::future::pending().await,
        }
    }
    let _ = stream.shutdown().await;
}

/// An answer with these header lines and this body.
pub fn answer(status: u16, headers: &[&str], body: &[u8]) -> Vec<Step> {
    let mut bytes = format!("HTTP/1.1 {status} x\r\n").into_bytes();
    for line in headers {
        bytes.extend([line.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend([b"connection: close\r\n\r\n".as_slice(), body].concat());
    vec![Step::Send(bytes)]
}
