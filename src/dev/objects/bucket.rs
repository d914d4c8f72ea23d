//! The objects of one bucket on disk.
//!
//! An object is a sidecar `<sha256 of the key>.json` and the body file the sidecar names. Renaming the sidecar
//! into place is the commit: a crash leaves either the old object or the new one, and bodies no sidecar names are
//! removed at the next start. The index in memory holds every sidecar, which suits a development store.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use s3s::dto::Timestamp;
use s3s::{S3Error, S3Result, s3_error};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::conditions::Conditions;
use super::headers::Headers;
use super::spool::{Spooled, unique_name};

/// The sidecar of one object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) key: String,
    body: String,
    pub(super) size: u64,
    pub(super) etag: String,
    pub(super) last_modified: Timestamp,
    pub(super) headers: Headers,
}

/// A bucket and the index of its objects.
pub(super) struct Bucket {
    pub(super) name: String,
    pub(super) spool: PathBuf,
    objects: PathBuf,
    index: RwLock<BTreeMap<String, Record>>,
}

impl Bucket {
    /// Reads the sidecars and removes what a crash left half done.
    pub(super) fn open(folder: &Path, name: &str) -> anyhow::Result<Self> {
        let spool = folder.join("spool");
        let objects = folder.join("objects");
        if spool.exists() {
            fs::remove_dir_all(&spool)?;
        }
        fs::create_dir_all(&spool)?;
        fs::create_dir_all(&objects)?;
        let index = read_sidecars(&objects)?;
        remove_orphans(&objects, &index)?;
        Ok(Self {
            name: name.to_owned(),
            spool,
            objects,
            index: RwLock::new(index),
        })
    }

    /// The record of an object.
    pub(super) fn find(&self, key: &str) -> S3Result<Record> {
        self.read().get(key).cloned().ok_or_else(no_such_key)
    }

    /// The record and the open body of an object, one that a later overwrite does not pull away.
    pub(super) fn open_object(&self, key: &str) -> S3Result<(Record, File)> {
        let index = self.read();
        let record = index.get(key).ok_or_else(no_such_key)?;
        let file = File::open(self.objects.join(&record.body)).map_err(S3Error::internal_error)?;
        Ok((record.clone(), file))
    }

    /// Whether a write to `key` would be allowed now; asked before a large body is read for nothing.
    pub(super) fn allow_write(&self, key: &str, conditions: &Conditions) -> S3Result<()> {
        conditions.allow_write(self.read().get(key))
    }

    /// Makes `body` the object `key`, durably, if the conditions still hold.
    pub(super) fn commit(
        &self,
        key: &str,
        etag: String,
        headers: Headers,
        body: Spooled,
        conditions: &Conditions,
    ) -> S3Result<Record> {
        let mut index = self.write();
        conditions.allow_write(index.get(key))?;
        let record = self
            .store(key, etag, headers, body)
            .map_err(S3Error::internal_error)?;
        if let Some(old) = index.insert(key.to_owned(), record.clone()) {
            self.discard(&old);
        }
        Ok(record)
    }

    /// Removes an object; removing what is not there succeeds, as S3 has it.
    pub(super) fn remove(&self, key: &str) -> S3Result<()> {
        let mut index = self.write();
        if let Some(record) = index.get(key) {
            fs::remove_file(self.sidecar(key)).map_err(S3Error::internal_error)?;
            sync_folder(&self.objects).map_err(S3Error::internal_error)?;
            self.discard(record);
            index.remove(key);
        }
        Ok(())
    }

    /// Every record in key order.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Record>> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Record>> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn sidecar(&self, key: &str) -> PathBuf {
        self.objects.join(format!("{}.json", stem(key)))
    }

    fn store(&self, key: &str, etag: String, headers: Headers, body: Spooled) -> io::Result<Record> {
        let name = format!("{}-{}", stem(key), unique_name());
        let path = self.objects.join(&name);
        let size = body.size;
        body.keep_as(&path)?;
        let last_modified = modified(&path)?;
        let record = Record {
            key: key.to_owned(),
            body: name,
            size,
            etag,
            last_modified,
            headers,
        };
        let draft = self.spool.join(unique_name());
        fs::write(&draft, serde_json::to_vec_pretty(&record)?)?;
        File::open(&draft)?.sync_all()?;
        fs::rename(&draft, self.sidecar(key))?;
        sync_folder(&self.objects)?;
        Ok(record)
    }

    fn discard(&self, record: &Record) {
        // The body is no longer named by any sidecar: if this fails, the next start removes it.
        let _ = fs::remove_file(self.objects.join(&record.body));
    }
}

fn read_sidecars(objects: &Path) -> anyhow::Result<BTreeMap<String, Record>> {
    let mut index = BTreeMap::new();
    for entry in fs::read_dir(objects)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let unreadable = || format!("unreadable sidecar {}", path.display());
            let record: Record = serde_json::from_slice(&fs::read(&path)?).with_context(unreadable)?;
            index.insert(record.key.clone(), record);
        }
    }
    Ok(index)
}

fn remove_orphans(objects: &Path, index: &BTreeMap<String, Record>) -> io::Result<()> {
    let named: HashSet<&str> = index.values().map(|record| record.body.as_str()).collect();
    for entry in fs::read_dir(objects)? {
        let path = entry?.path();
        let body = path.extension().is_none();
        let named = path
            .file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| named.contains(name));
        if body && !named {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Keys are up to 1,024 bytes and may hold `/` and `..`: only their digest becomes a file name.
fn stem(key: &str) -> String {
    hex::encode(Sha256::digest(key))
}

/// The file system's time of the last write, in the whole seconds that HTTP dates can carry.
pub(super) fn modified(path: &Path) -> io::Result<Timestamp> {
    Ok(whole_seconds(fs::metadata(path)?.modified()?))
}

fn whole_seconds(time: SystemTime) -> Timestamp {
    let elapsed = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from(UNIX_EPOCH + Duration::from_secs(elapsed.as_secs()))
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}
