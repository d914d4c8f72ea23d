//! Signed links: whoever holds one reads one object for a while, and nothing else.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};

use super::meta::check_key;
use super::{Objects, StoreError};

/// A link to one object. Its address is the permission: it goes to who asked, and nowhere else.
pub struct Link {
    /// Where the object can be read.
    pub url: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

impl Objects {
    /// Signs a link that is good from `now` on. Nothing is asked of the store: see [`Objects::head`] for whether the
    /// object is there. Its name and type are those it was stored with; R2 lets no link choose others.
    pub async fn link(&self, key: &str, now: DateTime<Utc>, valid: Duration) -> Result<Link, StoreError> {
        let key = check_key(key)?;
        // The signature knows whole seconds.
        let now = now.trunc_subsecs(0);
        let impossible = || StoreError::Refused("no link can be signed for it".to_owned());
        let terms = PresigningConfig::builder()
            .start_time(now.into())
            .expires_in(valid)
            .build()
            .map_err(|_| impossible())?;
        let request = self.client.get_object().bucket(&self.bucket).key(key);
        // The client's own text is not repeated: it may print the request.
        let signed = request.presigned(terms).await.map_err(|_| impossible())?;
        let valid = TimeDelta::from_std(valid).map_err(|_| impossible())?;
        Ok(Link {
            url: signed.uri().to_owned(),
            expires_at: now + valid,
        })
    }
}
