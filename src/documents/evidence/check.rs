//! Checking a bundle: no network, no database. Every fault is named, not the first one alone.

use std::path::Path;

use serde_json::Value;

use super::archive::Archive;
pub use super::archive::NoBundle;
use super::manifest::{Entry, Manifest, Signature, StoredObject};
use super::{FORMAT, MANIFEST, SIGNATURE};
use crate::engine::audit::Link;
use crate::tools::signing::PublicKey;

/// A manifest of a hundred thousand downloads is of this size.
const LARGEST_MANIFEST: u64 = 64 * 1024 * 1024;
const LARGEST_SIGNATURE: u64 = 4 * 1024;

/// A bundle that could be read.
pub struct Checked {
    /// What it says.
    pub manifest: Manifest,
    /// What does not fit; nothing, when all of it does.
    pub faults: Vec<String>,
    /// What fits and is good to know.
    pub notes: Vec<String>,
    /// Whose signature it is, if it is one.
    pub key: Option<PublicKey>,
    /// The XML of an invoice.
    pub cfdi: Option<Vec<u8>>,
}

/// Reads the bundle and holds everything against everything; an XML of up to `largest_xml` bytes is kept.
pub fn check(path: &Path, pinned: Option<PublicKey>, largest_xml: u64) -> Result<Checked, NoBundle> {
    let mut archive = Archive::open(path)?;
    let bytes = archive.read(MANIFEST, LARGEST_MANIFEST)?;
    let bytes = bytes.ok_or_else(|| NoBundle(format!("there is no {MANIFEST} in it")))?;
    let manifest: Manifest = serde_json::from_slice(&bytes)
        .map_err(|error| NoBundle(format!("{MANIFEST} cannot be read: {error}")))?;
    if manifest.format != FORMAT {
        return Err(NoBundle(format!("{MANIFEST} is of another format than {FORMAT}")));
    }
    let mut checked = Checked {
        manifest,
        faults: Vec::new(),
        notes: Vec::new(),
        key: None,
        cfdi: None,
    };
    let signature = archive.read(SIGNATURE, LARGEST_SIGNATURE)?;
    checked.signature(&bytes, signature.as_deref(), pinned);
    checked.files(&mut archive)?;
    checked.cfdi(&mut archive, largest_xml)?;
    checked.columns();
    checked.log();
    Ok(checked)
}

impl Checked {
    fn fault(&mut self, what: impl Into<String>) {
        self.faults.push(what.into());
    }

    fn signature(&mut self, signed: &[u8], signature: Option<&[u8]>, pinned: Option<PublicKey>) {
        let Some(bytes) = signature else {
            return self.fault(format!("there is no {SIGNATURE} in it: nobody signed it"));
        };
        let Ok(signature) = serde_json::from_slice::<Signature>(bytes) else {
            return self.fault(format!("{SIGNATURE} cannot be read"));
        };
        let named: Option<PublicKey> = signature.llave.parse().ok();
        let Some(key) = named.filter(|_| signature.algoritmo == "Ed25519" && signature.archivo == MANIFEST)
        else {
            return self.fault(format!("{SIGNATURE} is no Ed25519 signature over {MANIFEST}"));
        };
        if !key.verify(signed, &signature.firma) {
            return self.fault(format!(
                "the signature is not over this {MANIFEST}: one of the two was changed"
            ));
        }
        self.key = Some(key);
        if let Some(pinned) = pinned.filter(|pinned| *pinned != key) {
            self.fault(format!(
                "it is signed with another key ({}) than the one that was asked for ({})",
                key.id(),
                pinned.id()
            ));
        }
    }

    /// Each file is there as the manifest has it, and no other.
    fn files(&mut self, archive: &mut Archive) -> Result<(), NoBundle> {
        let entries = self.manifest.archivos.clone();
        for (at, entry) in entries.iter().enumerate() {
            let name = &entry.nombre;
            if entries.iter().take(at).any(|other| other.nombre == *name) {
                self.fault(format!("{MANIFEST} names {name} twice"));
            }
            match archive.content(name)? {
                None => self.fault(format!("{name} is missing")),
                Some(content) if content.bytes != entry.bytes => self.fault(format!(
                    "{name} has {} bytes, and {} are recorded",
                    content.bytes, entry.bytes
                )),
                Some(content) if content.sha256 != entry.sha256 => self.fault(format!(
                    "{name} was changed: its SHA-256 is {}, and {} is recorded",
                    content.sha256, entry.sha256
                )),
                Some(_) => {}
            }
        }
        let known = |name: &&str| {
            [MANIFEST, SIGNATURE].contains(name) || entries.iter().any(|entry| entry.nombre == *name)
        };
        let extra: Vec<String> = archive
            .names()
            .filter(|name| !known(name))
            .map(|name| format!("{name} is in the bundle, and {MANIFEST} does not name it"))
            .collect();
        self.faults.extend(extra);
        Ok(())
    }

