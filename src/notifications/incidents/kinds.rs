//! Every kind of incident there is: the one list that drills, the runbook's test and the panel read.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Incident;
use crate::ground::facts::{Behind, BrokenLog, Closed};
use crate::ground::values::{ContractId, ServiceId};

/// A kind of incident: what its causes begin with.
#[derive(Debug)]
pub struct Kind {
    /// The word before `:` in its causes.
    pub name: &'static str,
    /// What it is, in Spanish.
    pub title: &'static str,
    /// What it means, in one line of Spanish.
    pub meaning: &'static str,
    /// Whether it comes and goes by itself: then the team is also told that it is over.
    pub passes: bool,
    sample: fn() -> Incident,
}

impl Kind {
    /// An incident of this kind as it might be, for a drill.
    pub fn sample(&self) -> Incident {
        (self.sample)()
    }

    /// The kind of a cause.
    pub fn of(cause: &str) -> Option<&'static Self> {
        let name = cause.split(':').next().unwrap_or_default();
        KINDS.iter().find(|kind| kind.name == name)
    }
}

macro_rules! kinds {
    ($($name:literal $passes:ident $title:literal $meaning:literal = $sample:expr;)+) => {
        /// Every kind, those about the machine and the providers first.
        pub const KINDS: &[Kind] = &[$(Kind {
            name: $name, title: $title, meaning: $meaning, passes: kinds!($passes), sample: || $sample,
        }),+];
    };
    (passes) => { true };
    (stays) => { false };
}

kinds! {
    "webhooks-fallan" passes "Los avisos de un proveedor fallan uno tras otro"
        "Más de tres intentos seguidos de procesar avisos de un proveedor fallaron."
        = super::webhooks_failing("stripe", 4, "database: connection refused");
    "proveedor-caido" passes "Un servicio externo no responde"
        "Tres preguntas de control seguidas a un servicio no se contestaron como deben."
        = super::service_down("gigstack", "22/11/2026 12:00", "contestó 503");
    "proveedor-callado" passes "Un proveedor no manda avisos, y suele mandarlos"
        "No llega ningún aviso a una hora en que siempre llegan varios."
        = super::provider_silent("stripe", "22/11/2026 12:00", 12);
    "cola-atrasada" passes "La cola está atrasada"
        "Un evento o trabajo que ya tocaba espera desde hace mucho."
        = super::queue_late("eventos", 640);
    "firmas-rechazadas" passes "Se rechazan los avisos de un proveedor por su firma"
        "Más de tres avisos se rechazaron por su firma y ninguno bueno llegó entretanto."
        = super::signatures_refused("mifiel", 7, "22/11/2026 12:00");
    "webhook-con-problema" stays "La conexión con un proveedor no está como debe"
        "El proveedor desactivó nuestro webhook, le faltan eventos, o no acepta nuestra llave."
        = super::endpoint_trouble("stripe", "Stripe desactivó el webhook (disabled): no nos llega ningún aviso");
    "avisos-perdidos" stays "Un proveedor no nos avisó de todo"
        "Al comparar con un proveedor faltaban eventos que nunca llegaron."
        = super::events_missed("stripe", 3);
    "muerto" stays "Un evento o trabajo falló en todos sus intentos"
        "Se dejó de intentar; está guardado y espera a una persona."
        = super::buried(&closed("it took longer than 60 s"));
    "apartado" stays "Un evento o trabajo espera a una persona"
        "Intentarlo otra vez no sirve: alguien debe decidir."
        = super::parked(&closed("the payment names no service of ours"));
    "transaccion-vieja" stays "Una transacción vieja frena la base de datos"
        "Una transacción abierta desde hace mucho frena todas las colas."
        = super::snapshot_pinned(900, "pid 4711, postgres, psql");
    "auditoria-rota" stays "El registro de auditoría fue alterado"
        "La cadena de hashes o una de sus firmas no se sostiene."
        = super::audit_broken(&BrokenLog { row: 42, reason: "its hash is not that of its content" });
    "documento-perdido" stays "Faltan documentos en el almacén"
        "Archivos que se guardaron ya no están."
        = super::files_missing(1, "facturas/2026/0193.xml");
    "documento-alterado" stays "Hay documentos en el almacén que no son los que se guardaron"
        "Archivos guardados tienen otros bytes."
        = super::files_altered(1, "facturas/2026/0193.pdf");
    "espejo-atrasado" stays "El espejo en Cloudflare está atrasado"
        "D1 no refleja desde hace mucho lo que cambió."
        = super::mirror_behind(&Behind { minutes: 75, documents: 12, reason: None });
    "pago-sin-servicio" stays "Llegó un pago sin servicio"
        "Llegó dinero que no nombra nada nuestro."
        = super::payment_unmatched("pi_simulacro", "$1,160.00 MXN");
    "pago-sin-dueno" stays "Un pago fallido no tiene dueño"
        "Falló un pago que no nombra a nadie, así que no se avisó a nadie."
        = super::failed_payment_of_nobody("pi_simulacro");
    "pago-doble" stays "Un servicio se pagó dos veces"
        "Llegó otro pago para un servicio ya pagado."
        = super::paid_twice(service(), "pi_simulacro");
    "pago-distinto" stays "Un pago no coincide con el precio"
        "Se pagó otra cantidad que el precio del servicio."
        = super::paid_other_amount(service(), "pi_simulacro", "$1,160.00 MXN", "$1,000.00 MXN");
    "reembolso-fallido" stays "Un reembolso no llegó al cliente"
        "El dinero de un reembolso sigue con OnlyCar."
        = super::refund_failed("re_simulacro", "expired_or_canceled_card");
    "disputa" stays "Un cliente disputa un cargo con su banco"
        "Hay que contestar en Stripe con pruebas antes de su fecha."
        = super::disputed("du_simulacro", Some("pi_simulacro"), "$1,160.00 MXN", "needs_response", Some(day()));
    "disputa-perdida" stays "Se perdió una disputa: el dinero salió de la cuenta"
        "El banco resolvió a favor del cliente."
        = super::dispute_lost("du_simulacro", Some("pi_simulacro"), "$1,160.00 MXN");
    "suscripcion-sin-contrato" stays "Una suscripción no tiene contrato"
        "Stripe habla de una suscripción que ningún contrato tiene."
        = super::subscription_unmatched("sub_simulacro");
    "factura-stripe-detenida" stays "Stripe no pudo cerrar la factura de una suscripción"
        "Nadie la cobrará hasta que se corrija en Stripe."
        = super::invoice_stuck("in_simulacro", "customer_tax_location_invalid");
    "factura-por-corregir" stays "Se reembolsó un servicio: su factura se debe corregir"
        "El CFDI ya no coincide con lo que se cobró."
        = super::refunded(service(), "pi_simulacro", "$1,160.00 MXN", true);
    "factura-sin-confirmar" stays "Un aviso de Gigstack no se pudo confirmar"
        "Gigstack avisó de una factura y su API no lo confirma, o sus archivos no son lo que deben."
        = super::invoice_unconfirmed("la factura invoice_simulacro", "Gigstack no la conoce");
    "factura-distinta" stays "Una factura no coincide con Gigstack"
        "La misma factura dice otra cosa aquí y allá."
        = super::invoice_differs(Uuid::nil(), "el total es 1160.00 aquí y 1180.00 allá");
    "factura-doble" stays "Un servicio tiene dos facturas vigentes"
        "Sobra una y se debe cancelar."
        = super::invoiced_twice(service(), &[Uuid::nil(), Uuid::max()]);
    "factura-global-tarde" stays "Faltan ventas en la factura global"
        "Un mes terminó y algunas de sus ventas no están en ninguna factura global timbrada."
        = super::global_invoice_late("2026-10", 17);
    "factura-global-distinta" stays "La factura global no coincide con las ventas"
        "Lo timbrado no es exactamente lo que se pidió."
        = super::global_invoice_differs(Uuid::nil(), "2026-10", "falta una venta");
    "factura-global-cancelada" stays "Se canceló una factura global"
        "Sus ventas quedaron otra vez sin factura."
        = super::global_invoice_cancelled("2026-10");
    "factura-despues-de-global" stays "Un cliente pide factura de una venta que está en la global"
        "Hace falta un CFDI de egreso antes de la factura del cliente."
        = super::wanted_after_global(service(), "2026-10");
    "contrato-sin-firma" stays "Un contrato no se firmó, o no se pudo enviar a firmar"
        "Un firmante lo rechazó, se eliminó en Mifiel, o Mifiel no lo aceptó."
        = super::contract_declined(contract(), Uuid::nil(), Some("simulacro"));
    "contrato-vencido" stays "Venció el plazo para firmar un contrato"
        "En Mifiel ya no se puede firmar."
        = super::contract_expired(contract(), Uuid::nil());
    "documento-sin-confirmar" stays "Un aviso de Mifiel no se pudo confirmar"
        "Mifiel avisó de un documento y su API no lo confirma, o no es de ningún contrato."
        = super::document_unconfirmed("simulacro", "no es de ningún contrato nuestro");
}

