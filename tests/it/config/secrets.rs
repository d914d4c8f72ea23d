//! Secrets: several at once, and never in a text.

use onlycar::ground::config::{Environment, Secrets, Settings, VARIABLES};

use super::{problems, read, read_production};

/// What must never be seen; it is part of every value that is a secret.
const NEEDLE: &str = "aguja";

const HOLD_SECRETS: [(&str, &str); 19] = [
    ("DATABASE_URL", "postgres://onlycar:aguja@localhost/onlycar"),
    ("STRIPE_SECRET_KEY", "sk_live_aguja"),
    ("STRIPE_WEBHOOK_SECRET", "whsec_aguja,whsec_aguja2"),
    ("GIGSTACK_API_KEY", "aguja"),
    ("GIGSTACK_API_SECRET", "aguja"),
    ("GIGSTACK_WEBHOOK_SECRET", "aguja,aguja"),
    ("MIFIEL_APP_SECRET", "aguja"),
    ("MIFIEL_WEBHOOK_SECRET", "aguja"),
    (
        "MIFIEL_WEBHOOK_URL",
        "https://onlycar.example/api/webhooks/mifiel?token=aguja-of-at-least-128-bits",
    ),
    ("R2_SECRET_ACCESS_KEY", "aguja"),
    (
        "AUDIT_SIGNING_KEY",
        "agujaAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    ),
    ("SUPABASE_ANON_KEY", "aguja"),
    ("SUPABASE_SERVICE_ROLE_KEY", "aguja"),
    ("SUPABASE_JWT_SECRET", "aguja-of-at-least-thirty-two-bytes"),
    ("SMTP_URL", "smtps://correo:aguja@smtp.onlycar.example:465"),
    ("TEAM_WEBHOOK_URL", "https://hooks.example/aguja"),
    ("CLOUDFLARE_ACCOUNT_ID", "account"),
    ("CLOUDFLARE_API_TOKEN", "aguja"),
    ("REDIS_URL", "redis://:aguja@redis.example"),
];

#[test]
fn settings_print_no_secret() {
    let settings = read_production(&HOLD_SECRETS, None).unwrap();
    for text in [format!("{settings:?}"), format!("{settings:#?}")] {
        assert!(!text.contains(NEEDLE), "{text}");
        assert!(
            text.contains("onlycar-docs"),
            "what is no secret is there: {text}"
        );
    }
}

#[test]
fn a_problem_repeats_no_value() {
    let names: Vec<&str> = VARIABLES.iter().map(|variable| variable.name).collect();
    for value in [
        "aguja",
        " aguja ",
        "aguja...",
        "http://aguja:aguja@[",
        "postgres://aguja:aguja@[",
        "aguja,,aguja",
    ] {
        let all: Environment = names.iter().map(|name| (*name, value)).collect();
        let problems = Settings::from_parts(&all, None).unwrap_err();
        assert!(problems.0.len() > 3, "{value}: {problems}");
        for text in [problems.to_string(), format!("{problems:?}")] {
            assert!(!text.contains(NEEDLE), "{value}: {text}");
        }
    }
}

#[test]
fn a_list_holds_each_secret_as_it_stands() {
    let secrets = Secrets::parse("whsec_a,whsec_b==,whsec c").unwrap();
    let keys: Vec<&[u8]> = secrets.keys().collect();
    assert_eq!(keys, [b"whsec_a".as_slice(), b"whsec_b==", b"whsec c"]);
    assert!(!format!("{secrets:?}").contains("whsec_a"));
}

#[test]
fn a_webhook_secret_is_the_api_secret_unless_told() {
    let provider = [
        ("GIGSTACK_API_KEY", "k"),
        ("GIGSTACK_API_SECRET", "of-the-api"),
        ("GIGSTACK_ENV", "sandbox"),
    ];
    let keys = |more: &[(&str, &str)]| {
        let all: Vec<_> = provider.iter().chain(more).copied().collect();
        let gigstack = read(&all, None).unwrap().gigstack.unwrap();
        let keys = gigstack
            .webhook_secrets
            .keys()
            .map(|key| String::from_utf8(key.to_vec()).unwrap());
        keys.collect::<Vec<_>>()
    };
    assert_eq!(keys(&[]), ["of-the-api"]);
    assert_eq!(keys(&[("GIGSTACK_WEBHOOK_SECRET", "old,new")]), ["old", "new"]);
    let all: Vec<_> = provider
        .iter()
        .copied()
        .chain([("GIGSTACK_WEBHOOK_SECRET", "")])
        .collect();
    assert_eq!(
        problems(read(&all, None)).len(),
        1,
        "blank is not the same as not set"
    );
}
