//! Many runs at the same time, and what they have to end in.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::Value;
use sqlx::PgPool;

use super::lane::Lane;
use super::run::{Plan, Run};
use super::story::Story;
use super::{orders, rows};
use crate::support::database;

/// More than there are processors: a run waits for PostgreSQL half of its time.
const LANES: usize = 6;

/// Names the runs: no two of this process share an id.
static NUMBER: AtomicU64 = AtomicU64::new(0x00a0_0000_0000);

pub fn next_number() -> u64 {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// `CONVERGENCE_SEED` repeats a seed.
#[allow(clippy::disallowed_methods)] // the environment of a test, not of the program
pub fn seed() -> u64 {
    let told = std::env::var("CONVERGENCE_SEED");
    told.map_or_else(
        |_| rand::random::<u32>().into(),
        |told| told.parse().expect("a number"),
    )
}

struct Known {
    story: Story,
    ids: Vec<String>,
    /// What the orderly run of each choice of shapes and ties ends in.
    orderly: tokio::sync::Mutex<HashMap<String, Arc<Value>>>,
}

#[derive(Default)]
struct Tally {
    runs: AtomicUsize,
    deliveries: AtomicUsize,
    questions: AtomicUsize,
    /// By story: how many runs diverge, and what the first of them shows.
    divergences: Mutex<HashMap<&'static str, (usize, String)>>,
}

/// Every plan for every story ends in the rows of its orderly run.
pub async fn prove(what: &str, stories: Vec<Story>) {
    let seed = seed();
    let began = Instant::now();
    let url = database::fresh().await;
    let pool = PgPool::connect(&url).await.unwrap();
    let stories: Vec<Arc<Known>> = stories.into_iter().map(known).collect();
    let work: Vec<(Arc<Known>, Plan)> = stories
        .iter()
        .flat_map(|known| {
            orders::plans(&known.story, seed)
                .into_iter()
                .map(|plan| (Arc::clone(known), plan))
        })
        .collect();
    let (work, next, tally) = (
        Arc::new(work),
        Arc::new(AtomicUsize::new(0)),
        Arc::new(Tally::default()),
    );
    let mut lanes = tokio::task::JoinSet::new();
    for _ in 0..LANES {
        let lane = Lane::open(&url, &pool).await;
        let (work, next, tally) = (Arc::clone(&work), Arc::clone(&next), Arc::clone(&tally));
        lanes.spawn(async move {
            while let Some((known, plan)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                known.try_plan(&lane, plan, &tally).await;
            }
        });
    }
    while lanes.join_next().await.transpose().unwrap().is_some() {}
    let of = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    println!(
        "convergence of {what}: {} runs of {} stories, {} deliveries, {} questions to Stripe in {:.1} s; \
         CONVERGENCE_SEED={seed}",
        of(&tally.runs),
        stories.len(),
        of(&tally.deliveries),
        of(&tally.questions),
        began.elapsed().as_secs_f64(),
    );
    let divergences = tally.divergences.lock().unwrap();
    let told = divergences
        .values()
        .map(|(runs, first)| format!("{runs} runs as {first}"));
    let told: Vec<String> = told.collect();
    assert!(told.is_empty(), "runs diverge:\n{}", told.join("\n"));
}

fn known(story: Story) -> Arc<Known> {
    Arc::new(Known {
        ids: rows::ids(&story),
        story,
        orderly: tokio::sync::Mutex::default(),
    })
}

impl Known {
    async fn try_plan(&self, lane: &Lane, plan: &Plan, tally: &Tally) {
        let expected = self.expected(lane, plan, tally).await;
        let found = self.run(lane, plan, tally).await;
        self.compare("", &expected, &found, plan, tally);
    }

    async fn run(&self, lane: &Lane, plan: &Plan, tally: &Tally) -> Value {
        let ending = Run::begin(lane, &self.story, plan, next_number())
            .await
            .tell(&self.ids)
            .await;
        tally.runs.fetch_add(1, Ordering::Relaxed);
        tally.deliveries.fetch_add(plan.order.len(), Ordering::Relaxed);
        tally.questions.fetch_add(ending.questions, Ordering::Relaxed);
        ending.rows
    }

    /// What the orderly run of the same shapes ends in; and that has to be what Stripe shows.
    async fn expected(&self, lane: &Lane, plan: &Plan, tally: &Tally) -> Arc<Value> {
        let key = format!("{:?} {:?}", plan.old, plan.tie);
        let mut orderly = self.orderly.lock().await;
        if let Some(known) = orderly.get(&key) {
            return Arc::clone(known);
        }
        let plan = Plan::orderly(&self.story, plan.old.clone(), plan.tie);
        let found = Arc::new(self.run(lane, &plan, tally).await);
        // The business does not depend on the shapes.
        let newest = format!("{:?} {:?}", vec![false; plan.old.len()], plan.tie);
        let reference = if let Some(known) = orderly.get(&newest) {
            Arc::clone(known)
        } else {
            let plan = Plan::orderly(&self.story, vec![false; plan.old.len()], plan.tie);
            let known = Arc::new(self.run(lane, &plan, tally).await);
            orderly.insert(newest, Arc::clone(&known));
            known
        };
        for table in rows::BUSINESS {
            self.compare(table, &reference[table], &found[table], &plan, tally);
        }
        orderly.insert(key, Arc::clone(&found));
        found
    }

    fn compare(&self, place: &str, expected: &Value, found: &Value, plan: &Plan, tally: &Tally) {
        let differences = rows::differences(expected, found);
        if differences.is_empty() {
            return;
        }
        let kinds: Vec<&str> = plan
            .order
            .iter()
            .map(|step| self.story.steps[*step].kind())
            .collect();
        let told = format!(
            "{} {place}: {plan:?}\n  {}\n  {}",
            self.story.name,
            kinds.join(", "),
            differences.join("\n  ")
        );
        let mut divergences = tally.divergences.lock().unwrap();
        divergences.entry(self.story.name).or_insert((0, told)).0 += 1;
    }
}
