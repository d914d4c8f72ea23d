//! What a token says about its own proof decides nothing.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::rig::{RSA_PUBLIC, SECRET};
use super::{Rig, Signer};

const BAD: &str = "token-no-valido";

/// All that is known of a key to everybody.
fn publicly_known(jwk: &Value) -> Vec<Vec<u8>> {
    let pem = &RSA_PUBLIC[RSA_PUBLIC.find("-----").unwrap()..];
    let lines = pem.lines().filter(|line| !line.starts_with("--"));
    let der = STANDARD.decode(lines.collect::<String>()).unwrap();
    let modulus = jwk["n"].as_str().unwrap();
    let mut known: Vec<Vec<u8>> = ["kid", "n", "e"]
        .iter()
        .map(|name| jwk[name].as_str().unwrap().into())
        .collect();
    known.extend([pem.into(), pem.trim_end().into(), der]);
    known.push(URL_SAFE_NO_PAD.decode(modulus).unwrap());
    known.push(jwk.to_string().into_bytes());
    known.push(Vec::new());
    known
}

#[tokio::test]
async fn what_is_published_is_no_secret() {
    let (ec, rsa) = (Signer::ec(), Signer::rsa());
    let jwks = [rsa.jwk("rsa"), ec.jwk("ec")];
    let with = Rig::start(&jwks).await;
    let without = Rig::configured(&jwks, &[], "").await;
    for rig in [&with, &without] {
        // Its keys are at hand from here on.
        assert_eq!(rig.tell(&rig.token("admin", "rsa", &rsa)).await.0, 200);
        let mut known = publicly_known(&jwks[0]);
        known.push(jwks[1]["x"].as_str().unwrap().into());
        for (number, secret) in known.into_iter().enumerate() {
            for kid in ["rsa", "ec", ""] {
                for alg in ["HS256", "RS256", "ES256", "HS384", "HS512"] {
                    let draft = rig.draft("admin").header(json!({ "kid": kid, "alg": alg }));
                    let token = draft.sign(&Signer::Hmac(secret.clone()));
                    let told = rig.tell(&token).await;
                    assert_eq!(told, (401, BAD.to_owned()), "{number} {kid} {alg}");
                }
            }
        }
    }
    let token = without.token("admin", "rsa", &Signer::secret());
    assert_eq!(
        without.tell(&token).await,
        (401, BAD.to_owned()),
        "no secret is set"
    );
}

#[tokio::test]
async fn no_algorithm_is_none() {
    let rsa = Signer::rsa();
    let rig = Rig::start(&[rsa.jwk("rsa")]).await;
    for alg in [
        "none", "None", "NONE", "nOnE", "", " ", "hs256", "HS256 ", "HS384", "HS512", "RS384", "RS512",
        "PS256", "ES256K", "ES384", "EdDSA", "RSA1_5", "dir",
    ] {
        for signer in [&Signer::Nothing, &rsa, &Signer::secret()] {
            let draft = rig.draft("admin").header(json!({ "alg": alg, "kid": "rsa" }));
            assert_eq!(
                rig.tell(&draft.sign(signer)).await,
                (401, BAD.to_owned()),
                "{alg}"
            );
        }
    }
    for alg in [json!(7), json!(true), json!(["RS256"]), json!({})] {
        let draft = rig.draft("admin").header(json!({ "alg": alg, "kid": "rsa" }));
        assert_eq!(rig.tell(&draft.sign(&rsa)).await, (401, BAD.to_owned()), "{alg}");
    }
    let unsigned = rig.draft("admin").header(json!({ "alg": "RS256", "kid": "rsa" }));
    assert_eq!(
        rig.tell(&unsigned.sign(&Signer::Nothing)).await,
        (401, BAD.to_owned())
    );
}

#[tokio::test]
async fn a_key_serves_its_own_algorithm_only() {
    let (ec, rsa) = (Signer::ec(), Signer::rsa());
    let rig = Rig::start(&[ec.jwk("ec"), rsa.jwk("rsa")]).await;
    for (kid, alg, signer) in [
        ("ec", "RS256", &rsa),
        ("ec", "RS256", &ec),
        ("rsa", "ES256", &ec),
        ("rsa", "ES256", &rsa),
        ("ec", "ES256", &rsa),
        ("rsa", "RS256", &ec),
    ] {
        let draft = rig.draft("admin").header(json!({ "kid": kid, "alg": alg }));
        let told = rig.tell(&draft.sign(signer)).await;
        assert_eq!(told, (401, BAD.to_owned()), "{kid} {alg} {}", signer.algorithm());
    }
    assert_eq!(rig.supabase.asked(), 1, "none of them is a reason to ask again");
}

#[tokio::test]
async fn a_key_that_a_token_brings_along_is_not_looked_at() {
    let (ours, theirs) = (Signer::ec(), Signer::ec());
    let rig = Rig::start(&[ours.jwk("ec")]).await;
    let elsewhere = super::Supabase::start(&[theirs.jwk("ec")]).await;
    let url = format!("{}/auth/v1/.well-known/jwks.json", elsewhere.url);
    for more in [
        json!({ "jwk": theirs.jwk("ec") }),
        json!({ "jku": url }),
        json!({ "x5u": url }),
        json!({ "x5c": ["AAAA"] }),
        json!({ "iss": elsewhere.url }),
    ] {
        let draft = rig
            .draft("admin")
            .header(json!({ "kid": "ec" }))
            .header(more.clone());
        assert_eq!(
            rig.tell(&draft.clone().sign(&theirs)).await,
            (401, BAD.to_owned()),
            "{more}"
        );
        assert_eq!(
            rig.tell(&draft.sign(&ours)).await.0,
            200,
            "{more}: nor does it do harm"
        );
    }
    assert_eq!(elsewhere.asked(), 0);
}

#[tokio::test]
async fn an_extension_that_must_be_understood_is_refused() {
    let rig = Rig::start(&[]).await;
    for crit in [json!(["b64"]), json!(["exp"]), json!([]), json!("b64")] {
        let draft = rig.draft("admin").header(json!({ "crit": crit, "b64": false }));
        assert_eq!(
            rig.tell(&draft.sign(&Signer::secret())).await,
            (401, BAD.to_owned())
        );
    }
}

#[tokio::test]
async fn a_header_or_claims_out_of_shape_are_refused() {
    let rig = Rig::start(&[]).await;
    let claims = rig.draft("admin").claims.to_string();
    let twice = claims.replacen('{', r#"{"iss":"https://other.supabase.co/auth/v1","#, 1);
    let good = r#"{"alg":"HS256"}"#;
    for (name, header, claims, status) in [
        ("good", good, claims.as_str(), 200),
        ("two algorithms", r#"{"alg":"none","alg":"HS256"}"#, &claims, 401),
        ("two issuers", good, &twice, 401),
        ("a list", r#"["HS256"]"#, &claims, 401),
        ("no object", "HS256", &claims, 401),
        ("no algorithm", r#"{"typ":"JWT"}"#, &claims, 401),
        ("a number as key", r#"{"alg":"HS256","kid":7}"#, &claims, 401),
        ("claims in a list", good, &format!("[{claims}]"), 401),
        ("no claims", good, "", 401),
        ("more after them", good, &format!("{claims} {{}}"), 401),
        (
            "deep",
            good,
            &format!("{}{}", "[".repeat(4000), "]".repeat(4000)),
            401,
        ),
    ] {
        let text = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let message = format!("{}.{}", text(header), text(claims));
        let signature = Signer::Hmac(SECRET.into()).sign(message.as_bytes());
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
        assert_eq!(rig.tell(&token).await.0, status, "{name}");
    }
}
