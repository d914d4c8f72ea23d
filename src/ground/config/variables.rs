//! Which variables of the environment there are.

/// One variable of the environment.
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Who must set it.
    pub need: Need,
}

/// When a variable must be set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// Without it nothing starts.
    Always,
    /// In production only; elsewhere what needs it is switched off and a warning says so.
    Production,
    /// Never.
    Optional,
}

use Need::{Always, Optional, Production};

macro_rules! variables {
    ($($name:literal $need:ident),+ $(,)?) => {
        /// Every variable there is; `.env.example` explains each (a test compares the two).
        pub const VARIABLES: &[Variable] = &[$(Variable { name: $name, need: $need }),+];
    };
}

variables! {
    "DATABASE_URL" Always,
    "STRIPE_WEBHOOK_SECRET" Always,
    "BIND_ADDR" Optional,
    "PUBLIC_URL" Production,
    "STRIPE_PUBLISHABLE_KEY" Production,
    "STRIPE_SECRET_KEY" Production,
    "STRIPE_ACCOUNT_ID" Production,
    "STRIPE_GIGSTACK_CONNECTION_ID" Production,
    "STRIPE_API_BASE" Optional,
    "GIGSTACK_API_KEY" Production,
    "GIGSTACK_API_SECRET" Production,
    "GIGSTACK_ENV" Production,
    "GIGSTACK_WEBHOOK_SECRET" Optional,
    "GIGSTACK_BASE_URL" Optional,
    "MIFIEL_APP_ID" Production,
    "MIFIEL_APP_SECRET" Production,
    "MIFIEL_ENV" Production,
    "MIFIEL_WEBHOOK_URL" Production,
    "MIFIEL_WEBHOOK_SECRET" Optional,
    "MIFIEL_BASE_URL" Optional,
    "EMISOR_RFC" Production,
    "EMISOR_RAZON_SOCIAL" Production,
    "EMISOR_REGIMEN" Production,
    "EMISOR_CP" Production,
    "R2_ACCOUNT_ID" Production,
    "R2_ACCESS_KEY_ID" Production,
    "R2_SECRET_ACCESS_KEY" Production,
    "R2_BUCKET_NAME" Production,
    "R2_ENDPOINT" Optional,
    "AUDIT_SIGNING_KEY" Optional,
    "SUPABASE_URL" Production,
    "SUPABASE_ANON_KEY" Production,
    "SUPABASE_SERVICE_ROLE_KEY" Production,
    "SUPABASE_JWT_SECRET" Optional,
    "SMTP_URL" Production,
    "MAIL_FROM" Production,
    "TEAM_EMAIL" Production,
    "TEAM_WEBHOOK_URL" Optional,
    "REDIS_URL" Optional,
    "CLOUDFLARE_API_BASE" Optional,
    "CLOUDFLARE_ACCOUNT_ID" Optional,
    "CLOUDFLARE_API_TOKEN" Optional,
    "D1_DATABASE_ID" Optional,
    "KV_NAMESPACE_ID" Optional,
    "OTEL_EXPORTER_OTLP_ENDPOINT" Optional,
    "METRICS_TOKEN" Optional,
    "RUST_LOG" Optional,
    "LOG_FORMAT" Optional,
}
