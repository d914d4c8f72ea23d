//! What is in the store of documents.

use super::machine::{equals, equals_id, is_id, is_word};
use super::{DAYS, Days, Filter, Id, Kind, List, Order, Show, Step, choice, column, ordered};

static STORED: Order = Order {
    source: "documents.objects",
    at: Some("stored_at"),
    id: "key",
    kind: Id::Text,
    ascending: false,
    days: Days::By("stored_at"),
};

/// The few that are not as they should be.
static FAULTY: Order = Order {
    source: "(select faults.key, kind, document, part, sha256, bytes, source, stored_at, fault, found_at
              from documents.faults left join documents.objects on objects.key = faults.key)",
    at: Some("found_at"),
    id: "key",
    kind: Id::Text,
    ascending: false,
    days: Days::By("found_at"),
};

pub(super) static DOCUMENTS: List = List {
    path: "/panel/documentos",
    menu: "/panel/documentos",
    title: "Documentos guardados",
    about: "Aquí está cada archivo guardado: los XML y PDF de facturas y los contratos.",
    order: &STORED,
    joins: "left join documents.faults as fault on fault.key = it.key",
    columns: &[
        column("Guardado", "it.stored_at", Show::Time),
        column(
            "De",
            "it.kind",
            Show::Named(&[("facturas_emitidas", "factura"), ("contratos_firmados", "contrato")]),
        ),
        column(
            "Archivo",
            "it.part",
            Show::Link(
                "'/panel/documentos/' || case it.kind when 'facturas_emitidas' then 'facturas' else 'contratos' end
                 || '/' || it.document || '/' || it.part",
            ),
        ),
        column("Tamaño", "it.bytes", Show::Bytes),
        column("Falla", "fault.fault", Show::State),
        column("Vista", "fault.found_at", Show::Time),
        column("Descargado de", "it.source", Show::Text),
        column("SHA-256", "it.sha256", Show::Code),
        column("Objeto", "it.key", Show::Code),
    ],
    filters: &[
        &[
            Filter {
                name: "de",
                label: "De",
                kind: Kind::Choice(&[
                    choice("facturas", "facturas", "it.kind = 'facturas_emitidas'"),
                    choice("contratos", "contratos", "it.kind = 'contratos_firmados'"),
                ]),
            },
            Filter {
                name: "archivo",
                label: "Archivo",
                kind: Kind::Text {
                    hint: "xml, pdf, acuse, original o evidencia.",
                    check: is_word,
                    step: Step::Match,
                    condition: |text, sql| equals("it.part", text, sql),
                },
            },
            Filter {
                name: "estado",
                label: "Estado",
                kind: Kind::Choice(&[ordered("con-falla", "con falla", "true", &FAULTY)]),
            },
            Filter {
                name: "documento",
                label: "Documento",
                kind: Kind::Text {
                    hint: "El id completo de la factura o del documento firmado.",
                    check: is_id,
                    step: Step::Scan,
                    condition: |text, sql| {
                        equals_id("it.kind in ('facturas_emitidas', 'contratos_firmados') and it.document", text, sql);
                    },
                },
            },
        ],
        DAYS,
    ],
};
