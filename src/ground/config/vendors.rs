//! The providers that a part of the program may do without: each is there when its variables are.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::environment::Reader;
use super::{Cloudflare, File, Gigstack, Issuer, Mifiel, Mode, R2, Scheme, Supabase};

/// HS256 wants a key as long as its hash (RFC 7518, 3.2): with one token at hand, a shorter one can be guessed offline.
const SHORTEST_SECRET: usize = 32;

/// As the customer's document asks of the token in Mifiel's address.
const SHORTEST_TOKEN: usize = 128;

pub(super) fn gigstack(reader: &mut Reader<'_>, file: &File) -> Option<Gigstack> {
    let base_url = reader.base("GIGSTACK_BASE_URL", &file.gigstack.base_url);
    let api_key = reader.secret("GIGSTACK_API_KEY");
    let api_secret = reader.secret("GIGSTACK_API_SECRET");
    let mode = reader.mode("GIGSTACK_ENV");
    let own = reader.secrets("GIGSTACK_WEBHOOK_SECRET");
    let webhook_secrets = own.or_else(|| reader.secrets("GIGSTACK_API_SECRET"));
    if let Some(mode) = mode {
        one_mode(reader, mode, &base_url, api_key.as_ref());
    }
    Some(Gigstack {
        api_key: api_key?,
        api_secret: api_secret?,
        webhook_secrets: webhook_secrets?,
        mode: mode?,
        base_url,
    })
}

/// Gigstack has one host for both modes: the key decides whether invoices count.
fn one_mode(reader: &mut Reader<'_>, mode: Mode, base_url: &Url, key: Option<&SecretString>) {
    let production = mode == Mode::Production;
    if production && base_url.host_str().is_some_and(|host| host.contains("sandbox")) {
        let problem = "GIGSTACK_ENV is production, and GIGSTACK_BASE_URL names a sandbox";
        reader.problems.push(problem.to_owned());
    }
    let Some(key) = key else { return };
    match is_live(key.expose_secret()) {
        Some(live) if live != production => {
            let (is, env) = if live {
                ("live", "sandbox")
            } else {
                ("test", "production")
            };
            let problem = format!("GIGSTACK_API_KEY is a {is} key, and GIGSTACK_ENV is {env}");
            reader.problems.push(problem);
        }
        Some(_) => {}
        None => reader.warnings.push(
            "GIGSTACK_API_KEY does not tell whether it is a test key: make sure that it fits GIGSTACK_ENV"
                .to_owned(),
        ),
    }
}

/// Gigstack's keys are tokens (JWT) whose claims tell the mode (`livemode`, `key_id`), or begin with it.
fn is_live(key: &str) -> Option<bool> {
    let by_prefix = |text: &str| match text {
        text if text.starts_with("sk_test") => Some(false),
        text if text.starts_with("sk_live") => Some(true),
        _ => None,
    };
    let claims = || {
        let claims = URL_SAFE_NO_PAD
            .decode(key.split('.').nth(1)?.trim_end_matches('='))
            .ok()?;
        serde_json::from_slice::<Value>(&claims).ok()
    };
    by_prefix(key).or_else(|| {
        let claims = claims()?;
        let told = claims.get("livemode").and_then(Value::as_bool);
        told.or_else(|| by_prefix(claims.get("key_id")?.as_str()?))
    })
}

pub(super) fn mifiel(reader: &mut Reader<'_>, file: &File) -> Option<Mifiel> {
    let app_id = reader.text("MIFIEL_APP_ID").map(str::to_owned);
    let app_secret = reader.secret("MIFIEL_APP_SECRET");
    let mode = reader.mode("MIFIEL_ENV");
    let webhook_url = reader.address("MIFIEL_WEBHOOK_URL");
    if let Some(url) = &webhook_url {
        guarded(reader, url, file);
    }
    let sandbox = mode == Some(Mode::Sandbox);
    let default = if sandbox {
        &file.mifiel.sandbox_base_url
    } else {
        &file.mifiel.base_url
    };
    let base_url = reader.base("MIFIEL_BASE_URL", default);
    if let Some(mode) = mode {
        one_host(reader, mode, &base_url);
    }
    let own = reader.secrets("MIFIEL_WEBHOOK_SECRET");
    let webhook_secrets = own.or_else(|| reader.secrets("MIFIEL_APP_SECRET"));
    Some(Mifiel {
        app_id: app_id?,
        app_secret: app_secret?,
        webhook_secrets: webhook_secrets?,
        mode: mode?,
        webhook_url: SecretString::from(webhook_url?.as_str()),
        base_url,
    })
}

/// Mifiel has a host for each mode, and documents of the sandbox bind nobody.
fn one_host(reader: &mut Reader<'_>, mode: Mode, base_url: &Url) {
    let host = base_url.host_str().unwrap_or_default();
    match mode {
        Mode::Production if host.contains("sandbox") => {
            let problem = "MIFIEL_ENV is production, and MIFIEL_BASE_URL names a sandbox";
            reader.problems.push(problem.to_owned());
        }
        Mode::Sandbox if matches!(host, "app.mifiel.com" | "www.mifiel.com") => {
            let problem =
                "MIFIEL_ENV is sandbox, and MIFIEL_BASE_URL names Mifiel's production: its contracts bind";
            reader.problems.push(problem.to_owned());
        }
        _ => {}
    }
}

