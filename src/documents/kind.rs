//! The words for documents and their files, as the API and the tables have them.

/// A kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An invoice (CFDI).
    Invoice,
    /// A contract that was sent for signature.
    Contract,
}

/// A file of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The picture of an invoice, or the signed contract.
    Pdf,
    /// The invoice itself, or the signatures of a contract.
    Xml,
    /// SAT's receipt of an invoice's cancellation.
    Acuse,
    /// The contract as it was sent for signature.
    Original,
    /// What proves the signature of a contract.
    Evidence,
}

impl Kind {
    /// As addresses have it.
    pub fn of_path(word: &str) -> Option<Self> {
        match word {
            "facturas" => Some(Self::Invoice),
            "contratos" => Some(Self::Contract),
            _ => None,
        }
    }

    /// The table of such documents.
    pub fn table(self) -> &'static str {
        match self {
            Self::Invoice => "facturas_emitidas",
            Self::Contract => "contratos_firmados",
        }
    }

    /// The files that one may have.
    pub fn formats(self) -> &'static [Format] {
        match self {
            Self::Invoice => &[Format::Pdf, Format::Xml, Format::Acuse],
            Self::Contract => &[Format::Pdf, Format::Xml, Format::Original, Format::Evidence],
        }
    }

    /// One of them, by its name.
    pub fn format(self, name: &str) -> Option<Format> {
        let mut formats = self.formats().iter().copied();
        formats.find(|format| format.name() == name)
    }
}

impl Format {
    /// As addresses and tables have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Xml => "xml",
            Self::Acuse => "acuse",
            Self::Original => "original",
            Self::Evidence => "evidencia",
        }
    }
}
