//! Documents written to exhaust the reader: four times the bytes take about four times the time.

use std::fmt::Write;
use std::time::{Duration, Instant};

use onlycar::invoicing::cfdi::{Accept, MAX_BYTES, Reason, read};

use super::invoice;

const END: &str = "</cfdi:Comprobante>\n";

/// The good document, filled to so many bytes by `unit` repeated between `before` and `after`.
fn filled(bytes: usize, before: &str, unit: &dyn Fn(usize) -> String, after: &str) -> String {
    let mut xml = invoice().xml();
    xml.truncate(xml.len() - END.len());
    xml.push_str(before);
    let room = bytes - END.len() - after.len();
    for at in 0.. {
        let unit = unit(at);
        if xml.len() + unit.len() > room {
            break;
        }
        xml.push_str(&unit);
    }
    xml.push_str(after);
    xml.push_str(END);
    xml
}

/// Small enough for a build without optimisation.
const SMALL: usize = 256 * 1024;

type Make = fn(usize) -> String;

/// What it is, how it is made, and what is said of it: `None` where it is read.
const CASES: [(&str, Make, Option<Reason>); 16] = [
    (
        "attributes",
        |size| filled(size, "<a ", &|at| format!("a{at}=\"\" "), "/>"),
        Some(Reason::TooManyAttributes),
    ),
    (
        "declarations",
        |size| filled(size, "<a ", &|at| format!("xmlns:a{at}=\"u\" "), "/>"),
        Some(Reason::TooManyAttributes),
    ),
    (
        "nested",
        |size| filled(size, "", &|_| "<a>".to_owned(), ""),
        Some(Reason::TooDeep),
    ),
    (
        "nested declarations",
        |size| filled(size, "", &|at| format!("<a xmlns:a{at}=\"u\">"), ""),
        Some(Reason::TooDeep),
    ),
    (
        "siblings",
        |size| filled(size, "", &|_| "<a/>".to_owned(), ""),
        None,
    ),
    (
        "siblings with declarations",
        |size| filled(size, "", &|at| format!("<a xmlns:a{at}=\"u:{at}\"/>"), ""),
        None,
    ),
    (
        "siblings with 128 attributes",
        |size| {
            filled(
                size,
                "",
                &|_| format!("<a {}/>", full(&|at| format!("a{at}=\"\" "))),
                "",
            )
        },
        None,
    ),
    (
        "siblings with 124 declarations",
        |size| {
            filled(
                size,
                "",
                &|_| format!("<a {}/>", full(&|at| format!("xmlns:a{at}=\"u:{at}\" "))),
                "",
            )
        },
        None,
    ),
    ("a text", |size| filled(size, "", &|_| "a ".to_owned(), ""), None),
    (
        "references",
        |size| filled(size, "", &|_| "&#65;".to_owned(), ""),
        None,
    ),
    (
        "ampersands",
        |size| filled(size, "<a b=\"", &|_| "&".to_owned(), "\"/>"),
        Some(Reason::MalformedXml),
    ),
    (
        "a value of references",
        |size| filled(size, "<a xmlns=\"", &|_| "&#65;".to_owned(), "\"/>"),
        None,
    ),
    (
        "a comment",
        |size| filled(size, "<!--", &|_| "a<".to_owned(), "-->"),
        None,
    ),
    (
        "an entity",
        |size| {
            format!(
                "<!DOCTYPE a [<!ENTITY a \"{}\">]><a>&a;</a>",
                "a".repeat(size - 60)
            )
        },
        Some(Reason::DtdNotAllowed),
    ),
    (
        "concepts",
        |size| filled(size, "", &|_| "<cfdi:Concepto Importe=\"1\"/>".to_owned(), ""),
        None,
    ),
    (
        "unclosed",
        |size| filled(size, "<a b=\"", &|_| "a".to_owned(), ""),
        Some(Reason::MalformedXml),
    ),
];

fn full(attribute: &dyn Fn(usize) -> String) -> String {
    (0..124).fold(String::new(), |mut all, at| {
        let _ = write!(all, "{}", attribute(at));
        all
    })
}

/// The better of two, because others use the machine too.
fn time(xml: &str, expected: Option<Reason>, what: &str) -> Duration {
    let one = || {
        let start = Instant::now();
        let read = read(xml.as_bytes(), Accept::default());
        let took = start.elapsed();
        assert_eq!(read.err().map(|rejection| rejection.reason), expected, "{what}");
        took
    };
    one().min(one())
}

#[test]
fn time_is_linear_in_the_bytes() {
    for (what, make, expected) in CASES {
        let (small, large) = (make(SMALL), make(4 * SMALL));
        assert!(
            large.len() <= 4 * SMALL && large.len() > 4 * SMALL - 2_000,
            "{what}"
        );
        let (small, large) = (time(&small, expected, what), time(&large, expected, what));
        // What is quadratic takes 16 times as long, and many seconds.
        let most = small * 8 + Duration::from_secs(1);
        assert!(
            large < most,
            "{what}: {small:?}, and {large:?} for four times the bytes"
        );
    }
}

#[test]
fn the_largest_document_is_read() {
    let xml = filled(MAX_BYTES, "", &|_| "a ".repeat(512), "");
    time(&xml, None, "a text of 4 MiB");
}

#[test]
fn many_concepts_are_refused_before_they_are_kept() {
    let inner = "<cfdi:Concepto Importe=\"1\"/>".repeat(120_000);
    let xml = super::with("<cfdi:Conceptos>", &format!("<cfdi:Conceptos>{inner}"));
    assert!(xml.len() < MAX_BYTES);
    time(&xml, Some(Reason::TooManyConcepts), "concepts");
}
