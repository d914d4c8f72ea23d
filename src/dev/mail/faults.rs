//! What a test can make go wrong in a conversation.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What happens to a message whose content has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 451: try again later. Nothing is kept.
    Defer,
    /// The connection closes without an answer. Nothing is kept.
    Disconnect,
    /// The connection closes without an answer, but the message is kept: a retry becomes a duplicate.
    LoseReply,
}

/// The faults still to come.
#[derive(Default)]
pub(super) struct Faults(Mutex<State>);

#[derive(Default)]
struct State {
    queue: VecDeque<Fault>,
    refused: HashSet<String>,
}

impl Faults {
    pub(super) fn inject(&self, fault: Fault, times: usize) {
        self.state().queue.extend(std::iter::repeat_n(fault, times));
    }

    pub(super) fn refuse(&self, address: &str) {
        self.state().refused.insert(address.to_lowercase());
    }

    pub(super) fn heal(&self) {
        *self.state() = State::default();
    }

    /// The fault the next message meets, if any.
    pub(super) fn next(&self) -> Option<Fault> {
        self.state().queue.pop_front()
    }

    pub(super) fn refuses(&self, address: &str) -> bool {
        self.state().refused.contains(&address.to_lowercase())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
