//! Multipart uploads in progress, under R2's rules for the sizes of parts.
//!
//! They live in memory and in the spool: a restart forgets them, as R2 forgets unfinished uploads after a week.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use s3s::dto::{CompletedPart, MultipartUpload, Part, Timestamp};
use s3s::{S3Error, S3Result, s3_error};

use super::headers::Headers;
use super::spool::{Spooled, unique_name};
use crate::ground::clock::Clock;

const MINIMUM_PART: u64 = 5 * 1024 * 1024;
const MAXIMUM_PARTS: i32 = 10_000;

/// Every upload in progress, by its id.
#[derive(Default)]
pub(super) struct Uploads(Mutex<HashMap<String, Upload>>);

struct Upload {
    key: String,
    begun: Timestamp,
    headers: Headers,
    parts: BTreeMap<i32, Arc<Spooled>>,
}

/// A finished upload, joined and ready to become an object.
pub(super) struct Assembled {
    pub(super) headers: Headers,
    pub(super) etag: String,
    pub(super) body: Spooled,
}

impl Uploads {
    /// Starts an upload and names it.
    pub(super) fn create(&self, key: String, headers: Headers) -> String {
        let id = unique_name();
        self.lock().insert(
            id.clone(),
            Upload {
                key,
                begun: Timestamp::from(SystemTime::from(Clock::system().now())),
                headers,
                parts: BTreeMap::new(),
            },
        );
        id
    }

    /// Whether part `number` of this upload may be sent; asked before its body is read.
    pub(super) fn expects(&self, id: &str, key: &str, number: i32) -> S3Result<()> {
        if !(1..=MAXIMUM_PARTS).contains(&number) {
            return Err(s3_error!(
                InvalidArgument,
                "Part number must be between 1 and {MAXIMUM_PARTS}."
            ));
        }
        find(&mut self.lock(), id, key).map(drop)
    }

    /// Adds a part, replacing an earlier one of the same number, and returns its `ETag`.
    pub(super) fn add(&self, id: &str, key: &str, number: i32, part: Spooled) -> S3Result<String> {
        let etag = hex::encode(part.md5);
        find(&mut self.lock(), id, key)?
            .parts
            .insert(number, Arc::new(part));
        Ok(etag)
    }

    /// The parts received so far, in order.
    pub(super) fn list(&self, id: &str, key: &str) -> S3Result<Vec<Part>> {
        let mut uploads = self.lock();
        let parts = &find(&mut uploads, id, key)?.parts;
        Ok(parts
            .iter()
            .map(|(number, part)| describe(*number, part))
            .collect())
    }

    /// The uploads in progress below `prefix`.
    pub(super) fn in_progress(&self, prefix: &str) -> Vec<MultipartUpload> {
        let uploads = self.lock();
        let below = uploads
            .iter()
            .filter(|(_, upload)| upload.key.starts_with(prefix));
        below
            .map(|(id, upload)| MultipartUpload {
                key: Some(upload.key.clone()),
                upload_id: Some(id.clone()),
                initiated: Some(upload.begun.clone()),
                ..MultipartUpload::default()
            })
            .collect()
    }

    /// Drops an upload and its parts.
    pub(super) fn remove(&self, id: &str, key: &str) -> S3Result<()> {
        let mut uploads = self.lock();
        find(&mut uploads, id, key)?;
        uploads.remove(id);
        Ok(())
    }

    /// Joins the parts the client names into one body; the upload stays until `remove`.
    pub(super) fn assemble(
        &self,
        id: &str,
        key: &str,
        named: &[CompletedPart],
        spool: &Path,
    ) -> S3Result<Assembled> {
        let (headers, parts) = {
            let mut uploads = self.lock();
            let upload = find(&mut uploads, id, key)?;
            (upload.headers.clone(), select(&upload.parts, named)?)
        };
        check_sizes(&parts)?;
        let body = Spooled::join(spool, parts.iter().map(AsRef::as_ref)).map_err(S3Error::internal_error)?;
        let etag = format!("{}-{}", hex::encode(body.md5), parts.len());
        Ok(Assembled { headers, etag, body })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Upload>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find<'a>(uploads: &'a mut HashMap<String, Upload>, id: &str, key: &str) -> S3Result<&'a mut Upload> {
    uploads
        .get_mut(id)
        .filter(|upload| upload.key == key)
        .ok_or_else(|| s3_error!(NoSuchUpload, "The specified multipart upload does not exist."))
}

fn describe(number: i32, part: &Spooled) -> Part {
    Part {
        part_number: Some(number),
        e_tag: Some(s3s::dto::ETag::Strong(hex::encode(part.md5))),
        size: i64::try_from(part.size).ok(),
        ..Part::default()
    }
}

fn select(parts: &BTreeMap<i32, Arc<Spooled>>, named: &[CompletedPart]) -> S3Result<Vec<Arc<Spooled>>> {
    if named.is_empty() {
        return Err(s3_error!(MalformedXML, "At least one part must be named."));
    }
    if !named.is_sorted_by(|one, next| one.part_number < next.part_number) {
        return Err(s3_error!(
            InvalidPartOrder,
            "Parts must be named in ascending order, each once."
        ));
    }
    named.iter().map(|part| select_one(parts, part)).collect()
}

fn select_one(parts: &BTreeMap<i32, Arc<Spooled>>, named: &CompletedPart) -> S3Result<Arc<Spooled>> {
    let etag = named.e_tag.as_ref().map(s3s::dto::ETag::value);
    named
        .part_number
        .and_then(|number| parts.get(&number))
        .filter(|part| etag == Some(hex::encode(part.md5).as_str()))
        .cloned()
        .ok_or_else(|| invalid_part("One or more of the specified parts could not be found."))
}

/// R2, unlike S3, wants all parts but the last of one size, and the last no larger.
fn check_sizes(parts: &[Arc<Spooled>]) -> S3Result<()> {
    let Some((last, others)) = parts.split_last() else {
        return Ok(());
    };
    let Some(first) = others.first() else {
        return Ok(());
    };
    if others.iter().any(|part| part.size < MINIMUM_PART) {
        return Err(s3_error!(
            EntityTooSmall,
            "Every part but the last must have at least {MINIMUM_PART} bytes."
        ));
    }
    if others.iter().any(|part| part.size != first.size) {
        return Err(invalid_part("All non-trailing parts must have the same length."));
    }
    if last.size > first.size {
        return Err(invalid_part(
            "The trailing part must not be longer than the others.",
        ));
    }
    Ok(())
}

fn invalid_part(message: &'static str) -> S3Error {
    s3_error!(InvalidPart, "{message}")
}
