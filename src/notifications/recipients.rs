//! Who is told and what about: looked up when the notice is sent, so that jobs hold no personal data.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::alerts::{self, Alert};
use crate::engine::Failure;
use crate::ground::values::{ClientId, ContractId, ServiceId};
use crate::tools::db::Db;

/// A client, as a mail addresses them.
pub struct Client {
    pub name: String,
    pub email: Option<String>,
}

/// A service, as a mail names it.
pub struct Service {
    pub description: String,
    pub price: String,
}

/// A contract, as the team knows it.
pub struct Contract {
    pub id: Uuid,
    pub kind: String,
    pub client: String,
}

/// A payment that waits to be made outside of Stripe's pages.
pub struct Payment {
    pub amount: String,
    pub service: Option<String>,
    pub page: Option<String>,
    pub expires: Option<DateTime<Utc>>,
}

/// An invoice of a subscription.
pub struct Invoice {
    /// What is left to pay.
    pub amount: Option<String>,
    pub page: Option<String>,
    pub next_attempt: Option<DateTime<Utc>>,
}

/// Whoever paid at the counter and wants an invoice.
pub struct SelfInvoice {
    pub to: Client,
    /// What was sold.
    pub service: Service,
    /// The page where the invoice is made.
    pub page: Option<String>,
}

/// An invoice that is stamped and stored.
pub struct StampedInvoice {
    pub to: Client,
    /// What it is for.
    pub service: Service,
    /// The folio fiscal.
    pub uuid: Uuid,
}

/// A contract that was sent for signature.
pub struct SentContract {
    pub to: Client,
    pub document: Uuid,
    /// Until when it can be signed.
    pub expires_at: Option<DateTime<Utc>>,
    pub signed_at: Option<DateTime<Utc>>,
}

pub async fn client(pool: &Db, client: ClientId) -> Result<Client, Failure> {
    let found = sqlx::query!("select nombre, email from clientes where id = $1", client.0)
        .fetch_optional(pool)
        .await?;
    let found = found.ok_or_else(|| Failure::Park(format!("there is no client {client} any more")))?;
    Ok(Client {
        name: found.nombre,
        email: found.email,
    })
}

pub async fn service(pool: &Db, service: Option<ServiceId>) -> Result<Option<Service>, Failure> {
    let Some(service) = service else { return Ok(None) };
    let found = sqlx::query!(
        "select descripcion, monto, moneda from servicios where id = $1",
        service.0
    );
    let found = found.fetch_optional(pool).await?;
    Ok(found.map(|row| Service {
        description: row.descripcion,
        price: format!("${} {}", row.monto, row.moneda),
    }))
}

pub async fn contract(pool: &Db, contract: ContractId) -> Result<Contract, Failure> {
    let found = sqlx::query!(
        "select contratos_b2b.id, tipo, nombre from contratos_b2b join clientes on clientes.id = cliente_id
         where contratos_b2b.id = $1",
        contract.0,
    )
    .fetch_optional(pool)
    .await?;
    let found = found.ok_or_else(|| Failure::Park(format!("there is no contract {contract} any more")))?;
    Ok(Contract {
        id: found.id,
        kind: found.tipo,
        client: found.nombre,
    })
}

pub async fn payment(pool: &Db, payment: &str) -> Result<Payment, Failure> {
    let found = sqlx::query!(
        r#"select amount, currency, instructions_url, instructions_expire, descripcion as "descripcion?"
           from stripe.payments left join servicios on servicios.id = payments.servicio_id where payments.id = $1"#,
        payment,
    )
    .fetch_optional(pool)
    .await?;
    let found = found.ok_or_else(|| Failure::Park(format!("there is no payment {payment} any more")))?;
    Ok(Payment {
        amount: format!("${} {}", found.amount, found.currency),
        service: found.descripcion,
        page: found.instructions_url,
        expires: found.instructions_expire,
    })
}

