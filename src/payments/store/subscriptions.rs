//! Where a subscription stands, derived from Stripe's rows about it and its invoices.

use crate::engine::Failure;
use crate::engine::work::Work;
use crate::ground::facts::{PeriodPayment, SubscriptionStanding};
use crate::ground::values::ContractId;

/// Holds the subscription until the commit, also one that is not known yet, as [`super::payments::hold`] does: what
/// stands on it is derived by one transaction after the other.
pub async fn hold(work: &mut Work, subscription: &str) -> Result<(), Failure> {
    loop {
        let held = sqlx::query_scalar!(
            "select id from stripe.subscriptions where id = $1 for update",
            subscription
        );
        if held.fetch_optional(work.connection()).await?.is_some() {
            return Ok(());
        }
        let place = sqlx::query!(
            "insert into stripe.subscriptions (id, status, rank, as_of, updated_at)
             values ($1, '', 0, 'epoch', 'epoch') on conflict (id) do nothing",
            subscription,
        );
        if place.execute(work.connection()).await?.rows_affected() > 0 {
            let leave = sqlx::query!("delete from stripe.subscriptions where id = $1", subscription);
            leave.execute(work.connection()).await?;
            return Ok(());
        }
    }
}

/// Derives it. The payment is the last one that was of any amount: a trial has none; the period is that of the last paid
/// invoice that began one: a change in
/// the middle of a period is billed too, but gives no new services.
pub async fn standing(work: &mut Work, subscription: &str) -> Result<SubscriptionStanding, Failure> {
    let row = sqlx::query!(
        r#"with paid as (
             select id, amount_paid, currency, paid_at, period_end,
                    billing_reason is null or billing_reason not in
                        ('subscription_update', 'subscription_threshold', 'manual', 'automatic_pending_invoice_item_invoice')
                        as begins
             from stripe.invoices where subscription_id = $1 and status = 'paid'),
         last as (select * from paid where amount_paid > 0 order by paid_at desc, id desc limit 1),
         period as (select * from paid where begins order by period_end desc nulls last, paid_at desc, id desc limit 1)
         select
             coalesce(
                 sub.contrato_id,
                 (select contrato_id from stripe.invoices where subscription_id = $1 and contrato_id is not null
                  order by created_at desc nulls last, id desc limit 1),
                 (select contrato_id from stripe.checkout_sessions where subscription_id = $1 and contrato_id is not null
                  order by id limit 1)) as contract,
             case when sub.status in ('canceled', 'incomplete_expired')
                  then coalesce(sub.ended_at, sub.canceled_at, sub.as_of) end as ended_at,
             coalesce(sub.status in ('past_due', 'unpaid'), false)
                 or exists (select from stripe.invoices where subscription_id = $1 and status in ('open', 'uncollectible')
                            and attempt_count > 0 and amount_remaining is distinct from 0) as "behind!",
             greatest(sub.current_period_end, period.period_end) as next_charge_at,
             coalesce(sub.status in ('canceled', 'incomplete_expired') or sub.cancel_at_period_end
                      or sub.cancel_at <= sub.current_period_end, false) as "charged_out!",
             last.id as "invoice?", last.amount_paid as "amount?", last.currency as "currency?", last.paid_at as "paid_at?",
             period.id as "period?"
         from (select $1::text as id) as asked
         left join stripe.subscriptions as sub on sub.id = asked.id
         left join last on true left join period on true"#,
        subscription,
    )
    .fetch_one(work.connection())
    .await?;
    let payment = row.invoice.zip(row.amount).zip(row.paid_at);
    Ok(SubscriptionStanding {
        subscription: subscription.to_owned(),
        contract: row.contract.map(ContractId),
        ended_at: row.ended_at,
        behind: row.behind,
        next_charge_at: row.next_charge_at,
        charged_out: row.charged_out,
        last_payment: payment.map(|((invoice, amount), paid_at)| PeriodPayment {
            invoice,
            amount,
            currency: row.currency.unwrap_or_default(),
            paid_at,
        }),
        period: row.period,
    })
}
