//! One trace from the webhook to the last job.

use onlycar::dev::gigstack::Event;
use tokio::net::TcpListener;
use uuid::Uuid;

use super::collector::{Collector, attribute};
use crate::invoicing::{order_of, tell};
use crate::support::{Story, TestApp};

async fn app(collector: &Collector) -> TestApp {
    TestApp::with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)]).await
}

#[tokio::test]
async fn from_the_webhook_to_the_stored_document_and_the_mail() {
    let collector = Collector::start().await;
    let app = app(&collector).await;
    let story = Story::create(&app.pool).await;
    let invoice = app.gigstack.stamp(order_of(story.service));
    tell(&app, Event::InvoiceCreated, &invoice.id).await;
    assert_eq!(app.mails(1).await.len(), 1);
    assert_eq!(app.bucket.keys().await.len(), 2);

    let event: Uuid = app.one("select id from webhooks.events").await;
    let jobs: i64 = app
        .one("select count(*) from engine.jobs where cause is not null")
        .await;
    let spans = collector.trace(event, 2 + usize::try_from(jobs).unwrap()).await;
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert!(names[0].starts_with("handle invoice"), "{names:?}");
    assert!(
        names.contains(&"job guardar_factura") && names.contains(&"job notificar"),
        "{names:?}"
    );
    let (root, rest): (Vec<_>, Vec<_>) = spans.iter().partition(|span| span.parent_span_id.is_empty());
    let [root] = root[..] else {
        panic!("one span begins it: {spans:#?}")
    };
    assert_eq!(root.name, "receive gigstack");
    assert_eq!(root.span_id, event.as_bytes()[8..]);
    for span in rest {
        assert_eq!(span.parent_span_id, root.span_id, "{}", span.name);
        assert_eq!(attribute(span, "onlycar.attempt"), "1");
        assert_eq!(attribute(span, "onlycar.outcome"), "processed", "{span:#?}");
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
        let row: Uuid = attribute(span, "onlycar.row.id").parse().unwrap();
        assert!(row == event || span.name.starts_with("job "), "{span:#?}");
    }
    let mut ids: Vec<_> = spans.iter().map(|span| &span.span_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), spans.len(), "each has an id of its own");

    // Nothing of the person, and no secret.
    let told = format!("{:?}", collector.all());
    let person = "select array[nombre, email, telefono] from clientes where email is not null limit 1";
    for word in app.one::<Vec<Option<String>>>(person).await.into_iter().flatten() {
        assert!(!told.contains(&word), "{word} is in a trace");
    }
    for secret in ["whsec_", "sk_test", "token", invoice.cfdi.receptor.rfc.as_str()] {
        assert!(!told.contains(secret), "{secret} is in a trace");
    }
    app.finish().await;
}

#[tokio::test]
async fn an_attempt_that_failed_shows_without_its_reason() {
    let collector = Collector::start().await;
    let app = app(&collector).await;
    let strange = serde_json::json!({
        "id": "evt_strange", "object": "event", "type": "payment_intent.succeeded", "created": 1_795_000_000,
        "data": { "object": { "id": "pi_1", "object": "payment_intent", "amount": "María Ríos" } }
    });
    app.handle(&strange).await;
    assert_eq!(app.state(&strange).await.0, "parked");
    let event: Uuid = app.one("select id from webhooks.events").await;
    let spans = collector.trace(event, 2).await;
    let handled = &spans[0];
    assert_eq!(handled.name, "handle payment_intent.succeeded");
    assert_eq!(attribute(handled, "onlycar.outcome"), "parked");
    let status = handled.status.clone().unwrap();
    assert_eq!((status.code, status.message.as_str()), (2, ""));
    assert!(!format!("{:?}", collector.all()).contains("Ríos"));

    // Who asks cannot say which trace it belongs to.
    let theirs = "4bf92f3577b34da6a3ce929d0e0e4736";
    let ask = app
        .client
        .get(format!("{}/api/services/{event}?q=secret-question", app.url));
    let traceparent = format!("00-{theirs}-00f067aa0ba902b7-01");
    let answer = ask.header("traceparent", traceparent).send().await.unwrap();
    let status = answer.status().as_str().to_owned();
    let asked = |spans: &[opentelemetry_proto::tonic::trace::v1::Span]| {
        spans
            .iter()
            .find(|span| span.name == "GET /api/services/{id}")
            .cloned()
    };
    app.until("the request's span came", || async {
        asked(&collector.all()).is_some()
    })
    .await;
    let asked = asked(&collector.all()).unwrap();
    assert_ne!(hex::encode(&asked.trace_id), theirs);
    assert_eq!(attribute(&asked, "http.route"), "/api/services/{id}");
    assert_eq!(attribute(&asked, "http.response.status_code"), status);
    assert!(!format!("{asked:?}").contains("secret-question"));
    app.finish().await;
}

#[tokio::test]
async fn a_collector_that_never_answers_holds_up_nothing() {
    // It takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let app = TestApp::with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]).await;
    let story = Story::create(&app.pool).await;
    let begun = std::time::Instant::now();
    for _ in 0..20 {
        app.handle(&story.event("payment_intent.succeeded", app.now()))
            .await;
    }
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    let (taken, _) = silent.accept().await.unwrap();
    drop(taken);
    app.finish().await;
}
