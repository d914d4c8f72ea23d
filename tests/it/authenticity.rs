//! Who sent a webhook, by the schemes of the configuration: every case by itself, and once more over HTTP.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use onlycar::ground::config::{File, Policy, Secrets, Verification};
use onlycar::invoicing::Door;
use onlycar::tools::authenticity::{Authenticity, Letter};
use sha2::Sha256;

use crate::support::TestApp;

/// The example of github.com/standard-webhooks/standard-webhooks.
const PUBLISHED: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const RAW: &str = "una clave sin forma";

const DEFAULT: &str = "";
const ALL: &str = r#"
[gigstack.verification]
policy = "all"
schemes = [
    { scheme = "standard_webhooks", tolerance_seconds = 300 },
    { scheme = "hmac", header = "x-gigstack-signature", encoding = "hex", template = "{body}" },
]"#;
const TEMPLATE: &str = r#"
[gigstack.verification]
schemes = [{ scheme = "hmac", header = "x-signature", encoding = "base64", prefix = "sha256=",
             template = "{id}.{timestamp}.{body}", timestamp_header = "x-time", id_header = "x-id",
             tolerance_seconds = 60 }]"#;
const STATIC: &str = r#"
[gigstack.verification]
schemes = [{ scheme = "static_header", header = "Authorization" }]"#;

