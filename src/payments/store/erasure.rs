//! A client is erased: who it was goes from `clientes` and from Stripe's rows. Rows, ids and amounts stay.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgExecutor};
use uuid::Uuid;

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::clock::BUSINESS_ZONE;
use crate::ground::values::ClientId;
use crate::payments::objects::{
    Charge, CheckoutSession, Customer, Family, Invoice, Kept, Payment, PaymentMethod,
};

/// A client who is held until the commit, and what is theirs.
pub struct Person {
    /// Which.
    pub client: ClientId,
    /// The name.
    pub name: String,
    /// The mail address.
    pub email: Option<String>,
    /// The telephone number.
    pub phone: Option<String>,
    /// When they were erased.
    pub erased_at: Option<DateTime<Utc>>,
    /// Stripe's customers that they are or were.
    pub customers: Vec<String>,
    /// Their services.
    pub services: Vec<Uuid>,
    /// Stripe's payments for those services, and of those customers.
    pub payments: Vec<String>,
}

/// Holds the client. None: there is none with this id.
///
/// A customer is theirs that `clientes` names, that names them in its metadata, that alone has their mail address, or that
/// paid for a service of theirs and names nobody else.
pub async fn hold(work: &mut Work, client: ClientId) -> Result<Option<Person>, Failure> {
    let row = sqlx::query!(
        "select nombre, email, telefono, stripe_customer_id, suprimido_en from clientes where id = $1 for update",
        client.0,
    );
    let Some(row) = row.fetch_optional(work.connection()).await? else {
        return Ok(None);
    };
    let services = sqlx::query_scalar!(
        "select id from servicios where cliente_id = $1 order by id",
        client.0
    );
    let services = services.fetch_all(work.connection()).await?;
    let customers = sqlx::query_scalar!(
        r#"select id as "id!" from (
             select $2::text as id where $2 is not null
             union
             select id from stripe.customers where cliente_id = $1
             union
             select id from stripe.customers
             where lower(email) = lower($3) and cliente_id is null
               and (select count(*) from clientes where lower(email) = lower($3)) = 1
             union
             select customers.id from stripe.payments join stripe.customers on customers.id = payments.customer_id
             where coalesce(servicio_id, metadata_servicio_id) = any($4)
               and coalesce(cliente_id, (select id from clientes where stripe_customer_id = customers.id), $1) = $1) as theirs
           order by 1"#,
        client.0,
        row.stripe_customer_id,
        row.email,
        &services,
    );
    let customers = customers.fetch_all(work.connection()).await?;
    let payments = sqlx::query_scalar!(
        "select id from stripe.payments
         where customer_id = any($1) or coalesce(servicio_id, metadata_servicio_id) = any($2) order by id",
        &customers,
        &services,
    );
    let payments = payments.fetch_all(work.connection()).await?;
    Ok(Some(Person {
        client,
        name: row.nombre,
        email: row.email,
        phone: row.telefono,
        erased_at: row.suprimido_en,
        customers,
        services,
        payments,
    }))
}

/// Ids of what is open, by what it is.
pub struct Open {
    /// Services that are to be done, or to be paid.
    pub services: Vec<Uuid>,
    /// Payments that are on their way.
    pub payments: Vec<String>,
    /// Refunds that are on their way.
    pub refunds: Vec<String>,
    /// Disputes that are not decided.
    pub disputes: Vec<String>,
    /// Subscriptions that are charged.
    pub subscriptions: Vec<String>,
}

