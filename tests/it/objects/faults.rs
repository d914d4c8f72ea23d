//! Answers that are wrong, late, lost or broken: a document is stored whole or not at all, and the queue knows why.

use futures_util::TryStreamExt as _;
use onlycar::engine::Failure;

use super::proxy::{Fault, Proxy};
use super::*;

struct Broken {
    site: Site,
    proxy: Proxy,
    objects: Objects,
}

impl Broken {
    async fn way() -> Self {
        let site = Site::start().await;
        let proxy = Proxy::to(site.bucket.port).await;
        Self {
            objects: objects(proxy.port, SECRET),
            site,
            proxy,
        }
    }
}

const ALWAYS: u32 = 99;

#[tokio::test]
async fn one_failure_is_tried_again_at_once() {
    for length in [1000, PART + 1] {
        let way = Broken::way().await;
        for method in ["HEAD", "PUT", "POST"] {
            way.proxy
                .breaks(method, "", 1, Fault::Answer(503, "ServiceUnavailable"));
        }
        let bytes = document(length, 1);
        put(&way.objects, &bytes).await.unwrap();
        way.site.holds_only(&bytes).await;
    }
}

#[tokio::test]
async fn a_store_that_stays_away_is_left_to_the_queue() {
    let way = Broken::way().await;
    way.proxy
        .breaks("PUT", "", ALWAYS, Fault::Answer(503, "ServiceUnavailable"));
    let error = put(&way.objects, &document(1000, 1)).await.unwrap_err();
    let told = "the object store is not available: it answered 503 ServiceUnavailable";
    assert_eq!(error.to_string(), told);
    let failure = Failure::from(error);
    assert!(
        matches!(&failure, Failure::Retry { after: Some(after), .. } if after.as_secs() == 7),
        "{failure:?}"
    );
    assert_eq!(way.proxy.count("PUT", ""), 2);
    way.site.holds_nothing().await;
}

#[tokio::test]
async fn what_the_store_answers_decides_who_tries_again() {
    let way = Broken::way().await;
    for (status, code) in [
        (500, "InternalError"),
        (429, "TooManyRequests"),
        (409, "ConditionalRequestConflict"),
        (403, "SignatureDoesNotMatch"),
        (403, "AccessDenied"),
        (401, "Unauthorized"),
        (404, "NoSuchBucket"),
        (400, "BadDigest"),
        (400, "IncompleteBody"),
    ] {
        way.proxy.breaks("PUT", "", ALWAYS, Fault::Answer(status, code));
        let error = put(&way.objects, &document(1000, 1)).await.unwrap_err();
        assert!(error.to_string().contains(code), "{error}");
        assert!(
            matches!(Failure::from(error), Failure::Retry { .. }),
            "{status} {code}"
        );
        way.proxy.mend();
    }
    for (status, code) in [
        (400, "InvalidArgument"),
        (403, "ObjectLockedByBucketPolicy"),
        (413, "EntityTooLarge"),
        (501, "NotImplemented"),
    ] {
        way.proxy.breaks("PUT", "", ALWAYS, Fault::Answer(status, code));
        let error = put(&way.objects, &document(1000, 1)).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Refused(why) if why.contains(code)),
            "{error:?}"
        );
        assert!(
            matches!(Failure::from(error), Failure::Park(_)),
            "{status} {code}"
        );
        way.proxy.mend();
    }
    way.site.holds_nothing().await;
}

/// The first attempt did its work; the second one is told that the key is taken.
#[tokio::test]
async fn a_lost_answer_changes_nothing() {
    let way = Broken::way().await;
    way.proxy.breaks("PUT", "x-id=PutObject", 1, Fault::LoseAnswer);
    let bytes = document(1000, 1);
    put(&way.objects, &bytes).await.unwrap();
    assert_eq!(way.proxy.count("PUT", ""), 2);
    way.site.holds_only(&bytes).await;

    let way = Broken::way().await;
    way.proxy.breaks("POST", "uploadId=", 1, Fault::LoseAnswer);
    let bytes = document(PART + 1, 1);
    put(&way.objects, &bytes).await.unwrap();
    assert_eq!(way.proxy.count("POST", "uploadId="), 2);
    way.site.holds_only(&bytes).await;
}

