//! Tables of tokens: what each opens, and what those are told that open nothing.

use serde_json::{Value, json};

use super::rig::{SECRET, USER};
use super::{Draft, Rig, Signer};

#[tokio::test]
async fn each_role_opens_its_own_doors() {
    let (ec, rsa) = (Signer::ec(), Signer::rsa());
    let rig = Rig::start(&[ec.jwk("ec"), rsa.jwk("rsa")]).await;
    let kinds = [(&ec, "ec"), (&rsa, "rsa"), (&Signer::secret(), "legacy")];
    for (signer, kid) in kinds {
        for (role, opened) in [
            ("operador", ["/operator", "/staff"].as_slice()),
            ("admin", &["/admin", "/staff"]),
            ("cliente", &["/customer"]),
        ] {
            let token = rig.token(role, kid, signer);
            for door in ["/operator", "/admin", "/customer", "/staff"] {
                let said = rig.bearer(door, &token).await;
                let case = format!("{kid} {role} {door}");
                if !opened.contains(&door) {
                    assert_eq!(said.told(), (403, "sin-permiso".to_owned()), "{case}");
                    assert!(said.headers.get("www-authenticate").is_none(), "{case}");
                    continue;
                }
                let who = match door {
                    "/staff" => format!("{role}:{USER}"),
                    _ => USER.to_owned(),
                };
                assert_eq!((said.status, said.text), (200, who), "{case}");
            }
        }
    }
}

/// Its name, what is other in the claims of a good token, and what the door of admins says to it.
type Case = (&'static str, fn(i64) -> Value, u16, &'static str);

async fn table(cases: &[Case]) {
    let ec = Signer::ec();
    let rig = Rig::start(&[ec.jwk("ec")]).await;
    let now = rig.clock.now().timestamp();
    for (name, changes, status, code) in cases {
        let draft = rig.draft("admin").claims(changes(now));
        for (kid, signer) in [("ec", &ec), ("", &Signer::secret())] {
            let token = draft.clone().header(json!({ "kid": kid })).sign(signer);
            let told = rig.tell(&token).await;
            assert_eq!(told, (*status, (*code).to_owned()), "{name} ({kid:?})");
        }
    }
}

const BAD: &str = "token-no-valido";

