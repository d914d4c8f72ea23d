//! As much of Supabase Auth as signing in needs: three users with one password, and tokens as it would issue them.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

use super::tokens::{self, Holder};
use crate::access::SAMPLE;
use crate::ground::clock::Clock;

/// A project of Supabase.
#[derive(Debug, Clone)]
pub struct Supabase(Arc<Project>);

#[derive(Debug)]
struct Project {
    url: String,
    /// `SUPABASE_ANON_KEY`: whoever asks must bring it.
    anon_key: String,
    /// What its tokens are signed with.
    secret: String,
    users: Vec<(&'static str, &'static str, Uuid)>,
    clock: Clock,
}

#[derive(Deserialize)]
struct Grant {
    grant_type: String,
}

#[derive(Deserialize)]
struct Password {
    email: String,
    password: String,
}

impl Supabase {
    /// Answers at `listener`; `users` are address, role and id.
    pub fn serve(
        listener: TcpListener,
        anon_key: &str,
        secret: &str,
        users: Vec<(&'static str, &'static str, Uuid)>,
        clock: Clock,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<Self> {
        let project = Self(Arc::new(Project {
            url: format!("http://{}", listener.local_addr()?),
            anon_key: anon_key.to_owned(),
            secret: secret.to_owned(),
            users,
            clock,
        }));
        let router = Router::new()
            .route("/auth/v1/token", post(token))
            .route("/auth/v1/.well-known/jwks.json", get(keys))
            .with_state(project.clone());
        tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stop).await });
        Ok(project)
    }

    /// `SUPABASE_URL`.
    pub fn url(&self) -> &str {
        &self.0.url
    }
}

/// Only the project's secret signs here.
async fn keys() -> Json<Value> {
    Json(json!({ "keys": [] }))
}

async fn token(
    State(Supabase(project)): State<Supabase>,
    Query(grant): Query<Grant>,
    headers: HeaderMap,
    Json(typed): Json<Password>,
) -> Response {
    let key = headers.get("apikey").and_then(|key| key.to_str().ok());
    if key != Some(&project.anon_key) {
        return refused(StatusCode::UNAUTHORIZED, "no_authorization", "Invalid API key");
    }
    if grant.grant_type != "password" {
        return refused(
            StatusCode::BAD_REQUEST,
            "validation_failed",
            "unsupported_grant_type",
        );
    }
    let user = project.users.iter().find(|(email, _, _)| *email == typed.email);
    let Some((_, role, user)) = user.filter(|_| typed.password == SAMPLE.1) else {
        return refused(
            StatusCode::BAD_REQUEST,
            "invalid_credentials",
            "Invalid login credentials",
        );
    };
    let holder = Holder { role, user: *user };
    match tokens::token(&holder, &project.url, &project.secret, project.clock.now()) {
        Ok(token) => {
            let answer = json!({ "access_token": token, "token_type": "bearer", "expires_in": 86_400,
                                 "user": { "id": user, "app_metadata": { "role": role } } });
            Json(answer).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn refused(status: StatusCode, code: &str, message: &str) -> Response {
    let told = json!({ "code": status.as_u16(), "error_code": code, "msg": message });
    (status, Json(told)).into_response()
}
