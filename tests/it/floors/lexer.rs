//! Just enough of Rust's grammar to tell code from comments and strings.

/// The text without its comments; strings are kept, or emptied.
pub(super) fn without_comments(text: &str, keep_strings: bool) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let before = kept
            .chars()
            .last()
            .is_none_or(|last| !last.is_alphanumeric() && last != '_');
        let (token, is_string) = if rest.starts_with("//") {
            let line = rest.find('\n').unwrap_or(rest.len());
            rest = &rest[line..];
            continue;
        } else if rest.starts_with("/*") {
            rest = &rest[block_comment(rest)..];
            continue;
        } else if let Some(length) = before.then(|| raw_string(rest)).flatten() {
            (length, true)
        } else if next == '"' {
            (string(rest), true)
        } else if next == '\'' {
            (character(rest), false)
        } else {
            (next.len_utf8(), false)
        };
        let (token, later) = rest.split_at(token);
        kept.push_str(if is_string && !keep_strings { "\"\"" } else { token });
        rest = later;
    }
    kept
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    loop {
        match text.get(at..at + 2) {
            Some("/*") => (depth, at) = (depth + 1, at + 2),
            Some("*/") => (depth, at) = (depth - 1, at + 2),
            _ if at >= text.len() => return text.len(),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
}

fn raw_string(text: &str) -> Option<usize> {
    let after = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let body = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end)? + end.len();
    Some(text.len() - body.len() + length)
}

fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A character literal as a whole, or the quote of a lifetime alone.
fn character(text: &str) -> usize {
    let mut letters = text.char_indices().skip(1);
    let Some((_, first)) = letters.next() else {
        return 1;
    };
    if first == '\\' {
        letters.next();
        return letters
            .find(|(_, letter)| *letter == '\'')
            .map_or(1, |(at, _)| at + 1);
    }
    letters
        .next()
        .filter(|(_, letter)| *letter == '\'')
        .map_or(1, |(at, _)| at + 1)
}

#[test]
fn comments_go_and_strings_stay_or_are_emptied() {
    for (text, with, without) in [
        ("a // b\nc", "a \nc", "a \nc"),
        ("a /* b /* c */ \" */ d", "a  d", "a  d"),
        (r#"x("http://a", b) // c"#, r#"x("http://a", b) "#, r#"x("", b) "#),
        (r#"x("a \" // b") // c"#, r#"x("a \" // b") "#, r#"x("") "#),
        ("r#\"a // \" b\"# // c", "r#\"a // \" b\"# ", "\"\" "),
        ("for\"a\" // b", "for\"a\" ", "for\"\" "),
        (
            "'\"' + '\\'' + '\\u{1F}' // \"",
            "'\"' + '\\'' + '\\u{1F}' ",
            "'\"' + '\\'' + '\\u{1F}' ",
        ),
        (
            "fn a<'a>(b: &'a str) // \"",
            "fn a<'a>(b: &'a str) ",
            "fn a<'a>(b: &'a str) ",
        ),
        ("/// é ' \"\nfn a() {}", "\nfn a() {}", "\nfn a() {}"),
    ] {
        assert_eq!(without_comments(text, true), with, "{text}");
        assert_eq!(without_comments(text, false), without, "{text}");
    }
}
