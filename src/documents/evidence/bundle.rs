//! Making a bundle.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use futures_util::TryStreamExt as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::super::find::{self, Document};
use super::manifest::{Described, Entry, Manifest, Signature, StoredObject};
use super::{FILES, FORMAT, MANIFEST, README, SIGNATURE, gather};
use crate::engine::audit::{self, Link};
use crate::engine::work::Unit;
use crate::engine::{Engine, Failure};
use crate::ground::facts::Actor;
use crate::tools::objects::{Objects, StoreError};
use crate::tools::signing::Signer;

const LEEME: &str = include_str!("LEEME.txt");

/// What was made.
#[derive(Debug, Clone, Copy)]
pub struct Exported {
    /// How many files of the document are in it.
    pub files: usize,
    /// How many rows of the audit log.
    pub rows: usize,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum NotExported {
    /// The database.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file is not what was stored.
    #[error("{key} {what}\nhint: onlycar documents verify lists every such file and tells the team")]
    Faulty {
        /// Its key.
        key: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The file on this machine.
    #[error("the bundle cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

impl From<sqlx::Error> for NotExported {
    fn from(error: sqlx::Error) -> Self {
        Self::Failure(error.into())
    }
}

impl From<zip::result::ZipError> for NotExported {
    fn from(error: zip::result::ZipError) -> Self {
        Self::Write(error.into())
    }
}

impl From<serde_json::Error> for NotExported {
    fn from(error: serde_json::Error) -> Self {
        Self::Write(error.into())
    }
}

/// Writes the bundle of this document into a new file. It carries a document out of the house, so that is in the audit log
/// before the first byte is read, and in the bundle too.
pub async fn export(
    engine: &Engine,
    objects: &Objects,
    signer: &Signer,
    mut document: Document,
    out: &Path,
    by: Actor,
) -> Result<Exported, NotExported> {
    let file = File::create_new(out)?;
    let made = async {
        note(engine, &document, by).await?;
        find::registered(&engine.pool, &mut document).await?;
        write(engine, objects, signer, &document, file).await
    }
    .await;
    if made.is_err() {
        // Half a bundle proves nothing and looks like one.
        let _ = std::fs::remove_file(out);
    }
    made
}

async fn note(engine: &Engine, document: &Document, by: Actor) -> Result<(), NotExported> {
    let mut work = engine.begin(Unit::by(by)).await?;
    let detail = json!({ "por": "onlycar evidence export" });
    work.audit("evidencia.exportada", document.kind.table(), document.id, detail);
    work.commit().await?;
    audit::seal(&engine.pool).await?;
    Ok(())
}

async fn write(
    engine: &Engine,
    objects: &Objects,
    signer: &Signer,
    document: &Document,
    file: File,
) -> Result<Exported, NotExported> {
    let mut bundle = Bundle(ZipWriter::new(BufWriter::new(file)));
    let mut entries = vec![bundle.add(README, LEEME.as_bytes())?];
    for file in &document.files {
        entries.push(bundle.carry(engine, objects, file).await?);
    }
    let pool = &engine.pool;
    let log = audit::rows_about(pool, document.kind.table(), &document.id.to_string()).await?;
    let exported = Exported {
        files: document.files.len(),
        rows: log.len(),
    };
    let manifest = manifest(engine, document, entries, log).await?;
    let manifest = serde_json::to_vec_pretty(&manifest)?;
    let signature = Signature {
        algoritmo: "Ed25519".to_owned(),
        archivo: MANIFEST.to_owned(),
        llave: signer.public().to_string(),
        firma: signer.sign(&manifest),
    };
    bundle.add(MANIFEST, &manifest)?;
    bundle.add(SIGNATURE, &serde_json::to_vec_pretty(&signature)?)?;
    let file = bundle
        .0
        .finish()?
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(exported)
}

async fn manifest(
    engine: &Engine,
    document: &Document,
    archivos: Vec<Entry>,
    bitacora: Vec<Link>,
) -> Result<Manifest, NotExported> {
    let pool = &engine.pool;
    Ok(Manifest {
        format: FORMAT.to_owned(),
        generado_en: engine.clock.now(),
        documento: Described {
            tipo: document.kind.table().to_owned(),
            id: document.id.to_string(),
            columnas: gather::columns(pool, document).await?,
        },
        eventos: gather::events(pool, &bitacora).await?,
        trabajos: gather::jobs(pool, &bitacora).await?,
        archivos,
        bitacora,
        cabeza: audit::head(pool).await?,
    })
}

/// A ZIP without compression: what is in it is as large as it says.
struct Bundle(ZipWriter<BufWriter<File>>);

impl Bundle {
    fn start(&mut self, name: &str) -> Result<(), NotExported> {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        self.0.start_file(name, options)?;
        Ok(())
    }

    fn add(&mut self, name: &str, bytes: &[u8]) -> Result<Entry, NotExported> {
        self.start(name)?;
        self.0.write_all(bytes)?;
        Ok(Entry {
            nombre: name.to_owned(),
            sha256: hex::encode(Sha256::digest(bytes)),
            bytes: bytes.len() as u64,
            objeto: None,
        })
    }

    /// Carries a file over, piece by piece; what is not what was stored ends the export.
    async fn carry(
        &mut self,
        engine: &Engine,
        objects: &Objects,
        file: &find::File,
    ) -> Result<Entry, NotExported> {
        let faulty = |what| NotExported::Faulty {
            key: file.key.clone(),
            what,
        };
        let object = objects.get(&file.key).await?;
        let object = object.ok_or_else(|| faulty("is not in the store"))?;
        let head = object.head.clone();
        let name = format!("{FILES}{}", file.key.rsplit('/').next().unwrap_or_default());
        self.start(&name)?;
        let (mut sha256, mut bytes) = (Sha256::new(), 0);
        let mut pieces = std::pin::pin!(object.into_stream());
        while let Some(piece) = pieces.try_next().await? {
            sha256.update(&piece);
            bytes += piece.len() as u64;
            self.0.write_all(&piece)?;
        }
        let sha256 = hex::encode(sha256.finalize());
        if file.sha256.as_ref().is_some_and(|noted| *noted != sha256) {
            return Err(faulty("is not what was stored: its SHA-256 is another"));
        }
        let (de, guardado_en) = gather::origin(&engine.pool, &file.key).await?;
        Ok(Entry {
            nombre: name,
            sha256,
            bytes,
            objeto: Some(StoredObject {
                archivo: file.format.name().to_owned(),
                clave: file.key.clone(),
                etag: head.etag,
                ultima_modificacion: head.last_modified,
                de,
                guardado_en,
            }),
        })
    }
}
