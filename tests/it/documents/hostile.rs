//! Bundles that were made to hurt whoever checks them.

use std::path::Path;

use super::bundle::{Bundle, Files, MANIFEST};
use super::evidence::checked;
use super::scene::stamped;
use crate::support::TestApp;

/// Where the end of the central directory stands, and where the directory begins.
fn directory(bytes: &[u8]) -> (usize, usize) {
    let end = bytes.len() - 22;
    let start = u32::from_le_bytes(bytes[end + 16..end + 20].try_into().unwrap());
    (end, usize::try_from(start).unwrap())
}

fn refused(path: &Path, told: &str, name: &str) {
    match checked(path, None) {
        Ok(checked) => panic!("{name} was read: {:?}", checked.faults),
        Err(why) => assert!(why.to_string().contains(told), "{name}: {why}"),
    }
}

#[tokio::test]
#[allow(clippy::too_many_lines)] // one list, and one bundle that all of it is made of
async fn a_hostile_bundle_is_refused_and_costs_nothing() {
    let app = TestApp::start().await;
    let (row, _) = stamped(&app).await;
    let bundle = Bundle::of(&app, row).await;
    let good = std::fs::read(&bundle.path).unwrap();
    let path = bundle.folder.path().join("hostile.zip");
    let bytes = |bytes: &[u8], told: &str, name: &str| {
        std::fs::write(&path, bytes).unwrap();
        refused(&path, told, name);
    };
    let files = |files: &Files, told: &str, name: &str| refused(&bundle.write(files), told, name);

    // Cut off anywhere, and things that are no ZIP at all.
    for length in (0..good.len())
        .step_by(good.len() / 97)
        .chain(good.len() - 23..good.len())
    {
        bytes(&good[..length], "", &format!("{length} bytes of {}", good.len()));
    }
    bytes(b"", "no ZIP", "nothing");
    bytes(&vec![0; 100_000], "no ZIP", "zeros");
    bytes(&b"PK\x05\x06".repeat(10_000), "", "ends of directories");

    // What stands before, between and behind.
    bytes(
        &[b"#!/bin/sh\n".as_slice(), &good].concat(),
        "cut off",
        "something in front",
    );
    bytes(&[&good, b"x".as_slice()].concat(), "cut off", "something behind");
    let (end, start) = directory(&good);
    let mut hidden = [&good[..start], b"hidden bytes", &good[start..]].concat();
    let moved = u32::try_from(start + 12).unwrap().to_le_bytes();
    hidden[end + 12 + 16..end + 12 + 20].copy_from_slice(&moved);
    bytes(&hidden, "belong to no file", "bytes of nobody");

    // Numbers that ask for memory.
    for (at, width, name) in [
        (8, 4, "65,535 files"),
        (12, 4, "a directory of 4 GiB"),
        (16, 4, "a directory far away"),
    ] {
        let mut changed = good.clone();
        changed[end + at..end + at + width].fill(0xff);
        bytes(&changed, "", name);
    }
    // Sizes of the first entry in the directory: compressed, then real.
    for (at, name) in [(20, "compressed"), (24, "real")] {
        let mut changed = good.clone();
        changed[start + at..start + at + 4].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
        bytes(&changed, "", name);
    }
    // A bomb would have to be compressed: both headers of the first entry say that it is deflated.
    let mut deflated = good.clone();
    deflated[8..10].copy_from_slice(&8_u16.to_le_bytes());
    deflated[start + 10..start + 12].copy_from_slice(&8_u16.to_le_bytes());
    bytes(&deflated, "", "deflated");
    // A name in the file's own header that is another than in the directory.
    let mut renamed = good.clone();
    renamed[30] ^= 1;
    bytes(&renamed, "contradict", "two names");

    // Names that lead elsewhere.
    for name in [
        "../evil",
        "/etc/passwd",
        "archivos/../../evil",
        "archivos/",
        "archivos/a/b",
        "archivos/.bashrc",
        "evil",
        "archivos\\evil",
        "archivos/ñ",
        "C:evil",
    ] {
        let mut changed = bundle.files();
        changed.push((name.to_owned(), b"x".to_vec()));
        files(&changed, "a name that no bundle has", name);
    }
    let many: Files = (0..17).map(|n| (format!("archivos/{n}"), Vec::new())).collect();
    files(&many, "more files than a bundle has", "many");

    // Manifests.
    let manifest = |text: &[u8], told: &str, name: &str| {
        let mut changed = bundle.files();
        for (file, content) in &mut changed {
            if file == MANIFEST {
                *content = text.to_vec();
            }
        }
        files(&changed, told, name);
    };
    manifest(b"", "cannot be read", "empty");
    manifest(b"[]", "cannot be read", "a list");
    manifest("[".repeat(1_000_000).as_bytes(), "cannot be read", "deep");
    manifest(&vec![b' '; 65 * 1024 * 1024], "larger than", "huge");
    let text = bundle.manifest().to_string();
    manifest(
        text.replacen("onlycar-evidencia-1", "onlycar-evidencia-9", 1)
            .as_bytes(),
        "another format",
        "format",
    );
    manifest(
        text.replacen("\"bitacora\"", "\"other\"", 1).as_bytes(),
        "cannot be read",
        "unknown",
    );
    let mut none = bundle.files();
    none.retain(|(name, _)| name != MANIFEST);
    files(&none, "there is no evidencia.json", "no manifest");

    // Two files of one name: the second entry of the directory is called as the first one is, and so is its own header.
    let twice: Files = vec![
        ("archivos/a".to_owned(), vec![1]),
        ("archivos/b".to_owned(), vec![2]),
    ];
    let twice = std::fs::read(bundle.write(&twice)).unwrap();
    let twice: Vec<u8> = {
        let text = b"archivos/b";
        let mut bytes = twice;
        while let Some(at) = bytes.windows(text.len()).position(|window| window == text) {
            bytes[at + 9] = b'a';
        }
        bytes
    };
    bytes(&twice, "the same name", "twice");
    app.finish().await;
}
