//! Lists of the machine: events, jobs, alerts, the audit log.

use uuid::Uuid;

use super::query::Sql;
use super::{DAYS, Days, Filter, Id, Kind, List, Order, Show, Step, choice, column, indexed, ordered};

const BY_ID: Order = Order {
    source: "webhooks.events",
    at: None,
    id: "id",
    kind: Id::Uuid,
    ascending: false,
    days: Days::ById,
};

/// Events that are not done, by their turn: the index that workers claim from has them.
static EVENTS_DUE: Order = Order {
    at: Some("run_at"),
    ascending: true,
    days: Days::No,
    ..BY_ID
};

static EVENTS_ORDER: Order = BY_ID;

pub(super) static EVENTS: List = List {
    path: "/panel/eventos",
    menu: "/panel/eventos",
    title: "Eventos",
    about: "Aquí están los avisos de Stripe, Gigstack y Mifiel, cada uno con lo que se hizo de él.",
    order: &EVENTS_ORDER,
    joins: "",
    columns: &[
        column("Recibido", "it.received_at", Show::Time),
        column("Proveedor", "it.provider", Show::Text),
        column("Tipo", "it.event_type", Show::Text),
        column("Evento", "it.event_id", Show::Link("'/panel/eventos/' || it.id")),
        column("Estado", "it.state", Show::State),
        column("Intentos", "it.attempts", Show::Number),
        column("Terminado", "it.processed_at", Show::Time),
        column("Último error", "it.last_error", Show::Text),
    ],
    filters: &[
        &[
            Filter {
                name: "proveedor",
                label: "Proveedor",
                kind: Kind::Choice(&[
                    choice("stripe", "Stripe", "it.provider = 'stripe'"),
                    choice("gigstack", "Gigstack", "it.provider = 'gigstack'"),
                    choice("mifiel", "Mifiel", "it.provider = 'mifiel'"),
                ]),
            },
            Filter {
                name: "tipo",
                label: "Tipo",
                kind: Kind::Text {
                    hint: "El tipo exacto, como payment_intent.succeeded.",
                    check: is_word,
                    step: Step::Match,
                    condition: |text, sql| equals("it.event_type", text, sql),
                },
            },
            Filter {
                name: "estado",
                label: "Estado",
                kind: Kind::Choice(&[
                    ordered(
                        "pending",
                        "pendientes",
                        "it.state in ('pending', 'processing', 'failed') and it.state = 'pending'",
                        &EVENTS_DUE,
                    ),
                    ordered(
                        "processing",
                        "en proceso",
                        "it.state in ('pending', 'processing', 'failed') and it.state = 'processing'",
                        &EVENTS_DUE,
                    ),
                    ordered(
                        "failed",
                        "fallando",
                        "it.state in ('pending', 'processing', 'failed') and it.state = 'failed'",
                        &EVENTS_DUE,
                    ),
                    indexed(
                        "parked",
                        "apartados",
                        "it.state in ('dead', 'parked') and it.state = 'parked'",
                    ),
                    indexed(
                        "dead",
                        "muertos",
                        "it.state in ('dead', 'parked') and it.state = 'dead'",
                    ),
                    choice("processed", "procesados", "it.state = 'processed'"),
                    choice("ignored", "ignorados", "it.state = 'ignored'"),
                ]),
            },
            Filter {
                name: "evento",
                label: "Id del evento",
                kind: Kind::Text {
                    hint: "El id completo, del proveedor o nuestro.",
                    check: is_word,
                    step: Step::Scan,
                    condition: event_named,
                },
            },
        ],
        DAYS,
    ],
};

static JOBS_ORDER: Order = Order {
    source: "engine.jobs",
    ..BY_ID
};

static JOBS_DUE: Order = Order {
    source: "engine.jobs",
    at: Some("run_at"),
    ascending: true,
    days: Days::No,
    ..BY_ID
};

