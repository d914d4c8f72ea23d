//! `facturas_emitidas`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::super::cfdi::Cfdi;
use super::super::gigstack::shapes::{Invoice, Status};
use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::facts::{Document, DocumentFile, Fact, StoredFile};
use crate::ground::values::{Month, ServiceId};
use crate::tools::db::Db;
use crate::tools::objects::Stored;

/// An object in the bucket.
#[derive(Debug, Clone)]
pub struct File {
    /// Its key.
    pub key: String,
    /// Its digest, in hex.
    pub sha256: String,
    /// What the store told of it, and where it came from: where it was stored, or found, just now.
    pub stored: Option<(Stored, Option<String>)>,
}

impl File {
    /// What lies under the key now; `from` that host, unless it was there already.
    pub fn now(key: String, stored: Stored, from: Option<String>) -> Self {
        Self {
            key,
            sha256: stored.sha256.clone(),
            stored: Some((stored, from)),
        }
    }

    /// The fact that it is stored.
    pub fn fact(&self, document: Uuid, part: &'static str) -> Option<Fact> {
        let (stored, source) = self.stored.clone()?;
        let file = DocumentFile {
            kind: "facturas_emitidas",
            document,
            part,
            key: self.key.clone(),
        };
        Some(Fact::FileStored(StoredFile {
            file,
            sha256: stored.sha256,
            bytes: stored.bytes,
            etag: stored.etag,
            source,
        }))
    }
}

/// The objects of one invoice.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// The invoice itself.
    pub xml: Option<File>,
    /// Its picture.
    pub pdf: Option<File>,
    /// SAT's receipt of its cancellation.
    pub acuse: Option<File>,
}

/// An invoice whose documents are stored.
pub struct Kept {
    /// What Gigstack says.
    pub invoice: Invoice,
    /// What the XML says.
    pub cfdi: Cfdi,
    /// Where the documents are.
    pub files: Files,
}

impl Kept {
    /// The month of a global invoice: as we asked for it, else as the document says.
    pub fn month(&self) -> Option<Month> {
        let global = self.cfdi.informacion_global?;
        let told = self
            .invoice
            .period
            .as_deref()
            .and_then(|period| period.parse().ok());
        told.or_else(|| format!("{:04}-{:02}", global.anio, global.meses).parse().ok())
    }
}

/// What is stored of an invoice.
pub async fn files(pool: &Db, uuid: Uuid) -> Result<Files, Failure> {
    let found = sqlx::query!(
        "select url_xml, sha256_xml, url_pdf, sha256_pdf, url_acuse, sha256_acuse
         from facturas_emitidas where uuid_sat = $1",
        uuid,
    );
    let file = |key: Option<String>, sha256: Option<String>| {
        key.zip(sha256).map(|(key, sha256)| File {
            key,
            sha256,
            stored: None,
        })
    };
    let found = found.fetch_optional(pool).await?;
    Ok(found.map_or_else(Files::default, |row| Files {
        xml: file(row.url_xml, row.sha256_xml),
        pdf: file(row.url_pdf, row.sha256_pdf),
        acuse: file(row.url_acuse, row.sha256_acuse),
    }))
}

/// What recording an invoice came to.
pub struct Recorded {
    /// The row.
    pub id: Uuid,
    /// `estado` before; none when the row is new.
    pub before: Option<String>,
    /// `estado` now.
    pub now: String,
    /// The service it is for.
    pub service: Option<ServiceId>,
    /// Where it comes from.
    pub origin: String,
    /// The request that it answers.
    pub request: Option<Uuid>,
    /// The month that was asked for, where that is a request for a global invoice.
    pub asked: Option<Month>,
    /// Whether the PDF is there.
    pub has_pdf: bool,
    /// Whether the receipt of the cancellation is there.
    pub has_acuse: bool,
}