    fn cfdi(&mut self, archive: &mut Archive, largest: u64) -> Result<(), NoBundle> {
        if self.manifest.documento.tipo != "facturas_emitidas" {
            return Ok(());
        }
        let xml = stored(&self.manifest).find(|(_, object)| object.archivo == "xml");
        let Some(name) = xml.map(|(entry, _)| entry.nombre.clone()) else {
            return Ok(());
        };
        self.cfdi = archive.read(&name, largest)?;
        Ok(())
    }

    /// The row of the document tells of the same files.
    fn columns(&mut self) {
        let manifest = &self.manifest;
        let mut faults = Vec::new();
        let column = |name: &str| manifest.documento.columnas.get(name).and_then(Value::as_str);
        if column("id") != Some(&manifest.documento.id) {
            faults.push("the row is not that of the document".to_owned());
        }
        for (entry, object) in stored(manifest) {
            if column(&format!("url_{}", object.archivo)) != Some(&object.clave) {
                faults.push(format!(
                    "the row does not tell that {} is its {}",
                    object.clave, object.archivo
                ));
            }
            let sha256 = column(&format!("sha256_{}", object.archivo));
            if sha256.is_some_and(|sha256| sha256 != entry.sha256) {
                faults.push(format!(
                    "{} is not the {} that the row recorded",
                    entry.nombre, object.archivo
                ));
            }
        }
        for part in ["xml", "pdf", "acuse", "original", "evidencia"] {
            let told = column(&format!("url_{part}"));
            if told.is_some() && !stored(manifest).any(|(_, object)| object.archivo == part) {
                faults.push(format!(
                    "the row tells of a file {part} that is not in the bundle"
                ));
            }
        }
        self.faults.extend(faults);
    }

    /// Each row of the log is what was sealed, is about this document, and tells of the same files.
    fn log(&mut self) {
        let manifest = &self.manifest;
        let (mut faults, mut notes) = (Vec::new(), Vec::new());
        let about = (manifest.documento.tipo.as_str(), manifest.documento.id.as_str());
        let mut last: Option<&Link> = None;
        for link in &manifest.bitacora {
            let id = link.id();
            if !link.holds() {
                faults.push(format!(
                    "row {id} of the audit log is not what was sealed: it was changed"
                ));
            }
            if link.about() != about {
                faults.push(format!("row {id} of the audit log is about something else"));
            }
            let before = last.map_or(i64::MIN, Link::id);
            if id <= before {
                faults.push(format!("row {id} of the audit log is not in its place"));
            }
            let follows = last.and_then(Link::sealed).map(|(_, hash)| hash);
            if before.checked_add(1) == Some(id) && link.sealed().map(|(before, _)| before) != follows {
                faults.push(format!(
                    "row {id} of the audit log does not follow the one before it"
                ));
            }
            last = Some(link);
        }
        let head = &manifest.cabeza;
        let past = last.is_some_and(|last| last.id() > head.last_id);
        let other = last.is_some_and(|last| {
            last.id() == head.last_id && last.sealed().map(|(_, hash)| hash) != Some(&head.last_hash)
        });
        if past || other {
            faults.push("the audit log ends otherwise than the bundle says".to_owned());
        }
        for (entry, object) in stored(manifest) {
            match told(&manifest.bitacora, &object.clave) {
                Some(recorded) if recorded != (entry.sha256.clone(), entry.bytes) => {
                    faults.push(format!(
                        "{} is not what the audit log says was stored as {}",
                        entry.nombre, object.clave
                    ));
                }
                Some(_) => {}
                None => notes.push(format!(
                    "the audit log does not tell when {} was stored, only the row does",
                    object.clave
                )),
            }
        }
        self.faults.extend(faults);
        self.notes.extend(notes);
    }
}

/// The files of the document itself.
fn stored(manifest: &Manifest) -> impl Iterator<Item = (&Entry, &StoredObject)> {
    let entries = manifest.archivos.iter();
    entries.filter_map(|entry| Some((entry, entry.objeto.as_ref()?)))
}

/// What the log says was stored under a key.
fn told(log: &[Link], key: &str) -> Option<(String, u64)> {
    let mut stored = log.iter().filter(|link| link.action() == "documento.guardado");
    stored.find_map(|link| {
        let detail = link.detail();
        let text = |name: &str| detail.get(name).and_then(Value::as_str).map(str::to_owned);
        let of_key = text("objeto").is_some_and(|object| object == key);
        let bytes = detail.get("bytes").and_then(Value::as_u64)?;
        of_key.then_some((text("sha256")?, bytes))
    })
}
