//! `invoicing.requests`: what is asked of Gigstack.

use sqlx::PgPool;
use uuid::Uuid;

use super::super::gigstack::shapes::Receipt;
use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::facts::Contact;
use crate::ground::values::{Month, ServiceId};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A page where the client of this service makes the own invoice.
    SelfInvoice(ServiceId),
    /// The global invoice of a month.
    Global(Month),
}

/// A request for the invoice of a service, as it is asked.
pub struct SelfInvoice {
    /// What was sold.
    pub description: String,
    /// What was paid.
    pub amount: rust_decimal::Decimal,
    /// In which currency.
    pub currency: String,
    /// SAT's code of how.
    pub payment_form: String,
    /// Where the link goes.
    pub email: Option<String>,
    /// The same.
    pub phone: Option<String>,
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

/// Notes that the sales of a month are asked to be invoiced, in one more part when there was one before.
pub async fn ask_for_month(work: &mut Work, month: Month) -> Result<Uuid, Failure> {
    let (id, now) = (work.new_id(), work.now());
    sqlx::query!(
        "insert into invoicing.requests (id, kind, period, part, state, created_at, updated_at)
         select $1, 'global', $2, coalesce(max(part), 0) + 1, 'requested', $3, $3
         from invoicing.requests where kind = 'global' and period = $2",
        id,
        month.to_string(),
        now,
    )
    .execute(work.connection())
    .await?;
    Ok(id)
}

/// What a request is for.
pub async fn purpose(pool: &PgPool, request: Uuid) -> Result<Purpose, Failure> {
    let found = sqlx::query!(
        "select servicio_id, period from invoicing.requests where id = $1",
        request
    );
    let found = found.fetch_optional(pool).await?;
    let month = |period: String| period.parse().ok().map(Purpose::Global);
    let purpose = found.and_then(|row| match row.servicio_id {
        Some(service) => Some(Purpose::SelfInvoice(ServiceId(service))),
        None => row.period.and_then(month),
    });
    purpose.ok_or_else(|| Failure::Park(format!("there is no request {request} any more")))
}

/// What a self-invoice is asked with.
pub async fn self_invoice(pool: &PgPool, request: Uuid) -> Result<SelfInvoice, Failure> {
    let found = sqlx::query_as!(
        SelfInvoice,
        r#"select descripcion as description, coalesce(monto_pagado, monto) as "amount!", moneda::text as "currency!",
                  coalesce(metodo_pago, '99') as "payment_form!", requests.email, requests.phone
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
