//! What is stored is what came, with what is told about it.

use super::*;

#[tokio::test]
async fn every_size_is_stored_to_the_byte() {
    let site = Site::start().await;
    for length in [0, 1, PART - 1, PART, PART + 1, 2 * PART, 40 * MIB] {
        let bytes = document(length, 7);
        let key = format!("facturas/2026/{length}.pdf");
        let stored = site
            .objects
            .put(&key, &meta(), LIMIT, pieces(&bytes))
            .await
            .unwrap();
        assert_eq!((stored.bytes, &stored.sha256), (length as u64, &sha256(&bytes)));
        let found = site.objects.sha256_of(&key).await.unwrap().unwrap();
        assert_eq!((found.bytes, found.sha256), (stored.bytes, stored.sha256.clone()));

        let head = site.objects.head(&key).await.unwrap().unwrap();
        assert_eq!((head.bytes, &head.etag), (stored.bytes, &stored.etag));
        assert_eq!(head.content_type.as_deref(), Some("application/pdf"));
        assert_eq!(
            head.cache_control.as_deref(),
            Some("private, max-age=157680000, immutable")
        );
        assert_eq!(
            head.content_disposition.as_deref(),
            Some("attachment; filename=\"factura.pdf\"")
        );
        assert_eq!(head.metadata.get("tipo").map(String::as_str), Some("I"));
        // One request up to 8 MiB; beyond, parts, whose digest is known too late for the object's headers.
        assert_eq!(head.etag.contains('-'), length > PART, "{length}");
        assert_eq!(
            head.metadata.get("sha256"),
            (length <= PART).then_some(&stored.sha256)
        );
    }
    assert_eq!(site.unfinished().await, 0);
}

#[tokio::test]
async fn pieces_may_be_empty_or_huge() {
    let site = Site::start().await;
    let bytes = document(2 * PART + 5, 1);
    let pieces = [Bytes::new(), bytes.clone(), Bytes::new()].map(Ok);
    let stored = site.objects.put(KEY, &meta(), LIMIT, stream::iter(pieces)).await;
    assert_eq!(stored.unwrap().sha256, sha256(&bytes));
    site.holds_only(&bytes).await;
}

#[tokio::test]
async fn spanish_comes_back_as_it_was() {
    let site = Site::start().await;
    let meta = Meta {
        file_name: "Póliza año 2026.pdf",
        metadata: vec![
            ("concepto", " Reparación 50% de año\r\n".to_owned()),
            ("vacio", String::new()),
        ],
        ..meta()
    };
    site.objects.put_bytes(KEY, &meta, document(10, 1)).await.unwrap();
    let head = site.objects.head(KEY).await.unwrap().unwrap();
    assert_eq!(head.metadata["concepto"], " Reparación 50% de año\r\n");
    assert_eq!(head.metadata["vacio"], "");
    assert_eq!(
        head.content_disposition.as_deref(),
        Some(
            "attachment; filename=\"P_liza a_o 2026.pdf\"; filename*=UTF-8''P%C3%B3liza%20a%C3%B1o%202026.pdf"
        )
    );
}

#[tokio::test]
async fn what_no_request_can_carry_is_refused_before_a_byte_is_read() {
    let site = Site::start().await;
    let untouched = || stream::poll_fn(|_| panic!("the source was asked"));
    let keys = [
        "",
        "/a",
        "a/../b",
        "../../etc/passwd",
        "a//b",
        "facturas/ñ.pdf",
        "a b",
        "a?b",
        "a\nb",
    ];
    for key in keys {
        let refused = site.objects.put(key, &meta(), LIMIT, untouched()).await;
        assert!(
            matches!(refused, Err(StoreError::Refused(_))),
            "{key}: {refused:?}"
        );
        assert!(matches!(
            site.objects.head(key).await,
            Err(StoreError::Refused(_))
        ));
        assert!(matches!(site.objects.get(key).await, Err(StoreError::Refused(_))));
    }
    let metas = [
        Meta {
            content_type: "application/pdf\r\nx: y",
            ..meta()
        },
        Meta {
            content_type: "",
            ..meta()
        },
        Meta {
            cache_control: "privado ñ",
            ..meta()
        },
        Meta {
            metadata: vec![("Tipo de CFDI", "I".to_owned())],
            ..meta()
        },
        Meta {
            metadata: vec![("tipo", "x".repeat(9000))],
            ..meta()
        },
    ];
    for meta in metas {
        let refused = site.objects.put(KEY, &meta, LIMIT, untouched()).await;
        assert!(
            matches!(refused, Err(StoreError::Refused(_))),
            "{meta:?}: {refused:?}"
        );
    }
    site.holds_nothing().await;
}

#[tokio::test]
async fn more_than_allowed_is_not_stored() {
    let site = Site::start().await;
    for (length, limit) in [(11, 10), (1, 0), (PART + 1, PART), (3 * PART, 2 * PART + 1)] {
        let limit = limit as u64;
        let bytes = document(length, 1);
        let refused = site.objects.put(KEY, &meta(), limit, pieces(&bytes)).await;
        assert!(
            matches!(refused, Err(StoreError::TooLarge { limit: told }) if told == limit),
            "{refused:?}"
        );
        site.holds_nothing().await;
    }
    let bytes = document(PART + 1, 1);
    let exact = site
        .objects
        .put(KEY, &meta(), bytes.len() as u64, pieces(&bytes))
        .await;
    assert!(exact.is_ok());
    site.holds_only(&bytes).await;
}

#[tokio::test]
async fn what_is_not_there_is_not_an_error() {
    let site = Site::start().await;
    assert_eq!(site.objects.head(KEY).await.unwrap(), None);
    assert!(site.objects.get(KEY).await.unwrap().is_none());
    assert_eq!(site.objects.sha256_of(KEY).await.unwrap(), None);
}

/// Far more documents at once than there are buffers: each waits for its turn, and none for ever.
#[tokio::test]
async fn a_crowd_is_stored() {
    let site = Site::start().await;
    let bytes = document(PART + 3, 1);
    let puts = (0..30).map(async |number| {
        let key = format!("facturas/{number}.pdf");
        site.objects.put(&key, &meta(), LIMIT, pieces(&bytes)).await
    });
    let stored = futures_util::future::try_join_all(puts).await.unwrap();
    assert!(stored.iter().all(|one| one.sha256 == sha256(&bytes)));
    assert_eq!(site.bucket.keys().await.len(), 30);
}
