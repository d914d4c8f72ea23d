//! Signing in to the panel, and what its buttons do: to whom they answer, and what they leave behind.

use chrono::TimeDelta;
use onlycar::access::SAMPLE;
use onlycar::dev::supabase::Supabase;
use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::support::{Story, TestApp};

const OURS: &str = "https://onlycar.example";
const SECRET: &str = "a secret of the tests that nobody guesses";
const ADMIN: Uuid = Uuid::from_u128(0xad);

/// The program beside a Supabase with an admin and an operator.
struct Panel {
    app: TestApp,
    cookie: String,
    supabase: Supabase,
    _running: DropGuard,
}

async fn supabase(app_clock: &onlycar::ground::clock::Clock) -> (Supabase, DropGuard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stop = CancellationToken::new();
    let users = vec![
        (SAMPLE.0, "admin", ADMIN),
        ("operador@onlycar.example", "operador", Uuid::from_u128(1)),
    ];
    let stopped = stop.clone().cancelled_owned();
    let supabase = Supabase::serve(listener, "anon", SECRET, users, app_clock.clone(), stopped);
    (supabase.unwrap(), stop.drop_guard())
}

impl Panel {
    async fn start() -> Self {
        // Of the time at which every TestApp begins: tokens are for a day.
        let clock = onlycar::ground::clock::Clock::manual("2026-11-22T18:00:00Z".parse().unwrap());
        let (supabase, guard) = supabase(&clock).await;
        let more = [
            ("PUBLIC_URL", OURS),
            ("SUPABASE_URL", supabase.url()),
            ("SUPABASE_ANON_KEY", "anon"),
            ("SUPABASE_JWT_SECRET", SECRET),
        ];
        let app = TestApp::with(&more).await;
        let mut panel = Self {
            app,
            cookie: String::new(),
            supabase,
            _running: guard,
        };
        let answer = panel.enter(SAMPLE.0, SAMPLE.1, "/panel").await;
        assert_eq!(answer.status(), 303);
        let cookie = answer.headers()[SET_COOKIE].to_str().unwrap();
        cookie.split(';').next().unwrap().clone_into(&mut panel.cookie);
        panel
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.app.client.request(method, format!("{}{path}", self.app.url))
    }

    async fn enter(&self, email: &str, password: &str, wanted: &str) -> Response {
        let form = [("correo", email), ("contrasena", password), ("a", wanted)];
        let request = self.request(Method::POST, "/panel/entrar").header(ORIGIN, OURS);
        form_of(request, &form).send().await.unwrap()
    }

