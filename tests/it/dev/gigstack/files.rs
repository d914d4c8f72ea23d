//! How files are handed out, and how that goes wrong.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use onlycar::dev::gigstack::{Fault, FilesAs, Order, key};
use serde_json::Value;

use super::Team;

#[tokio::test]
async fn v1_answers_with_the_bytes() {
    let team = Team::new().await;
    let invoice = team.gigstack.stamp(Order::default());
    for (ending, kind, bytes) in [
        ("pdf", "application/pdf", team.gigstack.pdf(&invoice)),
        ("xml", "application/xml", team.gigstack.xml(&invoice)),
    ] {
        let answer = team.get(&format!("/v1/invoices/{}/{ending}", invoice.uuid)).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], kind);
        assert!(answer.bytes().await.unwrap() == bytes);
    }
    let asked = team.gigstack.asked();
    assert_eq!(asked[0], format!("GET /v1/invoices/{}/pdf", invoice.uuid));
}

#[tokio::test]
async fn v2_answers_in_every_way_that_was_ever_met() {
    let team = Team::new().await;
    let invoice = team.gigstack.stamp(Order::default());
    let path = format!("/v2/invoices/{}/files", invoice.uuid);
    let (pdf, xml) = (team.gigstack.pdf(&invoice), team.gigstack.xml(&invoice));
    for (way, pointers) in [
        (FilesAs::Urls, ["/pdf", "/xml"]),
        (FilesAs::NamedUrls, ["/pdf_url", "/xml_url"]),
        (FilesAs::Objects, ["/pdf/url", "/xml/url"]),
    ] {
        team.gigstack.files_as(way);
        let told = team.json(&path).await;
        for (pointer, bytes) in pointers.into_iter().zip([&pdf, &xml]) {
            let url = told["data"].pointer(pointer).and_then(Value::as_str).unwrap();
            // Like the vendor's own program, without a token.
            let answer = team.client.get(url).send().await.unwrap();
            assert!(answer.bytes().await.unwrap() == *bytes, "{url}");
        }
    }
    team.gigstack.files_as(FilesAs::Base64);
    let told = team.json(&path).await;
    assert_eq!(told["data"]["pdf"], STANDARD.encode(&pdf));
    assert_eq!(told["data"]["xml"], STANDARD.encode(&xml));
    team.gigstack.files_as(FilesAs::Inline);
    let told = team.json(&path).await;
    assert_eq!(told["data"]["pdf"]["content"], STANDARD.encode(&pdf));
    assert_eq!(told["data"]["xml"]["content"], String::from_utf8(xml).unwrap());
}

#[tokio::test]
async fn a_token_that_goes_to_another_host_is_noted() {
    let team = Team::new().await;
    let invoice = team.gigstack.stamp(Order::default());
    let path = format!("/v2/invoices/{}/files", invoice.uuid);
    team.gigstack.fail_at("/v2/invoices", Fault::ForeignHost, 1);
    let foreign = team.json(&path).await["data"]["pdf"].as_str().unwrap().to_owned();
    let own = team.json(&path).await["data"]["pdf"].as_str().unwrap().to_owned();
    assert!(foreign.starts_with("http://localhost:"), "{foreign}");
    assert!(own.starts_with(&team.gigstack.url()), "{own}");
    let bytes = team
        .client
        .get(&foreign)
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert!(bytes == team.gigstack.pdf(&invoice));
    team.client
        .get(&own)
        .bearer_auth(key(false))
        .send()
        .await
        .unwrap();
    assert_eq!(team.gigstack.leaked_tokens(), 0);
    team.client
        .get(&foreign)
        .bearer_auth(key(false))
        .send()
        .await
        .unwrap();
    assert_eq!(team.gigstack.leaked_tokens(), 1);
}

/// What the file of an invoice holds while a fault lasts.
async fn met(team: &Team, fault: Fault, ending: &str) -> (String, String) {
    let invoice = team.gigstack.stamp(Order::default());
    team.gigstack.fail(fault, 1);
    let path = format!("/v1/invoices/{}/{ending}", invoice.uuid);
    let wrong = team.get(&path).await;
    assert_eq!(wrong.status(), 200);
    let wrong = String::from_utf8_lossy(&wrong.bytes().await.unwrap()).into_owned();
    let right = team.get(&path).await.bytes().await.unwrap();
    (wrong, String::from_utf8_lossy(&right).into_owned())
}

#[tokio::test]
async fn a_wrong_document_is_well_formed_and_another_s() {
    let team = Team::new().await;
    for (fault, differs) in [
        (Fault::OtherUuid, "UUID"),
        (Fault::OtherIssuer, "Rfc"),
        (Fault::OtherTotal, "Total"),
    ] {
        let (wrong, right) = met(&team, fault, "xml").await;
        let value = |xml: &str| {
            let document = roxmltree::Document::parse(xml).unwrap();
            let found = document.descendants().find_map(|node| node.attribute(differs));
            found.unwrap().to_owned()
        };
        assert_ne!(value(&wrong), value(&right), "{differs}");
        // The PDF does not know of it, nor does the fault of a PDF.
        let (pdf, same) = met(&team, fault, "pdf").await;
        assert_eq!(pdf, same);
        team.gigstack.heal();
    }
}

#[tokio::test]
async fn half_a_file_and_a_page_in_its_place() {
    let team = Team::new().await;
    for ending in ["pdf", "xml"] {
        let (wrong, right) = met(&team, Fault::Truncated, ending).await;
        assert!(right.starts_with(&wrong) && wrong.len() < right.len());
        let (wrong, right) = met(&team, Fault::HtmlFile, ending).await;
        assert!(wrong.starts_with("<!doctype html>") && wrong != right);
    }
}
