//! Where a download may lead: an address from outside is no way into our network.

use secrecy::SecretString;

use super::*;

fn redirect(to: &str) -> Vec<Step> {
    answer(302, &[&format!("location: {to}"), "content-length: 0"], b"")
}

/// A server that sends on whoever asks for `/a?to=…`, and hands out `hola` otherwise.
async fn sending_on() -> Server {
    Server::start(|path| match path.split_once("?to=") {
        Some((_, to)) => redirect(to),
        None => answer(200, &["content-length: 4"], b"hola"),
    })
    .await
}

#[tokio::test]
async fn redirects_are_followed_within_the_list() {
    let server = sending_on().await;
    let base = server.url("/");
    assert_eq!(get(&server, "/a?to=/b").await.unwrap(), b"hola");
    assert_eq!(get(&server, &format!("/a?to={base}b")).await.unwrap(), b"hola");
    assert_eq!(
        get(&server, &format!("/a?to=//127.0.0.1:{}/b", server.port()))
            .await
            .unwrap(),
        b"hola"
    );
    for status in [301, 303, 307, 308] {
        let server = Server::start(move |path| match path {
            "/a" => answer(status, &["location: b", "content-length: 0"], b""),
            _ => answer(200, &["content-length: 4"], b"hola"),
        })
        .await;
        assert_eq!(get(&server, "/a").await.unwrap(), b"hola");
    }
}

#[tokio::test]
async fn a_chain_has_an_end() {
    let chain = |length: u32| {
        Server::start(move |path| match path.trim_start_matches('/').parse::<u32>() {
            Ok(step) if step < length => redirect(&format!("/{}", step + 1)),
            _ => answer(200, &["content-length: 4"], b"hola"),
        })
    };
    let three = chain(3).await;
    assert_eq!(get(&three, "/0").await.unwrap(), b"hola");
    let four = chain(4).await;
    assert_eq!(forbidden(get(&four, "/0").await), "too many redirects lead there");
    assert_eq!(four.seen().len(), 4);
    let circle = Server::start(|_| redirect("/")).await;
    forbidden(get(&circle, "/").await);
}

#[tokio::test]
async fn a_redirect_leads_nowhere_else() {
    let server = sending_on().await;
    let stranger = Server::start(|_| answer(200, &["content-length: 4"], b"mala")).await;
    let port = stranger.port();
    for to in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("https://localhost:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://0x7f.0.0.1:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("//127.0.0.1:{port}/"),
        format!("http://user:pw@127.0.0.1:{}/", server.port()),
        format!("https://127.0.0.1:{}/", server.port()),
        "https://evil.example/".to_owned(),
        "http://api.gigstack.io/".to_owned(),
        "https://api.gigstack.io./".to_owned(),
        "https://api.gigstack.io@evil.example/".to_owned(),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "data:text/plain,hola".to_owned(),
        "https:///".to_owned(),
    ] {
        let error = get(&server, &format!("/a?to={to}")).await.unwrap_err();
        assert!(
            matches!(
                error,
                DownloadError::Forbidden { .. } | DownloadError::Status { status: 302, .. }
            ),
            "{to}: {error:?}"
        );
    }
    assert_eq!(stranger.seen(), [""; 0]);
}

#[tokio::test]
async fn an_address_is_held_to_the_list_before_anything_is_asked() {
    let server = Server::start(|_| answer(200, &["content-length: 4"], b"hola")).await;
    let (downloads, port) = (downloads(&server, patient()), server.port());
    for url in [
        "",
        "hola",
        "/a",
        "http:",
        "https://",
        "javascript:alert(1)",
        "https://evil.example/",
        "https://gigstack.io/",
        "http://api.gigstack.io/",
        "https://api.gigstack.io:444/",
        &format!("http://user@127.0.0.1:{port}/"),
        &format!("http://localhost:{port}/"),
        &format!("http://127.0.0.1.:{port}x/"),
    ] {
        let error = downloads.get(url, LIMIT).await.unwrap_err();
        assert!(
            matches!(error, DownloadError::Forbidden { .. }),
            "{url}: {error:?}"
        );
        assert!(matches!(Failure::from(error), Failure::Park(_)));
    }
    assert_eq!(server.seen(), [""; 0]);
}

/// The name is on the list, and leads to this machine: as the name of a provider would that somebody took over.
#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_not_called() {
    let downloads = Downloads::new(Hosts::new(&["localhost", "*.localhost"])).unwrap();
    let why = forbidden(downloads.get("https://localhost/", LIMIT).await);
    assert_eq!(why, "its name leads to an address that is not public");
}

#[tokio::test]
async fn the_key_goes_to_the_api_alone() {
    let store = Server::start(|_| answer(200, &["content-length: 4"], b"hola")).await;
    let to_store = store.url("/b").to_string();
    let api = Server::start(move |_| redirect(&to_store)).await;
    let hosts = Hosts::default().with(&api.url("/")).with(&store.url("/"));
    let key = SecretString::from("clave-de-la-api");
    let downloads = Downloads::new(hosts).unwrap().with_key(&api.url("/v2/"), key);
    let file = downloads.get(api.url("/a").as_str(), LIMIT).await.unwrap();
    assert_eq!(file.bytes().await.unwrap(), b"hola".as_slice());
    assert!(api.seen()[0].contains("\r\nauthorization: Bearer clave-de-la-api\r\n"));
    assert!(!store.seen()[0].to_lowercase().contains("authorization"));
    assert!(!format!("{downloads:?}").contains("clave-de-la-api"));
}

#[tokio::test]
async fn an_error_does_not_repeat_a_signed_link() {
    let server = Server::start(|_| answer(403, &["content-length: 0"], b"")).await;
    let refused = get(&server, "/a?X-Goog-Signature=secreta").await.unwrap_err();
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!(
            "http://{}/a?X-Goog-Signature=secreta",
            listener.local_addr().unwrap()
        )
    };
    let hosts = Hosts::default().with(&gone.parse().unwrap());
    let away = Downloads::new(hosts)
        .unwrap()
        .get(&gone, LIMIT)
        .await
        .unwrap_err();
    assert!(unavailable(Err::<(), _>(away.clone())).starts_with("no connection: "));
    for error in [refused, away] {
        assert!(!format!("{error} {error:?}").contains("secreta"), "{error:?}");
        assert!(matches!(Failure::from(error), Failure::Retry { .. }));
    }
}
