//! Keys, listings, copies and restarts.

use super::*;

#[tokio::test]
async fn keys() {
    let (root, server) = started().await;
    let client = &server.client;
    let longest = format!("{}{}", "ñ/".repeat(300), "k".repeat(124));
    assert_eq!(longest.len(), 1024);
    let keys = [
        "p",
        "p/q",
        "../../escape",
        "a b+c%20&d=é",
        "/inicio",
        "doble//barra",
        longest.as_str(),
    ];
    for key in keys {
        put(client, key, key).await;
    }
    for key in keys {
        assert_eq!(get(client, key).await, key.as_bytes());
    }
    let outside = walk(root.path())
        .into_iter()
        .filter(|path| !path.starts_with(root.path().join(BUCKET)));
    assert_eq!(outside.count(), 0);
    assert!(!root.path().parent().unwrap().join("escape").exists());

    let too_long = client
        .put_object()
        .bucket(BUCKET)
        .key("k".repeat(1025))
        .send()
        .await;
    assert_eq!(refusal(too_long), refused(400, "KeyTooLongError"));
    server.stop().await;
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] })
        .collect()
}

#[tokio::test]
async fn listing() {
    let (_root, server) = started().await;
    let client = &server.client;
    for key in ["a/1", "a/2", "a/b/3", "a/c/4", "a/c/5", "z"] {
        put(client, key, "x").await;
    }
    let all = client
        .list_objects_v2()
        .bucket(BUCKET)
        .prefix("a/")
        .send()
        .await
        .unwrap();
    let keys: Vec<_> = all.contents().iter().filter_map(|object| object.key()).collect();
    assert_eq!(keys, ["a/1", "a/2", "a/b/3", "a/c/4", "a/c/5"]);

    let mut pages = client
        .list_objects_v2()
        .bucket(BUCKET)
        .prefix("a/")
        .delimiter("/")
        .max_keys(1)
        .into_paginator()
        .send();
    let mut entries = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert_eq!(page.key_count(), Some(1));
        entries.extend(
            page.contents()
                .iter()
                .filter_map(|object| object.key())
                .map(str::to_owned),
        );
        entries.extend(
            page.common_prefixes()
                .iter()
                .filter_map(|prefix| prefix.prefix())
                .map(str::to_owned),
        );
    }
    assert_eq!(entries, ["a/1", "a/2", "a/b/", "a/c/"]);
    let after = client
        .list_objects_v2()
        .bucket(BUCKET)
        .start_after("a/c/5")
        .send()
        .await
        .unwrap();
    assert_eq!(after.contents().len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn copy_and_delete() {
    let (_root, server) = started().await;
    let client = &server.client;
    client
        .put_object()
        .bucket(BUCKET)
        .key("a")
        .content_type("text/plain")
        .body(ByteStream::from_static(b"hola"))
        .send()
        .await
        .unwrap();
    let copy = |key: &str| {
        client
            .copy_object()
            .bucket(BUCKET)
            .copy_source(format!("{BUCKET}/a"))
            .key(key)
    };
    copy("b").send().await.unwrap();
    copy("c")
        .metadata_directive(MetadataDirective::Replace)
        .content_type("text/csv")
        .send()
        .await
        .unwrap();
    let kind = async |key: &str| {
        let head = client.head_object().bucket(BUCKET).key(key).send().await.unwrap();
        head.content_type().unwrap().to_owned()
    };
    assert_eq!(
        (kind("b").await, kind("c").await),
        ("text/plain".to_owned(), "text/csv".to_owned())
    );
    assert_eq!(get(client, "b").await, b"hola");

    client
        .delete_object()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    client
        .delete_object()
        .bucket(BUCKET)
        .key("never was")
        .send()
        .await
        .unwrap();
    assert!(absent(client, "a").await);
    let objects = ["b", "c"].map(|key| ObjectIdentifier::builder().key(key).build().unwrap());
    let delete = Delete::builder()
        .set_objects(Some(objects.to_vec()))
        .build()
        .unwrap();
    let deleted = client
        .delete_objects()
        .bucket(BUCKET)
        .delete(delete)
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.deleted().len(), 2);
    assert_eq!(
        client
            .list_objects_v2()
            .bucket(BUCKET)
            .send()
            .await
            .unwrap()
            .contents()
            .len(),
        0
    );
    server.stop().await;
}

#[tokio::test]
async fn a_restart_keeps_objects_and_clears_leftovers() {
    let (root, server) = started().await;
    put(&server.client, "queda", "uno").await;
    put(&server.client, "queda", "dos").await;
    let before = server
        .client
        .head_object()
        .bucket(BUCKET)
        .key("queda")
        .send()
        .await
        .unwrap();
    server.stop().await;

    let folder = root.path().join(BUCKET);
    std::fs::write(folder.join("spool/half"), "crash").unwrap();
    std::fs::write(
        folder.join("objects/feed-beef"),
        "a body whose sidecar never came",
    )
    .unwrap();
    let server = Server::start(root.path()).await;
    assert_eq!(get(&server.client, "queda").await, b"dos");
    let after = server
        .client
        .head_object()
        .bucket(BUCKET)
        .key("queda")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (after.e_tag(), after.last_modified()),
        (before.e_tag(), before.last_modified())
    );
    assert_eq!(spooled_files(root.path()), 0);
    assert_eq!(std::fs::read_dir(folder.join("objects")).unwrap().count(), 2);
    server.stop().await;
}
