//! What is to be signed, and by whom.

use axum::body::Bytes;
use serde::{Deserialize, Serialize};

use crate::dev::pdf::{Pdf, Sheet};

/// Somebody who is asked to sign.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Party {
    /// Who it is.
    pub name: String,
    /// Where Mifiel writes to.
    pub email: String,
    /// RFC, where the caller knows it.
    pub tax_id: Option<String>,
}

/// A document to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Draft {
    /// The file's name.
    pub file_name: String,
    /// The PDF.
    #[serde(skip)]
    pub file: Bytes,
    /// Who signs.
    pub signers: Vec<Party>,
    /// The caller's own id of it.
    pub external_id: Option<String>,
    /// Who is told when all have signed.
    pub callback_url: Option<String>,
    /// Who is told each time somebody signs.
    pub sign_callback_url: Option<String>,
    /// How long it can be signed.
    pub days_to_expire: Option<i64>,
    /// How often signers are reminded, in days.
    pub remind_every: Option<i64>,
    /// What Mifiel's mail says.
    pub message_for_signers: Option<String>,
    /// Whether Mifiel writes to the signers.
    pub send_mail: bool,
}

/// A contract of one page, for one person of SAT's own test data.
impl Default for Draft {
    fn default() -> Self {
        Self {
            file_name: "contrato.pdf".to_owned(),
            file: contract(),
            signers: vec![Party {
                name: "Ingrid Xodar Jiménez".to_owned(),
                email: "ingrid@example.com".to_owned(),
                tax_id: Some("XOJI740919U48".to_owned()),
            }],
            external_id: None,
            callback_url: None,
            sign_callback_url: None,
            days_to_expire: None,
            remind_every: None,
            message_for_signers: None,
            send_mail: true,
        }
    }
}

impl Draft {
    /// The default one under an id of the caller's.
    pub fn of(external_id: &str) -> Self {
        Self {
            external_id: Some(external_id.to_owned()),
            ..Self::default()
        }
    }
}

fn contract() -> Bytes {
    let lines = [
        "CONTRATO DE PRESTACIÓN DE SERVICIOS",
        "",
        "Cláusula primera. El taller da servicio.",
    ];
    let sheet = Sheet {
        title: "Contrato",
        producer: "Simulador de Mifiel",
        lines: &lines.map(str::to_owned),
        attached: None,
    };
    Pdf::of(&sheet, 0).bytes().into()
}
