//! The page where a customer makes an invoice, as a browser without scripts meets it.

use reqwest::{Method, Response};
use serde_json::Value;

use super::{Doors, SECRET, Team, sale};

const FORM: [(&str, &str); 5] = [
    ("rfc", " xoji740919u48 "),
    ("nombre", "Ingrid Xodar Jiménez"),
    ("regimen", "612"),
    ("cp", "76028"),
    ("uso", "G03"),
];

async fn receipt(team: &Team) -> String {
    let (_, made) = team.post("/v1/invoices/self-service", &sale()).await;
    made["data"]["id"].as_str().unwrap().to_owned()
}

async fn submit(team: &Team, receipt: &str, form: &[(&str, &str)]) -> Response {
    let body: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let request = team.request(Method::POST, &format!("/autofactura?id={receipt}"));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    request.body(body).send().await.unwrap()
}

async fn page(team: &Team, receipt: &str) -> (u16, String) {
    let page = team.request(Method::GET, &format!("/autofactura?id={receipt}"));
    let page = page.send().await.unwrap();
    (page.status().as_u16(), page.text().await.unwrap())
}

#[tokio::test]
async fn the_form_filled_in_becomes_an_invoice_and_webhooks() {
    let team = Team::new().await;
    let doors = Doors::open().await;
    team.gigstack.send_to(&doors.url, SECRET);
    let receipt = receipt(&team).await;
    let (status, form) = page(&team, &receipt).await;
    assert_eq!(status, 200);
    assert!(
        form.contains("$1,500.00 MXN") && form.contains("Cambio de aceite"),
        "{form}"
    );
    assert!(!form.contains("<script"));
    for (name, _) in FORM {
        assert!(
            form.contains(&format!("<label for=\"{name}\">")),
            "{name}: {form}"
        );
        assert!(form.contains(&format!("name=\"{name}\"")), "{name}: {form}");
    }
    assert_eq!(
        team.request(Method::GET, "/autofactura.css")
            .send()
            .await
            .unwrap()
            .status(),
        200
    );

    for _ in 0..2 {
        let answer = submit(&team, &receipt, &FORM).await;
        // The second time it is the invoice's page at once.
        assert!([200, 303].contains(&answer.status().as_u16()));
    }
    let invoices = team.gigstack.invoices();
    assert_eq!(invoices.len(), 1);
    let (status, done) = page(&team, &receipt).await;
    assert_eq!(status, 200);
    assert!(
        done.contains(&invoices[0].uuid.to_string().to_uppercase()),
        "{done}"
    );
    let link = done
        .split("href=\"")
        .find(|part| part.contains(".xml\""))
        .unwrap();
    let xml = team
        .client
        .get(link.split('"').next().unwrap())
        .send()
        .await
        .unwrap();
    let xml = xml.text().await.unwrap();
    for told in [
        "Rfc=\"XOJI740919U48\"",
        "Nombre=\"INGRID XODAR JIMÉNEZ\"",
        "Total=\"1500.00\"",
        "FormaPago=\"01\"",
    ] {
        assert!(xml.contains(told), "{told}: {xml}");
    }

    let told = team.json(&format!("/v1/receipts/{receipt}")).await;
    assert_eq!(told["data"]["status"], "completed");
    assert_eq!(told["data"]["invoices"][0]["uuid"], invoices[0].uuid.to_string());
    assert!(
        !told.to_string().contains("XOJI740919U48"),
        "a receipt names nobody: {told}"
    );
    team.gigstack.settled().await;
    let letters = doors.letters();
    let paths: Vec<&str> = letters.iter().map(|letter| letter.uri.as_str()).collect();
    let expected = [
        "/api/webhooks/gigstack/invoice-created",
        "/api/webhooks/gigstack/self-invoice-completed",
    ];
    assert_eq!(paths, expected);
    let completed = letters[1].json();
    assert_eq!(completed["data"]["object"]["id"], receipt);
    assert_eq!(completed["data"]["object"]["metadata"], sale()["metadata"]);
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_field_and_nothing_is_stamped() {
    let team = Team::new().await;
    let receipt = receipt(&team).await;
    for (field, wrong) in [
        ("rfc", ""),
        ("rfc", "XOJI740919"),
        ("rfc", "XOJI741319U48"),
        ("rfc", "XAXX010101000"),
        ("nombre", " "),
        ("regimen", "999"),
        ("cp", "7602"),
        ("cp", "7602A"),
        ("uso", ""),
    ] {
        let form = FORM.map(|(name, value)| (name, if name == field { wrong } else { value }));
        let answer = submit(&team, &receipt, &form).await;
        assert_eq!(answer.status(), 422, "{field}: {wrong}");
        let page = answer.text().await.unwrap();
        assert_eq!(page.matches("class=\"error\"").count(), 1, "{page}");
        assert!(
            page.contains(&format!("aria-describedby=\"{field}-error\"")),
            "{page}"
        );
        // What was right need not be typed in again.
        assert_eq!(page.contains("INGRID XODAR"), field != "nombre");
    }
    let hostile = FORM.map(|(name, value)| {
        (
            name,
            if name == "rfc" {
                "\"><script>alert(1)</script>"
            } else {
                value
            },
        )
    });
    let page = submit(&team, &receipt, &hostile).await.text().await.unwrap();
    assert!(!page.contains("<script") && !page.contains("<SCRIPT"), "{page}");
    assert!(team.gigstack.invoices().is_empty());
}

#[tokio::test]
async fn a_receipt_that_is_gone_says_so() {
    let team = Team::new().await;
    let receipt = receipt(&team).await;
    team.gigstack.withdraw(&receipt).unwrap();
    assert_eq!(page(&team, &receipt).await.0, 410);
    assert_eq!(submit(&team, &receipt, &FORM).await.status(), 410);
    assert_eq!(page(&team, "receipt_of_nobody").await.0, 404);
    assert!(team.gigstack.invoices().is_empty());
    let state = team.request(Method::GET, "/_sim/state").send().await.unwrap();
    let state: Value = state.json().await.unwrap();
    assert_eq!(state["receipts"][0]["status"], "cancelled");
}
