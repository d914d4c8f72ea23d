//! A global invoice beside the sales that it should hold: pure.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy};
use uuid::Uuid;

use crate::invoicing::cfdi::Concepto;
use crate::invoicing::store::sales::Looked;

/// So many differences are told one by one.
const TOLD: usize = 10;
/// What a document calls a sale can be 100 characters of anything.
const NAME: usize = 50;

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Sales of the request that the document holds.
    pub held: Vec<Uuid>,
    /// Those of them that it holds once, with the same amount.
    pub matching: Vec<Uuid>,
    /// Sales of the request that it lacks.
    pub missing: Vec<Uuid>,
    /// What differs, in Spanish.
    pub differences: Vec<String>,
}

impl Comparison {
    /// All that differs, in a length that fits into a mail.
    pub fn told(&self) -> Option<String> {
        let told: Vec<&str> = self.differences.iter().take(TOLD).map(String::as_str).collect();
        let more = self.differences.len() - told.len();
        let told = told.join("; ");
        match (told.is_empty(), more) {
            (true, _) => None,
            (false, 0) => Some(told),
            (false, more) => Some(format!("{told}; y {more} diferencias más")),
        }
    }
}

/// Compares the lines of the document `invoice` with the sales of its request and with others that it names.
pub fn compare(invoice: Uuid, lines: &[Concepto], sales: &[Looked], asked: bool) -> Comparison {
    let mut listed = by_folio(lines);
    let mut comparison = Comparison::default();
    for sale in sales {
        let amounts = listed.remove(sale.folio.as_str()).unwrap_or_default();
        comparison.sale(invoice, sale, &amounts, asked);
    }
    // What Gigstack made by itself holds tickets of its own.
    if asked {
        let foreign = listed.iter().flat_map(|(name, amounts)| {
            amounts
                .iter()
                .map(move |amount| format!("sobra {} ({amount})", shown(name)))
        });
        comparison.differences.extend(foreign);
    }
    comparison
}

fn by_folio(lines: &[Concepto]) -> BTreeMap<&str, Vec<Decimal>> {
    let mut listed: BTreeMap<&str, Vec<Decimal>> = BTreeMap::new();
    for line in lines {
        let name = line.no_identificacion.as_deref().unwrap_or_default();
        listed.entry(name).or_default().push(centavos(line.total()));
    }
    listed
}

impl Comparison {
    fn sale(&mut self, invoice: Uuid, sale: &Looked, amounts: &[Decimal], asked: bool) {
        let Looked {
            service,
            folio,
            amount,
            ..
        } = sale;
        let elsewhere = sale.invoice.filter(|other| *other != invoice);
        let different = match (sale.claimed, elsewhere, amounts) {
            (true, None, []) => {
                self.missing.push(*service);
                Some(format!("falta {folio} ({amount})"))
            }
            // Another invoice of the same request holds it.
            (_, _, []) => None,
            (_, Some(other), _) => Some(format!("{folio} ({amount}) ya está en la factura {other}")),
            (false, None, _) if asked => Some(format!("{folio} ({amount}) no era de esta solicitud")),
            (false, None, _) => Some(format!(
                "{folio} ({amount}) es una venta de OnlyCar que no se le pidió"
            )),
            (true, None, amounts) => {
                self.held.push(*service);
                match amounts {
                    [listed] if *listed == centavos(*amount) => {
                        self.matching.push(*service);
                        None
                    }
                    [listed] => Some(format!("{folio} dice {listed} en lugar de {amount}")),
                    more => Some(format!("{folio} ({amount}) está {} veces", more.len())),
                }
            }
        };
        self.differences.extend(different);
    }
}

fn centavos(amount: Decimal) -> Decimal {
    let mut centavos = amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    centavos.rescale(2);
    centavos
}

fn shown(name: &str) -> String {
    if name.is_empty() {
        return "un concepto sin folio".to_owned();
    }
    name.chars()
        .filter(|letter| !letter.is_control())
        .take(NAME)
        .collect()
}
