//! Why somebody does not come in: told to the caller in few words, to the log in one more.

use axum::http::{HeaderValue, StatusCode, header};

use crate::tools::problem::Problem;

/// Why there is no permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// This server knows nobody.
    NotConfigured,
    /// No bearer token came.
    NoToken,
    /// It is not to be trusted. The word is for the log: the caller must not learn what to mend.
    Bad(&'static str),
    /// It was good, and its time is over.
    Expired,
    /// It is good, and its role is another.
    OtherRole,
    /// Whether it is good cannot be told, because Supabase is away.
    NoKeys,
    /// No cookie of a session came.
    NoSession,
    /// The session is over, or never was.
    SessionOver,
    /// A page that is not ours wants to act in a session.
    OtherOrigin,
    /// Whether the session is good cannot be told.
    DatabaseAway,
}

impl Refusal {
    fn reason(self) -> &'static str {
        match self {
            Self::NotConfigured => "not-configured",
            Self::NoToken => "no-token",
            Self::Bad(reason) => reason,
            Self::Expired => "expired",
            Self::OtherRole => "other-role",
            Self::NoKeys => "no-keys",
            Self::NoSession => "no-session",
            Self::SessionOver => "session-over",
            Self::OtherOrigin => "other-origin",
            Self::DatabaseAway => "database-away",
        }
    }

    /// Logs and counts it; neither holds anything of the token.
    pub(super) fn told(self) -> Problem {
        let reason = self.reason();
        metrics::counter!("access_refused_total", "reason" => reason).increment(1);
        tracing::warn!(target: "security", reason, "access refused");
        self.problem()
    }

    fn problem(self) -> Problem {
        let unauthorized = |code, detail: &'static str| {
            let challenge = HeaderValue::from_static("Bearer");
            Problem::new(StatusCode::UNAUTHORIZED, code, detail)
                .with_header(header::WWW_AUTHENTICATE, challenge)
        };
        match self {
            Self::NotConfigured => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "acceso-no-configurado",
                "Este servidor no sabe quién puede entrar: a quien lo administra le falta definir SUPABASE_URL.",
            ),
            Self::NoToken => unauthorized(
                "falta-token",
                "Inicia sesión: la petición no trae el encabezado Authorization: Bearer con tu token.",
            ),
            Self::Bad(_) => unauthorized(
                "token-no-valido",
                "El token no es válido. Cierra la sesión e iníciala de nuevo.",
            ),
            Self::Expired => unauthorized(
                "token-vencido",
                "La sesión venció. Renueva el token o inicia sesión de nuevo.",
            ),
            Self::OtherRole => Problem::new(
                StatusCode::FORBIDDEN,
                "sin-permiso",
                "Tu usuario no tiene permiso para esto. Si lo necesitas, pídelo a un administrador.",
            ),
            Self::NoSession => Problem::new(
                StatusCode::UNAUTHORIZED,
                "falta-sesion",
                "Inicia sesión en el panel.",
            ),
            Self::SessionOver => Problem::new(
                StatusCode::UNAUTHORIZED,
                "sesion-vencida",
                "La sesión del panel terminó. Iníciala de nuevo.",
            ),
            Self::OtherOrigin => Problem::new(
                StatusCode::FORBIDDEN,
                "otro-origen",
                "La petición no viene de una página del panel. Ábrelo de nuevo e inténtalo desde ahí.",
            ),
            Self::NoKeys | Self::DatabaseAway => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "sesion-no-comprobable",
                "Tu sesión no se puede comprobar en este momento. Inténtalo de nuevo en unos segundos.",
            )
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("10")),
        }
    }
}
