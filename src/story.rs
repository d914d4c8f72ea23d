//! What follows from what, on one page. A slice says facts; only here is it known what others do about them.

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::clock::BUSINESS_ZONE;
use crate::ground::facts::{Fact, Health};
use crate::notifications::{Notice, alerts, incidents};
use crate::{contracts, documents, edge, invoicing, payments};

/// Answers a fact inside the unit of work that said it: same transaction, no network.
pub fn react<'a>(fact: &'a Fact, work: &'a mut Work) -> BoxFuture<'a, Result<(), Failure>> {
    Box::pin(follow(fact, work))
}

#[allow(clippy::too_many_lines)] // one page on purpose: what follows from what
async fn follow(fact: &Fact, work: &mut Work) -> Result<(), Failure> {
    match fact {
        // Other slices' rows.
        Fact::SubscriptionStands(standing) => {
            contracts::follow(standing, work).await?;
            invoicing::link_contract(&standing.subscription, work).await
        }
        Fact::PaidAtCounter { service, invoice } => {
            invoicing::invoice_counter_sale(*service, invoice, work).await
        }
        Fact::PaymentCredited { service, payment } => invoicing::link(*service, payment, work).await,
        Fact::InvoiceMoved { service } => payments::show_invoice(*service, work).await,
        Fact::InvoicesMoved { services } => payments::show_invoices(services, work).await,
        Fact::FileStored(stored) => documents::stored(work, stored).await,
        Fact::DocumentErased { document } => documents::erased(work, *document).await,
        Fact::InvoiceCancelled { service, .. } => match service {
            Some(service) => alerts::resolve(work, &incidents::of_refund(*service)).await,
            None => Ok(()),
        },
        // The edge: a mark in the same transaction, told later.
        Fact::DocumentMoved(document) => edge::mark(*document, work).await,
        Fact::SessionOpened { digest, ends_at } => edge::session_opened(digest, *ends_at, work).await,
        Fact::SessionEnded(digest) => edge::session_ended(digest, work).await,

        // What a client is told.
        Fact::PaymentFailed {
            client: Some(client),
            service,
            payment,
            code,
            attempt,
        } => Notice::PaymentFailed {
            client: *client,
            service: *service,
            attempt: format!("{payment}:{attempt}"),
            code: code.clone(),
        }
        .send(work),
        Fact::PaymentAwaited {
            client,
            payment,
            by,
            until,
            missing,
        } => Notice::PaymentAwaited {
            client: *client,
            payment: payment.clone(),
            by: *by,
            until: *until,
            missing: missing.clone(),
        }
        .send(work),
        Fact::InvoiceFailed {
            client,
            invoice,
            attempt,
        } => Notice::InvoiceFailed {
            client: *client,
            invoice: invoice.clone(),
            attempt: *attempt,
        }
        .send(work),
        Fact::InvoiceNeedsClient { client, invoice } => Notice::InvoiceNeedsClient {
            client: *client,
            invoice: invoice.clone(),
        }
        .send(work),
        Fact::TrialEnding {
            client,
            subscription,
            ends_at,
        } => Notice::TrialEnding {
            client: *client,
            subscription: subscription.clone(),
            ends_at: *ends_at,
        }
        .send(work),

        Fact::SelfInvoiceOffered { request, again } => Notice::SelfInvoiceOffered {
            request: *request,
            again: *again,
        }
        .send(work),
        Fact::InvoiceReady { invoice, service } => Notice::InvoiceReady {
            invoice: *invoice,
            service: *service,
        }
        .send(work),

        Fact::ContractSigned { contract, document } => {
            alerts::resolve(work, &incidents::of_declined(*contract)).await?;
            alerts::resolve(work, &incidents::of_expired(*contract)).await?;
            Notice::ContractSigned {
                contract: *contract,
                document: *document,
            }
            .send(work)
        }

        Fact::SignatureDue { contract, document } => Notice::SignatureDue {
            contract: *contract,
            document: *document,
        }
        .send(work),

        // What the team is told.
        Fact::ContractEnded {
            contract,
            subscription,
        } => Notice::ContractEnded {
            contract: *contract,
            subscription: subscription.clone(),
        }
        .send(work),

        // What somebody of the team has to see to.
        Fact::PaymentFailed { payment, .. } => {
            alerts::raise(work, incidents::failed_payment_of_nobody(payment)).await
        }
        Fact::PaymentUnmatched { payment, amount } => {
            alerts::raise(work, incidents::payment_unmatched(payment, amount)).await
        }
        Fact::PaidTwice { service, payment } => {
            alerts::raise(work, incidents::paid_twice(*service, payment)).await
        }
        Fact::PaidOtherAmount {
            service,
            payment,
            expected,
            paid,
        } => {
            alerts::raise(
                work,
                incidents::paid_other_amount(*service, payment, expected, paid),
            )
            .await
        }
        Fact::ServiceRefunded {
            service,
            payment,
            refunded,
            whole,
        } => alerts::raise(work, incidents::refunded(*service, payment, refunded, *whole)).await,
        Fact::RefundFailed { refund, reason } => {
            alerts::raise(work, incidents::refund_failed(refund, reason)).await
        }
        Fact::Disputed {
            dispute,
            payment,
            amount,
            status,
            due,
        } => {
            alerts::raise(
                work,
                incidents::disputed(dispute, payment.as_deref(), amount, status, *due),
            )
            .await
        }
        Fact::DisputeLost {
            dispute,
            payment,
            amount,
        } => {
            alerts::resolve(work, &incidents::of_dispute(dispute)).await?;
            alerts::raise(work, incidents::dispute_lost(dispute, payment.as_deref(), amount)).await
        }
        Fact::SubscriptionUnmatched { subscription } => {
            alerts::raise(work, incidents::subscription_unmatched(subscription)).await
        }
        Fact::InvoiceStuck { invoice, reason } => {
            alerts::raise(work, incidents::invoice_stuck(invoice, reason)).await
        }
        Fact::InvoiceUnconfirmed { subject, reason } => {
            alerts::raise(work, incidents::invoice_unconfirmed(subject, reason)).await
        }
        Fact::InvoiceDiffers { invoice, difference } => {
            alerts::raise(work, incidents::invoice_differs(*invoice, difference)).await
        }
        Fact::ContractDeclined {
            contract,
            document,
            reason,
        } => {
            alerts::raise(
                work,
                incidents::contract_declined(*contract, *document, reason.as_deref()),
            )
            .await
        }
        Fact::ContractNotSent {
            contract,
            document,
            reason,
        } => alerts::raise(work, incidents::contract_not_sent(*contract, *document, reason)).await,
        Fact::ContractWithdrawn { contract, document } => {
            alerts::raise(work, incidents::contract_withdrawn(*contract, *document)).await
        }
        Fact::ContractExpired { contract, document } => {
            alerts::raise(work, incidents::contract_expired(*contract, *document)).await
        }
        Fact::DocumentUnconfirmed { document, reason } => {
            alerts::raise(work, incidents::document_unconfirmed(document, reason)).await
        }
        Fact::FilesFaulty(files) => {
            match &files.missing {
                Some((count, key)) => alerts::raise(work, incidents::files_missing(*count, key)).await?,
                None => alerts::resolve(work, incidents::FILES_MISSING).await?,
            }
            match &files.altered {
                Some((count, key)) => alerts::raise(work, incidents::files_altered(*count, key)).await,
                None => alerts::resolve(work, incidents::FILES_ALTERED).await,
            }
        }
        Fact::InvoicedTwice { service, invoices } => {
            alerts::raise(work, incidents::invoiced_twice(*service, invoices)).await
        }
        Fact::GlobalInvoiceDiffers {
            invoice,
            month,
            difference,
        } => {
            alerts::raise(
                work,
                incidents::global_invoice_differs(*invoice, month, difference),
            )
            .await
        }
        Fact::GlobalInvoiceCancelled { month } => {
            alerts::raise(work, incidents::global_invoice_cancelled(month)).await
        }
        Fact::InvoiceWantedAfterGlobal { service, month } => {
            alerts::raise(work, incidents::wanted_after_global(*service, month)).await
        }
        Fact::GlobalInvoiceLate { month, sales } => {
            alerts::raise(work, incidents::global_invoice_late(month, *sales)).await
        }
        Fact::Parked(closed) => alerts::raise(work, incidents::parked(closed)).await,
        Fact::Buried(closed) => alerts::raise(work, incidents::buried(closed)).await,
        Fact::MirrorBehind(behind) => alerts::raise(work, incidents::mirror_behind(behind)).await,

        Fact::AuditBroken(broken) => alerts::raise(work, incidents::audit_broken(broken)).await,
        Fact::EventsMissed { provider, count } => {
            alerts::raise(work, incidents::events_missed(provider, *count)).await
        }
        Fact::EndpointTrouble { provider, trouble } => {
            alerts::raise(work, incidents::endpoint_trouble(provider, trouble)).await
        }

        // What is over, and so is its incident.
        Fact::GlobalInvoiceComplete { month } => {
            alerts::resolve(work, &incidents::of_late_global_invoice(month)).await?;
            alerts::resolve(work, &incidents::of_cancelled_global_invoice(month)).await
        }
        Fact::ContractSent { contract } => {
            alerts::resolve(work, &incidents::of_declined(*contract)).await?;
            alerts::resolve(work, &incidents::of_expired(*contract)).await
        }
        Fact::DocumentConfirmed { document } => {
            alerts::resolve(work, &incidents::of_unconfirmed_document(document)).await
        }
        Fact::NothingMissed { provider } => alerts::resolve(work, &incidents::of_missed(provider)).await,
        Fact::EndpointFine { provider } => alerts::resolve(work, &incidents::of_endpoint(provider)).await,
        Fact::PaymentMatched { payment } => alerts::resolve(work, &incidents::of_unmatched(payment)).await,
        Fact::ServiceRefundUndone { service } => alerts::resolve(work, &incidents::of_refund(*service)).await,
        Fact::InvoicedOnce { service } => {
            alerts::resolve(work, &incidents::of_second_invoice(*service)).await
        }
        Fact::DisputeWon { dispute } => alerts::resolve(work, &incidents::of_dispute(dispute)).await,
        Fact::MirrorCaughtUp => alerts::resolve(work, incidents::MIRROR).await,
        Fact::Health(health) => look_after(health, work).await,
    }
}

