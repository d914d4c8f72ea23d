//! The signed PDF and XML, and what goes wrong with them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use onlycar::dev::mifiel::Fault;
use reqwest::Method;
use serde_json::json;

use super::{Office, closed, draft};

#[tokio::test]
async fn there_are_none_until_everybody_signed() {
    let office = Office::new().await;
    let id = office.mifiel.create(draft()).id;
    for part in ["file_signed", "xml"] {
        let path = format!("/documents/{id}/{part}");
        office.mifiel.document(&id).unwrap();
        assert_eq!(office.get(&path).await.status(), 404, "{part}");
    }
    assert_eq!(office.get(&format!("/documents/{id}/file")).await.status(), 200);
    let document = office.mifiel.sign(&id, "ana@example.com").unwrap();
    assert!(office.mifiel.pdf(&document).is_none() && office.mifiel.xml(&document).is_none());
}

#[tokio::test]
async fn the_signed_pdf_holds_the_original_and_who_signed() {
    let office = Office::new().await;
    let document = closed(&office.mifiel);
    for zeros in [0, 200_000] {
        office
            .sim(Method::PUT, "habits", &json!({ "grow_pdfs": zeros }))
            .await;
        let answer = office
            .get(&format!("/documents/{}/file_signed", document.id))
            .await;
        assert_eq!(answer.headers()["content-type"], "application/pdf");
        let length: usize = answer.headers()["content-length"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        let pdf = answer.bytes().await.unwrap();
        assert_eq!((pdf.len(), pdf.len() > zeros), (length, true));
        assert_eq!(pdf, office.mifiel.pdf(&document).unwrap());
        assert!(pdf.starts_with(b"%PDF-1.7") && pdf.ends_with(b"%%EOF\n"));
        let has = |wanted: &[u8]| pdf.windows(wanted.len()).any(|window| window == wanted);
        assert!(has(&document.draft.file), "the original is in it, whole");
        assert!(has(document.original_hash.as_bytes()));
        assert!(has(b"beto@example.com") && has(b"XOJI740919U48"));
        every_object_is_where_the_table_says(&pdf);
    }
}

fn every_object_is_where_the_table_says(pdf: &[u8]) {
    let find = |wanted: &[u8]| {
        pdf.windows(wanted.len())
            .rposition(|window| window == wanted)
            .unwrap()
    };
    let tail = std::str::from_utf8(&pdf[find(b"startxref\n")..]).unwrap();
    let table: usize = tail.lines().nth(1).unwrap().parse().unwrap();
    let table = std::str::from_utf8(&pdf[table..]).unwrap();
    let places = table.lines().skip(3).take_while(|line| line.ends_with(" n "));
    let mut count = 0;
    for (number, place) in (1..).zip(places) {
        let place: usize = place[..10].parse().unwrap();
        assert!(pdf[place..].starts_with(format!("{number} 0 obj\n").as_bytes()));
        count = number;
    }
    assert_eq!(count, 9);
}

#[tokio::test]
async fn the_signed_xml_is_well_formed_and_holds_every_signature() {
    let office = Office::new().await;
    let document = closed(&office.mifiel);
    let answer = office.get(&format!("/documents/{}/xml", document.id)).await;
    assert_eq!(answer.headers()["content-type"], "application/xml");
    let text = answer.text().await.unwrap();
    let xml = roxmltree::Document::parse(&text).unwrap();
    let all = |name: &'static str| {
        let nodes = xml.descendants();
        nodes.filter(move |node| node.has_tag_name(("https://www.mifiel.com/XMLFiesta", name)))
    };
    let file = all("file").next().unwrap();
    assert_eq!(file.attribute("originalHash"), Some(&*document.original_hash));
    assert_eq!(
        STANDARD.decode(file.text().unwrap()).unwrap(),
        document.draft.file
    );
    let names: Vec<_> = all("signer")
        .map(|node| node.attribute("name").unwrap())
        .collect();
    assert_eq!(names, ["Ana & <Co>", "Beto"]);
    for signature in all("signature") {
        assert_eq!(signature.attribute("signedAt"), Some("2026-11-22T18:00:00.000Z"));
        assert_eq!(STANDARD.decode(signature.text().unwrap()).unwrap().len(), 256);
    }
    assert_eq!(all("signature").count(), 2);
    let record = all("conservancyRecord").next().unwrap();
    assert!(record.attribute("timestamp").is_some() && all("record").next().unwrap().text().is_some());
}

#[tokio::test]
async fn a_file_may_be_half_a_page_or_of_another_document() {
    let office = Office::new().await;
    let document = closed(&office.mifiel);
    for part in ["file_signed", "xml"] {
        let path = format!("/documents/{}/{part}", document.id);
        let right = office.get(&path).await.bytes().await.unwrap();
        let mut wrong = Vec::new();
        for fault in [Fault::Truncated, Fault::HtmlFile, Fault::OtherDocument] {
            office.mifiel.fail(fault, 1);
            assert_eq!(office.get("/documents").await.status(), 200, "no file");
            let answer = office.get(&path).await;
            assert_eq!(answer.status(), 200);
            wrong.push(answer.bytes().await.unwrap());
            assert_eq!(office.get(&path).await.bytes().await.unwrap(), right);
        }
        assert_eq!(wrong[0], right.slice(..right.len() / 2));
        assert!(wrong[1].starts_with(b"<!doctype html>"));
        let other = String::from_utf8_lossy(&wrong[2]).into_owned();
        assert!(!other.contains(&document.original_hash) && other.contains("beto@example.com"));
    }
}
