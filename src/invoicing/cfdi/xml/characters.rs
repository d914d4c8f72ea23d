//! The character classes of XML 1.0, and references to characters.

use std::borrow::Cow;

/// Longer than any reference a writer produces; a bound, so that none is looked for in the rest of the document.
const LONGEST_REFERENCE: usize = 16;

/// White space between markup.
pub fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r')
}

/// A character that no XML document may hold, and where.
pub fn forbidden(text: &str) -> Option<usize> {
    let control = text
        .bytes()
        .position(|byte| byte < b' ' && !is_space(char::from(byte)));
    control.or_else(|| text.find(['\u{FFFE}', '\u{FFFF}']))
}

/// A name without a colon.
pub fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(starts_name) && letters.all(continues_name)
}

fn starts_name(letter: char) -> bool {
    matches!(letter,
        'A'..='Z' | 'a'..='z' | '_'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}'
        | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
        | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

fn continues_name(letter: char) -> bool {
    starts_name(letter)
        || matches!(letter,
            '0'..='9' | '-' | '.' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// The character that a reference stands for, and the length of the reference; `text` begins with its `&`.
/// Without a document type there are five entities, and no other can be defined.
pub fn reference(text: &str) -> Option<(char, usize)> {
    let end = text
        .bytes()
        .take(LONGEST_REFERENCE)
        .position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    let letter = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => numbered(name.strip_prefix('#')?)?,
    };
    Some((letter, end + 1))
}

fn numbered(digits: &str) -> Option<char> {
    let (digits, radix) = digits.strip_prefix('x').map_or((digits, 10), |hex| (hex, 16));
    // Rust's own parser would take a sign.
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let letter = char::from_u32(u32::from_str_radix(digits, radix).ok()?)?;
    let allowed = letter >= ' ' && !matches!(letter, '\u{FFFE}' | '\u{FFFF}') || is_space(letter);
    allowed.then_some(letter)
}

/// Whether every `&` begins a reference to a character.
pub fn has_good_references(value: &str) -> bool {
    let starts = value.match_indices('&');
    starts
        .map(|(at, _)| value.get(at..).unwrap_or_default())
        .all(|rest| reference(rest).is_some())
}

/// An attribute's value as XML 1.0 section 3.3.3 normalises it: references replaced, white space made blanks.
pub fn normalised(value: &str) -> Cow<'_, str> {
    if !value.contains(['&', '\t', '\n', '\r']) {
        return Cow::Borrowed(value);
    }
    let mut normal = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find(['&', '\t', '\n', '\r']) {
        let (before, special) = rest.split_at(at);
        normal.push_str(before);
        let (letter, length) = match reference(special) {
            Some(found) => found,
            None if special.starts_with("\r\n") => (' ', 2),
            None => (' ', 1),
        };
        normal.push(letter);
        rest = special.get(length..).unwrap_or_default();
    }
    normal.push_str(rest);
    Cow::Owned(normal)
}
