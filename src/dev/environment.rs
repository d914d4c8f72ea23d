//! The environment of the server that `onlycar dev` runs, and of the commands beside it: secrets made up for one run, and
//! where its neighbours are.

use std::net::SocketAddr;

use rand::RngExt;

use super::gigstack;
use crate::ground::config::Environment;

/// The bucket's name, as in the customer's own example.
pub(super) const BUCKET: &str = "onlycar-docs";
/// What the simulator of Stripe answers to.
pub(super) const STRIPE_KEY: &str = "sk_test_onlycar_dev";
/// What the simulator of Mifiel answers to; the secret is of each run.
pub(super) const MIFIEL_ID: &str = "mifiel_dev";
/// What the simulator of Supabase Auth answers to.
pub(super) const SUPABASE_ANON_KEY: &str = "anon_dev";
/// What the audit log is signed with, the same in every run: heads of an earlier one can be checked still.
const SIGNING_KEY: &str = "b25seWNhciBkZXYgc2lnbnMgd2l0aCB0aGlzIGtleSE=";
/// Who issues the invoices: SAT's own test data.
pub(super) const ISSUER: [&str; 4] = ["EKU9003173C9", "ESCUELA KEMPER URGATE", "612", "88000"];

/// Secrets made up for one run.
pub(super) struct Keys {
    pub(super) stripe: String,
    pub(super) gigstack: String,
    pub(super) mifiel: String,
    /// The token in the address of Mifiel's webhooks.
    pub(super) mifiel_token: String,
    pub(super) s3_access: String,
    pub(super) s3_secret: String,
    pub(super) jwt: String,
    pub(super) cloudflare: String,
}

impl Keys {
    pub(super) fn random() -> Self {
        let hex = || hex::encode(rand::rng().random::<[u8; 24]>());
        Self {
            stripe: format!("whsec_{}", hex()),
            gigstack: hex(),
            mifiel: hex(),
            mifiel_token: hex(),
            s3_access: "onlycardev".to_owned(),
            s3_secret: hex(),
            jwt: hex(),
            cloudflare: hex(),
        }
    }
}

/// Where the mailbox takes mail and where it shows it.
pub(super) struct MailAddresses {
    pub(super) smtp: SocketAddr,
    pub(super) pages: SocketAddr,
}

/// Where Mifiel's webhooks come in, with the token that lets them.
pub(super) fn mifiel_door(base_url: &str, keys: &Keys) -> String {
    format!("{base_url}/api/webhooks/mifiel?token={}", keys.mifiel_token)
}

