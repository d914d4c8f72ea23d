//! What was paid, service by service.

use super::machine::{equals_id, is_id, is_word};
use super::{DAYS, Days, Filter, Id, Kind, List, Order, Show, Step, choice, column, ordered};

static PAID: Order = Order {
    source: "(select * from servicios where pagado_en is not null)",
    at: Some("pagado_en"),
    id: "id",
    kind: Id::Uuid,
    ascending: false,
    days: Days::By("pagado_en"),
};

/// What was never paid has no time of its payment.
static UNPAID: Order = Order {
    at: None,
    days: Days::No,
    source: "servicios",
    id: "id",
    kind: Id::Uuid,
    ascending: false,
};

pub(super) static PAYMENTS: List = List {
    path: "/panel/pagos",
    menu: "/panel/pagos",
    title: "Pagos",
    about: "Aquí están los servicios cobrados, en línea y en mostrador; los fallidos, con el filtro de estado.",
    order: &PAID,
    joins: "",
    columns: &[
        column("Pagado", "it.pagado_en", Show::Time),
        column("Estado", "it.estado_pago", Show::State),
        column(
            "Canal",
            "it.canal_pago",
            Show::Named(&[("stripe", "en línea"), ("presencial", "en mostrador")]),
        ),
        column("Método", "it.metodo_pago", Show::Method),
        column("Importe", "coalesce(it.monto_pagado, it.monto)", Show::Amount),
        column("Devuelto", "it.monto_reembolsado", Show::Amount),
        column("Moneda", "it.moneda", Show::Text),
        column("Factura", "it.estado_factura", Show::State),
        column("Pago de Stripe", "it.stripe_payment_intent_id", Show::Code),
        column("Servicio", "it.id", Show::Code),
    ],
    filters: &[
        &[
            Filter {
                name: "canal",
                label: "Canal",
                kind: Kind::Choice(&[
                    choice("stripe", "en línea", "it.canal_pago = 'stripe'"),
                    choice("presencial", "en mostrador", "it.canal_pago = 'presencial'"),
                ]),
            },
            Filter {
                name: "metodo",
                label: "Método",
                kind: Kind::Text {
                    hint: "Como card, oxxo, o el código del SAT: 01, 03, 04, 28.",
                    check: is_word,
                    step: Step::Match,
                    condition: |text, sql| {
                        sql.push("it.metodo_pago = ").push_bind(text.to_owned());
                    },
                },
            },
            Filter {
                name: "estado",
                label: "Estado",
                kind: Kind::Choice(&[
                    choice("pagado", "pagados", "it.estado_pago = 'pagado'"),
                    choice(
                        "devueltos",
                        "devueltos, todo o parte",
                        "it.estado_pago in ('reembolsado', 'parcialmente_reembolsado')",
                    ),
                    ordered("fallido", "fallidos", "it.estado_pago = 'fallido'", &UNPAID),
                ]),
            },
            Filter {
                name: "servicio",
                label: "Servicio",
                kind: Kind::Text {
                    hint: "El id completo del servicio.",
                    check: is_id,
                    step: Step::Scan,
                    condition: |text, sql| equals_id("it.id", text, sql),
                },
            },
        ],
        DAYS,
    ],
};
