//! Documents and subscriptions as the API and the webhooks tell them.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::Mifiel;
use super::state::{Document, Signer, Webhook};

/// As in 2026-11-22T18:00:00.000Z.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

impl Mifiel {
    /// The whole document. That somebody rejected it, the API does not tell.
    pub(super) fn document_json(&self, document: &Document) -> Value {
        let draft = &document.draft;
        let signed_at = document.signed_at();
        let all = signed_at.is_some();
        let path = |part: &str| format!("/api/v1/documents/{}/{part}", document.id);
        let of_signed = |part: &str| all.then(|| path(part));
        let owner = json!({
            "id": 1, "name": self.0.account.owner, "email": self.0.account.email, "is_company": true,
        });
        let open = document
            .signers
            .iter()
            .filter(|signer| signer.signed_at.is_none());
        let done = document
            .signers
            .iter()
            .filter(|signer| signer.signed_at.is_some());
        let signatures = document.signers.iter().map(|signer| signature(document, signer));
        json!({
            "id": document.id,
            "name": draft.file_name.trim_end_matches(".pdf"),
            "file_file_name": draft.file_name,
            "original_hash": document.original_hash,
            "signed": all,
            "signed_by_all": all,
            "signed_at": signed_at.map(time),
            "created_at": time(document.created_at),
            "burned_at": null,
            "status": if all { json!([1, "Firmado"]) } else { json!([0, "No Firmado"]) },
            "state": self.document_state(document),
            "external_id": draft.external_id,
            "callback_url": draft.callback_url,
            "sign_callback_url": draft.sign_callback_url,
            "expires_at": document.expires_at.map(time),
            "days_to_expire": draft.days_to_expire,
            "remind_every": draft.remind_every,
            "message_for_signers": draft.message_for_signers,
            "send_mail": draft.send_mail,
            "manual_close": false,
            "encrypted": false,
            "archived": false,
            "owner": owner,
            "creator": owner,
            "already_signed": done.map(person).collect::<Vec<_>>(),
            "has_not_signed": open.map(person).collect::<Vec<_>>(),
            "permissions": { "delete": !all, "close": false, "download": true, "transfer": all },
            "file": path("file"),
            "file_download": path("file?download=true"),
            "file_signed": of_signed("file_signed"),
            "file_signed_download": of_signed("file_signed?download=true"),
            "file_xml": of_signed("xml"),
            "signers": document.signers.iter().map(stakeholder).collect::<Vec<_>>(),
            "viewers": [],
            "signatures": signatures.collect::<Vec<_>>(),
            "signing_groups": [],
        })
    }

    fn document_state(&self, document: &Document) -> &'static str {
        if document.signed_at().is_some() {
            "completed"
        } else if document.has_expired(self.now()) {
            "expired"
        } else {
            "pending"
        }
    }

    /// The page where a signer signs.
    pub fn signing_url(&self, signer: &Signer) -> String {
        format!("{}/firmar/{}", self.url(), signer.widget_id)
    }
}

fn person(signer: &Signer) -> Value {
    json!({ "id": signer.id, "email": signer.party.email, "name": signer.party.name })
}

fn stakeholder(signer: &Signer) -> Value {
    let party = &signer.party;
    json!({
        "id": signer.id,
        "name": party.name,
        "email": party.email,
        "tax_id": party.tax_id,
        "role": "SIGNER",
        "signed": signer.signed_at.is_some(),
        "widget_id": signer.widget_id,
        "current": signer.signed_at.is_none(),
        "last_reminded_at": null,
        "sat_auth": false,
    })
}

fn signature(document: &Document, signer: &Signer) -> Value {
    let party = &signer.party;
    let sealed = signer
        .signed_at
        .map(|at| super::files::seal(document, signer, at));
    json!({
        "id": signer.id,
        "name": party.name,
        "email": party.email,
        "tax_id": party.tax_id,
        "signed": signer.signed_at.is_some(),
        "signed_at": signer.signed_at.map(time),
        "certificate_number": signer.signed_at.map(|_| super::files::CERTIFICATE),
        "signature": sealed,
    })
}

/// A subscription. No secret is in it: the vendor's have none.
pub(super) fn webhook(webhook: &Webhook) -> Value {
    json!({
        "id": webhook.id,
        "url": webhook.url,
        "callback_type": webhook.callback_type,
        "created_at": time(webhook.created_at),
    })
}
