//! Whether an order can be meant, before anything of it is stored.

use super::{LARGEST_PDF, NotSent, Order};
use crate::contracts::mifiel::api::Signer;
use crate::tools::pdf;

const MOST_SIGNERS: usize = 20;
const LONGEST_NAME: usize = 200;

/// What is wrong with an order. Nothing of what was refused is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Where, as in `signers[0].email`.
    pub field: String,
    /// How, in Spanish.
    pub detail: &'static str,
}

impl Order {
    /// Says everything that is wrong with it, at once.
    pub(super) fn check(&self) -> Result<(), NotSent> {
        let mut wrong = Vec::new();
        let mut say = |field: String, detail| wrong.push(Wrong { field, detail });
        if self.pdf.len() > LARGEST_PDF {
            say("pdf".to_owned(), "El PDF pasa de 20 MiB.");
        } else if !pdf::is_whole(&self.pdf) {
            say("pdf".to_owned(), "El archivo no es un PDF, o no está entero.");
        }
        if !(1..=MOST_SIGNERS).contains(&self.signers.len()) {
            say("signers".to_owned(), "Hacen falta de 1 a 20 firmantes.");
        }
        for (n, signer) in self.signers.iter().enumerate().take(MOST_SIGNERS) {
            let field = |name: &str| format!("signers[{n}].{name}");
            if !is_name(&signer.name) {
                say(field("name"), "Hace falta el nombre, de 200 letras como máximo.");
            }
            if signer.email.parse::<lettre::Address>().is_err() {
                say(field("email"), "El correo no es válido.");
            } else if self.is_named_before(n, signer) {
                say(field("email"), "El correo ya es de otro firmante.");
            }
            if signer.tax_id.as_deref().is_some_and(|rfc| !is_rfc(rfc)) {
                say(field("tax_id"), "El RFC no es válido.");
            }
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(NotSent::Wrong(wrong))
        }
    }

    fn is_named_before(&self, n: usize, signer: &Signer) -> bool {
        let mut before = self.signers.iter().take(n);
        before.any(|other| other.email.eq_ignore_ascii_case(&signer.email))
    }
}

fn is_name(name: &str) -> bool {
    let letters = name.chars().count();
    (1..=LONGEST_NAME).contains(&letters) && !name.chars().any(char::is_control) && !name.trim().is_empty()
}

/// Three letters (a company) or four (a person), a date, three signs: RFC as SAT gives them.
fn is_rfc(rfc: &str) -> bool {
    let signs: Vec<char> = rfc.chars().collect();
    let (letters, rest) = match signs.len() {
        12 => signs.split_at(3),
        13 => signs.split_at(4),
        _ => return false,
    };
    let (date, end) = rest.split_at(6);
    letters
        .iter()
        .all(|sign| sign.is_ascii_uppercase() || matches!(sign, 'Ñ' | '&'))
        && date.iter().all(char::is_ascii_digit)
        && end
            .iter()
            .all(|sign| sign.is_ascii_uppercase() || sign.is_ascii_digit())
}
