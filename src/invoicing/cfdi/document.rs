//! Finds the parts of a CFDI that are read, by namespace and name and by where they stand.

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::Concepto;
use super::fields::{self, Bad};
use super::rejection::Reason;
use super::xml::{Element, Fault, Namespace, Visitor};

/// A global invoice of 4 MiB has 9,500: one per sale. The bound keeps what is remembered small.
const MAX_CONCEPTS: usize = 20_000;

/// A value as it is written, if it is there.
pub type Written<'a> = Option<Cow<'a, str>>;

/// What a document says, before anybody asks whether it makes sense.
#[derive(Default)]
pub struct Document<'a> {
    path: Vec<Place>,
    pub root: Option<Root<'a>>,
    /// `Emisor@Rfc`, of each there is.
    pub issuers: Vec<Written<'a>>,
    /// `Receptor@Rfc`, of each there is.
    pub receivers: Vec<Written<'a>>,
    /// Of each `InformacionGlobal`.
    pub globals: Vec<Global<'a>>,
    /// Those that stand where a stamp has to be.
    pub stamps: Vec<Stamp<'a>>,
    /// All but those of an `Addenda`, which may hold anything.
    pub stamps_anywhere: usize,
    pub concepts: Vec<Concepto>,
    pub bad_concept: Option<Bad>,
}

/// `Comprobante`.
#[derive(Default)]
pub struct Root<'a> {
    /// That of CFDI 4.0; otherwise that of 3.3 and 3.2.
    pub is_cfdi4: bool,
    pub version: Written<'a>,
    pub old_version: Written<'a>,
    pub sello: Written<'a>,
    pub serie: Written<'a>,
    pub folio: Written<'a>,
    pub fecha: Written<'a>,
    pub total: Written<'a>,
    pub moneda: Written<'a>,
    pub tipo: Written<'a>,
    pub forma_pago: Written<'a>,
    pub metodo_pago: Written<'a>,
    pub lugar_expedicion: Written<'a>,
}

/// `InformacionGlobal`.
pub struct Global<'a> {
    pub periodicidad: Written<'a>,
    pub meses: Written<'a>,
    pub anio: Written<'a>,
}

/// `TimbreFiscalDigital`.
pub struct Stamp<'a> {
    pub version: Written<'a>,
    pub uuid: Written<'a>,
    pub fecha_timbrado: Written<'a>,
    pub sello_cfd: Written<'a>,
    pub sello_sat: Written<'a>,
    pub no_certificado_sat: Written<'a>,
    pub rfc_prov_certif: Written<'a>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Comprobante,
    Complemento,
    Conceptos,
    Concepto,
    ImpuestosOfConcepto,
    TrasladosOfConcepto,
    RetencionesOfConcepto,
    /// Anything of the issuer's own, however deep.
    Addenda,
    Elsewhere,
}

impl<'a> Visitor<'a> for Document<'a> {
    fn open(&mut self, element: &Element<'_, 'a>) -> Result<(), Fault> {
        let place = match self.path.last() {
            None => self.comprobante(element),
            Some(Place::Addenda) => Place::Addenda,
            Some(parent) => self.part(*parent, element)?,
        };
        self.path.push(place);
        Ok(())
    }

    fn close(&mut self) {
        self.path.pop();
    }
}

impl<'a> Document<'a> {
    fn comprobante(&mut self, element: &Element<'_, 'a>) -> Place {
        let of_cfdi = matches!(element.namespace, Namespace::Cfdi3 | Namespace::Cfdi4);
        if !of_cfdi || element.local != "Comprobante" {
            return Place::Elsewhere;
        }
        self.root = Some(Root {
            is_cfdi4: element.namespace == Namespace::Cfdi4,
            version: element.attribute("Version"),
            old_version: element.attribute("version"),
            sello: element.attribute("Sello"),
            serie: element.attribute("Serie"),
            folio: element.attribute("Folio"),
            fecha: element.attribute("Fecha"),
            total: element.attribute("Total"),
            moneda: element.attribute("Moneda"),
            tipo: element.attribute("TipoDeComprobante"),
            forma_pago: element.attribute("FormaPago"),
            metodo_pago: element.attribute("MetodoPago"),
            lugar_expedicion: element.attribute("LugarExpedicion"),
        });
        Place::Comprobante
    }