    /// Looks at a page, signed in.
    async fn get(&self, path: &str) -> (u16, String) {
        let answer = self
            .request(Method::GET, path)
            .header(COOKIE, &self.cookie)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Asks the API, with the admin's token.
    async fn api(&self, method: Method, path: &str) -> (u16, Value) {
        let grant = format!("{}/auth/v1/token?grant_type=password", self.supabase.url());
        let typed = serde_json::json!({ "email": SAMPLE.0, "password": SAMPLE.1 });
        let grant = self.app.client.post(grant).header("apikey", "anon").json(&typed);
        let token: Value = grant.send().await.unwrap().json().await.unwrap();
        let request = self
            .request(method, path)
            .bearer_auth(token["access_token"].as_str().unwrap());
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Presses a button, signed in, on a page of ours.
    async fn press(&self, path: &str, form: &[(&str, &str)]) -> Response {
        let request = self
            .request(Method::POST, path)
            .header(COOKIE, &self.cookie)
            .header(ORIGIN, OURS);
        form_of(request, form).send().await.unwrap()
    }

    /// An event whose handling is done, as it then stands after somebody sets its state.
    async fn event(&self, state: &'static str) -> Uuid {
        let story = Story::create(&self.app.pool).await;
        // Ids are in the order of the time.
        self.app.advance(TimeDelta::seconds(1));
        let event = story.event("payment_intent.succeeded", self.app.now());
        self.app.handle(&event).await;
        let set = "update webhooks.events set state = $2, last_error = 'it failed each time'
                   where event_id = $1 returning id";
        let set = sqlx::query_scalar(set)
            .bind(event["id"].as_str().unwrap())
            .bind(state);
        set.fetch_one(&self.app.pool).await.unwrap()
    }

    /// Ends a test that left its event dead on purpose.
    async fn put_right(self) {
        sqlx::query("update webhooks.events set state = 'processed'")
            .execute(&self.app.pool)
            .await
            .unwrap();
        self.app.finish().await;
    }

    async fn stands(&self, event: Uuid) -> (String, Option<String>) {
        let sql = "select state, last_error from webhooks.events where id = $1";
        sqlx::query_as(sql)
            .bind(event)
            .fetch_one(&self.app.pool)
            .await
            .unwrap()
    }

    /// Who did this to that, by the audit log.
    async fn actors(&self, action: &str, resource: Uuid) -> Vec<String> {
        let log = self.app.audit().await;
        let rows = log
            .into_iter()
            .filter(|(_, it, on)| it == action && *on == resource.to_string());
        rows.map(|(actor, _, _)| actor).collect()
    }
}

fn form_of(request: RequestBuilder, form: &[(&str, &str)]) -> RequestBuilder {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(form);
    request
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.finish())
}

fn leads_to(answer: &Response) -> &str {
    answer.headers()[LOCATION].to_str().unwrap()
}

fn by_the_admin() -> Vec<String> {
    vec![format!("admin:{ADMIN}")]
}

#[tokio::test]
async fn an_admin_comes_in_with_a_password_and_nobody_else() {
    let panel = Panel::start().await;
    let answer = panel
        .enter(SAMPLE.0, SAMPLE.1, "/panel/eventos?estado=dead")
        .await;
    assert_eq!(
        (answer.status().as_u16(), leads_to(&answer)),
        (303, "/panel/eventos?estado=dead")
    );
    let answer = panel.enter(SAMPLE.0, SAMPLE.1, "https://example.com/panel").await;
    assert_eq!(leads_to(&answer), "/panel");

    for (email, password, status, told) in [
        (SAMPLE.0, "otra", 401, "no son correctos"),
        ("nadie@onlycar.example", SAMPLE.1, 401, "no son correctos"),
        (
            "operador@onlycar.example",
            SAMPLE.1,
            403,
            "no es de administración",
        ),
    ] {
        let answer = panel.enter(email, password, "/panel").await;
        assert_eq!(answer.status(), status, "{email}");
        assert!(answer.headers().get(SET_COOKIE).is_none(), "{email}");
        let page = answer.text().await.unwrap();
        assert!(page.contains(told) && !page.contains("otra"), "{page}");
    }
    panel.app.finish().await;
}

#[tokio::test]
async fn a_page_of_another_origin_signs_nobody_in_and_presses_no_button() {
    let panel = Panel::start().await;
    let event = panel.event("dead").await;
    for origin in [Some("https://evil.example"), Some("null"), None] {
        let form = [("correo", SAMPLE.0), ("contrasena", SAMPLE.1)];
        let mut enter = form_of(panel.request(Method::POST, "/panel/entrar"), &form);
        let path = format!("/panel/eventos/{event}/reprocesar");
        let mut press = panel.request(Method::POST, &path).header(COOKIE, &panel.cookie);
        if let Some(origin) = origin {
            (enter, press) = (enter.header(ORIGIN, origin), press.header(ORIGIN, origin));
        }
        for request in [enter, press] {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 403, "{origin:?}");
            assert!(answer.headers().get(SET_COOKIE).is_none());
        }
    }
    assert_eq!(panel.stands(event).await.0, "dead");
    panel.put_right().await;
}

#[tokio::test]
async fn without_a_session_every_address_leads_to_signing_in_and_nothing_changes() {
    let panel = Panel::start().await;
    let event = panel.event("dead").await;
    for (method, path) in [
        (Method::GET, "/panel".to_owned()),
        (Method::GET, format!("/panel/eventos/{event}")),
        (Method::GET, format!("/panel/documentos/facturas/{event}/pdf")),
        (Method::POST, format!("/panel/eventos/{event}/reprocesar")),
        (Method::POST, format!("/panel/eventos/{event}/ignorar")),
        (Method::POST, format!("/panel/eventos/{event}/simular")),
        (Method::POST, format!("/panel/trabajos/{event}/reintentar")),
        (Method::POST, format!("/panel/alertas/{event}/atender")),
        (Method::POST, format!("/panel/alertas/{event}/cerrar")),
    ] {
        let answer = panel
            .request(method, &path)
            .header(ORIGIN, OURS)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 303, "{path}");
        assert!(
            leads_to(&answer).starts_with("/panel/entrar?a=%2Fpanel"),
            "{path}"
        );
    }
    assert_eq!(panel.stands(event).await.0, "dead");
    panel.put_right().await;
}

