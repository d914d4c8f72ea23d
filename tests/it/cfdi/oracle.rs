//! What is well-formed and what is not, compared with roxmltree, a strict parser. Where ours is stricter by intent, the
//! reason says so; a document that ours takes and the other does not would be a hole.

use onlycar::invoicing::cfdi::{Accept, Reason, read};
use proptest::prelude::*;
use roxmltree::{Document, ParsingOptions};

/// Whether ours got past the grammar.
fn ours(text: &str) -> bool {
    !matches!(
        read(text.as_bytes(), Accept::default()).map_err(|rejection| rejection.reason),
        Err(Reason::MalformedXml
            | Reason::DtdNotAllowed
            | Reason::UnsupportedEncoding
            | Reason::Empty
            | Reason::TooDeep
            | Reason::TooManyAttributes)
    )
}

fn theirs(text: &str) -> Result<(), String> {
    let options = ParsingOptions::default();
    let parsed = Document::parse_with_options(text, options);
    parsed.map(|_| ()).map_err(|error| error.to_string())
}

fn name() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "a", "b", "x:a", "x:b", "y:a", "xmlns", "xmlns:x", "xmlns:y", "ñ", "a.1", "1a", ":", "",
    ])
    .prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "", "urn:x", "urn:y", "b", "&amp;", "&#65;", "&#x0;", "&a;", "&", "<", ">", "'", "]]>",
    ])
    .prop_map(str::to_owned)
}

fn attribute() -> impl Strategy<Value = String> {
    let spaces = proptest::sample::select(vec![" ", "  ", "\n", ""]);
    (spaces, name(), value()).prop_map(|(space, name, value)| format!("{space}{name}=\"{value}\""))
}

fn text() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "",
        "a",
        " ",
        "&lt;",
        "&#10;",
        "&a;",
        "&",
        "]]>",
        "]]",
        ">",
        "<!-- a -->",
        "<!-- -- -->",
        "<!--->",
        "<![CDATA[<a>]]>",
        "<![CDATA[]]]]>",
        "<?a b?>",
        "<?xml a?>",
        "<? ?>",
        "\u{1}",
        "\u{FFFE}",
        "</a>",
        "<a",
        "<!a>",
    ])
    .prop_map(str::to_owned)
}

fn element() -> impl Strategy<Value = String> {
    let leaf = text();
    leaf.prop_recursive(4, 24, 4, |inner| {
        let attributes = proptest::collection::vec(attribute(), 0..4);
        let children = proptest::collection::vec(inner, 0..4);
        (name(), attributes, children).prop_map(|(name, attributes, children)| {
            let attributes = attributes.concat();
            if children.is_empty() {
                format!("<{name}{attributes}/>")
            } else {
                format!("<{name}{attributes}>{}</{name}>", children.concat())
            }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_ours_takes_the_strict_one_takes(before in text(), inner in element(), after in text()) {
        let root = format!("<r xmlns:x=\"urn:x\" xmlns:y=\"urn:y\">{inner}</r>");
        for document in [root.clone(), format!("{before}{root}{after}"), format!("{before}{inner}{after}")] {
            if ours(&document) {
                prop_assert_eq!(theirs(&document), Ok(()), "{}", document);
            }
        }
    }

    #[test]
    fn what_is_good_for_both_is_not_refused(inner in element()) {
        let document = format!("<r xmlns:x=\"urn:x\" xmlns:y=\"urn:y\">{inner}</r>");
        if theirs(&document).is_ok() && !stricter_by_intent(&document) {
            prop_assert!(ours(&document), "{}: {:?}", document, read(document.as_bytes(), Accept::default()).err());
        }
    }
}

/// roxmltree passes two equal declarations, and such whose namespace is empty or no URI, as the schema location that
/// some write by mistake.
fn stricter_by_intent(document: &str) -> bool {
    let odd = |tag: &str, name: &str| {
        let no_uri = [">", "]]>"]
            .iter()
            .any(|value| tag.contains(&format!("{name}=\"{value}\"")));
        let empty = name != "xmlns" && tag.contains(&format!("{name}=\"\""));
        no_uri || empty || tag.matches(&format!("{name}=\"")).count() > 1
    };
    let names = ["xmlns", "xmlns:x", "xmlns:y"];
    document
        .split('<')
        .any(|tag| names.iter().any(|name| odd(tag, name)))
}
