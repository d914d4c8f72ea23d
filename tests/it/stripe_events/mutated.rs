//! A property of every event: whatever is changed in it, it is taken and comes to an end.

use onlycar::payments::handled;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::scene::Scene;

/// How many mutants of each event, and how many changes in each at most.
const MUTANTS: u32 = 12;
const CHANGES: usize = 6;

/// One change: the way to a field from the event's `data`, and what is put there; nothing takes it out.
#[derive(Clone, Debug)]
struct Change {
    way: Vec<Index>,
    put: Option<Value>,
}

fn change() -> impl Strategy<Value = Change> {
    let way = prop::collection::vec(any::<Index>(), 2..7);
    (way, prop::option::weighted(0.75, anything())).prop_map(|(way, put)| Change { way, put })
}

/// Any JSON, with a leaning to what comes close to being right.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-5_i64..200_000).prop_map(Value::from),
        (0_i64..4_000_000_000).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        "[a-z_]{1,12}\0?".prop_map(Value::from),
        prop::sample::select(vec![
            "succeeded",
            "failed",
            "canceled",
            "paid",
            "open",
            "void",
            "requires_action",
            "trialing",
            "past_due",
            "lost",
            "won",
            "mxn",
            "jpy",
            "oxxo_display_details",
            "display_bank_transfer_instructions",
        ])
        .prop_map(Value::from),
        "(pi|ch|re|in|sub|cus)_[a-zA-Z0-9]{1,30}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("(id|object|data|type|code|end|[a-z]{1,5})", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Goes the way as far as it leads and makes the change there.
fn mutate(value: &mut Value, change: &Change) {
    let Some((step, rest)) = change.way.split_first() else {
        return;
    };
    let rest = Change {
        way: rest.to_vec(),
        put: change.put.clone(),
    };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let name = fields.keys().nth(step.index(fields.len())).unwrap().clone();
            let child = fields.get_mut(&name).unwrap();
            if !rest.way.is_empty() && (child.is_object() || child.is_array()) {
                return mutate(child, &rest);
            }
            match rest.put {
                Some(put) => *child = put,
                None => drop(fields.remove(&name)),
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let at = step.index(items.len());
            if !rest.way.is_empty() && (items[at].is_object() || items[at].is_array()) {
                return mutate(&mut items[at], &rest);
            }
            match rest.put {
                Some(put) => items[at] = put,
                None => drop(items.remove(at)),
            }
        }
        _ => {}
    }
}

#[test]
fn whatever_is_changed_in_an_event_it_comes_to_an_end() {
    let runtime = Runtime::new().unwrap();
    for old in [false, true] {
        let scene = runtime.block_on(Scene::start(old));
        let number = std::cell::Cell::new(0);
        for kind in handled() {
            let config = Config {
                cases: MUTANTS,
                failure_persistence: None,
                ..Config::default()
            };
            let changes = prop::collection::vec(change(), 1..=CHANGES);
            let outcome = TestRunner::new(config).run(&changes, |changes| {
                let mut event = scene.event(kind);
                number.set(number.get() + 1);
                event["id"] = json!(format!("evt_mutant_{}", number.get()));
                for change in &changes {
                    mutate(&mut event["data"], change);
                }
                let (state, reason) = runtime.block_on(async {
                    scene.app.handle(&event).await;
                    scene.app.state(&event).await
                });
                let ended = matches!(state.as_str(), "processed" | "parked" | "ignored");
                prop_assert!(ended, "{state}: {reason:?}\n{event:#}");
                Ok(())
            });
            if let Err(error) = outcome {
                panic!("{kind}: {error}");
            }
        }
        println!("{} mutants, old shape: {old}", number.get());
        runtime.block_on(scene.app.finish());
    }
}
