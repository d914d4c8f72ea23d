//! Lists of the business: invoices, self-invoices, sales, contracts, what went wrong with invoices.

use super::machine::{equals_id, is_id, is_word};
use super::{DAYS, Days, Filter, Id, Kind, List, Order, Show, Step, choice, column, indexed, ordered};
use crate::ground::values::Month;
use crate::panel::figures::business::ORIGINS;
use crate::panel::figures::errors;

static STAMPED: Order = Order {
    source: "(select * from facturas_emitidas where fecha_timbrado is not null)",
    at: Some("fecha_timbrado"),
    id: "id",
    kind: Id::Uuid,
    ascending: false,
    days: Days::By("fecha_timbrado"),
};

/// Invoices that are not stamped have no time to be in the order of.
static UNSTAMPED: Order = Order {
    source: "facturas_emitidas",
    at: None,
    id: "id",
    kind: Id::Uuid,
    ascending: false,
    days: Days::No,
};

pub(super) static INVOICES: List = List {
    path: "/panel/facturas",
    menu: "/panel/facturas",
    title: "Facturas emitidas",
    about: "Aquí están los CFDI timbrados; los pendientes, con el filtro de estado.",
    order: &STAMPED,
    joins: "",
    columns: &[
        column("Timbrada", "it.fecha_timbrado", Show::Time),
        column("Método", "it.origen", Show::Named(&ORIGINS)),
        column("Estado", "it.estado", Show::State),
        column("Serie y folio", "concat_ws('-', it.serie, it.folio)", Show::Text),
        column("Importe", "it.monto_total", Show::Amount),
        column("Moneda", "it.moneda", Show::Text),
        column("UUID", "it.uuid_sat", Show::Code),
        column("Cancelada", "it.cancelada_en", Show::Time),
        column(
            "Servicio",
            "it.servicio_id",
            Show::Link("'/panel/pagos?servicio=' || it.servicio_id"),
        ),
        column(
            "XML",
            "case when it.url_xml is not null then 'xml' end",
            Show::Link("'/panel/documentos/facturas/' || it.id || '/xml'"),
        ),
        column(
            "PDF",
            "case when it.url_pdf is not null then 'pdf' end",
            Show::Link("'/panel/documentos/facturas/' || it.id || '/pdf'"),
        ),
    ],
    filters: &[
        &[
            Filter {
                name: "origen",
                label: "Método",
                kind: Kind::Choice(&[
                    choice("stripe", "pago en línea (Stripe)", "it.origen = 'stripe'"),
                    choice("autofactura", "autofactura", "it.origen = 'autofactura'"),
                    choice("global", "factura global", "it.origen = 'global'"),
                    choice("directa", "directa", "it.origen = 'directa'"),
                ]),
            },
            Filter {
                name: "estado",
                label: "Estado",
                kind: Kind::Choice(&[
                    choice("vigente", "vigentes", "it.estado = 'vigente'"),
                    choice("cancelada", "canceladas", "it.estado = 'cancelada'"),
                    ordered(
                        "pendiente",
                        "pendientes de timbrar",
                        "it.estado = 'pendiente'",
                        &UNSTAMPED,
                    ),
                ]),
            },
            Filter {
                name: "uuid",
                label: "UUID",
                kind: Kind::Text {
                    hint: "El folio fiscal completo.",
                    check: is_id,
                    step: Step::Scan,
                    condition: |text, sql| equals_id("it.uuid_sat", text, sql),
                },
            },
            Filter {
                name: "folio",
                label: "Serie y folio",
                kind: Kind::Text {
                    hint: "Como A-120, o sólo el folio.",
                    check: is_word,
                    step: Step::Match,
                    condition: |text, sql| {
                        sql.push("it.folio = ").push_bind(text.to_owned());
                        sql.push(" or concat_ws('-', it.serie, it.folio) = ")
                            .push_bind(text.to_owned());
                    },
                },
            },
        ],
        DAYS,
    ],
};

static ASKED: Order = Order {
    source: "(select * from invoicing.requests where kind = 'self_invoice')",
    at: Some("created_at"),
    id: "id",
    kind: Id::Uuid,
    ascending: false,
    days: Days::By("created_at"),
};