/// What is open.
pub async fn open(work: &mut Work, person: &Person) -> Result<Open, Failure> {
    let services = sqlx::query_scalar!(
        "select id from servicios
         where cliente_id = $1 and estado <> 'cancelado'
           and (estado <> 'completado' or estado_pago in ('pendiente', 'fallido', 'cancelado'))
         order by id",
        person.client.0,
    );
    let payments = sqlx::query_scalar!(
        "select id from stripe.payments
         where id = any($1) and status in ('processing', 'requires_action', 'requires_confirmation', 'requires_capture')
         order by id",
        &person.payments,
    );
    let refunds = sqlx::query_scalar!(
        "select id from stripe.refunds
         where status in ('pending', 'requires_action')
           and (payment_intent_id = any($1)
                or charge_id in (select id from stripe.charges where payment_intent_id = any($1)))
         order by id",
        &person.payments,
    );
    let disputes = sqlx::query_scalar!(
        "select id from stripe.disputes
         where status not in ('won', 'lost', 'warning_closed', 'charge_refunded', 'prevented')
           and (payment_intent_id = any($1)
                or charge_id in (select id from stripe.charges where payment_intent_id = any($1)))
         order by id",
        &person.payments,
    );
    let subscriptions = sqlx::query_scalar!(
        "select id from stripe.subscriptions
         where customer_id = any($1) and status not in ('canceled', 'incomplete_expired') order by id",
        &person.customers,
    );
    Ok(Open {
        services: services.fetch_all(work.connection()).await?,
        payments: payments.fetch_all(work.connection()).await?,
        refunds: refunds.fetch_all(work.connection()).await?,
        disputes: disputes.fetch_all(work.connection()).await?,
        subscriptions: subscriptions.fetch_all(work.connection()).await?,
    })
}

/// Stripe's ids of everything that is theirs: an event about any of it names one of them.
pub async fn ids(work: &mut Work, person: &Person) -> Result<Vec<String>, Failure> {
    let ids = sqlx::query_scalar!(
        r#"with charges as (
             select id from stripe.charges
             where payment_intent_id = any($1) or customer_id = any($2) or servicio_id = any($3)),
         invoices as (
             select id from stripe.invoices where customer_id = any($2) or payment_intent_id = any($1))
         select id as "id!" from (
             select unnest($1::text[]) as id union select unnest($2::text[]) union select id from charges
             union select id from invoices
             union select id from stripe.invoice_payments
                   where payment_intent_id = any($1) or invoice_id in (select id from invoices)
             union select id from stripe.refunds
                   where payment_intent_id = any($1) or charge_id in (select id from charges)
             union select id from stripe.disputes
                   where payment_intent_id = any($1) or charge_id in (select id from charges)
             union select id from stripe.payment_methods where customer_id = any($2)
             union select payment_method_id from stripe.charges where id in (select id from charges)
             union select payment_method_id from stripe.payments where id = any($1)
             union select id from stripe.subscriptions where customer_id = any($2)
             union select id from stripe.checkout_sessions
                   where payment_intent_id = any($1) or customer_id = any($2) or servicio_id = any($3)) as theirs
         where id is not null"#,
        &person.payments,
        &person.customers,
        &person.services,
    );
    Ok(ids.fetch_all(work.connection()).await?)
}

/// Empties what shows the person in Stripe's rows; how many rows.
pub async fn forget_at_stripe(work: &mut Work, person: &Person) -> Result<u64, Failure> {
    let now = work.now();
    // First: whatever takes one of them in from now on knows.
    sqlx::query!(
        "update stripe.customers set erased_at = $2 where id = any($1) and erased_at is null",
        &person.customers,
        now,
    )
    .execute(work.connection())
    .await?;
    let mut rows = 0;
    rows += forget::<Customer>(work, person, "id = any($1)").await?;
    rows += forget::<Payment>(work, person, "id = any($2)").await?;
    let of_charge = "payment_intent_id = any($2) or customer_id = any($1) or servicio_id = any($3)";
    let of_method = format!(
        "customer_id = any($1)
         or id in (select payment_method_id from stripe.charges where {of_charge})
         or id in (select payment_method_id from stripe.payments where id = any($2))"
    );
    rows += forget::<PaymentMethod>(work, person, &of_method).await?;
    rows += forget::<Charge>(work, person, of_charge).await?;
    rows += forget::<Invoice>(
        work,
        person,
        "customer_id = any($1) or payment_intent_id = any($2)",
    )
    .await?;
    rows += forget::<CheckoutSession>(work, person, of_charge).await?;
    Ok(rows)
}

