//! Which namespace a prefix stands for, where it stands.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Fault, MAX_NAMESPACES};
use crate::invoicing::cfdi::rejection::Reason;

const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// A namespace. Those that nobody asks for are told apart by a hash of their name, so that comparing two costs the
/// same however long they are. A collision could only make a document look as if it repeated an attribute.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Namespace {
    None,
    Xml,
    /// That of declarations themselves.
    Xmlns,
    Cfdi4,
    Cfdi3,
    Stamp,
    Other(u64),
}

impl Namespace {
    fn named(uri: &str) -> Self {
        match uri {
            "" => Self::None,
            XML => Self::Xml,
            "http://www.sat.gob.mx/cfd/4" => Self::Cfdi4,
            // 3.2 had the same one as 3.3.
            "http://www.sat.gob.mx/cfd/3" => Self::Cfdi3,
            "http://www.sat.gob.mx/TimbreFiscalDigital" => Self::Stamp,
            _ => {
                let mut hasher = DefaultHasher::new();
                uri.hash(&mut hasher);
                Self::Other(hasher.finish())
            }
        }
    }
}

/// The declarations in force.
#[derive(Default)]
pub struct Namespaces<'a> {
    by_prefix: HashMap<&'a str, Vec<Namespace>>,
    in_order: Vec<(usize, &'a str)>,
}

impl<'a> Namespaces<'a> {
    /// A declaration on the element that is so deep.
    pub fn declare(&mut self, depth: usize, prefix: &'a str, uri: &str) -> Result<(), Fault> {
        let namespace = Namespace::named(uri);
        let reserved =
            uri == XMLNS || prefix == "xmlns" || (prefix == "xml") != (namespace == Namespace::Xml);
        if reserved {
            return Err(Fault::malformed(
                "a reserved prefix or namespace is declared anew",
            ));
        }
        if uri.is_empty() && !prefix.is_empty() {
            return Err(Fault::malformed("a prefix is declared without a namespace"));
        }
        // `xmlns:schemaLocation`, written for `xsi:schemaLocation`, is a list of addresses and no namespace.
        if uri.contains(|letter: char| letter <= ' ' || "<>\"{}|\\^`".contains(letter)) {
            return Err(Fault::malformed("a prefix is declared with what is no URI"));
        }
        if self.in_order.len() == MAX_NAMESPACES {
            let what = "more than 128 namespaces are declared";
            return Err(Fault::new(Reason::TooManyNamespaces, what));
        }
        self.in_order.push((depth, prefix));
        self.by_prefix.entry(prefix).or_default().push(namespace);
        Ok(())
    }

    /// What the prefix of an element stands for.
    pub fn resolve(&self, prefix: &str) -> Result<Namespace, Fault> {
        match self.by_prefix.get(prefix).and_then(|declared| declared.last()) {
            Some(namespace) => Ok(*namespace),
            None if prefix.is_empty() => Ok(Namespace::None),
            None if prefix == "xml" => Ok(Namespace::Xml),
            None => Err(Fault::malformed("a prefix is not declared")),
        }
    }

    /// Forgets what was declared so deep.
    pub fn leave(&mut self, depth: usize) {
        while let Some((_, prefix)) = self.in_order.pop_if(|(declared, _)| *declared >= depth) {
            if let Some(declared) = self.by_prefix.get_mut(prefix) {
                declared.pop();
                // A document can invent new prefixes on and on: an empty list of each would add up.
                if declared.is_empty() {
                    self.by_prefix.remove(prefix);
                }
            }
        }
    }
}
