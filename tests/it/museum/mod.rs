//! The museum: failures of other receivers of webhooks, as their users told them, each with a test that it is none here.
//! A test's name begins with where the failure was reported; its comment says what went wrong there.
//!
//! | room | exhibits |
//! |---|---|
//! | `lost.rs` | dj-stripe#832, Lago's failed webhooks, Convoy's dead letters, lago-api#2825, lago-api#846 (#1231), outpost#611, hyperswitch#3408, Pay's deleted rows, svix#1844 (open-wearables#1188), sync-engine#111 (open-saas#198) |
//! | `twice.rs` | dj-stripe#1239 (#409, #429), laravel-stripe-webhooks#86, pay#371, cashier-stripe#1593 (#1678, #1300, #1307), hookflare's headers, Convoy's order of checks |
//! | `order.rs` | sync-engine#268 (posthog#98651), cashier-stripe#1759 (cashier-paddle#310), polar#13050 (#13048), stripe-cli#418 |
//! | `drift.rs` | cashier-stripe#1751 (#1812), dj-stripe#2108, dj-stripe#116, sync-engine#97 (nextjs-subscription-payments#356) |
//! | `missed.rs` | sync-engine#111 (subscribie#1386), sync-engine's cursor, adcp#3211, woocommerce-gateway-stripe#1289 (WeVoteServer#969), nextjs-subscription-payments#356, dj-stripe#1071 (webhookx#354) |
//! | `alarms.rs` | woocommerce-gateway-stripe#4150, gitpod#15202 with outpost#403, outpost#571, dj-stripe#2127 (sync-engine#98, #137), documenso#2313, outpost#596 |

mod alarms;
mod drift;
mod lost;
mod missed;
mod order;
mod twice;

use chrono::TimeDelta;
use sqlx::Executor;

use crate::support::TestApp;

/// Something wrong with the database that makes the handler of every payment that succeeded fail.
struct Flaw;

impl Flaw {
    const NAME: &str = "flaw_of_a_test";

    async fn put_in(app: &TestApp) -> Self {
        let flaw = "alter table servicios add constraint flaw_of_a_test check (estado_pago <> 'pagado')";
        app.pool.execute(flaw).await.unwrap();
        Self
    }

    async fn mend(self, app: &TestApp) {
        let mend = "alter table servicios drop constraint flaw_of_a_test";
        app.pool.execute(mend).await.unwrap();
    }
}

/// So much later that what failed is due again, and done or failed once more.
async fn later(app: &TestApp) {
    app.advance(TimeDelta::hours(7));
    app.drain().await;
}
