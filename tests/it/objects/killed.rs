//! The store killed, the source gone, the one who waited gone: the end state is complete and single.

use chrono::{DateTime, TimeDelta, Utc};
use onlycar::engine::Failure;
use tokio::sync::mpsc;

use super::*;

/// A source that gives what a test puts in.
fn by_hand() -> (
    mpsc::UnboundedSender<Result<Bytes, DownloadError>>,
    impl Stream<Item = Result<Bytes, DownloadError>> + Send,
) {
    let (give, taken) = mpsc::unbounded_channel();
    let source = stream::unfold(taken, async |mut taken: mpsc::UnboundedReceiver<_>| {
        Some((taken.recv().await?, taken))
    });
    (give, source)
}

/// Waits until so many parts of the one upload are at the store.
async fn until_parts(site: &Site, count: usize) {
    until("the parts are there", async || {
        let client = site.bucket.raw();
        let uploads = client
            .list_multipart_uploads()
            .bucket(BUCKET)
            .send()
            .await
            .unwrap();
        let Some(id) = uploads.uploads().first().and_then(|upload| upload.upload_id()) else {
            return false;
        };
        let parts = client
            .list_parts()
            .bucket(BUCKET)
            .key(KEY)
            .upload_id(id)
            .send()
            .await;
        parts.is_ok_and(|parts| parts.parts().len() >= count)
    })
    .await;
}

#[tokio::test]
async fn the_store_is_killed_in_the_middle_of_an_upload() {
    let mut site = Site::start().await;
    let bytes = document(4 * PART + 9, 1);
    let (give, source) = by_hand();
    let objects = site.objects.clone();
    let upload = tokio::spawn(async move { objects.put(KEY, &meta(), LIMIT, source).await });
    give.send(Ok(bytes.slice(..2 * PART + 5))).unwrap();
    until_parts(&site, 2).await;
    site.bucket.kill();
    give.send(Ok(bytes.slice(2 * PART + 5..))).unwrap();
    drop(give);
    is_unavailable(upload.await.unwrap());

    site.bucket.start_again().await;
    assert_eq!(site.bucket.keys().await, [""; 0]);
    put(&site.objects, &bytes).await.unwrap();
    site.holds_only(&bytes).await;
}

/// It is back before anybody noticed, and has forgotten the parts.
#[tokio::test]
async fn the_store_is_replaced_in_the_middle_of_an_upload() {
    let mut site = Site::start().await;
    let bytes = document(3 * PART, 1);
    let (give, source) = by_hand();
    let objects = site.objects.clone();
    let upload = tokio::spawn(async move { objects.put(KEY, &meta(), LIMIT, source).await });
    give.send(Ok(bytes.slice(..PART + 5))).unwrap();
    until_parts(&site, 1).await;
    site.bucket.kill();
    site.bucket.start_again().await;
    give.send(Ok(bytes.slice(PART + 5..))).unwrap();
    drop(give);
    let reason = is_unavailable(upload.await.unwrap());
    // The answer to the first part may have been on its way still.
    let reasons = [
        "it forgot the upload",
        "no connection, or it broke off",
        "its answer cannot be read",
    ];
    assert!(reasons.contains(&reason.as_str()), "{reason}");
    put(&site.objects, &bytes).await.unwrap();
    site.holds_only(&bytes).await;
}

#[tokio::test]
async fn a_source_that_breaks_off_leaves_nothing() {
    let site = Site::start().await;
    for length in [0, 1000, PART, PART + 1, 2 * PART + 1] {
        let bytes = document(length, 1);
        let broken = futures_util::StreamExt::chain(pieces(&bytes), stream::iter([Err(broken_off())]));
        let error = site.objects.put(KEY, &meta(), LIMIT, broken).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Source(why) if *why == broken_off()),
            "{error:?}"
        );
        assert!(matches!(Failure::from(error), Failure::Retry { .. }));
        site.holds_nothing().await;
    }
}

/// The source is asked no more after it has failed, also when the key is taken already.
#[tokio::test]
async fn a_source_that_breaks_off_says_nothing_about_what_is_there() {
    let site = Site::start().await;
    let bytes = document(1000, 1);
    put(&site.objects, &bytes).await.unwrap();
    let broken = stream::iter([Ok(bytes.slice(..500)), Err(broken_off())]);
    let error = site.objects.put(KEY, &meta(), LIMIT, broken).await.unwrap_err();
    assert!(matches!(error, StoreError::Source(_)), "{error:?}");
    site.holds_only(&bytes).await;
}

#[tokio::test]
async fn an_upload_that_nobody_waits_for_is_aborted() {
    let site = Site::start().await;
    let (give, source) = by_hand();
    let objects = site.objects.clone();
    let upload = tokio::spawn(async move { objects.put(KEY, &meta(), LIMIT, source).await });
    give.send(Ok(document(PART + 1, 1))).unwrap();
    until_parts(&site, 1).await;
    upload.abort();
    assert!(upload.await.unwrap_err().is_cancelled());
    site.holds_nothing().await;
}

/// What a killed process leaves: nobody sees it, and the sweep takes it away, but not what is on its way now.
#[tokio::test]
async fn orphans_are_swept() {
    let site = Site::start().await;
    let begun = || {
        site.bucket
            .raw()
            .create_multipart_upload()
            .bucket(BUCKET)
            .key(KEY)
            .send()
    };
    for _ in 0..3 {
        begun().await.unwrap();
    }
    let listed = site
        .bucket
        .raw()
        .list_multipart_uploads()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    let times = listed
        .uploads()
        .iter()
        .map(|upload| upload.initiated().unwrap().secs());
    let first = DateTime::<Utc>::from_timestamp(times.clone().min().unwrap(), 0).unwrap();
    let last = DateTime::<Utc>::from_timestamp(times.max().unwrap(), 0).unwrap();
    assert_eq!(site.objects.abort_orphans(first).await.unwrap(), 0);
    assert_eq!(site.unfinished().await, 3);
    assert_eq!(
        site.objects
            .abort_orphans(last + TimeDelta::seconds(1))
            .await
            .unwrap(),
        3
    );
    site.holds_nothing().await;
    let bytes = document(PART + 1, 1);
    put(&site.objects, &bytes).await.unwrap();
    site.holds_only(&bytes).await;
}