    /// An element within another one.
    fn part(&mut self, parent: Place, element: &Element<'_, 'a>) -> Result<Place, Fault> {
        if element.namespace == Namespace::Stamp && element.local == "TimbreFiscalDigital" {
            self.stamp(parent, element);
            return Ok(Place::Elsewhere);
        }
        let cfdi = match self.root.as_ref() {
            Some(root) if root.is_cfdi4 => Namespace::Cfdi4,
            _ => Namespace::Cfdi3,
        };
        if element.namespace != cfdi {
            return Ok(Place::Elsewhere);
        }
        let place = match (parent, element.local) {
            (Place::Comprobante, "Complemento") => Place::Complemento,
            (Place::Comprobante, "Addenda") => Place::Addenda,
            (Place::Comprobante, "Conceptos") => Place::Conceptos,
            (Place::Concepto, "Impuestos") => Place::ImpuestosOfConcepto,
            (Place::ImpuestosOfConcepto, "Traslados") => Place::TrasladosOfConcepto,
            (Place::ImpuestosOfConcepto, "Retenciones") => Place::RetencionesOfConcepto,
            (Place::Conceptos, "Concepto") => {
                self.concept(element)?;
                Place::Concepto
            }
            _ => {
                self.leaf(parent, element);
                Place::Elsewhere
            }
        };
        Ok(place)
    }

    /// What says something by its attributes alone.
    fn leaf(&mut self, parent: Place, element: &Element<'_, 'a>) {
        match (parent, element.local) {
            (Place::Comprobante, "Emisor") => remember(&mut self.issuers, element.attribute("Rfc")),
            (Place::Comprobante, "Receptor") => remember(&mut self.receivers, element.attribute("Rfc")),
            (Place::Comprobante, "InformacionGlobal") => {
                let global = Global {
                    periodicidad: element.attribute("Periodicidad"),
                    meses: element.attribute("Meses"),
                    anio: element.attribute("Año"),
                };
                remember(&mut self.globals, global);
            }
            (Place::TrasladosOfConcepto, "Traslado") => self.tax(element, false),
            (Place::RetencionesOfConcepto, "Retencion") => self.tax(element, true),
            _ => {}
        }
    }

    fn stamp(&mut self, parent: Place, element: &Element<'_, 'a>) {
        self.stamps_anywhere += 1;
        if parent != Place::Complemento {
            return;
        }
        let stamp = Stamp {
            version: element.attribute("Version"),
            uuid: element.attribute("UUID"),
            fecha_timbrado: element.attribute("FechaTimbrado"),
            sello_cfd: element.attribute("SelloCFD"),
            sello_sat: element.attribute("SelloSAT"),
            no_certificado_sat: element.attribute("NoCertificadoSAT"),
            rfc_prov_certif: element.attribute("RfcProvCertif"),
        };
        remember(&mut self.stamps, stamp);
    }

    fn concept(&mut self, element: &Element<'_, 'a>) -> Result<(), Fault> {
        if self.concepts.len() == MAX_CONCEPTS {
            let what = "the document has more than 20,000 concepts";
            return Err(Fault::new(Reason::TooManyConcepts, what));
        }
        let concept = fields::concept(
            &element.attribute("NoIdentificacion"),
            &element.attribute("Importe"),
            &element.attribute("Descuento"),
        );
        match concept {
            Ok(concept) => self.concepts.push(concept),
            Err(bad) => self.refuse_concept(bad),
        }
        Ok(())
    }

    fn tax(&mut self, element: &Element<'_, 'a>, withheld: bool) {
        // What is exempt has no amount.
        let amount = element.attribute("Importe").map_or(Ok(Decimal::ZERO), |written| {
            fields::amount(&written).ok_or(fields::BAD_TAX)
        });
        match (amount, self.concepts.last_mut()) {
            (Ok(amount), Some(concept)) => {
                let amount = if withheld { -amount } else { amount };
                match concept.impuestos.checked_add(amount) {
                    Some(sum) => concept.impuestos = sum,
                    None => self.refuse_concept(fields::BAD_TAX),
                }
            }
            (Err(bad), _) => self.refuse_concept(bad),
            (Ok(_), None) => {}
        }
    }

    /// Told after everything that is wrong with the document as a whole.
    fn refuse_concept(&mut self, bad: Bad) {
        self.bad_concept.get_or_insert(bad);
    }
}

/// Two are as many as it takes to know that there is more than one.
fn remember<T>(list: &mut Vec<T>, item: T) {
    if list.len() < 2 {
        list.push(item);
    }
}
