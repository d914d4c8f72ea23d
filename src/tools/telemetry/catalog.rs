//! Every metric that the program counts, as `/metrics` explains it; docs/observability.md says the same, and a test compares
//! both with the code.

use metrics::Unit;

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often something took how long.
    Histogram,
}

/// A metric.
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it is told apart by. Their values are words of ours, and kinds of events; never an id.
    pub labels: &'static [&'static str],
    /// What it tells.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($kind:ident $name:literal [$($label:literal),*] $help:literal;)+) => {
        /// All of them.
        pub const METRICS: &[Metric] = &[$(Metric {
            name: $name,
            kind: Kind::$kind,
            labels: &[$($label),*],
            help: $help,
        }),+];
    };
}

metrics! {
    Gauge "build_info" ["version"] "1; which version runs";
    Counter "webhooks_received_total" ["provider", "answer"] "Requests to the doors of webhooks, by how they were answered";
    Histogram "webhook_answer_seconds" ["provider"] "From a webhook's request to its answer, the commit included";
    Counter "webhooks_recent_asked_total" ["outcome"] "Questions to Redis whether an event came before";
    Counter "webhooks_recent_noted_total" ["outcome"] "Events noted in Redis once they were stored";
    Counter "work_finished_total" ["lane", "kind", "outcome"] "Events and jobs that came to their end";
    Counter "work_failed_attempts_total" ["lane", "provider", "kind"] "Attempts that failed and are made again";
    Histogram "work_seconds" ["lane", "kind"] "One attempt to handle an event or a job";
    Gauge "queue_waiting" ["lane"] "Events or jobs that are not done, counted up to 10,000";
    Gauge "queue_oldest_seconds" ["lane"] "For how long the oldest event or job has been due";
    Gauge "queue_held" ["lane", "state"] "Events or jobs kept for a person (parked) or given up (dead)";
    Gauge "alerts_open" [] "Alerts that nobody has closed";
    Counter "alerts_opened_total" ["kind"] "Alerts that were opened";
    Histogram "probe_seconds" ["service"] "One probe of an external service";
    Gauge "service_up" ["service"] "Whether the last probe of an external service was answered as it should be";
    Counter "gigstack_requests_total" ["answer"] "Questions to Gigstack";
    Counter "mifiel_requests_total" ["answer"] "Questions to Mifiel";
    Counter "cloudflare_requests_total" ["store", "outcome"] "Requests to D1 and KV";
    Gauge "reconcile_drift" ["provider", "kind"] "What the last reconciliation found amiss";
    Counter "documents_total" ["outcome"] "Invoices' documents that were to be stored";
    Counter "document_links_total" ["role", "outcome"] "Links to documents that were asked for";
    Counter "access_refused_total" ["reason"] "Requests whose token or session was not accepted";
    Counter "access_keys_asked_total" ["outcome"] "Questions to Supabase for its signing keys";
    Counter "rate_limited_total" ["group", "by"] "Requests over a limit";
    Counter "rate_limit_shared_total" ["outcome"] "Questions to Redis for the limits of all replicas";
    Gauge "redis_connected" [] "Whether Redis is connected";
    Gauge "database_oldest_snapshot_seconds" [] "Age of the oldest snapshot in PostgreSQL, which holds up the queue";
    Counter "payloads_emptied_total" [] "Payloads emptied as their retention time was over";
    Counter "edge_documents_mirrored_total" [] "Changes told to D1";
    Gauge "edge_documents_waiting" [] "Changes that D1 was not told of yet";
    Gauge "edge_oldest_mark_seconds" [] "For how long the oldest of them has waited";
    Counter "edge_blocked_clients_total" ["outcome"] "Clients over their limit, and whether KV was told";
    Counter "trace_batches_total" ["outcome"] "Batches of spans sent to the collector";
}

/// Tells the recorder what each is.
pub(super) fn describe() {
    for metric in METRICS {
        let unit = if metric.name.ends_with("_seconds") {
            Unit::Seconds
        } else {
            Unit::Count
        };
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, unit, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, unit, metric.help),
            Kind::Histogram => metrics::describe_histogram!(metric.name, unit, metric.help),
        }
    }
}