/// Records the invoice. What is cancelled stays cancelled, and what was known is never forgotten: so it does not matter
/// what is recorded first, or how often.
#[allow(clippy::too_many_lines)] // one statement
pub async fn record(work: &mut Work, kept: &Kept) -> Result<Recorded, Failure> {
    let (id, now) = (work.new_id(), work.now());
    let Kept { invoice, cfdi, files } = kept;
    let key = |file: &Option<File>| file.as_ref().map(|file| file.key.clone());
    let sha256 = |file: &Option<File>| file.as_ref().map(|file| file.sha256.clone());
    let cancelled_at: Option<DateTime<Utc>> =
        (invoice.status == Status::Cancelled).then(|| invoice.cancelled_at.unwrap_or(now));
    let row = sqlx::query!(
        r#"with request as (
             select id, kind, servicio_id, period from invoicing.requests
             where id = $28 or gigstack_id = $4 or gigstack_id = $5
             order by id is distinct from $28 limit 1),
         service as (
             select servicios.id from servicios
             where id = coalesce($2, (select servicio_id from request))
                or ($2 is null and not exists (select from request where servicio_id is not null)
                    and $3::text is not null
                    and (stripe_payment_intent_id = $3
                         or id = (select servicio_id from stripe.payments where payments.id = $3)))
             order by stripe_payment_intent_id is not distinct from $3 desc limit 1),
         contract as (
             select contratos_b2b.id from stripe.invoice_payments
             join stripe.invoices on invoices.id = invoice_payments.invoice_id
             join contratos_b2b on contratos_b2b.stripe_subscription_id = invoices.subscription_id
             where invoice_payments.payment_intent_id = $3 limit 1),
         before as (select estado::text as estado from facturas_emitidas where uuid_sat = $6 for update),
         written as (
             insert into facturas_emitidas as kept
                 (id, servicio_id, contrato_id, stripe_payment_intent_id, gigstack_id, uuid_sat, periodo, sello_sat,
                  fecha_timbrado, fecha_timbrado_texto, serie, folio, fecha_emision, fecha_emision_texto, monto_total,
                  moneda, tipo_comprobante, forma_pago, url_xml, sha256_xml, url_pdf, sha256_pdf, url_acuse,
                  sha256_acuse, estado, cancelada_en, origen, conservar_hasta, creada_en)
             select $1, (select id from service), (select id from contract), $3, $4, $6, $7, $8, $9, $10, $11, $12,
                    $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
                    case when $25::timestamptz is null then 'vigente' else 'cancelada' end, $25,
                    case when $7::text is not null then 'global'
                         when $5::text is not null or exists (select from request where kind = 'self_invoice')
                             then 'autofactura'
                         when $3::text is not null or $29 then 'stripe' else 'directa' end,
                    $26, $27
             from (select count(*) from before) as held
             on conflict (uuid_sat) do update set
                 servicio_id = coalesce(kept.servicio_id, excluded.servicio_id),
                 contrato_id = coalesce(kept.contrato_id, excluded.contrato_id),
                 stripe_payment_intent_id = coalesce(kept.stripe_payment_intent_id, excluded.stripe_payment_intent_id),
                 gigstack_id = coalesce(kept.gigstack_id, excluded.gigstack_id),
                 origen = case when kept.origen = 'directa' then excluded.origen else kept.origen end,
                 url_pdf = coalesce(kept.url_pdf, excluded.url_pdf),
                 sha256_pdf = coalesce(kept.sha256_pdf, excluded.sha256_pdf),
                 url_acuse = coalesce(kept.url_acuse, excluded.url_acuse),
                 sha256_acuse = coalesce(kept.sha256_acuse, excluded.sha256_acuse),
                 estado = case when kept.estado = 'cancelada' then kept.estado else excluded.estado end,
                 cancelada_en = coalesce(kept.cancelada_en, excluded.cancelada_en)
             returning id, servicio_id, estado::text as estado, origen::text as origen, url_pdf, url_acuse,
                 xmax = 0 as inserted)
         select written.id, written.servicio_id, written.estado as "now!", written.origen as "origin!",
                written.url_pdf is not null as "has_pdf!", written.url_acuse is not null as "has_acuse!",
                (select estado from before) as "before?", written.inserted as "inserted!", (select request.id from request) as "request?",
                (select request.period from request) as "asked?"
         from written"#,
        id,
        invoice.service,
        invoice.payment,
        invoice.id,
        invoice.receipt,
        cfdi.uuid,
        kept.month().map(|month| month.to_string()),
        cfdi.sello_sat,
        cfdi.fecha_timbrado.at,
        cfdi.fecha_timbrado.text,
        cfdi.serie,
        cfdi.folio,
        cfdi.fecha_emision.at,
        cfdi.fecha_emision.text,
        cfdi.total,
        cfdi.moneda.code(),
        cfdi.tipo_comprobante.code(),
        cfdi.forma_pago,
        key(&files.xml),
        sha256(&files.xml),
        key(&files.pdf),
        sha256(&files.pdf),
        key(&files.acuse),
        sha256(&files.acuse),
        cancelled_at,
        cfdi.conservar_hasta(),
        now,
        invoice.request,
        invoice.by_stripe,
    )
    .fetch_one(work.connection())
    .await?;
    if row.before.is_none() && !row.inserted {
        // Another job recorded it first while this one waited to insert it: what changed is seen by the next attempt.
        return Err(Failure::Retry {
            reason: "another job recorded the invoice at the same moment".to_owned(),
            after: Some(Duration::ZERO),
        });
    }
    work.say(Fact::DocumentMoved(Document::Invoice(row.id)));
    Ok(Recorded {
        id: row.id,
        before: row.before,
        now: row.now,
        service: row.servicio_id.map(ServiceId),
        origin: row.origin,
        request: row.request,
        asked: row.asked.and_then(|month| month.parse().ok()),
        has_pdf: row.has_pdf,
        has_acuse: row.has_acuse,
    })
}

