//! Whatever changes something for a person leaves a row that names them. A new route must say here which one.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::floors::sources;

const ROUTES: &[(&str, &str, &str)] = &[
    ("post", "/panel/session", "sesion.iniciada"),
    (
        "post",
        "/api/services/{id}/confirm-payment-presencial",
        "servicio.pagado_presencial",
    ),
    ("post", "/api/admin/contracts/{id}/send", "contrato.por_enviar"),
    ("post", "/api/admin/events/{id}/replay", "evento.reprocesado"),
    ("post", "/api/admin/alerts/{id}/acknowledge", "alerta.atendida"),
];

#[test]
fn every_route_that_changes_something_says_what_it_leaves_in_the_log() {
    let document = serde_json::to_value(onlycar::routes::openapi()).unwrap();
    let mut found = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, about) in methods.as_object().unwrap() {
            if method != "get" && about.get("security").is_some_and(Value::is_array) {
                found.insert((method.as_str(), path.as_str()));
            }
        }
    }
    let listed: BTreeSet<_> = ROUTES.iter().map(|(method, path, _)| (*method, *path)).collect();
    assert_eq!(
        found, listed,
        "say in tests/it/audit/routes.rs what the new route leaves in the audit log"
    );
    let code: String = sources().iter().map(|source| source.code.as_str()).collect();
    for (_, path, action) in ROUTES {
        assert!(
            code.contains(&format!("\"{action}\"")),
            "{path}: nothing writes {action}"
        );
    }
}
