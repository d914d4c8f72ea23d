//! The files of an invoice: what they hold, how they are handed out, and how that goes wrong.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Gigstack;
use super::answers::Refused;
use super::faults::{At, Fault};
use super::state::Invoice;
use crate::dev::pdf::{Pdf, Sheet};
use crate::dev::simulator::faults::{FILE_PAGE, truncated};
use crate::ground::clock::CENTRAL_ZONE;

/// How v2 hands out the files of an invoice: each is a way that somebody met.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilesAs {
    /// `{"pdf": "https://…", "xml": "https://…"}`
    #[default]
    Urls,
    /// `{"pdf_url": "https://…", "xml_url": "https://…"}`
    NamedUrls,
    /// `{"pdf": {"url": "https://…"}, "xml": {"url": "https://…"}}`
    Objects,
    /// `{"pdf": "JVBE…", "xml": "PD94…"}`
    Base64,
    /// `{"pdf": {"content": "JVBE…", "encoding": "base64"}, "xml": {"content": "<?xml …"}}`
    Inline,
}

/// Which file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Pdf,
    Xml,
    Acuse,
}

impl Kind {
    fn content_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Xml | Self::Acuse => "application/xml",
        }
    }
}

pub(super) fn router(gigstack: &Gigstack) -> Router {
    Router::new()
        .route("/storage/{name}", get(stored))
        .layer(from_fn_with_state(gigstack.clone(), note))
        .with_state(gigstack.clone())
}

/// Notes who asks for a file, and whether a token came along to another host than the API's.
async fn note(State(gigstack): State<Gigstack>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let here = gigstack.url();
    let elsewhere = host != here.strip_prefix("http://");
    {
        let mut state = gigstack.state();
        state.asked.push(format!("GET {path}"));
        state.leaked_tokens +=
            usize::from(elsewhere && request.headers().contains_key(header::AUTHORIZATION));
    }
    match gigstack.0.faults.meet(&path, At::Door) {
        Some(plan) => plan.around(next.run(request)).await,
        None => next.run(request).await,
    }
}

async fn stored(State(gigstack): State<Gigstack>, Path(name): Path<String>) -> Result<Response, Refused> {
    let missing = || Refused::missing("file");
    let (uuid, kind) = match name.rsplit_once('.').ok_or_else(missing)? {
        (uuid, "pdf") => (uuid, Kind::Pdf),
        (uuid, "xml") => (uuid, Kind::Xml),
        _ => return Err(missing()),
    };
    let invoice = gigstack.invoice(uuid).ok_or_else(missing)?;
    gigstack.file(&format!("/storage/{name}"), &invoice, kind)
}

impl Gigstack {
    /// The XML of an invoice, as it is when nothing goes wrong.
    pub fn xml(&self, invoice: &Invoice) -> Vec<u8> {
        invoice.cfdi.xml().into_bytes()
    }

    /// Its PDF.
    pub fn pdf(&self, invoice: &Invoice) -> Vec<u8> {
        printed(invoice, self.state().pdf_zeros).bytes()
    }

    /// Makes every PDF so many bytes larger.
    pub fn grow_pdfs(&self, by: usize) {
        self.state().pdf_zeros = by;
    }

    /// A file as an answer.
    pub(super) fn file(&self, path: &str, invoice: &Invoice, kind: Kind) -> Result<Response, Refused> {
        let headers = [(header::CONTENT_TYPE, kind.content_type())];
        let at = if kind == Kind::Xml { At::Xml } else { At::File };
        let fault = self.0.faults.meet(path, at).map(|plan| plan.fault);
        if kind == Kind::Pdf && fault.is_none() {
            let pdf = printed(invoice, self.state().pdf_zeros);
            let length = [(header::CONTENT_LENGTH, pdf.len().to_string())];
            return Ok((headers, length, pdf.body()).into_response());
        }
        let bytes = self.bytes(invoice, kind, fault)?;
        Ok((headers, Body::from(bytes)).into_response())
    }

    fn bytes(&self, invoice: &Invoice, kind: Kind, fault: Option<Fault>) -> Result<Vec<u8>, Refused> {
        let whole = match kind {
            Kind::Pdf => self.pdf(invoice),
            Kind::Xml => xml(invoice, fault).into_bytes(),
            Kind::Acuse => acuse(invoice)
                .ok_or_else(|| Refused::missing("file"))?
                .into_bytes(),
        };
        Ok(match fault {
            Some(Fault::HtmlFile) => FILE_PAGE.as_bytes().to_vec(),
            Some(Fault::Truncated) => truncated(&whole),
            _ => whole,
        })
    }

