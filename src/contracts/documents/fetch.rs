//! Fetching what was signed, each file checked before a byte of it is stored.

use bytes::Bytes;
use chrono::{DateTime, Months, Utc};

use super::evidence::Evidence;
use super::{Found, Keep, key};
use crate::contracts::mifiel::api::{ApiError, Part};
use crate::contracts::mifiel::shapes::Document;
use crate::contracts::store::documents::{Known, Stored};
use crate::engine::Failure;
use crate::ground::clock::BUSINESS_ZONE;
use crate::ground::facts::StoredFile;
use crate::tools::objects::{self, FIVE_YEARS, Meta, StoreError};
use crate::tools::outbound::DownloadError;
use crate::tools::outbound::gathered;
use crate::tools::pdf;

const LARGEST_PDF: u64 = 64 * 1024 * 1024;
const LARGEST_XML: u64 = 32 * 1024 * 1024;
/// Código de Comercio, art. 49: ten years for what records a contract.
const KEPT: Months = Months::new(120);

impl Keep {
    /// Brings the signed PDF, the signed XML (Mifiel's container: signatures and the constancia of NOM-151) and the
    /// evidence into the store.
    pub(super) async fn signed(&self, known: Known, document: Document) -> Result<Found, Failure> {
        let at = document.signed_at.unwrap_or_else(|| self.clock.now());
        let pdf = self.file(&known, &document, at, Part::SignedPdf).await?;
        let xml = self.file(&known, &document, at, Part::Xml).await?;
        let evidence = Evidence {
            known: &known,
            document: &document,
            signed_at: at,
            fetched_at: self.clock.now(),
            pdf: (&pdf.file.key, &pdf.sha256),
            xml: (&xml.file.key, &xml.sha256),
        };
        let evidence = self.evidence(&evidence).await?;
        let day = at.with_timezone(&BUSINESS_ZONE).date_naive();
        let stored = Stored {
            pdf,
            xml,
            evidence,
            until: day.checked_add_months(KEPT).unwrap_or(day),
        };
        Ok(Found::Signed {
            known,
            document,
            at,
            stored: Box::new(stored),
        })
    }

    /// A file that was stored and not recorded stays the one.
    async fn file(
        &self,
        known: &Known,
        document: &Document,
        at: DateTime<Utc>,
        part: Part,
    ) -> Result<StoredFile, Failure> {
        let ending = part.ending();
        let key = key(known.contract.0, &document.id, ending);
        if let Some(stored) = self.objects.sha256_of(&key).await? {
            return Ok(known.file(part.ending(), key, stored, None));
        }
        let file_name = format!("contrato-{}.{ending}", known.contract);
        let meta = Meta {
            content_type: part.content_type(),
            file_name: &file_name,
            cache_control: FIVE_YEARS,
            metadata: vec![
                ("contrato-id", known.contract.to_string()),
                ("fecha-firma", at.to_rfc3339()),
                ("tipo-contrato", known.kind.clone()),
                ("mifiel-document-id", document.id.clone()),
            ],
        };
        let (stored, host) = match part {
            Part::SignedPdf => {
                let stream = self.api.file(&document.id, part, LARGEST_PDF).await?;
                let host = stream.host().to_owned();
                let checked = pdf::checked(stream);
                (self.objects.put(&key, &meta, LARGEST_PDF, checked).await, host)
            }
            Part::Xml => {
                let (bytes, host) = self.xml(document).await?;
                (self.objects.put_bytes(&key, &meta, bytes).await, host)
            }
        };
        let (stored, is_ours) = self.first(&key, stored).await?;
        Ok(known.file(part.ending(), key, stored, is_ours.then_some(host)))
    }

    /// What is under the key, and whether it is what we brought. Two jobs about one document may meet here, and Mifiel may give each another
    /// rendering of the same signatures: the one that was first stays. What came broken comes whole next time.
    async fn first(
        &self,
        key: &str,
        stored: Result<objects::Stored, StoreError>,
    ) -> Result<(objects::Stored, bool), Failure> {
        match stored {
            Ok(stored) => Ok((stored, true)),
            Err(StoreError::Different { .. }) => {
                let there = self.objects.sha256_of(key).await?;
                let there = there.ok_or_else(|| Failure::retry("el objeto ya no está"))?;
                Ok((there, false))
            }
            Err(StoreError::Source(DownloadError::Inexact { .. })) => {
                Err(ApiError::Unreadable("un archivo que no es el PDF firmado, o no entero").into())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn xml(&self, document: &Document) -> Result<(Bytes, String), Failure> {
        let stream = self.api.file(&document.id, Part::Xml, LARGEST_XML).await?;
        let host = stream.host().to_owned();
        let bytes = gathered(stream).await?;
        let head = bytes
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(&bytes)
            .trim_ascii_start();
        if !head.starts_with(b"<") || pdf::is_page(&bytes) {
            return Err(ApiError::Unreadable("algo que no es el XML firmado").into());
        }
        Ok((bytes, host))
    }

    /// Made by us, once.
    async fn evidence(&self, evidence: &Evidence<'_>) -> Result<StoredFile, Failure> {
        let key = evidence.key();
        let stored = if let Some(stored) = self.objects.sha256_of(&key).await? {
            stored
        } else {
            let bytes = Bytes::from(serde_json::to_vec_pretty(&evidence.json()).map_err(Failure::retry)?);
            let file_name = format!("evidencia-{}.json", evidence.known.id);
            let meta = Meta {
                content_type: "application/json",
                file_name: &file_name,
                cache_control: FIVE_YEARS,
                metadata: vec![("contrato-id", evidence.known.contract.to_string())],
            };
            let stored = self.objects.put_bytes(&key, &meta, bytes).await;
            self.first(&key, stored).await?.0
        };
        Ok(evidence.known.file("evidencia", key, stored, None))
    }
}
