//! Four of the five figures of the business: invoices by method, self-invoices that became one, sales for the global
//! invoice, contracts that wait for a signature.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::super::amounts;
use super::Amounts;
use crate::tools::db::Db;

/// Every way that an invoice comes about, and its name.
pub(in super::super) const ORIGINS: [(&str, &str); 4] = [
    ("stripe", "Pago en línea (Stripe)"),
    ("autofactura", "Autofactura del cliente"),
    ("global", "Factura global"),
    ("directa", "Directa"),
];

/// Invoices of one method, state and currency.
#[derive(Debug, Clone)]
pub(in super::super) struct Issued {
    origin: String,
    state: String,
    currency: String,
    count: i64,
    amount: Decimal,
}

/// Invoices of one method.
pub(in super::super) struct OfMethod {
    pub(in super::super) origin: &'static str,
    pub(in super::super) name: &'static str,
    pub(in super::super) valid: i64,
    pub(in super::super) valid_amount: Amounts,
    pub(in super::super) cancelled: i64,
    pub(in super::super) cancelled_amount: Amounts,
}

impl OfMethod {
    pub(in super::super) fn count(&self) -> i64 {
        self.valid + self.cancelled
    }
}

/// Invoices that were stamped from then to before then.
pub(in super::super) async fn issued(
    db: &Db,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<Issued>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Issued,
        r#"select origen::text as "origin!", estado::text as "state!", coalesce(moneda::text, '') as "currency!",
                  count(*) as "count!", coalesce(sum(monto_total), 0) as "amount!"
           from facturas_emitidas where fecha_timbrado >= $1 and fecha_timbrado < $2
           group by origen, estado, moneda"#,
        from,
        until,
    );
    rows.fetch_all(db).await
}

/// The same for people: method by method.
pub(in super::super) fn by_method(rows: &[Issued]) -> Vec<OfMethod> {
    let one = |(origin, name)| {
        let of = |cancelled: bool| {
            let rows = rows.iter().filter(move |row| row.origin == origin);
            rows.filter(move |row| (row.state == "cancelada") == cancelled)
        };
        let amounts = |cancelled| Amounts::of(of(cancelled).map(|row| (row.currency.as_str(), row.amount)));
        OfMethod {
            origin,
            name,
            valid: of(false).map(|row| row.count).sum(),
            valid_amount: amounts(false),
            cancelled: of(true).map(|row| row.count).sum(),
            cancelled_amount: amounts(true),
        }
    };
    ORIGINS.into_iter().map(one).collect()
}

/// Self-invoices that were asked for in these days, and what became of them.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) struct SelfInvoices {
    pub(in super::super) asked: i64,
    pub(in super::super) made: i64,
    pub(in super::super) open: i64,
    pub(in super::super) withdrawn: i64,
}

impl SelfInvoices {
    /// With those of other days.
    pub(in super::super) fn and(self, other: Self) -> Self {
        Self {
            asked: self.asked + other.asked,
            made: self.made + other.made,
            open: self.open + other.open,
            withdrawn: self.withdrawn + other.withdrawn,
        }
    }

    /// How many of those asked for became an invoice.
    pub(in super::super) fn rate(&self) -> Option<String> {
        amounts::percent(self.made, self.asked)
    }
}

/// How many clients made the invoice that they wanted.
pub(in super::super) async fn self_invoices(
    db: &Db,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<SelfInvoices, sqlx::Error> {
    let row = sqlx::query_as!(
        SelfInvoices,
        r#"select count(*) as "asked!", count(*) filter (where state = 'completed') as "made!",
                  count(*) filter (where state in ('requested', 'open')) as "open!",
                  count(*) filter (where state = 'withdrawn') as "withdrawn!"
           from invoicing.requests where kind = 'self_invoice' and created_at >= $1 and created_at < $2"#,
        from,
        until,
    );
    row.fetch_one(db).await
}

/// Sales that were registered for a global invoice.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Sales {
    pub(in super::super) count: i64,
    pub(in super::super) amount: Amounts,
    /// Of those, in no invoice yet.
    pub(in super::super) waiting: i64,
    pub(in super::super) waiting_amount: Amounts,
}

impl Sales {
    /// With those of other days.
    pub(in super::super) fn and(mut self, other: &Self) -> Self {
        self.count += other.count;
        self.amount.add_all(&other.amount);
        self.waiting += other.waiting;
        self.waiting_amount.add_all(&other.waiting_amount);
        self
    }
}

/// Sales at the counter of these days that are for a global invoice.
pub(in super::super) async fn sales(
    db: &Db,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Sales, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select moneda::text as "currency!", factura_id is null as "waiting!", count(*) as "count!",
                  sum(monto) as "amount!"
           from ventas_factura_global where vendida_en >= $1 and vendida_en < $2
           group by moneda, factura_id is null"#,
        from,
        until,
    );
    let mut sales = Sales::default();
    for row in rows.fetch_all(db).await? {
        sales.count += row.count;
        sales.amount.add(&row.currency, row.amount);
        if row.waiting {
            sales.waiting += row.count;
            sales.waiting_amount.add(&row.currency, row.amount);
        }
    }
    Ok(sales)
}

/// Contracts that wait for a signature now.
#[derive(Debug, Clone)]
pub(in super::super) struct Waiting {
    pub(in super::super) count: i64,
    /// Of those, the ones whose time ends within three days.
    pub(in super::super) ending: i64,
    /// Of those, the ones whose time is over.
    pub(in super::super) over: i64,
}

/// Documents at Mifiel, or on their way there, that nobody has signed or declined.
pub(in super::super) async fn signatures(db: &Db, now: DateTime<Utc>) -> Result<Waiting, sqlx::Error> {
    let row = sqlx::query_as!(
        Waiting,
        r#"select count(*) as "count!",
                  count(*) filter (where vence_en > $1 and vence_en <= $2) as "ending!",
                  count(*) filter (where vence_en <= $1) as "over!"
           from contratos_firmados where estado = 'pendiente' and eliminado_en is null"#,
        now,
        now + TimeDelta::days(3),
    );
    row.fetch_one(db).await
}
