//! What `onlycar dev` tells: on the screen for people, in `dev.json` for programs.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;

use super::environment::{BUCKET, Keys};
use super::stripe::{self, Sample};
use super::{seed, tokens};
use crate::ground::clock::Clock;
use crate::ground::config::Environment;

/// Where everything is and how to get in.
pub(super) struct Announcement {
    pub(super) base_url: String,
    pub(super) database_url: String,
    pub(super) s3_endpoint: String,
    pub(super) mail_url: String,
    pub(super) stripe_url: String,
    pub(super) gigstack_url: String,
    pub(super) mifiel_url: String,
    pub(super) cloudflare_url: String,
    pub(super) supabase_url: String,
    pub(super) environment: Environment,
    pub(super) keys: Keys,
}

impl Announcement {
    /// Writes `dev.json`, readable by its owner only, and the event for the printed curl.
    pub(super) fn write(&self, data_dir: &Path) -> anyhow::Result<PathBuf> {
        let now = Clock::system().now();
        let token = |role, user| {
            tokens::token(
                &tokens::Holder { role, user },
                &self.supabase_url,
                &self.keys.jwt,
                now,
            )
        };
        let json = json!({
            "base_url": self.base_url,
            "database_url": self.database_url,
            "s3": {
                "endpoint": self.s3_endpoint,
                "bucket": BUCKET,
                "access_key_id": self.keys.s3_access,
                "secret_access_key": self.keys.s3_secret,
            },
            "webhook_secrets": {
                "stripe": self.keys.stripe, "gigstack": self.keys.gigstack, "mifiel": self.keys.mifiel,
            },
            // With it, commands in another terminal do as the server does.
            "environment": self.environment.iter().collect::<BTreeMap<_, _>>(),
            "simulators": {
                "stripe": self.stripe_url, "gigstack": self.gigstack_url, "mifiel": self.mifiel_url,
                "cloudflare": self.cloudflare_url, "supabase": self.supabase_url,
            },
            "mail_url": self.mail_url,
            "tokens": {
                "operador": token("operador", seed::OPERATOR)?,
                "admin": token("admin", seed::ADMIN)?,
                "cliente": token("cliente", seed::CLIENT_USER)?,
            },
            "pid": std::process::id(),
        });
        let sample = Sample {
            service_id: Some(seed::service(seed::SERVICES - 1).to_string()),
            ..Sample::default()
        };
        let event = stripe::event("payment_intent.succeeded", &sample, now).context("the sample event")?;
        write_whole(&data_dir.join("event.json"), &stripe::body(&event))?;
        let path = data_dir.join("dev.json");
        write_whole(&path, serde_json::to_string_pretty(&json)?.as_bytes())?;
        Ok(path)
    }

    /// Tells a newcomer what runs and what to try.
    pub(super) fn print(&self, data_dir: &Path) -> anyhow::Result<()> {
        let program = program();
        let folder = quoted(&data_dir.display().to_string());
        let Self {
            base_url,
            mail_url,
            database_url,
            s3_endpoint,
            stripe_url,
            gigstack_url,
            mifiel_url,
            cloudflare_url,
            ..
        } = self;
        let data = if folder == ".onlycar" {
            String::new()
        } else {
            format!(" --data-dir {folder}")
        };
        let secret = &self.keys.stripe;
        let service = seed::service(seed::SERVICES - 2);
        let confirm = format!("{base_url}/api/services/{service}/confirm-payment-presencial");
        let cash = json!({
            "payment_received": true,
            "payment_method": "01",
            "requires_invoice": true,
            "customer_email": "cliente@example.com",
        });
        writeln!(
            std::io::stdout(),
            r#"
OnlyCar is running. Everything is on this machine; nothing leaves it.

  server      {base_url}         API: {base_url}/docs
  dashboard   {base_url}/panel         one click signs you in
  mail        {mail_url}         what clients and the team would have got
  PostgreSQL  {database_url}
  S3          {s3_endpoint}
  Stripe      {stripe_url}         a simulator: {stripe_url}/_sim/state
  Gigstack    {gigstack_url}         a simulator: {gigstack_url}/_sim/state
  Mifiel      {mifiel_url}         a simulator: {mifiel_url}/_sim/state
  Cloudflare  {cloudflare_url}         a simulator of D1 and KV: {cloudflare_url}/_sim/state
  all of it   {folder}/dev.json  (with secrets and a token per role)

Try, in a second terminal:

  1. A payment arrives; seconds later its service is `pagado`:
       {program} trigger payment_intent.succeeded{data}
  2. An operator takes cash at the counter; the client gets the link to make the invoice by mail:
       token=$(sed -n 's/.*"operador": "\(.*\)".*/\1/p' {folder}/dev.json)
       curl -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -d '{cash}' {confirm}
  3. What came in, and the story of one event:
       {program} events list{data}
       {program} events show EVENT_ID{data}

The same as 1 without this program:

  t=$(date +%s); s=$(printf '%s.' $t | cat - {folder}/event.json | openssl dgst -sha256 -hmac {secret} -r | cut -c1-64)
  curl -H "Stripe-Signature: t=$t,v1=$s" --data-binary @{folder}/event.json {base_url}/api/webhooks/stripe

Ctrl-C stops everything; the data stays in {folder} (--fresh forgets it).
"#
        )?;
        Ok(())
    }
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@".contains(c);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// How this program is called from here.
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("onlycar"));
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).map_or_else(
        |_| quoted(&path.display().to_string()),
        |path| quoted(&path.display().to_string()),
    )
}

/// A reader sees the old file or the new one, never half of one; only the owner may read it.
fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let draft = path.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft);
    file.and_then(|mut file| file.write_all(bytes))
        .and_then(|()| std::fs::rename(&draft, path))
        .with_context(|| format!("{} cannot be written", path.display()))
}
