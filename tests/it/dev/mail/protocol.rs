//! The conversation by hand, where a client library would not go.

use super::*;

#[tokio::test]
async fn commands_out_of_order_and_malformed() {
    let server = started().await;
    let mut talk = server.talk().await;
    talk.expect("MAIL FROM:<a@x.mx>", "503").await;
    talk.expect("AUTH PLAIN AGEAYg==", "503").await;
    talk.expect("HELO prueba", "250").await;
    talk.expect("RCPT TO:<b@x.mx>", "503").await;
    talk.expect("DATA", "503").await;
    talk.expect("MAIL FROM:<a@x.mx", "501").await;
    talk.expect("MAIL FROM:<a@x.mx> SIZE=99999999", "552").await;
    talk.expect("MAIL FROM:<a@x.mx> NADA=1", "555").await;
    talk.expect("MAIL FROM:<>", "250").await;
    talk.expect("MAIL FROM:<a@x.mx>", "503").await;
    talk.expect("DATA", "503").await;
    talk.expect("RCPT TO:b@x.mx>", "501").await;
    talk.expect("RSET", "250").await;
    talk.expect("RCPT TO:<b@x.mx>", "503").await;
    talk.expect("AUTH CRAM-MD5", "504").await;
    talk.expect("AUTH LOGIN", "334 VXNlcm5hbWU6").await;
    talk.expect("*", "501").await;
    talk.expect("AUTH PLAIN", "334").await;
    talk.expect("AGEAYg==", "235").await;
    talk.expect("STARTTLS", "502").await;
    talk.expect("VRFY ana", "252").await;
    talk.expect("NOOP", "250").await;
    talk.expect("HOLA", "500").await;
    talk.expect("", "500").await;
    talk.expect(&"x".repeat(5000), "500").await;
    talk.expect("QUIT", "221").await;
    assert_eq!(talk.answer().await, "");
    assert!(server.mailbox.messages().is_empty());
}

#[tokio::test]
async fn pipelining() {
    let server = started().await;
    let mut talk = server.talk().await;
    talk.expect("EHLO prueba", "250").await;
    let body = "Subject: junto\r\n\r\ncuerpo\r\n.\r\n";
    let all = "MAIL FROM:<a@x.mx>\r\nRCPT TO:<b@x.mx>\r\nRCPT TO:<c@x.mx>\r\nDATA\r\n";
    talk.send(format!("{all}{body}{all}{body}QUIT\r\n")).await;
    let mut answers = Vec::new();
    for _ in 0..11 {
        answers.push(talk.answer().await[..3].to_owned());
    }
    let once = ["250", "250", "250", "354", "250"];
    assert_eq!(answers, [&once[..], &once[..], &["221"]].concat());
    assert_eq!(server.mailbox.messages()[1].to, ["b@x.mx", "c@x.mx"]);
}

#[tokio::test]
async fn dots_are_unstuffed_and_cannot_smuggle() {
    let server = started().await;
    let mut talk = server.talk().await;
    talk.start_message().await;
    let smuggled = "\n.\nMAIL FROM:<m@x.mx>\n.\r\nRCPT TO:<v@x.mx>\r\n";
    talk.send(format!(
        "Subject: puntos\r\n\r\n..uno\r\n...\r\n.dos{smuggled}.\r\n"
    ))
    .await;
    assert!(talk.answer().await.starts_with("250"));
    let messages = server.mailbox.messages();
    assert_eq!(messages.len(), 1);
    let expected =
        "Subject: puntos\r\n\r\n.uno\r\n..\r\ndos\n.\nMAIL FROM:<m@x.mx>\n.\r\nRCPT TO:<v@x.mx>\r\n";
    let raw = String::from_utf8(messages[0].raw.clone()).unwrap();
    assert_eq!(
        raw,
        format!("Return-Path: <a@x.mx>\r\nX-Original-To: b@x.mx\r\n{expected}")
    );
}

#[tokio::test]
async fn too_large_or_cut_messages_are_not_kept() {
    let server = started().await;
    let mut talk = server.talk().await;
    talk.start_message().await;
    let line = format!("{}\r\n", "x".repeat(1022));
    talk.send(line.repeat(26 * 1024)).await;
    talk.send(".\r\n").await;
    assert!(talk.answer().await.starts_with("552"));
    talk.start_message().await;
    talk.send("Subject: cortado\r\n\r\nmedio mensaje").await;
    talk.0.get_mut().shutdown().await.unwrap();
    let mut rest = String::new();
    talk.0.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "");
    assert!(server.mailbox.messages().is_empty());
}

#[tokio::test]
async fn recipients_are_limited() {
    let server = started().await;
    let mut talk = server.talk().await;
    talk.expect("EHLO prueba", "250").await;
    talk.expect("MAIL FROM:<a@x.mx>", "250").await;
    for number in 0..100 {
        talk.expect(&format!("RCPT TO:<r{number}@x.mx>"), "250").await;
    }
    talk.expect("RCPT TO:<uno.mas@x.mx>", "452").await;
}

#[tokio::test]
async fn the_last_500_are_kept() {
    let server = started().await;
    let mut talk = server.talk().await;
    talk.expect("EHLO prueba", "250").await;
    for number in 1..=502 {
        let envelope = "MAIL FROM:<a@x.mx>\r\nRCPT TO:<b@x.mx>\r\nDATA\r\n";
        talk.send(format!("{envelope}Subject: {number}\r\n\r\n.\r\n"))
            .await;
        for _ in 0..4 {
            talk.answer().await;
        }
    }
    let messages = server.mailbox.messages();
    assert_eq!(
        (messages.len(), messages[0].id, messages[499].subject.as_str()),
        (500, 3, "502")
    );
    assert_eq!(std::fs::read_dir(server.folder.path()).unwrap().count(), 500);
    let reopened = Mailbox::open(server.folder.path()).unwrap();
    assert_eq!(reopened.messages().len(), 500);
}