pub(super) static SELF_INVOICES: List = List {
    path: "/panel/autofacturas",
    menu: "/panel/facturas",
    title: "Autofacturas pedidas",
    about: "Aquí está cada autofactura que un cliente pidió y si ya la hizo.",
    order: &ASKED,
    joins: "left join servicios on servicios.id = it.servicio_id
            left join lateral (select uuid_sat, estado from facturas_emitidas where servicio_id = it.servicio_id
                               order by estado = 'vigente' desc, id desc limit 1) as invoice on true",
    columns: &[
        column("Pedida", "it.created_at", Show::Time),
        column("Estado", "it.state", Show::State),
        column("Cambió", "it.updated_at", Show::Time),
        column("Servicio", "it.servicio_id", Show::Link("'/panel/pagos?servicio=' || it.servicio_id")),
        column("Importe", "coalesce(servicios.monto_pagado, servicios.monto)", Show::Amount),
        column("Moneda", "servicios.moneda", Show::Text),
        column("Recibo de Gigstack", "it.gigstack_id", Show::Code),
        column("Factura", "invoice.uuid_sat", Show::Link("'/panel/facturas?uuid=' || invoice.uuid_sat")),
        column("Estado de la factura", "invoice.estado", Show::State),
    ],
    filters: &[
        &[Filter {
            name: "estado",
            label: "Estado",
            kind: Kind::Choice(&[
                choice("abiertas", "sin hacer", "it.state in ('requested', 'open')"),
                choice("requested", "solicitadas a Gigstack", "it.state = 'requested'"),
                choice("open", "abiertas para el cliente", "it.state = 'open'"),
                choice("completed", "facturadas", "it.state = 'completed'"),
                choice("withdrawn", "retiradas", "it.state = 'withdrawn'"),
            ]),
        }],
        DAYS,
    ],
};

static SOLD: Order = Order {
    source: "ventas_factura_global",
    at: Some("vendida_en"),
    id: "servicio_id",
    kind: Id::Uuid,
    ascending: false,
    days: Days::By("vendida_en"),
};

pub(super) static SALES: List = List {
    path: "/panel/ventas",
    menu: "/panel/ventas",
    title: "Ventas para la factura global",
    about: "Aquí están las ventas de mostrador sin factura propia, que van en la factura global de su mes.",
    order: &SOLD,
    joins: "left join facturas_emitidas as invoice on invoice.id = it.factura_id",
    columns: &[
        column("Vendida", "it.vendida_en", Show::Time),
        column("Folio", "it.folio", Show::Code),
        column("Importe", "it.monto", Show::Amount),
        column("Moneda", "it.moneda", Show::Text),
        column("Método", "it.metodo_pago", Show::Method),
        column("Mes", "it.periodo", Show::Text),
        column(
            "Estado",
            "case when it.conciliada then 'conciliada' when it.factura_id is not null then 'en factura global'
                  when it.solicitud_id is not null then 'solicitada' else 'sin factura' end",
            Show::Text,
        ),
        column("Factura global", "invoice.uuid_sat", Show::Link("'/panel/facturas?uuid=' || invoice.uuid_sat")),
        column("Servicio", "it.servicio_id", Show::Link("'/panel/pagos?servicio=' || it.servicio_id")),
    ],
    filters: &[
        &[
            Filter {
                name: "factura",
                label: "Factura",
                kind: Kind::Choice(&[
                    choice("sin", "sin factura todavía", "it.factura_id is null"),
                    choice("con", "en una factura global", "it.factura_id is not null"),
                ]),
            },
            Filter {
                name: "mes",
                label: "Mes",
                kind: Kind::Text {
                    hint: "Escribe un mes, como 2026-11.",
                    check: |text| text.parse::<Month>().is_ok(),
                    step: Step::Scan,
                    // The month is that of the sale, so the index over the time finds it.
                    condition: |text, sql| {
                        let Ok(month) = text.parse::<Month>() else { return };
                        sql.push("it.vendida_en >= ").push_bind(month.start());
                        sql.push(" and it.vendida_en < ").push_bind(month.next().start());
                    },
                },
            },
        ],
        DAYS,
    ],
};

/// What waits for a signature first, by the end of its time.
static BY_DEADLINE: Order = Order {
    source: "(select contratos_b2b.id, contratos_b2b.estado, tipo, cliente_id, newest.id as documento,
                     newest.estado as firma, mifiel_document_id, enviado_en, vence_en, firmado_en, rechazado_en,
                     coalesce(case when newest.estado = 'pendiente' then vence_en end,
                              '9999-01-01'::timestamptz) as plazo
              from contratos_b2b
              left join lateral (select * from contratos_firmados where contrato_id = contratos_b2b.id
                                 order by contratos_firmados.creado_en desc, contratos_firmados.id desc limit 1)
                        as newest on true)",
    at: Some("plazo"),
    id: "id",
    kind: Id::Uuid,
    ascending: true,
    days: Days::No,
};

/// Documents that wait: the index over the pending ones has them in this order.
static WAITING: Order = Order {
    source: "(select contratos_b2b.id, contratos_b2b.estado, tipo, cliente_id, firmados.id as documento,
                     firmados.estado as firma, mifiel_document_id, enviado_en, vence_en, firmado_en, rechazado_en,
                     coalesce(vence_en, '9999-01-01'::timestamptz) as plazo
              from contratos_firmados as firmados join contratos_b2b on contratos_b2b.id = contrato_id
              where firmados.estado = 'pendiente' and eliminado_en is null)",
    at: Some("plazo"),
    id: "documento",
    kind: Id::Uuid,
    ascending: true,
    days: Days::No,
};

