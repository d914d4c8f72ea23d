//! What the official SDKs' own test suites ask (facts/stripe.md, 1.4, list A), by its numbers.
//! Not applicable to us: A03, A06, A32, A33, A38
//! (a caller's own tolerance or options), A45 to A47 (other languages' strings), A50 to A58
//! (typed parsers and API version checks), A59, A62 to A64 (parsing, which is not done here).

use axum::http::{HeaderMap, HeaderValue};
use chrono::{DateTime, TimeDelta, Utc};
use onlycar::payments::signature::{HEADER, Refusal, TOLERANCE, verify};

use super::cases::{SECRET, sign};
use super::{BODY, OTHER, good, now, secrets, t, verdict};

fn at_age(seconds: i64) -> Result<(), Refusal> {
    let t = (now().timestamp() - seconds).to_string();
    verdict(format!("t={t},v1={}", sign(SECRET, &t, BODY)))
}

#[test]
fn a01_a02_a04_valid_as_text_bytes_and_header_map() {
    let header = format!("t={},v1={}", t(), good());
    assert_eq!(verdict(&header), Ok(()));
    assert_eq!(verdict(header.as_bytes()), Ok(()));
    let mut map = HeaderMap::new();
    map.insert(HEADER, HeaderValue::from_str(&header).unwrap());
    assert_eq!(
        verify(map.get_all(HEADER), BODY, &secrets(&[SECRET]).unwrap(), now()),
        Ok(())
    );
}

#[test]
fn a08_a09_no_line_or_several() {
    let secrets = secrets(&[SECRET]).unwrap();
    let line = format!("t={},v1={}", t(), good());
    assert_eq!(
        verify(Vec::<&str>::new(), BODY, &secrets, now()),
        Err(Refusal::Missing)
    );
    assert_eq!(
        verify(HeaderMap::new().get_all(HEADER), BODY, &secrets, now()),
        Err(Refusal::Missing)
    );
    assert_eq!(verdict(""), Err(Refusal::Missing));
    assert_eq!(
        verify([&line, &line], BODY, &secrets, now()),
        Err(Refusal::Repeated)
    );
    assert_eq!(verify(["", &line], BODY, &secrets, now()), Err(Refusal::Repeated));
}

#[test]
fn a10_to_a20_malformed_headers() {
    let (t, good) = (t(), good());
    let malformed = [
        "bad_header",
        "I am no header at all",
        "t=",
        "t,v1=,v0=",
        "t,v1=,v0",
        "t,v1=,",
        "t,,",
        ",,",
        "t",
    ];
    for header in malformed {
        assert_eq!(
            verdict(header).map_err(Refusal::code),
            Err("malformed"),
            "{header}"
        );
    }
    assert_eq!(verdict("v1,t=1"), Err(Refusal::NoScheme));
    assert_eq!(
        verdict(format!("t=,v1={good},v0={good}")),
        Err(Refusal::BadTimestamp)
    );
    assert_eq!(
        verdict(format!("t={t},t={t},v1={good}")),
        Err(Refusal::RepeatedTimestamp)
    );
}

#[test]
fn a21_to_a23_a30_no_signature_that_counts() {
    let (t, good, wrong) = (t(), good(), "0".repeat(64));
    for (header, refusal) in [
        (format!("t={t},v0={good}"), Refusal::NoScheme),
        (format!("t={t}"), Refusal::NoScheme),
        (format!("t={t},v1=bad_signature"), Refusal::Mismatch),
        (format!("t={t},v1={wrong}"), Refusal::Mismatch),
        (
            format!("t={t},v1={wrong},v1={wrong},v0={good}"),
            Refusal::Mismatch,
        ),
        (format!("t={t},v1="), Refusal::Mismatch),
        (format!("v1={good}"), Refusal::NoTimestamp),
    ] {
        assert_eq!(verdict(&header), Err(refusal), "{header}");
    }
}

#[test]
fn a24_a25_a28_a29_a_good_one_among_others() {
    let (t, good) = (t(), good());
    let zeros = "00".repeat(64);
    for other in [
        "potato",
        "bad_signature",
        "not_hex",
        "abc",
        "",
        "ff",
        &"0".repeat(64),
        &zeros,
        &good,
    ] {
        for header in [
            format!("t={t},v1={good},v1={other}"),
            format!("t={t},v1={other},v1={good}"),
            format!("v1={other},t={t},v1={good},v1={other}"),
        ] {
            assert_eq!(verdict(&header), Ok(()), "{header}");
        }
    }
}

