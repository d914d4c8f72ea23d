//! A mail server repeats in its refusal whom it refuses: that address is kept and logged nowhere.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::support::{Story, TestApp};

/// A mail server that takes no recipient, and says which.
async fn refusing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (read, mut write) = stream.into_split();
                let mut lines = BufReader::new(read).lines();
                write.write_all(b"220 mail\r\n").await.unwrap();
                while let Ok(Some(line)) = lines.next_line().await {
                    let answer = match line.split([':', ' ']).next().unwrap() {
                        "RCPT" => format!("550 5.1.1 {line} rejected: no such user\r\n"),
                        "QUIT" => "221 bye\r\n".to_owned(),
                        _ => "250 fine\r\n".to_owned(),
                    };
                    if write.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    format!("smtp://{address}")
}

#[tokio::test]
async fn an_address_that_the_mail_server_repeats_is_kept_nowhere() {
    let smtp = refusing().await;
    let app = TestApp::with(&[("SMTP_URL", smtp.as_str())]).await;
    let story = Story::create(&app.pool).await;
    app.handle(&story.event("payment_intent.payment_failed", app.now()))
        .await;
    let told: Vec<String> = app
        .one(
            "select coalesce(array_agg(error), '{}') from (
                 select error from engine.failures union all select last_error from engine.jobs
                 union all select detail from engine.alerts) as told (error) where error is not null",
        )
        .await;
    assert!(told.iter().any(|error| error.contains("550")), "{told:?}");
    assert!(
        !told.iter().any(|error| error.contains("example.com")),
        "{told:?}"
    );
    app.finish().await;
}
