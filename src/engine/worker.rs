//! Workers: claim rows, handle a few at a time, renew what is held, stop without losing anything.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::job::Task;
use super::piece::{InboxRow, Piece};
use super::process::process;
use super::queue::{self, Claim, Claimed, Lane, Leases};
use super::{Engine, audit, schedule};

/// The workers of one process.
pub struct Workers {
    tracker: TaskTracker,
    soft: CancellationToken,
}

impl Workers {
    /// Starts claiming from both tables, renewing leases, sealing the audit chain and keeping the schedule.
    pub fn start(engine: &Arc<Engine>) -> Self {
        let tracker = TaskTracker::new();
        let soft = CancellationToken::new();
        let leases = Arc::new(Leases::default());
        tracker.spawn(Worker::<InboxRow>::new(engine, &leases, &tracker, &soft).run());
        tracker.spawn(Worker::<Task>::new(engine, &leases, &tracker, &soft).run());
        // Renewal goes on while the last pieces of work are finished; it ends with the process.
        tokio::spawn(renew(Arc::clone(engine), leases));
        tracker.spawn(audit::keep_sealing(engine.pool.clone(), soft.clone()));
        tracker.spawn(schedule::keep(Arc::clone(engine), soft.clone()));
        tracker.close();
        Self { tracker, soft }
    }

    /// Claims nothing more, and returns when what is under way has ended. Whoever stops waiting for it loses
    /// nothing: what is left unfinished is rolled back and claimed again.
    pub async fn stop(self) {
        self.soft.cancel();
        self.tracker.wait().await;
    }
}

async fn renew(engine: Arc<Engine>, leases: Arc<Leases>) {
    let lease = TimeDelta::seconds(i64::from(engine.settings.lease_seconds));
    let mut tick = tokio::time::interval(lease_of(&engine) / 3);
    loop {
        tick.tick().await;
        if let Err(error) = leases.renew(&engine.leases, engine.clock.now() + lease).await {
            tracing::warn!(%error, "leases could not be renewed; other workers may take the rows over");
        }
    }
}

fn lease_of(engine: &Engine) -> Duration {
    Duration::from_secs(u64::from(engine.settings.lease_seconds))
}

/// What one lane's loop needs.
struct Worker<P> {
    engine: Arc<Engine>,
    leases: Arc<Leases>,
    tracker: TaskTracker,
    soft: CancellationToken,
    slots: Arc<Semaphore>,
    piece: std::marker::PhantomData<fn() -> P>,
}

impl<P: Piece> Worker<P> {
    fn new(
        engine: &Arc<Engine>,
        leases: &Arc<Leases>,
        tracker: &TaskTracker,
        soft: &CancellationToken,
    ) -> Self {
        Self {
            engine: Arc::clone(engine),
            leases: Arc::clone(leases),
            tracker: tracker.clone(),
            soft: soft.clone(),
            slots: Arc::new(Semaphore::new(engine.settings.concurrency)),
            piece: std::marker::PhantomData,
        }
    }

    async fn run(self) {
        let poll = Duration::from_millis(self.engine.settings.poll_ms);
        while !self.soft.is_cancelled() {
            let found = self.round().await;
            if found == 0 {
                tokio::select! {
                    () = self.soft.cancelled() => {}
                    () = self.engine.wakers.of(P::LANE).notified() => {}
                    () = tokio::time::sleep(poll) => {}
                }
            }
        }
    }

    /// One claim and its rows; returns how many there were.
    async fn round(&self) -> usize {
        let settings = &self.engine.settings;
        let longest = Duration::from_millis(settings.give_way_longest_ms);
        self.engine.inbox.give_way(longest).await;
        let Some(first) = self.slot().await else { return 0 };
        let now = self.engine.clock.now();
        let limit = self.claim_limit();
        match queue::claim::<P>(&self.engine.pool, P::LANE, now, lease_of(&self.engine), limit).await {
            Ok(rows) => {
                let found = rows.len();
                self.hand_out(rows, first).await;
                found
            }
            Err(error) => {
                tracing::error!(%error, lane = ?P::LANE, "no work could be claimed; it is tried again");
                0
            }
        }
    }

    /// Events are short, so many are claimed at once; a job may wait for the network, so no more are claimed
    /// than can begin now: the rest is left for other replicas.
    fn claim_limit(&self) -> usize {
        match P::LANE {
            Lane::Events => self.engine.settings.claim_rows,
            Lane::Jobs => self.slots.available_permits() + 1,
        }
    }

    async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            biased;
            () = self.soft.cancelled() => None,
            permit = Arc::clone(&self.slots).acquire_owned() => permit.ok(),
        }
    }

    async fn hand_out(&self, rows: Vec<Claimed<P>>, first: OwnedSemaphorePermit) {
        for row in &rows {
            self.leases.add(row.claim);
        }
        let mut first = Some(first);
        let mut groups = groups(rows, self.engine.settings.concurrency).into_iter();
        while let Some(group) = groups.next() {
            let permit = match first.take() {
                Some(permit) => Some(permit),
                None => self.slot().await,
            };
            let Some(permit) = permit else {
                return self
                    .give_back(std::iter::once(group).chain(groups).flatten())
                    .await;
            };
            let (engine, leases) = (Arc::clone(&self.engine), Arc::clone(&self.leases));
            self.tracker.spawn(async move {
                process(&engine, &group).await;
                for row in &group {
                    leases.remove(row.claim);
                }
                drop(permit);
            });
        }
    }

    /// A soft stop: rows that were claimed and not begun go back at once, uncounted.
    async fn give_back(&self, rows: impl Iterator<Item = Claimed<P>>) {
        let claims: Vec<Claim> = rows.map(|row| row.claim).collect();
        for claim in &claims {
            self.leases.remove(*claim);
        }
        if let Err(error) =
            queue::give_back(&self.engine.pool, P::LANE, &claims, self.engine.clock.now()).await
        {
            tracing::warn!(%error, rows = claims.len(), "rows were not given back; they are free when their lease ends");
        }
    }
}

/// Events on their first attempt go together, evenly over all slots: a storm shares commits, a single event does not
/// wait. What was tried before goes alone, so that one that kills its process takes no other with it; so does a job.
fn groups<P: Piece>(rows: Vec<Claimed<P>>, slots: usize) -> Vec<Vec<Claimed<P>>> {
    let size = match P::LANE {
        Lane::Events => rows.len().div_ceil(slots),
        Lane::Jobs => 1,
    };
    let (fresh, again): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.claim.attempt == 1);
    let mut groups: Vec<Vec<_>> = again.into_iter().map(|row| vec![row]).collect();
    let mut fresh = fresh.into_iter().peekable();
    while fresh.peek().is_some() {
        groups.push(fresh.by_ref().take(size).collect());
    }
    groups
}
