//! Whatever the order in which Stripe's events come, and however often: in the end the rows are the same.

mod cuts;
mod cutter;
mod lane;
mod orders;
mod proof;
pub mod rows;
mod run;
mod stories;
mod story;

use proof::prove;
use stories::{billing, money_back, payments, people};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_family_converges() {
    let stories = vec![
        payments::payment_paid(),
        payments::payment_canceled(),
        payments::charge_alone(),
        payments::session_expired(),
        money_back::refund_alone(),
        money_back::dispute_won(),
        people::customer(),
        people::customer_deleted(),
        people::card_kept(),
        billing::subscription_with_trial(),
        billing::subscription_canceled(),
        billing::subscription_paused(),
        billing::invoice_alone(),
        billing::invoice_written_off(),
        billing::invoice_voided(),
        billing::invoice_payment_alone(),
    ];
    prove("every family", stories).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whole_stories_converge() {
    let stories = vec![
        payments::card_after_a_decline(),
        payments::oxxo_paid(),
        payments::oxxo_not_paid(),
        payments::spei_in_parts(),
        payments::known_by_its_charge(),
        payments::known_by_its_session(),
        payments::charge_and_session_disagree(),
        payments::two_payments_for_one_service(),
        payments::paid_twice_and_given_back(),
        payments::metadata_that_changes(),
        payments::metadata_that_goes(),
        payments::paid_in_dollars(),
        money_back::refund_in_parts(),
        money_back::refund_that_fails(),
        money_back::refund_that_fails_silently(),
        money_back::refund_made_again(),
        money_back::refund_of_a_charge(),
        money_back::dispute_lost(),
        people::two_customers_of_one_client(),
        people::one_of_two_customers_deleted(),
        people::customer_named_later(),
        people::customer_with_another_address(),
        billing::subscription_never_paid(),
        billing::invoice_and_its_payment(),
        billing::first_month(),
        billing::renewal_and_end(),
        billing::two_months(),
        billing::contract_known_by_its_invoice(),
    ];
    prove("whole stories", stories).await;
}
