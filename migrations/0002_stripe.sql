-- All of Stripe: one row per object, for every object that its events carry.
--
-- The version of a row, in every table of this schema: `rank` says how far the object has come, `as_of` when it looked
-- like this (the event's time, or ours when we asked), `asked` whether Stripe itself answered so, `digest` is over the
-- columns that are a snapshot. Together they decide whether what is told later is newer (src/payments/order.rs).
-- Columns that are learnt from elsewhere (links to other objects, when it was paid) are never forgotten.

alter table stripe.payments rename column occurred_at to as_of;
alter table stripe.payments
    add column asked               boolean not null default false,
    add column digest              text not null default '',
    add column created_at          timestamptz,
    add column payment_method_id   text,
    add column payment_method_type text,
    add column instructions        text,        -- how it can be paid now: oxxo or spei
    add column instructions_url    text,        -- the page with the voucher or the account to transfer to
    add column instructions_expire timestamptz,
    add column amount_remaining    numeric(14, 2), -- of a transfer that came in parts
    add column canceled_at         timestamptz,
    add column cancellation_reason text,
    add column metadata_servicio_id uuid; -- as its metadata names it; servicio_id is what it turned out to be for
update stripe.payments set metadata_servicio_id = servicio_id;
create index payments_invoice on stripe.payments (invoice_id) where invoice_id is not null;

-- Of what was paid, how much was given back: each further part needs a credit note of its own.
alter table public.servicios add column monto_reembolsado numeric(14, 2);

create table stripe.charges (
    id                  text primary key,
    payment_intent_id   text,
    servicio_id         uuid, -- as its metadata names it
    customer_id         text,
    status              text not null,
    amount              numeric(14, 2) not null,
    amount_captured     numeric(14, 2),
    amount_refunded     numeric(14, 2) not null,
    currency            text not null,
    captured            boolean,
    refunded            boolean,
    disputed            boolean,
    failure_code        text,
    failure_message     text,
    payment_method_id   text,
    payment_method_type text,
    card_brand          text,
    card_last4          text,
    receipt_url         text,
    balance_transaction_id text,
    livemode            boolean,
    created_at          timestamptz,
    rank                smallint not null,
    as_of               timestamptz not null,
    asked               boolean not null,
    digest              text not null,
    updated_at          timestamptz not null
);
create index charges_payment on stripe.charges (payment_intent_id);

create table stripe.refunds (
    id                text primary key,
    payment_intent_id text,
    charge_id         text,
    status            text not null,
    amount            numeric(14, 2) not null,
    currency          text not null,
    reason            text,
    failure_reason    text,
    created_at        timestamptz,
    rank              smallint not null,
    as_of             timestamptz not null,
    asked             boolean not null,
    digest            text not null,
    updated_at        timestamptz not null
);
create index refunds_payment on stripe.refunds (payment_intent_id);
create index refunds_charge on stripe.refunds (charge_id);

create table stripe.disputes (
    id                text primary key,
    charge_id         text,
    payment_intent_id text,
    status            text not null,
    amount            numeric(14, 2) not null,
    currency          text not null,
    reason            text,
    evidence_due_by   timestamptz,
    created_at        timestamptz,
    rank              smallint not null,
    as_of             timestamptz not null,
    asked             boolean not null,
    digest            text not null,
    updated_at        timestamptz not null
);
create index disputes_payment on stripe.disputes (payment_intent_id);

create table stripe.customers (
    id                        text primary key,
    email                     text, -- to find the client; the name and address stay at Stripe
    cliente_id                uuid, -- as its metadata names it
    default_payment_method_id text,
    delinquent                boolean,
    deleted                   boolean not null,
    livemode                  boolean,
    created_at                timestamptz,
    rank                      smallint not null,
    as_of                     timestamptz not null,
    asked                     boolean not null,
    digest                    text not null,
    updated_at                timestamptz not null
);

create index customers_email on stripe.customers (lower(email));
create index clientes_email on public.clientes (lower(email));

create table stripe.payment_methods (
    id          text primary key,
    customer_id text, -- none: detached
    attached    boolean not null,
    type        text not null,
    card_brand  text,
    card_last4  text,
    exp_month   smallint,
    exp_year    smallint,
    created_at  timestamptz,
    rank        smallint not null,
    as_of       timestamptz not null,
    asked       boolean not null,
    digest      text not null,
    updated_at  timestamptz not null
);
create index payment_methods_customer on stripe.payment_methods (customer_id);

alter table stripe.subscriptions rename column occurred_at to as_of;
alter table stripe.subscriptions
    add column asked                     boolean not null default false,
    add column digest                    text not null default '',
    add column contrato_id               uuid, -- as its metadata names it
    add column current_period_start      timestamptz,
    add column current_period_end        timestamptz,
    add column cancel_at                 timestamptz,
    add column cancel_at_period_end      boolean,
    add column cancellation_reason       text,
    add column trial_start               timestamptz,
    add column trial_end                 timestamptz,
    add column price_id                  text,
    add column quantity                  bigint,
    add column latest_invoice_id         text,
    add column default_payment_method_id text,
    add column livemode                  boolean,
    add column created_at                timestamptz;
create index subscriptions_customer on stripe.subscriptions (customer_id);

alter table stripe.invoices rename column occurred_at to as_of;
alter table stripe.invoices
    add column asked                boolean not null default false,
    add column digest               text not null default '',
    add column contrato_id          uuid, -- as the subscription's metadata named it when the invoice was made
    add column number               text,
    add column amount_due           numeric(14, 2),
    add column amount_remaining     numeric(14, 2),
    add column attempt_count        bigint,
    add column next_payment_attempt timestamptz,
    add column period_end           timestamptz, -- of its lines: the day of the next charge
    add column due_at               timestamptz,
    add column finalized_at         timestamptz,
    add column hosted_invoice_url   text,
    add column failure_code         text,        -- of its finalisation
    add column payment_intent_id    text,
    add column charge_id            text,
    add column livemode             boolean,
    add column created_at           timestamptz;
create index invoices_payment on stripe.invoices (payment_intent_id) where payment_intent_id is not null;

create table stripe.invoice_payments (
    id                text primary key,
    invoice_id        text,
    payment_intent_id text,
    charge_id         text,
    status            text not null,
    amount_paid       numeric(14, 2),
    currency          text,
    is_default        boolean,
    created_at        timestamptz,
    rank              smallint not null,
    as_of             timestamptz not null,
    asked             boolean not null,
    digest            text not null,
    updated_at        timestamptz not null
);
create index invoice_payments_payment on stripe.invoice_payments (payment_intent_id);
create index invoice_payments_invoice on stripe.invoice_payments (invoice_id);

create table stripe.checkout_sessions (
    id                  text primary key,
    payment_intent_id   text,
    subscription_id     text,
    servicio_id         uuid, -- as its metadata names it
    contrato_id         uuid, -- as its metadata names it
    customer_id         text,
    mode                text,
    status              text not null,
    payment_status      text,
    amount_total        numeric(14, 2),
    currency            text,
    client_reference_id text, -- the buyer can write it: a hint for people, never acted on
    payment_link_id     text,
    livemode            boolean,
    created_at          timestamptz,
    rank                smallint not null,
    as_of               timestamptz not null,
    asked               boolean not null,
    digest              text not null,
    updated_at          timestamptz not null
);
create index checkout_sessions_payment on stripe.checkout_sessions (payment_intent_id);
create index checkout_sessions_subscription on stripe.checkout_sessions (subscription_id);

do $$
declare
    exposed text;
begin
    foreach exposed in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = exposed) then
            execute format('revoke all on all tables in schema stripe from %I', exposed);
        end if;
    end loop;
end
$$;