pub async fn invoice(pool: &Db, invoice: &str) -> Result<Invoice, Failure> {
    let found = sqlx::query!(
        "select coalesce(amount_remaining, amount_due) as amount, currency, hosted_invoice_url, next_payment_attempt
         from stripe.invoices where id = $1",
        invoice,
    )
    .fetch_optional(pool)
    .await?;
    let found = found.ok_or_else(|| Failure::Park(format!("there is no invoice {invoice} any more")))?;
    Ok(Invoice {
        amount: found.amount.map(|amount| format!("${amount} {}", found.currency)),
        page: found.hosted_invoice_url,
        next_attempt: found.next_payment_attempt,
    })
}

/// Whom a mail addresses that we do not know by name.
const SOMEBODY: &str = "cliente de OnlyCar";

pub async fn self_invoice(pool: &Db, request: Uuid) -> Result<SelfInvoice, Failure> {
    let found = sqlx::query!(
        r#"select nombre as "nombre?", coalesce(requests.email, clientes.email) as email, portal_url, descripcion,
                  coalesce(monto_pagado, monto) as "monto!", moneda
           from invoicing.requests join servicios on servicios.id = requests.servicio_id
           left join clientes on clientes.id = cliente_id where requests.id = $1"#,
        request,
    )
    .fetch_optional(pool)
    .await?;
    let found = found.ok_or_else(|| Failure::Park(format!("there is no request {request} any more")))?;
    Ok(SelfInvoice {
        to: Client {
            name: found.nombre.unwrap_or_else(|| SOMEBODY.to_owned()),
            email: found.email,
        },
        service: Service {
            description: found.descripcion,
            price: format!("${} {}", found.monto, found.moneda),
        },
        page: found.portal_url,
    })
}

/// Whoever asked for it at the counter is told, else the client of the service.
pub async fn stamped_invoice(pool: &Db, invoice: Uuid) -> Result<StampedInvoice, Failure> {
    let found = sqlx::query!(
        r#"select nombre as "nombre?", coalesce(requests.email, clientes.email) as email, uuid_sat as "uuid!",
                  descripcion as "descripcion!", facturas_emitidas.monto_total as "monto!", facturas_emitidas.moneda as "moneda!"
           from facturas_emitidas join servicios on servicios.id = facturas_emitidas.servicio_id
           left join clientes on clientes.id = servicios.cliente_id
           left join invoicing.requests on requests.servicio_id = servicios.id
           where facturas_emitidas.id = $1 and uuid_sat is not null"#,
        invoice,
    )
    .fetch_optional(pool)
    .await?;
    let found = found.ok_or_else(|| Failure::Park(format!("there is no invoice {invoice} any more")))?;
    Ok(StampedInvoice {
        to: Client {
            name: found.nombre.unwrap_or_else(|| SOMEBODY.to_owned()),
            email: found.email,
        },
        service: Service {
            description: found.descripcion,
            price: format!("${} {}", found.monto, found.moneda),
        },
        uuid: found.uuid,
    })
}

pub async fn sent_contract(pool: &Db, contract: ContractId, document: Uuid) -> Result<SentContract, Failure> {
    let found = sqlx::query!(
        "select nombre, email, vence_en, firmado_en from contratos_firmados
         join contratos_b2b on contratos_b2b.id = contrato_id join clientes on clientes.id = cliente_id
         where contratos_firmados.id = $1 and contrato_id = $2",
        document,
        contract.0,
    )
    .fetch_optional(pool)
    .await?;
    let found = found.ok_or_else(|| Failure::Park(format!("there is no document {document} any more")))?;
    Ok(SentContract {
        to: Client {
            name: found.nombre,
            email: found.email,
        },
        document,
        expires_at: found.vence_en,
        signed_at: found.firmado_en,
    })
}

pub async fn alert(pool: &Db, alert: Uuid) -> Result<Alert, Failure> {
    let found = alerts::one(pool, alert).await?;
    found.ok_or_else(|| Failure::Park(format!("there is no alert {alert} any more")))
}
