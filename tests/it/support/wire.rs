//! HTTP by hand, for what a client library would not send.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A connection to the server.
pub struct Wire(BufReader<TcpStream>);

/// What the server answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// The header lines as they came, names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Wire {
    pub async fn open(url: &str) -> Self {
        let address = url.strip_prefix("http://").unwrap();
        Self(BufReader::new(TcpStream::connect(address).await.unwrap()))
    }

    /// Writes bytes as they are. A server that has closed already is found out by its reply.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.write_all(bytes.as_ref()).await;
    }

    /// No more will be sent.
    pub async fn end(&mut self) {
        self.0.shutdown().await.unwrap();
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    /// The next answer; `None` when the server closed without one.
    pub async fn reply(&mut self) -> Option<Reply> {
        let first = self.line().await;
        let status = first.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line().await;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        let mut reply = Reply {
            status,
            headers,
            body: String::new(),
        };
        let length = reply
            .header("content-length")
            .map_or(0, |text| text.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        reply.body = String::from_utf8(body).unwrap();
        Some(reply)
    }
}

/// The head of a request to Stripe's door, with these header lines; white space and bytes stay as they are.
pub fn head(lines: &[&[u8]]) -> Vec<u8> {
    let mut head = b"POST /api/webhooks/stripe HTTP/1.1\r\nhost: onlycar.example\r\n".to_vec();
    for line in lines {
        head.extend([line, b"\r\n".as_slice()].concat());
    }
    head.extend(b"\r\n");
    head
}
