//! The keys that Supabase publishes: kept, asked for again, done without.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::rig::Rig;
use super::{Answer, Signer};

const BAD: &str = "token-no-valido";
const AWAY: &str = "sesion-no-comprobable";

fn answers_that_hold_no_keys(good: &Value) -> Vec<(&'static str, Answer)> {
    let html = b"<!doctype html><title>Supabase</title>".to_vec();
    let keys = json!({ "keys": [good] }).to_string().into_bytes();
    let huge = [keys.clone(), vec![b' '; 200_000]].concat();
    let json = "application/json";
    vec![
        ("an error", Answer::Other(503, json, keys.clone())),
        ("not found", Answer::Other(404, json, b"{}".to_vec())),
        ("a page", Answer::Other(200, "text/html", html)),
        ("huge", Answer::Other(200, json, huge)),
        ("empty", Answer::Other(200, json, Vec::new())),
        ("no set", Answer::Other(200, json, b"{}".to_vec())),
        ("a list", Answer::Other(200, json, b"[]".to_vec())),
        (
            "keys in words",
            Answer::Other(200, json, br#"{"keys":"ec"}"#.to_vec()),
        ),
        ("half", Answer::Other(200, json, keys[..keys.len() / 2].to_vec())),
        ("slow", Answer::Never),
    ]
}

/// Waits for answers as long as a test can afford to wait for one that never comes.
async fn impatient(keys: &[Value]) -> Rig {
    Rig::configured(keys, &[], "access.keys_timeout_ms = 300").await
}

#[tokio::test]
async fn keys_are_asked_for_once_and_kept() {
    let ec = Signer::ec();
    let rig = Rig::start(&[ec.jwk("ec")]).await;
    let token = rig.token("admin", "ec", &ec);
    assert_eq!(rig.supabase.asked(), 0, "nobody came yet");
    for _ in 0..5 {
        assert_eq!(rig.tell(&token).await.0, 200);
    }
    rig.clock.advance(TimeDelta::seconds(599));
    assert_eq!(rig.tell(&token).await.0, 200);
    assert_eq!(rig.supabase.asked(), 1);
    rig.clock.advance(TimeDelta::seconds(1));
    assert_eq!(rig.tell(&token).await.0, 200);
    assert_eq!(rig.supabase.asked(), 2);
}

#[tokio::test]
async fn many_at_once_ask_once() {
    let ec = Signer::ec();
    let rig = Rig::start(&[ec.jwk("ec")]).await;
    let token = rig.token("admin", "ec", &ec);
    let all = futures_util::future::join_all((0..20).map(|_| rig.tell(&token))).await;
    assert!(all.iter().all(|(status, _)| *status == 200), "{all:?}");
    assert_eq!(rig.supabase.asked(), 1);
}

#[tokio::test]
async fn an_unknown_key_is_asked_for() {
    let (old, new) = (Signer::ec(), Signer::rsa());
    let rig = Rig::start(&[old.jwk("old")]).await;
    let token = rig.token("admin", "new", &new);
    assert_eq!(rig.tell(&token).await, (401, BAD.to_owned()));
    rig.supabase.publishes(&[old.jwk("old"), new.jwk("new")]);
    assert_eq!(
        rig.tell(&token).await,
        (401, BAD.to_owned()),
        "asked a moment ago"
    );
    assert_eq!(rig.supabase.asked(), 1);
    rig.clock.advance(TimeDelta::seconds(10));
    assert_eq!(rig.tell(&token).await.0, 200);
    assert_eq!(rig.tell(&rig.token("admin", "old", &old)).await.0, 200);
    assert_eq!(rig.supabase.asked(), 2);
}

#[tokio::test]
async fn made_up_keys_cannot_make_us_flood_supabase() {
    let ec = Signer::ec();
    let rig = Rig::start(&[ec.jwk("ec")]).await;
    let made_up: Vec<String> = (0..30)
        .map(|number| rig.token("admin", &format!("made-up-{number}"), &ec))
        .collect();
    for round in 1..=2 {
        let all = futures_util::future::join_all(made_up.iter().map(|token| rig.tell(token))).await;
        assert!(all.iter().all(|told| *told == (401, BAD.to_owned())), "{all:?}");
        assert_eq!(rig.supabase.asked(), round);
        rig.clock.advance(TimeDelta::seconds(10));
    }
}

#[tokio::test]
async fn a_key_that_was_taken_back_counts_no_longer_than_keys_are_fresh() {
    let (old, new) = (Signer::ec(), Signer::ec());
    let rig = Rig::start(&[old.jwk("old")]).await;
    assert_eq!(rig.tell(&rig.token("admin", "old", &old)).await.0, 200);
    rig.supabase.publishes(&[new.jwk("new")]);
    rig.clock.advance(TimeDelta::minutes(10));
    assert_eq!(
        rig.tell(&rig.token("admin", "old", &old)).await,
        (401, BAD.to_owned())
    );
    assert_eq!(rig.tell(&rig.token("admin", "new", &new)).await.0, 200);
    // Another key by the same name.
    let newest = Signer::ec();
    rig.supabase.publishes(&[newest.jwk("new")]);
    rig.clock.advance(TimeDelta::minutes(10));
    assert_eq!(rig.tell(&rig.token("admin", "new", &new)).await.0, 401);
    assert_eq!(rig.tell(&rig.token("admin", "new", &newest)).await.0, 200);
    // A project that went back to its secret publishes none.
    rig.supabase.publishes(&[]);
    rig.clock.advance(TimeDelta::minutes(10));
    assert_eq!(
        rig.tell(&rig.token("admin", "new", &newest)).await,
        (401, BAD.to_owned())
    );
}

#[tokio::test]
async fn while_supabase_is_away_the_keys_at_hand_go_on_for_a_day() {
    let ec = Signer::ec();
    for (name, answer) in answers_that_hold_no_keys(&Signer::ec().jwk("ec")) {
        let rig = impatient(&[ec.jwk("ec")]).await;
        let token = |rig: &Rig| rig.token("admin", "ec", &ec);
        assert_eq!(rig.tell(&token(&rig)).await.0, 200, "{name}");
        rig.supabase.answers(answer);
        rig.clock.advance(TimeDelta::minutes(10));
        assert_eq!(rig.tell(&token(&rig)).await.0, 200, "{name}");
        assert_eq!(rig.tell(&token(&rig)).await.0, 200, "{name}");
        assert_eq!(rig.supabase.asked(), 2, "{name}: not asked again at once");
        assert_eq!(rig.tell(&rig.token("admin", "other", &ec)).await.0, 401, "{name}");
        rig.clock
            .advance(TimeDelta::hours(24) - TimeDelta::minutes(10) - TimeDelta::seconds(1));
        assert_eq!(rig.tell(&token(&rig)).await.0, 200, "{name}");
        rig.clock.advance(TimeDelta::seconds(1));
        assert_eq!(rig.tell(&token(&rig)).await, (503, AWAY.to_owned()), "{name}");
        rig.supabase.publishes(&[ec.jwk("ec")]);
        rig.clock.advance(TimeDelta::seconds(10));
        assert_eq!(rig.tell(&token(&rig)).await.0, 200, "{name}");
    }
}

#[tokio::test]
async fn without_any_key_the_door_says_to_come_back() {
    let ec = Signer::ec();
    for (name, answer) in answers_that_hold_no_keys(&ec.jwk("ec")) {
        let rig = impatient(&[]).await;
        rig.supabase.answers(answer);
        let token = rig.token("admin", "ec", &ec);
        for _ in 0..3 {
            let said = rig.bearer("/admin", &token).await;
            assert_eq!(said.told(), (503, AWAY.to_owned()), "{name}");
            assert_eq!(said.headers["retry-after"], "10", "{name}");
        }
        assert_eq!(rig.supabase.asked(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    let ec = Signer::ec();
    let elsewhere = super::Supabase::start(&[ec.jwk("ec")]).await;
    let rig = Rig::start(&[]).await;
    let url = format!("{}/auth/v1/.well-known/jwks.json", elsewhere.url);
    rig.supabase.answers(Answer::Elsewhere(url));
    let told = rig.tell(&rig.token("admin", "ec", &ec)).await;
    assert_eq!((told, elsewhere.asked()), ((503, AWAY.to_owned()), 0));
}

#[tokio::test]
async fn the_secret_needs_no_supabase() {
    let rig = Rig::start(&[]).await;
    rig.supabase.answers(Answer::Never);
    let token = rig.token("admin", "a-key-of-the-legacy-secret", &Signer::secret());
    assert_eq!(rig.tell(&token).await.0, 200);
    assert_eq!(rig.supabase.asked(), 0);
}

#[tokio::test]
async fn a_caller_who_hangs_up_breaks_nothing_off() {
    let ec = Signer::ec();
    let rig = Rig::start(&[]).await;
    rig.supabase.answers(Answer::Held(vec![ec.jwk("ec")]));
    let token = rig.token("admin", "ec", &ec);
    tokio::select! {
        told = rig.tell(&token) => panic!("answered without keys: {told:?}"),
        () = rig.supabase.until_asked() => {}
    }
    rig.supabase.let_go();
    assert_eq!(rig.tell(&token).await.0, 200);
    assert_eq!(
        rig.supabase.asked(),
        1,
        "the question of the first was good for the second"
    );
}

#[tokio::test]
async fn while_one_asks_the_others_go_on_with_the_keys_at_hand() {
    let ec = Signer::ec();
    let rig = Rig::start(&[ec.jwk("ec")]).await;
    let token = rig.token("admin", "ec", &ec);
    assert_eq!(rig.tell(&token).await.0, 200);
    rig.supabase.until_asked().await;
    rig.supabase.answers(Answer::Held(vec![ec.jwk("ec")]));
    rig.clock.advance(TimeDelta::minutes(10));
    let asks = rig.tell(&token);
    let others = async {
        rig.supabase.until_asked().await;
        assert_eq!(rig.tell(&token).await.0, 200);
        rig.supabase.let_go();
    };
    let ((status, _), ()) = tokio::join!(asks, others);
    assert_eq!((status, rig.supabase.asked()), (200, 2));
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_keys_no_younger() {
    let ec = Signer::ec();
    let rig = Rig::start(&[ec.jwk("ec")]).await;
    assert_eq!(rig.tell(&rig.token("admin", "ec", &ec)).await.0, 200);
    rig.clock.advance(TimeDelta::hours(-5));
    rig.supabase.publishes(&[]);
    assert_eq!(rig.tell(&rig.token("admin", "ec", &ec)).await.0, 401);
    assert_eq!(rig.supabase.asked(), 2);
}

#[tokio::test]
async fn a_token_without_a_key_id_is_good_where_there_is_one_key() {
    let (ec, rsa) = (Signer::ec(), Signer::rsa());
    let unnamed = |rig: &Rig, signer: &Signer| rig.draft("admin").sign(signer);
    let one = Rig::start(&[ec.jwk("ec")]).await;
    assert_eq!(one.tell(&unnamed(&one, &ec)).await.0, 200);
    assert_eq!(one.tell(&unnamed(&one, &rsa)).await, (401, BAD.to_owned()));
    assert_eq!(
        one.tell(&one.token("admin", "", &ec)).await,
        (401, BAD.to_owned())
    );
    let two = Rig::start(&[ec.jwk("ec"), rsa.jwk("rsa")]).await;
    for signer in [&ec, &rsa] {
        assert_eq!(two.tell(&unnamed(&two, signer)).await, (401, BAD.to_owned()));
    }
}

#[tokio::test]
async fn keys_that_are_not_for_this_are_left_out() {
    let (ec, rsa) = (Signer::ec(), Signer::rsa());
    let with = |signer: &Signer, more: Value| {
        let mut jwk = signer.jwk("it");
        jwk.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        jwk
    };
    let spoilt = [
        with(&ec, json!({ "use": "enc" })),
        with(&ec, json!({ "key_ops": ["sign"] })),
        with(&ec, json!({ "alg": "ES384" })),
        with(&ec, json!({ "alg": "HS256" })),
        with(&ec, json!({ "crv": "P-384" })),
        with(&ec, json!({ "crv": null })),
        with(&ec, json!({ "kty": "OKP" })),
        with(&ec, json!({ "kty": "oct", "k": "AAAA" })),
        with(&ec, json!({ "kty": null })),
        with(&ec, json!({ "kid": 7 })),
        with(&ec, json!({ "x": "AAAA" })),
        with(&ec, json!({ "x": "=" })),
        with(&ec, json!({ "y": null })),
        with(&rsa, json!({ "alg": "RS512" })),
        with(&rsa, json!({ "alg": "PS256" })),
        with(&rsa, json!({ "n": "AQAB" })),
        with(&rsa, json!({ "e": "" })),
        with(&rsa, json!({ "e": "AAAA" })),
    ];
    for jwk in spoilt {
        let signer = if jwk["kid"] == "it" && jwk.get("n").is_some() {
            &rsa
        } else {
            &ec
        };
        let other = Signer::ec();
        let rig = Rig::start(&[json!(7), jwk.clone(), other.jwk("other")]).await;
        let told = rig.tell(&rig.token("admin", "it", signer)).await;
        assert_eq!(told, (401, BAD.to_owned()), "{jwk}");
        let told = rig.tell(&rig.token("admin", "other", &other)).await;
        assert_eq!(told.0, 200, "it spoils no other key: {jwk}");
    }
    for jwk in [
        with(&ec, json!({ "x": "A".repeat(43) })),
        with(&rsa, json!({ "e": "AQ" })),
        with(&rsa, json!({ "e": "Ag" })),
    ] {
        let rig = Rig::start(std::slice::from_ref(&jwk)).await;
        let signer = if jwk.get("n").is_some() { &rsa } else { &ec };
        let told = rig.tell(&rig.token("admin", "it", signer)).await;
        assert_eq!(
            told,
            (401, BAD.to_owned()),
            "no point of the curve, or no exponent: {jwk}"
        );
    }
    let bare = [
        with(&ec, json!({ "use": null, "alg": null, "key_ops": null })),
        with(
            &rsa,
            json!({ "use": null, "alg": null, "key_ops": null, "e": "AAEAAQ" }),
        ),
    ];
    for (jwk, signer) in bare.into_iter().zip([&ec, &rsa]) {
        let rig = Rig::start(&[jwk]).await;
        assert_eq!(rig.tell(&rig.token("admin", "it", signer)).await.0, 200);
    }
}
