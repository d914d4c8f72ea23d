//! Incidents about contracts sent for signature.

use uuid::Uuid;

use super::Incident;
use crate::ground::values::ContractId;

/// The cause of [`contract_declined`], [`contract_not_sent`] and [`contract_withdrawn`].
pub fn of_declined(contract: ContractId) -> String {
    format!("contrato-sin-firma:{contract}")
}

/// Mifiel does not take it.
pub fn contract_not_sent(contract: ContractId, document: Uuid, reason: &str) -> Incident {
    Incident {
        cause: of_declined(contract),
        title: "Un contrato no se pudo enviar a firmar",
        detail: format!(
            "El contrato {contract} (documento {document}) no está en Mifiel. {reason}.\n\
             Siguiente paso: corrígelo y envíalo de nuevo con onlycar contracts send. Esto se cierra solo."
        ),
    }
}

/// A signer declined.
pub fn contract_declined(contract: ContractId, document: Uuid, reason: Option<&str>) -> Incident {
    let reason = reason.unwrap_or("no lo dijo; está en el panel de Mifiel");
    Incident {
        cause: of_declined(contract),
        title: "Un firmante rechazó un contrato",
        detail: format!(
            "El contrato {contract} (documento {document}) no se firmó. Motivo del firmante: {reason}.\n\
             Siguiente paso: aclara con el cliente; en Mifiel se pueden corregir los firmantes, o envíalo de nuevo con \
             onlycar contracts send. Si al final firma, esto se cierra solo."
        ),
    }
}

/// A document that is gone from Mifiel.
pub fn contract_withdrawn(contract: ContractId, document: Uuid) -> Incident {
    Incident {
        cause: of_declined(contract),
        title: "Se eliminó en Mifiel un contrato sin firmar",
        detail: format!(
            "El documento {document} del contrato {contract} se eliminó en Mifiel antes de que todos firmaran.\n\
             Siguiente paso: envíalo de nuevo con onlycar contracts send, o da de baja el contrato."
        ),
    }
}

/// The cause of [`document_unconfirmed`].
pub fn of_unconfirmed_document(document: &str) -> String {
    format!("documento-sin-confirmar:{document}")
}

/// What a webhook of Mifiel's names could not be confirmed, or is none of ours.
pub fn document_unconfirmed(document: &str, reason: &str) -> Incident {
    Incident {
        cause: of_unconfirmed_document(document),
        title: "Un aviso de Mifiel no se pudo confirmar",
        detail: format!(
            "Mifiel avisó del documento {document}: {reason}.\nNo se cambió nada y el aviso está guardado (parked).\n\
             Siguiente paso: búscalo en el panel de Mifiel; si es de un contrato nuestro, repite el aviso con \
             onlycar events replay."
        ),
    }
}

/// The cause of [`contract_expired`].
pub fn of_expired(contract: ContractId) -> String {
    format!("contrato-vencido:{contract}")
}

/// Nobody can sign it any more.
pub fn contract_expired(contract: ContractId, document: Uuid) -> Incident {
    Incident {
        cause: of_expired(contract),
        title: "Venció el plazo para firmar un contrato",
        detail: format!(
            "El contrato {contract} (documento {document}) no se firmó a tiempo y en Mifiel ya no se puede firmar.\n\
             Siguiente paso: habla con el cliente y envíalo de nuevo con onlycar contracts send, o da de baja el \
             contrato. Se cierra solo cuando lo envías."
        ),
    }
}