#[test]
fn a26_a27_rotation() {
    let (t, old, new) = (t(), good(), sign(OTHER, &t(), BODY));
    let check = |header: &str, texts: &[&str]| verify([header], BODY, &secrets(texts).unwrap(), now());
    let (both, only_old, only_new) = (
        format!("t={t},v1={new},v1={old}"),
        format!("t={t},v1={old}"),
        format!("t={t},v1={new}"),
    );
    for texts in [&[SECRET][..], &[OTHER], &[SECRET, OTHER], &[OTHER, SECRET]] {
        assert_eq!(check(&both, texts), Ok(()), "{texts:?}");
    }
    assert_eq!(check(&only_old, &["whsec_unused", SECRET]), Ok(()));
    assert_eq!(check(&only_new, &[SECRET, OTHER]), Ok(()));
    assert_eq!(check(&only_new, &[SECRET]), Err(Refusal::Mismatch));
    assert_eq!(check(&only_old, &[OTHER]), Err(Refusal::Mismatch));
}

#[test]
fn a31_a34_to_a37_time() {
    assert_eq!(TOLERANCE, 300);
    for (age, expected) in [
        (0, Ok(())),
        (299, Ok(())),
        (300, Ok(())),
        (301, Err(Refusal::Stale)),
        (400, Err(Refusal::Stale)),
        (-300, Ok(())),
        (-301, Err(Refusal::Future)),
    ] {
        assert_eq!(at_age(age), expected, "{age} s old");
    }
}

/// The timestamp has whole seconds, so the last accepted one lasts to its end.
#[test]
fn a37_the_edge_lasts_one_second() {
    let (secrets, header) = (secrets(&[SECRET]).unwrap(), format!("t={},v1={}", t(), good()));
    let after = |ms| verify([&header], BODY, &secrets, now() + TimeDelta::milliseconds(ms));
    assert_eq!(after(300_999), Ok(()));
    assert_eq!(after(301_000), Err(Refusal::Stale));
    assert_eq!(
        verify([&header], BODY, &secrets, DateTime::<Utc>::MAX_UTC),
        Err(Refusal::Stale)
    );
    assert_eq!(
        verify([&header], BODY, &secrets, DateTime::<Utc>::MIN_UTC),
        Err(Refusal::Future)
    );
}

/// Only who knows the secret learns about our clock.
#[test]
fn an_unsigned_stale_request_is_a_mismatch() {
    assert_eq!(verdict(format!("t=1,v1={}", good())), Err(Refusal::Mismatch));
}

#[test]
fn a07_a39_a40_a48_the_body_is_what_was_signed() {
    let (secrets, header) = (secrets(&[SECRET]).unwrap(), format!("t={},v1={}", t(), good()));
    for body in [
        &[BODY, b" "].concat(),
        &[BODY, b"{}"].concat(),
        &[b"\n", BODY].concat(),
        &b""[..],
    ] {
        assert_eq!(verify([&header], body, &secrets, now()), Err(Refusal::Mismatch));
    }
    for body in [
        &b""[..],
        b"not json",
        b"\xff\xfe",
        b"{\"object\":\"v2.core.event\"}",
    ] {
        let header = format!("t={},v1={}", t(), sign(SECRET, &t(), body));
        assert_eq!(
            verify([&header], body, &secrets, now()),
            Ok(()),
            "what is in it is judged later"
        );
    }
}

#[test]
fn a41_to_a44_secrets_that_stop_the_start() {
    let why = |texts: &[&str]| secrets(texts).unwrap_err();
    assert!(why(&[]).starts_with("is empty or blank"));
    for blank in ["", " ", "\t", "\r\n", "\u{c}", "\u{b}", " \t\r\n", "\u{a0}"] {
        assert!(
            why(&[SECRET, blank]).starts_with("is empty or blank"),
            "{blank:?}"
        );
    }
    for padded in ["whsec_x ", " whsec_x", "whsec_x\n", "\twhsec_x"] {
        assert!(why(&[padded]).starts_with("has white space"), "{padded:?}");
    }
}

#[test]
fn a61_the_form_the_documentation_shows() {
    let header = format!("t={},v1={},v0={}", t(), good(), "6".repeat(64));
    assert_eq!(verdict(header), Ok(()));
}
