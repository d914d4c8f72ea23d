//! What was paid today.

use rust_decimal::Decimal;

use super::super::period::Period;
use super::super::{amounts, words};
use super::Amounts;
use crate::tools::db::Db;

/// Payments of one channel, method and currency.
#[derive(Debug, Clone)]
pub(in super::super) struct Paid {
    pub(in super::super) channel: String,
    pub(in super::super) method: String,
    currency: String,
    pub(in super::super) count: i64,
    amount: Decimal,
    refunded: i64,
    refunded_amount: Decimal,
}

impl Paid {
    pub(in super::super) fn amount(&self) -> String {
        amounts::money(self.amount, &self.currency)
    }

    pub(in super::super) fn channel_name(&self) -> &'static str {
        match self.channel.as_str() {
            "stripe" => "En línea",
            "presencial" => "En mostrador",
            _ => "Sin canal",
        }
    }

    pub(in super::super) fn method_name(&self) -> &str {
        words::method(&self.method)
    }
}

/// What was paid in these days.
pub(in super::super) struct Payments {
    pub(in super::super) by_method: Vec<Paid>,
    /// Services whose last try failed, whenever that was.
    pub(in super::super) failed: i64,
}

impl Payments {
    pub(in super::super) fn count(&self) -> i64 {
        self.by_method.iter().map(|paid| paid.count).sum()
    }

    pub(in super::super) fn amount(&self) -> Amounts {
        Amounts::of(
            self.by_method
                .iter()
                .map(|paid| (paid.currency.as_str(), paid.amount)),
        )
    }

    pub(in super::super) fn refunded(&self) -> i64 {
        self.by_method.iter().map(|paid| paid.refunded).sum()
    }

    pub(in super::super) fn refunded_amount(&self) -> Amounts {
        Amounts::of(
            self.by_method
                .iter()
                .filter(|paid| paid.refunded > 0)
                .map(|paid| (paid.currency.as_str(), paid.refunded_amount)),
        )
    }
}

/// The payments of today.
pub(in super::super) async fn today(db: &Db, today: &Period) -> Result<Payments, sqlx::Error> {
    let by_method = sqlx::query_as!(
        Paid,
        r#"select coalesce(canal_pago::text, '') as "channel!", coalesce(metodo_pago, '') as "method!",
                  moneda::text as "currency!", count(*) as "count!", coalesce(sum(monto_pagado), 0) as "amount!",
                  count(*) filter (where estado_pago in ('reembolsado', 'parcialmente_reembolsado')) as "refunded!",
                  coalesce(sum(monto_reembolsado), 0) as "refunded_amount!"
           from servicios where pagado_en >= $1 and pagado_en < $2
           group by canal_pago, metodo_pago, moneda order by count(*) desc, 1, 2"#,
        today.start(),
        today.end(),
    );
    let by_method = by_method.fetch_all(db).await?;
    let failed =
        sqlx::query_scalar!(r#"select count(*) as "count!" from servicios where estado_pago = 'fallido'"#);
    Ok(Payments {
        by_method,
        failed: failed.fetch_one(db).await?,
    })
}
