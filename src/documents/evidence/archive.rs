//! Reading a bundle that anybody may have made: nothing is believed of it before it is counted, and no more is kept in
//! memory than was allowed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use zip::{CompressionMethod, ZipArchive};

use super::{FILES, MANIFEST, README, SIGNATURE};

/// A contract may have 64 MiB of PDF, 32 MiB of XML and 20 MiB of original.
const LARGEST: u64 = 256 * 1024 * 1024;
/// A document has five files at most.
const MOST_ENTRIES: u16 = 16;
const LARGEST_DIRECTORY: u32 = 16 * 1024;
/// End of central directory record (APPNOTE 4.3.16), without a comment.
const END: usize = 22;
/// The mark of ZIP64's locator, which stands right before it where there is one.
const ZIP64_LOCATOR: [u8; 4] = [b'P', b'K', 6, 7];
const ZIP64_LOCATOR_LENGTH: usize = 20;

/// It is no bundle, and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoBundle(pub String);

fn no(why: impl Into<String>) -> NoBundle {
    NoBundle(why.into())
}

/// An opened bundle.
pub struct Archive {
    zip: ZipArchive<BufReader<File>>,
    /// Where each name stands.
    names: BTreeMap<String, usize>,
}

/// What a file of it is.
pub struct Content {
    pub sha256: String,
    pub bytes: u64,
}

impl Archive {
    /// Opens it and looks at its frame: every byte belongs to one entry, and every entry has a name of ours.
    pub fn open(path: &Path) -> Result<Self, NoBundle> {
        let mut file = File::open(path).map_err(|error| no(format!("it cannot be read: {error}")))?;
        let entries = frame(&mut file)?;
        let mut zip =
            ZipArchive::new(BufReader::new(file)).map_err(|error| no(format!("no ZIP: {error}")))?;
        if zip.has_duplicate_names() || zip.len() != usize::from(entries) {
            return Err(no("two of its files have the same name"));
        }
        zip.validate_header_consistency()
            .map_err(|error| no(format!("its headers contradict each other: {error}")))?;
        let mut names = BTreeMap::new();
        let mut end = 0;
        for index in 0..zip.len() {
            let broken = |_| no("one of its headers cannot be read");
            let entry = zip.by_index(index).map_err(broken)?;
            let name = std::str::from_utf8(entry.name_raw())
                .ok()
                .filter(|name| is_ours(name));
            let name = name
                .ok_or_else(|| no("a file in it has a name that no bundle has"))?
                .to_owned();
            if entry.compression() != CompressionMethod::Stored
                || entry.encrypted()
                || entry.size() != entry.compressed_size()
            {
                return Err(no(format!(
                    "{name} is compressed or encrypted; no file of a bundle is"
                )));
            }
            let start = entry.data_start().unwrap_or_default();
            end = end.max(start.saturating_add(entry.size()));
            names.insert(name, index);
        }
        if end != zip.central_directory_start() {
            return Err(no("there are bytes in it that belong to no file"));
        }
        Ok(Self { zip, names })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// A small file, whole.
    pub fn read(&mut self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, NoBundle> {
        let mut bytes = Vec::new();
        let read = self.each(name, limit, |piece| bytes.extend_from_slice(piece))?;
        Ok(read.map(|_| bytes))
    }

    /// Reads a file and says what it is.
    pub fn content(&mut self, name: &str) -> Result<Option<Content>, NoBundle> {
        self.each(name, LARGEST, |_| ())
    }

    fn each(
        &mut self,
        name: &str,
        limit: u64,
        mut take: impl FnMut(&[u8]),
    ) -> Result<Option<Content>, NoBundle> {
        let Some(index) = self.names.get(name) else {
            return Ok(None);
        };
        let broken = |error: &dyn std::fmt::Display| no(format!("{name} cannot be read: {error}"));
        let mut entry = self.zip.by_index(*index).map_err(|error| broken(&error))?;
        if entry.size() > limit {
            return Err(no(format!("{name} is larger than {limit} bytes")));
        }
        let (mut sha256, mut bytes) = (Sha256::new(), 0);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = entry.read(&mut buffer).map_err(|error| broken(&error))?;
            let piece = buffer.get(..count).unwrap_or_default();
            if piece.is_empty() {
                break;
            }
            sha256.update(piece);
            bytes += piece.len() as u64;
            take(piece);
        }
        Ok(Some(Content {
            sha256: hex::encode(sha256.finalize()),
            bytes,
        }))
    }
}

/// Looks at the end of the file, as every reader of ZIP does first, and refuses what would make one ask for more memory
/// than a bundle needs. Returns how many entries there are.
fn frame(file: &mut File) -> Result<u16, NoBundle> {
    let cannot = |error: std::io::Error| no(format!("it cannot be read: {error}"));
    let length = file.metadata().map_err(cannot)?.len();
    if length > LARGEST {
        return Err(no(format!("it is larger than {LARGEST} bytes; no bundle is")));
    }
    let tail = length.min((END + ZIP64_LOCATOR_LENGTH) as u64);
    file.seek(SeekFrom::Start(length - tail)).map_err(cannot)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(cannot)?;
    file.rewind().map_err(cannot)?;
    let cut = || no("it is no ZIP as bundles are, or it was cut off");
    let (before, end) = bytes
        .split_at_checked(bytes.len().saturating_sub(END))
        .ok_or_else(cut)?;
    let short = |at: usize| Some(u16::from_le_bytes(end.get(at..at + 2)?.try_into().ok()?));
    let long = |at: usize| Some(u32::from_le_bytes(end.get(at..at + 4)?.try_into().ok()?));
    if !end.starts_with(b"PK\x05\x06") || short(20) != Some(0) || before.starts_with(&ZIP64_LOCATOR) {
        return Err(cut());
    }
    let (entries, size, start) = (short(10), long(12), long(16));
    let (Some(entries), Some(size), Some(start)) = (entries, size, start) else {
        return Err(cut());
    };
    if entries > MOST_ENTRIES || size > LARGEST_DIRECTORY {
        return Err(no("it holds more files than a bundle has"));
    }
    if u64::from(start) + u64::from(size) + END as u64 != length || short(8) != Some(entries) {
        return Err(cut());
    }
    Ok(entries)
}

/// No path leads anywhere: a name is one of three, or stands in the one folder.
fn is_ours(name: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let plain = |name: &str| {
        !name.is_empty() && name.len() <= 120 && !name.starts_with('.') && name.bytes().all(fine)
    };
    [MANIFEST, SIGNATURE, README].contains(&name) || name.strip_prefix(FILES).is_some_and(plain)
}
