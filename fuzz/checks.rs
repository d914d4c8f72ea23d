//! What has to hold for any bytes at all, one function per target. `fuzz_targets/` lets `libFuzzer` look for bytes for which
//! it does not; `tests/it/fuzz.rs` runs the same over the seeds, on stable Rust.

use std::sync::LazyLock;

use axum::extract::FromRequestParts;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, stream};
use onlycar::access::{Access, Staff};
use onlycar::contracts::Mifiel;
use onlycar::engine::source::Source;
use onlycar::ground::clock::Clock;
use onlycar::ground::config::{Environment, Secrets, Settings};
use onlycar::invoicing::cfdi::{self, Accept};
use onlycar::invoicing::{Door, Gigstack};
use onlycar::payments::Stripe;
use onlycar::payments::signature::{SigningSecrets, verify};
use onlycar::tools::pdf;
use ring::hmac;

/// The secrets are no secret: the seeds are signed with them, so that the fuzzer gets past the door at all.
pub const STRIPE: &str = "whsec_of_the_fuzzer";
pub const SUPABASE: &str = "the-jwt-secret-of-the-fuzzer-40-bytes-ok";
pub const ISSUER: &str = "http://127.0.0.1:9/auth/v1";
pub const NOW: &str = "2026-11-22T18:00:00Z";

fn now() -> DateTime<Utc> {
    NOW.parse().unwrap()
}

static SETTINGS: LazyLock<Settings> = LazyLock::new(|| {
    let variables = [
        ("DATABASE_URL", "postgres://localhost/onlycar"),
        ("STRIPE_WEBHOOK_SECRET", STRIPE),
        ("GIGSTACK_API_KEY", "key"),
        ("GIGSTACK_API_SECRET", "whsec_Z2lnc3RhY2sgb2YgdGhlIGZ1enplcg=="),
        ("GIGSTACK_ENV", "sandbox"),
        ("GIGSTACK_BASE_URL", "http://127.0.0.1:9"),
        ("MIFIEL_APP_ID", "app"),
        ("MIFIEL_APP_SECRET", "secret"),
        ("MIFIEL_ENV", "sandbox"),
        ("MIFIEL_BASE_URL", "http://127.0.0.1:9"),
        (
            "MIFIEL_WEBHOOK_URL",
            "http://127.0.0.1:9/api/webhooks/mifiel?token=b3f6a0c1d27e4958963c5d81e0fa47b2",
        ),
        ("EMISOR_RFC", "EKU9003173C9"),
        ("EMISOR_RAZON_SOCIAL", "ESCUELA KEMPER URGATE"),
        ("EMISOR_REGIMEN", "612"),
        ("EMISOR_CP", "88000"),
        ("SUPABASE_URL", "http://127.0.0.1:9"),
        ("SUPABASE_JWT_SECRET", SUPABASE),
    ];
    let environment: Environment = variables.into_iter().collect();
    Settings::from_parts(&environment, None).unwrap()
});

/// A header and, after its first line, a body. What is accepted bears a MAC of its own time and body.
pub fn stripe_signature(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (header, body) = (&data[..end], data.get(end + 1..).unwrap_or_default());
    let secrets = |text: &str| SigningSecrets::new(&Secrets::parse(text).unwrap());
    if verify([header], body, &secrets(STRIPE), now()).is_err() {
        return;
    }
    // What does not count may be any bytes.
    let header = String::from_utf8_lossy(header);
    let header = header.as_ref();
    let parts = || header.split(',').filter_map(|part| part.split_once('='));
    let key = hmac::Key::new(hmac::HMAC_SHA256, STRIPE.as_bytes());
    let signed = parts().filter(|(name, _)| name.trim() == "t").any(|(_, time)| {
        let message = [time.trim().as_bytes(), b".", body].concat();
        parts().filter(|(name, _)| name.trim() == "v1").any(|(_, mac)| {
            hex::decode(mac.trim()).is_ok_and(|mac| hmac::verify(&key, &message, &mac).is_ok())
        })
    });
    assert!(signed, "accepted without a MAC");
    let longer = [body, b"x"].concat();
    assert!(
        verify([header], &longer, &secrets(STRIPE), now()).is_err(),
        "another body"
    );
    assert!(
        verify([header], body, &secrets("whsec_another"), now()).is_err(),
        "another secret"
    );
    let late = now() + chrono::TimeDelta::seconds(601);
    assert!(
        verify([header], body, &secrets(STRIPE), late).is_err(),
        "another time"
    );
}