pub(super) static CONTRACTS: List = List {
    path: "/panel/contratos",
    menu: "/panel/contratos",
    title: "Contratos",
    about: "Aquí están los contratos con su último documento; primero los que esperan firma.",
    order: &BY_DEADLINE,
    joins: "left join clientes on clientes.id = it.cliente_id",
    columns: &[
        column("Cliente", "clientes.nombre", Show::Text),
        column(
            "Tipo",
            "it.tipo",
            Show::Named(&[
                ("suscripcion", "suscripción"),
                ("servicio_unico", "servicio único"),
            ]),
        ),
        column("Contrato", "it.estado", Show::State),
        column("Documento", "it.firma", Show::State),
        column("Enviado", "it.enviado_en", Show::Time),
        column("Vence", "it.vence_en", Show::Time),
        column("Firmado", "it.firmado_en", Show::Time),
        column("Rechazado", "it.rechazado_en", Show::Time),
        column("Id en Mifiel", "it.mifiel_document_id", Show::Code),
        column("Id", "it.id", Show::Code),
    ],
    filters: &[&[
        Filter {
            name: "estado",
            label: "Contrato",
            kind: Kind::Choice(&[
                choice(
                    "pendiente_firma",
                    "pendientes de firma",
                    "it.estado = 'pendiente_firma'",
                ),
                choice("activo", "activos", "it.estado = 'activo'"),
                choice("moroso", "morosos", "it.estado = 'moroso'"),
                choice("inactivo", "inactivos", "it.estado = 'inactivo'"),
                choice("rechazado", "rechazados", "it.estado = 'rechazado'"),
            ]),
        },
        Filter {
            name: "documento",
            label: "Documento",
            kind: Kind::Choice(&[
                ordered("pendiente", "espera firmas", "it.firma = 'pendiente'", &WAITING),
                choice("firmado", "firmado", "it.firma = 'firmado'"),
                choice("rechazado", "rechazado", "it.firma = 'rechazado'"),
                choice("sin", "sin documento", "it.documento is null"),
            ]),
        },
    ]],
};

static BY_TIME: Order = Order {
    source: errors::BETWEEN,
    at: Some("at"),
    id: "id",
    kind: Id::Uuid,
    ascending: false,
    days: Days::Inside,
};

pub(super) static ERRORS: List = List {
    path: "/panel/errores",
    menu: "/panel/facturas",
    title: "Errores de facturación",
    about: "Aquí están los avisos y trabajos de facturación que no pasaron y los incidentes de facturas.",
    order: &BY_TIME,
    joins: "",
    columns: &[
        column("Cuándo", "it.at", Show::Time),
        column("Tipo", "it.type", Show::Named(&errors::TYPES)),
        column("Qué", "it.what", Show::Link("it.href")),
        column("Detalle", "it.detail", Show::Text),
    ],
    filters: &[
        &[Filter {
            name: "tipo",
            label: "Tipo",
            kind: Kind::Choice(&[
                indexed("aviso-dead", "avisos muertos", "it.type = 'aviso-dead'"),
                indexed("aviso-parked", "avisos apartados", "it.type = 'aviso-parked'"),
                indexed("aviso-failed", "avisos fallando", "it.type = 'aviso-failed'"),
                indexed("trabajo-dead", "trabajos muertos", "it.type = 'trabajo-dead'"),
                indexed(
                    "trabajo-parked",
                    "trabajos apartados",
                    "it.type = 'trabajo-parked'",
                ),
                indexed(
                    "trabajo-failed",
                    "trabajos fallando",
                    "it.type = 'trabajo-failed'",
                ),
                indexed(
                    "factura-por-corregir",
                    "facturas por corregir",
                    "it.type = 'factura-por-corregir'",
                ),
                indexed(
                    "factura-sin-confirmar",
                    "avisos sin confirmar",
                    "it.type = 'factura-sin-confirmar'",
                ),
                indexed(
                    "factura-distinta",
                    "facturas distintas",
                    "it.type = 'factura-distinta'",
                ),
                indexed(
                    "factura-doble",
                    "dos facturas vigentes",
                    "it.type = 'factura-doble'",
                ),
                indexed(
                    "factura-global-distinta",
                    "globales distintas",
                    "it.type = 'factura-global-distinta'",
                ),
                indexed(
                    "factura-despues-de-global",
                    "pedidas tras la global",
                    "it.type = 'factura-despues-de-global'",
                ),
                indexed(
                    "factura-global-tarde",
                    "globales tarde",
                    "it.type = 'factura-global-tarde'",
                ),
                indexed(
                    "factura-global-cancelada",
                    "globales canceladas",
                    "it.type = 'factura-global-cancelada'",
                ),
            ]),
        }],
        DAYS,
    ],
};
