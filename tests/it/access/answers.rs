//! What those are told who do not come in, and what the log holds of them.

use std::io::Write;
use std::sync::{Arc, Mutex};

use onlycar::access::Access;
use onlycar::ground::clock::Clock;
use onlycar::ground::config::File;
use onlycar::tools::outbound;
use serde_json::json;
use tracing_subscriber::util::SubscriberInitExt;

use super::rig::{self, USER};
use super::{Answer, Rig, Signer};

#[tokio::test]
async fn a_server_that_knows_no_supabase_says_so() {
    let settings = File::embedded().access;
    let url = rig::doors(Access::new(None, &settings, Clock::system()).unwrap()).await;
    let client = outbound::client().unwrap();
    for door in ["/operator", "/admin", "/customer", "/staff"] {
        for values in [&[][..], &[b"Bearer a.b.c".as_slice()]] {
            let said = rig::knock(&client, &url, door, values).await;
            let expected = json!({
                "status": 503, "code": "acceso-no-configurado",
                "detail": "Este servidor no sabe quién puede entrar: a quien lo administra le falta definir SUPABASE_URL.",
            });
            assert_eq!((said.status, said.problem()), (503, expected));
        }
    }
}

#[tokio::test]
async fn each_refusal_says_what_to_do() {
    let rig = Rig::start(&[]).await;
    let secret = Signer::secret();
    let draft = || rig.draft("admin");
    let expired = draft().claims(json!({ "exp": 1 })).sign(&secret);
    let forged = draft().sign(&Signer::Hmac(b"x".to_vec()));
    let foreign = draft().claims(json!({ "iss": "x" })).sign(&secret);
    let bad = "El token no es válido. Cierra la sesión e iníciala de nuevo.";
    for (value, code, detail) in [
        (
            String::new(),
            "falta-token",
            "Inicia sesión: la petición no trae el encabezado Authorization: Bearer con tu token.",
        ),
        (format!("Bearer {forged}"), "token-no-valido", bad),
        (format!("Bearer {foreign}"), "token-no-valido", bad),
        (
            format!("Bearer {expired}"),
            "token-vencido",
            "La sesión venció. Renueva el token o inicia sesión de nuevo.",
        ),
    ] {
        let said = rig.knock("/admin", &[value.as_bytes()]).await;
        let expected = json!({ "status": 401, "code": code, "detail": detail });
        assert_eq!((said.status, said.problem()), (401, expected));
        assert_eq!(said.headers["www-authenticate"], "Bearer");
    }
    let said = rig.bearer("/admin", &rig.token("cliente", "", &secret)).await;
    let detail = "Tu usuario no tiene permiso para esto. Si lo necesitas, pídelo a un administrador.";
    let expected = json!({ "status": 403, "code": "sin-permiso", "detail": detail });
    assert_eq!((said.status, said.problem()), (403, expected));
    rig.supabase.answers(Answer::Other(500, "text/plain", Vec::new()));
    let said = rig
        .bearer("/admin", &rig.token("admin", "ec", &Signer::ec()))
        .await;
    let detail = "Tu sesión no se puede comprobar en este momento. Inténtalo de nuevo en unos segundos.";
    let expected = json!({ "status": 503, "code": "sesion-no-comprobable", "detail": detail });
    assert_eq!((said.status, said.problem()), (503, expected));
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// One thread for all of it, so that the log of this test is the server's.
#[tokio::test(flavor = "current_thread")]
async fn the_log_says_why_and_holds_nothing_of_the_token() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = subscriber.set_default();
    let rig = Rig::start(&[]).await;
    // Another test may have been the first to come by, without a log: what was made of that is made anew.
    rig.knock("/admin", &[]).await;
    tracing::callsite::rebuild_interest_cache();
    log.0.lock().unwrap().clear();
    let secret = Signer::secret();
    let tokens = [
        rig.draft("admin").claims(json!({ "exp": 1 })).sign(&secret),
        rig.token("cliente", "", &secret),
        rig.draft("admin").claims(json!({ "iss": "x" })).sign(&secret),
        rig.token("admin", "", &Signer::Hmac(b"x".to_vec())),
        rig.token("admin", "a-key", &Signer::ec()),
    ];
    for token in &tokens {
        rig.bearer("/admin", token).await;
    }
    let written = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let told: Vec<&str> = written
        .lines()
        .filter(|line| line.contains(" security: "))
        .collect();
    for (line, reason) in told
        .iter()
        .zip(["expired", "other-role", "issuer", "signature", "unknown-key"])
    {
        assert!(line.contains(&format!("reason=\"{reason}\"")), "{line}");
    }
    assert_eq!(told.len(), tokens.len(), "{written}");
    let ours: Vec<&str> = written.lines().filter(|line| !line.contains("hyper")).collect();
    for part in tokens.iter().flat_map(|token| token.split('.')).chain([USER]) {
        assert!(!ours.iter().any(|line| line.contains(part)), "{part}: {ours:#?}");
    }
}
