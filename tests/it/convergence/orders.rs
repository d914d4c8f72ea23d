//! In which ways a story is told: every order of its events, every subset of them twice, ties, and both shapes.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::run::{Arrival, Asking, Plan, Tie};
use super::story::Story;

/// Up to so many events, every order is tried; of more, as many as chosen.
const ALL_ORDERS_OF: usize = 4;
/// Up to so many events, every subset comes twice.
const ALL_SUBSETS_OF: usize = 5;
const SAMPLE: usize = 60;

/// The plans for a story. The same seed gives the same plans.
pub fn plans(story: &Story, seed: u64) -> Vec<Plan> {
    let mut chance = StdRng::seed_from_u64(seed);
    let steps = story.steps.len();
    let mut plans: Vec<Plan> = Vec::new();
    for order in orders(steps, &mut chance) {
        plans.push(plan(steps, order, Tie::None, &mut chance));
    }
    for order in repeated(steps, &mut chance) {
        plans.push(plan(steps, order, Tie::None, &mut chance));
    }
    let ties = (0..steps - 1).map(Tie::Pair).chain([Tie::All; 4]);
    for tie in ties {
        for _ in 0..6 {
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
        arrival: [Arrival::Live, Arrival::Near, Arrival::Late][chance.random_range(0..3)],
        asking: [Asking::Promptly, Asking::Slowly, Asking::Last][chance.random_range(0..3)],
    }
}

fn orders(steps: usize, chance: &mut StdRng) -> Vec<Vec<usize>> {
    if steps > ALL_ORDERS_OF {
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
        (0..SAMPLE / 3)
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
