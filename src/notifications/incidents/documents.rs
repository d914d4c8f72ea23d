//! Incidents about documents in the store: one for all that are missing and one for all that are altered, however many.

use super::Incident;

/// The cause of [`files_missing`].
pub const FILES_MISSING: &str = "documento-perdido";

/// Files that are not in the store any more.
pub fn files_missing(count: i64, key: &str) -> Incident {
    Incident {
        cause: FILES_MISSING.to_owned(),
        title: "Faltan documentos en el almacén",
        detail: format!(
            "{count} archivos que se guardaron ya no están en el almacén, entre ellos {key}. No se entregan a nadie.\n\
             Siguiente paso: recupéralos de un respaldo y comprueba con onlycar documents verify, que los lista todos; \
             cuando estén otra vez, esto se cierra solo."
        ),
    }
}

/// The cause of [`files_altered`].
pub const FILES_ALTERED: &str = "documento-alterado";

/// Files that are not what was stored.
pub fn files_altered(count: i64, key: &str) -> Incident {
    Incident {
        cause: FILES_ALTERED.to_owned(),
        title: "Hay documentos en el almacén que no son los que se guardaron",
        detail: format!(
            "{count} archivos tienen otros bytes que los que se guardaron (su SHA-256 no coincide), entre ellos {key}. No \
             se entregan a nadie.\n\
             Siguiente paso: revisa quién tiene llaves del almacén, recupéralos de un respaldo y comprueba con onlycar \
             documents verify, que los lista todos; cuando estén bien, esto se cierra solo."
        ),
    }
}
