//! Incidents about the machine itself: what it gave up, what slows it down, and its audit log.

use super::Incident;
use crate::ground::facts::{BrokenLog, Closed};

/// An event or a job that waits for a person.
pub fn parked(closed: &Closed) -> Incident {
    Incident {
        cause: format!("apartado:{}", closed.kind),
        title: "Un evento o trabajo espera a una persona",
        detail: format!(
            "Se apartó {}: {}\n{}",
            closed.label,
            closed.reason,
            where_to_look(closed, "parked")
        ),
    }
}

/// An event or a job that was given up.
pub fn buried(closed: &Closed) -> Incident {
    Incident {
        cause: format!("muerto:{}", closed.kind),
        title: "Un evento o trabajo falló en todos sus intentos",
        detail: format!(
            "Se dejó de intentar {}: {}\n{}",
            closed.label,
            closed.reason,
            where_to_look(closed, "dead")
        ),
    }
}

fn where_to_look(closed: &Closed, state: &str) -> String {
    if closed.is_event {
        format!("Nada se perdió. Siguiente paso: onlycar events list --state {state}")
    } else {
        format!("Nada se perdió. Siguiente paso: select * from engine.jobs where state = '{state}'")
    }
}

/// The cause of [`snapshot_pinned`].
pub const SNAPSHOT: &str = "transaccion-vieja";

/// An old transaction slows the queues down.
pub fn snapshot_pinned(seconds: i64, holder: &str) -> Incident {
    Incident {
        cause: SNAPSHOT.to_owned(),
        title: "Una transacción vieja frena la base de datos",
        detail: format!(
            "Una transacción lleva {seconds} s abierta ({holder}) y frena todas las colas de PostgreSQL.\n\
             Siguiente paso: ciérrala, o termínala con select pg_terminate_backend(pid)."
        ),
    }
}

/// The log is not what was sealed or signed.
pub fn audit_broken(BrokenLog { row, reason }: &BrokenLog) -> Incident {
    Incident {
        cause: "auditoria-rota".to_owned(),
        title: "El registro de auditoría fue alterado",
        detail: format!(
            "La cadena de logs_auditoria no se sostiene en la fila {row} ({reason}). No se firmó nada.\n\
             Siguiente paso: no borres nada; ejecuta onlycar audit verify, compara con un respaldo y con las firmas en \
             R2 (evidencias/), y averigua quién tuvo acceso a la base de datos."
        ),
    }
}
