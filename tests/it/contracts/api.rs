//! Asking Mifiel over real HTTP: signed as its own server checks it, how it fails, and what an answer may not do.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use onlycar::contracts::mifiel::api::{ApiError, MifielApi, NewDocument, Part, Signer};
use onlycar::dev::mifiel::{Draft, Fault, Mifiel};
use onlycar::engine::Failure;
use onlycar::ground::clock::Clock;
use onlycar::ground::config::{Environment, Settings};
use tokio::net::TcpListener;
use uuid::Uuid;

use super::pdf;
use crate::support::mifiel::{self, APP_ID, APP_SECRET, TOKEN};

const MIB: u64 = 1024 * 1024;

fn clock() -> Clock {
    Clock::manual("2026-11-22T18:00:00Z".parse().unwrap())
}

fn api_at(base_url: &str) -> MifielApi {
    api_of(base_url, APP_SECRET)
}

fn api_of(base_url: &str, secret: &str) -> MifielApi {
    let door = mifiel::door("http://localhost:8080");
    let environment = Environment::from([
        ("DATABASE_URL", "postgres://nobody@localhost/none"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_of_the_tests"),
        ("MIFIEL_APP_ID", APP_ID),
        ("MIFIEL_APP_SECRET", secret),
        ("MIFIEL_ENV", "sandbox"),
        ("MIFIEL_BASE_URL", base_url),
        ("MIFIEL_WEBHOOK_URL", &door),
    ]);
    let settings = Settings::from_parts(&environment, Some("mifiel.timeout_seconds = 1")).unwrap();
    MifielApi::new(&settings.mifiel.unwrap(), &settings.file.mifiel, clock()).unwrap()
}

fn new() -> NewDocument {
    NewDocument {
        external_id: Uuid::from_u128(5),
        file_name: "contrato-1.pdf".to_owned(),
        pdf: pdf().into(),
        signers: vec![Signer {
            name: "Ana \"la Ñandú\" López; name=x".to_owned(),
            email: "ana@example.com".to_owned(),
            tax_id: None,
        }],
        callback_url: mifiel::door("http://localhost:8080").into(),
        days_to_expire: 15,
        remind_every: 3,
    }
}

async fn account() -> Mifiel {
    mifiel::account(&clock()).await
}

/// Each kind of request passes the simulator's check, which is that of the server's gem: a form with its boundary, a query,
/// an empty hash, files.
#[tokio::test]
async fn every_request_is_signed_as_mifiel_checks_it() {
    let account = account().await;
    for base in [
        account.url(),
        format!("{}/", account.url()),
        format!("{}/api/v1", account.url()),
    ] {
        let api = api_at(&base);
        let made = api.create(&new()).await.unwrap();
        let id = made["id"].as_str().unwrap();
        assert_eq!(made["external_id"], Uuid::from_u128(5).to_string());
        assert_eq!(made["signers"][0]["name"], "Ana \"la Ñandú\" López; name=x");
        assert_eq!(api.document(id).await.unwrap()["id"], id);
        assert!(api.documents(1).await.unwrap().iter().any(|it| it["id"] == id));
        assert!(api.documents(9).await.unwrap().is_empty());
        account.sign_all(id).unwrap();
        for part in [Part::SignedPdf, Part::Xml] {
            let stream = api.file(id, part, MIB).await.unwrap();
            let bytes = stream.try_collect::<Vec<_>>().await.unwrap().concat();
            let document = account.document(id).unwrap();
            let expected = match part {
                Part::SignedPdf => account.pdf(&document),
                Part::Xml => account.xml(&document),
            };
            assert_eq!(bytes, expected.unwrap());
        }
    }
    let stranger = api_of(&account.url(), "another secret");
    assert_eq!(
        stranger.documents(1).await.unwrap_err(),
        ApiError::KeyRefused(401)
    );
    assert_eq!(
        stranger.create(&new()).await.unwrap_err(),
        ApiError::KeyRefused(401)
    );
}

fn unavailable(reason: &str, after: Option<u64>) -> ApiError {
    ApiError::Unavailable {
        reason: reason.to_owned(),
        after: after.map(Duration::from_secs),
    }
}

#[tokio::test]
async fn each_way_to_fail_is_told_apart() {
    let account = account().await;
    let api = api_at(&account.url());
    let id = account.create(Draft::default()).id;
    for (fault, expected) in [
        (Fault::Hang, unavailable("no contestó a tiempo", None)),
        (Fault::Cut, unavailable("la conexión se cortó", None)),
        (Fault::RateLimited, unavailable("contestó 429", Some(2))),
        (Fault::ServerError, unavailable("contestó 500", None)),
        (Fault::BadGateway, unavailable("contestó 502", None)),
        (Fault::LostAnswer, unavailable("contestó 504", None)),
        (Fault::Unauthorized, ApiError::KeyRefused(401)),
        (Fault::NotFound, ApiError::Missing),
        (Fault::Gone, ApiError::Missing),
        (Fault::NotAcceptable, ApiError::NotYet(406)),
        (Fault::Html, ApiError::Unreadable("no es JSON")),
    ] {
        account.fail(fault, 2);
        assert_eq!(api.document(&id).await.unwrap_err(), expected, "{fault:?}");
        assert_eq!(api.documents(1).await.unwrap_err(), expected, "{fault:?}");
        assert!(expected.to_string().contains("Mifiel"), "{expected}");
        // All of these may be gone later.
        assert!(
            matches!(Failure::from(expected), Failure::Retry { .. }),
            "{fault:?}"
        );
    }
    account.fail(Fault::PaymentRequired, 1);
    let refused = api.create(&new()).await.unwrap_err();
    assert!(refused.to_string().contains("402"), "{refused}");
    assert!(matches!(Failure::from(refused), Failure::Park(_)));
}

#[tokio::test]
async fn a_clock_is_blamed_only_when_it_is_wrong() {
    let account = account().await;
    let api = api_at(&account.url());
    for (minutes, expected) in [
        (14, None),
        (-14, None),
        (16, Some(ApiError::Clock(-960))),
        (-16, Some(ApiError::Clock(960))),
    ] {
        account.set_clock_off(TimeDelta::minutes(minutes));
        assert_eq!(api.documents(1).await.err(), expected, "{minutes}");
    }
    account.set_clock_off(TimeDelta::minutes(14));
    account.fail(Fault::Unauthorized, 1);
    assert_eq!(api.documents(1).await.unwrap_err(), ApiError::KeyRefused(401));
}

/// Some server that is not Mifiel, and what it was asked.
struct Stranger {
    url: String,
    seen: Arc<Mutex<Vec<(Uri, HeaderMap)>>>,
}

impl Stranger {
    async fn answering<A: IntoResponse>(answer: impl Fn() -> A + Clone + Send + Sync + 'static) -> Self {
        let seen: Arc<Mutex<Vec<(Uri, HeaderMap)>>> = Arc::default();
        let kept = Arc::clone(&seen);
        let router = Router::new().fallback(move |uri: Uri, headers: HeaderMap| {
            kept.lock().unwrap().push((uri, headers));
            let answer: Response = answer().into_response();
            async move { answer }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, seen }
    }
}

#[tokio::test]
async fn what_is_sent_is_what_was_signed() {
    let stranger = Stranger::answering(|| "{}").await;
    let api = api_at(&stranger.url);
    api.create(&new()).await.unwrap();
    let _ = api.documents(2).await;
    let seen = stranger.seen.lock().unwrap().clone();
    for (uri, headers) in &seen {
        assert!(uri.path().starts_with("/api/v1/documents"), "{uri}");
        for name in ["authorization", "date", "content-type", "content-md5"] {
            assert_eq!(headers.get_all(name).iter().count(), 1, "{name}");
        }
        assert_eq!(headers["content-md5"], "");
        assert_eq!(headers["date"], "Sun, 22 Nov 2026 18:00:00 GMT");
        let shown = headers["authorization"].to_str().unwrap();
        assert!(shown.starts_with(&format!("APIAuth {APP_ID}:")), "{shown}");
    }
    let kind = seen[0].1["content-type"].to_str().unwrap();
    assert!(kind.starts_with("multipart/form-data; boundary="), "{kind}");
    assert!(
        seen[0].1.contains_key("content-length"),
        "a form whose length is told"
    );
    assert_eq!(seen[1].0.query(), Some("page=2"));
    assert_eq!(seen[1].1["content-type"], "application/json");
}

#[tokio::test]
async fn an_id_is_one_segment_whatever_is_in_it() {
    let stranger = Stranger::answering(|| "{}").await;
    let api = api_at(&stranger.url);
    for id in ["", ".", ".."] {
        assert_eq!(api.document(id).await.unwrap_err(), ApiError::Missing, "{id:?}");
    }
    for id in [
        "../webhooks",
        "a/b",
        "a?page=1",
        "a#b",
        "%2e%2e",
        "..%2f",
        "https://x.example",
    ] {
        api.document(id).await.unwrap();
        let (uri, _) = stranger.seen.lock().unwrap().pop().unwrap();
        assert_eq!(uri.path().matches('/').count(), 4, "{uri}");
        assert_eq!(uri.query(), None, "{uri}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_our_signature() {
    let thief = Stranger::answering(|| "{}").await;
    let to = thief.url.clone();
    let mifiel =
        Stranger::answering(move || (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to.clone())])).await;
    let api = api_at(&mifiel.url);
    for error in [
        api.document("1").await.unwrap_err(),
        api.create(&new()).await.unwrap_err(),
    ] {
        assert!(matches!(error, ApiError::Unavailable { .. }), "{error}");
    }
    let file = api.file("1", Part::SignedPdf, MIB).await.err().unwrap();
    assert!(matches!(file, ApiError::Refused(_)), "{file}");
    assert!(thief.seen.lock().unwrap().is_empty());
}

/// Led elsewhere at Mifiel's own address, the signature, which is of one address, stays behind.
#[tokio::test]
async fn a_file_that_is_elsewhere_at_mifiel_is_asked_for_without_a_signature() {
    let mifiel = Stranger::answering(|| (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")])).await;
    let api = api_at(&mifiel.url);
    api.file("1", Part::SignedPdf, MIB).await.err().unwrap();
    let seen = mifiel.seen.lock().unwrap().clone();
    assert!(seen[0].1.contains_key("authorization"));
    assert!(
        seen.len() > 1
            && seen[1..]
                .iter()
                .all(|(_, headers)| !headers.contains_key("authorization"))
    );
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_read_to_its_end() {
    let endless = Stranger::answering(|| {
        Body::from_stream(stream::repeat_with(|| {
            Ok::<_, std::io::Error>(vec![b'['; 64 * 1024])
        }))
    })
    .await;
    let large = Stranger::answering(|| "[".repeat(9 * 1024 * 1024)).await;
    for stranger in [&endless, &large] {
        let api = api_at(&stranger.url);
        let told = api.documents(1).await.unwrap_err();
        assert_eq!(told, ApiError::Unreadable("es de más de 8 MiB"));
    }
    let api = api_at(&endless.url);
    let mut stream = api.file("1", Part::Xml, MIB).await.unwrap();
    let mut read = 0;
    let error = loop {
        match stream.next().await.unwrap() {
            Ok(piece) => read += piece.len() as u64,
            Err(error) => break error,
        }
    };
    assert!(read <= MIB, "{read}");
    assert!(error.to_string().contains("larger"), "{error}");
}

#[tokio::test]
async fn a_refusal_is_told_without_what_was_sent() {
    let echo = Stranger::answering(|| {
        let told = format!(r#"{{"status":"fail","errors":["ana@example.com {TOKEN}"]}}"#);
        (StatusCode::UNPROCESSABLE_ENTITY, told)
    })
    .await;
    let told = api_at(&echo.url).create(&new()).await.unwrap_err();
    for text in [
        told.to_string(),
        format!("{told:?}"),
        format!("{:?}", api_at(&echo.url)),
    ] {
        for secret in [TOKEN, "ana@example.com", APP_SECRET] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