/// Links the invoices of a payment to the service that it turned out to pay; returns those that are linked now.
pub async fn link(work: &mut Work, payment: &str, service: ServiceId) -> Result<Vec<Uuid>, Failure> {
    let linked = sqlx::query_scalar!(
        "update facturas_emitidas set servicio_id = $2
         where stripe_payment_intent_id = $1 and origen = 'stripe' and servicio_id is distinct from $2
         returning id",
        payment,
        service.0,
    );
    Ok(linked.fetch_all(work.connection()).await?)
}

/// Links the invoices of a subscription's payments to its contract.
pub async fn link_contract(work: &mut Work, subscription: &str) -> Result<Vec<Uuid>, Failure> {
    let linked = sqlx::query_scalar!(
        "update facturas_emitidas set contrato_id = contratos_b2b.id
         from stripe.invoices
         join stripe.invoice_payments on invoice_payments.invoice_id = invoices.id
         join contratos_b2b on contratos_b2b.stripe_subscription_id = invoices.subscription_id
         where invoices.subscription_id = $1 and facturas_emitidas.contrato_id is null
           and facturas_emitidas.stripe_payment_intent_id = invoice_payments.payment_intent_id
         returning facturas_emitidas.id",
        subscription,
    );
    Ok(linked.fetch_all(work.connection()).await?)
}

/// The valid invoices of a service, its place in a global invoice included; more than one is one too many. The service
/// is held first, so that of two that are recorded at once the second one sees the other.
pub async fn valid(work: &mut Work, service: ServiceId) -> Result<Vec<Uuid>, Failure> {
    sqlx::query!(
        "select id from servicios where id = $1 for no key update",
        service.0
    )
    .fetch_optional(work.connection())
    .await?;
    let found = sqlx::query_scalar!(
        r#"select uuid_sat as "uuid!" from facturas_emitidas
           where servicio_id = $1 and estado = 'vigente' and tipo_comprobante = 'I'
           union
           select uuid_sat from ventas_factura_global
           join facturas_emitidas on facturas_emitidas.id = factura_id
           where ventas_factura_global.servicio_id = $1 and estado = 'vigente'
           order by 1"#,
        service.0,
    );
    Ok(found.fetch_all(work.connection()).await?)
}
