//! The variables of Cloudflare: all, some, or none.

use onlycar::ground::config::{Environment, Settings};

const ALL: [(&str, &str); 4] = [
    ("CLOUDFLARE_ACCOUNT_ID", "0195acc0000070008000000000000001"),
    ("CLOUDFLARE_API_TOKEN", "token"),
    ("D1_DATABASE_ID", "0195d1d1-0000-7000-8000-000000000001"),
    ("KV_NAMESPACE_ID", "0195b0b0000070008000000000000001"),
];

fn read(some: impl IntoIterator<Item = (&'static str, &'static str)>) -> Result<Settings, String> {
    let base = [
        ("DATABASE_URL", "postgres://localhost/onlycar"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_of_the_tests"),
    ];
    let environment: Environment = base.into_iter().chain(some).collect();
    Settings::from_parts(&environment, None).map_err(|problems| problems.to_string())
}

#[test]
fn none_is_no_edge_and_either_store_is_enough() {
    assert!(read([]).unwrap().cloudflare.is_none());
    let edge = |without: &str| {
        let settings = read(ALL.into_iter().filter(|(name, _)| *name != without)).unwrap();
        let edge = settings.cloudflare.unwrap();
        (edge.d1_database_id.is_some(), edge.kv_namespace_id.is_some())
    };
    assert_eq!(edge(""), (true, true));
    assert_eq!(edge("D1_DATABASE_ID"), (false, true));
    assert_eq!(edge("KV_NAMESPACE_ID"), (true, false));
}

#[test]
fn what_is_missing_is_named() {
    for missing in ["CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN"] {
        let problems = read(ALL.into_iter().filter(|(name, _)| *name != missing)).unwrap_err();
        assert!(problems.contains(&format!("{missing} is missing")), "{problems}");
        assert!(problems.contains("D1_DATABASE_ID"), "{problems}");
    }
    let account = read(ALL.into_iter().take(2)).unwrap();
    assert!(
        account
            .warnings
            .iter()
            .any(|warning| warning.contains("D1_DATABASE_ID")),
        "{:?}",
        account.warnings
    );
}

#[test]
fn an_id_that_would_lead_elsewhere_is_refused() {
    for wrong in ["../../zones", "a/b", "a?b", "%2e%2e", "a b"] {
        let others = ALL.into_iter().filter(|(name, _)| *name != "D1_DATABASE_ID");
        let problems = read(others.chain([("D1_DATABASE_ID", wrong)])).unwrap_err();
        assert!(
            problems.contains("D1_DATABASE_ID is no id of Cloudflare's"),
            "{problems}"
        );
        assert!(!problems.contains(wrong) || wrong == "a b", "{problems}");
    }
}

#[test]
fn a_simulator_is_no_cloudflare_in_production() {
    let production = crate::support::app::PRODUCTION.into_iter().chain(ALL);
    let problems =
        read(production.chain([("CLOUDFLARE_API_BASE", "http://localhost:9/client/v4")])).unwrap_err();
    assert!(
        problems.contains("CLOUDFLARE_API_BASE points to a simulator"),
        "{problems}"
    );
}