#[tokio::test]
async fn a_dead_event_is_rehearsed_and_then_handled_again() {
    let panel = Panel::start().await;
    let event = panel.event("dead").await;
    let path = format!("/panel/eventos/{event}");
    let (status, page) = panel.get(&path).await;
    assert_eq!(status, 200);
    assert!(page.contains("it failed each time") && page.contains("payment_intent.succeeded"));
    assert!(
        !page.contains("ana@example.com") && !page.contains("Ana López"),
        "personal data is shown"
    );

    let rehearsed = panel.press(&format!("{path}/simular"), &[]).await;
    assert_eq!(rehearsed.status(), 200);
    assert!(rehearsed.text().await.unwrap().contains("no se cambió nada"));
    assert_eq!(panel.stands(event).await.0, "dead");

    let answer = panel.press(&format!("{path}/reprocesar"), &[]).await;
    assert_eq!(
        (answer.status().as_u16(), leads_to(&answer)),
        (303, &*format!("{path}?hecho=reprocesar"))
    );
    panel.app.drain().await;
    assert_eq!(panel.stands(event).await, ("processed".to_owned(), None));
    assert_eq!(panel.actors("evento.reprocesado", event).await, by_the_admin());
    panel.app.finish().await;
}

#[tokio::test]
async fn an_event_is_let_be_with_a_reason_and_only_where_it_waits() {
    let panel = Panel::start().await;
    let event = panel.event("parked").await;
    let path = format!("/panel/eventos/{event}/ignorar");
    for reason in ["", "   no ", &"x".repeat(301)] {
        let answer = panel.press(&path, &[("motivo", reason)]).await;
        assert_eq!(answer.status(), 422, "{reason:?}");
    }
    let reason = "Es una prueba de <b>Stripe</b>";
    assert_eq!(panel.press(&path, &[("motivo", reason)]).await.status(), 303);
    assert_eq!(
        panel.stands(event).await,
        ("ignored".to_owned(), Some(reason.to_owned()))
    );
    assert_eq!(panel.actors("evento.ignorado", event).await, by_the_admin());
    let (_, page) = panel.get(&format!("/panel/eventos/{event}")).await;
    assert!(
        page.contains("evento.ignorado"),
        "it belongs to the story of the event"
    );
    assert!(!page.contains("<b>Stripe</b>"), "a reason is text");
    assert!(
        page.contains("it failed each time"),
        "what was wrong stays in its story"
    );
    assert_eq!(panel.press(&path, &[("motivo", "otra vez")]).await.status(), 422);
    panel.app.finish().await;
}

#[tokio::test]
async fn a_job_that_was_given_up_is_tried_again() {
    let panel = Panel::start().await;
    panel.app.job("vigilar_base").await;
    let sql = "update engine.jobs set state = 'dead', last_error = 'away'
               where id = (select id from engine.jobs where kind = 'vigilar_base' and tick is null) returning id";
    let job: Uuid = sqlx::query_scalar(sql).fetch_one(&panel.app.pool).await.unwrap();
    let (status, page) = panel.get(&format!("/panel/trabajos/{job}")).await;
    assert_eq!(status, 200);
    assert!(
        page.contains("muerto") && page.contains("away") && page.contains("id=\"reintentar\""),
        "{page}"
    );
    let path = format!("/panel/trabajos/{job}/reintentar");
    assert_eq!(panel.press(&path, &[]).await.status(), 303);
    panel.app.drain().await;
    let state = panel.app.row("engine.jobs", job).await["state"].clone();
    assert_eq!(state, "processed");
    assert_eq!(panel.actors("trabajo.reintentado", job).await, by_the_admin());
    assert_eq!(panel.press(&path, &[]).await.status(), 422);
    panel.app.finish().await;
}

