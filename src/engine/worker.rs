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
use super::queue::{self, Claim, Claimed, Held, Lane, Leases, Pick};
use super::{Engine, audit, gauges, schedule};

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
        let leases = Leases::default();
        Worker::<InboxRow>::start(engine, &leases, &tracker, &soft);
        Worker::<Task>::start(engine, &leases, &tracker, &soft);
        // Renewal goes on while the last pieces of work are finished; it ends with the process.
        tokio::spawn(renew(Arc::clone(engine), leases));
        tracker.spawn(audit::keep_sealing(engine.pool.clone(), soft.clone()));
        tracker.spawn(gauges::keep(
            engine.pool.clone(),
            engine.clock.clone(),
            soft.clone(),
        ));
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

async fn renew(engine: Arc<Engine>, leases: Leases) {
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
    leases: Leases,
    tracker: TaskTracker,
    soft: CancellationToken,
    slots: Arc<Semaphore>,
    piece: std::marker::PhantomData<fn() -> P>,
}

impl<P: Piece> Worker<P> {
    fn start(engine: &Arc<Engine>, leases: &Leases, tracker: &TaskTracker, soft: &CancellationToken) {
        let worker = Arc::new(Self {
            engine: Arc::clone(engine),
            leases: leases.clone(),
            tracker: tracker.clone(),
            soft: soft.clone(),
            slots: Arc::new(Semaphore::new(engine.settings.concurrency)),
            piece: std::marker::PhantomData,
        });
        tracker.spawn(Arc::clone(&worker).run_silent());
        tracker.spawn(worker.run());
    }

    async fn run(self: Arc<Self>) {
        let poll = Duration::from_millis(self.engine.settings.poll_ms);
        while !self.soft.is_cancelled() {
            if self.round().await == 0 {
                tokio::select! {
                    () = self.soft.cancelled() => {}
                    () = self.engine.wakers.of(P::LANE).notified() => {}
                    () = tokio::time::sleep(poll) => {}
                }
            }
        }
    }

    /// Rows whose worker was killed run one after the other, never together: one that kills its process again uses
    /// up its own attempts, and of its neighbours no more than the claim that they lose with it.
    async fn run_silent(self: Arc<Self>) {
        let mut poll = tokio::time::interval(Duration::from_millis(self.engine.settings.poll_ms));
        while !self.soft.is_cancelled() {
            let Some(permit) = self.slot().await else { return };
            let Some(row) = self.claim(Pick::Silent).await.pop() else {
                drop(permit);
                tokio::select! {
                    () = self.soft.cancelled() => {}
                    _ = poll.tick() => {}
                }
                continue;
            };
            let (engine, held) = (Arc::clone(&self.engine), self.leases.hold([row.claim]));
            let alone = self.tracker.spawn(async move {
                process(&engine, &[row]).await;
                drop((held, permit));
            });
            // A panic in there has ended that task and let the lease go; this loop goes on.
            let _ = alone.await;
        }
    }

    /// One claim and its rows; returns how many there were.
    async fn round(&self) -> usize {
        let longest = Duration::from_millis(self.engine.settings.give_way_longest_ms);
        self.engine.inbox.give_way(longest).await;
        let Some(first) = self.slot().await else {
            return 0;
        };
        let rows = self.claim(Pick::Due(self.claim_limit())).await;
        let found = rows.len();
        self.hand_out(rows, first).await;
        found
    }

    async fn claim(&self, pick: Pick) -> Vec<Claimed<P>> {
        let now = self.engine.clock.now();
        let rows = queue::claim(&self.engine.pool, P::LANE, pick, now, lease_of(&self.engine)).await;
        rows.unwrap_or_else(|error| {
            tracing::error!(%error, lane = ?P::LANE, "no work could be claimed; it is tried again");
            Vec::new()
        })
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
        let mut first = Some(first);
        let mut groups = self.groups(rows).into_iter();
        while let Some((held, group)) = groups.next() {
            let permit = match first.take() {
                Some(permit) => Some(permit),
                None => self.slot().await,
            };
            let Some(permit) = permit else {
                drop(held);
                let left = groups.flat_map(|(_, group)| group);
                return self.give_back(group.into_iter().chain(left)).await;
            };
            let engine = Arc::clone(&self.engine);
            self.tracker.spawn(async move {
                process(&engine, &group).await;
                drop((held, permit));
            });
        }
    }

    /// Events on their first attempt go together, evenly over all slots: a storm shares commits, a single event does
    /// not wait. What failed before goes alone, and so does a job.
    fn groups(&self, rows: Vec<Claimed<P>>) -> Vec<(Held, Vec<Claimed<P>>)> {
        let settings = &self.engine.settings;
        let size = match P::LANE {
            Lane::Events => rows.len().div_ceil(settings.concurrency).min(settings.group_rows),
            Lane::Jobs => 1,
        };
        let (fresh, again): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.claim.attempt == 1);
        let mut groups: Vec<Vec<_>> = again.into_iter().map(|row| vec![row]).collect();
        let mut fresh = fresh.into_iter().peekable();
        while fresh.peek().is_some() {
            groups.push(fresh.by_ref().take(size).collect());
        }
        let hold = |group: Vec<Claimed<P>>| (self.leases.hold(group.iter().map(|row| row.claim)), group);
        groups.into_iter().map(hold).collect()
    }

    /// A soft stop: rows that were claimed and not begun go back at once, uncounted.
    async fn give_back(&self, rows: impl Iterator<Item = Claimed<P>>) {
        let claims: Vec<Claim> = rows.map(|row| row.claim).collect();
        if let Err(error) =
            queue::give_back(&self.engine.pool, P::LANE, &claims, self.engine.clock.now()).await
        {
            tracing::warn!(%error, rows = claims.len(), "rows were not given back; they are free when their lease ends");
        }
    }
}
