//! The rows of the signature matrix as data, grouped by what they vary; `cases` builds the
//! requests.

use super::cases::SECRET;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The signature holds; over HTTP 200.
    Accept,
    /// The signature does not hold, for the reason of this code; over HTTP 400, nothing stored.
    Reject(&'static str),
    /// The SDKs disagree and so may we: over HTTP 200 or 400, no panic.
    Either,
    /// The signature holds, but the body is no event: over HTTP 400.
    SignedThen400,
    /// The signature holds; over HTTP 200 (kept for a person) or 400, never 5xx.
    SignedThenAny,
    /// Such a secret stops the start, so there is nothing to send.
    RefusedAtStart,
}
use Expected::{Accept, Either, Reject, SignedThen400, SignedThenAny};

const MALFORMED: Expected = Reject("malformed");
pub const MISMATCH: Expected = Reject("mismatch");
const MISSING: Expected = Reject("missing");
const NO_SCHEME: Expected = Reject("no-scheme");

/// Rows about the header's form. The words in braces are made by `cases::fill`.
pub const HEADERS: &[(u16, &str, Expected, &str)] = &[
    (1, "valid", Accept, "t={t},v1={good}"),
    (2, "valid + v0 also present", Accept, "t={t},v1={good},v0={bad}"),
    (3, "only v0 (correctly signed)", NO_SCHEME, "t={t},v0={good}"),
    (4, "two v1: bad then good", Accept, "t={t},v1={bad},v1={good}"),
    (5, "two v1: good then bad", Accept, "t={t},v1={good},v1={bad}"),
    (6, "v1 before t", Accept, "v1={good},t={t}"),
    (7, "space after comma", Either, "t={t}, v1={good}"),
    (8, "leading space in header", Either, " t={t},v1={good}"),
    (9, "trailing space in header", Either, "t={t},v1={good} "),
    (10, "spaces round =", MALFORMED, "t = {t},v1 = {good}"),
    (11, "trailing newline", MISMATCH, "t={t},v1={good}\n"),
    (12, "uppercase hex", Either, "t={t},v1={upper}"),
    (13, "non-hex v1 plus good", Accept, "t={t},v1=potato,v1={good}"),
    (14, "only non-hex v1", MISMATCH, "t={t},v1=potato"),
    (15, "truncated hex 63 chars", MISMATCH, "t={t},v1={first63}"),
    (16, "truncated hex 62 chars", MISMATCH, "t={t},v1={first62}"),
    (17, "hex plus extra byte", MISMATCH, "t={t},v1={good}00"),
    (18, "empty v1", MISMATCH, "t={t},v1="),
    (19, "empty v1 plus good", Accept, "t={t},v1=,v1={good}"),
    (20, "bare v1 (no =) plus good", Either, "t={t},v1,v1={good}"),
    (21, "bare unknown word plus good", Accept, "t={t},foo,v1={good}"),
    (
        22,
        "unknown scheme v2 plus good",
        Accept,
        "t={t},v2={bad},v1={good}",
    ),
    (23, "trailing comma", Accept, "t={t},v1={good},"),
    (24, "leading comma", Accept, ",t={t},v1={good}"),
    (25, "empty header", MISSING, ""),
    (26, "only spaces header", MISSING, "   "),
    (27, "bad_header", MALFORMED, "bad_header"),
    (28, "missing t", MALFORMED, "v1={good}"),
    (29, "missing t, signed over .payload", MALFORMED, "v1={untimed}"),
    (
        45,
        "dup t: good first, stale second",
        MALFORMED,
        "t={t},t={stale},v1={good}",
    ),
    (
        46,
        "dup t: stale first, good second",
        MALFORMED,
        "t={stale},t={t},v1={good}",
    ),
    (73, "wrong secret", MISMATCH, "t={t},v1={other_secret}"),
    (
        74,
        "secret without whsec_ prefix as key",
        MISMATCH,
        "t={t},v1={stripped_secret}",
    ),
    (75, "scheme V1 uppercase", NO_SCHEME, "t={t},V1={good}"),
    (76, "key T uppercase", MALFORMED, "T={t},v1={good}"),
    (77, "v1 value with trailing =", MISMATCH, "t={t},v1={good}="),
    (78, "v1 quoted", MISMATCH, "t={t},v1=\"{good}\""),
    (79, "v1 with 0x", MISMATCH, "t={t},v1=0x{good}"),
    (
        80,
        "signature over payload only",
        MISMATCH,
        "t={t},v1={body_only}",
    ),
    (81, "sha512 sig", MISMATCH, "t={t},v1={sha512}"),
    (82, "sha1 sig", MISMATCH, "t={t},v1={first40}"),
    (83, "plain sha256 no key", MISMATCH, "t={t},v1={no_key}"),
    (84, "base64 signature", MISMATCH, "t={t},v1={base64}"),
    (85, "separator ;", MALFORMED, "t={t};v1={good}"),
    (
        86,
        "two headers joined \", \" (first bad second good)",
        Either,
        "t={t},v1={bad}, t={t},v1={good}",
    ),
    (
        87,
        "two headers joined \",\" (stale t first)",
        MALFORMED,
        "t={stale},v1={bad},t={t},v1={good}",
    ),
    (88, "1000 bad then good", Accept, "t={t},{bad1000}v1={good}"),
];