pub(super) static JOBS: List = List {
    path: "/panel/trabajos",
    menu: "/panel/trabajos",
    title: "Trabajos",
    about: "Aquí está lo que el programa hace después de un aviso o por horario: avisar, pedir, guardar.",
    order: &JOBS_ORDER,
    joins: "left join webhooks.events as cause on cause.id = it.cause",
    columns: &[
        column("Pedido", "it.created_at", Show::Time),
        column("Trabajo", "it.kind", Show::Link("'/panel/trabajos/' || it.id")),
        column("Estado", "it.state", Show::State),
        column("Intentos", "it.attempts", Show::Number),
        column(
            "Le toca",
            "case when it.state in ('pending', 'failed') then it.run_at end",
            Show::Time,
        ),
        column("Terminado", "it.processed_at", Show::Time),
        column(
            "Por el evento",
            "cause.event_id",
            Show::Link("'/panel/eventos/' || cause.id"),
        ),
        column("Último error", "it.last_error", Show::Text),
        column("Id", "it.id", Show::Code),
    ],
    filters: &[
        &[
            Filter {
                name: "tipo",
                label: "Trabajo",
                kind: Kind::Text {
                    hint: "El nombre exacto, como guardar_factura.",
                    check: is_word,
                    step: Step::Match,
                    condition: |text, sql| equals("it.kind", text, sql),
                },
            },
            Filter {
                name: "estado",
                label: "Estado",
                kind: Kind::Choice(&[
                    ordered(
                        "pending",
                        "pendientes",
                        "it.state in ('pending', 'processing', 'failed') and it.state = 'pending'",
                        &JOBS_DUE,
                    ),
                    ordered(
                        "processing",
                        "en proceso",
                        "it.state in ('pending', 'processing', 'failed') and it.state = 'processing'",
                        &JOBS_DUE,
                    ),
                    ordered(
                        "failed",
                        "fallando",
                        "it.state in ('pending', 'processing', 'failed') and it.state = 'failed'",
                        &JOBS_DUE,
                    ),
                    indexed(
                        "detenidos",
                        "apartados o muertos",
                        "it.state in ('parked', 'dead')",
                    ),
                    indexed(
                        "parked",
                        "apartados",
                        "it.state in ('parked', 'dead') and it.state = 'parked'",
                    ),
                    indexed(
                        "dead",
                        "muertos",
                        "it.state in ('parked', 'dead') and it.state = 'dead'",
                    ),
                    choice("processed", "hechos", "it.state = 'processed'"),
                ]),
            },
            Filter {
                name: "id",
                label: "Id",
                kind: Kind::Text {
                    hint: "El id completo del trabajo.",
                    check: is_id,
                    step: Step::Scan,
                    condition: |text, sql| equals_id("it.id", text, sql),
                },
            },
        ],
        DAYS,
    ],
};

static ALERTS_ORDER: Order = Order {
    source: "engine.alerts",
    ..BY_ID
};

pub(super) static ALERTS: List = List {
    path: "/panel/alertas",
    menu: "/panel/alertas",
    title: "Alertas",
    about: "Aquí están los incidentes que una persona debe atender, uno por causa.",
    order: &ALERTS_ORDER,
    joins: "",
    columns: &[
        column("Abierta", "it.opened_at", Show::Time),
        column("Qué pasó", "it.title", Show::Link("'/panel/alertas/' || it.id")),
        column(
            "Estado",
            "case when it.resolved_at is not null then 'resuelta' when it.acknowledged_at is not null then 'atendida'
                  else 'sin atender' end",
            Show::State,
        ),
        column("Veces", "it.times", Show::Number),
        column("Última vez", "it.last_seen_at", Show::Time),
        column("Resuelta", "it.resolved_at", Show::Time),
        column("Causa", "it.cause", Show::Code),
    ],
    filters: &[
        &[
            Filter {
                name: "estado",
                label: "Estado",
                kind: Kind::Choice(&[
                    indexed("abiertas", "abiertas", "it.resolved_at is null"),
                    indexed("sin-atender", "sin atender", "it.resolved_at is null and it.acknowledged_at is null"),
                    indexed("atendidas", "atendidas y abiertas", "it.resolved_at is null and it.acknowledged_at is not null"),
                    choice("resueltas", "resueltas", "it.resolved_at is not null"),
                ]),
            },
            Filter {
                name: "tipo",
                label: "Tipo de causa",
                kind: Kind::Text {
                    hint: "Lo que va antes de los dos puntos en la causa, como factura-distinta.",
                    check: is_word,
                    step: Step::Match,
                    condition: |text, sql| equals("it.kind", text, sql),
                },
            },
        ],
        DAYS,
    ],
};

