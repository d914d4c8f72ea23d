//! What the simulated account holds: documents, subscriptions, and webhooks sent.

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sha2::{Digest, Sha256};
use uuid::Builder;

use super::delivery::Sent;
use super::draft::{Draft, Party};
use super::envelope::Event;

/// Somebody who is asked to sign, and what came of it.
#[derive(Debug, Clone)]
pub struct Signer {
    /// Mifiel's id.
    pub id: String,
    /// Names the page where it is signed.
    pub widget_id: String,
    /// Who it is.
    pub party: Party,
    /// When it was signed.
    pub signed_at: Option<DateTime<Utc>>,
    /// When it was rejected, and why. The API does not tell.
    pub rejected: Option<(DateTime<Utc>, String)>,
}

/// A document.
#[derive(Debug, Clone)]
pub struct Document {
    /// Mifiel's id.
    pub id: String,
    /// What was asked for.
    pub draft: Draft,
    /// SHA-256 of the PDF, in hex.
    pub original_hash: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it can be signed.
    pub expires_at: Option<DateTime<Utc>>,
    /// Who signs.
    pub signers: Vec<Signer>,
    /// When its owner deleted it.
    pub deleted_at: Option<DateTime<Utc>>,
}

impl Document {
    /// When the last of all signed.
    pub fn signed_at(&self) -> Option<DateTime<Utc>> {
        let all: Option<Vec<_>> = self.signers.iter().map(|signer| signer.signed_at).collect();
        all?.into_iter().max()
    }

    /// A signer by id, address or page.
    pub fn signer(&self, name: &str) -> Option<&Signer> {
        self.signers.iter().find(|signer| signer.is_named(name))
    }

    pub(super) fn has_expired(&self, now: DateTime<Utc>) -> bool {
        self.signed_at().is_none() && self.expires_at.is_some_and(|end| end <= now)
    }
}

impl Signer {
    pub(super) fn is_named(&self, name: &str) -> bool {
        [&self.id, &self.widget_id, &self.party.email].contains(&&name.to_owned())
    }

    /// When the signer last did something.
    pub(super) fn acted_at(&self) -> Option<DateTime<Utc>> {
        self.signed_at.max(self.rejected.as_ref().map(|(at, _)| *at))
    }
}

/// A subscription of the account: one address, one kind of news.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Mifiel's id.
    pub id: String,
    /// Where it is told.
    pub url: String,
    /// What is told.
    pub callback_type: Event,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Nothing is ever forgotten: it lives as long as a test or a `dev`.
pub(super) struct State {
    pub(super) documents: Vec<Document>,
    pub(super) webhooks: Vec<Webhook>,
    pub(super) sent: Vec<Sent>,
    pub(super) asked: Vec<String>,
    /// How much larger every signed PDF is than it need be.
    pub(super) pdf_zeros: usize,
    chance: StdRng,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            documents: Vec::new(),
            webhooks: Vec::new(),
            sent: Vec::new(),
            asked: Vec::new(),
            pdf_zeros: 0,
            chance: StdRng::seed_from_u64(seed),
        }
    }

    pub(super) fn new_id(&mut self) -> String {
        Builder::from_random_bytes(self.chance.random())
            .into_uuid()
            .to_string()
    }

    /// A document that is there, by Mifiel's id.
    pub(super) fn document(&self, id: &str) -> Option<&Document> {
        self.documents
            .iter()
            .find(|document| document.id == id && document.deleted_at.is_none())
    }

    pub(super) fn document_mut(&mut self, id: &str) -> Option<&mut Document> {
        self.documents
            .iter_mut()
            .find(|document| document.id == id && document.deleted_at.is_none())
    }

    /// The document whose signer's page it is.
    pub(super) fn document_of_page(&self, widget_id: &str) -> Option<&Document> {
        let has = |document: &&Document| {
            document
                .signers
                .iter()
                .any(|signer| signer.widget_id == widget_id)
        };
        self.documents.iter().find(has)
    }

    pub(super) fn create(&mut self, draft: Draft, now: DateTime<Utc>) -> Document {
        let id = self.new_id();
        let parties = draft.signers.clone();
        let signers = parties.into_iter().map(|party| Signer {
            id: self.new_id(),
            widget_id: self.new_id().replace('-', ""),
            party,
            signed_at: None,
            rejected: None,
        });
        let document = Document {
            id,
            signers: signers.collect(),
            original_hash: hex::encode(Sha256::digest(&draft.file)),
            created_at: now,
            expires_at: draft
                .days_to_expire
                .and_then(|days| now.checked_add_signed(TimeDelta::try_days(days)?)),
            deleted_at: None,
            draft,
        };
        self.documents.push(document.clone());
        document
    }

    /// A new subscription, even to what is subscribed to already.
    pub(super) fn subscribe(&mut self, url: &str, callback_type: Event, now: DateTime<Utc>) -> Webhook {
        let webhook = Webhook {
            id: self.new_id(),
            url: url.to_owned(),
            callback_type,
            created_at: now,
        };
        self.webhooks.push(webhook.clone());
        webhook
    }
}
