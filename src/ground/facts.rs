//! What can happen in this business, in the past tense, and who did it.

use chrono::{DateTime, Utc};

use super::values::{ClientId, ContractId, Money, ServiceId};

/// Who caused a change; what `logs_auditoria.actor` shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Actor {
    /// A payment provider's verified event.
    Stripe,
    /// This program itself: a schedule, a retry that gave up, a notification.
    System,
}

impl Actor {
    /// The word kept in the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::System => "sistema",
        }
    }
}

/// Why a payment attempt failed, in Stripe's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentError {
    /// `last_payment_error.decline_code`, else `.code`, as in `insufficient_funds`.
    pub code: String,
    /// The sentence for people, in the language Stripe chose.
    pub message: String,
}

/// One paid period of a subscription, as its invoice tells.
#[derive(Clone, Debug)]
pub struct SubscriptionPayment {
    /// Stripe's subscription, `sub_…`.
    pub subscription: String,
    /// The contract that the subscription's metadata names, if it does.
    pub contract: Option<ContractId>,
    /// Stripe's invoice, `in_…`.
    pub invoice: String,
    /// What was paid.
    pub amount: Money,
    /// When.
    pub paid_at: DateTime<Utc>,
    /// When the period that was paid ends and the next charge comes.
    pub next_charge_at: Option<DateTime<Utc>>,
    /// Whether a new period began: a proration in the middle of one gives no new services.
    pub starts_period: bool,
}

/// An event or a job whose handler did not end.
#[derive(Clone, Debug)]
pub struct Closed {
    /// Whether it is a row of `webhooks.events`; else of `engine.jobs`.
    pub is_event: bool,
    /// The event's type or the job's kind.
    pub kind: String,
    /// What it was, for people.
    pub label: String,
    /// Why.
    pub reason: String,
}

/// Something that happened. `story.rs` says what follows from each.
#[derive(Clone, Debug)]
pub enum Fact {
    /// A service was paid by an amount or in a currency that is not its price.
    PaidOtherAmount {
        /// The service.
        service: ServiceId,
        /// The payment, `pi_…`.
        payment: String,
        /// What the service costs.
        expected: String,
        /// What arrived.
        paid: String,
    },
    /// Money arrived for a service that another payment had paid already.
    PaidTwice {
        /// The service.
        service: ServiceId,
        /// The second payment, `pi_…`.
        payment: String,
    },
    /// A payment succeeded that names no service of ours.
    PaymentUnmatched {
        /// The payment, `pi_…`.
        payment: String,
        /// What arrived.
        amount: String,
    },
    /// A payment attempt failed; the client may have to act.
    PaymentFailed {
        /// The service it was for, when it names one.
        service: Option<ServiceId>,
        /// Who has to be told, when known.
        client: Option<ClientId>,
        /// The payment, `pi_…`.
        payment: String,
        /// Stripe's code of the reason, as in `insufficient_funds`.
        code: String,
    },
    /// A subscription's invoice was paid.
    SubscriptionPaid(SubscriptionPayment),
    /// A subscription ended at Stripe.
    SubscriptionEnded {
        /// Stripe's subscription, `sub_…`.
        subscription: String,
        /// The contract that the subscription's metadata names, if it does.
        contract: Option<ContractId>,
        /// When it ended.
        ended_at: DateTime<Utc>,
    },
    /// A contract became inactive.
    ContractEnded {
        /// The contract.
        contract: ContractId,
        /// The subscription that ended.
        subscription: String,
    },
    /// An event about a subscription that belongs to no contract of ours.
    SubscriptionUnmatched {
        /// Stripe's subscription.
        subscription: String,
    },
    /// An event or a job was kept for a person: trying it again is useless.
    Parked(Closed),
    /// An event or a job was given up after its last attempt.
    Buried(Closed),
    /// A transaction has held an old snapshot open for long: queues in PostgreSQL slow down to a crawl under one.
    SnapshotPinned {
        /// How old the oldest snapshot is, in seconds.
        seconds: i64,
        /// Who holds it: process id, user and application.
        holder: String,
    },
    /// No old snapshot is held any more.
    SnapshotReleased,
}