fn service() -> ServiceId {
    ServiceId(Uuid::nil())
}

fn contract() -> ContractId {
    ContractId(Uuid::nil())
}

fn day() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_284_000, 0).unwrap_or_default()
}

fn closed(reason: &str) -> Closed {
    Closed {
        is_event: true,
        kind: "payment_intent.succeeded".to_owned(),
        label: "stripe payment_intent.succeeded (evt_simulacro)".to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{KINDS, Kind};

    #[test]
    fn every_sample_is_of_its_kind_and_says_what_to_do() {
        for kind in KINDS {
            let incident = kind.sample();
            assert_eq!(Kind::of(&incident.cause).map(|of| of.name), Some(kind.name));
            assert!(incident.detail.contains("Siguiente paso:"), "{}", incident.cause);
        }
        let names: HashSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), KINDS.len(), "a kind is twice in the list");
    }

    /// Whoever writes an incident of a new kind adds it to the list.
    #[test]
    fn every_cause_in_the_code_is_on_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/notifications/incidents");
        let mut found = 0;
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.ends_with("kinds.rs") {
                continue;
            }
            let code = std::fs::read_to_string(&path).expect("a file");
            let quoted = code
                .split("format!(\"")
                .skip(1)
                .filter_map(|rest| rest.split_once(":{"));
            let constant = code
                .split("&str = \"")
                .skip(1)
                .filter_map(|rest| rest.split_once('"'));
            for (word, _) in quoted.chain(constant) {
                if word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') {
                    found += 1;
                    assert!(Kind::of(word).is_some(), "{word} is not in KINDS");
                }
            }
        }
        assert!(
            found >= KINDS.len() - 1,
            "only {found} causes were found in the code"
        );
    }
}
