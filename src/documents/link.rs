//! Links to files. Permission first, then the store is asked whether the file is there as it was stored, then the audit
//! row is committed, and only then is the link told.

use std::sync::Arc;
use std::time::Duration;

use chrono::SecondsFormat;
use serde_json::json;
use uuid::Uuid;

use super::find::{self, Document, File};
use super::kind::{Format, Kind};
use super::permission::may;
use super::store::{self, Fault};
use crate::access::User;
use crate::engine::{Engine, Failure};
use crate::ground::config;
use crate::tools::objects::{Link, Objects, StoreError};

/// Hands out links.
#[derive(Clone)]
pub struct Links {
    engine: Arc<Engine>,
    objects: Option<Objects>,
    valid: Duration,
}

/// The file that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Of which kind of document.
    pub kind: Kind,
    /// Which document.
    pub id: Uuid,
    /// Which of its files.
    pub format: Format,
}

/// Why there is no link.
#[derive(Debug)]
pub enum NoLink {
    /// There is no such document, or it is not for them.
    Unknown,
    /// It is for them, and the file is not there yet, or never will be.
    NotThere(&'static str),
    /// It is for them, and the store does not have it as it was stored. The team knows.
    Faulty,
    /// There is no store.
    NoStore,
    /// The store does not answer.
    StoreAway(StoreError),
    /// The database does not.
    Later(Failure),
}

impl From<Failure> for NoLink {
    fn from(failure: Failure) -> Self {
        Self::Later(failure)
    }
}

impl From<StoreError> for NoLink {
    fn from(error: StoreError) -> Self {
        Self::StoreAway(error)
    }
}

impl Links {
    /// Links into this store.
    pub fn new(engine: Arc<Engine>, objects: Option<Objects>, settings: &config::Documents) -> Self {
        Self {
            engine,
            objects,
            valid: Duration::from_secs(settings.link_seconds.into()),
        }
    }

    /// A link for this user.
    pub async fn link(&self, user: User, asked: Asked) -> Result<Link, NoLink> {
        let objects = self.objects.as_ref().ok_or(NoLink::NoStore)?;
        let found = find::document(&self.engine.pool, asked.kind, asked.id).await?;
        let exists = found.is_some();
        let theirs = found.filter(|document| may(user, asked.kind, asked.format, &document.concerns));
        let Some(mut document) = theirs else {
            self.note_refusal(user, asked, exists).await?;
            return Err(NoLink::Unknown);
        };
        find::registered(&self.engine.pool, &mut document).await?;
        let file = document.file(asked.format);
        let file = file.ok_or_else(|| NoLink::NotThere(not_there(&document, asked.format)))?;
        let etag = match look(objects, file).await? {
            Ok(etag) => etag,
            Err(fault) => {
                self.note_fault(user, file, fault).await?;
                return Err(NoLink::Faulty);
            }
        };
        let link = objects
            .link(&file.key, self.engine.clock.now(), self.valid)
            .await?;
        self.note(user, &document, file, &etag, &link).await?;
        Ok(link)
    }

    async fn note(
        &self,
        user: User,
        document: &Document,
        file: &File,
        etag: &str,
        link: &Link,
    ) -> Result<(), Failure> {
        let detail = json!({
            "archivo": file.format.name(),
            "objeto": file.key,
            "sha256": file.sha256,
            "etag": etag,
            "hasta": link.expires_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        });
        let mut work = self.engine.begin(user.unit()).await?;
        work.audit("documento.enlace", document.kind.table(), document.id, detail);
        work.commit().await.map(drop)
    }

    /// The caller is not told which of the two it was; the audit log is.
    async fn note_refusal(&self, user: User, asked: Asked, exists: bool) -> Result<(), Failure> {
        let reason = if exists { "no-es-suyo" } else { "no-existe" };
        let detail = json!({ "archivo": asked.format.name(), "motivo": reason });
        let mut work = self.engine.begin(user.unit()).await?;
        work.audit("documento.negado", asked.kind.table(), asked.id, detail);
        work.commit().await.map(drop)
    }

    async fn note_fault(&self, user: User, file: &File, fault: Fault) -> Result<(), Failure> {
        let (key, fault_name) = (&file.key, fault.name());
        tracing::error!(
            key,
            fault = fault_name,
            "a document is not in the store as it was stored"
        );
        let mut work = self.engine.begin(user.unit()).await?;
        store::faulty(&mut work, key, fault).await?;
        store::tell_faults(&mut work).await?;
        work.commit().await.map(drop)
    }
}

/// Whether the object is there as it was stored; then how the store calls it. Where its size and name are those of the
/// register, it is. Else its bytes decide: the store may have been moved, and then it names large objects otherwise.
async fn look(objects: &Objects, file: &File) -> Result<Result<String, Fault>, StoreError> {
    let Some(head) = objects.head(&file.key).await? else {
        return Ok(Err(Fault::Missing));
    };
    let same = |(bytes, etag): &(i64, String)| {
        u64::try_from(*bytes).is_ok_and(|bytes| bytes == head.bytes) && *etag == head.etag
    };
    if file.as_stored.as_ref().is_some_and(same) {
        return Ok(Ok(head.etag));
    }
    let Some(stored) = objects.sha256_of(&file.key).await? else {
        return Ok(Err(Fault::Missing));
    };
    let differs = |sha256: &String| *sha256 != stored.sha256;
    Ok(if file.sha256.as_ref().is_some_and(differs) {
        Err(Fault::Different)
    } else {
        Ok(stored.etag)
    })
}

/// Told to those alone who may see the document.
fn not_there(document: &Document, format: Format) -> &'static str {
    match (document.kind, format, document.state.as_str()) {
        (Kind::Invoice, Format::Acuse, state) if state != "cancelada" => {
            "La factura no está cancelada: no tiene acuse de cancelación."
        }
        (Kind::Contract, Format::Pdf | Format::Xml | Format::Evidence, "rechazado") => {
            "Este contrato no se firmó: no hay documento firmado."
        }
        (Kind::Contract, Format::Pdf | Format::Xml | Format::Evidence, "pendiente") => {
            "El contrato todavía no está firmado. El documento estará disponible cuando firmen todos."
        }
        _ => "El archivo todavía no está disponible. Inténtalo más tarde.",
    }
}
