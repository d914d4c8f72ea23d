//! The store of documents: an object is written, read and removed.

use std::time::Duration;

use bytes::Bytes;

use super::check::Check;
use crate::ground::clock::Clock;
use crate::ground::config::Settings;
use crate::tools::objects::{Meta, Objects, Patience, StoreError};

const KEY: &str = "r2.objects";
const BYTES: &[u8] = b"onlycar doctor wrote this, and removes it at once\n";

pub(super) async fn probe(settings: &Settings) -> Vec<Check> {
    vec![match &settings.r2 {
        None => Check::lacking(
            settings.production,
            KEY,
            "the store of documents is not configured",
            "set R2_ACCOUNT_ID, R2_ACCESS_KEY_ID, R2_SECRET_ACCESS_KEY and R2_BUCKET_NAME",
        ),
        Some(r2) => {
            let patience = Patience {
                connect: Duration::from_secs(3),
                attempt: Duration::from_secs(4),
                stalled: Duration::from_secs(4),
            };
            // A name of its own: two doctors at once do not meet.
            let key = format!("doctor/{}.txt", Clock::system().new_id());
            there_and_back(&Objects::patient(r2, patience), &key).await
        }
    }]
}

async fn there_and_back(objects: &Objects, key: &str) -> Check {
    let meta = Meta {
        content_type: "text/plain",
        file_name: "doctor.txt",
        cache_control: "no-store",
        metadata: Vec::new(),
    };
    if let Err(error) = objects.put_bytes(key, &meta, Bytes::from_static(BYTES)).await {
        return failing("written", &error);
    }
    let read = async {
        match objects.get(key).await? {
            Some(object) => object.bytes().await,
            None => Ok(Bytes::new()),
        }
    };
    let read = read.await;
    // Also when it could not be read: nothing is to be left behind.
    let removed = objects.remove(key).await;
    match (read, removed) {
        (Err(error), _) => failing("read", &error),
        (Ok(bytes), _) if bytes != BYTES => {
            let hint = "does R2_BUCKET_NAME name one bucket, and R2_ENDPOINT one store?";
            Check::failing(KEY, "what was read is not what was written", hint)
        }
        (Ok(_), Err(error)) => {
            let said = format!("an object can be written and read, and not removed: {error}");
            let hint =
                format!("let the key remove objects (erasing a client needs it), and remove {key} by hand");
            Check::failing(KEY, said, hint)
        }
        (Ok(_), Ok(())) => Check::ok(KEY, "an object was written, read and removed"),
    }
}

fn failing(what: &str, error: &StoreError) -> Check {
    let hint = "the R2 token needs \"Object Read & Write\" for the bucket; look at R2_ACCOUNT_ID, R2_ENDPOINT and R2_BUCKET_NAME";
    Check::failing(KEY, format!("an object cannot be {what}: {error}"), hint)
}
