//! Incidents about how the providers do, and whether we keep up. All of them see by themselves when they are over.

use super::Incident;

/// The cause of [`webhooks_failing`].
pub fn of_failing_webhooks(provider: &str) -> String {
    format!("webhooks-fallan:{provider}")
}

/// One attempt after the other fails.
pub fn webhooks_failing(provider: &str, in_row: i64, reason: &str) -> Incident {
    Incident {
        cause: of_failing_webhooks(provider),
        title: "Los avisos de un proveedor fallan uno tras otro",
        detail: format!(
            "Fallaron {in_row} intentos seguidos de procesar avisos de {provider}, el último por: {reason}\n\
             Los avisos están guardados y se intentan de nuevo solos.\n\
             Siguiente paso: onlycar events list --provider {provider} --state failed; onlycar events show dice qué pasó \
             con cada uno. Se cierra solo con el primero que se procesa."
        ),
    }
}

/// The cause of [`service_down`].
pub fn of_down(service: &str) -> String {
    format!("proveedor-caido:{service}")
}

/// A service does not answer, or not as it should.
pub fn service_down(service: &str, since: &str, reason: &str) -> Incident {
    Incident {
        cause: of_down(service),
        title: "Un servicio externo no responde",
        detail: format!(
            "{service} no responde como debe desde {since} (tres preguntas seguidas o más): {reason}.\n\
             Lo que depende de él espera y se hace solo cuando responda; nada se pierde.\n\
             Siguiente paso: revisa la página de estado del proveedor y, si dice que está bien, nuestras llaves y la red. \
             Se cierra solo cuando responde."
        ),
    }
}

/// The cause of [`queue_late`].
pub const QUEUE_LATE: &str = "cola-atrasada";

/// What is due has waited for long.
pub fn queue_late(what: &str, seconds: i64) -> Incident {
    Incident {
        cause: QUEUE_LATE.to_owned(),
        title: "La cola está atrasada",
        detail: format!(
            "El más viejo de los {what} que ya tocaban espera desde hace {seconds} s. Nada se perdió: está guardado y \
             se procesa en su orden.\n\
             Siguiente paso: revisa que el servidor esté corriendo con sus trabajadores y que la base de datos responda \
             (GET /readyz); si es que llega mucho, agrega otra réplica. Se cierra solo cuando se pone al día."
        ),
    }
}

/// The cause of [`provider_silent`].
pub fn of_silent(provider: &str) -> String {
    format!("proveedor-callado:{provider}")
}

/// A provider brings nothing where it usually brings some.
pub fn provider_silent(provider: &str, since: &str, usual: i64) -> Incident {
    Incident {
        cause: of_silent(provider),
        title: "Un proveedor no manda avisos, y suele mandarlos",
        detail: format!(
            "De {provider} no llega ningún aviso desde {since}; en ese tiempo suelen llegar unos {usual} (mismo día de la \
             semana y misma hora de las últimas cuatro semanas).\n\
             Siguiente paso: revisa en el panel del proveedor que el webhook esté activo y qué contestamos a sus intentos, \
             y pregunta lo que falte con onlycar reconcile {provider}. Se cierra solo con el primer aviso que llegue."
        ),
    }
}

/// The cause of [`signatures_refused`].
pub fn of_refused(provider: &str) -> String {
    format!("firmas-rechazadas:{provider}")
}

/// Nothing that came through a provider's door could prove who sent it.
pub fn signatures_refused(provider: &str, refused: i64, since: &str) -> Incident {
    Incident {
        cause: of_refused(provider),
        title: "Se rechazan los avisos de un proveedor por su firma",
        detail: format!(
            "Desde {since} se rechazaron {refused} avisos en la puerta de {provider} porque su firma falta o no es válida, \
             y ninguno bueno llegó. No se guardó nada de ellos.\n\
             Siguiente paso: compara el secreto del webhook en el panel del proveedor con el nuestro; si coincide, alguien \
             más nos está llamando. Cuando esté bien, pregunta lo que falte con onlycar reconcile {provider}. Se cierra \
             solo cuando llegan buenos y en una hora ya no se rechaza ninguno."
        ),
    }
}
