//! `onlycar cfdi inspect`, as a person and as a program use it.

use std::path::Path;
use std::process::Stdio;

use onlycar::invoicing::cfdi::MAX_BYTES;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::{ISSUER, RECEIVER, UUID, at, attribute, invoice};
use crate::support::program::{Ended, onlycar, run_in};

async fn inspect(xml: impl AsRef<[u8]>, more: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.xml"), xml).unwrap();
    run_in(folder.path(), &[&["cfdi", "inspect", "a.xml"], more].concat()).await
}

fn json_of(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"))
}

#[tokio::test]
async fn json_has_the_columns_by_their_names() {
    let mut summer = invoice();
    summer.issued_at = at("2025-07-01T05:30:00Z");
    summer.stamped_at = at("2025-07-01T05:30:10Z");
    let ended = inspect(summer.xml(), &["--json"]).await;
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let json = json_of(&ended);
    for (column, expected) in [
        ("verdict", json!("accept")),
        ("detail", Value::Null),
        ("warning", Value::Null),
        ("uuid_sat", json!(UUID)),
        ("fecha_timbrado", json!("2025-06-30T23:30:10-06:00")),
        ("fecha_emision", json!("2025-07-01T00:30:00-05:00")),
        ("serie", json!("A")),
        ("folio", json!("1")),
        ("monto_total", json!("1616.50")),
        ("moneda", json!("MXN")),
        ("tipo_comprobante", json!("I")),
        ("forma_pago", json!("03")),
        ("conservar_hasta", json!("2031-05-01")),
        ("conceptos", json!(2)),
    ] {
        assert_eq!(json[column], expected, "{column}");
    }
    assert_eq!(json["sello_sat"].as_str().unwrap().len(), 344);
    assert_eq!(json["sha256_xml"].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn people_get_lines_and_never_the_receiver() {
    let ended = inspect(invoice().xml(), &[]).await;
    assert_eq!(ended.code, Some(0));
    assert!(ended.out.starts_with("accept\n"), "{}", ended.out);
    for line in [
        "uuid_sat             6f2ad6a1-",
        "monto_total          1616.50",
        "(2026-11-22T12:00:12 central time)",
    ] {
        assert!(ended.out.contains(line), "{}", ended.out);
    }
    for arguments in [&["--json"][..], &[], &["--issuer", RECEIVER]] {
        let ended = inspect(invoice().xml(), arguments).await;
        for secret in [RECEIVER, "XENON"] {
            assert!(
                !ended.out.contains(secret) && !ended.err.contains(secret),
                "{ended:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_rejected_document_is_exit_code_1_and_says_why() {
    let ended = inspect(attribute("UUID", Some("1")), &[]).await;
    assert_eq!((ended.code, ended.err.as_str()), (Some(1), ""));
    assert!(
        ended
            .out
            .starts_with("reject:invalid_uuid\nTimbreFiscalDigital@UUID: "),
        "{}",
        ended.out
    );
    let json = json_of(&inspect(vec![b' '; MAX_BYTES + 1], &["--json"]).await);
    assert_eq!(json["verdict"], "reject:too_large");
    assert!(json["detail"].as_str().unwrap().contains("4 MiB"));
    assert_eq!(json["uuid_sat"], Value::Null);
}

#[tokio::test]
async fn the_issuer_is_checked_where_it_is_named() {
    let right = inspect(invoice().xml(), &["--issuer", &ISSUER.to_lowercase(), "--json"]).await;
    assert_eq!(
        (right.code, json_of(&right)["verdict"].clone()),
        (Some(0), json!("accept"))
    );
    let wrong = inspect(invoice().xml(), &["--issuer", "XAXX010101000", "--json"]).await;
    let json = json_of(&wrong);
    assert_eq!(
        (wrong.code, json["verdict"].clone()),
        (Some(1), json!("reject:issuer_mismatch"))
    );
    assert_eq!(json["uuid_sat"], UUID, "what it says is told all the same");
    let not_one = inspect(invoice().xml(), &["--issuer", "ONLYCAR"]).await;
    assert_eq!((not_one.code, not_one.out.as_str()), (Some(2), ""));
}

#[tokio::test]
async fn cfdi_33_needs_its_option() {
    let old = invoice()
        .xml()
        .replace("cfd/4\"", "cfd/3\"")
        .replace(" Version=\"4.0\"", " Version=\"3.3\"");
    let ended = inspect(&old, &[]).await;
    assert!(
        ended.out.starts_with("reject:unsupported_version\n"),
        "{}",
        ended.out
    );
    assert_eq!(inspect(&old, &["--accept-3.3"]).await.code, Some(0));
}

#[tokio::test]
async fn an_edited_document_is_accepted_with_a_warning() {
    let ended = inspect(attribute("Sello", Some("QUJD")), &[]).await;
    assert_eq!(ended.code, Some(0));
    assert!(ended.out.contains("(seal_mismatch)"), "{}", ended.out);
}

#[tokio::test]
async fn a_dash_reads_standard_input() {
    let mut command = onlycar(&["cfdi", "inspect", "-"]);
    command.stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(invoice().xml().as_bytes()).await.unwrap();
    drop(input);
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.starts_with(b"accept\n"));
}

#[tokio::test]
async fn what_cannot_be_read_is_wrong_usage() {
    for arguments in [
        &["cfdi", "inspect", "nowhere.xml"][..],
        &["cfdi", "inspect", "/"],
        &["cfdi", "inspect"],
        &["cfdi"],
    ] {
        let ended = run_in(Path::new("/"), arguments).await;
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{arguments:?}");
    }
}
