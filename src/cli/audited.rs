//! What each command leaves in the audit log. A command that is not on this list fails the test.

use std::path::Path;

use clap::{Command, CommandFactory};

use super::Cli;

/// The actions, or none where it only shows something, or changes only what is on this machine.
const COMMANDS: &[(&str, &[&str])] = &[
    (
        "serve",
        &["servidor.iniciado", "servidor.detenido", "migracion.aplicada"],
    ),
    ("dev", &[]),
    ("migrate", &["migracion.aplicada"]),
    ("doctor done", &["requisito.cumplido"]),
    ("doctor undo", &["requisito.reabierto"]),
    ("trigger", &[]),
    ("events list", &[]),
    ("events show", &[]),
    ("events replay", &["evento.reprocesado"]),
    ("reconcile", &["conciliacion.pedida"]),
    ("audit verify", &[]),
    ("audit export", &["auditoria.exportada"]),
    ("audit key", &[]),
    ("availability", &[]),
    ("drill", &["alerta.simulada"]),
    ("cfdi inspect", &[]),
    ("contracts send", &["contrato.por_enviar"]),
    ("contracts list", &[]),
    ("documents verify", &["documentos.comparados"]),
    ("edge status", &[]),
    ("edge resync", &["espejo.completo_pedido"]),
    ("evidence export", &["evidencia.exportada"]),
    ("evidence verify", &[]),
    ("global-invoice preview", &[]),
    ("global-invoice run", &["factura_global.solicitada"]),
    ("privacy erase", &["cliente.suprimido"]),
    ("openapi", &[]),
];

/// The commands that do something, by their words.
fn leaves(command: &Command, before: &str, found: &mut Vec<String>) {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let words = format!("{before}{}", sub.get_name());
        if sub.has_subcommands() {
            leaves(sub, &format!("{words} "), found);
        } else {
            found.push(words);
        }
    }
}

/// All code but this.
fn written(folder: &Path, code: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            written(&path, code);
        } else if !path.ends_with(file!()) {
            code.push_str(&std::fs::read_to_string(path).expect("a file"));
        }
    }
}

#[test]
fn every_command_says_what_it_leaves_in_the_log() {
    let mut found = Vec::new();
    leaves(&Cli::command(), "", &mut found);
    let mut listed: Vec<&str> = COMMANDS.iter().map(|(words, _)| *words).collect();
    found.sort_unstable();
    listed.sort_unstable();
    let mut code = String::new();
    written(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut code);
    for action in COMMANDS.iter().flat_map(|(_, actions)| *actions) {
        assert!(code.contains(&format!("\"{action}\"")), "nothing writes {action}");
    }
    assert_eq!(
        found, listed,
        "say in src/cli/audited.rs what the new command leaves in the audit log"
    );
}
