//! What can happen to documents. Nobody is told: that is [`Mifiel::deliver`]'s.

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};

use super::Mifiel;
use super::draft::Draft;
use super::state::{Document, Signer, State};

impl Mifiel {
    /// Makes a document, as `POST /documents` does.
    pub fn create(&self, draft: Draft) -> Document {
        let now = self.now();
        self.state().create(draft, now)
    }

    /// A signer, by id, address or page, signs. Who rejected it may think better of it.
    pub fn sign(&self, document: &str, signer: &str) -> anyhow::Result<Document> {
        let now = self.now();
        self.act(document, signer, |signer| {
            signer.signed_at = Some(now);
            signer.rejected = None;
        })
    }

    /// Everybody signs who has not yet.
    pub fn sign_all(&self, document: &str) -> anyhow::Result<Document> {
        let now = self.now();
        let mut state = self.state();
        let found = open(&mut state, document, now)?;
        for signer in &mut found.signers {
            signer.signed_at.get_or_insert(now);
            signer.rejected = None;
        }
        Ok(found.clone())
    }

    /// A signer will not sign, and says why. The document stays open.
    pub fn reject(&self, document: &str, signer: &str, reason: &str) -> anyhow::Result<Document> {
        let rejected = Some((self.now(), reason.to_owned()));
        self.act(document, signer, |signer| signer.rejected = rejected)
    }

    fn act(&self, document: &str, signer: &str, act: impl FnOnce(&mut Signer)) -> anyhow::Result<Document> {
        let mut state = self.state();
        let found = open(&mut state, document, self.now())?;
        let signer = found.signers.iter_mut().find(|found| found.is_named(signer));
        let signer = signer.context("there is no such signer")?;
        if signer.signed_at.is_some() {
            bail!("the signer signed already");
        }
        act(signer);
        Ok(found.clone())
    }

    /// The owner deletes it; the API knows it no more.
    pub fn delete(&self, document: &str) -> anyhow::Result<()> {
        let now = self.now();
        let mut state = self.state();
        let found = state.document_mut(document);
        found.context("there is no such document")?.deleted_at = Some(now);
        Ok(())
    }

    /// The time to sign it is over.
    pub fn expire(&self, document: &str) -> anyhow::Result<()> {
        let now = self.now();
        open(&mut self.state(), document, now)?.expires_at = Some(now);
        Ok(())
    }

    /// A document as it is now, also a deleted one.
    pub fn document(&self, id: &str) -> Option<Document> {
        let state = self.state();
        state.documents.iter().find(|document| document.id == id).cloned()
    }

    /// Every document, also the deleted ones, the oldest first.
    pub fn documents(&self) -> Vec<Document> {
        self.state().documents.clone()
    }
}

/// A document that can still be signed.
fn open<'s>(state: &'s mut State, id: &str, now: DateTime<Utc>) -> anyhow::Result<&'s mut Document> {
    let document = state.document_mut(id).context("there is no such document")?;
    if document.signed_at().is_some() {
        bail!("everybody signed it already");
    }
    if document.has_expired(now) {
        bail!("the time to sign it is over");
    }
    Ok(document)
}
