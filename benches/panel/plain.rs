//! The figures of the first page once more, each as a plain count over the whole table, and how they are read out of the page.

/// The figure's `id` in the page, and its count; `$1` is the first instant of the period, `$2` the first after it.
pub const COUNTS: [(&str, &str); 14] = [
    ("facturas", "select count(*) from facturas_emitidas where fecha_timbrado >= $1 and fecha_timbrado < $2"),
    ("pedidas", "select count(*) from invoicing.requests where kind = 'self_invoice' and created_at >= $1 and created_at < $2"),
    (
        "hechas",
        "select count(*) from invoicing.requests where kind = 'self_invoice' and state = 'completed'
             and created_at >= $1 and created_at < $2",
    ),
    ("ventas", "select count(*) from ventas_factura_global where vendida_en >= $1 and vendida_en < $2"),
    (
        "ventas-sin-factura",
        "select count(*) from ventas_factura_global where factura_id is null and vendida_en >= $1 and vendida_en < $2",
    ),
    (
        "errores",
        "select (select count(*) from webhooks.events where provider = 'gigstack' and state in ('dead', 'parked', 'failed')
                     and received_at >= $1 and received_at < $2)
              + (select count(*) from engine.jobs where state in ('dead', 'parked', 'failed')
                     and kind in ('solicitar_a_gigstack', 'guardar_factura', 'revisar_factura_global',
                                  'reconciliar_gigstack', 'suprimir_factura')
                     and created_at >= $1 and created_at < $2)
              + (select count(*) from engine.alerts where cause like 'factura-%' and opened_at >= $1 and opened_at < $2)",
    ),
    ("contratos", "select count(*) from contratos_firmados where estado = 'pendiente' and eliminado_en is null"),
    ("espera", "select count(*) from webhooks.events where state in ('pending', 'processing')"),
    ("fallando", "select count(*) from webhooks.events where state = 'failed'"),
    ("apartados", "select count(*) from webhooks.events where state = 'parked'"),
    ("muertos", "select count(*) from webhooks.events where state = 'dead'"),
    ("alertas", "select count(*) from engine.alerts where resolved_at is null"),
    ("documentos", "select count(*) from documents.objects"),
    ("fallidos", "select count(*) from servicios where estado_pago = 'fallido'"),
];

/// The number that the page shows with this `id`.
pub fn figure(page: &str, id: &str) -> Option<i64> {
    let (_, rest) = page.split_once(&format!("id=\"{id}\">"))?;
    let (text, _) = rest.split_once('<')?;
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok()
}
