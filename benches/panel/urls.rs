//! Every page of the panel, with every filter, and far into the lists.

use anyhow::Result;

use crate::server::Server;

const PAGES: &[&str] = &[
    "/panel",
    "/panel?periodo=hoy",
    "/panel?periodo=7d",
    "/panel?periodo=mes-anterior",
    "/panel?periodo=anio",
    "/panel/proveedores",
    "/panel/proveedores/stripe",
    "/panel/proveedores/r2",
    "/panel/eventos",
    "/panel/eventos?proveedor=stripe",
    "/panel/eventos?proveedor=mifiel",
    "/panel/eventos?tipo=charge.refunded",
    "/panel/eventos?tipo=no.such.type",
    "/panel/eventos?estado=dead",
    "/panel/eventos?estado=parked&proveedor=gigstack",
    "/panel/eventos?estado=failed",
    "/panel/eventos?estado=pending",
    "/panel/eventos?estado=processing",
    "/panel/eventos?estado=ignored&desde=2026-01-01&hasta=2026-01-31",
    "/panel/eventos?evento=evt_nobody",
    "/panel/trabajos",
    "/panel/trabajos?estado=detenidos",
    "/panel/trabajos?estado=pending",
    "/panel/trabajos?tipo=guardar_factura",
    "/panel/trabajos?tipo=nadie",
    "/panel/alertas",
    "/panel/alertas?estado=abiertas",
    "/panel/alertas?estado=resueltas",
    "/panel/alertas?tipo=nadie",
    "/panel/facturas",
    "/panel/facturas?origen=global",
    "/panel/facturas?origen=directa&estado=cancelada",
    "/panel/facturas?estado=pendiente",
    "/panel/facturas?folio=A-17",
    "/panel/facturas?uuid=00000000-0000-4000-8000-000000000000",
    "/panel/facturas?desde=2026-02-01&hasta=2026-02-28",
    "/panel/autofacturas",
    "/panel/autofacturas?estado=abiertas",
    "/panel/autofacturas?estado=requested",
    "/panel/ventas",
    "/panel/ventas?factura=sin",
    "/panel/ventas?factura=con&mes=2026-05",
    "/panel/errores",
    "/panel/errores?tipo=factura-doble",
    "/panel/errores?desde=2026-01-01&hasta=2026-12-31",
    "/panel/contratos",
    "/panel/contratos?documento=pendiente",
    "/panel/contratos?estado=moroso",
    "/panel/pagos",
    "/panel/pagos?estado=fallido",
    "/panel/pagos?estado=devueltos&canal=presencial",
    "/panel/pagos?metodo=nadie",
    "/panel/documentos",
    "/panel/documentos?estado=con-falla",
    "/panel/documentos?archivo=acuse",
    "/panel/auditoria",
    "/panel/auditoria?actor=nadie",
    "/panel/auditoria?accion=factura.emitida&desde=2025-09-01&hasta=2025-09-30",
    "/panel/auditoria?recurso=nadie",
];

/// Lists that are long enough to go far into.
const DEEP: &[&str] = &[
    "/panel/eventos",
    "/panel/eventos?tipo=no.such.type",
    "/panel/trabajos",
    "/panel/facturas",
    "/panel/facturas?origen=global",
    "/panel/autofacturas",
    "/panel/ventas",
    "/panel/contratos",
    "/panel/pagos",
    "/panel/documentos",
    "/panel/auditoria",
];
/// So many pages far.
const PAGES_DEEP: usize = 25;

/// What to call each page, and its address.
pub async fn all(server: &Server) -> Result<Vec<(String, String)>> {
    let mut all: Vec<(String, String)> = PAGES
        .iter()
        .map(|url| ((*url).to_owned(), (*url).to_owned()))
        .collect();
    for list in DEEP {
        let mut url = (*list).to_owned();
        let mut pages = 1;
        while pages < PAGES_DEEP {
            let Some(next) = next(&server.get(&url).await?.1) else {
                break;
            };
            url = next;
            pages += 1;
        }
        all.push((format!("{list}, page {pages}"), url));
    }
    Ok(all)
}

/// Where «next page» leads to.
fn next(page: &str) -> Option<String> {
    let (before, _) = page.split_once("id=\"siguiente\"")?;
    let (_, href) = before.rsplit_once("href=\"")?;
    Some(
        href.split('"')
            .next()?
            .replace("&#38;", "&")
            .replace("&amp;", "&"),
    )
}
