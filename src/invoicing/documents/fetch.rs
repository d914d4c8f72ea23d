//! Fetching the documents of an invoice, each checked before a byte of it is stored.

use bytes::Bytes;
use uuid::Uuid;

use super::about::Place;
use super::{Found, Keep};
use crate::engine::Failure;
use crate::ground::values::Month;
use crate::invoicing::cfdi::{self, Cfdi, Expected, InformacionGlobal};
use crate::invoicing::gigstack::api::{ApiError, Part};
use crate::invoicing::gigstack::shapes::{Invoice, Status};
use crate::invoicing::store::invoices::{self, File, Files, Kept};
use crate::tools::outbound::gathered;
use crate::tools::pdf;

/// The largest PDF that is kept.
const LARGEST_PDF: u64 = 64 * 1024 * 1024;
const LARGEST_XML: u64 = cfdi::MAX_BYTES as u64;

impl Keep {
    /// Brings the documents into the store. The XML is the invoice; its picture and the receipt of its cancellation may
    /// come later.
    pub(super) async fn documents(&self, invoice: Invoice) -> Result<Found, Failure> {
        let (cfdi, bytes, host) = self.xml(&invoice).await?;
        let known = invoices::files(&self.pool, cfdi.uuid).await?;
        let place = Place::of(&cfdi, Part::Xml);
        let stored = self.objects.put_bytes(&place.key, &place.meta(), bytes).await?;
        let xml = File::now(place.key, stored, Some(host));
        let pdf = match known.pdf {
            Some(pdf) => Some(pdf),
            None => later("pdf", &cfdi, self.pdf(&cfdi).await),
        };
        let acuse = match known.acuse {
            None if invoice.status == Status::Cancelled => later("acuse", &cfdi, self.acuse(&cfdi).await),
            acuse => acuse,
        };
        let files = Files {
            xml: Some(xml),
            pdf,
            acuse,
        };
        Ok(Found::Invoice(Box::new(Kept { invoice, cfdi, files })))
    }

    /// Downloads, reads and checks the XML.
    async fn xml(&self, invoice: &Invoice) -> Result<(Cfdi, Bytes, String), Failure> {
        let (bytes, host) = self.bytes(&name(invoice), Part::Xml).await?;
        let (read, accept) = (bytes.clone(), self.rules.accept);
        // Up to 4 MiB of somebody else's XML: not on a thread that others wait for.
        let cfdi = tokio::task::spawn_blocking(move || cfdi::read(&read, accept));
        let cfdi = cfdi.await.map_err(Failure::retry)?;
        let cfdi = cfdi.map_err(|rejection| Failure::Park(format!("el XML se rechaza: {rejection}")))?;
        cfdi::check(&cfdi, &self.expected(invoice))
            .map_err(|mismatch| Failure::Park(format!("el XML no es el esperado: {mismatch}")))?;
        if cfdi.lugar_expedicion != self.rules.postal_code {
            tracing::warn!(uuid = %cfdi.uuid, place = cfdi.lugar_expedicion, "issued at another place than EMISOR_CP");
        }
        Ok((cfdi, bytes, host))
    }

    fn expected(&self, invoice: &Invoice) -> Expected<'_> {
        let month: Option<Month> = invoice.period.as_deref().and_then(|period| period.parse().ok());
        Expected {
            uuid: invoice.uuid,
            emisor_rfc: Some(&self.rules.issuer),
            total: invoice.total,
            moneda: invoice.currency.as_deref().and_then(|code| code.parse().ok()),
            global: month.map(|month| InformacionGlobal::monthly(month.year(), month.number())),
            sealed: true,
            ..Expected::default()
        }
    }

    /// A PDF that was stored and not recorded stays the one: a second download may be another picture of the same.
    async fn pdf(&self, cfdi: &Cfdi) -> Result<File, Failure> {
        let place = Place::of(cfdi, Part::Pdf);
        if let Some(stored) = self.objects.sha256_of(&place.key).await? {
            return Ok(File::now(place.key, stored, None));
        }
        let stream = self
            .api
            .file(&cfdi.uuid.to_string(), Part::Pdf, LARGEST_PDF)
            .await?;
        let host = stream.host().to_owned();
        let checked = pdf::checked(stream);
        let stored = self
            .objects
            .put(&place.key, &place.meta(), LARGEST_PDF, checked)
            .await?;
        Ok(File::now(place.key, stored, Some(host)))
    }

    async fn acuse(&self, cfdi: &Cfdi) -> Result<File, Failure> {
        let (bytes, host) = self.bytes(&cfdi.uuid.to_string(), Part::Acuse).await?;
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        // SAT's receipt names the document that it cancels.
        if !text.contains(&cfdi.uuid.to_string()) {
            return Err(ApiError::Unreadable("un acuse que no nombra el UUID").into());
        }
        let place = Place::of(cfdi, Part::Acuse);
        let stored = self.objects.put_bytes(&place.key, &place.meta(), bytes).await?;
        Ok(File::now(place.key, stored, Some(host)))
    }

    /// A small file, whole, and who handed it out.
    async fn bytes(&self, invoice: &str, part: Part) -> Result<(Bytes, String), Failure> {
        let stream = self.api.file(invoice, part, LARGEST_XML).await?;
        let host = stream.host().to_owned();
        let bytes = gathered(stream).await?;
        if pdf::is_page(&bytes) {
            return Err(ApiError::Unreadable("una página en lugar del archivo").into());
        }
        Ok((bytes, host))
    }
}

/// Gigstack finds an invoice by its UUID; by its own id where it does not tell the UUID.
fn name(invoice: &Invoice) -> String {
    invoice
        .uuid
        .map_or_else(|| invoice.id.clone(), |uuid: Uuid| uuid.to_string())
}

/// What is not there now is asked for again by a job of its own.
fn later(document: &str, cfdi: &Cfdi, file: Result<File, Failure>) -> Option<File> {
    file.inspect_err(
        |why| tracing::warn!(document, uuid = %cfdi.uuid, %why, "not there yet; it will be asked for again"),
    )
    .ok()
}
