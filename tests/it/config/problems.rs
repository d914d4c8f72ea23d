//! What is refused, and in which words.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use onlycar::ground::config::{Environment, Settings, VARIABLES};
use onlycar::tools::signing::Signer;

use super::{problems, read, read_production};

const BLANK: &str = "is empty or blank";
const PADDED: &str = "has white space at its start or end; copy it again without it";
const PLACEHOLDER: &str = "still holds the placeholder of .env.example";
const SIMULATOR: &str = "points to a simulator (plain http or this machine) in production";

#[test]
fn one_wrong_value_is_one_problem() {
    let lives = "must begin with sk_ or rk_ (a restricted key is best)";
    let mode = "must be sandbox or production";
    let address = "is not an address such as https://onlycar.mx";
    let signing = "is not the base64 of 32 bytes (openssl rand -base64 32)";
    let scheme = "must begin with https:// and name a host";
    for (name, value, why) in [
        ("DATABASE_URL", "", BLANK),
        (
            "DATABASE_URL",
            "mysql://localhost/onlycar",
            "must begin with postgres://",
        ),
        ("DATABASE_URL", "postgres://user:...@host/postgres", PLACEHOLDER),
        ("STRIPE_WEBHOOK_SECRET", "", BLANK),
        ("STRIPE_WEBHOOK_SECRET", " \t\r\n", BLANK),
        ("STRIPE_WEBHOOK_SECRET", "\u{a0}", BLANK),
        ("STRIPE_WEBHOOK_SECRET", "whsec_a\n", PADDED),
        ("STRIPE_WEBHOOK_SECRET", " whsec_a", PADDED),
        ("STRIPE_WEBHOOK_SECRET", "whsec_...", PLACEHOLDER),
        ("STRIPE_WEBHOOK_SECRET", "whsec_a,", BLANK),
        ("STRIPE_WEBHOOK_SECRET", ",whsec_a", BLANK),
        ("STRIPE_WEBHOOK_SECRET", "whsec_a,,whsec_b", BLANK),
        ("STRIPE_WEBHOOK_SECRET", "whsec_a, whsec_b", PADDED),
        ("STRIPE_SECRET_KEY", "", BLANK),
        ("STRIPE_SECRET_KEY", "pk_test_x", lives),
        ("STRIPE_API_BASE", "api.stripe.com", address),
        ("STRIPE_API_BASE", "ftp://api.stripe.com", scheme),
        ("GIGSTACK_ENV", "prod", mode),
        ("GIGSTACK_ENV", "Sandbox", mode),
        ("MIFIEL_ENV", "live", mode),
        ("GIGSTACK_API_SECRET", "", BLANK),
        ("GIGSTACK_WEBHOOK_SECRET", "a,", BLANK),
        ("MIFIEL_APP_SECRET", " ", BLANK),
        ("MIFIEL_WEBHOOK_URL", "/api/webhooks/mifiel", address),
        ("AUDIT_SIGNING_KEY", "", BLANK),
        ("AUDIT_SIGNING_KEY", "una-llave", signing),
        (
            "AUDIT_SIGNING_KEY",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
            signing,
        ),
        ("PUBLIC_URL", "onlycar.mx", address),
        ("PUBLIC_URL", "mailto:hola@onlycar.mx", scheme),
        ("SUPABASE_URL", "project.supabase.co", address),
        (
            "BIND_ADDR",
            "8080",
            "is not an address and port such as 0.0.0.0:8080",
        ),
        (
            "BIND_ADDR",
            "localhost:8080",
            "is not an address and port such as 0.0.0.0:8080",
        ),
        ("LOG_FORMAT", "xml", "must be json or pretty"),
        ("MAIL_FROM", "nobody", "is not a mail address"),
        ("TEAM_EMAIL", "a@b@c", "is not a mail address"),
        ("TEAM_WEBHOOK_URL", "hooks", address),
        ("R2_SECRET_ACCESS_KEY", "", BLANK),
    ] {
        assert_eq!(
            problems(read(&[(name, value)], None)),
            [format!("{name} {why}")],
            "{name}={value:?}"
        );
    }
}

#[test]
fn a_wrong_settings_file_names_its_key() {
    for (text, why) in [
        (
            "[worker]\nconcurrency = 0\n",
            "worker.concurrency must be at least 1",
        ),
        ("[inbox]\nwriters = 0\n", "inbox.writers must be at least 1"),
        (
            "[http]\nbody_limit_kib = 0\n",
            "http.body_limit_kib must be at least 1",
        ),
        (
            "[gigstack]\ntimeout_seconds = 0\n",
            "gigstack.timeout_seconds must be at least 1",
        ),
        ("[worker]\nconcurency = 4\n", "concurency"),
        ("[workers]\nconcurrency = 4\n", "workers"),
        ("[worker\n", "the settings file is not TOML"),
    ] {
        let told = problems(read(&[], Some(text)));
        assert!(
            matches!(&told[..], [one] if one.contains(why) && one.starts_with("the settings file")),
            "{text:?}: {told:?}"
        );
    }
}

