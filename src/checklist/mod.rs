//! The company's checklist before production: each of its lines, and what proves it. A line is held by a check of `onlycar
//! doctor`, or by a step that a person does by hand and whose state is kept here.

mod steps;
mod store;

use serde::Serialize;

pub use steps::{STEPS, Step, step};
pub use store::{Done, Kept, done, kept, undone};

/// The four parts of the checklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Invoices that are asked for at Gigstack.
    GigstackDirect,
    /// Invoices that Gigstack makes of Stripe's payments.
    GigstackViaStripe,
    /// Contracts.
    Mifiel,
    /// What all of it stands on.
    Infrastructure,
}

impl Part {
    /// In order.
    pub const ALL: [Self; 4] = [
        Self::GigstackDirect,
        Self::GigstackViaStripe,
        Self::Mifiel,
        Self::Infrastructure,
    ];

    /// Its heading on the checklist.
    pub fn title(self) -> &'static str {
        match self {
            Self::GigstackDirect => "Gigstack API Directa",
            Self::GigstackViaStripe => "Gigstack via Stripe",
            Self::Mifiel => "Mifiel",
            Self::Infrastructure => "Infraestructura",
        }
    }
}

/// A line of the checklist.
pub struct Line {
    /// Where it stands.
    pub part: Part,
    /// Its words.
    pub text: &'static str,
    /// The keys of the steps and checks that hold it, all of them.
    pub held_by: &'static [&'static str],
}

macro_rules! lines {
    ($($part:ident $text:literal $held_by:expr;)+) => {
        /// The whole checklist, word for word.
        pub const LINES: &[Line] = &[$(Line { part: Part::$part, text: $text, held_by: &$held_by }),+];
    };
}

lines! {
    GigstackDirect "API Key y Secret configurados en variables de entorno"
        ["env.GIGSTACK_API_KEY", "env.GIGSTACK_API_SECRET", "env.GIGSTACK_ENV", "gigstack.key"];
    GigstackDirect "Webhooks configurados con URLs de producción" ["webhooks-gigstack", "server.address"];
    GigstackDirect "CSD del emisor cargado y validado en Gigstack" ["csd-gigstack"];
    GigstackDirect "Plantillas de email/WhatsApp configuradas" ["plantillas-gigstack"];
    GigstackDirect "Endpoint de confirmación de pago probado" ["confirmacion-probada"];
    GigstackDirect "Flujo de autofactura probado end-to-end" ["autofactura-probada"];
    GigstackDirect "Factura global mensual configurada (día 1)" ["invoicing.global"];
    GigstackDirect "Alertas configuradas para fallos" ["alerts.team", "mail.smtp"];
    GigstackViaStripe "Gigstack App instalada en Stripe" ["app-gigstack-stripe"];
    GigstackViaStripe "Payment Links con campos fiscales configurados" ["payment-links-fiscales"];
    GigstackViaStripe "Webhooks de Stripe configurados" ["stripe.webhook", "stripe.key", "env.STRIPE_WEBHOOK_SECRET"];
    GigstackViaStripe "Conexión Stripe-Gigstack autorizada"
        ["conexion-stripe-gigstack", "env.STRIPE_GIGSTACK_CONNECTION_ID"];
    GigstackViaStripe "CSD del emisor configurado en Gigstack" ["csd-gigstack"];
    GigstackViaStripe "Flujo completo probado con pago de prueba" ["pago-probado"];
    GigstackViaStripe "Verificar recepción de webhook de Gigstack" ["webhook-gigstack-recibido"];
    Mifiel "APP ID y Secret configurados" ["env.MIFIEL_APP_ID", "env.MIFIEL_APP_SECRET", "env.MIFIEL_ENV", "mifiel.key"];
    Mifiel "Webhook configurado con URL de producción" ["mifiel.webhook", "env.MIFIEL_WEBHOOK_URL"];
    Mifiel "Flujo de firma probado en sandbox" ["firma-probada"];
    Mifiel "Plantillas de contrato revisadas por legal" ["plantillas-contrato"];
    Mifiel "Verificar acreditación vigente de Mifiel como PSC" ["acreditacion-mifiel"];
    Infrastructure "Cloudflare R2 configurado para almacenamiento" ["r2.objects"];
    Infrastructure "PostgreSQL/Supabase con tablas creadas"
        ["database.reached", "database.migrations", "database.closed", "database.role", "supabase.keys"];
    Infrastructure "Rate limiting configurado en endpoints" ["server.limits"];
    Infrastructure "Logs de auditoría habilitados" ["audit.append_only", "audit.heads"];
    Infrastructure "Sistema de queue para procesamiento asíncrono" ["queue.health"];
    Infrastructure "Monitoreo de disponibilidad de APIs externas" ["monitoring.probes"];
}

/// The part where a step or a check is shown: that of the first line which it holds.
pub fn part_of(key: &str) -> Option<Part> {
    let line = LINES.iter().find(|line| line.held_by.contains(&key))?;
    Some(line.part)
}
