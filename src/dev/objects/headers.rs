//! The headers a client stores with an object and gets back with it.

use std::collections::HashMap;

use s3s::dto::{CopyObjectInput, CreateMultipartUploadInput, PutObjectInput, Timestamp};
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};

/// R2's limit for names and values of user metadata together.
const METADATA_LIMIT: usize = 8192;

/// What is stored with an object besides its bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Headers {
    pub(super) content_type: Option<String>,
    pub(super) cache_control: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_language: Option<String>,
    pub(super) expires: Option<Timestamp>,
    pub(super) metadata: HashMap<String, String>,
}

/// The inputs of the three writing operations share these fields but no trait.
macro_rules! from_input {
    ($($input:ty),+) => {$(
        impl From<&$input> for Headers {
            fn from(input: &$input) -> Self {
                Self {
                    content_type: input.content_type.clone(),
                    cache_control: input.cache_control.clone(),
                    content_disposition: input.content_disposition.clone(),
                    content_encoding: input.content_encoding.clone(),
                    content_language: input.content_language.clone(),
                    expires: input.expires.clone(),
                    metadata: input.metadata.clone().unwrap_or_default(),
                }
            }
        }
    )+};
}

from_input!(PutObjectInput, CreateMultipartUploadInput, CopyObjectInput);

impl Headers {
    /// Refuses metadata that R2 would refuse.
    pub(super) fn within_limits(self) -> S3Result<Self> {
        let size: usize = self
            .metadata
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        if size > METADATA_LIMIT {
            return Err(s3_error!(
                MetadataTooLarge,
                "user metadata of {size} bytes exceeds {METADATA_LIMIT}"
            ));
        }
        Ok(self)
    }
}
