//! What comes from outside cannot steer the terminal of whoever looks at it.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;

use crate::support::program::{onlycar, run};
use crate::support::{TestApp, database};

#[tokio::test]
async fn commands_show_control_letters_and_do_not_send_them() {
    let app = TestApp::start().await;
    sqlx::query(
        "insert into clientes (id, nombre) values (gen_random_uuid(), E'Ana\\u001b[2J\\u009b2K\\u202eRíos')",
    )
    .execute(&app.pool)
    .await
    .unwrap();
    sqlx::query(
        "insert into contratos_b2b (cliente_id, tipo, estado) select id, 'servicio_unico', 'pendiente_firma' from clientes",
    )
    .execute(&app.pool)
    .await
    .unwrap();
    for words in [&["contracts", "list"][..], &["contracts", "list", "--json"]] {
        let mut command = onlycar(words);
        command
            .env("DATABASE_URL", database::as_service(&app.database_url))
            .env("STRIPE_WEBHOOK_SECRET", "whsec_of_the_tests");
        let ended = run(command).await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert!(ended.out.contains("\\u001b[2J\\u009b2K\\u202e"), "{}", ended.out);
        let obeyed = |letter: char| letter.is_control() && letter != '\n' || letter == '\u{202e}';
        assert!(!ended.out.contains(obeyed), "{:?}", ended.out);
    }
    app.finish().await;
}

#[tokio::test]
async fn an_invoice_shows_its_control_letters() {
    let mut command = onlycar(&["cfdi", "inspect", "-"]);
    command.stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all("<a b='\u{9b}2J\u{202e}'/>".as_bytes())
        .await
        .unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let out = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert!(
        !out.is_empty() && !out.contains(['\u{9b}', '\u{202e}', '\u{1b}']),
        "{out:?}"
    );
}
