//! What went wrong with invoices, by type: events of Gigstack's and jobs that did not get through, and incidents.

use sqlx::AssertSqlSafe;

use super::super::period::Period;
use crate::ground::clock::Clock;
use crate::tools::db::Db;

/// Every error as a row, of ids from `{from}` to before `{until}`: the figure counts these, the list shows them. Each part
/// finds its rows by an index on rare states, or by the few incidents there are.
pub(in super::super) const BETWEEN: &str = "(
    select id, received_at as at, 'aviso-' || state as type, event_type as what, last_error as detail,
           '/panel/eventos/' || id as href
    from webhooks.events
    where provider = 'gigstack' and state in ('dead', 'parked') and id >= {from} and id < {until}
    union all
    select id, received_at, 'aviso-' || state, event_type, last_error, '/panel/eventos/' || id
    from webhooks.events
    where provider = 'gigstack' and state in ('pending', 'processing', 'failed') and state = 'failed'
      and id >= {from} and id < {until}
    union all
    select id, created_at, 'trabajo-' || state, kind, last_error, '/panel/trabajos/' || id
    from engine.jobs
    where state in ('parked', 'dead') and id >= {from} and id < {until}
      and kind in ('solicitar_a_gigstack', 'guardar_factura', 'revisar_factura_global', 'reconciliar_gigstack',
                   'suprimir_factura')
    union all
    select id, created_at, 'trabajo-' || state, kind, last_error, '/panel/trabajos/' || id
    from engine.jobs
    where state in ('pending', 'processing', 'failed') and state = 'failed' and id >= {from} and id < {until}
      and kind in ('solicitar_a_gigstack', 'guardar_factura', 'revisar_factura_global', 'reconciliar_gigstack',
                   'suprimir_factura')
    union all
    select id, opened_at, split_part(cause, ':', 1), title, null, '/panel/alertas/' || id
    from engine.alerts
    where id >= {from} and id < {until} and split_part(cause, ':', 1) in
          ('factura-por-corregir', 'factura-sin-confirmar', 'factura-distinta', 'factura-doble', 'factura-global-distinta',
           'factura-despues-de-global', 'factura-global-tarde', 'factura-global-cancelada'))";

/// Every type and its name.
pub(in super::super) const TYPES: [(&str, &str); 14] = [
    (
        "aviso-dead",
        "Aviso de Gigstack muerto: falló en todos sus intentos",
    ),
    ("aviso-parked", "Aviso de Gigstack apartado: espera a una persona"),
    ("aviso-failed", "Aviso de Gigstack que falla y se repite"),
    ("trabajo-dead", "Trabajo de facturación muerto"),
    ("trabajo-parked", "Trabajo de facturación apartado"),
    ("trabajo-failed", "Trabajo de facturación que falla y se repite"),
    (
        "factura-por-corregir",
        "Factura por cancelar o con nota de crédito pendiente",
    ),
    ("factura-sin-confirmar", "Aviso que Gigstack no confirma"),
    ("factura-distinta", "Factura que no coincide con Gigstack"),
    ("factura-doble", "Servicio con dos facturas vigentes"),
    (
        "factura-global-distinta",
        "Factura global que no coincide con las ventas",
    ),
    (
        "factura-despues-de-global",
        "Factura propia pedida después de la global",
    ),
    ("factura-global-tarde", "Factura global sin emitir a tiempo"),
    ("factura-global-cancelada", "Factura global cancelada"),
];

/// How many there are of a type.
pub(in super::super) struct OfType {
    pub(in super::super) key: &'static str,
    pub(in super::super) name: &'static str,
    pub(in super::super) count: i64,
}

/// The types that there are any of, of what came in these days; the most frequent first.
pub(in super::super) async fn by_type(db: &Db, period: &Period) -> Result<Vec<OfType>, sqlx::Error> {
    let rows = BETWEEN.replace("{from}", "$1").replace("{until}", "$2");
    let sql = format!("select type, count(*) from {rows} as errors group by type");
    let counted: Vec<(String, i64)> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(Clock::first_id_of(period.start()))
        .bind(Clock::first_id_of(period.end()))
        .fetch_all(db)
        .await?;
    let mut types: Vec<OfType> = TYPES
        .into_iter()
        .filter_map(|(key, name)| {
            let (_, count) = counted.iter().find(|(counted, _)| counted == key)?;
            Some(OfType {
                key,
                name,
                count: *count,
            })
        })
        .collect();
    types.sort_by_key(|of| std::cmp::Reverse(of.count));
    Ok(types)
}
