//! Signing in to the panel and out of it, as forms.

use askama::Template;
use axum::Form;
use axum::extract::{FromRef, FromRequest, FromRequestParts, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::SecretString;
use serde::Deserialize;

use super::page::{self, SIGN_IN, Trouble};
use crate::access::session::{Sessions, SignedIn};
use crate::access::{Access, NotSignedIn};
use crate::tools::client_ip::ClientIp;
use crate::tools::extract::QueryParams;

/// Where to go once signed in.
#[derive(Deserialize)]
pub(super) struct Wanted {
    a: Option<String>,
}

/// What somebody typed.
#[derive(Deserialize)]
pub(super) struct Typed {
    correo: String,
    contrasena: SecretString,
    a: Option<String>,
}

#[derive(Template)]
#[template(path = "panel/entrar.html")]
struct Page<'a> {
    wanted: &'a str,
    email: &'a str,
    error: Option<&'static str>,
    /// Address and password of the simulator's admin, where there is one: one click.
    sample: Option<(&'static str, &'static str)>,
}

/// The form.
pub(super) async fn form(
    State(access): State<Access>,
    QueryParams(wanted): QueryParams<Wanted>,
) -> Result<Response, Trouble> {
    page::page(&Page {
        wanted: inside(wanted.a.as_deref()),
        email: "",
        error: None,
        sample: access.sample(),
    })
}

/// Judges what was typed. A page of another origin cannot sign anybody in: not even as somebody else.
pub(super) async fn enter(
    State(access): State<Access>,
    State(sessions): State<Sessions>,
    request: Request,
) -> Result<Response, Trouble> {
    if !sessions.is_ours(request.method(), request.headers()) {
        return Err(Trouble::Other(StatusCode::FORBIDDEN));
    }
    let from = request
        .extensions()
        .get::<ClientIp>()
        .copied()
        .unwrap_or_default();
    let typed = Form::from_request(request, &()).await;
    let Form(typed): Form<Typed> =
        typed.map_err(|_| Trouble::Refused("Escribe tu correo y tu contraseña.".to_owned()))?;
    let wanted = inside(typed.a.as_deref());
    let email = typed.correo.trim();
    match access.admin_by_password(email, &typed.contrasena, from).await {
        Ok(admin) => {
            let cookie = sessions.open(admin).await?;
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to(wanted)).into_response())
        }
        Err(reason) => {
            let (status, error) = told(reason);
            let sample = access.sample();
            page::with_status(
                status,
                &Page {
                    wanted,
                    email,
                    error: Some(error),
                    sample,
                },
            )
        }
    }
}

/// Ends the session. Whose session is over already is out.
pub(super) async fn leave(State(sessions): State<Sessions>, request: Request) -> Result<Response, Trouble> {
    let (mut parts, _) = request.into_parts();
    let state = OnlySessions(sessions.clone());
    let cookie = match SignedIn::from_request_parts(&mut parts, &state).await {
        Ok(signed_in) => Some(sessions.close(signed_in).await?),
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => None,
        Err(problem) => return Err(problem.into()),
    };
    let mut answer = Redirect::to(SIGN_IN).into_response();
    answer
        .headers_mut()
        .extend(cookie.map(|cookie: HeaderValue| (header::SET_COOKIE, cookie)));
    Ok(answer)
}

/// The extractor asks its state for sessions.
struct OnlySessions(Sessions);

impl FromRef<OnlySessions> for Sessions {
    fn from_ref(state: &OnlySessions) -> Self {
        state.0.clone()
    }
}

/// A page of the panel; a link from elsewhere must not make signing in lead away from it.
fn inside(wanted: Option<&str>) -> &str {
    let wanted = wanted.unwrap_or("/panel");
    let below = wanted.strip_prefix("/panel");
    let fits = |rest: &str| rest.is_empty() || rest.starts_with(['/', '?']);
    let plain = wanted
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if below.is_some_and(fits) && plain && HeaderValue::from_str(wanted).is_ok() {
        wanted
    } else {
        "/panel"
    }
}

fn told(reason: NotSignedIn) -> (StatusCode, &'static str) {
    match reason {
        NotSignedIn::Wrong => (
            StatusCode::UNAUTHORIZED,
            "El correo o la contraseña no son correctos.",
        ),
        NotSignedIn::NotAdmin => (
            StatusCode::FORBIDDEN,
            "Tu usuario no es de administración. Si lo necesitas, pídelo a quien administra.",
        ),
        NotSignedIn::TooMany => (
            StatusCode::TOO_MANY_REQUESTS,
            "Demasiados intentos. Espera un minuto e inténtalo de nuevo.",
        ),
        NotSignedIn::Away => (
            StatusCode::SERVICE_UNAVAILABLE,
            "No se puede comprobar tu contraseña: Supabase no contesta. Inténtalo en unos segundos.",
        ),
        NotSignedIn::NotConfigured => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Aquí nadie puede entrar: falta definir SUPABASE_URL y SUPABASE_ANON_KEY.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::inside;

    #[test]
    fn signing_in_leads_to_a_page_of_the_panel_alone() {
        for page in ["/panel", "/panel/eventos?estado=dead", "/panel?periodo=mes"] {
            assert_eq!(inside(Some(page)), page);
        }
        for elsewhere in [
            "https://example.com",
            "//example.com",
            "/panelx",
            "/panel\\@example.com",
            "/panel/\r\nset-cookie:a",
            "/docs",
            "",
        ] {
            assert_eq!(inside(Some(elsewhere)), "/panel");
        }
        assert_eq!(inside(None), "/panel");
    }
}
