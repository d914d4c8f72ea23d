//! The seeds of the fuzzers (fuzz/corpus), and what the fuzzers hold of any bytes, on stable Rust.

#[allow(dead_code)] // the seeds need not use every constant
#[path = "../../fuzz/checks.rs"]
mod checks;

use std::path::{Path, PathBuf};

use onlycar::dev::cfdi::{Invoice, Line, Party};
use onlycar::dev::mifiel;
use onlycar::dev::stripe::{self, Sample};
use onlycar::invoicing::cfdi::Accept;
use serde_json::{Value, json};

use crate::access::rig::{Draft, Signer};

/// What a fuzzer does with one input.
type Check = fn(&[u8]);

const CHECKS: [(&str, Check); 5] = [
    ("stripe_signature", checks::stripe_signature),
    ("event_envelope", checks::event_envelope),
    ("cfdi", checks::cfdi),
    ("pdf_check", checks::pdf_check),
    ("jwt", checks::jwt),
];

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target)
}

fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let files = std::fs::read_dir(folder(target)).unwrap();
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

/// Every seed, and every seed cut short, with a byte turned over, and twice.
#[test]
fn the_seeds_of_the_fuzzers_hold() {
    for (target, check) in CHECKS {
        let seeds = seeds(target);
        assert!(seeds.len() >= 4, "{target} has {} seeds", seeds.len());
        for (path, seed) in seeds {
            assert!(seed.len() <= 16 * 1024, "{} is large", path.display());
            check(&seed);
            check(&seed[..seed.len() / 2]);
            check(&[seed.as_slice(), seed.as_slice()].concat());
            for place in 0..seed.len().min(24) {
                let mut other = seed.clone();
                let at = place * other.len() / 24;
                other[at.min(seed.len() - 1)] ^= 0x11;
                check(&other);
            }
        }
    }
}

/// A fuzzer that starts outside of the door stays there: of each kind one seed gets through.
#[test]
fn a_seed_of_each_kind_is_accepted() {
    let accepted = |target: &str, good: fn(&[u8]) -> bool| {
        assert!(
            seeds(target).iter().any(|(_, seed)| good(seed)),
            "no seed of {target} gets through"
        );
    };
    accepted("cfdi", |seed| {
        onlycar::invoicing::cfdi::read(seed, Accept::default()).is_ok()
    });
    accepted("pdf_check", |seed| onlycar::tools::pdf::is_whole(&seed[1..]));
    accepted("stripe_signature", |seed| {
        let end = seed.iter().position(|byte| *byte == b'\n').unwrap();
        let secrets = onlycar::ground::config::Secrets::parse(checks::STRIPE).unwrap();
        let secrets = onlycar::payments::signature::SigningSecrets::new(&secrets);
        let now = checks::NOW.parse().unwrap();
        onlycar::payments::signature::verify([&seed[..end]], &seed[end + 1..], &secrets, now).is_ok()
    });
}