/// What the server needs around it.
pub(super) struct Neighbours {
    pub(super) database_url: String,
    pub(super) s3: SocketAddr,
    pub(super) mail: MailAddresses,
    pub(super) stripe_url: String,
    pub(super) gigstack_url: String,
    pub(super) mifiel_url: String,
    pub(super) cloudflare: Vec<(&'static str, String)>,
    pub(super) supabase_url: String,
}

/// The environment that the contract asks for, all of it, with everything on this machine.
pub(super) fn environment(base_url: &str, near: &Neighbours, keys: &Keys) -> Environment {
    let text = |text: &str| text.to_owned();
    let [rfc, issuer, regime, postal_code] = ISSUER;
    [
        ("DATABASE_URL", near.database_url.clone()),
        ("PUBLIC_URL", text(base_url)),
        ("LOG_FORMAT", text("pretty")),
        ("STRIPE_PUBLISHABLE_KEY", text("pk_test_onlycar_dev")),
        ("STRIPE_SECRET_KEY", text(STRIPE_KEY)),
        ("STRIPE_API_BASE", near.stripe_url.clone()),
        ("STRIPE_WEBHOOK_SECRET", keys.stripe.clone()),
        ("STRIPE_ACCOUNT_ID", text("acct_onlycar_dev")),
        ("STRIPE_GIGSTACK_CONNECTION_ID", text("conexion_dev")),
        ("GIGSTACK_API_KEY", gigstack::key(false)),
        ("GIGSTACK_API_SECRET", keys.gigstack.clone()),
        ("GIGSTACK_ENV", text("sandbox")),
        ("GIGSTACK_BASE_URL", near.gigstack_url.clone()),
        ("MIFIEL_APP_ID", text(MIFIEL_ID)),
        ("MIFIEL_APP_SECRET", keys.mifiel.clone()),
        ("MIFIEL_ENV", text("sandbox")),
        ("MIFIEL_BASE_URL", near.mifiel_url.clone()),
        ("MIFIEL_WEBHOOK_URL", mifiel_door(base_url, keys)),
        ("EMISOR_RFC", text(rfc)),
        ("EMISOR_RAZON_SOCIAL", text(issuer)),
        ("EMISOR_REGIMEN", text(regime)),
        ("EMISOR_CP", text(postal_code)),
        ("R2_ACCOUNT_ID", text("dev")),
        ("R2_ACCESS_KEY_ID", keys.s3_access.clone()),
        ("R2_SECRET_ACCESS_KEY", keys.s3_secret.clone()),
        ("R2_BUCKET_NAME", text(BUCKET)),
        ("R2_ENDPOINT", format!("http://{}", near.s3)),
        ("AUDIT_SIGNING_KEY", text(SIGNING_KEY)),
        ("SUPABASE_URL", near.supabase_url.clone()),
        ("SUPABASE_ANON_KEY", text(SUPABASE_ANON_KEY)),
        ("SUPABASE_SERVICE_ROLE_KEY", text("service_dev")),
        ("SUPABASE_JWT_SECRET", keys.jwt.clone()),
        ("SMTP_URL", format!("smtp://{}", near.mail.smtp)),
        ("MAIL_FROM", text("OnlyCar <hola@onlycar.example>")),
        ("TEAM_EMAIL", text("equipo@onlycar.example")),
    ]
    .into_iter()
    .chain(near.cloudflare.iter().cloned())
    .collect()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use axum::extract::FromRequestParts;
    use axum::http::Request;
    use axum::http::request::Parts;
    use uuid::Uuid;

    use super::*;
    use crate::access::{Access, Admin, Customer, Operator, Staff};
    use crate::dev::tokens;
    use crate::ground::clock::Clock;
    use crate::ground::config::Settings;

    const URL: &str = "http://localhost:8080";

    fn near() -> Neighbours {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        Neighbours {
            database_url: "postgres://localhost/onlycar".to_owned(),
            s3: address,
            mail: MailAddresses {
                smtp: address,
                pages: address,
            },
            stripe_url: "http://localhost:1".to_owned(),
            gigstack_url: "http://localhost:2".to_owned(),
            mifiel_url: "http://localhost:3".to_owned(),
            cloudflare: Vec::new(),
            supabase_url: URL.to_owned(),
        }
    }

    fn asks(role: &'static str, user: Uuid, keys: &Keys) -> Parts {
        let now = Clock::system().now();
        let token = tokens::token(&tokens::Holder { role, user }, URL, &keys.jwt, now);
        let bearer = format!("Bearer {}", token.expect("a token"));
        let request = Request::builder().header("authorization", bearer);
        request.body(()).expect("a request").into_parts().0
    }

    #[tokio::test]
    async fn the_tokens_that_dev_prints_open_the_doors_of_their_role() {
        let keys = Keys::random();
        let environment = environment(URL, &near(), &keys);
        let settings = Settings::from_parts(&environment, None).expect("all that is needed");
        let supabase = settings.supabase.as_ref();
        let access = Access::new(supabase, &settings.file.access, Clock::system()).expect("access");
        let user = Uuid::from_u128(7);

        let mut operator = asks("operador", user, &keys);
        let it = Operator::from_request_parts(&mut operator, &access).await;
        assert_eq!(it.expect("an operator").user(), user);
        let it = Staff::from_request_parts(&mut operator, &access).await;
        assert_eq!(it.expect("staff").actor().to_string(), format!("operador:{user}"));
        assert!(Admin::from_request_parts(&mut operator, &access).await.is_err());

        let mut admin = asks("admin", user, &keys);
        let it = Admin::from_request_parts(&mut admin, &access).await;
        assert_eq!(it.expect("an admin").actor().to_string(), format!("admin:{user}"));
        assert!(Customer::from_request_parts(&mut admin, &access).await.is_err());

        let mut customer = asks("cliente", user, &keys);
        let it = Customer::from_request_parts(&mut customer, &access).await;
        assert_eq!(it.expect("a customer").user(), user);
        let mut forged = asks("admin", user, &Keys::random());
        assert!(Admin::from_request_parts(&mut forged, &access).await.is_err());
    }
}
