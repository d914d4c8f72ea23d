//! The mail as the product sends it.

use super::*;

#[tokio::test]
async fn lettre_mail_is_captured_and_survives_a_restart() {
    let server = started().await;
    let sent = mail("Tu pago quedó registrado");
    server.transport().send(sent.clone()).await.unwrap();
    let messages = server.mailbox.wait_for(1, LIMIT).await.unwrap();
    let message = &messages[0];
    assert_eq!(message.id, 1);
    assert_eq!(message.from, "OnlyCar <avisos@onlycar.mx>");
    assert_eq!(message.to, ["ana@example.com", "archivo@onlycar.mx"]);
    assert_eq!(message.subject, "Tu pago quedó registrado");
    let text = message.text.replace("\r\n", "\n");
    assert_eq!(
        text.trim_end(),
        "Hola, Ana.\n.\n..punto\nhttps://onlycar.mx/recibo?a=1&b=2"
    );
    assert!(message.html.as_ref().unwrap().contains("<b>Ana</b>"));
    // lettre ends the content with a line break of its own.
    let expected = [sent.formatted(), b"\r\n".to_vec()].concat();
    assert!(
        message.raw.ends_with(&expected),
        "the content is kept byte for byte"
    );

    let reopened = Mailbox::open(server.folder.path()).unwrap();
    let again = &reopened.messages()[0];
    assert_eq!(format!("{again:?}"), format!("{message:?}"));
}

#[tokio::test]
async fn a_connection_is_reused_and_order_kept() {
    let server = started().await;
    let transport = server.transport();
    for subject in ["uno", "dos", "tres"] {
        transport.send(mail(subject)).await.unwrap();
    }
    let messages = server.mailbox.wait_for(3, LIMIT).await.unwrap();
    let subjects: Vec<_> = messages.iter().map(|message| message.subject.as_str()).collect();
    assert_eq!(subjects, ["uno", "dos", "tres"]);
    let missing = server.mailbox.wait_for(4, Duration::ZERO).await.unwrap_err();
    assert_eq!(missing.to_string(), "3 of 4 messages after 0ns");
}

#[tokio::test]
async fn lettre_authenticates() {
    let server = started().await;
    for mechanism in [Mechanism::Plain, Mechanism::Login] {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
            .port(server.smtp.port())
            .credentials(Credentials::new("usuario".to_owned(), "clave".to_owned()))
            .authentication(vec![mechanism])
            .build();
        transport.send(mail("con clave")).await.unwrap();
    }
    assert_eq!(server.mailbox.messages().len(), 2);
}

#[tokio::test]
async fn faults() {
    let server = started().await;
    let (mailbox, transport) = (&server.mailbox, server.transport());
    mailbox.inject(Fault::Defer, 2);
    for _ in 0..2 {
        let error = transport.send(mail("después")).await.unwrap_err();
        assert!(error.is_transient(), "{error:?}");
        assert_eq!(
            error.status().unwrap().severity,
            Severity::TransientNegativeCompletion
        );
    }
    transport.send(mail("ahora sí")).await.unwrap();
    assert_eq!(mailbox.messages().len(), 1);

    mailbox.refuse("ANA@example.com");
    assert!(transport.send(mail("no")).await.unwrap_err().is_permanent());
    mailbox.heal();
    transport.send(mail("sí")).await.unwrap();

    mailbox.inject(Fault::Disconnect, 1);
    let error = transport.send(mail("cortado")).await.unwrap_err();
    assert!(!error.is_permanent(), "{error:?}");
    assert_eq!(mailbox.messages().len(), 2);

    mailbox.inject(Fault::LoseReply, 1);
    assert!(transport.send(mail("sin respuesta")).await.is_err());
    assert_eq!(
        mailbox.wait_for(3, LIMIT).await.unwrap()[2].subject,
        "sin respuesta"
    );
}
