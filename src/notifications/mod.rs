//! Notifications: mail to clients, mail and chat to the internal team. Always as jobs, never inside a handler.

pub mod alerts;
pub mod drill;
pub mod incidents;
mod mail;
mod recipients;
mod templates;
mod ways;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;
use uuid::Uuid;

use crate::engine::Failure;
use crate::engine::job::{Job, NewJob, Task};
use crate::engine::work::{Verdict, Work};
use crate::ground::config;
use crate::ground::facts::Instructions;
use crate::ground::values::{ClientId, ContractId, ServiceId};
use crate::tools::db::Db;
use crate::tools::probe::Probe;
use mail::Mailer;
use templates::Message;
use ways::{Sent, Ways};

/// Connects to the mail server and signs in there, without sending anything; false where none is configured.
pub async fn reach_mail_server(settings: &config::Mail) -> anyhow::Result<bool> {
    match Mailer::new(settings)? {
        Some(mailer) => mailer.reach().await.map(|()| true),
        None => Ok(false),
    }
}

/// The kind of job that sends one notice.
const KIND: &str = "notificar";

/// What somebody has to be told. Ids and codes only: names and addresses are looked up when it is sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// To the client: the payment failed, another payment method is needed.
    PaymentFailed {
        /// Whom to tell.
        client: ClientId,
        /// What was to be paid; a subscription's payment names none.
        service: Option<ServiceId>,
        /// The payment and its attempt.
        attempt: String,
        /// Stripe's code of the reason.
        code: String,
    },
    /// To the client: here is the voucher, or the account to transfer to.
    PaymentAwaited {
        /// Whom to tell.
        client: ClientId,
        /// Stripe's payment.
        payment: String,
        /// How it is paid.
        by: Instructions,
        /// Until when.
        until: Option<DateTime<Utc>>,
        /// What is missing of a transfer that came in parts.
        missing: Option<String>,
    },
    /// To the client: the subscription could not be charged.
    InvoiceFailed {
        /// Whom to tell.
        client: ClientId,
        /// Stripe's invoice.
        invoice: String,
        /// Which attempt.
        attempt: i64,
    },
    /// To the client: the bank wants to know who pays.
    InvoiceNeedsClient {
        /// Whom to tell.
        client: ClientId,
        /// Stripe's invoice.
        invoice: String,
    },
    /// To the client: the trial ends, from then on the subscription is charged.
    TrialEnding {
        /// Whom to tell.
        client: ClientId,
        /// Stripe's subscription.
        subscription: String,
        /// When.
        ends_at: DateTime<Utc>,
    },
    /// To whoever paid at the counter: here you make your invoice.
    SelfInvoiceOffered {
        /// Row of `invoicing.requests`.
        request: Uuid,
        /// Whether there was no address before.
        again: bool,
    },
    /// To the client: the invoice is there.
    InvoiceReady {
        /// Row of `facturas_emitidas`.
        invoice: Uuid,
        /// The service that it is for.
        service: ServiceId,
    },
    /// To the client: the contract can be signed for a few more days only.
    SignatureDue {
        /// The contract.
        contract: ContractId,
        /// Row of `contratos_firmados`.
        document: Uuid,
    },
    /// To the client: the contract is signed by everybody.
    ContractSigned {
        /// The contract.
        contract: ContractId,
        /// Row of `contratos_firmados`.
        document: Uuid,
    },
    /// To the team: a contract became inactive.
    ContractEnded {
        /// Which.
        contract: ContractId,
        /// The subscription that ended.
        subscription: String,
    },
    /// To the team: an incident was opened.
    Alert {
        /// Row of `engine.alerts`.
        alert: Uuid,
    },
    /// To the team: an incident is over, and stayed so.
    AlertOver {
        /// Row of `engine.alerts`.
        alert: Uuid,
        /// Since when.
        at: DateTime<Utc>,
    },
}