/// How the providers do, and whether we keep up.
async fn look_after(health: &Health, work: &mut Work) -> Result<(), Failure> {
    let clock = |at: &DateTime<Utc>| {
        at.with_timezone(&BUSINESS_ZONE)
            .format("%d/%m/%Y %H:%M")
            .to_string()
    };
    match health {
        Health::SnapshotPinned { seconds, holder } => {
            alerts::raise(work, incidents::snapshot_pinned(*seconds, holder)).await
        }
        Health::WebhooksFailing {
            provider,
            in_row,
            reason,
        } => alerts::raise(work, incidents::webhooks_failing(provider, *in_row, reason)).await,
        Health::ServiceDown {
            service,
            since,
            reason,
        } => alerts::raise(work, incidents::service_down(service, &clock(since), reason)).await,
        Health::QueueLate { is_event, seconds } => {
            let what = if *is_event { "eventos" } else { "trabajos" };
            alerts::raise(work, incidents::queue_late(what, *seconds)).await
        }
        Health::ProviderSilent {
            provider,
            since,
            usual,
        } => alerts::raise(work, incidents::provider_silent(provider, &clock(since), *usual)).await,
        Health::SignaturesRefused {
            provider,
            refused,
            since,
        } => {
            alerts::raise(
                work,
                incidents::signatures_refused(provider, *refused, &clock(since)),
            )
            .await
        }

        Health::SnapshotReleased => alerts::resolve(work, incidents::SNAPSHOT).await,
        Health::WebhooksFine { provider } => {
            alerts::resolve(work, &incidents::of_failing_webhooks(provider)).await
        }
        Health::ServiceUp { service } => alerts::resolve(work, &incidents::of_down(service)).await,
        Health::QueueInTime => alerts::resolve(work, incidents::QUEUE_LATE).await,
        Health::ProviderHeard { provider } => alerts::resolve(work, &incidents::of_silent(provider)).await,
        Health::SignaturesFine { provider } => alerts::resolve(work, &incidents::of_refused(provider)).await,
    }
}
