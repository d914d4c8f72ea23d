//! A contract that is sent for signature, beside the running program.

use onlycar::contracts::mifiel::api::Signer;
use onlycar::contracts::sending::{NotSent, Order};
use onlycar::dev::mifiel::{Delivery, Draft, Event};
use onlycar::engine::work::Unit;
use onlycar::ground::facts::Actor;
use onlycar::ground::values::ContractId;
use serde_json::Value;
use uuid::Uuid;

use super::{Story, TestApp};

/// The program, a client, and a contract that waits for its signature.
pub struct Signing {
    pub app: TestApp,
    pub story: Story,
}

/// A document that Mifiel has: our row and Mifiel's id.
#[derive(Debug, Clone)]
pub struct Sent {
    pub row: Uuid,
    pub id: String,
}

impl Signing {
    /// With a subscription's contract that is neither paid nor signed.
    pub async fn open() -> Self {
        Self::with(TestApp::start().await).await
    }

    pub async fn with(app: TestApp) -> Self {
        let mut story = Story::create(&app.pool).await;
        story.sample = story.sample.one_story();
        let signing = Self { app, story };
        signing
            .run("update contratos_b2b set estado = 'pendiente_firma'")
            .await;
        signing
    }

    /// Hands the story's contract over, as the command and the endpoint do.
    pub async fn place(&self) -> Result<Uuid, NotSent> {
        self.place_of(self.story.contract).await
    }

    pub async fn place_of(&self, contract: Uuid) -> Result<Uuid, NotSent> {
        let order = Order {
            contract: ContractId(contract),
            pdf: Draft::default().file,
            signers: vec![Signer {
                name: "Ana López".to_owned(),
                email: "ana@example.com".to_owned(),
                tax_id: None,
            }],
        };
        let objects = self.app.bucket.objects();
        order
            .place(&self.app.engine, &objects, Unit::by(Actor::System))
            .await
    }

    /// The same, and Mifiel has it.
    pub async fn send(&self) -> Sent {
        let row = self.place().await.unwrap();
        self.app.drain().await;
        let id = self.row(row).await["mifiel_document_id"].clone();
        Sent {
            row,
            id: id.as_str().expect("Mifiel has it").to_owned(),
        }
    }

    /// Mifiel tells, and all that follows is done.
    pub async fn tell(&self, event: Event, sent: &Sent) {
        let told = self
            .app
            .mifiel
            .deliver(event, &sent.id, Delivery::default())
            .await;
        assert_eq!(told.unwrap()[0].status, 200);
        self.app.drain().await;
    }

    /// Everybody signs, and Mifiel tells.
    pub async fn sign(&self, sent: &Sent) {
        self.app.mifiel.sign_all(&sent.id).unwrap();
        self.tell(Event::DocumentClosed, sent).await;
    }

    /// The first signer declines, and Mifiel tells.
    pub async fn decline(&self, sent: &Sent) {
        let reject = self.app.mifiel.reject(&sent.id, "ana@example.com", "No soy yo");
        reject.unwrap();
        self.tell(Event::SignerRejected, sent).await;
    }

    /// A row of `contratos_firmados`.
    pub async fn row(&self, id: Uuid) -> Value {
        self.app.row("contratos_firmados", id).await
    }

    /// `contratos_firmados.estado`
    pub async fn state(&self, sent: &Sent) -> String {
        self.row(sent.row).await["estado"].as_str().unwrap().to_owned()
    }

    /// `contratos_b2b.estado`
    pub async fn standing(&self) -> String {
        let row = self.app.row("contratos_b2b", self.story.contract).await;
        row["estado"].as_str().unwrap().to_owned()
    }

    /// The causes of the open alerts.
    pub async fn alerts(&self) -> Vec<String> {
        self.app.alerts().await
    }

    /// To whom, and the subject, of all that was mailed.
    pub fn mailed(&self) -> Vec<(String, String)> {
        let mails = self.app.mail.messages();
        mails
            .iter()
            .map(|mail| (mail.to[0].clone(), mail.subject.clone()))
            .collect()
    }

    /// A job comes now, as its schedule would bring it.
    pub async fn job(&self, kind: &str) {
        self.app.job(kind).await;
    }

    /// Changes rows as the rest of the business would, or as an accident does.
    pub async fn run(&self, sql: &'static str) {
        sqlx::query(sql).execute(&self.app.pool).await.unwrap();
    }
}