impl Notice {
    /// Asks for the notice to be sent once the unit of work is committed. The same is never sent again, whatever
    /// comes twice, late or again.
    pub fn send(&self, work: &mut Work) -> Result<(), Failure> {
        self.send_at(work, work.now())
    }

    /// The same, not before that time.
    pub fn send_at(&self, work: &mut Work, at: DateTime<Utc>) -> Result<(), Failure> {
        let job = NewJob::once(work, KIND, self.key(), self)?.at(at);
        work.enqueue(job);
        Ok(())
    }

    /// What makes it another notice than the one before.
    fn key(&self) -> String {
        match self {
            Self::PaymentFailed { attempt, .. } => format!("pago-fallido:{attempt}"),
            Self::PaymentAwaited {
                payment,
                until,
                missing,
                ..
            } => {
                let until = until.map(|until| until.timestamp().to_string());
                format!(
                    "pago-pendiente:{payment}:{}:{}",
                    missing.as_deref().unwrap_or("todo"),
                    until.as_deref().unwrap_or("sin-plazo")
                )
            }
            Self::InvoiceFailed { invoice, attempt, .. } => format!("factura-fallida:{invoice}:{attempt}"),
            Self::InvoiceNeedsClient { invoice, .. } => format!("factura-por-confirmar:{invoice}"),
            Self::TrialEnding {
                subscription,
                ends_at,
                ..
            } => {
                format!("prueba-por-terminar:{subscription}:{}", ends_at.timestamp())
            }
            Self::ContractEnded {
                contract,
                subscription,
            } => format!("contrato-terminado:{contract}:{subscription}"),
            Self::SelfInvoiceOffered {
                request,
                again: false,
            } => format!("autofactura:{request}"),
            Self::SelfInvoiceOffered { request, again: true } => format!("autofactura:{request}:correo"),
            Self::InvoiceReady { invoice, .. } => format!("factura-lista:{invoice}"),
            Self::SignatureDue { document, .. } => format!("firma-pendiente:{document}"),
            Self::ContractSigned { document, .. } => format!("contrato-firmado:{document}"),
            Self::Alert { alert } => alert_key(*alert),
            Self::AlertOver { alert, at } => format!("alerta-resuelta:{alert}:{}", at.timestamp_micros()),
        }
    }

    /// What it is about, for the audit log.
    fn resource(&self) -> (&'static str, Uuid) {
        match self {
            Self::PaymentFailed {
                service: Some(service),
                ..
            } => ("servicios", service.0),
            Self::PaymentFailed { client, .. }
            | Self::PaymentAwaited { client, .. }
            | Self::InvoiceFailed { client, .. }
            | Self::InvoiceNeedsClient { client, .. }
            | Self::TrialEnding { client, .. } => ("clientes", client.0),
            Self::ContractEnded { contract, .. } => ("contratos_b2b", contract.0),
            Self::SelfInvoiceOffered { request, .. } => ("invoicing.requests", *request),
            Self::InvoiceReady { invoice, .. } => ("facturas_emitidas", *invoice),
            Self::SignatureDue { document, .. } | Self::ContractSigned { document, .. } => {
                ("contratos_firmados", *document)
            }
            Self::Alert { alert } | Self::AlertOver { alert, .. } => ("alertas", *alert),
        }
    }
}

/// The job that sends notices.
pub struct Notify {
    pool: Db,
    ways: Ways,
    public_url: Url,
}

/// The key of the job that tells of an incident.
pub fn alert_key(alert: Uuid) -> String {
    format!("alerta:{alert}")
}

impl Notify {
    /// Connects nothing yet; a wrong address is found here.
    pub fn new(pool: Db, settings: &config::Mail, public_url: &Url) -> anyhow::Result<Self> {
        Ok(Self {
            pool,
            ways: Ways::new(settings)?,
            public_url: public_url.clone(),
        })
    }

    /// Asks whether mail can be sent, where it is configured.
    pub fn probe(&self) -> Option<Probe> {
        self.ways.probe()
    }