type Headers = Vec<(&'static str, Vec<u8>)>;

/// What is sent, how its receiver is configured, and what becomes of it.
struct Case {
    name: String,
    settings: &'static str,
    secrets: &'static str,
    headers: Headers,
    body: Vec<u8>,
    expected: Result<(), &'static str>,
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn decoded(secret: &str) -> Vec<u8> {
    STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap()
}

/// The three headers of Standard Webhooks.
fn standard(key: &[u8], time: &str, body: &[u8]) -> Headers {
    let message = [b"msg_1.", time.as_bytes(), b".", body].concat();
    let signature = format!("v1,{}", STANDARD.encode(mac(key, &message)));
    vec![
        ("webhook-id", b"msg_1".to_vec()),
        ("webhook-timestamp", time.as_bytes().to_vec()),
        ("webhook-signature", signature.into_bytes()),
    ]
}

fn hex_header(key: &[u8], body: &[u8]) -> Headers {
    vec![("x-gigstack-signature", hex::encode(mac(key, body)).into_bytes())]
}

/// The headers with one of them changed.
fn with(mut headers: Headers, name: &str, change: impl Fn(&str) -> String) -> Headers {
    let found = headers.iter_mut().find(|(own, _)| *own == name).unwrap();
    found.1 = change(std::str::from_utf8(&found.1).unwrap()).into_bytes();
    headers
}

fn without(mut headers: Headers, name: &str) -> Headers {
    headers.retain(|(own, _)| *own != name);
    headers
}

fn twice(mut headers: Headers, name: &str) -> Headers {
    let again = headers.iter().find(|(own, _)| *own == name).unwrap().clone();
    headers.push(again);
    headers
}

/// Collects cases; each has a body of its own.
struct Cases {
    now: DateTime<Utc>,
    settings: &'static str,
    secrets: &'static str,
    list: Vec<Case>,
}

impl Cases {
    fn body(&self) -> Vec<u8> {
        format!(
            r#"{{"id":"evt_{}","type":"payment.created","of":"{{timestamp}} {{body}}"}}"#,
            self.list.len()
        )
        .into_bytes()
    }

    fn add(
        &mut self,
        name: &str,
        expected: Result<(), &'static str>,
        headers: impl FnOnce(&[u8]) -> Headers,
    ) {
        let body = self.body();
        let headers = headers(&body);
        self.list.push(Case {
            name: name.to_owned(),
            settings: self.settings,
            secrets: self.secrets,
            headers,
            body,
            expected,
        });
    }

    fn under(&mut self, settings: &'static str, secrets: &'static str) {
        (self.settings, self.secrets) = (settings, secrets);
    }

    fn time(&self, after: i64) -> String {
        (self.now + TimeDelta::seconds(after)).timestamp().to_string()
    }
}

const MISMATCH: Result<(), &str> = Err("mismatch");
const STALE: Result<(), &str> = Err("stale");
const UNSIGNED: Result<(), &str> = Err("unsigned");

fn cases(now: DateTime<Utc>) -> Vec<Case> {
    let mut all = Cases {
        now,
        settings: DEFAULT,
        secrets: PUBLISHED,
        list: Vec::new(),
    };
    of_standard(&mut all);
    of_times(&mut all);
    of_hex(&mut all);
    of_rotation(&mut all);
    of_all(&mut all);
    of_templates(&mut all);
    of_static(&mut all);
    all.list
}

fn of_standard(all: &mut Cases) {
    let key = decoded(PUBLISHED);
    let now = all.time(0);
    let right = |body: &[u8]| standard(&key, &now, body);
    let signature = "webhook-signature";
    all.add("right", Ok(()), right);
    all.add("one of a list", Ok(()), |body| {
        with(right(body), signature, |it| {
            format!("v1,AAAA v1a,AAAA v2,{it} {it} v1,###")
        })
    });
    all.add("another version alone", MISMATCH, |body| {
        with(right(body), signature, |it| it.replacen("v1,", "v1a,", 1))
    });
    all.add("no version", MISMATCH, |body| {
        with(right(body), signature, |it| it.replacen("v1,", "", 1))
    });
    all.add("an empty signature", MISMATCH, |body| {
        with(right(body), signature, |_| String::new())
    });
    all.add("cut short", MISMATCH, |body| {
        with(right(body), signature, |it| it[..it.len() - 4].to_owned())
    });
    all.add("without padding", MISMATCH, |body| {
        with(right(body), signature, |it| it.trim_end_matches('=').to_owned())
    });
    all.add("another key", MISMATCH, |body| standard(b"another", &now, body));
    all.add("the key as text", MISMATCH, |body| {
        standard(PUBLISHED.as_bytes(), &now, body)
    });
    all.add("an empty key", MISMATCH, |body| standard(b"", &now, body));
    all.add("another body", MISMATCH, |body| right(&body[1..]));
    all.add("another id", MISMATCH, |body| {
        with(right(body), "webhook-id", |_| "msg_2".to_owned())
    });
    all.add("another time", MISMATCH, |body| {
        with(right(body), "webhook-timestamp", |it| {
            format!("{}", it.parse::<i64>().unwrap() + 1)
        })
    });
    for name in ["webhook-id", "webhook-timestamp", signature] {
        all.add(&format!("no {name}"), UNSIGNED, |body| without(right(body), name));
        all.add(&format!("{name} twice"), MISMATCH, |body| {
            twice(right(body), name)
        });
    }
    all.add("no header at all", UNSIGNED, |_| Vec::new());
    all.add("an id that is no text", MISMATCH, |body| {
        let mut headers = without(right(body), "webhook-id");
        headers.push(("webhook-id", vec![0xff, 0xfe]));
        headers
    });
}

fn of_times(all: &mut Cases) {
    let key = decoded(PUBLISHED);
    for (after, expected) in [
        (-300, Ok(())),
        (300, Ok(())),
        (-301, STALE),
        (301, STALE),
        (-86_400 * 3_650, STALE),
    ] {
        let time = all.time(after);
        all.add(&format!("{after} s"), expected, |body| {
            standard(&key, &time, body)
        });
    }
    let now = all.time(0);
    for time in [
        format!("+{now}"),
        format!("-{now}"),
        format!("{now}.0"),
        format!("{now}000"),
        "0x6A1F".to_owned(),
        "1e9".to_owned(),
        "now".to_owned(),
        "9".repeat(19),
        "9".repeat(40),
        "0".to_owned(),
        String::new(),
    ] {
        all.add(&format!("the time {time:?}"), STALE, |body| {
            standard(&key, &time, body)
        });
    }
}

fn of_hex(all: &mut Cases) {
    let key = PUBLISHED.as_bytes();
    let name = "x-gigstack-signature";
    let right = |body: &[u8]| hex_header(key, body);
    all.add("hex", Ok(()), right);
    all.add("hex in capitals", Ok(()), |body| {
        with(right(body), name, str::to_uppercase)
    });
    for (what, change) in [
        ("with 0x", (|it| format!("0x{it}")) as fn(&str) -> String),
        ("with sha256=", |it| format!("sha256={it}")),
        ("a digit short", |it| it[1..].to_owned()),
        ("a byte short", |it| it[2..].to_owned()),
        ("twice as long", |it| format!("{it}{it}")),
        ("empty", |_| String::new()),
        ("two with a comma", |it| format!("{it},{it}")),
        ("zeros", |_| "0".repeat(64)),
    ] {
        all.add(&format!("hex, {what}"), MISMATCH, |body| {
            with(right(body), name, change)
        });
    }
    all.add("hex of another body", MISMATCH, |body| right(&body[1..]));
    all.add("hex by the decoded key", MISMATCH, |body| {
        hex_header(&decoded(PUBLISHED), body)
    });
    all.add("hex twice", MISMATCH, |body| twice(right(body), name));
    // Any one is enough; of the others, what comes nearest is told.
    let (now, late) = (all.time(0), all.time(-301));
    let decoded = decoded(PUBLISHED);
    all.add("one wrong, one right", Ok(()), |body| {
        [standard(b"another", &now, body), right(body)].concat()
    });
    all.add("one late, one wrong", STALE, |body| {
        [standard(&decoded, &late, body), hex_header(b"another", body)].concat()
    });
}

fn of_rotation(all: &mut Cases) {
    all.under(
        DEFAULT,
        "whsec_b2xk,whsec_bmV3,una clave sin forma,whsec_no base64!,MDEyMzQ1Njc4OWFiY2RlZg==,c2hvcnQ=",
    );
    let now = all.time(0);
    for (key, expected) in [
        (&b"old"[..], Ok(())),
        (b"new", Ok(())),
        (RAW.as_bytes(), Ok(())),
        (b"whsec_no base64!", Ok(())),
        (b"MDEyMzQ1Njc4OWFiY2RlZg==", Ok(())),
        // As the scheme's own libraries take a secret without its prefix; but nothing that could be guessed.
        (b"0123456789abcdef", Ok(())),
        (b"short", MISMATCH),
        (b"whsec_b2xk", MISMATCH),
        (b"whsec_b2xk,whsec_bmV3", MISMATCH),
        (b"", MISMATCH),
    ] {
        let name = format!("key {}", String::from_utf8_lossy(key));
        all.add(&name, expected, |body| standard(key, &now, body));
    }
    for key in ["whsec_b2xk", "whsec_bmV3", RAW] {
        all.add(&format!("hex by {key}"), Ok(()), |body| {
            hex_header(key.as_bytes(), body)
        });
    }
}

fn of_all(all: &mut Cases) {
    all.under(ALL, PUBLISHED);
    let key = decoded(PUBLISHED);
    let (now, late) = (all.time(0), all.time(-301));
    let own = |body: &[u8]| hex_header(PUBLISHED.as_bytes(), body);
    all.add("all, both", Ok(()), |body| {
        [standard(&key, &now, body), own(body)].concat()
    });
    all.add("all, the first alone", UNSIGNED, |body| {
        standard(&key, &now, body)
    });
    all.add("all, the second alone", UNSIGNED, own);
    all.add("all, one wrong", MISMATCH, |body| {
        [standard(&key, &now, body), hex_header(b"another", body)].concat()
    });
    all.add("all, one late", STALE, |body| {
        [standard(&key, &late, body), own(body)].concat()
    });
}

fn of_templates(all: &mut Cases) {
    all.under(TEMPLATE, RAW);
    let signed = |id: &str, time: &str, body: &[u8]| -> Headers {
        let tag = mac(
            RAW.as_bytes(),
            &[format!("{id}.{time}.").as_bytes(), body].concat(),
        );
        vec![
            ("x-id", id.as_bytes().to_vec()),
            ("x-time", time.as_bytes().to_vec()),
            (
                "x-signature",
                format!("sha256={}", STANDARD.encode(tag)).into_bytes(),
            ),
        ]
    };
    let time = all.time(0);
    let right = |body: &[u8]| signed("a", &time, body);
    all.add("template", Ok(()), right);
    all.add("an id that looks like a part", Ok(()), |body| {
        signed("{timestamp}{body}{id}", &time, body)
    });
    all.add("no prefix", MISMATCH, |body| {
        with(right(body), "x-signature", |it| it.replacen("sha256=", "", 1))
    });
    all.add("another prefix", MISMATCH, |body| {
        with(right(body), "x-signature", |it| {
            it.replacen("sha256=", "SHA256=", 1)
        })
    });
    all.add("hex in place of base64", MISMATCH, |body| {
        with(right(body), "x-signature", |it| {
            format!("sha256={}", hex::encode(STANDARD.decode(&it[7..]).unwrap()))
        })
    });
    // An id whose right signature has letters that only the one alphabet has.
    let id = |body: &[u8]| {
        let ids = (0..).map(|n| format!("a{n}"));
        let mut ids = ids.map(|id| (signed(&id, &time, body), id));
        let plus = ids.find(|(headers, _)| headers[2].1.contains(&b'+'));
        plus.unwrap().1
    };
    all.add("base64 with plus", Ok(()), |body| signed(&id(body), &time, body));
    for (what, engine) in [("unpadded", STANDARD_NO_PAD), ("url-safe", URL_SAFE)] {
        all.add(&format!("base64 {what}"), MISMATCH, |body| {
            with(signed(&id(body), &time, body), "x-signature", |it| {
                format!("sha256={}", engine.encode(STANDARD.decode(&it[7..]).unwrap()))
            })
        });
    }
    all.add("another id under the template", MISMATCH, |body| {
        with(right(body), "x-id", |_| "b".to_owned())
    });
    for name in ["x-id", "x-time", "x-signature"] {
        all.add(&format!("no {name}"), UNSIGNED, |body| without(right(body), name));
        all.add(&format!("{name} twice"), MISMATCH, |body| {
            twice(right(body), name)
        });
    }
    for (after, expected) in [(60, Ok(())), (-60, Ok(())), (61, STALE), (-61, STALE)] {
        let time = all.time(after);
        all.add(&format!("template, {after} s"), expected, |body| {
            signed("a", &time, body)
        });
    }
    all.add("template, no digits", STALE, |body| signed("a", "hoy", body));
}

fn of_static(all: &mut Cases) {
    all.under(STATIC, "Bearer 0123456789abcdef,Bearer other");
    let header = |value: &str| vec![("authorization", value.as_bytes().to_vec())];
    for (value, expected) in [
        ("Bearer 0123456789abcdef", Ok(())),
        ("Bearer other", Ok(())),
        ("Bearer 0123456789abcde", MISMATCH),
        ("Bearer 0123456789abcdef0", MISMATCH),
        ("bearer 0123456789abcdef", MISMATCH),
        ("0123456789abcdef", MISMATCH),
        ("Bearer 0123456789abcdef,Bearer other", MISMATCH),
        ("", MISMATCH),
    ] {
        all.add(&format!("static {value:?}"), expected, |_| header(value));
    }
    all.add("static, none", UNSIGNED, |_| Vec::new());
    all.add("static, twice", MISMATCH, |_| {
        twice(header("Bearer other"), "authorization")
    });
}

fn judge(case: &Case, now: DateTime<Utc>) -> Result<(), &'static str> {
    let file = File::layered(Some(case.settings)).unwrap();
    let secrets = Secrets::parse(case.secrets).unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in &case.headers {
        headers.append(
            HeaderName::from_static(name),
            HeaderValue::from_bytes(value).unwrap(),
        );
    }
    let authenticity = Authenticity::new(&file.gigstack.verification, &secrets);
    let judged = authenticity.check(&letter(&headers, &case.body, now));
    judged.map_err(onlycar::tools::authenticity::Disbelief::code)
}

fn noon() -> DateTime<Utc> {
    "2026-11-22T18:00:00Z".parse().unwrap()
}

#[test]
fn each_message_is_judged_as_it_should() {
    let cases = cases(noon());
    assert!(cases.len() > 90, "{}", cases.len());
    for case in cases {
        assert_eq!(judge(&case, noon()), case.expected, "{}", case.name);
    }
}

#[tokio::test]
async fn and_so_it_is_at_the_door() {
    let all = cases(noon());
    for settings in [DEFAULT, ALL, TEMPLATE, STATIC] {
        let mut secrets: Vec<&str> = all
            .iter()
            .filter(|case| case.settings == settings)
            .map(|case| case.secrets)
            .collect();
        secrets.dedup();
        for secrets in secrets {
            let more = [("GIGSTACK_WEBHOOK_SECRET", secrets)];
            let mut app = TestApp::configured(&more, Some(settings)).await;
            let own = all
                .iter()
                .filter(|case| (case.settings, case.secrets) == (settings, secrets));
            for (at, case) in own.enumerate() {
                knock(&app, case, Door::ALL[at % Door::ALL.len()]).await;
            }
            app.stop().await;
        }
    }
}

async fn knock(app: &TestApp, case: &Case, door: Door) {
    let stored = async || app.one::<i64>("select count(*) from webhooks.events").await;
    let before = stored().await;
    let mut request = app.client.post(format!("{}{}", app.url, door.path()));
    for (name, value) in &case.headers {
        request = request.header(*name, HeaderValue::from_bytes(value).unwrap());
    }
    let answer = request.body(case.body.clone()).send().await.unwrap();
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    let more = stored().await - before;
    if case.expected.is_ok() {
        assert_eq!(
            (status, text.as_str(), more),
            (200, r#"{"received":true}"#, 1),
            "{}",
            case.name
        );
    } else {
        assert_eq!((status, more), (400, 0), "{}: {text}", case.name);
        let why = text.strip_prefix("Webhook Error: ").unwrap_or_default();
        assert!(why.len() > 15, "{}: {text}", case.name);
    }
}

/// The example of the specification, byte by byte.
fn published() -> Case {
    Case {
        name: "published".to_owned(),
        settings: DEFAULT,
        secrets: PUBLISHED,
        headers: vec![
            ("webhook-id", b"msg_p5jXN8AQM9LWM0D4loKWxJek".to_vec()),
            ("webhook-timestamp", b"1614265330".to_vec()),
            (
                "webhook-signature",
                b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_vec(),
            ),
        ],
        body: br#"{"test": 2432232314}"#.to_vec(),
        expected: Ok(()),
    }
}

#[tokio::test]
async fn the_published_example_of_standard_webhooks_is_believed() {
    let at = DateTime::from_timestamp(1_614_265_330, 0).unwrap();
    assert_eq!(judge(&published(), at), Ok(()));
    assert_eq!(judge(&published(), noon()), STALE);
    let mut app = TestApp::without_workers(&[("GIGSTACK_WEBHOOK_SECRET", PUBLISHED)]).await;
    app.advance(at - app.now());
    knock(&app, &published(), Door::InvoiceCreated).await;
    app.stop().await;
}

#[test]
fn with_nothing_to_check_by_nobody_is_believed() {
    let secrets = Secrets::parse(PUBLISHED).unwrap();
    for policy in [Policy::Any, Policy::All] {
        let verification = Verification {
            policy,
            schemes: Vec::new(),
        };
        let judged =
            Authenticity::new(&verification, &secrets).check(&letter(&HeaderMap::new(), b"{}", noon()));
        assert!(judged.is_err());
    }
}

#[test]
fn a_configuration_that_could_not_work_is_one_clear_message() {
    let scheme = |scheme: &str| format!("[gigstack.verification]\nschemes = [{scheme}]");
    let hmac = |more: &str| {
        scheme(&format!(
            r#"{{ scheme = "hmac", header = "x-a", encoding = "hex", {more} }}"#
        ))
    };
    for (text, why) in [
        (scheme(""), "there is no scheme: nobody would be believed"),
        (
            hmac(r#"template = """#),
            "a template without {body} signs nothing",
        ),
        (
            hmac(r#"template = "{id}""#),
            "a template without {body} signs nothing",
        ),
        (
            hmac(r#"template = "{body}{body}""#),
            "a template holds {body} once",
        ),
        (
            hmac(r#"template = "{timestamp}.{body}""#),
            "{timestamp} in the template and its header go together",
        ),
        (
            hmac(r#"template = "{body}", id_header = "x-id""#),
            "{id} in the template and its header go together",
        ),
        (
            hmac(r#"template = "{timestamp}{body}", timestamp_header = "x time""#),
            r#""x time" is no name of a header"#,
        ),
        (
            hmac(r#"template = "{body}", tolerance_seconds = 0"#),
            "tolerance_seconds is 1 to 3600",
        ),
        (
            scheme(r#"{ scheme = "standard_webhooks", tolerance_seconds = 9223372036854775807 }"#),
            "tolerance_seconds is 1 to 3600",
        ),
        (
            scheme(r#"{ scheme = "static_header", header = "" }"#),
            r#""" is no name of a header"#,
        ),
        (
            scheme(r#"{ scheme = "standard_webhooks" }"#),
            "missing field `tolerance_seconds`",
        ),
        (scheme(r#"{ scheme = "sha1" }"#), "unknown variant `sha1`"),
        (hmac(r#"template = "{body}", salt = "a""#), "unknown field `salt`"),
        (
            scheme(r#"{ scheme = "hmac", header = "x-a", encoding = "rot13", template = "{body}" }"#),
            "unknown variant `rot13`",
        ),
        (
            "[gigstack.verification]\npolicy = \"none\"".to_owned(),
            "unknown variant `none`",
        ),
    ] {
        let error = File::layered(Some(&text)).unwrap_err();
        assert!(error.starts_with("the settings file"), "{error}");
        assert!(error.contains("gigstack.verification"), "{error}");
        assert!(error.contains(why), "{text}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

fn letter<'a>(headers: &'a HeaderMap, body: &'a [u8], now: DateTime<Utc>) -> Letter<'a> {
    Letter {
        headers,
        query: None,
        body,
        now,
    }
}
