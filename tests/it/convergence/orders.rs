//! In which ways a story is told: every order of its events, every subset of them twice, ties, and both shapes.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::run::{Arrival, Asking, Plan, Tie};
use super::story::Story;

/// Of stories with more events than that, as many orders are tried as chosen here.
const SAMPLE: usize = 40;
/// Up to so many events, every subset comes twice.
const ALL_SUBSETS_OF: usize = 4;

/// The plans for a story; every order of up to `all_orders_of` events. The same seed gives the same plans.
pub fn plans(story: &Story, all_orders_of: usize, seed: u64) -> Vec<Plan> {
    let mut chance = StdRng::seed_from_u64(seed);
    let steps = story.steps.len();
    let mut plans: Vec<Plan> = Vec::new();
    let all = orders(steps, all_orders_of, &mut chance);
    for order in all.into_iter().chain(repeated(steps, &mut chance)) {
        let mut plan = plan(steps, order, Tie::None, &mut chance);
        plan.untimed = untimed(story, &mut chance);
        plans.push(plan);
    }
    for tie in (0..steps - 1).map(Tie::Pair).chain([Tie::All; 4]) {
        for _ in 0..4 {
            let order = shuffled(steps, &mut chance);
            plans.push(plan(steps, order, tie, &mut chance));
        }
    }
    plans
}

fn plan(steps: usize, order: Vec<usize>, tie: Tie, chance: &mut StdRng) -> Plan {
    // Half of the runs hold one shape, as an endpoint does; the others mix them.
    let old = match chance.random_range(0..4) {
        0 => (0..steps).map(|_| chance.random_bool(0.5)).collect(),
        1 => vec![true; steps],
        _ => vec![false; steps],
    };
    Plan {
        order,
        old,
        tie,
        untimed: None,
        arrival: [Arrival::Live, Arrival::Near, Arrival::Late][chance.random_range(0..3)],
        asking: [Asking::Promptly, Asking::Slowly, Asking::Last][chance.random_range(0..3)],
    }
}

/// In one of eight runs an event does not tell when it happened; not one whose time nothing else tells: when a payment
/// was made, or when a subscription ended that does not say so itself. That is when it came, and no order can know it.
fn untimed(story: &Story, chance: &mut StdRng) -> Option<usize> {
    let number = chance.random_range(0..story.steps.len() * 8);
    let step = story.steps.get(number)?;
    let object = &step.new["data"]["object"];
    let ended = object["status"] == "incomplete_expired" && object["ended_at"].is_null();
    (step.kind() != "payment_intent.succeeded" && !ended).then_some(number)
}

fn orders(steps: usize, all_orders_of: usize, chance: &mut StdRng) -> Vec<Vec<usize>> {
    if steps > all_orders_of {
        return (0..SAMPLE).map(|_| shuffled(steps, chance)).collect();
    }
    let mut orders = vec![Vec::new()];
    for _ in 0..steps {
        let longer = |order: &Vec<usize>| {
            let left: Vec<usize> = (0..steps).filter(|step| !order.contains(step)).collect();
            let order = order.clone();
            left.into_iter()
                .map(move |step| [order.clone(), vec![step]].concat())
                .collect::<Vec<_>>()
        };
        orders = orders.iter().flat_map(longer).collect();
    }
    orders
}

/// Each subset of the steps comes twice, anywhere.
fn repeated(steps: usize, chance: &mut StdRng) -> Vec<Vec<usize>> {
    let subsets: Vec<usize> = if steps > ALL_SUBSETS_OF {
        (0..SAMPLE / 2)
            .map(|_| chance.random_range(1..1 << steps))
            .collect()
    } else {
        (1..1 << steps).collect()
    };
    let again = |subset: usize| (0..steps).filter(move |step| subset & (1 << step) != 0);
    let both = |subset: usize| (0..steps).chain(again(subset)).collect::<Vec<usize>>();
    let mut orders: Vec<Vec<usize>> = subsets.into_iter().map(both).collect();
    for order in &mut orders {
        order.shuffle(chance);
    }
    orders
}

fn shuffled(steps: usize, chance: &mut StdRng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..steps).collect();
    order.shuffle(chance);
    order
}