    /// What is told; nothing where that is not so any more.
    async fn message(&self, notice: &Notice) -> Result<Result<Message, Sent>, Failure> {
        let pool = &self.pool;
        let message = match notice {
            Notice::PaymentFailed {
                client,
                service,
                code,
                ..
            } => {
                let client = recipients::client(pool, *client).await?;
                let service = recipients::service(pool, *service).await?;
                templates::payment_failed(&client, service.as_ref(), code)
            }
            Notice::PaymentAwaited {
                client,
                payment,
                by,
                missing,
                ..
            } => {
                let client = recipients::client(pool, *client).await?;
                let payment = recipients::payment(pool, payment).await?;
                templates::payment_awaited(&client, &payment, *by, missing.as_deref())
            }
            Notice::InvoiceFailed { client, invoice, .. } => {
                let client = recipients::client(pool, *client).await?;
                templates::invoice_failed(&client, &recipients::invoice(pool, invoice).await?)
            }
            Notice::InvoiceNeedsClient { client, invoice } => {
                let client = recipients::client(pool, *client).await?;
                templates::invoice_needs_client(&client, &recipients::invoice(pool, invoice).await?)
            }
            Notice::TrialEnding { client, ends_at, .. } => {
                templates::trial_ending(&recipients::client(pool, *client).await?, *ends_at)
            }
            Notice::ContractEnded {
                contract,
                subscription,
            } => {
                let contract = recipients::contract(pool, *contract).await?;
                templates::contract_ended(&contract, subscription)
            }
            Notice::SelfInvoiceOffered { request, .. } => {
                templates::self_invoice_offered(&recipients::self_invoice(pool, *request).await?)
            }
            Notice::InvoiceReady { invoice, .. } => {
                templates::invoice_ready(&recipients::stamped_invoice(pool, *invoice).await?)
            }
            Notice::SignatureDue { contract, document } => {
                let sent = recipients::sent_contract(pool, *contract, *document).await?;
                templates::signature_due(&sent)
            }
            Notice::ContractSigned { contract, document } => {
                let signed = recipients::sent_contract(pool, *contract, *document).await?;
                templates::contract_signed(&signed, &self.public_url)
            }
            Notice::Alert { alert } => {
                let alert = recipients::alert(pool, *alert).await?;
                if alert.is_drill() && alert.resolved_at.is_some() {
                    return Ok(Err(Sent::Nowhere("el simulacro ya terminó")));
                }
                templates::alert(&alert, &self.public_url)
            }
            Notice::AlertOver { alert, at } => {
                let alert = recipients::alert(pool, *alert).await?;
                if alert.resolved_at != Some(*at) {
                    return Ok(Err(Sent::Nowhere("la alerta se abrió otra vez")));
                }
                templates::alert_over(&alert, &self.public_url)
            }
        };
        message.map(Ok)
    }
}

impl Job for Notify {
    type Done = Sent;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, task: &Task) -> Result<Sent, Failure> {
        match self.message(&notice(task)?).await? {
            Ok(message) => self.ways.deliver(task.id, &message).await,
            Err(nowhere) => Ok(nowhere),
        }
    }

    async fn record(&self, task: &Task, sent: Sent, work: &mut Work) -> Result<(), Failure> {
        let (kind, resource) = notice(task)?.resource();
        match sent {
            Sent::Delivered { ways, failed } => {
                let detail = match failed {
                    None => json!({ "medios": ways }),
                    Some(failed) => json!({ "medios": ways, "fallaron": failed }),
                };
                work.audit("notificacion.enviada", kind, resource, detail);
            }
            Sent::Nowhere(reason) => {
                work.audit(
                    "notificacion.no_enviada",
                    kind,
                    resource,
                    json!({ "motivo": reason }),
                );
                work.end(Verdict::Ignored(reason.to_owned()));
            }
        }
        Ok(())
    }
}

fn notice(task: &Task) -> Result<Notice, Failure> {
    serde_json::from_value(task.payload.clone())
        .map_err(|error| Failure::Park(format!("the notice cannot be read: {error}")))
}