static LOG_ORDER: Order = Order {
    source: "logs_auditoria",
    at: None,
    id: "id",
    kind: Id::Number,
    ascending: false,
    days: Days::Log,
};

pub(super) static AUDIT: List = List {
    path: "/panel/auditoria",
    menu: "/panel/auditoria",
    title: "Auditoría",
    about: "Aquí queda quién hizo qué y cuándo; nada se borra ni se cambia.",
    order: &LOG_ORDER,
    joins: "",
    columns: &[
        column("Número", "it.id", Show::Number),
        column("Cuándo", "it.ocurrido_en", Show::Time),
        column("Quién", "it.actor", Show::Text),
        column("Qué", "it.accion", Show::Text),
        column("Sobre", "it.recurso_tipo", Show::Text),
        column("Cuál", "it.recurso_id", Show::Code),
        column(
            "Por el evento",
            "it.evento_id",
            Show::Link("'/panel/eventos/' || it.evento_id"),
        ),
        column("Detalle", "it.detalle", Show::Code),
    ],
    filters: &[
        &[
            Filter {
                name: "actor",
                label: "Quién",
                kind: Kind::Text {
                    hint: "Como admin:… con su id, o stripe, gigstack, mifiel, sistema.",
                    check: is_word,
                    step: Step::Match,
                    condition: |text, sql| equals("it.actor", text, sql),
                },
            },
            Filter {
                name: "accion",
                label: "Qué",
                kind: Kind::Text {
                    hint: "La acción exacta, como evento.reprocesado.",
                    check: is_word,
                    step: Step::Match,
                    condition: |text, sql| equals("it.accion", text, sql),
                },
            },
            Filter {
                name: "recurso",
                label: "Cuál",
                kind: Kind::Text {
                    hint: "El id completo de un cliente, servicio, contrato, factura, evento, trabajo o alerta.",
                    check: is_word,
                    step: Step::Scan,
                    condition: |text, sql| equals(OF_RESOURCE, text, sql),
                },
            },
        ],
        DAYS,
    ],
};

/// With the kinds of resources that people ask about, so that the index over kind and id finds them.
const OF_RESOURCE: &str =
    "it.recurso_tipo in ('alertas', 'clientes', 'contratos_b2b', 'contratos_firmados', 'eventos',
    'facturas_emitidas', 'servicios', 'solicitudes', 'trabajos') and it.recurso_id";

/// A name as providers, kinds and actors have it.
pub(super) fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

pub(super) fn is_id(text: &str) -> bool {
    Uuid::try_parse(text).is_ok()
}

pub(super) fn equals(what: &str, text: &str, sql: &mut Sql) {
    sql.push(format_args!("{what} = ")).push_bind(text.to_owned());
}

pub(super) fn equals_id(what: &str, text: &str, sql: &mut Sql) {
    sql.push(format_args!("{what} = "))
        .push_bind(Uuid::try_parse(text).unwrap_or_default());
}

fn event_named(text: &str, sql: &mut Sql) {
    match Uuid::try_parse(text) {
        Ok(id) => sql.push("it.id = ").push_bind(id),
        Err(_) => sql
            .push("it.provider in ('stripe', 'gigstack', 'mifiel') and it.event_id = ")
            .push_bind(text.to_owned()),
    };
}
