//! A client is erased: the contact of their requests goes, and the documents of invoices whose time is over.

use chrono::NaiveDate;
use uuid::Uuid;

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::clock::BUSINESS_ZONE;
use crate::ground::values::ClientId;
use crate::tools::db::Db;

/// Self-invoices that the client can make still: the law gives them the year of the sale.
pub async fn open(work: &mut Work, client: ClientId) -> Result<Vec<Uuid>, Failure> {
    let now = work.now();
    let open = sqlx::query_scalar!(
        "select requests.id from invoicing.requests join servicios on servicios.id = servicio_id
         where cliente_id = $1 and kind = 'self_invoice' and state in ('requested', 'open')
           and extract(year from coalesce(pagado_en, created_at) at time zone $2) >= extract(year from $3::timestamptz at time zone $2)
         order by requests.id",
        client.0,
        BUSINESS_ZONE.name(),
        now,
    );
    Ok(open.fetch_all(work.connection()).await?)
}

/// What Gigstack and SAT call what is theirs.
pub async fn ids(work: &mut Work, client: ClientId, payments: &[String]) -> Result<Vec<String>, Failure> {
    let ids = sqlx::query_scalar!(
        r#"with invoices as (
             select facturas_emitidas.id, uuid_sat, gigstack_id from facturas_emitidas
             left join servicios on servicios.id = servicio_id left join contratos_b2b on contratos_b2b.id = contrato_id
             where servicios.cliente_id = $1 or contratos_b2b.cliente_id = $1 or facturas_emitidas.stripe_payment_intent_id = any($2)),
         requests as (
             select requests.id, gigstack_id from invoicing.requests join servicios on servicios.id = servicio_id
             where cliente_id = $1)
         select id as "id!" from (
             select uuid_sat::text as id from invoices union select upper(uuid_sat::text) from invoices
             union select gigstack_id from invoices
             union select id::text from requests union select gigstack_id from requests) as theirs
         where id is not null"#,
        client.0,
        payments,
    );
    Ok(ids.fetch_all(work.connection()).await?)
}

/// How the client asked to be reached about invoices of theirs, elsewhere than in their own row.
pub async fn contacts(work: &mut Work, client: ClientId) -> Result<Vec<String>, Failure> {
    let contacts = sqlx::query_scalar!(
        r#"select contact as "contact!" from invoicing.requests join servicios on servicios.id = servicio_id,
                  lateral (values (email), (phone)) as given (contact)
           where cliente_id = $1 and contact is not null"#,
        client.0,
    );
    Ok(contacts.fetch_all(work.connection()).await?)
}

/// Empties how the client asked to be reached, and the page of the self-invoice; the services of those requests.
pub async fn forget_contacts(work: &mut Work, client: ClientId) -> Result<Vec<Uuid>, Failure> {
    let now = work.now();
    let forgotten = sqlx::query_scalar!(
        r#"update invoicing.requests set email = null, phone = null, portal_url = null, updated_at = $2
           from servicios
           where servicios.id = servicio_id and cliente_id = $1 and num_nonnulls(email, phone, portal_url) > 0
           returning servicios.id"#,
        client.0,
        now,
    );
    Ok(forgotten.fetch_all(work.connection()).await?)
}

/// The invoices of a client.
pub struct Invoices {
    /// Those whose documents may go and lie in the bucket still.
    pub over: Vec<Uuid>,
    /// How many are to be kept.
    pub kept: u64,
    /// Until when.
    pub until: Option<NaiveDate>,
}

/// What of the client's invoices is to be kept today.
pub async fn invoices(
    work: &mut Work,
    client: ClientId,
    payments: &[String],
    today: NaiveDate,
) -> Result<Invoices, Failure> {
    let row = sqlx::query!(
        r#"with theirs as (
             select facturas_emitidas.id, conservar_hasta, suprimida_en from facturas_emitidas
             left join servicios on servicios.id = servicio_id left join contratos_b2b on contratos_b2b.id = contrato_id
             where servicios.cliente_id = $1 or contratos_b2b.cliente_id = $1 or facturas_emitidas.stripe_payment_intent_id = any($2))
           select coalesce(array_agg(id order by id) filter (where conservar_hasta <= $3 and suprimida_en is null), '{}') as "over!",
                  count(*) filter (where conservar_hasta > $3 or conservar_hasta is null) as "kept!",
                  max(conservar_hasta) filter (where conservar_hasta > $3) as until
           from theirs"#,
        client.0,
        payments,
        today,
    );
    let row = row.fetch_one(work.connection()).await?;
    Ok(Invoices {
        over: row.over,
        kept: u64::try_from(row.kept).unwrap_or_default(),
        until: row.until,
    })
}

/// The keys of an invoice's objects, when its time is over and they are not removed yet.
pub async fn keys_to_remove(pool: &Db, invoice: Uuid, today: NaiveDate) -> Result<Vec<String>, Failure> {
    let keys = sqlx::query_scalar!(
        r#"select key as "key!" from facturas_emitidas, lateral (values (url_xml), (url_pdf), (url_acuse)) as objects (key)
           where id = $1 and conservar_hasta <= $2 and suprimida_en is null and key is not null"#,
        invoice,
        today,
    );
    Ok(keys.fetch_all(pool).await?)
}

/// Notes that its objects are gone. False: that was known, or it is to be kept.
pub async fn removed(work: &mut Work, invoice: Uuid, today: NaiveDate) -> Result<bool, Failure> {
    let now = work.now();
    let noted = sqlx::query!(
        "update facturas_emitidas set suprimida_en = $2
         where id = $1 and conservar_hasta <= $3 and suprimida_en is null",
        invoice,
        now,
        today,
    );
    Ok(noted.execute(work.connection()).await?.rows_affected() > 0)
}

/// Whether the objects of the invoice with this UUID were removed: they do not come back.
pub async fn is_removed(pool: &Db, uuid: Uuid) -> Result<bool, Failure> {
    let removed = sqlx::query_scalar!(
        r#"select exists (select from facturas_emitidas where uuid_sat = $1 and suprimida_en is not null) as "removed!""#,
        uuid,
    );
    Ok(removed.fetch_one(pool).await?)
}