/// The first byte chooses the reader, the rest is a body. What is taken for an event has a name that fits a column and a
/// log line, and is read alike again.
pub fn event_envelope(data: &[u8]) {
    static SOURCES: LazyLock<Vec<Box<dyn Source>>> = LazyLock::new(|| {
        let settings = &*SETTINGS;
        let (gigstack, mifiel) = (
            settings.gigstack.as_ref().unwrap(),
            settings.mifiel.as_ref().unwrap(),
        );
        let file = &settings.file;
        let mut sources: Vec<Box<dyn Source>> = vec![
            Box::new(Stripe::new(&settings.stripe)),
            Box::new(Mifiel::new(mifiel, &file.mifiel)),
        ];
        for door in Door::ALL {
            sources.push(Box::new(Gigstack::new(door, gigstack, &file.gigstack)));
        }
        sources
    });
    let Some((choice, body)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(body) else {
        return;
    };
    let source = &SOURCES[usize::from(*choice) % SOURCES.len()];
    let Ok(envelope) = source.open(text) else { return };
    for name in [&envelope.event_id, &envelope.event_type] {
        assert!((1..=255).contains(&name.len()), "{name:?}");
        assert!(name.bytes().all(|byte| byte.is_ascii_graphic()), "{name:?}");
    }
    assert!(
        envelope
            .api_version
            .is_none_or(|version| version.len() <= 100 && !version.contains('\0'))
    );
    // PostgreSQL has no later times.
    assert!(
        envelope
            .occurred_at
            .is_none_or(|at| at.timestamp().abs() < 253_402_300_800 * 29)
    );
    if let Some(kept) = &envelope.kept {
        let value: serde_json::Value = serde_json::from_slice(kept).unwrap();
        assert!(kept.len() <= text.len() * 6 + 64, "what is kept grew");
        // Nothing but what is known to be harmless: keeping again keeps the same.
        let again = source
            .open(std::str::from_utf8(kept).unwrap())
            .unwrap()
            .kept
            .unwrap();
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&again).unwrap(),
            value
        );
    }
    let again = source.open(text).unwrap();
    assert_eq!(
        (again.event_id, again.event_type),
        (envelope.event_id, envelope.event_type)
    );
}

/// What is accepted is well-formed to a strict parser, which reads the same stamp and total in it.
pub fn cfdi(data: &[u8]) {
    let Ok(read) = cfdi::read(data, Accept { cfdi_33: true }) else {
        return;
    };
    let text = std::str::from_utf8(data).unwrap();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = roxmltree::Document::parse(text).expect("a strict parser takes it");
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "Comprobante");
    let total = root.attribute("Total").unwrap().trim();
    assert_eq!(total.parse::<rust_decimal::Decimal>().unwrap(), read.total);
    let stamps: Vec<_> = root
        .children()
        .filter(|node| node.tag_name().name() == "Complemento")
        .flat_map(|node| node.children())
        .filter(|node| {
            node.has_tag_name(("http://www.sat.gob.mx/TimbreFiscalDigital", "TimbreFiscalDigital"))
        })
        .collect();
    let [stamp] = stamps.as_slice() else {
        panic!("{} stamps", stamps.len())
    };
    let uuid = stamp.attribute("UUID").unwrap().trim().to_lowercase();
    assert_eq!(uuid, read.uuid.to_string());
}

/// The first byte says in which pieces the rest comes. However it comes, the verdict is one, and what is taken for a PDF
/// has its marks.
pub fn pdf_check(data: &[u8]) {
    let Some((size, bytes)) = data.split_first() else {
        return;
    };
    let whole = pdf::is_whole(bytes);
    let pieces: Vec<_> = bytes
        .chunks(usize::from(*size) + 1)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let streamed = pdf::checked(stream::iter(pieces)).all(|piece| std::future::ready(piece.is_ok()));
    let streamed = futures_util::FutureExt::now_or_never(streamed).expect("nothing waits");
    assert_eq!(whole, streamed, "pieces of {}", usize::from(*size) + 1);
    if whole {
        assert!(bytes.starts_with(b"%PDF-"));
        let tail = &bytes[bytes.len().saturating_sub(1024)..];
        assert!(tail.windows(5).any(|window| window == b"%%EOF"));
        assert!(!pdf::is_page(bytes));
    }
}

/// A token. Whoever comes in with it bears a MAC of our secret, over this issuer, for somebody who signed in.
pub fn jwt(data: &[u8]) {
    static ACCESS: LazyLock<Access> = LazyLock::new(|| {
        let settings = &*SETTINGS;
        Access::new(
            settings.supabase.as_ref(),
            &settings.file.access,
            Clock::manual(now()),
        )
        .unwrap()
    });
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    }
    let value = [b"Bearer ", data].concat();
    let Ok(request) = Request::get("/").header("authorization", value).body(()) else {
        return;
    };
    let (mut parts, ()) = request.into_parts();
    let came_in = RUNTIME.with(|runtime| {
        runtime.block_on(async { Staff::from_request_parts(&mut parts, &*ACCESS).await.is_ok() })
    });
    if !came_in {
        return;
    }
    let text = std::str::from_utf8(data).unwrap().trim_matches(' ');
    let (message, mac) = text.rsplit_once('.').unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SUPABASE.as_bytes());
    hmac::verify(&key, message.as_bytes(), &URL_SAFE_NO_PAD.decode(mac).unwrap()).expect("our MAC");
    let (header, claims) = message.split_once('.').unwrap();
    let json = |part: &str| -> serde_json::Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(json(header)["alg"], "HS256");
    assert_eq!(json(claims)["iss"], ISSUER);
}