#[tokio::test]
async fn a_token_counts_for_its_time_and_thirty_seconds_to_both_sides() {
    // The clock stands half a second after `now`.
    table(&[
        ("just before its end", |now| json!({ "exp": now + 1 }), 200, ""),
        (
            "ended within the leeway",
            |now| json!({ "exp": now - 29 }),
            200,
            "",
        ),
        (
            "ended before it",
            |now| json!({ "exp": now - 30 }),
            401,
            "token-vencido",
        ),
        ("ended long ago", |_| json!({ "exp": 0 }), 401, "token-vencido"),
        (
            "ended before time began",
            |_| json!({ "exp": i64::MIN }),
            401,
            "token-vencido",
        ),
        ("never ends", |_| json!({ "exp": i64::MAX }), 200, ""),
        ("ends after numbers do", |_| json!({ "exp": u64::MAX }), 401, BAD),
        ("without an end", |_| json!({ "exp": null }), 401, BAD),
        (
            "an end in words",
            |now| json!({ "exp": (now + 60).to_string() }),
            401,
            BAD,
        ),
        ("an end with a fraction", |_| json!({ "exp": 4e9 }), 401, BAD),
        ("began", |now| json!({ "nbf": now }), 200, ""),
        (
            "begins within the leeway",
            |now| json!({ "nbf": now + 30 }),
            200,
            "",
        ),
        ("begins after it", |now| json!({ "nbf": now + 31 }), 401, BAD),
        ("never begins", |_| json!({ "nbf": i64::MAX }), 401, BAD),
        ("a beginning in words", |_| json!({ "nbf": "now" }), 401, BAD),
        (
            "ended and of another issuer",
            |_| json!({ "exp": 0, "iss": "x" }),
            401,
            BAD,
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_token_is_from_our_project_for_a_user_of_it() {
    table(&[
        (
            "another project",
            |_| json!({ "iss": "https://other.supabase.co/auth/v1" }),
            401,
            BAD,
        ),
        ("no issuer", |_| json!({ "iss": null }), 401, BAD),
        ("several issuers", |_| json!({ "iss": ["a", "b"] }), 401, BAD),
        (
            "as the service keys have it",
            |_| json!({ "iss": "supabase" }),
            401,
            BAD,
        ),
        (
            "several audiences",
            |_| json!({ "aud": ["a", "authenticated"] }),
            200,
            "",
        ),
        ("other audiences", |_| json!({ "aud": ["a", "b"] }), 401, BAD),
        ("no audience among them", |_| json!({ "aud": [] }), 401, BAD),
        ("nobody's session", |_| json!({ "aud": "anon" }), 401, BAD),
        ("no audience", |_| json!({ "aud": null }), 401, BAD),
        (
            "longer than it should be",
            |_| json!({ "aud": "authenticated " }),
            401,
            BAD,
        ),
        ("nobody", |_| json!({ "sub": null }), 401, BAD),
        ("blank", |_| json!({ "sub": "" }), 401, BAD),
        ("no id", |_| json!({ "sub": "admin" }), 401, BAD),
        ("a number", |_| json!({ "sub": 7 }), 401, BAD),
    ])
    .await;
}

#[tokio::test]
async fn the_role_is_the_one_that_only_we_can_write() {
    let no = "sin-permiso";
    table(&[
        ("none", |_| json!({ "app_metadata": {} }), 403, no),
        ("no metadata", |_| json!({ "app_metadata": null }), 403, no),
        (
            "metadata in words",
            |_| json!({ "app_metadata": "admin" }),
            403,
            no,
        ),
        (
            "unknown",
            |_| json!({ "app_metadata": { "role": "root" } }),
            403,
            no,
        ),
        (
            "in capitals",
            |_| json!({ "app_metadata": { "role": "Admin" } }),
            403,
            no,
        ),
        (
            "padded",
            |_| json!({ "app_metadata": { "role": "admin " } }),
            403,
            no,
        ),
        (
            "several",
            |_| json!({ "app_metadata": { "role": ["admin"] } }),
            403,
            no,
        ),
        ("true", |_| json!({ "app_metadata": { "role": true } }), 403, no),
        (
            "by another name",
            |_| json!({ "app_metadata": { "roles": "admin" } }),
            403,
            no,
        ),
        (
            "at the top only, where Supabase writes PostgreSQL's role",
            |_| json!({ "role": "admin", "app_metadata": {} }),
            403,
            no,
        ),
        (
            "where users write",
            |_| json!({ "user_metadata": { "role": "admin" }, "app_metadata": {} }),
            403,
            no,
        ),
        (
            "with more than one",
            |_| json!({ "role": "admin", "app_metadata": { "role": "operador" } }),
            403,
            no,
        ),
    ])
    .await;
}

#[tokio::test]
async fn the_header_holds_one_token() {
    let rig = Rig::start(&[]).await;
    let good = rig.token("admin", "", &Signer::secret());
    let none = "falta-token";
    let cases: &[(&str, &[String], u16, &str)] = &[
        ("no header", &[], 401, none),
        ("good", &[format!("Bearer {good}")], 200, ""),
        ("lower case", &[format!("bearer {good}")], 200, ""),
        ("upper case", &[format!("BEARER {good}")], 200, ""),
        ("several spaces", &[format!("Bearer   {good}")], 200, ""),
        ("empty", &[String::new()], 401, none),
        ("the scheme alone", &["Bearer".to_owned()], 401, none),
        ("the scheme and a space", &["Bearer ".to_owned()], 401, none),
        ("no scheme", std::slice::from_ref(&good), 401, none),
        ("another scheme", &[format!("Basic {good}")], 401, none),
        ("a tab", &[format!("Bearer\t{good}")], 401, none),
        (
            "two headers",
            &[format!("Bearer {good}"), format!("Bearer {good}")],
            401,
            BAD,
        ),
        ("two schemes", &[format!("Basic YTpi, Bearer {good}")], 401, none),
        ("a list", &[format!("Bearer {good}, Bearer {good}")], 401, BAD),
        ("quoted", &[format!("Bearer \"{good}\"")], 401, BAD),
        ("100 KB", &[format!("Bearer {}", "a".repeat(100_000))], 401, BAD),
        (
            "100 KB of points",
            &[format!("Bearer {}", ".".repeat(100_000))],
            401,
            BAD,
        ),
        ("not ASCII", &[format!("Bearer {good}ñ")], 401, BAD),
        ("garbage", &["Bearer garbage".to_owned()], 401, BAD),
        ("points", &["Bearer ..".to_owned()], 401, BAD),
        ("null", &["Bearer null".to_owned()], 401, BAD),
        (
            "two parts",
            &[format!("Bearer {}", good.rsplit_once('.').unwrap().0)],
            401,
            BAD,
        ),
        ("four parts", &[format!("Bearer {good}.a")], 401, BAD),
        (
            "five parts, as if encrypted",
            &[format!("Bearer {good}.a.b")],
            401,
            BAD,
        ),
        ("with padding", &[format!("Bearer {good}=")], 401, BAD),
    ];
    for (name, values, status, code) in cases {
        let values: Vec<&[u8]> = values.iter().map(String::as_bytes).collect();
        let said = rig.knock("/admin", &values).await;
        assert_eq!(said.told(), (*status, (*code).to_owned()), "{name}");
    }
    assert_eq!(rig.supabase.asked(), 0, "the secret needs no keys");
}

#[tokio::test]
async fn a_changed_token_is_worth_nothing() {
    let ec = Signer::ec();
    let rig = Rig::start(&[ec.jwk("ec")]).await;
    let good = rig.token("cliente", "ec", &ec);
    let better = rig.token("admin", "ec", &ec);
    let (head, signature) = good.rsplit_once('.').unwrap();
    let other = better.rsplit_once('.').unwrap().0;
    assert_eq!(
        rig.tell(&format!("{other}.{signature}")).await.0,
        401,
        "more rights"
    );
    for at in [0, 1, 40, 84, 85] {
        let mut letters = signature.as_bytes().to_vec();
        letters[at] = if letters[at] == b'A' { b'B' } else { b'A' };
        let forged = format!("{head}.{}", String::from_utf8(letters).unwrap());
        assert_eq!(rig.tell(&forged).await, (401, BAD.to_owned()), "letter {at}");
    }
    for (name, signature) in [
        ("none", String::new()),
        ("half", signature[..43].to_owned()),
        ("zeros, which once were good for every message", "A".repeat(86)),
        ("twice", signature.repeat(2)),
    ] {
        assert_eq!(rig.tell(&format!("{other}.{signature}")).await.0, 401, "{name}");
    }
}

#[tokio::test]
async fn a_long_token_counts_up_to_a_limit() {
    let rig = Rig::start(&[]).await;
    let with = |length: usize| {
        let padding = json!({ "padding": "a".repeat(length) });
        let draft: Draft = rig.draft("admin").claims(padding);
        draft.sign(&Signer::secret())
    };
    let (fits, too_long) = (with(11_000), with(12_000));
    assert!(fits.len() < 16 * 1024 && too_long.len() > 16 * 1024);
    assert_eq!(rig.tell(&fits).await.0, 200);
    assert_eq!(rig.tell(&too_long).await, (401, BAD.to_owned()));
}

#[tokio::test]
async fn a_secret_of_another_project_opens_nothing() {
    let rig = Rig::start(&[]).await;
    for secret in [
        "",
        "another secret, as long as one has to be, or longer",
        &SECRET.to_uppercase(),
        &format!("{SECRET}\n"),
    ] {
        let token = rig.token("admin", "", &Signer::Hmac(secret.into()));
        assert_eq!(rig.tell(&token).await, (401, BAD.to_owned()), "{secret:?}");
    }
}
