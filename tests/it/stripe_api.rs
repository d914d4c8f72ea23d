//! Our client of Stripe's API, over real HTTP against the simulator.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use onlycar::dev::stripe::Simulator;
use onlycar::dev::stripe::simulator::{Fault, Version};
use onlycar::engine::Failure;
use onlycar::ground::clock::Clock;
use onlycar::ground::config::{Environment, Settings};
use onlycar::payments::api::{ApiError, EventQuery, FAMILIES, StripeApi};
use serde_json::{Value, json};

use crate::support::app::{KEY, simulator};

/// The simulator and a client that gives up after a second.
struct Rig {
    stripe: Simulator,
    api: StripeApi,
}

async fn rig() -> Rig {
    rig_with(KEY).await
}

async fn rig_with(key: &str) -> Rig {
    let (stripe, url) = simulator(&Clock::manual(noon())).await;
    let api = client(&url, &[("STRIPE_SECRET_KEY", key)]).unwrap();
    Rig { stripe, api }
}

fn client(url: &str, more: &[(&str, &str)]) -> Option<StripeApi> {
    let base = [
        ("DATABASE_URL", "postgres://localhost/none"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_of_the_tests"),
        ("STRIPE_API_BASE", url),
    ];
    let environment: Environment = base.iter().chain(more).copied().collect();
    let file = "[stripe]\ntimeout_seconds = 1\npage_attempts = 2\n";
    let settings = Settings::from_parts(&environment, Some(file)).unwrap();
    StripeApi::new(&settings.stripe, &settings.file.stripe).unwrap()
}

fn noon() -> DateTime<Utc> {
    "2026-11-22T18:00:00Z".parse().unwrap()
}

/// An event of a type that nobody renders differently.
fn event(n: i64, kind: &str) -> Value {
    json!({
        "id": format!("evt_{n}"),
        "object": "event",
        "type": kind,
        "created": noon().timestamp() + n,
        "data": { "object": { "id": format!("cus_{n}"), "object": "customer" } },
    })
}

async fn all(api: &StripeApi, query: EventQuery<'_>) -> Vec<Vec<String>> {
    let mut pages = api.events(&query);
    let mut all = Vec::new();
    while let Some(page) = pages.next().await.unwrap() {
        let ids = page.iter().map(|event| event["id"].as_str().unwrap().to_owned());
        all.push(ids.collect());
    }
    all
}

#[tokio::test]
async fn an_object_of_each_family_is_given_as_it_is() {
    let Rig { stripe, api } = rig().await;
    for family in FAMILIES {
        let kind = match family {
            "checkout/sessions" => "checkout.session".to_owned(),
            family => family.trim_end_matches('s').to_owned(),
        };
        let id = format!("{kind}_1").replace('.', "_");
        let object = json!({
            "id": id, "object": kind, "unknown": { "list": [1, -2, 2.5, null, "ñ\u{0}"] }, "big": 9_007_199_254_740_993_i64,
        });
        if family == "events" {
            stripe.happened(&object);
        } else {
            stripe.put(object.clone());
        }
        assert_eq!(api.retrieve(family, &id).await, Ok(object), "{family}");
        assert_eq!(
            api.retrieve(family, "nobody_1").await,
            Err(ApiError::Missing),
            "{family}"
        );
    }
    assert_eq!(
        api.retrieve("charges", "payment_intent_1").await,
        Err(ApiError::Missing)
    );
}

#[tokio::test]
async fn an_id_cannot_lead_to_another_path() {
    let Rig { stripe, api } = rig().await;
    for id in [
        "",
        ".",
        "..",
        "../customers/cus_1",
        "pi_1/capture",
        "pi_1?expand[]=customer",
        "pi_1#x",
        "%2e%2e",
        "pi_1 ",
        "pi_ñ",
        "pi_\r\nX: y",
        "pi_\0",
        &"a".repeat(256),
    ] {
        let refused = api.retrieve("payment_intents", id).await;
        assert!(
            matches!(refused, Err(ApiError::Refused(_))),
            "{id:?}: {refused:?}"
        );
        let refused = api.invoice_payments_of_invoice(id).await;
        assert!(
            matches!(refused, Err(ApiError::Refused(_))),
            "{id:?}: {refused:?}"
        );
        assert!(api.invoice_payments_of_payment(id).await.is_err());
        assert!(api.checkout_sessions_of_payment(id).await.is_err());
    }
    for family in ["", "account", "customers/cus_1/sources", "../v1/customers"] {
        assert!(
            matches!(api.retrieve(family, "a").await, Err(ApiError::Refused(_))),
            "{family}"
        );
    }
    assert_eq!(stripe.asked(), [""; 0], "nothing of it was asked");
}

#[tokio::test]
async fn what_goes_wrong_is_told_apart() {
    for fault in [
        Fault::RateLimited,
        Fault::ServerError,
        Fault::BadGateway,
        Fault::Forbidden,
        Fault::Hang,
    ] {
        let Rig { stripe, api } = rig().await;
        stripe.put(json!({ "id": "ch_1", "object": "charge" }));
        stripe.fail(fault, 1);
        let started = Instant::now();
        let error = api.retrieve("charges", "ch_1").await.unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(5), "{fault:?}");
        assert!(
            matches!(error, ApiError::Unavailable { .. }),
            "{fault:?}: {error:?}"
        );
        assert_eq!(
            stripe.asked().len(),
            1,
            "{fault:?}: the queue repeats it, not the client"
        );
        assert!(matches!(Failure::from(error), Failure::Retry { .. }), "{fault:?}");
        assert!(
            api.retrieve("charges", "ch_1").await.is_ok(),
            "{fault:?}: it passes"
        );
    }
}

