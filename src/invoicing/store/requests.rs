//! `invoicing.requests`: what is asked of Gigstack.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use super::super::gigstack::shapes::Receipt;
use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::facts::Contact;
use crate::ground::values::{Month, ServiceId};
use crate::tools::db::Db;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A page where the client of this service makes the own invoice.
    SelfInvoice(ServiceId),
    /// The global invoice of a month.
    Global(Month),
    /// The same, and it is stamped and stored already.
    Stamped,
}

/// A request for the invoice of a service, as it is asked.
pub struct SelfInvoice {
    /// What was sold.
    pub description: String,
    /// What was paid.
    pub amount: Decimal,
    /// In which currency.
    pub currency: String,
    /// SAT's code of how.
    pub payment_form: String,
}

/// What noting a wish came to.
pub enum Wished {
    /// It is new.
    Noted(Uuid),
    /// It was known, and has one more way to reach the client now.
    Reachable {
        /// Which.
        request: Uuid,
        /// Whether the page is there already, and there was no mail address to send its link to.
        offered_to_nobody: bool,
    },
    /// It was known as it is.
    Known,
}

/// Notes the wish for a self-invoice, once per service: the first contact stays, and what was missing of it is added.
pub async fn wish(work: &mut Work, service: ServiceId, contact: &Contact) -> Result<Wished, Failure> {
    let (id, now) = (work.new_id(), work.now());
    let noted = sqlx::query!(
        "insert into invoicing.requests (id, kind, servicio_id, email, phone, state, created_at, updated_at)
         values ($1, 'self_invoice', $2, $3, $4, 'requested', $5, $5)
         on conflict (servicio_id) where kind = 'self_invoice' do nothing",
        id,
        service.0,
        contact.email,
        contact.phone,
        now,
    );
    if noted.execute(work.connection()).await?.rows_affected() > 0 {
        return Ok(Wished::Noted(id));
    }
    let added = sqlx::query!(
        r#"with known as (
             select id, email from invoicing.requests
             where kind = 'self_invoice' and servicio_id = $1
               and (email is null and $2::text is not null or phone is null and $3::text is not null)
             for update)
         update invoicing.requests set
             email = coalesce(requests.email, $2), phone = coalesce(requests.phone, $3), updated_at = $4
         from known where requests.id = known.id
         returning requests.id, state = 'open' and known.email is null and $2::text is not null as "to_nobody!""#,
        service.0,
        contact.email,
        contact.phone,
        now,
    );
    let added = added.fetch_optional(work.connection()).await?;
    Ok(added.map_or(Wished::Known, |row| Wished::Reachable {
        request: row.id,
        offered_to_nobody: row.to_nobody,
    }))
}

/// Notes a part of a month's global invoice. None when that part was asked for already: whoever notes it first is the
/// one, and others wait here until that is decided.
pub async fn ask_for_part(work: &mut Work, month: Month, part: i32) -> Result<Option<Uuid>, Failure> {
    let (id, now) = (work.new_id(), work.now());
    let noted = sqlx::query_scalar!(
        "insert into invoicing.requests (id, kind, period, part, state, created_at, updated_at)
         values ($1, 'global', $2, $3, 'requested', $4, $4)
         on conflict (period, part) where kind = 'global' do nothing returning id",
        id,
        month.to_string(),
        part,
        now,
    );
    Ok(noted.fetch_optional(work.connection()).await?)
}

/// Takes back a part that turned out to hold nothing, in the transaction that noted it.
pub async fn take_back(work: &mut Work, request: Uuid) -> Result<(), Failure> {
    let taken = sqlx::query!("delete from invoicing.requests where id = $1", request);
    taken.execute(work.connection()).await?;
    Ok(())
}

/// The number of the last part of a month; 0 when there is none.
pub async fn last_part(work: &mut Work, month: Month) -> Result<i32, Failure> {
    let last = sqlx::query_scalar!(
        r#"select coalesce(max(part), 0) as "last!" from invoicing.requests where kind = 'global' and period = $1"#,
        month.to_string(),
    );
    Ok(last.fetch_one(work.connection()).await?)
}

/// The request that waits for a document with these sales, and its month.
pub async fn of_folios(work: &mut Work, folios: &[String]) -> Result<Option<(Uuid, Month)>, Failure> {
    let found = sqlx::query!(
        r#"select id, period as "period!" from invoicing.requests
           where kind = 'global' and state = 'requested'
             and id in (select solicitud_id from ventas_factura_global where folio = any($1))
           order by period, part limit 1"#,
        folios,
    );
    let found = found.fetch_optional(work.connection()).await?;
    Ok(found.and_then(|row| Some((row.id, row.period.parse().ok()?))))
}

