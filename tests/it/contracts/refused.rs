//! Documents of Mifiel's that cannot be kept: nothing is recorded, and somebody is told.

use onlycar::dev::mifiel::Event;

use super::Scene;

#[tokio::test]
async fn a_signed_document_larger_than_is_kept_alerts() {
    let scene = Scene::open().await;
    let document = scene.sent().await;
    scene.app.mifiel.sign_all(&document.id).unwrap();
    scene.app.mifiel.grow_pdfs(65 * 1024 * 1024);
    scene.tell(Event::DocumentClosed, &document).await;
    assert_eq!(scene.row(&document).await["estado"], "pendiente");
    assert_eq!(scene.states().await, ["parked"]);
    let alert = format!("documento-sin-confirmar:{}", document.id);
    assert_eq!(scene.alerts().await, [alert]);
    // What was sent, and whom it was for.
    assert_eq!(scene.app.bucket.keys().await.len(), 2);
    scene.app.finish().await;
}

#[tokio::test]
async fn a_large_one_is_stored_in_parts_and_whole() {
    let scene = Scene::open().await;
    let document = scene.sent().await;
    let signed = scene.app.mifiel.sign_all(&document.id).unwrap();
    scene.app.mifiel.grow_pdfs(20 * 1024 * 1024);
    scene.tell(Event::DocumentClosed, &document).await;
    let row = scene.row(&document).await;
    let (head, stored) = scene.app.bucket.read(row["url_pdf"].as_str().unwrap()).await;
    assert!(stored == scene.app.mifiel.pdf(&signed).unwrap());
    assert_eq!(head.content_type.as_deref(), Some("application/pdf"));
    scene.app.finish().await;
}
