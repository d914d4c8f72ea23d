//! Incidents about the edge.

use super::Incident;
use crate::ground::facts::Behind;

/// The cause of [`mirror_behind`].
pub const MIRROR: &str = "espejo-atrasado";

/// D1 has not shown a change for long.
pub fn mirror_behind(behind: &Behind) -> Incident {
    let Behind {
        minutes,
        documents,
        reason,
    } = behind;
    let reason = reason
        .as_deref()
        .unwrap_or("Cloudflare contesta; es que hay mucho por reflejar");
    Incident {
        cause: MIRROR.to_owned(),
        title: "El espejo en Cloudflare está atrasado",
        detail: format!(
            "D1 no refleja desde hace {minutes} minutos los cambios de {documents} documentos: {reason}.\n\
             Los pagos, facturas y contratos no dependen de él y nada se perdió; se pone al día solo.\n\
             Siguiente paso: onlycar edge status; revisa el estado de Cloudflare y CLOUDFLARE_API_TOKEN."
        ),
    }
}
