//! The panel as people use it: a real browser, the program as `onlycar dev` starts it.

use sqlx::PgPool;
use url::Url;

use crate::support::browser::Browser;
use crate::support::dev::Dev;

/// Signed in by one click.
async fn signed_in(browser: &Browser, dev: &Dev) {
    browser.go(&format!("{}/panel", dev.value("base_url"))).await;
    browser.press("#demo").await;
    assert_eq!(browser.text("nav a[aria-current]").await, "Inicio");
}

/// No page complained, and none asked anybody but us.
async fn quiet(browser: &Browser, dev: &Dev) {
    let ours: Url = dev.value("base_url").parse().unwrap();
    let (complaints, asked) = browser.log().await;
    assert!(complaints.is_empty(), "{complaints:#?}");
    assert!(!asked.is_empty());
    for url in asked {
        assert_eq!(url.origin(), ours.origin(), "{url}");
    }
}

/// An event that was given up after its last attempt, as a failing database leaves it.
async fn bury(pool: &PgPool, event: &str) {
    let bury = "update webhooks.events set state = 'dead', attempts = 16, last_error = 'it failed each time'
                where event_id = $1";
    sqlx::query(bury).bind(event).execute(pool).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_morning_of_an_admin() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let dev = Dev::start().await;
    let pool = dev.pool().await;
    let base = dev.value("base_url").to_owned();

    signed_in(&browser, &dev).await;
    assert_eq!(browser.text("#pagos").await, "0");
    let event = dev.trigger(&["payment_intent.succeeded"]).await;
    assert_eq!(dev.outcome(&pool, &event).await, "processed");
    browser.page.refresh().await.unwrap();
    assert_eq!(browser.text("#pagos").await, "1");
    quiet(&browser, &dev).await;

    bury(&pool, &event).await;
    browser.go(&format!("{base}/panel/eventos?estado=dead")).await;
    browser.press("tbody tr:first-child a").await;
    assert_eq!(browser.text("#estado").await, "muerto");
    browser.press("#simular").await;
    assert!(browser.text("#simulacion").await.contains("no se cambió nada"));
    browser.press("#reprocesar").await;
    assert!(browser.text("[role=status]").await.contains("cola"));
    assert_eq!(dev.outcome(&pool, &event).await, "processed");
    browser.page.refresh().await.unwrap();
    assert_eq!(browser.text("#estado").await, "procesado");
    quiet(&browser, &dev).await;

    let paid_wrong = dev
        .trigger(&["payment_intent.succeeded", "--set", "amount_received=99900"])
        .await;
    assert_eq!(dev.outcome(&pool, &paid_wrong).await, "processed");
    browser.go(&format!("{base}/panel/alertas")).await;
    browser.press("tbody tr:first-child a").await;
    assert_eq!(browser.text("#estado").await, "abierta");
    browser.press("#atender").await;
    browser.page.refresh().await.unwrap();
    assert_eq!(browser.text("#estado").await, "atendida");
    quiet(&browser, &dev).await;

    browser.go(&format!("{base}/panel")).await;
    browser.press(".out button").await;
    assert!(browser.text("h1").await.contains("Panel"));
    browser.go(&format!("{base}/panel/eventos")).await;
    assert!(
        browser
            .page
            .current_url()
            .await
            .unwrap()
            .path()
            .ends_with("/entrar")
    );
    quiet(&browser, &dev).await;
    browser.close().await;
}

/// Every page of the menu, and one of each thing that a list leads to.
async fn pages(browser: &Browser, base: &str) -> Vec<String> {
    let mut pages = vec![format!("{base}/panel/entrar")];
    for list in browser.links("nav a").await {
        browser.go(&list).await;
        pages.extend(browser.links("tbody tr:first-child td:first-child a").await);
        pages.push(list);
    }
    pages
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_for_everybody_and_fits_a_phone() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let axe = Browser::axe();
    let dev = Dev::start().await;
    let pool = dev.pool().await;
    signed_in(&browser, &dev).await;
    let paid_wrong = ["payment_intent.succeeded", "--set", "amount_received=99900"];
    for event in [&paid_wrong[..], &["charge.dispute.created"], &["document.signed"]] {
        dev.trigger(event).await;
    }
    let parked = dev
        .trigger(&["payment_intent.succeeded", "--set", "metadata.service_id=nobody"])
        .await;
    assert_eq!(dev.outcome(&pool, &parked).await, "parked");
    browser.page.refresh().await.unwrap();
    let pages = pages(&browser, dev.value("base_url")).await;
    assert!(pages.len() > 14, "{pages:?}");
    browser.page.set_window_size(360, 740).await.unwrap();
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        for page in &pages {
            browser.go(page).await;
            assert!(!browser.is_too_wide().await, "{page} is wider than a phone");
            if let Some(axe) = &axe {
                let barriers = browser.barriers(axe).await;
                assert!(barriers.is_empty(), "{page} {scheme}: {barriers:#?}");
            }
        }
    }
    quiet(&browser, &dev).await;
    if let Some(axe) = &axe {
        sees_what_is_wrong(&browser, axe).await;
    }
    browser.close().await;
}

/// Else that nothing was found would prove nothing.
async fn sees_what_is_wrong(browser: &Browser, axe: &str) {
    let spoil =
        "document.querySelector('h1').style.color = '#333'; document.documentElement.removeAttribute('lang')";
    browser.page.execute(spoil, Vec::new()).await.unwrap();
    let barriers = browser.barriers(axe).await.join("\n");
    for rule in ["color-contrast at h1", "html-has-lang at html"] {
        assert!(barriers.contains(rule), "{barriers}");
    }
}
