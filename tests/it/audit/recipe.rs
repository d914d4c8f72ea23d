//! The recipe of docs/audit.md, followed to the letter by somebody who has not read the program.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("../../../docs/audit.md");

/// The hash of an exported row, by the hash of the row before it.
pub fn hash(row: &Value, before: &str) -> String {
    let at: DateTime<Utc> = row["ocurrido_en"].as_str().unwrap().parse().unwrap();
    let mut bytes = Vec::new();
    let mut add = |value: Option<&str>| match value {
        Some(text) => {
            bytes.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        None => bytes.extend([0xff; 4]),
    };
    add(Some(before));
    add(Some(&row["id"].to_string()));
    add(Some(&at.timestamp_micros().to_string()));
    for column in [
        "actor",
        "accion",
        "recurso_tipo",
        "recurso_id",
        "detalle",
        "ip",
        "evento_id",
        "trabajo_id",
    ] {
        add(row[column].as_str());
    }
    hex::encode(Sha256::digest(bytes))
}

#[test]
fn the_example_of_the_page_is_right() {
    let (_, example) = PAGE.split_once("```json\n{\"id\":").unwrap();
    let (example, _) = example.split_once("\n```").unwrap();
    let row: Value = serde_json::from_str(&format!("{{\"id\":{example}")).unwrap();
    let before = row["hash_anterior"].as_str().unwrap();
    assert_eq!(row["hash"], hash(&row, before).as_str());
}
