//! The providers that a part of the program may do without: each is there when its variables are.

use secrecy::SecretString;
use url::Url;

use super::environment::Reader;
use super::{File, Gigstack, Issuer, Mifiel, Mode, R2, Supabase};

pub(super) fn gigstack(reader: &mut Reader<'_>, file: &File) -> Option<Gigstack> {
    let base_url = reader.base("GIGSTACK_BASE_URL", &file.gigstack.base_url);
    let api_key = reader.secret("GIGSTACK_API_KEY");
    let api_secret = reader.secret("GIGSTACK_API_SECRET");
    let mode = reader.mode("GIGSTACK_ENV");
    let own = reader.secrets("GIGSTACK_WEBHOOK_SECRET");
    let webhook_secrets = own.or_else(|| reader.secrets("GIGSTACK_API_SECRET"));
    Some(Gigstack {
        api_key: api_key?,
        api_secret: api_secret?,
        webhook_secrets: webhook_secrets?,
        mode: mode?,
        base_url,
    })
}

pub(super) fn mifiel(reader: &mut Reader<'_>, file: &File) -> Option<Mifiel> {
    let app_id = reader.text("MIFIEL_APP_ID").map(str::to_owned);
    let app_secret = reader.secret("MIFIEL_APP_SECRET");
    let mode = reader.mode("MIFIEL_ENV");
    let webhook_url = reader
        .address("MIFIEL_WEBHOOK_URL")
        .map(|url| SecretString::from(url.as_str()));
    let sandbox = mode == Some(Mode::Sandbox);
    let default = if sandbox {
        &file.mifiel.sandbox_base_url
    } else {
        &file.mifiel.base_url
    };
    let base_url = reader.base("MIFIEL_BASE_URL", default);
    let own = reader.secrets("MIFIEL_WEBHOOK_SECRET");
    let webhook_secrets = own.or_else(|| reader.secrets("MIFIEL_APP_SECRET"));
    Some(Mifiel {
        app_id: app_id?,
        app_secret: app_secret?,
        webhook_secrets: webhook_secrets?,
        mode: mode?,
        webhook_url: webhook_url?,
        base_url,
    })
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
    let anon_key = reader.secret("SUPABASE_ANON_KEY");
    let service_role_key = reader.secret("SUPABASE_SERVICE_ROLE_KEY");
    let jwt_secret = reader.secret("SUPABASE_JWT_SECRET");
    Some(Supabase {
        url: url?,
        anon_key: anon_key?,
        service_role_key: service_role_key?,
        jwt_secret,
    })
}
