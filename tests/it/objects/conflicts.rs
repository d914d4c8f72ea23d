//! An object is written once.

use onlycar::engine::Failure;
use tokio::sync::Barrier;

use super::*;

/// As after a kill between the upload and the record of it: the job runs again, in another process.
#[tokio::test]
async fn the_same_bytes_again_are_a_success() {
    for length in [0, 1000, PART, PART + 1, 3 * PART] {
        let site = Site::start().await;
        let bytes = document(length, 1);
        let first = put(&site.objects, &bytes).await.unwrap();
        let again = put(&objects(site.bucket.port, SECRET), &bytes).await.unwrap();
        assert_eq!(first, again);
        site.holds_only(&bytes).await;
    }
}

#[tokio::test]
async fn other_bytes_are_refused_and_change_nothing() {
    for length in [1000, PART + 1] {
        let site = Site::start().await;
        let bytes = document(length, 1);
        put(&site.objects, &bytes).await.unwrap();
        for other in [
            document(length, 2),
            document(length + 1, 1),
            document(0, 1),
            document(2 * PART, 1),
        ] {
            let error = put(&site.objects, &other).await.unwrap_err();
            let told = error.to_string();
            let StoreError::Different { key, offered } = &error else {
                panic!("{error:?}");
            };
            assert_eq!((key.as_str(), offered), (KEY, &sha256(&other)));
            assert!(matches!(Failure::from(error), Failure::Park(why) if why == told));
        }
        site.holds_only(&bytes).await;
    }
}

/// A digest in the metadata is a claim; the bytes decide.
#[tokio::test]
async fn a_false_digest_in_the_metadata_convinces_nobody() {
    let site = Site::start().await;
    let bytes = document(1000, 1);
    let forged = site.bucket.raw().put_object().bucket(BUCKET).key(KEY);
    let forged = forged.metadata("sha256", sha256(&bytes));
    forged
        .body(document(1000, 2).to_vec().into())
        .send()
        .await
        .unwrap();
    let refused = put(&site.objects, &bytes).await;
    assert!(matches!(refused, Err(StoreError::Different { .. })));
}

/// All of them have seen that nothing is there when the first one writes.
#[tokio::test]
async fn of_racing_writers_one_wins_and_the_others_are_told() {
    for length in [1000, PART + 1] {
        let site = Site::start().await;
        let together = Barrier::new(6);
        let documents = [1, 1, 2, 2, 3, 3].map(|seed| document(length, seed));
        let race = documents.iter().map(async |bytes| {
            let first = stream::once(async {
                together.wait().await;
                Ok(Bytes::new())
            });
            let source = futures_util::StreamExt::chain(first, pieces(bytes));
            (bytes, site.objects.put(KEY, &meta(), LIMIT, source).await)
        });
        let ends = futures_util::future::join_all(race).await;
        let found = site.objects.sha256_of(KEY).await.unwrap().unwrap();
        let mut winners = 0;
        for (bytes, end) in ends {
            match end {
                Ok(stored) => {
                    winners += 1;
                    assert_eq!(
                        (&stored.sha256, stored.sha256 == sha256(bytes)),
                        (&found.sha256, true)
                    );
                }
                Err(StoreError::Different { offered, .. }) => assert_ne!(offered, found.sha256),
                Err(error) => panic!("{error:?}"),
            }
        }
        // The winner, and the one who brought the same bytes.
        assert_eq!(winners, 2, "{length}");
        assert_eq!((site.bucket.keys().await.len(), site.unfinished().await), (1, 0));
    }
}
