//! XML, read in one pass over the text, in memory that does not grow with it.
//!
//! quick-xml cuts the text into pieces. It is made for speed, and passes what XML forbids: two roots, elements that
//! are never closed, prefixes that nobody declared, `<` within a value, characters that do not exist. A document that
//! two programs read differently is how a forged invoice passes for a real one, so all of it is refused here;
//! `tests/it/cfdi/oracle.rs` compares the outcome with a strict parser. The limits keep time and memory linear.

mod attributes;
mod characters;
mod namespaces;

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::Event;

use self::attributes::{Attribute, Written};
use self::characters::{forbidden, is_space, reference};
use self::namespaces::Namespaces;
use super::rejection::{Reason, Rejection};

pub use self::namespaces::Namespace;

/// Elements within elements: the deepest real invoice has 8 levels.
const MAX_DEPTH: usize = 64;
/// Of one element: the most of a real invoice are 24.
pub const MAX_ATTRIBUTES: usize = 128;
/// In force at one place: the most of a real invoice are 9.
pub const MAX_NAMESPACES: usize = 128;

/// What is wrong, before it is known where.
#[derive(Debug)]
pub struct Fault {
    reason: Reason,
    what: &'static str,
}

impl Fault {
    pub fn new(reason: Reason, what: &'static str) -> Self {
        Self { reason, what }
    }

    fn malformed(what: &'static str) -> Self {
        Self::new(Reason::MalformedXml, what)
    }
}

/// An element that begins.
pub struct Element<'e, 'a> {
    pub namespace: Namespace,
    pub local: &'a str,
    attributes: &'e [Attribute<'a>],
}

impl<'a> Element<'_, 'a> {
    /// The value of an attribute without a namespace, as all of a CFDI are.
    pub fn attribute(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut plain = self
            .attributes
            .iter()
            .filter(|attribute| attribute.name.prefix.is_empty());
        plain
            .find(|attribute| attribute.name.local == name)
            .map(Attribute::value)
    }
}

/// Who is told of each element.
pub trait Visitor<'a> {
    /// An element begins.
    fn open(&mut self, element: &Element<'_, 'a>) -> Result<(), Fault>;
    /// The element that began last and is still open ends.
    fn close(&mut self);
}

/// Reads a whole document.
pub fn walk<'a>(text: &'a str, visitor: &mut impl Visitor<'a>) -> Result<(), Rejection> {
    if let Some(offset) = forbidden(text) {
        let what = "a character that XML does not allow";
        return Err(Rejection::at(Reason::MalformedXml, what, text, offset));
    }
    let mut reader = Reader::from_str(text);
    let mut walk = Walk {
        visitor,
        namespaces: Namespaces::default(),
        attributes: Vec::new(),
        names: Vec::new(),
        depth: 0,
        had_root: false,
    };
    loop {
        let start = offset(&reader);
        let rest = text.get(start..).unwrap_or_default();
        let read = next(&mut reader, rest);
        let piece = rest.get(..offset(&reader) - start).unwrap_or_default();
        let step = read.and_then(|event| walk.step(&event, piece, start == 0));
        match step {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(Fault { reason, what }) => return Err(Rejection::at(reason, what, text, start)),
        }
    }
}

fn offset(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn next<'a>(reader: &mut Reader<&'a [u8]>, rest: &str) -> Result<Event<'a>, Fault> {
    // Before quick-xml looks for the end of it.
    let doctype = rest
        .get(..9)
        .is_some_and(|start| start.eq_ignore_ascii_case("<!DOCTYPE"));
    if doctype {
        return Err(dtd());
    }
    let broken = |_| Fault::malformed("markup is broken off, or closes what is not open");
    reader.read_event().map_err(broken)
}

fn dtd() -> Fault {
    Fault::new(
        Reason::DtdNotAllowed,
        "a document type is declared; no CFDI has one, and it can define entities",
    )
}

struct Walk<'v, 'a, V> {
    visitor: &'v mut V,
    namespaces: Namespaces<'a>,
    attributes: Vec<Attribute<'a>>,
    /// Those of the attributes of one element, to find one that is there twice.
    names: Vec<(Namespace, &'a str)>,
    depth: usize,
    had_root: bool,
}

impl<'a, V: Visitor<'a>> Walk<'_, 'a, V> {
    /// Takes the next piece; whether there is more.
    fn step(&mut self, event: &Event<'a>, piece: &'a str, first: bool) -> Result<bool, Fault> {
        match event {
            Event::Start(_) => self.open(tag(piece, ">")?)?,
            Event::Empty(_) => {
                self.open(tag(piece, "/>")?)?;
                self.close();
            }
            Event::End(_) => self.close(),
            Event::Text(_) => self.text(piece)?,
            Event::GeneralRef(_) => self.reference(piece)?,
            Event::CData(_) if self.depth == 0 => return Err(outside()),
            Event::CData(_) => {}
            Event::Comment(_) => comment(piece)?,
            Event::PI(_) => instruction(piece)?,
            Event::Decl(_) if first => declaration(piece, &mut self.attributes)?,
            Event::Decl(_) => return Err(Fault::malformed("an XML declaration that is not the beginning")),
            Event::DocType(_) => return Err(dtd()),
            Event::Eof => return self.end().map(|()| false),
        }
        Ok(true)
    }

