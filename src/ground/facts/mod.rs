//! What can happen in this business, in the past tense, and who did it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

mod details;
mod health;

pub use super::actor::Actor;
use super::values::{ClientId, ContractId, ServiceId};
pub use details::{
    Behind, BrokenLog, Closed, Contact, CounterInvoice, Document, DocumentFile, FaultyFiles, Instructions,
    PeriodPayment, StoredFile, SubscriptionStanding,
};
pub use health::Health;

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
    /// It was found what a payment was for that had named no service of ours.
    PaymentMatched {
        /// The payment, `pi_…`.
        payment: String,
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
        /// What makes this attempt another than the one before: its charge, or its time.
        attempt: String,
    },
    /// The payer got a voucher or an account to transfer to, and has to pay there.
    PaymentAwaited {
        /// Who has to be told.
        client: ClientId,
        /// The payment, `pi_…`.
        payment: String,
        /// How it is paid.
        by: Instructions,
        /// Until when, where that is limited: another try has another voucher.
        until: Option<DateTime<Utc>>,
        /// What came in so far of a transfer in parts: how much is missing.
        missing: Option<String>,
    },
    /// Money of a service's payment went back to the payer.
    ServiceRefunded {
        /// The service.
        service: ServiceId,
        /// The payment, `pi_…`.
        payment: String,
        /// How much in all.
        refunded: String,
        /// Whether nothing of the payment is left.
        whole: bool,
    },
    /// A service that had been given back is paid after all: the refund came to nothing, or it was paid again.
    ServiceRefundUndone {
        /// The service.
        service: ServiceId,
    },
    /// A refund came to nothing: the payer did not get the money.
    RefundFailed {
        /// Stripe's refund, `re_…`.
        refund: String,
        /// Stripe's word for the reason.
        reason: String,
    },
    /// A payer asked the bank for the money back, or that dispute moved on.
    Disputed {
        /// Stripe's dispute, `dp_…`.
        dispute: String,
        /// The payment, when known.
        payment: Option<String>,
        /// How much.
        amount: String,
        /// Where it stands.
        status: String,
        /// Until when evidence can be handed in.
        due: Option<DateTime<Utc>>,
    },
    /// A dispute was decided for us, or withdrawn.
    DisputeWon {
        /// Stripe's dispute.
        dispute: String,
    },
    /// A dispute was decided for the payer.
    DisputeLost {
        /// Stripe's dispute.
        dispute: String,
        /// The payment, when known.
        payment: Option<String>,
        /// How much is gone.
        amount: String,
    },
    /// A service was paid at the counter, or its client wants another kind of invoice now.
    PaidAtCounter {
        /// The service.
        service: ServiceId,
        /// Which invoice.
        invoice: CounterInvoice,
    },
    /// A payment of Stripe's pays a service.
    PaymentCredited {
        /// The service.
        service: ServiceId,
        /// The payment, `pi_…`.
        payment: String,
    },
    /// A client wants an own invoice for a sale that a global invoice has, or was asked to have.
    InvoiceWantedAfterGlobal {
        /// The service.
        service: ServiceId,
        /// The month of the global invoice.
        month: String,
    },
    /// Gigstack's portal has a page where the client makes the own invoice.
    SelfInvoiceOffered {
        /// Row of `invoicing.requests`.
        request: Uuid,
        /// Whether it was offered before, and the client's mail address was told only since.
        again: bool,
    },
    /// The standing of a service's invoice may have changed.
    InvoiceMoved {
        /// The service.
        service: ServiceId,
    },
    /// The same of many services at once, as when the global invoice of a month is made.
    InvoicesMoved {
        /// The services.
        services: Vec<ServiceId>,
    },
    /// What is recorded of a document changed: it was made, completed, cancelled, signed, refused or removed.
    DocumentMoved(Document),
    /// A service has more than one valid invoice.
    InvoicedTwice {
        /// The service.
        service: ServiceId,
        /// Their UUIDs.
        invoices: Vec<Uuid>,
    },
    /// A service has one valid invoice, or none any more.
    InvoicedOnce {
        /// The service.
        service: ServiceId,
    },
    /// An invoice is stamped and stored, and its client is to be told.
    InvoiceReady {
        /// Row of `facturas_emitidas`.
        invoice: Uuid,
        /// The service that it is for.
        service: ServiceId,
    },
    /// An invoice was cancelled at SAT.
    InvoiceCancelled {
        /// Row of `facturas_emitidas`.
        invoice: Uuid,
        /// The service it was for.
        service: Option<ServiceId>,
    },
    /// What a webhook of the invoicing provider's names cannot be confirmed there, or is not what it should be.
    InvoiceUnconfirmed {
        /// The provider's id, or the UUID.
        subject: String,
        /// Why, in Spanish for the team.
        reason: String,
    },
    /// An invoice is not the same here and at the invoicing provider.
    InvoiceDiffers {
        /// Row of `facturas_emitidas`.
        invoice: Uuid,
        /// What differs, in Spanish for the team.
        difference: String,
    },
    /// A global invoice was cancelled: its sales have no invoice any more.
    GlobalInvoiceCancelled {
        /// The month.
        month: String,
    },
    /// A month is over for long, and no stamped global invoice holds some of its sales.
    GlobalInvoiceLate {
        /// The month.
        month: String,
        /// How many sales.
        sales: i64,
    },
    /// A stamped global invoice holds every sale of a month.
    GlobalInvoiceComplete {
        /// The month.
        month: String,
    },
    /// A global invoice does not hold the sales that it was asked for, each once and with its amount.
    GlobalInvoiceDiffers {
        /// Row of `facturas_emitidas`.
        invoice: Uuid,
        /// The month.
        month: String,
        /// What differs, in Spanish for the team.
        difference: String,
    },
    /// A subscription moved on, or one of its invoices did.
    SubscriptionStands(SubscriptionStanding),
    /// A document can be signed for a few more days only.
    SignatureDue {
        /// The contract.
        contract: ContractId,
        /// Row of `contratos_firmados`.
        document: Uuid,
    },
    /// The time to sign a contract is over, and somebody has not.
    ContractExpired {
        /// The contract.
        contract: ContractId,
        /// Row of `contratos_firmados`.
        document: Uuid,
    },
    /// Everybody has signed a contract, and it is stored.
    ContractSigned {
        /// The contract.
        contract: ContractId,
        /// Row of `contratos_firmados`.
        document: Uuid,
    },
    /// A contract is at the signature provider and waits for its signatures.
    ContractSent {
        /// The contract.
        contract: ContractId,
    },
    /// The signature provider will not take a contract as it was sent.
    ContractNotSent {
        /// The contract.
        contract: ContractId,
        /// Row of `contratos_firmados`.
        document: Uuid,
        /// Why, in Spanish for the team.
        reason: String,
    },
    /// A signer declined.
    ContractDeclined {
        /// The contract.
        contract: ContractId,
        /// Row of `contratos_firmados`.
        document: Uuid,
        /// Why, in the signer's words.
        reason: Option<String>,
    },
    /// A document was deleted at the signature provider before everybody had signed.
    ContractWithdrawn {
        /// The contract.
        contract: ContractId,
        /// Row of `contratos_firmados`.
        document: Uuid,
    },
    /// What a webhook of the signature provider's names cannot be confirmed there, or is none of ours.
    DocumentUnconfirmed {
        /// The provider's id.
        document: String,
        /// Why, in Spanish for the team.
        reason: String,
    },
    /// The signature provider's own answer says what its webhooks said.
    DocumentConfirmed {
        /// The provider's id.
        document: String,
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
    /// A subscription's trial ends in a few days.
    TrialEnding {
        /// Who has to be told.
        client: ClientId,
        /// Stripe's subscription.
        subscription: String,
        /// When.
        ends_at: DateTime<Utc>,
    },
    /// A subscription's invoice could not be charged.
    InvoiceFailed {
        /// Who has to be told.
        client: ClientId,
        /// Stripe's invoice.
        invoice: String,
        /// Which attempt it was.
        attempt: i64,
    },
    /// A subscription's invoice waits for the client: the bank wants to know who pays.
    InvoiceNeedsClient {
        /// Who has to be told.
        client: ClientId,
        /// Stripe's invoice.
        invoice: String,
    },
    /// Stripe could not finish an invoice.
    InvoiceStuck {
        /// Stripe's invoice.
        invoice: String,
        /// Stripe's word for the reason.
        reason: String,
    },
    /// A provider's list holds events that it never brought us. They are handled now.
    EventsMissed {
        /// Who.
        provider: &'static str,
        /// How many.
        count: usize,
    },
    /// All that a provider lists had come.
    NothingMissed {
        /// Who.
        provider: &'static str,
    },
    /// A provider does not call us, or not about everything, or it does not take our key.
    EndpointTrouble {
        /// Who.
        provider: &'static str,
        /// What is wrong, in Spanish for the team.
        trouble: String,
    },
    /// What was wrong with it is over.
    EndpointFine {
        /// Who.
        provider: &'static str,
    },
    /// A file of a document lies in the store.
    FileStored(StoredFile),
    /// Files of documents are not in the store as they were stored, or were found to be again.
    FilesFaulty(FaultyFiles),
    /// An event or a job was kept for a person: trying it again is useless.
    Parked(Closed),
    /// An event or a job was given up after its last attempt.
    Buried(Closed),
    /// The objects of a document were removed from the bucket: its time was over, or it was never signed.
    DocumentErased {
        /// Row of `facturas_emitidas` or `contratos_firmados`.
        document: Uuid,
    },
    /// How the providers do, and whether we keep up.
    Health(Health),
    /// An admin signed in to the panel.
    SessionOpened {
        /// The SHA-256 of the cookie's secret, in hexadecimal.
        digest: String,
        /// When it is over at the latest.
        ends_at: DateTime<Utc>,
    },
    /// An admin signed out of the session of this digest.
    SessionEnded(String),
    /// The mirror at the edge has not shown a change for long.
    MirrorBehind(Behind),
    /// The mirror at the edge shows changes in time.
    MirrorCaughtUp,
    /// The audit log is not what was sealed or signed.
    AuditBroken(BrokenLog),
}
