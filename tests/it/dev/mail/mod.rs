//! The captured-mail server, driven by the client the product uses and by hand.

mod client;
mod pages;
mod protocol;

use std::net::SocketAddr;
use std::time::Duration;

use lettre::message::{Mailbox as Address, MultiPart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::response::Severity;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor};
use onlycar::dev::mail::{Fault, Mailbox};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const LIMIT: Duration = Duration::from_secs(10);

struct Server {
    folder: TempDir,
    mailbox: Mailbox,
    smtp: SocketAddr,
}

async fn started() -> Server {
    let folder = tempfile::tempdir().unwrap();
    let mailbox = Mailbox::open(folder.path()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let smtp = listener.local_addr().unwrap();
    tokio::spawn(mailbox.clone().serve(listener, std::future::pending()));
    Server {
        folder,
        mailbox,
        smtp,
    }
}

impl Server {
    fn transport(&self) -> AsyncSmtpTransport<Tokio1Executor> {
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(self.smtp.ip().to_string())
            .port(self.smtp.port())
            .build()
    }

    async fn talk(&self) -> Talk {
        let mut talk = Talk(BufReader::new(TcpStream::connect(self.smtp).await.unwrap()));
        assert!(talk.answer().await.starts_with("220 "));
        talk
    }
}

fn mail(subject: &str) -> Mail {
    Mail::builder()
        .from("OnlyCar <avisos@onlycar.mx>".parse().unwrap())
        .to("Ana Peña <ana@example.com>".parse().unwrap())
        .bcc("archivo@onlycar.mx".parse::<Address>().unwrap())
        .subject(subject)
        .multipart(MultiPart::alternative_plain_html(
            "Hola, Ana.\n.\n..punto\nhttps://onlycar.mx/recibo?a=1&b=2\n".to_owned(),
            "<p>Hola, <b>Ana</b>.</p><script>alert(1)</script>".to_owned(),
        ))
        .unwrap()
}

/// A conversation by hand.
struct Talk(BufReader<TcpStream>);

impl Talk {
    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// The last line of the next answer; empty when the server closed.
    async fn answer(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }

    async fn ask(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n")).await;
        self.answer().await
    }

    async fn expect(&mut self, command: &str, code: &str) {
        let answer = self.ask(command).await;
        assert!(answer.starts_with(code), "{command}: {answer}");
    }

    async fn start_message(&mut self) {
        self.expect("EHLO prueba", "250").await;
        self.expect("MAIL FROM:<a@x.mx>", "250").await;
        self.expect("RCPT TO:<b@x.mx>", "250").await;
        self.expect("DATA", "354").await;
    }
}