/// A key as Gigstack issues them.
fn token(claims: &str) -> String {
    let claims = URL_SAFE_NO_PAD.encode(claims);
    format!("eyJhbGciOiJIUzI1NiJ9.{claims}.c2lnbmF0dXJl")
}

#[test]
fn the_key_of_gigstack_fits_its_mode() {
    let unsure =
        "GIGSTACK_API_KEY does not tell whether it is a test key: make sure that it fits GIGSTACK_ENV";
    for (key, live) in [
        ("sk_test_a".to_owned(), Some(false)),
        ("sk_live_a".to_owned(), Some(true)),
        (token(r#"{"livemode":false}"#), Some(false)),
        (token(r#"{"livemode":true}"#), Some(true)),
        (token(r#"{"key_id":"sk_test_a","team":"t"}"#), Some(false)),
        (token(r#"{"key_id":"sk_live_a","livemode":null}"#), Some(true)),
        (token(r#"{"livemode":"no"}"#), None),
        (token("[]"), None),
        (token("no JSON"), None),
        ("a.#.c".to_owned(), None),
        ("a..c".to_owned(), None),
        ("clave".to_owned(), None),
    ] {
        for (mode, is_live) in [("sandbox", false), ("production", true)] {
            let more = [("GIGSTACK_API_KEY", key.as_str()), ("GIGSTACK_ENV", mode)];
            let result = read_production(&more, None);
            let warned = result
                .as_ref()
                .is_ok_and(|settings| settings.warnings.contains(&unsure.to_owned()));
            assert_eq!(warned, live.is_none(), "{key} {mode}");
            let told = if is_live { "a test" } else { "a live" };
            let expected = match live {
                Some(live) if live != is_live => {
                    vec![format!(
                        "GIGSTACK_API_KEY is {told} key, and GIGSTACK_ENV is {mode}"
                    )]
                }
                _ => Vec::new(),
            };
            assert_eq!(problems(result), expected, "{key} {mode}");
        }
    }
}

#[test]
fn production_does_not_ask_a_sandbox() {
    let sandbox = [("GIGSTACK_BASE_URL", "https://api.sandbox.gigstack.pro/v1")];
    assert_eq!(
        problems(read_production(&sandbox, None)),
        ["GIGSTACK_ENV is production, and GIGSTACK_BASE_URL names a sandbox"]
    );
    let key = [
        sandbox[0],
        ("GIGSTACK_ENV", "sandbox"),
        ("GIGSTACK_API_KEY", "sk_test_a"),
    ];
    assert!(problems(read_production(&key, None)).is_empty());
}

#[test]
fn files_come_from_names_of_hosts() {
    for host in [
        "https://storage.googleapis.com",
        "storage.googleapis.com/bucket",
        "storage.googleapis.com:443",
        "*",
        "*.",
        "*.*.gigstack.io",
        "gig*.io",
        "localhost",
        "127.0.0.1",
        "[::1]",
        "user@gigstack.io",
        "gigstack.io.",
        ".gigstack.io",
        "gigstack .io",
        "",
    ] {
        let text = format!("gigstack.file_hosts = [\"storage.googleapis.com\", {host:?}]");
        let told = problems(read(&[], Some(&text)));
        let why = format!(
            "the settings file: gigstack.file_hosts: {host:?} is no host name such as files.gigstack.io or *.gigstack.io"
        );
        assert_eq!(told, [why]);
    }
    for host in [
        "gigstack.io",
        "*.gigstack.io",
        "a-b.c1.xn--p1ai",
        "FILES.gigstack.io",
    ] {
        let text = format!("gigstack.file_hosts = [{host:?}]");
        assert!(read(&[], Some(&text)).is_ok(), "{host}");
    }
}

#[test]
fn all_problems_come_at_once() {
    let environment = Environment::from([
        ("STRIPE_WEBHOOK_SECRET", ""),
        ("STRIPE_SECRET_KEY", "sk_test_... "),
        ("GIGSTACK_ENV", "staging"),
        ("GIGSTACK_API_SECRET", "..."),
        ("MAIL_FROM", "nobody"),
        ("LOG_FORMAT", "xml"),
    ]);
    let refused = Settings::from_parts(&environment, Some("[worker]\nconcurency = 4\n")).unwrap_err();
    let names = [
        "the settings file, key worker.concurency: unknown field",
        "DATABASE_URL is missing",
        "LOG_FORMAT",
        "STRIPE_SECRET_KEY has white space",
        "STRIPE_WEBHOOK_SECRET is empty",
        "MAIL_FROM",
        "GIGSTACK_API_SECRET still holds",
        "GIGSTACK_ENV",
    ];
    assert_eq!(refused.0.len(), names.len(), "{refused}");
    for (problem, name) in refused.0.iter().zip(names) {
        assert!(problem.starts_with(name), "{problem}: {name}");
    }
    let text = refused.to_string();
    assert!(
        text.starts_with("the configuration has 8 problems; nothing was started\n  - the settings"),
        "{text}"
    );
    assert!(
        text.ends_with("\nhint: .env.example lists every variable, config/default.toml every key"),
        "{text}"
    );
    assert_eq!(text.lines().filter(|line| line.starts_with("  - ")).count(), 8);
}

#[test]
fn nothing_at_all_names_what_is_always_needed() {
    let told = problems(Settings::from_parts(&Environment::default(), None));
    assert_eq!(
        told,
        ["DATABASE_URL is missing", "STRIPE_WEBHOOK_SECRET is missing"]
    );
}

#[test]
fn a_sandbox_starts_with_the_least_and_warns_about_the_rest() {
    let settings = read(&[], None).unwrap();
    assert!(!settings.production);
    assert_eq!(settings.bind_addr.to_string(), "0.0.0.0:8080");
    assert_eq!(settings.public_url.as_str(), "http://localhost:8080/");
    assert!(settings.log_json);
    let expected = VARIABLES
        .iter()
        .filter(|it| format!("{:?}", it.need) == "Production");
    for variable in expected {
        let warning = format!("{} is not set: what needs it is switched off", variable.name);
        assert!(settings.warnings.contains(&warning), "{warning}");
    }
}

#[test]
fn each_sign_of_production_demands_everything() {
    for sign in [
        ("STRIPE_SECRET_KEY", "sk_live_x"),
        ("STRIPE_SECRET_KEY", "rk_live_x"),
        ("GIGSTACK_ENV", "production"),
        ("MIFIEL_ENV", "production"),
    ] {
        let told = problems(read(&[sign], None));
        let needed = VARIABLES
            .iter()
            .filter(|it| format!("{:?}", it.need) == "Production" && it.name != sign.0)
            .map(|it| format!("{} is missing, and this is production (live keys)", it.name));
        let needed: Vec<String> = needed.collect();
        assert!(needed.len() > 20);
        for missing in &needed {
            assert!(told.contains(missing), "{sign:?}: {missing}");
        }
        assert_eq!(told.len(), needed.len(), "{told:?}");
    }
}

const SIGNING_KEY: (&str, &str) = (
    "AUDIT_SIGNING_KEY",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
);

#[test]
fn production_signs_and_recommends_a_key_of_its_own() {
    let derived = read_production(&[], None).unwrap();
    assert!(
        derived
            .warnings
            .concat()
            .starts_with("AUDIT_SIGNING_KEY is not set")
    );
    let own = read_production(&[SIGNING_KEY], None).unwrap();
    let id = |settings: &Settings| Signer::of(settings).unwrap().public().id();
    assert_ne!(id(&derived), id(&own));
    let other = read_production(&[("R2_SECRET_ACCESS_KEY", "another")], None).unwrap();
    assert_ne!(id(&derived), id(&other), "it is that of its secret");
    assert!(Signer::of(&read(&[], None).unwrap()).is_none());
}

#[test]
fn a_whole_production_starts_without_a_warning() {
    let settings = read_production(&[SIGNING_KEY], None).unwrap();
    assert!(settings.production && settings.stripe.live);
    assert_eq!(settings.warnings, [""; 0]);
    assert_eq!(
        settings.mifiel.unwrap().base_url.as_str(),
        "https://app.mifiel.com/"
    );
    assert_eq!(
        settings.r2.unwrap().endpoint.as_str(),
        "https://account.r2.cloudflarestorage.com/"
    );
}

#[test]
fn a_simulator_is_refused_in_production_and_welcome_elsewhere() {
    let bases = [
        "STRIPE_API_BASE",
        "GIGSTACK_BASE_URL",
        "MIFIEL_BASE_URL",
        "R2_ENDPOINT",
        "CLOUDFLARE_API_BASE",
        "SUPABASE_URL",
    ];
    for name in bases {
        for simulator in [
            "http://localhost:12111",
            "https://localhost:12111",
            "http://api.stripe.com",
            "https://127.0.0.1",
            "https://127.1.2.3:8443",
            "https://[::1]:8443",
            "https://0.0.0.0",
            "https://10.0.0.5",
            "https://192.168.1.7",
            "https://sim.localhost",
        ] {
            let told = problems(read_production(&[(name, simulator)], None));
            assert_eq!(told, [format!("{name} {SIMULATOR}")], "{simulator}");
            assert_eq!(
                problems(read(&[(name, simulator)], None)),
                [""; 0],
                "{name}={simulator}"
            );
        }
        assert_eq!(
            problems(read_production(
                &[(name, "https://proxy.onlycar.example/v1")],
                None
            )),
            [""; 0]
        );
    }
}

#[test]
fn a_secret_that_can_be_guessed_is_refused_in_production_and_told_elsewhere() {
    let short = "SUPABASE_JWT_SECRET is shorter than 32 bytes: it can be guessed".to_owned();
    let set = |length: usize| [("SUPABASE_JWT_SECRET", &*"s".repeat(length).leak())];
    assert_eq!(problems(read_production(&set(31), None)), [&*short]);
    assert_eq!(problems(read_production(&set(32), None)), [""; 0]);
    assert!(read(&set(31), None).unwrap().warnings.contains(&short));
    assert!(!read(&set(32), None).unwrap().warnings.contains(&short));
}

#[test]
fn the_address_of_supabase_is_enough_to_know_who_signs_in() {
    let settings = read(&[("SUPABASE_URL", "https://project.supabase.example")], None).unwrap();
    assert!(settings.supabase.unwrap().jwt_secret.is_none());
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = "[stripe]\napi_base = \"https://file.example\"\n[worker]\nconcurrency = 3\n";
    let settings = read(&[], Some(file)).unwrap();
    assert_eq!(settings.file.stripe.api_base.as_str(), "https://file.example/");
    assert_eq!(
        (settings.file.worker.concurrency, settings.file.worker.claim_rows),
        (3, 64)
    );
    let settings = read(&[("STRIPE_API_BASE", "https://environment.example")], Some(file)).unwrap();
    assert_eq!(
        settings.file.stripe.api_base.as_str(),
        "https://environment.example/"
    );
}

#[test]
fn mifiels_door_needs_a_token_that_nobody_guesses() {
    let door = "https://onlycar.example/api/webhooks/mifiel";
    let weak = "the token of MIFIEL_WEBHOOK_URL can be guessed: take 32 random hexadecimal digits or more \
                (openssl rand -hex 32)";
    let none = "MIFIEL_WEBHOOK_URL has no ?token=: none of Mifiel's webhooks would be believed";
    let two = "MIFIEL_WEBHOOK_URL has more than one token";
    let good = "b3f6a0c1d27e4958963c5d81e0fa47b2";
    for (query, problem) in [
        (String::new(), none),
        (format!("?key={good}"), none),
        ("?token=".to_owned(), weak),
        (format!("?token={}", &good[..31]), weak),
        ("?token=zq9-GuessMe-2026-abcd".to_owned(), weak),
        (format!("?token={good}&token={good}"), two),
    ] {
        let url = format!("{door}{query}");
        let told = problems(read_production(&[("MIFIEL_WEBHOOK_URL", &url)], None));
        assert_eq!(told, [problem], "{query}");
        let elsewhere = read(&[("MIFIEL_WEBHOOK_URL", &url)], None).unwrap();
        assert!(elsewhere.warnings.iter().any(|it| it == problem), "{query}");
    }
    for token in [good, "kJ8_vT2-qW9xZ4mN7bC1dF"] {
        let url = format!("{door}?token={token}");
        assert!(
            read_production(&[("MIFIEL_WEBHOOK_URL", &url)], None).is_ok(),
            "{token}"
        );
    }
    // Where webhooks are believed by something else, the address needs none.
    let file = "mifiel.verification.schemes = [{ scheme = \"static_header\", header = \"x-key\" }]";
    assert!(read_production(&[("MIFIEL_WEBHOOK_URL", door)], Some(file)).is_ok());
}

#[test]
fn mifiels_host_is_that_of_its_mode() {
    let sandbox = "https://app-sandbox.mifiel.com";
    assert_eq!(
        problems(read_production(&[("MIFIEL_BASE_URL", sandbox)], None)),
        ["MIFIEL_ENV is production, and MIFIEL_BASE_URL names a sandbox"]
    );
    let live = [
        ("MIFIEL_ENV", "sandbox"),
        ("MIFIEL_BASE_URL", "https://app.mifiel.com/api/v1"),
    ];
    assert_eq!(
        problems(read(&live, None)),
        ["MIFIEL_ENV is sandbox, and MIFIEL_BASE_URL names Mifiel's production: its contracts bind"]
    );
    let settings = [("MIFIEL_ENV", "sandbox"), ("MIFIEL_BASE_URL", sandbox)];
    assert!(read(&settings, None).is_ok());
}
