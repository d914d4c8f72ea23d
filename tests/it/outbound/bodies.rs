//! What may come back: the exact bytes of a file, all of them, in time, and no more than allowed.

use super::*;

/// One answer to everything.
async fn serving(steps: Vec<Step>) -> Server {
    Server::start(move |_| steps.clone()).await
}

#[tokio::test]
async fn a_file_comes_with_its_type_and_length() {
    let headers = ["content-type: application/pdf", "content-length: 8"];
    let server = serving(answer(200, &headers, b"%PDF-1.7")).await;
    let file = downloads(&server, patient())
        .get(server.url("/").as_str(), 8)
        .await
        .unwrap();
    assert_eq!(
        (file.content_type.as_deref(), file.length),
        (Some("application/pdf"), Some(8))
    );
    assert_eq!(file.bytes().await.unwrap(), b"%PDF-1.7".as_slice());

    let chunked = b"5\r\n%PDF-\r\n3\r\n1.7\r\n0\r\n\r\n";
    let server = serving(answer(200, &["transfer-encoding: chunked"], chunked)).await;
    assert_eq!(get(&server, "/").await.unwrap(), b"%PDF-1.7");
    let empty = serving(answer(200, &["content-length: 0"], b"")).await;
    assert_eq!(get(&empty, "/").await.unwrap(), b"");
    let longer = serving(answer(200, &["content-length: 4"], b"hola y mucho mas")).await;
    assert_eq!(get(&longer, "/").await.unwrap(), b"hola");
}

#[tokio::test]
async fn only_200_is_a_file() {
    for status in [201, 202, 204, 206, 304, 400, 401, 403, 404, 410, 429, 500, 503] {
        let headers = ["retry-after: 11", "content-length: 4"];
        let body = if matches!(status, 204 | 304) {
            b"".as_slice()
        } else {
            b"hola"
        };
        let server = serving(answer(status, &headers, body)).await;
        let error = get(&server, "/").await.unwrap_err();
        assert!(
            matches!(error, DownloadError::Status { status: told, .. } if told == status),
            "{error:?}"
        );
        assert!(matches!(Failure::from(error), Failure::Retry { .. }));
    }
    let server = serving(answer(503, &["retry-after: 11", "content-length: 0"], b"")).await;
    let error = get(&server, "/").await.unwrap_err();
    assert_eq!(error.to_string(), "127.0.0.1 answered 503");
    let failure = Failure::from(error);
    assert!(matches!(failure, Failure::Retry { after: Some(after), .. } if after.as_secs() == 11));
}

#[tokio::test]
async fn a_file_that_is_too_large_is_not_read_to_its_end() {
    let declared = serving(answer(200, &["content-length: 100001"], b"")).await;
    let mut endless = answer(200, &["transfer-encoding: chunked"], b"");
    let chunk = [b"1000\r\n".as_slice(), &[b'x'; 0x1000], b"\r\n"].concat();
    endless.push(Step::Repeat(chunk, Duration::ZERO));
    let endless = serving(endless).await;
    for server in [declared, endless] {
        let error = get(&server, "/").await.unwrap_err();
        assert!(
            matches!(error, DownloadError::TooLarge { limit: LIMIT, .. }),
            "{error:?}"
        );
        assert!(matches!(Failure::from(error), Failure::Park(_)));
    }
    let exact = serving(answer(200, &["content-length: 100000"], &vec![1; 100_000])).await;
    assert_eq!(get(&exact, "/").await.unwrap().len(), 100_000);
}

#[tokio::test]
async fn a_file_whose_end_or_bytes_cannot_be_known_is_none() {
    let until_closed = serving(answer(200, &["content-type: application/pdf"], b"%PDF-1.7")).await;
    let gzip = serving(answer(
        200,
        &["content-encoding: gzip", "content-length: 4"],
        b"hola",
    ))
    .await;
    for server in [until_closed, gzip] {
        let error = get(&server, "/").await.unwrap_err();
        assert!(matches!(error, DownloadError::Inexact { .. }), "{error:?}");
        assert!(matches!(Failure::from(error), Failure::Park(_)));
        assert!(!server.seen()[0].to_lowercase().contains("accept-encoding"));
    }
}

#[tokio::test]
async fn a_file_cut_short_is_an_error() {
    for steps in [
        answer(200, &["content-length: 9"], b"%PDF-1.7"),
        answer(200, &["transfer-encoding: chunked"], b"8\r\n%PDF-1.7\r\n"),
        answer(200, &["transfer-encoding: chunked"], b"9\r\n%PDF-1.7"),
        answer(200, &["transfer-encoding: chunked"], b"nonsense\r\n"),
    ] {
        let server = serving(steps).await;
        assert_eq!(unavailable(get(&server, "/").await), "the file broke off");
    }
}

#[tokio::test]
async fn what_is_no_http_is_an_error() {
    for bytes in [
        b"".as_slice(),
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200",
    ] {
        let server = serving(vec![Step::Send(bytes.to_vec())]).await;
        assert_eq!(
            unavailable(get(&server, "/").await),
            "the connection broke off",
            "{bytes:?}"
        );
    }
    let both = ["content-length: 4", "content-length: 5"];
    let server = serving(answer(200, &both, b"hola!")).await;
    unavailable(get(&server, "/").await);
}

#[tokio::test]
async fn a_slow_server_is_left() {
    let silent = serving(vec![Step::Hang]).await;
    let told = unavailable(get_within(&silent, "/", hasty()).await);
    assert_eq!(told, "no answer in time");

    let mut stops = answer(200, &["content-length: 9"], b"%PDF-");
    stops.push(Step::Hang);
    let told = unavailable(get_within(&serving(stops).await, "/", hasty()).await);
    assert_eq!(told, "the file stopped coming");

    // A byte now and then: never idle, never done.
    let mut drips = answer(200, &["content-length: 90000"], b"");
    drips.push(Step::Repeat(b"x".to_vec(), Duration::from_millis(20)));
    let told = unavailable(get_within(&serving(drips).await, "/", hasty()).await);
    assert_eq!(told, "the file took too long");

    let head = b"HTTP/1.1 200 OK\r\n".to_vec();
    let lines = Step::Repeat(b"x-a: b\r\n".to_vec(), Duration::from_millis(20));
    let told = unavailable(get_within(&serving(vec![Step::Send(head), lines]).await, "/", hasty()).await);
    assert_eq!(told, "no answer in time");
}