    /// What v2 answers about the files of an invoice.
    pub(super) fn files_json(&self, path: &str, invoice: &Invoice) -> Result<Value, Refused> {
        let as_ = self.habits().files;
        let bytes = |kind, at| {
            let fault = self.0.faults.meet(path, at).map(|plan| plan.fault);
            self.bytes(invoice, kind, fault)
        };
        let (pdf, xml) = match as_ {
            FilesAs::Urls | FilesAs::NamedUrls | FilesAs::Objects => {
                let foreign = self.0.faults.meet(path, At::Addresses).is_some();
                (
                    self.file_url(invoice, "pdf", foreign),
                    self.file_url(invoice, "xml", foreign),
                )
            }
            FilesAs::Base64 | FilesAs::Inline => (
                STANDARD.encode(bytes(Kind::Pdf, At::File)?),
                STANDARD.encode(bytes(Kind::Xml, At::Xml)?),
            ),
        };
        Ok(match as_ {
            FilesAs::Urls | FilesAs::Base64 => json!({ "pdf": pdf, "xml": xml }),
            FilesAs::NamedUrls => json!({ "pdf_url": pdf, "xml_url": xml }),
            FilesAs::Objects => json!({ "pdf": { "url": pdf }, "xml": { "url": xml } }),
            FilesAs::Inline => {
                let xml = STANDARD.decode(xml).unwrap_or_default();
                json!({
                    "pdf": { "content": pdf, "encoding": "base64" },
                    "xml": { "content": String::from_utf8_lossy(&xml) },
                })
            }
        })
    }

    /// Where a file is; for a stranger's host, this machine goes by its other name.
    pub(super) fn file_url(&self, invoice: &Invoice, ending: &str, foreign: bool) -> String {
        let mut address = self.url();
        if foreign {
            address = address.replace("127.0.0.1", "localhost");
        }
        format!("{address}/storage/{}.{ending}", invoice.uuid)
    }
}

/// The printed form of an invoice.
fn printed(invoice: &Invoice, zeros: usize) -> Pdf {
    let document = &invoice.cfdi;
    let mut lines = vec![
        "Este documento es una representación impresa de un CFDI 4.0".to_owned(),
        format!("Folio fiscal: {}", invoice.uuid.to_string().to_uppercase()),
        format!(
            "Serie y folio: {} {}",
            document.serie.as_deref().unwrap_or_default(),
            document.folio.as_deref().unwrap_or_default()
        ),
        format!("Emisor: {} {}", document.emisor.rfc, document.emisor.nombre),
        format!("Receptor: {} {}", document.receptor.rfc, document.receptor.nombre),
        format!("Lugar de expedición: {}", document.lugar_expedicion),
    ];
    // One page is enough for a simulator.
    for line in document.conceptos.iter().take(20) {
        lines.push(format!("{}  {}", line.importe, line.descripcion));
    }
    lines.push(format!("Subtotal: {}", document.subtotal()));
    lines.push(format!("IVA: {}", document.total() - document.subtotal()));
    lines.push(format!("Total: {} {}", document.total(), document.moneda));
    lines.push("Documento de un simulador, sin validez fiscal".to_owned());
    let sheet = Sheet {
        title: "CFDI",
        producer: "Simulador de Gigstack",
        lines: &lines,
        attached: None,
    };
    Pdf::of(&sheet, zeros)
}

/// The document, or one that is not this invoice's.
fn xml(invoice: &Invoice, fault: Option<Fault>) -> String {
    let mut document = invoice.cfdi.clone();
    match fault {
        Some(Fault::OtherUuid) => document.uuid = Uuid::from_u128(!invoice.uuid.as_u128()),
        Some(Fault::OtherIssuer) => "XIA190128J61".clone_into(&mut document.emisor.rfc),
        Some(Fault::OtherTotal) => {
            if let Some(line) = document.conceptos.first_mut() {
                line.importe += Decimal::ONE;
            }
        }
        _ => {}
    }
    document.xml()
}

/// SAT's word that an invoice is cancelled.
fn acuse(invoice: &Invoice) -> Option<String> {
    let at = invoice.cancelled_at?.with_timezone(&CENTRAL_ZONE);
    let uuid = invoice.uuid.to_string().to_uppercase();
    let seal = STANDARD.encode([uuid.as_bytes(), uuid.as_bytes()].concat());
    Some(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Acuse xmlns=\"http://cancelacfd.sat.gob.mx\" Fecha=\"{}\" RfcEmisor=\"{}\">\n  \
         <Folios><UUID>{uuid}</UUID><EstatusUUID>201</EstatusUUID></Folios>\n  \
         <Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\" Id=\"SelloSAT\">\
         <SignatureValue>{seal}</SignatureValue></Signature>\n</Acuse>\n",
        at.format("%Y-%m-%dT%H:%M:%S"),
        invoice.cfdi.emisor.rfc.replace('&', "&amp;"),
    ))
}

/// The bearer token of a question.
pub(super) fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ")
}