/// Mifiel signs nothing: whoever knows the token of the address can knock at our door.
fn guarded(reader: &mut Reader<'_>, url: &Url, file: &File) {
    let mut schemes = file.mifiel.verification.schemes.iter();
    let parameter = schemes.find_map(|scheme| match scheme {
        Scheme::QueryToken { parameter } => Some(parameter.as_str()),
        _ => None,
    });
    let Some(parameter) = parameter else { return };
    let tokens: Vec<_> = url.query_pairs().filter(|(name, _)| name == parameter).collect();
    let problem = match tokens.as_slice() {
        [] => format!("MIFIEL_WEBHOOK_URL has no ?{parameter}=: none of Mifiel's webhooks would be believed"),
        [(_, token)] if bits(token) >= SHORTEST_TOKEN => return,
        [_] => format!(
            "the {parameter} of MIFIEL_WEBHOOK_URL can be guessed: take 32 random hexadecimal digits or more \
             (openssl rand -hex 32)"
        ),
        _ => format!("MIFIEL_WEBHOOK_URL has more than one {parameter}"),
    };
    if reader.production {
        reader.problems.push(problem);
    } else {
        reader.warnings.push(problem);
    }
}

/// At most so much chance is in a token of these signs.
fn bits(token: &str) -> usize {
    let hexadecimal = token.bytes().all(|sign| sign.is_ascii_hexdigit());
    token.len() * if hexadecimal { 4 } else { 6 }
}

pub(super) fn issuer(reader: &mut Reader<'_>) -> Option<Issuer> {
    let mut text = |name| reader.text(name).map(str::to_owned);
    let (rfc, name) = (text("EMISOR_RFC"), text("EMISOR_RAZON_SOCIAL"));
    let (regime, postal_code) = (text("EMISOR_REGIMEN"), text("EMISOR_CP"));
    Some(Issuer {
        rfc: rfc?,
        name: name?,
        regime: regime?,
        postal_code: postal_code?,
    })
}

pub(super) fn r2(reader: &mut Reader<'_>) -> Option<R2> {
    let account = reader.text("R2_ACCOUNT_ID");
    let access_key_id = reader.text("R2_ACCESS_KEY_ID").map(str::to_owned);
    let secret_access_key = reader.secret("R2_SECRET_ACCESS_KEY");
    let bucket = reader.text("R2_BUCKET_NAME").map(str::to_owned);
    let default = Url::parse(&format!("https://{}.r2.cloudflarestorage.com/", account?)).ok()?;
    let endpoint = reader.base("R2_ENDPOINT", &default);
    Some(R2 {
        endpoint,
        access_key_id: access_key_id?,
        secret_access_key: secret_access_key?,
        bucket: bucket?,
    })
}

pub(super) fn supabase(reader: &mut Reader<'_>) -> Option<Supabase> {
    let url = reader.address("SUPABASE_URL");
    if let Some(url) = &url {
        // Who answers there says which keys sign an administrator's token.
        reader.must_be_real("SUPABASE_URL", url);
    }
    let anon_key = reader.secret("SUPABASE_ANON_KEY");
    let service_role_key = reader.secret("SUPABASE_SERVICE_ROLE_KEY");
    let jwt_secret = jwt_secret(reader);
    Some(Supabase {
        url: url?,
        anon_key,
        service_role_key,
        jwt_secret,
    })
}

fn jwt_secret(reader: &mut Reader<'_>) -> Option<SecretString> {
    let secret = reader.secret("SUPABASE_JWT_SECRET")?;
    if secret.expose_secret().len() < SHORTEST_SECRET {
        let problem =
            format!("SUPABASE_JWT_SECRET is shorter than {SHORTEST_SECRET} bytes: it can be guessed");
        if reader.production {
            reader.problems.push(problem);
        } else {
            reader.warnings.push(problem);
        }
    }
    Some(secret)
}

/// D1 and KV are there each for itself; either needs the account and the token.
pub(super) fn cloudflare(reader: &mut Reader<'_>) -> Option<Cloudflare> {
    const NEEDED: [&str; 2] = ["CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN"];
    const STORES: [&str; 2] = ["D1_DATABASE_ID", "KV_NAMESPACE_ID"];
    let account_id = identifier(reader, "CLOUDFLARE_ACCOUNT_ID");
    let api_token = reader.secret("CLOUDFLARE_API_TOKEN");
    let d1_database_id = identifier(reader, "D1_DATABASE_ID");
    let kv_namespace_id = identifier(reader, "KV_NAMESPACE_ID");
    let set: Vec<&str> = NEEDED
        .into_iter()
        .chain(STORES)
        .filter(|name| reader.is_set(name))
        .collect();
    if set.is_empty() {
        return None;
    }
    for missing in NEEDED.into_iter().filter(|name| !set.contains(name)) {
        let problem = format!(
            "{missing} is missing, and {} is set: set both or neither",
            set.join(" and ")
        );
        reader.problems.push(problem);
    }
    if !STORES.iter().any(|name| set.contains(name)) {
        let warning = "neither D1_DATABASE_ID nor KV_NAMESPACE_ID is set: nothing is told to Cloudflare";
        reader.warnings.push(warning.to_owned());
    }
    Some(Cloudflare {
        account_id: account_id?,
        api_token: api_token?,
        d1_database_id,
        kv_namespace_id,
    })
}

/// It becomes a part of an address: letters, digits and `-` lead nowhere else, and Cloudflare's are made of them.
fn identifier(reader: &mut Reader<'_>, name: &'static str) -> Option<String> {
    let text = reader.text(name)?;
    if text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        return Some(text.to_owned());
    }
    let problem = format!("{name} is no id of Cloudflare's: letters, digits and - only");
    reader.problems.push(problem);
    None
}
