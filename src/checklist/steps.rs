//! What only a person can do, or see done.

/// A step by hand.
pub struct Step {
    /// Its name in commands and in the database; it never changes.
    pub key: &'static str,
    /// How it is done, for whoever does it.
    pub how: &'static str,
    /// What our own data show once it was done, as a question that answers with the first time; none where they show nothing.
    pub(super) seen: Option<&'static str>,
    /// After so many days it has to be looked at again.
    pub valid_days: Option<u16>,
}

const fn by_hand(key: &'static str, how: &'static str) -> Step {
    Step {
        key,
        how,
        seen: None,
        valid_days: None,
    }
}

const fn seen(key: &'static str, how: &'static str, seen: &'static str) -> Step {
    Step {
        key,
        how,
        seen: Some(seen),
        valid_days: None,
    }
}

/// All of them, in the order of the checklist.
pub const STEPS: &[Step] = &[
    by_hand(
        "webhooks-gigstack",
        "in Gigstack's panel, let its webhooks go to PUBLIC_URL + /api/webhooks/gigstack/… (one address per event)",
    ),
    Step {
        // A certificate of SAT's is valid for four years; Gigstack shows until when.
        valid_days: Some(365),
        ..by_hand(
            "csd-gigstack",
            "in Gigstack's panel, see that the issuer's CSD is loaded, valid, and of EMISOR_RFC",
        )
    },
    by_hand(
        "plantillas-gigstack",
        "in Gigstack's panel, set the texts that clients get by mail and WhatsApp",
    ),
    seen(
        "confirmacion-probada",
        "confirm a payment at the counter once: POST /api/services/{id}/confirm-payment-presencial",
        "select min(pagado_en) from servicios where canal_pago = 'presencial'",
    ),
    seen(
        "autofactura-probada",
        "confirm a payment with requires_invoice, open the link as the client would, and see the invoice arrive",
        "select min(fecha_timbrado) from facturas_emitidas where origen = 'autofactura' and uuid_sat is not null",
    ),
    by_hand(
        "app-gigstack-stripe",
        "install Gigstack's app in the account of STRIPE_ACCOUNT_ID, in live mode",
    ),
    by_hand(
        "payment-links-fiscales",
        "see that every active Payment Link asks for RFC, name, regime, postal code and use of the CFDI",
    ),
    by_hand(
        "conexion-stripe-gigstack",
        "in Gigstack's panel, see that the connection STRIPE_GIGSTACK_CONNECTION_ID is authorized",
    ),
    seen(
        "pago-probado",
        "pay through a Payment Link, and see the payment, the service and the stamped invoice in the panel",
        "select min(fecha_timbrado) from facturas_emitidas where origen = 'stripe' and uuid_sat is not null",
    ),
    seen(
        "webhook-gigstack-recibido",
        "let Gigstack send a webhook, and find it with: onlycar events list --provider gigstack",
        "select min(received_at) from webhooks.events where provider like 'gigstack%' and trust <> 'reconcile'",
    ),
    seen(
        "firma-probada",
        "send a contract in Mifiel's sandbox (onlycar contracts send) and sign it",
        "select min(firmado_en) from contratos_firmados where estado = 'firmado'",
    ),
    by_hand(
        "plantillas-contrato",
        "have a lawyer read the templates of the contracts that are sent",
    ),
    Step {
        valid_days: Some(365),
        ..by_hand(
            "acreditacion-mifiel",
            "see that the Secretaría de Economía still lists Mifiel as a provider of certification services (PSC)",
        )
    },
];

/// The step of this key.
pub fn step(key: &str) -> Option<&'static Step> {
    STEPS.iter().find(|step| step.key == key)
}