/// Rows about `t`: as sent, and what stands in its place in the signed text.
pub const TIMES: &[(u16, &str, Expected, &str, &str)] = &[
    (30, "t empty", MALFORMED, "t=", ""),
    (31, "t bare", MALFORMED, "t", "{t}"),
    (32, "t non numeric (signed over it)", MALFORMED, "t=abc", "abc"),
    (33, "t non numeric (signed over NaN)", MALFORMED, "t=abc", "NaN"),
    (34, "t=+now signed over now", MALFORMED, "t=+{t}", "{t}"),
    (35, "t=+now signed over raw", MALFORMED, "t=+{t}", "+{t}"),
    (36, "t leading zeros signed over int", MALFORMED, "t=00{t}", "{t}"),
    (
        37,
        "t leading zeros signed over raw",
        MALFORMED,
        "t=00{t}",
        "00{t}",
    ),
    (38, "t decimal signed over int", MALFORMED, "t={t}.5", "{t}"),
    (39, "t decimal signed over raw", MALFORMED, "t={t}.5", "{t}.5"),
    (
        40,
        "t underscore signed over int",
        MALFORMED,
        "t={underscored}",
        "{t}",
    ),
    (
        41,
        "t trailing junk signed over int",
        MALFORMED,
        "t={t}abc",
        "{t}",
    ),
    (42, "t leading space signed over int", MALFORMED, "t= {t}", "{t}"),
    (43, "t hex 0x signed over int", MALFORMED, "t={hex}", "{t}"),
    (44, "t exponent signed over int", MALFORMED, "t={t}e0", "{t}"),
    (53, "t in ms", MALFORMED, "t={t}000", "{t}000"),
    (54, "t negative", MALFORMED, "t=-{t}", "-{t}"),
    (55, "t zero", MALFORMED, "t=0", "0"),
    (
        56,
        "t over i64",
        MALFORMED,
        "t=9223372036854775808",
        "9223372036854775808",
    ),
    (
        57,
        "t i64 max",
        MALFORMED,
        "t=9223372036854775807",
        "9223372036854775807",
    ),
    (
        58,
        "t i64 min",
        MALFORMED,
        "t=-9223372036854775808",
        "-9223372036854775808",
    ),
    (90, "full-width digits in t", MALFORMED, "t={full_width}", "{t}"),
];

/// Rows about a correctly written `t`: seconds added to now.
pub const AGES: &[(u16, &str, Expected, i64)] = &[
    (47, "t age 290", Accept, -290),
    (48, "t age 310", Reject("stale"), -310),
    (49, "t age 1 year", Reject("stale"), -31_536_000),
    (50, "t future 290", Accept, 290),
    (51, "t future 330", Reject("future"), 330),
    (52, "t future 1 year", Reject("future"), 31_536_000),
];