    fn open(&mut self, tag: &'a str) -> Result<(), Fault> {
        if self.depth == 0 && self.had_root {
            return Err(outside());
        }
        if self.depth == MAX_DEPTH {
            let what = "elements stand in each other more than 64 deep";
            return Err(Fault::new(Reason::TooDeep, what));
        }
        self.had_root = true;
        self.depth += 1;
        let (name, attributes) = tag.split_at(tag.find(is_space).unwrap_or(tag.len()));
        let name = Written::parse(name)?;
        attributes::read(attributes, &mut self.attributes)?;
        for attribute in &self.attributes {
            if let Some(prefix) = attribute.declares() {
                self.namespaces.declare(self.depth, prefix, &attribute.value())?;
            }
        }
        let namespace = self.namespaces.resolve(name.prefix)?;
        self.refuse_repeated_attributes()?;
        self.visitor.open(&Element {
            namespace,
            local: name.local,
            attributes: &self.attributes,
        })
    }

    fn refuse_repeated_attributes(&mut self) -> Result<(), Fault> {
        self.names.clear();
        for attribute in &self.attributes {
            let namespace = match (attribute.declares(), attribute.name.prefix) {
                (Some(prefix), _) => {
                    self.names.push((Namespace::Xmlns, prefix));
                    continue;
                }
                (None, "") => Namespace::None,
                (None, prefix) => self.namespaces.resolve(prefix)?,
            };
            self.names.push((namespace, attribute.name.local));
        }
        self.names.sort_unstable();
        let repeated = self.names.windows(2).any(|pair| pair.first() == pair.last());
        if repeated {
            return Err(Fault::malformed("an attribute is there twice"));
        }
        Ok(())
    }

    fn close(&mut self) {
        self.namespaces.leave(self.depth);
        self.depth = self.depth.saturating_sub(1);
        self.visitor.close();
    }

    fn text(&self, piece: &str) -> Result<(), Fault> {
        if self.depth == 0 && !piece.chars().all(is_space) {
            return Err(outside());
        }
        if piece.contains("]]>") {
            return Err(Fault::malformed("]]> stands in a text"));
        }
        Ok(())
    }

    fn reference(&self, piece: &str) -> Result<(), Fault> {
        if self.depth == 0 {
            return Err(outside());
        }
        let whole = reference(piece).is_some_and(|(_, length)| length == piece.len());
        if !whole {
            return Err(Fault::malformed(
                "a text refers to a character or entity that does not exist",
            ));
        }
        Ok(())
    }

    fn end(&self) -> Result<(), Fault> {
        match (self.had_root, self.depth) {
            (true, 0) => Ok(()),
            (true, _) => Err(Fault::malformed("the document ends before its elements do")),
            (false, _) => Err(Fault::malformed("the document has no element")),
        }
    }
}

fn outside() -> Fault {
    Fault::malformed("something stands beside the one element that a document is")
}

/// What stands between `<` and the end of a tag.
fn tag<'a>(piece: &'a str, end: &str) -> Result<&'a str, Fault> {
    let inner = piece.strip_prefix('<').and_then(|inner| inner.strip_suffix(end));
    inner.ok_or_else(|| Fault::malformed("a tag is broken off"))
}

fn comment(piece: &str) -> Result<(), Fault> {
    let inner = piece
        .strip_prefix("<!--")
        .and_then(|inner| inner.strip_suffix("-->"));
    match inner {
        Some(inner) if !inner.contains("--") && !inner.ends_with('-') => Ok(()),
        _ => Err(Fault::malformed("a comment holds -- or is broken off")),
    }
}

fn instruction(piece: &str) -> Result<(), Fault> {
    let inner = piece
        .strip_prefix("<?")
        .and_then(|inner| inner.strip_suffix("?>"))
        .unwrap_or_default();
    let target = inner.split(is_space).next().unwrap_or_default();
    if !characters::is_name(target) || target.eq_ignore_ascii_case("xml") {
        return Err(Fault::malformed("a processing instruction has no proper name"));
    }
    Ok(())
}

fn declaration<'a>(piece: &'a str, attributes: &mut Vec<Attribute<'a>>) -> Result<(), Fault> {
    let broken = || Fault::malformed("the XML declaration is broken");
    let inner = piece
        .strip_prefix("<?xml")
        .and_then(|inner| inner.strip_suffix("?>"))
        .ok_or_else(broken)?;
    attributes::read(inner, attributes)?;
    let mut said = attributes
        .iter()
        .map(|attribute| (attribute.name, attribute.value()))
        .peekable();
    let mut take = |name: &str| {
        let next = said.next_if(|(next, _)| next.prefix.is_empty() && next.local == name);
        next.map(|(_, value)| value)
    };
    if take("version").as_deref() != Some("1.0") {
        return Err(broken());
    }
    if take("encoding").is_some_and(|encoding| !encoding.eq_ignore_ascii_case("utf-8")) {
        let what = "the document says that it is not UTF-8";
        return Err(Fault::new(Reason::UnsupportedEncoding, what));
    }
    let standalone = take("standalone").is_none_or(|standalone| matches!(&*standalone, "yes" | "no"));
    if !standalone || said.next().is_some() {
        return Err(broken());
    }
    Ok(())
}
