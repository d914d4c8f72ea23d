//! What stands in a tag: a name, then attributes.

use std::borrow::Cow;

use super::characters::{has_good_references, is_name, is_space, normalised};
use super::{Fault, MAX_ATTRIBUTES};
use crate::invoicing::cfdi::rejection::Reason;

/// A name as it is written: its prefix, empty where there is none, and the rest.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    pub prefix: &'a str,
    pub local: &'a str,
}

impl<'a> Written<'a> {
    pub fn parse(text: &'a str) -> Result<Self, Fault> {
        let (prefix, local) = match text.split_once(':') {
            Some((prefix, local)) if is_name(prefix) => (prefix, local),
            Some(_) => return Err(Fault::malformed("a name has no proper prefix")),
            None => ("", text),
        };
        if !is_name(local) {
            return Err(Fault::malformed("a name has a character that names do not have"));
        }
        Ok(Self { prefix, local })
    }
}

/// An attribute as it is written.
#[derive(Clone, Copy, Debug)]
pub struct Attribute<'a> {
    pub name: Written<'a>,
    raw: &'a str,
}

impl<'a> Attribute<'a> {
    pub fn value(&self) -> Cow<'a, str> {
        normalised(self.raw)
    }

    /// The prefix that it declares as a namespace; an empty one for the default.
    pub fn declares(&self) -> Option<&'a str> {
        match (self.name.prefix, self.name.local) {
            ("", "xmlns") => Some(""),
            ("xmlns", prefix) => Some(prefix),
            _ => None,
        }
    }
}

/// Reads the attributes of a tag, which follow its name.
pub fn read<'a>(mut rest: &'a str, into: &mut Vec<Attribute<'a>>) -> Result<(), Fault> {
    into.clear();
    loop {
        let next = rest.trim_start_matches(is_space);
        if next.is_empty() {
            return Ok(());
        }
        if next.len() == rest.len() {
            return Err(Fault::malformed("no blank stands before an attribute"));
        }
        if into.len() == MAX_ATTRIBUTES {
            let what = "an element has more than 128 attributes";
            return Err(Fault::new(Reason::TooManyAttributes, what));
        }
        let (attribute, after) = one(next)?;
        into.push(attribute);
        rest = after;
    }
}

fn one(text: &str) -> Result<(Attribute<'_>, &str), Fault> {
    let ends = |letter| letter == '=' || is_space(letter);
    let without_value = || Fault::malformed("an attribute has no value in quotes");
    let (name, after) = text.split_at(text.find(ends).ok_or_else(without_value)?);
    let after = after.trim_start_matches(is_space);
    let quoted = after.strip_prefix('=').ok_or_else(without_value)?;
    let mut quoted = quoted.trim_start_matches(is_space).chars();
    let quote = quoted
        .next()
        .filter(|quote| matches!(quote, '"' | '\''))
        .ok_or_else(without_value)?;
    let (raw, after) = quoted.as_str().split_once(quote).ok_or_else(without_value)?;
    if raw.contains('<') {
        return Err(Fault::malformed("the value of an attribute holds <"));
    }
    if !has_good_references(raw) {
        return Err(Fault::malformed(
            "the value of an attribute refers to a character that does not exist",
        ));
    }
    let name = Written::parse(name)?;
    Ok((Attribute { name, raw }, after))
}
