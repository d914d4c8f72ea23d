//! A mail server that delivers nothing: it keeps what it receives, for a person to read and a test to examine.
//!
//! `smtp` is the conversation, `faults` what a test can make go wrong in it, `message` one captured mail,
//! `folder` the files, and `pages` what the browser shows.

mod faults;
mod folder;
mod message;
mod pages;
mod smtp;
mod text;

use std::collections::VecDeque;
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub use faults::Fault;
pub use message::Message;

use faults::Faults;
use folder::Folder;
use message::Envelope;

/// How many messages are kept, in memory and on disk.
const KEPT: usize = 500;

/// A handle on the captured mail; clones share it.
#[derive(Clone)]
pub struct Mailbox {
    shared: Arc<Shared>,
}

struct Shared {
    messages: watch::Sender<VecDeque<Arc<Message>>>,
    folder: Mutex<Folder>,
    faults: Faults,
}

impl Mailbox {
    /// Opens the folder, creating it when absent, and reads the messages it holds.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let opened = Folder::open(folder, KEPT);
        let (folder, messages) =
            opened.with_context(|| format!("cannot open the mail folder {}", folder.display()))?;
        let messages = watch::Sender::new(messages.into_iter().map(Arc::new).collect());
        let shared = Shared {
            messages,
            folder: Mutex::new(folder),
            faults: Faults::default(),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Speaks SMTP until `stop` resolves; conversations still open are then cut.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<()> {
        smtp::serve(self, listener, stop)
            .await
            .context("the mail server stopped serving")
    }

    /// Pages and JSON to read the mail with; its links expect it at the root of its own listener.
    pub fn router(&self) -> axum::Router {
        pages::router(self.clone())
    }

    /// The messages kept, oldest first.
    pub fn messages(&self) -> Vec<Arc<Message>> {
        self.shared.messages.borrow().iter().cloned().collect()
    }

    /// The message with this id, while it is kept.
    pub fn message(&self, id: u64) -> Option<Arc<Message>> {
        self.shared
            .messages
            .borrow()
            .iter()
            .find(|message| message.id == id)
            .cloned()
    }

    /// Waits until at least `count` messages are kept.
    pub async fn wait_for(&self, count: usize, limit: Duration) -> anyhow::Result<Vec<Arc<Message>>> {
        let mut arrivals = self.shared.messages.subscribe();
        let arrived = tokio::time::timeout(limit, arrivals.wait_for(|kept| kept.len() >= count)).await;
        match arrived {
            Ok(kept) => Ok(kept?.iter().cloned().collect()),
            Err(_) => anyhow::bail!("{} of {count} messages after {limit:?}", self.messages().len()),
        }
    }

    /// Makes the next `times` messages meet `fault`, after the faults already injected.
    pub fn inject(&self, fault: Fault, times: usize) {
        self.shared.faults.inject(fault, times);
    }

    /// Answers 550 for this recipient from now on.
    pub fn refuse(&self, address: &str) {
        self.shared.faults.refuse(address);
    }

    /// Ends every fault.
    pub fn heal(&self) {
        self.shared.faults.heal();
    }

    /// Keeps a message: first on disk, then where readers and waiters see it.
    async fn keep(&self, envelope: Envelope, data: Vec<u8>) -> anyhow::Result<u64> {
        let shared = self.shared.clone();
        let keep = move || {
            // One lock over both steps, so that messages appear in the order of their ids.
            let mut folder = shared.folder.lock().unwrap_or_else(PoisonError::into_inner);
            let message = folder.write(&envelope, &data)?;
            let id = message.id;
            shared.messages.send_modify(|kept| {
                kept.push_back(Arc::new(message));
                while kept.len() > KEPT {
                    if let Some(old) = kept.pop_front() {
                        folder.remove(old.id);
                    }
                }
            });
            Ok(id)
        };
        tokio::task::spawn_blocking(keep).await?
    }
}