#[tokio::test]
async fn an_incident_is_seen_to_and_closed() {
    let panel = Panel::start().await;
    let story = Story::create(&panel.app.pool).await;
    let mut event = story.event("payment_intent.succeeded", panel.app.now());
    event["data"]["object"]["metadata"] = serde_json::json!({});
    panel.app.handle(&event).await;
    let alert: Uuid = panel
        .app
        .one("select id from engine.alerts where cause like 'pago-sin-servicio:%'")
        .await;
    let path = format!("/panel/alertas/{alert}");
    let (status, page) = panel.get(&path).await;
    assert_eq!(status, 200);
    assert!(page.contains("Siguiente paso"));
    let answer = panel
        .press(&format!("{path}/atender"), &[("nota", "La busco en Stripe")])
        .await;
    assert_eq!(
        (answer.status().as_u16(), leads_to(&answer)),
        (303, path.as_str())
    );
    let (_, page) = panel.get(&path).await;
    assert!(page.contains("atendida") && page.contains("La busco en Stripe"));
    assert_eq!(panel.press(&format!("{path}/atender"), &[]).await.status(), 422);
    assert_eq!(
        panel
            .press(&format!("{path}/cerrar"), &[("nota", "Asignado")])
            .await
            .status(),
        303
    );
    let (_, page) = panel.get(&path).await;
    assert!(page.contains("resuelta") && page.contains("Asignado"));
    assert_eq!(panel.actors("alerta.atendida", alert).await, by_the_admin());
    assert_eq!(panel.actors("alerta.cerrada", alert).await, by_the_admin());
    panel.app.finish().await;
}

#[tokio::test]
async fn the_inbox_is_served_to_programs_too() {
    let panel = Panel::start().await;
    let (first, second) = (panel.event("dead").await, panel.event("processed").await);
    let (status, page) = panel
        .api(Method::GET, "/api/admin/events?provider=stripe&limit=1")
        .await;
    assert_eq!(
        (status, page["events"][0]["id"].as_str()),
        (200, Some(&*second.to_string()))
    );
    let next = page["next"].as_str().unwrap();
    let (_, page) = panel
        .api(Method::GET, &format!("/api/admin/events?limit=1&cursor={next}"))
        .await;
    assert_eq!(page["events"][0]["id"], first.to_string());
    assert_eq!(page["next"], Value::Null);
    let (status, problem) = panel
        .api(
            Method::GET,
            "/api/admin/events?state=x&since=ayer&cursor=1&limit=0",
        )
        .await;
    assert_eq!((status, problem["errors"].as_array().unwrap().len()), (422, 4));

    let (status, story) = panel
        .api(Method::GET, &format!("/api/admin/events/{first}"))
        .await;
    assert_eq!((status, story["event"]["state"].as_str()), (200, Some("dead")));
    let again = format!("/api/admin/events/{first}/replay");
    let (status, told) = panel.api(Method::POST, &format!("{again}?dry_run=true")).await;
    assert_eq!(
        (status, told["rehearsal"]["outcome"].as_str()),
        (200, Some("processed"))
    );
    assert_eq!(panel.stands(first).await.0, "dead");
    let (status, told) = panel.api(Method::POST, &again).await;
    assert_eq!((status, told["queued"].as_bool()), (202, Some(true)));
    panel.app.drain().await;
    assert_eq!(panel.stands(first).await.0, "processed");
    let nobody = Uuid::from_u128(7);
    let (status, _) = panel
        .api(Method::POST, &format!("/api/admin/events/{nobody}/replay"))
        .await;
    assert_eq!(status, 404);
    panel.app.finish().await;
}

#[tokio::test]
async fn the_figures_are_served_to_programs_too() {
    let panel = Panel::start().await;
    panel.event("processed").await;
    panel.event("dead").await;
    let (status, figures) = panel.api(Method::GET, "/api/admin/metrics?periodo=hoy").await;
    assert_eq!(status, 200, "{figures}");
    assert_eq!(figures["payments_today"]["count"], 2);
    assert_eq!(figures["payments_today"]["amounts"]["MXN"], "3000.00");
    assert_eq!(figures["inbox"]["received_today"], 2);
    assert_eq!(figures["inbox"]["dead"], 1);
    assert_eq!(figures["providers"].as_array().unwrap().len(), 3);
    let (status, problem) = panel.api(Method::GET, "/api/admin/metrics?periodo=siglo").await;
    assert_eq!(
        (status, problem["errors"][0]["field"].as_str()),
        (422, Some("periodo"))
    );
    panel.put_right().await;
}