/// Writes the seeds anew: `ONLYCAR_WRITE_SEEDS=1 cargo test --test it fuzz::seeds_are_written`.
#[test]
#[allow(clippy::too_many_lines)] // a list
fn seeds_are_written() {
    if std::env::var_os("ONLYCAR_WRITE_SEEDS").is_none() {
        return;
    }
    let write = |target: &str, name: &str, bytes: &[u8]| {
        std::fs::create_dir_all(folder(target)).unwrap();
        std::fs::write(folder(target).join(name), bytes).unwrap();
    };
    let now = checks::NOW.parse().unwrap();
    let body: &[u8] = br#"{"id":"evt_1","object":"event","type":"plan.created"}"#;
    let good = stripe::sign(checks::STRIPE, now, body);
    let mac = good.split("v1=").nth(1).unwrap();
    let time = good.split(',').next().unwrap();
    for (name, header) in [
        ("good", good.clone()),
        ("several", format!("{time},v1=00,v0={mac},v1={mac},v1=zz")),
        ("wrong", format!("{time},v1={}", "0".repeat(64))),
        ("twice", format!("{time},{good}")),
        ("spaces", format!(" {time} , v1 = {mac} ")),
        (
            "old",
            stripe::sign(checks::STRIPE, now - chrono::TimeDelta::seconds(301), body),
        ),
    ] {
        write(
            "stripe_signature",
            name,
            &[header.as_bytes(), b"\n", body].concat(),
        );
    }

    for kind in ["payment_intent.succeeded", "customer.updated", "invoice.paid"] {
        let event = stripe::event(kind, &Sample::default(), now).unwrap();
        let event = json!({ "id": event["id"], "object": "event", "type": kind, "created": event["created"],
            "api_version": event["api_version"], "data": { "object": { "id": event["data"]["object"]["id"] } } });
        write(
            "event_envelope",
            kind,
            &[b"\0".as_slice(), event.to_string().as_bytes()].concat(),
        );
    }
    let thin = json!({ "id": "evt_2", "object": "v2.core.event", "type": "v1.charge.updated",
        "created": "2026-11-22T18:00:00Z", "related_object": { "id": "ch_1" } });
    write(
        "event_envelope",
        "thin",
        &[b"\0".as_slice(), thin.to_string().as_bytes()].concat(),
    );
    let names: [(&str, u8, Value); 5] = [
        (
            "mifiel_signed",
            1,
            json!({ "event": "document.signed", "data": { "document_id": "d-1" } }),
        ),
        (
            "mifiel_bare",
            1,
            json!({ "id": "d-1", "signed": true, "signers": [{ "email": "a@example.com" }] }),
        ),
        (
            "mifiel_declined",
            1,
            json!({ "event": "document.rejected", "document_id": "d-1", "reason": "no" }),
        ),
        (
            "gigstack_object",
            2,
            json!({ "type": "invoice.stamped", "data": { "object": { "id": "invoice_1",
            "uuid": "6f2ad6a1-52c5-4f3e-9c0b-0d3a1f9e7c11", "client": { "rfc": "XIA190128J61" } } } }),
        ),
        (
            "gigstack_flat",
            4,
            json!({ "event": "self_invoice.completed", "data": { "receipt_id": "receipt_1" } }),
        ),
    ];
    for (name, source, body) in names {
        write(
            "event_envelope",
            name,
            &[&[source], body.to_string().as_bytes()].concat(),
        );
    }

    let party = |rfc: &str, nombre: &str| Party {
        rfc: rfc.to_owned(),
        nombre: nombre.to_owned(),
        regimen: "612".to_owned(),
    };
    let uuid = "6f2ad6a1-52c5-4f3e-9c0b-0d3a1f9e7c11".parse().unwrap();
    let (emisor, receptor) = (
        party("EKU9003173C9", "ESCUELA KEMPER URGATE"),
        party("XIA190128J61", "XENON & CO"),
    );
    let mut invoice = Invoice::new(uuid, now, emisor, receptor);
    let price = "1500.50".parse().unwrap();
    invoice.conceptos = vec![Line::paid(
        None,
        "Cambio de aceite",
        price,
        "0.08".parse().unwrap(),
    )];
    let xml = invoice.xml();
    for (name, text) in [
        ("good", xml.clone()),
        ("bom", format!("\u{feff}{xml}")),
        (
            "default_namespace",
            xml.replace("cfdi:", "").replace("xmlns:cfdi", "xmlns"),
        ),
        (
            "dtd",
            format!(
                "<!DOCTYPE a [<!ENTITY b 'c'>]>{}",
                xml.split_once("?>").map_or(xml.as_str(), |it| it.1)
            ),
        ),
        (
            "comment",
            xml.replace("<cfdi:Emisor", "<!-- a --><![CDATA[b]]><cfdi:Emisor"),
        ),
        (
            "two_stamps",
            xml.replace("</cfdi:Complemento>", "</cfdi:Complemento><cfdi:Complemento/>"),
        ),
    ] {
        write("cfdi", name, text.as_bytes());
    }

    let pdf = mifiel::Draft::default().file.to_vec();
    for (name, size, bytes) in [
        ("whole", 255_u8, pdf.clone()),
        ("in_bytes", 0, pdf.clone()),
        ("cut", 7, pdf[..pdf.len() / 2].to_vec()),
        ("page", 3, b"<!doctype html><html>%PDF-%%EOF".to_vec()),
        ("long_tail", 63, [pdf.as_slice(), &[b' '; 2000]].concat()),
    ] {
        write("pdf_check", name, &[&[size], bytes.as_slice()].concat());
    }

    let draft = Draft {
        header: json!({ "typ": "JWT" }),
        claims: json!({ "iss": checks::ISSUER, "aud": "authenticated", "exp": 1_795_400_000,
            "sub": "5f1c3a52-6f0e-4c43-9a1e-0d6d3f0a7c11", "app_metadata": { "role": "admin" } }),
    };
    let ours = Signer::Hmac(checks::SUPABASE.as_bytes().to_vec());
    for (name, token) in [
        ("good", draft.clone().sign(&ours)),
        ("none", draft.clone().sign(&Signer::Nothing)),
        (
            "es256",
            draft.clone().header(json!({ "kid": "a" })).sign(&Signer::ec()),
        ),
        ("others", draft.clone().sign(&Signer::Hmac(b"another".to_vec()))),
        (
            "customer",
            draft
                .claims(
                    json!({ "aud": ["a", "authenticated"], "nbf": 1, "app_metadata": { "role": "cliente" } }),
                )
                .sign(&ours),
        ),
    ] {
        write("jwt", name, token.as_bytes());
    }
}