#[tokio::test]
async fn bytes_that_change_on_the_way_are_not_stored() {
    for length in [1000, 2 * PART] {
        let way = Broken::way().await;
        way.proxy.breaks("PUT", "", ALWAYS, Fault::Garble);
        is_unavailable(put(&way.objects, &document(length, 1)).await);
        way.site.holds_nothing().await;
    }
}

#[tokio::test]
async fn a_key_that_is_taken_and_is_not_is_tried_again() {
    let way = Broken::way().await;
    way.proxy
        .breaks("PUT", "", 1, Fault::Answer(412, "PreconditionFailed"));
    let reason = is_unavailable(put(&way.objects, &document(1000, 1)).await);
    assert_eq!(reason, "the key was taken, and now it is not");
    way.proxy
        .breaks("POST", "uploadId=", 1, Fault::Answer(412, "PreconditionFailed"));
    is_unavailable(put(&way.objects, &document(PART + 1, 1)).await);
    way.site.holds_nothing().await;
}

#[tokio::test]
async fn an_upload_that_fails_is_aborted() {
    let cases = [
        ("PUT", "partNumber=1", Fault::Answer(500, "InternalError")),
        ("PUT", "partNumber=3", Fault::Answer(500, "InternalError")),
        ("PUT", "partNumber=2", Fault::Answer(404, "NoSuchUpload")),
        ("POST", "uploadId=", Fault::Answer(503, "ServiceUnavailable")),
    ];
    for (method, query, fault) in cases {
        let way = Broken::way().await;
        way.proxy.breaks(method, query, ALWAYS, fault);
        is_unavailable(put(&way.objects, &document(2 * PART + 1, 1)).await);
        assert_eq!(way.proxy.count("DELETE", "uploadId="), 1, "{query}");
        way.site.holds_nothing().await;
    }
}

#[tokio::test]
async fn a_silent_store_is_given_up() {
    let way = Broken::way().await;
    let patience = Patience {
        connect: Duration::from_millis(200),
        attempt: Duration::from_millis(200),
        stalled: Duration::from_millis(200),
    };
    let objects = patient(way.proxy.port, SECRET, patience);
    way.proxy.breaks("HEAD", "", ALWAYS, Fault::Silence);
    let reason = is_unavailable(put(&objects, &document(1000, 1)).await);
    assert_eq!(reason, "no answer in time");
    way.site.holds_nothing().await;
}

#[tokio::test]
async fn a_store_that_is_not_there_is_told() {
    let mut site = Site::start().await;
    site.bucket.kill();
    let objects = objects(site.bucket.port, SECRET);
    until("nobody listens", async || {
        tokio::net::TcpStream::connect(("127.0.0.1", site.bucket.port))
            .await
            .is_err()
    })
    .await;
    let reason = is_unavailable(put(&objects, &document(1000, 1)).await);
    assert_eq!(reason, "no connection, or it broke off");
}

#[tokio::test]
async fn an_answer_cut_short_is_no_document() {
    let way = Broken::way().await;
    put(&way.objects, &document(MIB, 1)).await.unwrap();
    way.proxy.breaks("GET", "", 1, Fault::CutAnswer);
    is_unavailable(way.objects.sha256_of(KEY).await);
    way.proxy.breaks("GET", "", 1, Fault::CutAnswer);
    let object = way.objects.get(KEY).await.unwrap().unwrap();
    is_unavailable(object.into_stream().try_collect::<Vec<_>>().await);
    // The same bytes again cannot be told from others now.
    way.proxy.breaks("GET", "", 1, Fault::CutAnswer);
    is_unavailable(put(&way.objects, &document(MIB, 1)).await);
}

#[tokio::test]
async fn no_secret_is_told() {
    let site = Site::start().await;
    let wrong = objects(site.bucket.port, "otro-secreto-tampoco");
    let error = put(&wrong, &document(1000, 1)).await.unwrap_err();
    let told = format!("{error} {error:?} {wrong:?}");
    assert!(told.contains("403"), "{told}");
    assert!(
        !told.contains("otro-secreto") && !told.contains("Signature="),
        "{told}"
    );
    site.holds_nothing().await;
}