async fn forget<K: Kept>(work: &mut Work, person: &Person, whose: &str) -> Result<u64, Failure> {
    let emptied: Vec<String> = K::PERSONAL
        .iter()
        .map(|column| format!("{column} = null"))
        .collect();
    let (emptied, columns, table) = (emptied.join(", "), K::PERSONAL.join(", "), K::TABLE);
    // The three are always bound, also where only one is asked for. A digest over an address would confirm a guess.
    let statement = format!(
        "update {table} set digest = '', {emptied}
         where ({whose}) and num_nonnulls({columns}) > 0
           and $1::text[] is not null and $2::text[] is not null and $3::uuid[] is not null"
    );
    let statement = sqlx::query(AssertSqlSafe(statement))
        .bind(&person.customers)
        .bind(&person.payments)
        .bind(&person.services);
    Ok(statement.execute(work.connection()).await?.rows_affected())
}

/// What became of the texts on their services.
pub struct Texts {
    /// Services whose text went.
    pub removed: Vec<Uuid>,
    /// How many keep it, as part of the accounts.
    pub kept: u64,
    /// Until when.
    pub until: Option<NaiveDate>,
}

/// Empties what was written about services that were never paid, or whose accounts need not be kept any more.
pub async fn forget_texts(work: &mut Work, person: &Person) -> Result<Texts, Failure> {
    let today = work.now().with_timezone(&BUSINESS_ZONE).date_naive();
    // An account of a year is kept until May of the sixth year after it (src/invoicing/cfdi/retention.rs has the reason).
    let last_over = if today.month() >= 5 {
        today.year() - 6
    } else {
        today.year() - 7
    };
    let removed = sqlx::query_scalar!(
        "update servicios set descripcion = 'suprimido', ultimo_error_pago = null
         where cliente_id = $1 and (descripcion <> 'suprimido' or ultimo_error_pago is not null)
           and (pagado_en is null or extract(year from pagado_en at time zone $2) <= $3)
         returning id",
        person.client.0,
        BUSINESS_ZONE.name(),
        rust_decimal::Decimal::from(last_over),
    );
    let removed = removed.fetch_all(work.connection()).await?;
    let kept = sqlx::query!(
        r#"select count(*) as "count!", max(extract(year from pagado_en at time zone $2))::int as year
           from servicios where cliente_id = $1 and descripcion <> 'suprimido'"#,
        person.client.0,
        BUSINESS_ZONE.name(),
    );
    let kept = kept.fetch_one(work.connection()).await?;
    Ok(Texts {
        removed,
        kept: u64::try_from(kept.count).unwrap_or_default(),
        until: kept
            .year
            .and_then(|year| NaiveDate::from_ymd_opt(year.saturating_add(6), 5, 1)),
    })
}

/// Whether an object is of a client who was erased, by whatever it names: its customer, its client, its service, its payment.
pub(super) async fn is_erased<K: Kept>(
    row: &Map<String, Value>,
    database: impl PgExecutor<'_>,
) -> Result<bool, Failure> {
    let text = |column: &str| row.get(column).and_then(Value::as_str);
    let uuid = |column: &str| text(column).and_then(|id| id.parse::<Uuid>().ok());
    let is_a = |family: Family, column: &'static str| if K::FAMILY == family { "id" } else { column };
    let customer = text(is_a(Family::Customer, "customer_id"));
    let payment = text(is_a(Family::PaymentIntent, "payment_intent_id"));
    let services: Vec<Uuid> = ["servicio_id", "metadata_servicio_id"]
        .into_iter()
        .filter_map(uuid)
        .collect();
    let erased = sqlx::query_scalar!(
        r#"select exists (select from stripe.customers where id = $1 and erased_at is not null)
               or exists (select from clientes
                          where suprimido_en is not null and (stripe_customer_id = $1 or id = $2))
               or exists (select from servicios join clientes on clientes.id = cliente_id
                          where suprimido_en is not null
                            and (servicios.id = any($3)
                                 or servicios.id in (select coalesce(servicio_id, metadata_servicio_id)
                                                     from stripe.payments where id = $4)))
               or exists (select from stripe.payments join stripe.customers on customers.id = customer_id
                          where payments.id = $4 and erased_at is not null) as "erased!""#,
        customer,
        uuid("cliente_id"),
        &services,
        payment,
    );
    Ok(erased.fetch_one(database).await?)
}