/// Rows about the body, correctly signed. `{event}` is the usual event.
pub const BODIES: &[(u16, &str, Expected, &[u8])] = &[
    (59, "payload invalid utf8 signed raw", SignedThen400, b"{\"id\":\"evt_59\",\"object\":\"event\",\"type\":\"\xff\"}"),
    (60, "payload valid non-ascii utf8", Accept, "{\"id\":\"evt_60\",\"object\":\"event\",\"type\":\"plan.created\",\"x\":\"ñ–🚗\"}".as_bytes()),
    (61, "payload with BOM signed raw", SignedThen400, b"\xef\xbb\xbf{event}"),
    (63, "empty payload signed", SignedThen400, b""),
    (65, "payload trailing newline signed", Accept, b"{event}\n"),
    (66, "payload CRLF signed", Accept, b"{\r\n\"id\":\"evt_66\",\r\n\"object\":\"event\",\"type\":\"plan.created\"}\r\n"),
    (68, "payload with \\u0000 escape", Accept, b"{\"id\":\"evt_68\",\"object\":\"event\",\"type\":\"plan.created\",\"x\":\"\\u0000\"}"),
    (69, "payload with raw NUL at end", SignedThen400, b"{event}\0"),
    (91, "json array signed", SignedThen400, b"[{event}]"),
    (92, "json null signed", SignedThen400, b"null"),
    (93, "json number signed", SignedThen400, b"42"),
    (94, "json string signed", SignedThen400, b"\"event\""),
    (95, "json empty obj signed", SignedThen400, b"{}"),
    (96, "json invalid json signed", SignedThen400, b"this is not json"),
    (97, "json truncated signed", SignedThen400, b"{\"id\":\"evt_97\",\"object\":\"event\",\"type\":"),
    (98, "json trailing garbage signed", SignedThen400, b"{event}garbage"),
    (99, "json v2 signed", SignedThenAny, b"{\"id\":\"evt_99\",\"object\":\"v2.core.event\",\"type\":\"v1.plan.created\",\"livemode\":false,\"created\":\"2026-11-22T18:00:00.000Z\",\"related_object\":{\"id\":\"plan_1\",\"type\":\"plan\",\"url\":\"/v1/plans/plan_1\"}}"),
    (100, "json object other signed", SignedThen400, b"{\"id\":\"ch_100\",\"object\":\"charge\",\"type\":\"plan.created\"}"),
    (101, "json no object signed", SignedThen400, b"{\"id\":\"evt_101\",\"type\":\"plan.created\"}"),
    (102, "json dup id keys signed", Accept, b"{\"id\":\"evt_102_first\",\"id\":\"evt_102_last\",\"object\":\"event\",\"type\":\"plan.created\"}"),
    (103, "json deep nest signed", SignedThenAny, b"{\"id\":\"evt_103\",\"object\":\"event\",\"type\":\"plan.created\",\"data\":{open20000}{close20000}}"),
    (104, "json huge int signed", SignedThenAny, b"{\"id\":\"evt_104\",\"object\":\"event\",\"type\":\"plan.created\",\"created\":{digits400}}"),
];

/// Rows where the body sent is not the body signed: what is signed, what is sent.
pub const CHANGED: &[(u16, &str, &str, &str)] = &[
    (
        62,
        "payload with BOM signed without BOM",
        "{event}",
        "\u{feff}{event}",
    ),
    (64, "payload trailing newline not signed", "{event}", "{event}\n"),
    (67, "payload re-serialised (spaces)", "{event}", "{compact}"),
];

/// Rows about the configured secret: the secret, and the one the sender has.
pub const SECRETS: &[(u16, &str, &str, &str)] = &[
    (70, "empty secret, signed with empty", "", ""),
    (71, "blank secret, signed with blank", " \t", " \t"),
    (
        72,
        "secret with trailing newline, signed w/o",
        "whsec_test_secret\n",
        SECRET,
    ),
];
