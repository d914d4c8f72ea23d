//! Who is known and is not let in is in the log; who is not known writes nothing into it.

use chrono::TimeDelta;
use uuid::Uuid;

use crate::access::rig::SECRET;
use crate::counter::{SUPABASE, token};
use crate::support::TestApp;

#[tokio::test]
async fn a_refusal_is_written_down_once_a_minute_for_a_person_and_a_route() {
    let app = TestApp::with(&[("SUPABASE_URL", SUPABASE), ("SUPABASE_JWT_SECRET", SECRET)]).await;
    let (client, nobody) = (Uuid::from_u128(7), Uuid::from_u128(8));
    let as_client = token(&app, "cliente", client);
    let as_nobody = token(&app, "jefe", nobody);
    let knock = async |path: &str, token: Option<&str>| {
        let mut request = app.client.get(format!("{}{path}", app.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap().status().as_u16()
    };
    // Not known: nothing is written, however often.
    for token in [None, Some("a.b.c"), Some(&as_client[..as_client.len() - 4])] {
        assert_eq!(knock("/api/services", token).await, 401);
    }
    for _ in 0..3 {
        assert_eq!(knock("/api/services", Some(&as_client)).await, 403);
        let one = format!("/api/services/{}", Uuid::new_v4());
        assert_eq!(knock(&one, Some(&as_client)).await, 403);
        assert_eq!(knock("/api/services", Some(&as_nobody)).await, 403);
    }
    let denied = |actor: &str, route: &str| (actor.to_owned(), "acceso.negado".to_owned(), route.to_owned());
    let expected = [
        denied(&format!("cliente:{client}"), "GET /api/services"),
        denied(&format!("cliente:{client}"), "GET /api/services/{id}"),
        denied(&format!("usuario:{nobody}"), "GET /api/services"),
    ];
    assert_eq!(app.audit().await, expected);
    app.advance(TimeDelta::seconds(61));
    assert_eq!(knock("/api/services", Some(&as_client)).await, 403);
    assert_eq!(app.audit().await.len(), 4);
    app.finish().await;
}
