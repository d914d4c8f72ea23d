//! What proves a signature later: which bytes, when, how many signed, and how we know. It names nobody: who signed
//! stands in the signed documents.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::contracts::mifiel::shapes::Document;
use crate::contracts::store::documents::Known;
use crate::ground::clock::BUSINESS_ZONE;

/// The evidence of one signed contract.
pub(super) struct Evidence<'a> {
    pub(super) known: &'a Known,
    pub(super) document: &'a Document,
    pub(super) signed_at: DateTime<Utc>,
    pub(super) fetched_at: DateTime<Utc>,
    /// Key and digest.
    pub(super) pdf: (&'a str, &'a str),
    pub(super) xml: (&'a str, &'a str),
}

impl Evidence<'_> {
    /// `evidencias/{year}/{month}/{id}.json`, by the day of the signature in Nuevo Laredo.
    pub(super) fn key(&self) -> String {
        let month = self.signed_at.with_timezone(&BUSINESS_ZONE).format("%Y/%m");
        format!("evidencias/{month}/{}.json", self.known.id)
    }

    pub(super) fn json(&self) -> Value {
        let (signed, signers) = self.document.signatures;
        json!({
            "tipo": "contrato_firmado",
            "contrato_id": self.known.contract,
            "contrato_tipo": self.known.kind,
            "contrato_firmado_id": self.known.id,
            "proveedor": "mifiel",
            "mifiel_document_id": self.document.id,
            "firmado_en": self.signed_at,
            "consentimiento": {
                "medio": "firma electrónica en Mifiel",
                "firmas": signed,
                "firmantes": signers,
                "donde_consta": "el PDF y el XML firmados",
            },
            "verificacion": {
                "como": "consulta autenticada a la API de Mifiel (refetch): todas las firmas están completas",
                "consultado_en": self.fetched_at,
                "mifiel_original_hash": self.document.original_hash,
                "mifiel_signed_hash": self.document.signed_hash,
            },
            "archivos": [
                { "que": "enviado a firmar", "sha256": self.known.sha256_original },
                { "que": "PDF firmado", "objeto": self.pdf.0, "sha256": self.pdf.1 },
                { "que": "XML firmado", "objeto": self.xml.0, "sha256": self.xml.1 },
            ],
        })
    }
}
