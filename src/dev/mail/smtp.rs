//! The SMTP conversation (RFC 5321), as much of it as a client that submits mail can see.

use std::future::Future;
use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

use smtp_proto::{AUTH_LOGIN, AUTH_PLAIN, Error, MailFrom, Request};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::message::Envelope;
use super::{Fault, Mailbox};

/// Largest message accepted, announced as SIZE.
const MESSAGE_LIMIT: usize = 25 * 1024 * 1024;
/// RFC 5321 asks for 512 bytes at least; AUTH and parameters need more.
const COMMAND_LIMIT: usize = 4096;
const RECIPIENT_LIMIT: usize = 100;
const IDLE_LIMIT: Duration = Duration::from_mins(5);

/// Accepts connections until `stop` resolves.
pub(super) async fn serve(
    mailbox: Mailbox,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut conversations = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return Ok(()),
            Some(_) = conversations.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    conversations.spawn(converse(stream, mailbox.clone()));
                }
                // The client hung up between connecting and being accepted: its affair.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

async fn converse(stream: TcpStream, mailbox: Mailbox) {
    // Pipelined answers are small writes in a row: with Nagle's algorithm each would wait for an acknowledgement.
    let _ = stream.set_nodelay(true);
    let mut session = Session {
        stream: BufReader::new(stream),
        mailbox,
        greeted: false,
        envelope: None,
    };
    if let Err(error) = session.run().await {
        tracing::debug!(%error, "an SMTP client went away");
    }
}

struct Session {
    stream: BufReader<TcpStream>,
    mailbox: Mailbox,
    greeted: bool,
    envelope: Option<Envelope>,
}

/// What a read brought.
enum Line {
    Ended,
    TooLong,
    Whole(Vec<u8>),
}

