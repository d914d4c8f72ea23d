//! What is stored beside the bytes of a document, and under which name.

use super::super::cfdi::Cfdi;
use super::super::gigstack::api::Part;
use crate::ground::clock::BUSINESS_ZONE;
use crate::tools::objects::{FIVE_YEARS, Meta};

/// Where a document goes, and with what.
pub struct Place {
    /// `facturas/{year}/{uuid_sat}.xml`: the year in which it was issued, in Nuevo Laredo.
    pub key: String,
    part: Part,
    file_name: String,
    metadata: Vec<(&'static str, String)>,
}

impl Place {
    /// Of a part of this invoice. It names the invoice, never whom it is for.
    pub fn of(cfdi: &Cfdi, part: Part) -> Self {
        let year = cfdi.fecha_emision.at.with_timezone(&BUSINESS_ZONE).format("%Y");
        let file_name = format!("{}.{}", cfdi.uuid, ending(part));
        Self {
            key: format!("facturas/{year}/{file_name}"),
            part,
            file_name,
            metadata: vec![
                ("uuid-sat", cfdi.uuid.to_string()),
                ("fecha-emision", cfdi.fecha_emision.text.clone()),
                ("monto-total", cfdi.total.to_string()),
                ("moneda", cfdi.moneda.code().to_owned()),
                ("tipo-documento", cfdi.tipo_comprobante.code().to_owned()),
            ],
        }
    }

    /// The headers of the object.
    pub fn meta(&self) -> Meta<'_> {
        Meta {
            content_type: content_type(self.part),
            file_name: &self.file_name,
            cache_control: FIVE_YEARS,
            metadata: self.metadata.clone(),
        }
    }
}

fn ending(part: Part) -> &'static str {
    match part {
        Part::Xml => "xml",
        Part::Pdf => "pdf",
        Part::Acuse => "acuse.xml",
    }
}

fn content_type(part: Part) -> &'static str {
    match part {
        Part::Xml | Part::Acuse => "application/xml",
        Part::Pdf => "application/pdf",
    }
}
