//! The captured mail on disk, one `<id>.eml` a message.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::message::{Envelope, Message};

/// A folder of messages and the id of the last one.
pub(super) struct Folder {
    path: PathBuf,
    last_id: u64,
}

impl Folder {
    /// Reads the newest `limit` messages, oldest first, and removes older ones.
    pub(super) fn open(path: &Path, limit: usize) -> io::Result<(Self, Vec<Message>)> {
        fs::create_dir_all(path)?;
        let mut ids = stored_ids(path)?;
        ids.sort_unstable();
        let folder = Self {
            path: path.to_owned(),
            last_id: ids.last().copied().unwrap_or_default(),
        };
        let kept = ids.split_off(ids.len().saturating_sub(limit));
        for id in ids {
            folder.remove(id);
        }
        let messages = kept
            .into_iter()
            .map(|id| folder.read(id))
            .collect::<io::Result<_>>()?;
        Ok((folder, messages))
    }

    /// Stores a message under the next id.
    pub(super) fn write(&mut self, envelope: &Envelope, data: &[u8]) -> io::Result<Message> {
        let id = self.last_id + 1;
        let draft = self.path.join("incoming");
        fs::write(&draft, envelope.wrap(data))?;
        fs::rename(&draft, self.file(id))?;
        self.last_id = id;
        self.read(id)
    }

    /// Removes a message; one that stays is removed at the next start.
    pub(super) fn remove(&self, id: u64) {
        if let Err(error) = fs::remove_file(self.file(id)) {
            tracing::warn!(id, %error, "an old message could not be removed");
        }
    }

    fn read(&self, id: u64) -> io::Result<Message> {
        let file = self.file(id);
        let received_at = fs::metadata(&file)?.modified()?.into();
        Ok(Message::read(id, received_at, fs::read(file)?))
    }

    fn file(&self, id: u64) -> PathBuf {
        self.path.join(format!("{id:08}.eml"))
    }
}

fn stored_ids(path: &Path) -> io::Result<Vec<u64>> {
    let mut ids = Vec::new();
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        let id: Option<u64> = name
            .to_str()
            .and_then(|name| name.strip_suffix(".eml")?.parse().ok());
        ids.extend(id);
    }
    Ok(ids)
}
