//! Every row of the matrix and known answers, against the verifier alone.

use chrono::DateTime;
use onlycar::payments::signature::{Refusal, verify};

use super::cases::{Expected, SECRET, cases};
use super::{OTHER, good, now, secrets, t, verdict};

#[test]
fn every_row_of_the_matrix() {
    let mut wrong = Vec::new();
    for case in cases(now()) {
        let got = match secrets(&[&case.secret]) {
            Ok(secrets) => Some(verify(&case.headers, &case.body, &secrets, now())),
            Err(_) => None,
        };
        let right = match (case.expected, got) {
            (Expected::RefusedAtStart, None) | (Expected::Either, Some(_)) => true,
            (Expected::Accept | Expected::SignedThen400 | Expected::SignedThenAny, Some(got)) => got.is_ok(),
            (Expected::Reject(code), Some(Err(refusal))) => refusal.code() == code,
            _ => false,
        };
        if !right {
            wrong.push(format!(
                "row {} ({}): expected {:?}, got {got:?}",
                case.number, case.name, case.expected
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_matrix_is_whole() {
    let cases = cases(now());
    let numbers: Vec<_> = cases.iter().map(|case| case.number).collect();
    assert_eq!(numbers, (1..=104).collect::<Vec<_>>());
    let unsendable: Vec<_> = cases
        .iter()
        .filter(|case| case.header_values().is_none())
        .map(|case| case.number)
        .collect();
    assert_eq!(
        unsendable,
        [11],
        "HTTP can carry every header but one with a line break"
    );
    for case in &cases {
        let unfilled = case.headers.iter().flatten().any(|byte| *byte == b'{');
        assert!(
            !unfilled,
            "row {}: a word in braces was not filled in",
            case.number
        );
    }
}

/// Where the SDKs disagree these are our choices; changing one is a change an operator can see.
#[test]
fn our_choice_where_the_sdks_disagree() {
    let secrets = secrets(&[SECRET]).unwrap();
    let chosen: Vec<_> = cases(now())
        .into_iter()
        .filter(|case| case.expected == Expected::Either)
        .map(|case| (case.number, verify(&case.headers, &case.body, &secrets, now())))
        .collect();
    assert_eq!(
        chosen,
        [
            (7, Ok(())),
            (8, Ok(())),
            (9, Ok(())),
            (12, Ok(())),
            (20, Ok(())),
            (86, Err(Refusal::RepeatedTimestamp)),
            (89, Ok(())),
        ]
    );
}

// ---- known answers, made with `openssl dgst -sha256 -hmac` over `1790000000.<body>`

const KNOWN: &[u8] = "{\n  \"id\": \"evt_known_answer\",\n  \"object\": \"event\",\n  \"type\": \"payment_intent.succeeded\",\n  \"data\": {\n    \"object\": {\n      \"amount\": 123456,\n      \"description\": \"Cambio de aceite, $1,234.56 – áéíóú\"\n    }\n  }\n}\n".as_bytes();

#[test]
fn known_answers() {
    let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    let check = |secret: &str, body: &[u8], mac: &str| {
        verify(
            [format!("t=1790000000,v1={mac}")],
            body,
            &secrets(&[secret]).unwrap(),
            at,
        )
    };
    // Shorter than a hash block, exactly one, and longer: each is keyed in another way.
    let one_block = format!("whsec_{}", "k".repeat(58));
    let longer = format!("whsec_{}", "k".repeat(94));
    for (secret, mac) in [
        (
            "whsec_known_answer",
            "c1e903b442c9421e0edbc1a30a77e8c85ec4a02970f59493da10488819ac7186",
        ),
        (
            &one_block,
            "c75e445654a6458d308b665e968759a75d474edfb43e1d7aed0dc7429d95a568",
        ),
        (
            &longer,
            "bca66b0e16ed39e64960902f4ecb59fdb980c12ca911a6102e05b2c2e0d0d07b",
        ),
    ] {
        assert_eq!(check(secret, KNOWN, mac), Ok(()), "{secret}");
        assert_eq!(
            check(secret, KNOWN.trim_ascii_end(), mac),
            Err(Refusal::Mismatch),
            "{secret}"
        );
    }
    let without_newline = "c66e9f62528cd6135e411969d1d0432285ff5265d678aa46178a38e0470e22b4";
    assert_eq!(
        check("whsec_known_answer", KNOWN.trim_ascii_end(), without_newline),
        Ok(())
    );
    assert_eq!(
        check("whsec_known_answer", KNOWN, without_newline),
        Err(Refusal::Mismatch)
    );
}

// ---- limits, texts

#[test]
fn a_header_over_the_limit_is_refused_before_any_work() {
    let line = |candidates: usize| {
        format!(
            "t={},{}v1={}",
            t(),
            format!("v1={},", "b".repeat(64)).repeat(candidates),
            good()
        )
    };
    assert_eq!(verdict(line(1900)), Ok(()));
    assert_eq!(verdict(line(2000)), Err(Refusal::TooLong));
    assert_eq!(verdict(vec![b','; 1 << 20]), Err(Refusal::TooLong));
}

#[test]
fn texts_help_and_tell_nothing_secret() {
    use Refusal::{
        BadTimestamp, Future, Mismatch, Missing, NoScheme, NoTimestamp, Repeated, RepeatedTimestamp, Stale,
        TooLong,
    };
    for refusal in [
        Missing,
        Repeated,
        TooLong,
        NoTimestamp,
        RepeatedTimestamp,
        BadTimestamp,
        NoScheme,
        Mismatch,
        Stale,
        Future,
    ] {
        let text = refusal.to_string();
        assert!(
            (20..110).contains(&text.len()) && text.is_ascii() && !text.ends_with('.'),
            "{text}"
        );
        assert!(
            ["missing", "malformed", "no-scheme", "mismatch", "stale", "future"].contains(&refusal.code())
        );
    }
    assert!(Stale.to_string().contains("tolerance of 300 s"));
    assert!(Mismatch.to_string().contains("wrong signing secret"));
    assert_eq!(
        format!("{:?}", secrets(&[SECRET, OTHER]).unwrap()),
        "SigningSecrets(2 redacted)"
    );
}
