//! The files of a document: the PDF that came, the signed PDF, the signed XML; and how they go wrong.

use std::fmt::Write;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha512};

use super::Mifiel;
use super::answers::Refused;
use super::faults::{At, Fault};
use super::render::time;
use super::state::{Document, Signer};
use crate::dev::pdf::{Pdf, Sheet};
use crate::dev::simulator::faults::{FILE_PAGE, truncated};

/// Which file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Original,
    Signed,
    Xml,
}

/// The certificate that everybody signs with, as SAT numbers them.
pub(super) const CERTIFICATE: &str = "30001000000500003416";

impl Mifiel {
    /// The signed PDF, once everybody signed.
    pub fn pdf(&self, document: &Document) -> Option<Vec<u8>> {
        document.signed_at()?;
        Some(signed(document, self.state().pdf_zeros).bytes())
    }

    /// The signed XML, once everybody signed; the NOM-151 record is in it.
    pub fn xml(&self, document: &Document) -> Option<Vec<u8>> {
        Some(xml(document, document.signed_at()?).into_bytes())
    }

    /// Makes every signed PDF so many bytes larger.
    pub fn grow_pdfs(&self, by: usize) {
        self.state().pdf_zeros = by;
    }

    /// A file as an answer.
    pub(super) fn file(&self, path: &str, document: &Document, kind: Kind) -> Result<Response, Refused> {
        if kind != Kind::Original && document.signed_at().is_none() {
            return Err(Refused::missing("File"));
        }
        let content_type = if kind == Kind::Xml {
            "application/xml"
        } else {
            "application/pdf"
        };
        let headers = [(header::CONTENT_TYPE, content_type)];
        let fault = self.0.faults.meet(path, At::File).map(|plan| plan.fault);
        if kind == Kind::Signed && fault.is_none() {
            let pdf = signed(document, self.state().pdf_zeros);
            let length = [(header::CONTENT_LENGTH, pdf.len().to_string())];
            return Ok((headers, length, pdf.body()).into_response());
        }
        let bytes = self
            .bytes(document, kind, fault)
            .ok_or_else(|| Refused::missing("File"))?;
        Ok((headers, Body::from(bytes)).into_response())
    }

    fn bytes(&self, document: &Document, kind: Kind, fault: Option<Fault>) -> Option<Vec<u8>> {
        let mut document = document.clone();
        if fault == Some(Fault::OtherDocument) {
            document.original_hash = "0".repeat(64);
            document.draft.file = "%PDF-1.7\n% de otro contrato\n%%EOF\n".into();
        }
        let whole = match kind {
            Kind::Original => document.draft.file.to_vec(),
            Kind::Signed => self.pdf(&document)?,
            Kind::Xml => self.xml(&document)?,
        };
        Some(match fault {
            Some(Fault::HtmlFile) => FILE_PAGE.as_bytes().to_vec(),
            Some(Fault::Truncated) => truncated(&whole),
            _ => whole,
        })
    }
}

/// The page of the signatures, with the original in it.
fn signed(document: &Document, zeros: usize) -> Pdf {
    let mut lines = vec![
        "Hoja de firmas electrónicas".to_owned(),
        format!("Documento: {}", document.draft.file_name),
        format!("Identificador: {}", document.id),
        format!("SHA-256 del original: {}", document.original_hash),
        String::new(),
    ];
    for signer in &document.signers {
        let Some(at) = signer.signed_at else { continue };
        let party = &signer.party;
        lines.push(format!("{} <{}>", party.name, party.email));
        if let Some(rfc) = &party.tax_id {
            lines.push(format!("RFC: {rfc}"));
        }
        lines.push(format!("Firmó el {}", time(at)));
        let seal = seal(document, signer, at);
        lines.push(format!("Firma: {}...", seal.get(..64).unwrap_or_default()));
        lines.push(String::new());
    }
    lines.push("El documento original está adjunto a este archivo.".to_owned());
    lines.push("Documento de un simulador, sin validez legal".to_owned());
    let sheet = Sheet {
        title: "Documento firmado",
        producer: "Simulador de Mifiel",
        lines: &lines,
        attached: Some((&document.draft.file_name, &document.draft.file)),
    };
    Pdf::of(&sheet, zeros)
}

/// What stands for an RSA signature of 256 bytes, in hex: made up, and the same for the same document, signer and time.
pub(super) fn seal(document: &Document, signer: &Signer, at: DateTime<Utc>) -> String {
    let text = format!("{}|{}|{}", document.original_hash, signer.id, time(at));
    let blocks = (0..4).map(|block| hex::encode(Sha512::digest(format!("{text}|{block}"))));
    blocks.collect()
}

/// XML Fiesta 1.0, as the vendor's own verifier reads it.
fn xml(document: &Document, signed_at: DateTime<Utc>) -> String {
    let mut signers = String::new();
    for signer in &document.signers {
        let Some(at) = signer.signed_at else { continue };
        let seal = hex::decode(seal(document, signer, at)).unwrap_or_default();
        let party = &signer.party;
        // Writing to a text does not fail.
        let _ = write!(
            signers,
            "<signer id=\"{}\" name=\"{}\" email=\"{}\">\
             <certificate number=\"{CERTIFICATE}\" issuer=\"Servicio de Administración Tributaria\"/>\
             <signature algorithm=\"sha256\" signedAt=\"{}\">{}</signature></signer>",
            escaped(party.tax_id.as_deref().unwrap_or_default()),
            escaped(&party.name),
            escaped(&party.email),
            time(at),
            STANDARD.encode(seal),
        );
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <electronicDocument xmlns=\"https://www.mifiel.com/XMLFiesta\" version=\"1.0.0\" signed=\"true\">\
         <file name=\"{}\" originalHash=\"{}\" contentType=\"application/pdf\">{}</file>\
         <signers>{signers}</signers>\
         <conservancyRecord timestamp=\"{}\"><record>{}</record></conservancyRecord>\
         </electronicDocument>\n",
        escaped(&document.draft.file_name),
        document.original_hash,
        STANDARD.encode(&document.draft.file),
        time(signed_at),
        STANDARD.encode(Sha512::digest(&document.original_hash)),
    )
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('"', "&quot;")
}
