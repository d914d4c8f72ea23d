//! The project of the PWA at Supabase: who signs in there may act here.

use secrecy::{ExposeSecret, SecretString};

use super::Supabase;
use super::environment::Reader;

/// HS256 wants a key as long as its hash (RFC 7518, 3.2): with one token at hand, a shorter one can be guessed offline.
const SHORTEST_SECRET: usize = 32;

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
