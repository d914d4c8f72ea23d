//! What follows from what, on one page. A slice says facts; only here is it known what others do about them.

use futures_util::future::BoxFuture;

use crate::contracts;
use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::facts::{Closed, Fact};
use crate::notifications::{Notice, alerts};

/// Answers a fact inside the unit of work that said it: same transaction, no network.
pub fn react<'a>(fact: &'a Fact, work: &'a mut Work) -> BoxFuture<'a, Result<(), Failure>> {
    Box::pin(follow(fact, work))
}

#[allow(clippy::too_many_lines)] // one page on purpose: what follows from what
async fn follow(fact: &Fact, work: &mut Work) -> Result<(), Failure> {
    match fact {
        Fact::PaymentFailed {
            client: Some(client),
            service,
            code,
            ..
        } => Notice::PaymentFailed {
            client: *client,
            service: *service,
            code: code.clone(),
        }
        .send(work),
        Fact::PaymentFailed { payment, .. } => {
            let detail = format!(
                "El pago {payment} falló y no nombra ningún servicio ni cliente nuestro, así que no se avisó a nadie.\n\
                 Siguiente paso: búscalo en Stripe y corrige su metadata.service_id."
            );
            alerts::raise(
                work,
                &format!("pago-sin-dueno:{payment}"),
                "Un pago fallido no tiene dueño",
                &detail,
            )
            .await
        }
        Fact::PaymentUnmatched { payment, amount } => {
            let detail = format!(
                "Llegó el pago {payment} por {amount} y no nombra ningún servicio nuestro (metadata.service_id).\n\
                 El dinero está en Stripe y el evento está guardado. Siguiente paso: búscalo en Stripe y asígnalo."
            );
            alerts::raise(
                work,
                &format!("pago-sin-servicio:{payment}"),
                "Llegó un pago sin servicio",
                &detail,
            )
            .await
        }
        Fact::PaidTwice { service, payment } => {
            let detail = format!(
                "El servicio {service} ya estaba pagado y llegó otro pago, {payment}.\n\
                 Siguiente paso: revisa en Stripe si hay que reembolsarlo."
            );
            alerts::raise(
                work,
                &format!("pago-doble:{payment}"),
                "Un servicio se pagó dos veces",
                &detail,
            )
            .await
        }
        Fact::PaidOtherAmount {
            service,
            payment,
            expected,
            paid,
        } => {
            let detail = format!(
                "El servicio {service} cuesta {expected} y el pago {payment} fue de {paid}. Quedó como pagado.\n\
                 Siguiente paso: revisa si falta cobrar o hay que devolver la diferencia."
            );
            alerts::raise(
                work,
                &format!("pago-distinto:{payment}"),
                "Un pago no coincide con el precio",
                &detail,
            )
            .await
        }
        Fact::SubscriptionPaid(payment) => contracts::record_payment(payment, work).await,
        Fact::SubscriptionEnded {
            subscription,
            contract,
            ended_at,
        } => contracts::end(subscription, *contract, *ended_at, work).await,
        Fact::ContractEnded {
            contract,
            subscription,
        } => Notice::ContractEnded {
            contract: *contract,
            subscription: subscription.clone(),
        }
        .send(work),
        Fact::SubscriptionUnmatched { subscription } => {
            let detail = format!(
                "Stripe habla de la suscripción {subscription} y ningún contrato la tiene.\n\
                 Siguiente paso: anótala en el contrato (stripe_subscription_id) o agrega metadata.contract_id en Stripe."
            );
            let cause = format!("suscripcion-sin-contrato:{subscription}");
            alerts::raise(work, &cause, "Una suscripción no tiene contrato", &detail).await
        }
        Fact::Parked(closed) => {
            let detail = format!(
                "Se apartó {}: {}\n{}",
                closed.label,
                closed.reason,
                where_to_look(closed, "parked")
            );
            let title = "Un evento o trabajo espera a una persona";
            alerts::raise(work, &format!("apartado:{}", closed.kind), title, &detail).await
        }
        Fact::Buried(closed) => {
            let Closed { label, reason, .. } = closed;
            let detail = format!(
                "Se dejó de intentar {label}: {reason}\n{}",
                where_to_look(closed, "dead")
            );
            let title = "Un evento o trabajo falló en todos sus intentos";
            alerts::raise(work, &format!("muerto:{}", closed.kind), title, &detail).await
        }
        Fact::SnapshotPinned { seconds, holder } => {
            let detail = format!(
                "Una transacción lleva {seconds} s abierta ({holder}) y frena todas las colas de PostgreSQL.\n\
                 Siguiente paso: ciérrala, o termínala con select pg_terminate_backend(pid)."
            );
            alerts::raise(
                work,
                SNAPSHOT,
                "Una transacción vieja frena la base de datos",
                &detail,
            )
            .await
        }
        Fact::SnapshotReleased => alerts::resolve(work, SNAPSHOT).await,
    }
}

fn where_to_look(closed: &Closed, state: &str) -> String {
    if closed.is_event {
        format!("Nada se perdió. Siguiente paso: onlycar events list --state {state}")
    } else {
        format!("Nada se perdió. Siguiente paso: select * from engine.jobs where state = '{state}'")
    }
}

const SNAPSHOT: &str = "transaccion-vieja";
