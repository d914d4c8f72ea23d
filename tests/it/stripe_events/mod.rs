//! Every event of Stripe that has an effect here, from its bytes on the wire to its rows, alerts and mail: each in
//! today's shape and in that of before 2025-03-31.basil, and both with the same outcome.

mod charges;
mod checkout;
mod coverage;
mod customers;
mod disputes;
mod envelopes;
mod invoices;
mod mutated;
mod odd;
mod payment_methods;
mod payments;
mod refunds;
mod scene;
mod subscriptions;
mod unusual;
mod vouchers;

pub use scene::in_both_shapes;

/// The cases of a family: a test of its own for each event.
macro_rules! cases {
    ($($kind:literal => $check:ident),+ $(,)?) => {
        /// The events that have a case here.
        pub const CASES: &[&str] = &[$($kind),+];

        mod on_the_wire {
            $(
                #[tokio::test]
                async fn $check() {
                    super::super::in_both_shapes(async |scene| {
                        super::$check(scene).await;
                        scene.was_sent($kind).await;
                    })
                    .await;
                }
            )+
        }
    };
}
use cases;
