//! What every page has around it: the menu, how many alerts are open, who is signed in.

use super::page::Trouble;
use crate::tools::db::Db;

/// Around a page; `here` is the entry of the menu that it belongs to.
pub(super) struct Shell {
    /// One of [`MENU`]'s paths.
    pub(super) here: &'static str,
    /// Open alerts that nobody has acknowledged.
    pub(super) alerts: i64,
}

/// Path and name of every entry of the menu.
pub(super) const MENU: [(&str, &str); 11] = [
    ("/panel", "Inicio"),
    ("/panel/alertas", "Alertas"),
    ("/panel/eventos", "Eventos"),
    ("/panel/trabajos", "Trabajos"),
    ("/panel/proveedores", "Proveedores"),
    ("/panel/pagos", "Pagos"),
    ("/panel/facturas", "Facturas"),
    ("/panel/ventas", "Ventas sin factura"),
    ("/panel/contratos", "Contratos"),
    ("/panel/documentos", "Documentos"),
    ("/panel/auditoria", "Auditoría"),
];

impl Shell {
    /// For a page below `here`.
    pub(super) async fn around(here: &'static str, db: &Db) -> Result<Self, Trouble> {
        let alerts = sqlx::query_scalar!(
            r#"select count(*) as "count!" from engine.alerts where resolved_at is null and acknowledged_at is null"#
        );
        let alerts = alerts.fetch_one(db).await?;
        Ok(Self { here, alerts })
    }

    /// The menu, for the template.
    #[allow(clippy::unused_self)] // a template calls methods
    pub(super) fn menu(&self) -> &'static [(&'static str, &'static str)] {
        &MENU
    }

    /// For `aria-current`.
    pub(super) fn is_here(&self, path: &str) -> bool {
        self.here == path
    }
}
