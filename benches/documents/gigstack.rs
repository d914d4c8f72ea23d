//! A simulated Gigstack whose PDFs are large and made as they are sent: fifty of them would not fit into memory.

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, future, stream};
use onlycar::dev::gigstack::{Account, Gigstack, key};
use onlycar::ground::clock::Clock;
use onlycar::ground::config::Issuer;
use tokio::net::TcpListener;

pub const SECRET: &str = "whsec_Z2lnc3RhY2sgb2YgdGhlIGJlbmNo";
const PIECE: usize = 64 * 1024;
/// How a PDF begins and ends.
const HEAD: &[u8] = b"%PDF-1.7\n";
const TAIL: &[u8] = b"\nstartxref\n9\n%%EOF\n";

/// The simulator, and the address in front of it.
pub struct Team {
    pub simulator: Gigstack,
    url: String,
}

#[derive(Clone)]
struct Front {
    behind: String,
    client: reqwest::Client,
    size: u64,
}

impl Team {
    pub async fn start(size: u64) -> Result<Self> {
        let simulator = Gigstack::new(Account::new(&key(false), issuer()), Clock::system())?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        tokio::spawn(simulator.clone().serve(listener, future::pending()));
        let front = Front {
            behind: simulator.url(),
            client: onlycar::tools::outbound::client()?,
            size,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let routes = Router::new().fallback(answer).with_state(front);
        tokio::spawn(axum::serve(listener, routes).into_future());
        Ok(Self { simulator, url })
    }

    /// The environment of a server whose Gigstack it is.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let issuer = issuer();
        vec![
            ("GIGSTACK_API_KEY", key(false)),
            ("GIGSTACK_API_SECRET", SECRET.to_owned()),
            ("GIGSTACK_ENV", "sandbox".to_owned()),
            ("GIGSTACK_BASE_URL", self.url.clone()),
            ("EMISOR_RFC", issuer.rfc),
            ("EMISOR_RAZON_SOCIAL", issuer.name),
            ("EMISOR_REGIMEN", issuer.regime),
            ("EMISOR_CP", issuer.postal_code),
        ]
    }
}

fn issuer() -> Issuer {
    Issuer {
        rfc: "EKU9003173C9".to_owned(),
        name: "ESCUELA KEMPER URGATE".to_owned(),
        regime: "612".to_owned(),
        postal_code: "88000".to_owned(),
    }
}

async fn answer(State(front): State<Front>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if path.ends_with("/pdf") {
        let headers = [
            (CONTENT_TYPE, "application/pdf".to_owned()),
            (CONTENT_LENGTH, front.size.to_string()),
        ];
        return (headers, pdf(front.size)).into_response();
    }
    let asked = front
        .client
        .get(format!("{}{path}", front.behind))
        .headers(request.headers().clone());
    match asked.send().await {
        Ok(answer) => {
            let status = answer.status();
            (status, answer.bytes().await.unwrap_or_default()).into_response()
        }
        Err(_) => axum::http::StatusCode::BAD_GATEWAY.into_response(),
    }
}

fn pdf(size: u64) -> Body {
    let inside = usize::try_from(size).unwrap_or_default() - HEAD.len() - TAIL.len();
    let piece = Bytes::from(vec![b' '; PIECE]);
    let full = stream::repeat(piece.clone()).take(inside / PIECE);
    let rest = stream::iter([piece.slice(..inside % PIECE), Bytes::from_static(TAIL)]);
    let head = stream::iter([Bytes::from_static(HEAD)]);
    Body::from_stream(
        head.chain(full)
            .chain(rest)
            .map(Ok::<_, std::convert::Infallible>),
    )
}
