//! A bundle that was made by the command, and others made of it.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use onlycar::tools::signing::{PublicKey, Signer};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::scene::command;
use crate::support::TestApp;
use crate::support::app::settings;

pub const MANIFEST: &str = "evidencia.json";

/// A bundle on disk, and whose it is.
pub struct Bundle {
    pub folder: TempDir,
    pub path: PathBuf,
    pub key: PublicKey,
    pub signer: Signer,
}

/// The files of a bundle, in their order.
pub type Files = Vec<(String, Vec<u8>)>;

impl Bundle {
    pub async fn of(app: &TestApp, id: Uuid) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("evidencia.zip");
        let id = id.to_string();
        let out = path.to_str().unwrap();
        let ended = command(app, &["evidence", "export", &id, "--out", out, "--json"]).await;
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
        let told: Value = serde_json::from_str(&ended.out).unwrap();
        let key: PublicKey = told["public_key"].as_str().unwrap().parse().unwrap();
        let neighbours = app.bucket.variables();
        let neighbours: Vec<_> = neighbours
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let signer = Signer::of(&settings(&app.database_url, &neighbours, &[], None)).unwrap();
        assert_eq!(signer.public(), key);
        Self {
            folder,
            path,
            key,
            signer,
        }
    }

    pub fn files(&self) -> Files {
        let mut zip = ZipArchive::new(std::fs::File::open(&self.path).unwrap()).unwrap();
        let mut files = Vec::new();
        for index in 0..zip.len() {
            let mut entry = zip.by_index(index).unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.push((String::from_utf8(entry.name_raw().to_vec()).unwrap(), bytes));
        }
        files
    }

    pub fn manifest(&self) -> Value {
        let files = self.files();
        let (_, bytes) = files.iter().find(|(name, _)| name == MANIFEST).unwrap();
        serde_json::from_slice(bytes).unwrap()
    }

    /// Another one beside it.
    pub fn write(&self, files: &Files) -> PathBuf {
        let path = self.folder.path().join(format!("{}.zip", Uuid::new_v4()));
        let mut zip = ZipWriter::new(std::fs::File::create(&path).unwrap());
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for (name, bytes) in files {
            zip.start_file(name.as_str(), options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
        path
    }

    /// The files with another manifest, signed by this one.
    pub fn signed(&self, manifest: &Value, signer: &Signer) -> Files {
        let bytes = serde_json::to_vec_pretty(manifest).unwrap();
        let signature = json!({
            "algoritmo": "Ed25519", "archivo": MANIFEST, "llave": signer.public().to_string(),
            "firma": signer.sign(&bytes),
        });
        let mut files = self.files();
        for (name, content) in &mut files {
            match name.as_str() {
                MANIFEST => content.clone_from(&bytes),
                "firma.json" => *content = signature.to_string().into_bytes(),
                _ => {}
            }
        }
        files
    }
}
