//! A server with one door per permission, and tokens to try on them.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use onlycar::access::{Access, Admin, Customer, Operator, Staff};
use onlycar::ground::clock::Clock;
use onlycar::ground::config::{Environment, Settings};
use onlycar::tools::outbound;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::Supabase;

/// As long as Supabase makes them.
pub const SECRET: &str = "the-jwt-secret-of-the-tests-40-bytes-long";
pub const USER: &str = "5f1c3a52-6f0e-4c43-9a1e-0d6d3f0a7c11";

const RSA: &str = include_str!("keys/rsa.test-only.pem");
pub const RSA_PUBLIC: &str = include_str!("keys/rsa.test-only.pub.pem");

/// What tokens are signed with.
pub enum Signer {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Hmac(Vec<u8>),
    Nothing,
}

impl Signer {
    pub fn ec() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random);
        Self::Ec(pair.unwrap())
    }

    pub fn rsa() -> Self {
        let lines: Vec<&str> = RSA
            .lines()
            .skip(2)
            .take_while(|it| !it.starts_with("--"))
            .collect();
        Self::Rsa(RsaKeyPair::from_pkcs8(&STANDARD.decode(lines.concat()).unwrap()).unwrap())
    }

    pub fn secret() -> Self {
        Self::Hmac(SECRET.as_bytes().to_vec())
    }

    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Ec(_) => "ES256",
            Self::Rsa(_) => "RS256",
            Self::Hmac(_) => "HS256",
            Self::Nothing => "none",
        }
    }

    /// The public half, as Supabase publishes it.
    pub fn jwk(&self, kid: &str) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y), "kid": kid,
                        "alg": "ES256", "use": "sig", "key_ops": ["verify"], "ext": true })
            }
            Self::Rsa(pair) => {
                let public: RsaPublicKeyComponents<Vec<u8>> = pair.public().into();
                json!({ "kty": "RSA", "n": text(&public.n), "e": text(&public.e), "kid": kid,
                        "alg": "RS256", "use": "sig", "key_ops": ["verify"], "ext": true })
            }
            Self::Hmac(_) | Self::Nothing => panic!("it has no public half"),
        }
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
            Self::Hmac(bytes) => {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, bytes);
                ring::hmac::sign(&key, message).as_ref().to_vec()
            }
            Self::Nothing => Vec::new(),
        }
    }
}

/// A token to be, changed from a good one.
#[derive(Clone)]
pub struct Draft {
    pub header: Value,
    pub claims: Value,
}

impl Draft {
    /// With other values in its claims; null takes a claim away.
    pub fn claims(mut self, changes: Value) -> Self {
        change(&mut self.claims, changes);
        self
    }

    pub fn header(mut self, changes: Value) -> Self {
        change(&mut self.header, changes);
        self
    }

    pub fn sign(self, signer: &Signer) -> String {
        let mut header = self.header;
        let named = header.as_object_mut().unwrap();
        named.entry("alg").or_insert_with(|| signer.algorithm().into());
        let message = format!("{}.{}", part(&header), part(&self.claims));
        let signature = URL_SAFE_NO_PAD.encode(signer.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn change(value: &mut Value, changes: Value) {
    let Value::Object(changes) = changes else {
        panic!("changes are an object")
    };
    let object = value.as_object_mut().unwrap();
    for (name, new) in changes {
        if new.is_null() {
            object.remove(&name);
        } else {
            object.insert(name, new);
        }
    }
}

/// What a door said.
#[derive(Debug)]
pub struct Said {
    pub status: u16,
    pub headers: HeaderMap,
    /// The text when somebody came in; else the problem.
    pub text: String,
}

impl Said {
    pub fn problem(&self) -> Value {
        assert_eq!(
            self.headers["content-type"], "application/problem+json",
            "{self:?}"
        );
        serde_json::from_str(&self.text).unwrap()
    }

    /// The status, and the problem's code if there is one.
    pub fn told(&self) -> (u16, String) {
        let code = match self.status {
            200 => String::new(),
            _ => self.problem()["code"].as_str().unwrap().to_owned(),
        };
        (self.status, code)
    }
}

/// The doors, behind them nothing but who came in.
pub struct Rig {
    pub supabase: Supabase,
    pub clock: Clock,
    pub url: String,
    pub client: reqwest::Client,
}

impl Rig {
    /// With keys that Supabase publishes, and with the secret.
    pub async fn start(keys: &[Value]) -> Self {
        Self::configured(keys, &[("SUPABASE_JWT_SECRET", SECRET)], "").await
    }

    pub async fn configured(keys: &[Value], more: &[(&str, &str)], file: &str) -> Self {
        let supabase = Supabase::start(keys).await;
        let clock = Clock::manual("2026-11-22T18:00:00.5Z".parse().unwrap());
        let least = [
            ("DATABASE_URL", "postgres://localhost/onlycar"),
            ("STRIPE_WEBHOOK_SECRET", "whsec_of_the_tests"),
            ("SUPABASE_URL", supabase.url.as_str()),
        ];
        let environment: Environment = least.iter().chain(more).copied().collect();
        let settings = Settings::from_parts(&environment, Some(file)).unwrap();
        let access = Access::new(settings.supabase.as_ref(), &settings.file.access, clock.clone());
        Self {
            supabase,
            url: doors(access.unwrap()).await,
            clock,
            client: outbound::client().unwrap(),
        }
    }

    /// A good token of this role, to be signed.
    pub fn draft(&self, role: &str) -> Draft {
        let now = self.clock.now();
        Draft {
            header: json!({ "typ": "JWT" }),
            claims: json!({
                "iss": format!("{}/auth/v1", self.supabase.url),
                "aud": "authenticated",
                "sub": USER,
                "iat": now.timestamp(),
                "exp": (now + TimeDelta::hours(1)).timestamp(),
                "role": "authenticated",
                "app_metadata": { "provider": "email", "providers": ["email"], "role": role },
                "user_metadata": { "nombre": "María" },
                "aal": "aal1",
                "is_anonymous": false,
            }),
        }
    }

    /// The same, naming its key and signed.
    pub fn token(&self, role: &str, kid: &str, signer: &Signer) -> String {
        self.draft(role).header(json!({ "kid": kid })).sign(signer)
    }

    pub async fn knock(&self, door: &str, values: &[&[u8]]) -> Said {
        knock(&self.client, &self.url, door, values).await
    }

    pub async fn bearer(&self, door: &str, token: &str) -> Said {
        let value = format!("Bearer {token}");
        self.knock(door, &[value.as_bytes()]).await
    }

    /// What the door of admins says to this token.
    pub async fn tell(&self, token: &str) -> (u16, String) {
        self.bearer("/admin", token).await.told()
    }
}

/// Asks a door with these `Authorization` headers.
pub async fn knock(client: &reqwest::Client, url: &str, door: &str, values: &[&[u8]]) -> Said {
    let mut request = client.get(format!("{url}{door}"));
    for value in values {
        request = request.header(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
    }
    let answer = request.send().await.unwrap();
    Said {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        text: answer.text().await.unwrap(),
    }
}

/// Serves one door per permission; its address.
pub async fn doors(access: Access) -> String {
    use axum::routing::get;
    let router = axum::Router::new()
        .route(
            "/operator",
            get(|it: Operator| async move { it.user().to_string() }),
        )
        .route("/admin", get(|it: Admin| async move { it.user().to_string() }))
        .route(
            "/customer",
            get(|it: Customer| async move { it.user().to_string() }),
        )
        .route("/staff", get(|it: Staff| async move { it.actor().to_string() }))
        .with_state(access);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}