impl Session {
    async fn run(&mut self) -> io::Result<()> {
        self.reply("220 onlycar.dev ESMTP: captures every message, delivers none")
            .await?;
        loop {
            match self.line(COMMAND_LIMIT).await? {
                Line::Ended => return Ok(()),
                Line::TooLong => self.reply("500 5.5.6 Line too long").await?,
                Line::Whole(line) => {
                    if self.obey(&line).await?.is_break() {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn obey(&mut self, line: &[u8]) -> io::Result<ControlFlow<()>> {
        let request = match Request::parse(&mut line.iter()) {
            Ok(request) => request,
            Err(error) => {
                self.reply(&complaint(&error)).await?;
                return Ok(ControlFlow::Continue(()));
            }
        };
        match request {
            Request::Ehlo { .. } => self.greet(true).await?,
            Request::Helo { .. } => self.greet(false).await?,
            Request::Auth {
                mechanism,
                initial_response,
            } => {
                self.authenticate(mechanism, &initial_response).await?;
            }
            Request::Mail { from } => self.mail(from).await?,
            Request::Rcpt { to } => self.recipient(&to.address).await?,
            Request::Data => return self.data().await,
            Request::Rset => {
                self.envelope = None;
                self.reply("250 2.0.0 Ok").await?;
            }
            Request::Noop { .. } => self.reply("250 2.0.0 Ok").await?,
            Request::Vrfy { .. } => self.reply("252 2.5.0 Send and see").await?,
            Request::Help { .. } => self.reply("214 2.0.0 RFC 5321").await?,
            Request::Quit => {
                self.reply("221 2.0.0 Bye").await?;
                return Ok(ControlFlow::Break(()));
            }
            other => {
                self.reply(&format!("502 5.5.1 {} not implemented", other.name()))
                    .await?;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    async fn greet(&mut self, extended: bool) -> io::Result<()> {
        self.greeted = true;
        self.envelope = None;
        if !extended {
            return self.reply("250 onlycar.dev").await;
        }
        let extensions = format!(
            "250-onlycar.dev\r\n250-PIPELINING\r\n250-SIZE {MESSAGE_LIMIT}\r\n250-8BITMIME\r\n\
             250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250 AUTH PLAIN LOGIN"
        );
        self.reply(&extensions).await
    }

    /// Takes any name and password: it is the client's side that development wants to exercise.
    async fn authenticate(&mut self, mechanism: u64, initial: &str) -> io::Result<()> {
        let prompts: &[&str] = match (mechanism, initial.is_empty()) {
            _ if !self.greeted => return self.reply(OUT_OF_ORDER).await,
            (AUTH_PLAIN, false) => &[],
            (AUTH_PLAIN, true) => &["334 "],
            (AUTH_LOGIN, false) => &["334 UGFzc3dvcmQ6"],
            (AUTH_LOGIN, true) => &["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"],
            _ => return self.reply("504 5.5.4 Use PLAIN or LOGIN").await,
        };
        for prompt in prompts {
            self.reply(prompt).await?;
            match self.line(COMMAND_LIMIT).await? {
                Line::Whole(line) if line.trim_ascii() != b"*" => {}
                Line::Whole(_) => return self.reply("501 5.7.0 Authentication cancelled").await,
                Line::TooLong => return self.reply("500 5.5.6 Line too long").await,
                Line::Ended => return Ok(()),
            }
        }
        self.reply("235 2.7.0 Authentication successful").await
    }

    async fn mail(&mut self, from: MailFrom<std::borrow::Cow<'_, str>>) -> io::Result<()> {
        if !self.greeted || self.envelope.is_some() {
            return self.reply(OUT_OF_ORDER).await;
        }
        if from.size > MESSAGE_LIMIT {
            return self.reply(TOO_LARGE).await;
        }
        let from = from.address.into_owned();
        self.envelope = Some(Envelope { from, to: Vec::new() });
        self.reply("250 2.1.0 Ok").await
    }

    async fn recipient(&mut self, address: &str) -> io::Result<()> {
        let refused = self.mailbox.shared.faults.refuses(address);
        let answer = match &mut self.envelope {
            None => OUT_OF_ORDER,
            Some(_) if refused => "550 5.1.1 No such user here",
            Some(envelope) if envelope.to.len() == RECIPIENT_LIMIT => "452 4.5.3 Too many recipients",
            Some(envelope) => {
                envelope.to.push(address.to_owned());
                "250 2.1.5 Ok"
            }
        };
        self.reply(answer).await
    }

    async fn data(&mut self) -> io::Result<ControlFlow<()>> {
        let Some(envelope) = self.envelope.take_if(|envelope| !envelope.to.is_empty()) else {
            self.reply(OUT_OF_ORDER).await?;
            return Ok(ControlFlow::Continue(()));
        };
        self.reply("354 End data with <CR><LF>.<CR><LF>").await?;
        match self.content().await? {
            Line::Ended => Ok(ControlFlow::Break(())),
            Line::TooLong => {
                self.reply(TOO_LARGE).await?;
                Ok(ControlFlow::Continue(()))
            }
            Line::Whole(content) => self.accept(envelope, content).await,
        }
    }

    async fn accept(&mut self, envelope: Envelope, content: Vec<u8>) -> io::Result<ControlFlow<()>> {
        let fault = self.mailbox.shared.faults.next();
        match fault {
            Some(Fault::Disconnect) => return Ok(ControlFlow::Break(())),
            Some(Fault::Defer) => {
                self.reply("451 4.3.0 Try again later").await?;
                return Ok(ControlFlow::Continue(()));
            }
            Some(Fault::LoseReply) | None => {}
        }
        let answer = match self.mailbox.keep(envelope, content).await {
            Ok(id) => format!("250 2.0.0 Ok: kept as {id}"),
            Err(error) => {
                tracing::error!(?error, "a message could not be kept");
                "452 4.3.1 Could not be stored".to_owned()
            }
        };
        if fault == Some(Fault::LoseReply) {
            return Ok(ControlFlow::Break(()));
        }
        self.reply(&answer).await?;
        Ok(ControlFlow::Continue(()))
    }

    /// Reads a message up to its final dot. Only CRLF counts as a line's end there, or a bare LF before a dot
    /// could smuggle a second message in.
    async fn content(&mut self) -> io::Result<Line> {
        let mut content = Vec::new();
        let mut too_long = false;
        let mut at_line_start = true;
        loop {
            let line = match self.line(MESSAGE_LIMIT).await? {
                Line::Ended => return Ok(Line::Ended),
                Line::TooLong => {
                    too_long = true;
                    continue;
                }
                Line::Whole(line) => line,
            };
            if at_line_start && line == b".\r\n" {
                return Ok(if too_long {
                    Line::TooLong
                } else {
                    Line::Whole(content)
                });
            }
            let stuffed = line.strip_prefix(b".").filter(|_| at_line_start);
            at_line_start = line.ends_with(b"\r\n");
            too_long |= content.len() + line.len() > MESSAGE_LIMIT;
            if !too_long {
                content.extend_from_slice(stuffed.unwrap_or(&line));
            }
        }
    }

    async fn line(&mut self, limit: usize) -> io::Result<Line> {
        let read = read_line(&mut self.stream, limit);
        if let Ok(line) = tokio::time::timeout(IDLE_LIMIT, read).await {
            return line;
        }
        self.reply("421 4.4.2 Idle for too long").await?;
        Ok(Line::Ended)
    }

    async fn reply(&mut self, answer: &str) -> io::Result<()> {
        self.stream.write_all(format!("{answer}\r\n").as_bytes()).await
    }
}

const OUT_OF_ORDER: &str = "503 5.5.1 Bad sequence of commands";
const TOO_LARGE: &str = "552 5.3.4 Message too large";

fn complaint(error: &Error) -> String {
    match error {
        Error::InvalidSenderAddress => "501 5.1.7 Bad sender address".to_owned(),
        Error::InvalidRecipientAddress => "501 5.1.3 Bad recipient address".to_owned(),
        Error::SyntaxError { syntax } => format!("501 5.5.2 Syntax: {syntax}"),
        Error::InvalidParameter { param } => format!("501 5.5.4 Bad parameter {param}"),
        Error::UnsupportedParameter { param } => format!("555 5.5.4 Unsupported parameter {param}"),
        _ => "500 5.5.2 Command unrecognized".to_owned(),
    }
}

/// Reads up to and including LF; the rest of a line over the limit is read and thrown away.
async fn read_line(reader: &mut (impl AsyncBufRead + Unpin), limit: usize) -> io::Result<Line> {
    let mut line = Vec::new();
    let mut too_long = false;
    loop {
        let buffered = reader.fill_buf().await?;
        if buffered.is_empty() {
            return Ok(Line::Ended);
        }
        let end = buffered.iter().position(|byte| *byte == b'\n');
        let (taken, _) = buffered.split_at(end.map_or(buffered.len(), |end| end + 1));
        too_long |= line.len() + taken.len() > limit;
        if !too_long {
            line.extend_from_slice(taken);
        }
        let taken = taken.len();
        reader.consume(taken);
        if end.is_some() {
            return Ok(if too_long {
                Line::TooLong
            } else {
                Line::Whole(line)
            });
        }
    }
}
