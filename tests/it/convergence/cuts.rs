//! The connection is cut between any two messages to PostgreSQL, and after the commit before its answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use onlycar::engine::Failure;
use sqlx::PgPool;
use url::Url;
use uuid::Uuid;

use super::cutter::Cutter;
use super::lane::{Delivery, Lane};
use super::proof::next_number;
use super::rows;
use super::run::{Plan, Run, Telling, Tie};
use super::stories::{billing, money_back, payments, people};
use super::story::{Story, TOKEN};
use crate::support::database;

/// The pool asks an idle connection whether it is there: a connection cut then is only replaced.
const FIRST: usize = 2;

#[derive(Default)]
struct Tally {
    cuts: AtomicUsize,
    answers_lost: AtomicUsize,
    /// The pool was at the connection when it was cut, and took another.
    replaced: AtomicUsize,
    handled: AtomicUsize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_at_every_message_changes_nothing() {
    let began = Instant::now();
    let url = database::fresh().await;
    let pool = PgPool::connect(&url).await.unwrap();
    let tally = Arc::new(Tally::default());
    let mut stories = tokio::task::JoinSet::new();
    for story in [
        payments::card_after_a_decline(),
        payments::known_by_its_session(),
        payments::metadata_that_changes(),
        money_back::refund_made_again(),
        money_back::dispute_lost(),
        people::one_of_two_customers_deleted(),
        people::card_kept(),
        billing::first_month(),
        billing::subscription_canceled(),
    ] {
        let (url, pool, tally) = (url.clone(), pool.clone(), Arc::clone(&tally));
        stories.spawn(async move { tell_with_cuts(&url, &pool, &story, &tally).await });
    }
    while stories.join_next().await.transpose().unwrap().is_some() {}
    // A connection that goes back into the pool is asked, too, and on a busy machine only when the next work is under way.
    let (cuts, replaced) = (
        tally.cuts.load(Ordering::Relaxed),
        tally.replaced.load(Ordering::Relaxed),
    );
    assert!(replaced * 20 < cuts, "{replaced} of {cuts} cuts were not noticed");
    println!(
        "cuts: {} connections cut while {} events and answers were handled, {} of them between the commit and its \
         answer, in {:.1} s",
        tally.cuts.load(Ordering::Relaxed),
        tally.handled.load(Ordering::Relaxed),
        tally.answers_lost.load(Ordering::Relaxed),
        began.elapsed().as_secs_f64(),
    );
}

async fn tell_with_cuts(url: &str, pool: &PgPool, story: &Story, tally: &Tally) {
    let ids = rows::ids(story);
    let plan = Plan::orderly(story, vec![false; story.steps.len()], Tie::None);
    let lane = Lane::open(url, pool).await;
    let orderly = Run::begin(&lane, story, &plan, next_number())
        .await
        .tell(&ids)
        .await;

    let mut shaky: Url = url.parse().unwrap();
    let cutter = Cutter::start(shaky.port().unwrap()).await;
    shaky.set_port(Some(cutter.port)).unwrap();
    let lane = Lane::open(shaky.as_str(), pool).await;
    let telling = Telling::new(story, &plan, next_number());
    let own_rows = sqlx::AssertSqlSafe(story.rows.replace(TOKEN, &telling.token));
    sqlx::raw_sql(own_rows).execute(pool).await.unwrap();
    let deliveries = lane.keep(telling.events.clone()).await;
    let rows: Vec<Uuid> = deliveries.iter().map(|delivery| delivery.row).collect();
    for (delivery, object) in deliveries.iter().zip(&telling.objects) {
        lane.set_time(delivery.event.occurred_at);
        lane.happened(object);
        cut_everywhere(&Piece::Event(delivery), &lane, &cutter, tally).await;
        loop {
            let questions = lane.questions(&rows).await;
            if questions.is_empty() {
                break;
            }
            for task in questions {
                cut_everywhere(&Piece::Question(&task), &lane, &cutter, tally).await;
            }
        }
    }
    let found = rows::of(pool, &ids, &telling.token).await;
    let differences = rows::differences(&orderly.rows, &found);
    assert!(
        differences.is_empty(),
        "{}:\n{}",
        story.name,
        differences.join("\n")
    );
}

enum Piece<'p> {
    Event(&'p Delivery),
    Question(&'p onlycar::engine::job::Task),
}

impl Piece<'_> {
    async fn attempt(&self, lane: &Lane, attempt: i32, cutter: &Cutter, after: usize) -> Result<(), Failure> {
        match self {
            Self::Event(delivery) => {
                cutter.cut_after(after);
                lane.handle(delivery, attempt).await
            }
            Self::Question(task) => {
                let answer = lane.act(task).await;
                cutter.cut_after(after);
                lane.record(task, answer, attempt).await
            }
        }
    }

    /// The lease is over and another worker claims it; false when it is done.
    async fn claim_again(&self, pool: &PgPool) -> bool {
        let (table, row) = match self {
            Self::Event(delivery) => ("webhooks.events", delivery.row),
            Self::Question(task) => ("engine.jobs", task.id),
        };
        let claim =
            format!("update {table} set attempts = attempts + 1 where id = $1 and state = 'processing'");
        let claim = sqlx::query(sqlx::AssertSqlSafe(claim)).bind(row);
        claim.execute(pool).await.unwrap().rows_affected() > 0
    }
}

/// Cuts after each message in turn, until the work got through.
async fn cut_everywhere(piece: &Piece<'_>, lane: &Lane, cutter: &Cutter, tally: &Tally) {
    tally.handled.fetch_add(1, Ordering::Relaxed);
    for (attempt, after) in (1..).zip(FIRST..) {
        let ended = piece.attempt(lane, attempt, cutter, after).await;
        if !cutter.was_cut().await {
            ended.unwrap();
            return;
        }
        tally.cuts.fetch_add(1, Ordering::Relaxed);
        if ended.is_ok() {
            tally.replaced.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if !piece.claim_again(&lane.pool).await {
            tally.answers_lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
    }
}
