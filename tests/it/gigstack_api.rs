//! Asking Gigstack, in both dialects, over real HTTP: what it answers, how it fails, and what an answer may not do.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use onlycar::dev::gigstack::{Fault, FilesAs, Gigstack, Order, Plan, key};
use onlycar::engine::Failure;
use onlycar::ground::clock::Clock;
use onlycar::ground::config::{Environment, Settings};
use onlycar::invoicing::gigstack::api::{ApiError, GigstackApi, Part};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::support::gigstack;

const DIALECTS: [&str; 2] = ["v1", "v2"];
const MIB: u64 = 1024 * 1024;

fn api_at(base_url: &str, dialect: &str) -> GigstackApi {
    let environment = Environment::from([
        ("DATABASE_URL", "postgres://nobody@localhost/none"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_of_the_tests"),
        ("GIGSTACK_API_KEY", &key(false)),
        ("GIGSTACK_API_SECRET", "secret"),
        ("GIGSTACK_ENV", "sandbox"),
        ("GIGSTACK_BASE_URL", base_url),
    ]);
    let file = format!("gigstack.dialect = \"{dialect}\"\ngigstack.timeout_seconds = 1");
    let settings = Settings::from_parts(&environment, Some(&file)).unwrap();
    GigstackApi::new(&settings.gigstack.unwrap(), &settings.file.gigstack).unwrap()
}

async fn team() -> Gigstack {
    gigstack::team(&Clock::manual("2026-11-22T18:00:00Z".parse().unwrap())).await
}

fn unavailable(reason: &str, after: Option<u64>) -> ApiError {
    ApiError::Unavailable {
        reason: reason.to_owned(),
        after: after.map(Duration::from_secs),
    }
}

async fn read(api: &GigstackApi, invoice: &str, part: Part) -> Result<Vec<u8>, ApiError> {
    let stream = api.file(invoice, part, 4 * MIB).await?;
    Ok(stream.try_collect::<Vec<_>>().await.unwrap().concat())
}

#[tokio::test]
async fn each_way_to_fail_is_told_apart() {
    let team = team().await;
    let invoice = team.stamp(Order::default());
    for dialect in DIALECTS {
        let api = api_at(&team.url(), dialect);
        for (fault, expected) in [
            (Fault::Hang, unavailable("no contestó a tiempo", None)),
            (Fault::Cut, unavailable("la conexión se cortó", None)),
            (Fault::RateLimited, unavailable("contestó 429", Some(2))),
            (Fault::ServerError, unavailable("contestó 500", None)),
            (Fault::BadGateway, unavailable("contestó 502", None)),
            (Fault::LostAnswer, unavailable("contestó 504", None)),
            (Fault::Unauthorized, ApiError::KeyRefused(401)),
            (Fault::Forbidden, ApiError::KeyRefused(403)),
            (Fault::NotFound, ApiError::Missing),
            (Fault::Html, ApiError::Unreadable("no es JSON")),
        ] {
            team.fail(fault, 2);
            assert_eq!(api.invoice(&invoice.id).await.unwrap_err(), expected, "{fault:?}");
            assert_eq!(api.list(0, None).await.unwrap_err(), expected, "{fault:?}");
            let told = expected.to_string();
            assert!(!told.contains(&key(false)) && told.contains("Gigstack"), "{told}");
            // All of these may be gone later.
            assert!(matches!(Failure::from(expected), Failure::Retry { .. }));
        }
        team.plan(Plan {
            delay_ms: 200,
            ..Plan::new(Fault::Slow, 1)
        });
        let answer = api.invoice(&invoice.uuid.to_string()).await.unwrap();
        assert_eq!(answer["data"]["id"], invoice.id);
        assert_eq!(
            api.invoice(&Uuid::nil().to_string()).await.unwrap_err(),
            ApiError::Missing
        );
    }
}

#[tokio::test]
async fn what_was_made_and_not_answered_is_not_made_twice() {
    let team = team().await;
    for dialect in DIALECTS {
        let api = api_at(&team.url(), dialect);
        let before = (team.receipts().len(), team.invoices().len());
        let (request, month) = (Uuid::from_u128(before.0 as u128), Uuid::from_u128(7));
        let item = json!({ "id": "V-1", "description": "Venta", "quantity": 1, "unit_price": 350 });
        let body = json!({ "payment_form": "01", "items": [item], "metadata": { "solicitud_id": request } });
        let mut global = body.clone();
        global["global"] = json!({ "periodicity": "04", "months": "10", "year": 2026 });
        team.fail(Fault::LostAnswer, 1);
        api.self_service(request, &body).await.unwrap_err();
        let answer = api.self_service(request, &body).await.unwrap();
        assert_eq!(answer["data"]["id"], team.receipts().last().unwrap().id);
        team.fail(Fault::LostAnswer, 1);
        api.public(month, &global).await.unwrap_err();
        api.public(month, &global).await.unwrap();
        assert_eq!(
            (team.receipts().len(), team.invoices().len()),
            (before.0 + 1, before.1 + 1),
            "{dialect}"
        );
        // The same key for something else will never be taken.
        global["items"][0]["unit_price"] = json!(351);
        let refused = api.public(month, &global).await.unwrap_err();
        assert!(
            matches!(&refused, ApiError::Refused(why) if why.contains("409 (idempotency_conflict)")),
            "{refused}"
        );
        assert!(matches!(Failure::from(refused), Failure::Park(_)));
    }
}

#[tokio::test]
async fn files_come_however_they_are_handed_out() {
    let team = team().await;
    let invoice = team.stamp(Order::default());
    team.cancel(&invoice.id, "02").unwrap();
    let uuid = invoice.uuid.to_string();
    let (xml, pdf) = (team.xml(&invoice), team.pdf(&invoice));
    for dialect in DIALECTS {
        let api = api_at(&team.url(), dialect);
        for files in [
            FilesAs::Urls,
            FilesAs::NamedUrls,
            FilesAs::Objects,
            FilesAs::Base64,
            FilesAs::Inline,
        ] {
            team.files_as(files);
            assert_eq!(
                read(&api, &uuid, Part::Xml).await.unwrap(),
                xml,
                "{dialect} {files:?}"
            );
            assert_eq!(
                read(&api, &uuid, Part::Pdf).await.unwrap(),
                pdf,
                "{dialect} {files:?}"
            );
        }
        let acuse = String::from_utf8(read(&api, &uuid, Part::Acuse).await.unwrap()).unwrap();
        assert!(acuse.contains(&uuid.to_uppercase()), "{acuse}");
    }
    assert_eq!(team.leaked_tokens(), 0);
}

#[tokio::test]
async fn a_file_that_does_not_come_is_told_as_what_it_is() {
    let team = team().await;
    let invoice = team.stamp(Order::default());
    let uuid = invoice.uuid.to_string();
    for dialect in DIALECTS {
        let api = api_at(&team.url(), dialect);
        let at = if dialect == "v1" {
            "/v1/invoices"
        } else {
            "/storage"
        };
        for (fault, expected) in [
            (Fault::NotFound, ApiError::Missing),
            (Fault::Unauthorized, ApiError::KeyRefused(401)),
            (
                Fault::BadGateway,
                unavailable("127.0.0.1 contestó 502 al pedir un archivo", None),
            ),
            (
                Fault::RateLimited,
                unavailable("127.0.0.1 contestó 429 al pedir un archivo", Some(2)),
            ),
        ] {
            team.fail_at(at, fault, 1);
            assert_eq!(
                read(&api, &uuid, Part::Pdf).await.unwrap_err(),
                expected,
                "{dialect} {fault:?}"
            );
        }
        assert_eq!(
            read(&api, &uuid, Part::Acuse).await.unwrap_err(),
            ApiError::Missing
        );
        team.fail_at(at, Fault::Cut, 1);
        // The head may be here before the connection ends, or not.
        let cut = match api.file(&uuid, Part::Pdf, MIB).await {
            Ok(stream) => stream.try_collect::<Vec<_>>().await.is_err(),
            Err(error) => matches!(error, ApiError::Unavailable { .. }),
        };
        assert!(cut, "{dialect}");
        let large = api.file(&uuid, Part::Pdf, 10).await.err().unwrap();
        assert!(matches!(large, ApiError::Refused(_)), "{large}");
    }
    let api = api_at(&team.url(), "v2");
    for files in [FilesAs::Base64, FilesAs::Inline] {
        team.files_as(files);
        let large = api.file(&uuid, Part::Xml, 10).await.err().unwrap();
        assert!(matches!(large, ApiError::Refused(_)), "{large}");
    }
    // A host that nobody allowed is not asked at all.
    team.files_as(FilesAs::Urls);
    team.fail(Fault::ForeignHost, 1);
    let foreign = read(&api, &uuid, Part::Pdf).await.unwrap_err();
    assert!(
        foreign.to_string().contains("no se admite (localhost)"),
        "{foreign}"
    );
    assert!(foreign.to_string().contains("gigstack.file_hosts"), "{foreign}");
    assert_eq!(team.leaked_tokens(), 0);
}

#[tokio::test]
async fn a_base_with_or_without_its_version_is_the_same() {
    let team = team().await;
    let invoice = team.stamp(Order::default());
    for dialect in DIALECTS {
        for end in ["", "/", "/v1", "/v1/", "/v2", "/v2//", "/v1?a=b", "#top"] {
            let api = api_at(&format!("{}{end}", team.url()), dialect);
            let answer = api.invoice(&invoice.id).await.unwrap();
            assert_eq!(answer["data"]["id"], invoice.id, "{end}");
            read(&api, &invoice.uuid.to_string(), Part::Xml).await.unwrap();
        }
    }
}

/// What for, and with which token.
type Asked = (String, Option<String>);

/// Somebody in Gigstack's place, who answers with this, and notes who asked for what with which token.
struct Stranger {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Stranger {
    async fn answering<F, A>(answer: F) -> Self
    where
        F: Fn(&Uri) -> A + Clone + Send + Sync + 'static,
        A: IntoResponse,
    {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        let service = move |uri: Uri, headers: HeaderMap| {
            let token = headers
                .get(header::AUTHORIZATION)
                .map(|value| value.to_str().unwrap().to_owned());
            noted.lock().unwrap().push((uri.to_string(), token));
            let answer = answer(&uri).into_response();
            async move { answer }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(service)).await });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn an_id_is_one_segment_whatever_is_in_it() {
    let stranger = Stranger::answering(|_| axum::Json(json!({ "data": {} }))).await;
    for dialect in DIALECTS {
        let api = api_at(&stranger.url, dialect);
        for id in ["", ".", ".."] {
            assert_eq!(api.invoice(id).await.unwrap_err(), ApiError::Missing);
            assert_eq!(api.receipt(id).await.unwrap_err(), ApiError::Missing);
        }
        assert!(stranger.asked().is_empty());
        for id in [
            "../receipts",
            "a/b",
            "a?b=c",
            "a#b",
            "%2e%2e",
            "a\\b",
            "á",
            " ",
            "a\r\nb",
        ] {
            api.invoice(id).await.unwrap();
            api.list(0, Some(id)).await.unwrap_err();
            let asked = std::mem::take(&mut *stranger.asked.lock().unwrap());
            let below = asked[0].0.strip_prefix(if dialect == "v1" {
                "/v1/invoices/"
            } else {
                "/v2/invoices/income/"
            });
            let below = below.unwrap_or_else(|| panic!("{asked:?}"));
            assert!(!below.contains(['/', '?', '#', '\\']), "{id}: {below}");
            let pairs = asked[1].0.split_once('?').unwrap().1;
            assert_eq!(
                url::form_urlencoded::parse(pairs.as_bytes()).count(),
                3,
                "{pairs}"
            );
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_our_key() {
    let elsewhere = Stranger::answering(|_| axum::Json(json!({ "data": {} }))).await;
    let to = elsewhere.url.clone();
    let redirecting = Stranger::answering(move |uri: &Uri| {
        let to = format!("{to}{uri}");
        (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)])
    })
    .await;
    for dialect in DIALECTS {
        let api = api_at(&redirecting.url, dialect);
        let told = unavailable("mandó a otra dirección (307); revisa GIGSTACK_BASE_URL", None);
        assert_eq!(api.invoice("a").await.unwrap_err(), told);
        assert_eq!(api.self_service(Uuid::nil(), &json!({})).await.unwrap_err(), told);
        read(&api, &Uuid::nil().to_string(), Part::Xml).await.unwrap_err();
    }
    assert!(redirecting.asked().iter().all(|(_, token)| token.is_some()));
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_read_to_its_end() {
    let endless = Stranger::answering(|_| {
        let piece = axum::body::Bytes::from(vec![b' '; 64 * 1024]);
        Body::from_stream(stream::repeat(piece).map(Ok::<_, std::io::Error>))
    })
    .await;
    let large = Stranger::answering(|_| "[".repeat(9 * 1024 * 1024)).await;
    let refusing = Stranger::answering(|_| {
        let piece = axum::body::Bytes::from(vec![b' '; 64 * 1024]);
        let body = Body::from_stream(stream::repeat(piece).map(Ok::<_, std::io::Error>));
        Response::builder().status(422).body(body).unwrap()
    })
    .await;
    for dialect in DIALECTS {
        for stranger in [&endless, &large] {
            let told = api_at(&stranger.url, dialect).invoice("a").await.unwrap_err();
            assert_eq!(told, ApiError::Unreadable("es de más de 8 MiB"));
        }
        let told = api_at(&refusing.url, dialect).invoice("a").await.unwrap_err();
        assert!(told.to_string().contains("contestó 422 (sin código)"), "{told}");
    }
}

#[tokio::test]
async fn a_refusal_is_told_without_what_was_sent() {
    let refusals = [
        json!({ "message": "RFC XOJI740919U48 of INGRID XODAR", "error": { "code": "validation_error", "message": "ana@example.mx" } }),
        json!({ "error": "XOJI740919U48" }),
        json!({ "code": "ana@example.mx", "error": { "code": "Ingrid Xodar Jimenez" } }),
        json!({ "error": { "code": ["XOJI740919U48"], "details": ["ana@example.mx"] } }),
        json!("ana@example.mx"),
    ];
    let told = [
        "contestó 422 (validation_error)",
        "contestó 422 (sin código)",
        "contestó 422 (sin código)",
        "contestó 422 (sin código)",
        "contestó 422 (sin código)",
    ];
    for (refusal, told) in refusals.into_iter().zip(told) {
        let stranger =
            Stranger::answering(move |_| (StatusCode::UNPROCESSABLE_ENTITY, refusal.to_string())).await;
        let error = api_at(&stranger.url, "v1")
            .self_service(Uuid::nil(), &json!({}))
            .await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
        for secret in ["XOJI", "INGRID", "Ingrid", "ana@", &key(false)] {
            assert!(!error.contains(secret), "{error}");
        }
    }
}

#[tokio::test]
async fn a_wait_is_kept_where_it_is_one() {
    for (status, after, expected) in [
        (429, Some("2"), unavailable("contestó 429", Some(2))),
        (503, Some("120"), unavailable("contestó 503", Some(120))),
        (
            503,
            Some("Sun, 22 Nov 2026 18:00:00 GMT"),
            unavailable("contestó 503", None),
        ),
        (503, Some("-1"), unavailable("contestó 503", None)),
        (503, Some("1e3"), unavailable("contestó 503", None)),
        (408, None, unavailable("contestó 408", None)),
        (
            409,
            Some("1"),
            unavailable("la misma solicitud está en curso (409)", Some(1)),
        ),
        (410, None, ApiError::Missing),
    ] {
        let stranger = Stranger::answering(move |_| {
            let mut answer = StatusCode::from_u16(status).unwrap().into_response();
            if let Some(after) = after {
                answer
                    .headers_mut()
                    .insert(header::RETRY_AFTER, after.parse().unwrap());
            }
            answer
        })
        .await;
        let error = api_at(&stranger.url, "v1").invoice("a").await.unwrap_err();
        assert_eq!(error, expected);
    }
}

#[tokio::test]
async fn a_list_ends_or_says_that_it_does_not() {
    let list = |items: Value, more: bool| json!({ "data": items, "has_more": more });
    for (answer, expected) in [
        (list(json!([{ "id": "a" }]), false), Ok(None)),
        (list(json!([]), false), Ok(None)),
        (list(json!([{ "id": "b" }]), true), Ok(Some("b".to_owned()))),
        // It would be asked for again and again, or its rest never.
        (
            list(json!([{ "id": "a" }]), true),
            Err("una lista que no dice cómo sigue"),
        ),
        (list(json!([]), true), Err("una lista que no dice cómo sigue")),
        (list(json!([{}]), true), Err("una lista que no dice cómo sigue")),
        (json!({ "data": {} }), Err("una lista sin data")),
        (json!([]), Err("una lista sin data")),
    ] {
        let stranger = Stranger::answering(move |_| axum::Json(answer.clone())).await;
        for dialect in DIALECTS {
            let page = api_at(&stranger.url, dialect).list(0, Some("a")).await;
            let expected = expected.clone().map_err(ApiError::Unreadable);
            assert_eq!(page.map(|page| page.next), expected);
        }
    }
}