/// The parts of a month that wait for their stamped invoice.
pub async fn waiting(work: &mut Work, month: Month) -> Result<Vec<Uuid>, Failure> {
    let waiting = sqlx::query_scalar!(
        "select id from invoicing.requests
         where kind = 'global' and period = $1 and state = 'requested' order by part",
        month.to_string(),
    );
    Ok(waiting.fetch_all(work.connection()).await?)
}

/// What a request is for.
pub async fn purpose(pool: &Db, request: Uuid) -> Result<Purpose, Failure> {
    let found = sqlx::query!(
        r#"select servicio_id, period, state = 'completed' as "completed!" from invoicing.requests where id = $1"#,
        request
    );
    let found = found.fetch_optional(pool).await?;
    let month = |period: String| period.parse().ok().map(Purpose::Global);
    let purpose = found.and_then(|row| match row.servicio_id {
        Some(service) => Some(Purpose::SelfInvoice(ServiceId(service))),
        None if row.completed => Some(Purpose::Stamped),
        None => row.period.and_then(month),
    });
    purpose.ok_or_else(|| Failure::Park(format!("there is no request {request} any more")))
}

/// What a self-invoice is asked with.
pub async fn self_invoice(pool: &Db, request: Uuid) -> Result<SelfInvoice, Failure> {
    let found = sqlx::query_as!(
        SelfInvoice,
        r#"select descripcion as description, coalesce(monto_pagado, monto) as "amount!", moneda::text as "currency!",
                  coalesce(metodo_pago, '99') as "payment_form!"
           from invoicing.requests join servicios on servicios.id = requests.servicio_id where requests.id = $1"#,
        request,
    );
    let found = found.fetch_optional(pool).await?;
    found.ok_or_else(|| Failure::Park(format!("there is no request {request} any more")))
}

/// Gigstack made the page. A request that is completed stays so. Says whether the client is to be sent there.
pub async fn open(work: &mut Work, request: Uuid, receipt: &Receipt) -> Result<bool, Failure> {
    let now = work.now();
    let opened = sqlx::query_scalar!(
        r#"update invoicing.requests set gigstack_id = $2, portal_url = $3, updated_at = $4,
               state = case when state = 'requested' then 'open' else state end
           where id = $1 returning state = 'open' as "open!""#,
        request,
        receipt.id,
        receipt.url,
        now,
    );
    let open = opened.fetch_optional(work.connection()).await?;
    Ok(open.unwrap_or_default())
}

/// Gigstack has the invoice of a month.
pub async fn made(work: &mut Work, request: Uuid, gigstack_id: &str) -> Result<(), Failure> {
    let now = work.now();
    sqlx::query!(
        "update invoicing.requests set gigstack_id = $2, updated_at = $3 where id = $1",
        request,
        gigstack_id,
        now,
    )
    .execute(work.connection())
    .await?;
    Ok(())
}

/// Its invoice is stamped and stored: nobody has to be reached for it any more. Says whether that was not known.
pub async fn complete(work: &mut Work, request: Uuid) -> Result<bool, Failure> {
    let now = work.now();
    let done = sqlx::query!(
        "update invoicing.requests set state = 'completed', updated_at = $2
         where id = $1 and state <> 'completed'",
        request,
        now,
    );
    Ok(done.execute(work.connection()).await?.rows_affected() > 0)
}

/// A service whose client has not made the own invoice yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unmade {
    /// The service.
    pub service: Uuid,
    /// When it was paid.
    pub paid_at: DateTime<Utc>,
    /// What was paid.
    pub amount: Decimal,
    /// `requested` until Gigstack made the page, then `open`.
    pub state: String,
}

/// Services paid in a month whose clients have not made their own invoice yet.
pub async fn unmade(pool: &Db, month: Month) -> Result<Vec<Unmade>, Failure> {
    let unmade = sqlx::query_as!(
        Unmade,
        r#"select servicios.id as service, pagado_en as "paid_at!", coalesce(monto_pagado, monto) as "amount!", state
           from invoicing.requests join servicios on servicios.id = servicio_id
           where kind = 'self_invoice' and state in ('requested', 'open') and pagado_en >= $1 and pagado_en < $2
           order by pagado_en, servicios.id"#,
        month.start(),
        month.next().start(),
    );
    Ok(unmade.fetch_all(pool).await?)
}
