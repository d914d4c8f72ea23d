//! The server as a child process, and an admin who is signed in to it.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use onlycar::tools::outbound;
use reqwest::header::{COOKIE, SET_COOKIE};
use serde_json::json;
use sha2::Sha256;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_onlycar");
const SUPABASE: &str = "http://127.0.0.1:9";
const SECRET: &str = "the-jwt-secret-of-the-bench-40-bytes-long";
const GIVE_UP: Duration = Duration::from_secs(30);
/// One admin asks for everything at once.
const SETTINGS: &str = "limits.admin.off = true\n";

/// Killed when dropped.
pub struct Server {
    child: Child,
    url: String,
    cookie: String,
    client: reqwest::Client,
}

pub fn migrate(folder: &Path, database: &str) -> Result<()> {
    let status = command(folder, database, &["migrate"])?.status()?;
    ensure!(status.success(), "onlycar migrate failed: {status}");
    Ok(())
}

impl Server {
    /// Without workers: nothing changes while it is measured.
    pub async fn start(folder: &Path, database: &str) -> Result<Self> {
        let address: SocketAddr = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let settings = folder.join("settings.toml");
        fs::write(&settings, SETTINGS)?;
        let mut command = command(folder, database, &["serve", "--no-worker", "--config"])?;
        command.arg(&settings).env("BIND_ADDR", address.to_string());
        let child = command.spawn().context("starting the server")?;
        let mut server = Self {
            child,
            url: format!("http://{address}"),
            cookie: String::new(),
            client: outbound::client()?,
        };
        server.ready().await?;
        server.sign_in().await?;
        Ok(server)
    }

    async fn ready(&self) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < GIVE_UP {
            let answer = self.client.get(format!("{}/readyz", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the server was not ready within {GIVE_UP:?}")
    }

    async fn sign_in(&mut self) -> Result<()> {
        let request = self.client.post(format!("{}/panel/session", self.url));
        let answer = request.bearer_auth(token()?).send().await?.error_for_status()?;
        let cookie = answer.headers().get(SET_COOKIE).context("no cookie")?.to_str()?;
        let (pair, _) = cookie.split_once(';').context("no attributes")?;
        pair.clone_into(&mut self.cookie);
        Ok(())
    }

    /// How long a page took to its last byte, and the page.
    pub async fn get(&self, path: &str) -> Result<(Duration, String)> {
        let request = self
            .client
            .get(format!("{}{path}", self.url))
            .header(COOKIE, &self.cookie);
        let begun = Instant::now();
        let answer = request.send().await?;
        let status = answer.status();
        let page = answer.text().await?;
        let took = begun.elapsed();
        ensure!(status.is_success(), "{path}: {status}");
        Ok((took, page))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; what matters is that it is gone and reaped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(folder: &Path, database: &str, arguments: &[&str]) -> Result<Command> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("onlycar.log"))?;
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_clear().envs([
        ("DATABASE_URL", database),
        ("STRIPE_SECRET_KEY", "sk_test_x"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_bench"),
        ("SUPABASE_URL", SUPABASE),
        ("SUPABASE_JWT_SECRET", SECRET),
        ("LOG_FORMAT", "json"),
        ("RUST_LOG", "warn"),
    ]);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(command)
}

/// An admin's, as Supabase makes it.
fn token() -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let claims = json!({
        "iss": format!("{SUPABASE}/auth/v1"), "aud": "authenticated", "role": "authenticated",
        "sub": "5f1c3a52-6f0e-4c43-9a1e-0d6d3f0a7c11", "app_metadata": { "role": "admin" },
        "iat": now, "exp": now + 3600,
    });
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!(
        "{}.{}",
        part(&json!({ "alg": "HS256", "typ": "JWT" })),
        part(&claims)
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    mac.update(signed.as_bytes());
    Ok(format!(
        "{signed}.{}",
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    ))
}