#[tokio::test]
async fn a_page_for_people_is_no_answer() {
    let Rig { stripe, api } = rig().await;
    stripe.fail(Fault::Html, 1);
    let error = api.retrieve("charges", "ch_1").await.unwrap_err();
    assert_eq!(error, ApiError::Unreadable("it is not JSON".to_owned()));
    assert!(matches!(Failure::from(error), Failure::Retry { .. }));
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let api = client("http://127.0.0.1:1", &[("STRIPE_SECRET_KEY", KEY)]).unwrap();
    let error = api.retrieve("charges", "ch_1").await.unwrap_err();
    assert!(matches!(error, ApiError::Unavailable { .. }), "{error:?}");
    assert!(
        client("http://127.0.0.1:1", &[]).is_none(),
        "without a key there is no client"
    );
}

#[tokio::test]
async fn no_text_holds_the_key() {
    let key = "sk_test_another_that_is_secret";
    let Rig { stripe, api } = rig_with(key).await;
    let mut errors = vec![api.retrieve("charges", "ch_1").await.unwrap_err()];
    for fault in [
        Fault::RateLimited,
        Fault::ServerError,
        Fault::Html,
        Fault::BadGateway,
        Fault::Hang,
    ] {
        stripe.fail(fault, 1);
        errors.push(api.retrieve("charges", "ch_1").await.unwrap_err());
    }
    let unauthorised = errors[0].to_string();
    assert!(
        unauthorised.contains("401") && unauthorised.contains("STRIPE_SECRET_KEY"),
        "{unauthorised}"
    );
    for told in errors
        .iter()
        .map(|error| format!("{error} {error:?}"))
        .chain([format!("{api:?}")])
    {
        assert!(
            !told.contains("another_that_is_secret") && !told.contains("ch_1"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn events_come_page_by_page_to_the_end() {
    let Rig { stripe, api } = rig().await;
    for n in 0..250 {
        let mut event = event(n / 3, "customer.created"); // three in each second
        event["id"] = format!("evt_{n}").into();
        stripe.happened(&event);
    }
    stripe.happened(&event(-1, "customer.created"));
    stripe.happened(&event(300, "customer.updated"));
    let query = EventQuery {
        since: noon(),
        types: &["customer.created", "customer.deleted"],
    };
    let pages = all(&api, query).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
    let ids = pages.concat();
    let newest_first: Vec<String> = (0..250).rev().map(|n| format!("evt_{n}")).collect();
    assert_eq!(
        ids, newest_first,
        "also those of the first second, and none before it"
    );
}

#[tokio::test]
async fn any_number_of_types_is_asked_for_in_twenties() {
    let Rig { stripe, api } = rig().await;
    let kinds: Vec<String> = (0..45).map(|n| format!("kind.number_{n}")).collect();
    let types: Vec<&str> = kinds.iter().map(String::as_str).collect();
    for (n, kind) in (0..).zip(&types) {
        stripe.happened(&event(n, kind));
    }
    let query = EventQuery {
        since: noon(),
        types: &types,
    };
    let pages = all(&api, query).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [20, 20, 5]);
    assert_eq!(stripe.asked().len(), 3);
    let none = EventQuery {
        since: noon(),
        types: &[],
    };
    assert!(all(&api, none).await.is_empty());
}

#[tokio::test]
async fn a_rate_limit_in_the_middle_loses_no_page() {
    let Rig { stripe, api } = rig().await;
    for n in 0..150 {
        stripe.happened(&event(n, "customer.created"));
    }
    let query = EventQuery {
        since: noon(),
        types: &["customer.created"],
    };
    let mut pages = api.events(&query);
    assert_eq!(pages.next().await.unwrap().unwrap().len(), 100);
    stripe.fail(Fault::RateLimited, 1);
    assert_eq!(
        pages.next().await.unwrap().unwrap().len(),
        50,
        "asked again by itself"
    );
    assert_eq!(pages.next().await, Ok(None));

    let mut pages = api.events(&query);
    stripe.fail_at("/v1/events", Fault::ServerError, 2);
    assert!(matches!(pages.next().await, Err(ApiError::Unavailable { .. })));
    assert_eq!(
        pages.next().await.unwrap().unwrap().len(),
        100,
        "goes on where it was"
    );
}

#[tokio::test]
async fn listed_events_have_the_version_of_the_account() {
    let Rig { stripe, api } = rig().await;
    let paid = onlycar::dev::stripe::event("invoice.paid", &onlycar::dev::stripe::Sample::default(), noon())
        .unwrap();
    stripe.happened(&paid);
    stripe.list_in(Version::Old);
    let query = EventQuery {
        since: noon(),
        types: &["invoice.paid"],
    };
    let mut pages = api.events(&query);
    let page = pages.next().await.unwrap().unwrap();
    assert_eq!(page[0]["id"], paid["id"]);
    assert_eq!(page[0]["api_version"], "2024-06-20");
    assert!(page[0]["data"]["object"]["subscription"].is_string());
    let id = paid["data"]["object"]["id"].as_str().unwrap();
    assert_eq!(
        api.retrieve("invoices", id).await.unwrap(),
        paid["data"]["object"]
    );
}

#[tokio::test]
async fn what_belongs_together_is_found() {
    let Rig { stripe, api } = rig().await;
    for (n, invoice, payment) in [(1, "in_1", "pi_1"), (2, "in_1", "pi_2"), (3, "in_2", "pi_3")] {
        stripe.put(json!({
            "id": format!("inpay_{n}"), "object": "invoice_payment", "created": n, "invoice": invoice,
            "payment": { "type": "payment_intent", "payment_intent": payment },
        }));
    }
    stripe.put(json!({ "id": "cs_1", "object": "checkout.session", "payment_intent": "pi_1" }));
    let ids = |objects: Result<Vec<Value>, ApiError>| -> Vec<String> {
        let objects = objects.unwrap();
        objects
            .iter()
            .map(|object| object["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        ids(api.invoice_payments_of_invoice("in_1").await),
        ["inpay_2", "inpay_1"]
    );
    assert_eq!(ids(api.invoice_payments_of_payment("pi_3").await), ["inpay_3"]);
    assert_eq!(ids(api.invoice_payments_of_payment("pi_9").await), [""; 0]);
    assert_eq!(ids(api.checkout_sessions_of_payment("pi_1").await), ["cs_1"]);
    assert_eq!(ids(api.webhook_endpoints().await), [""; 0]);
    stripe.send_to("https://onlycar.example/api/webhooks/stripe", "whsec_a");
    let endpoints = api.webhook_endpoints().await.unwrap();
    assert_eq!(endpoints[0]["status"], "enabled");
    assert_eq!(endpoints[0]["url"], "https://onlycar.example/api/webhooks/stripe");
}
