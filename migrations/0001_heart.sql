-- The heart: the inbox, the job table, the audit log, and the business tables that Stripe's events reach.
-- Business tables keep the customer's Spanish names in `public`; machine tables are English, in schemas that
-- Supabase does not expose to the internet. Times are timestamptz, money is numeric, ids are uuid.

create schema webhooks;
create schema engine;
create schema stripe;

-- States are domains, not checks on columns: PostgreSQL reads the text of a check anew at every statement, and a
-- domain's once per connection. Seen from outside they are plain text.
create domain public.estado_servicio as text
    check (value in ('agendado', 'en_proceso', 'completado', 'cancelado'));
create domain public.estado_pago as text
    check (value in ('pendiente', 'pagado', 'fallido', 'cancelado', 'reembolsado', 'parcialmente_reembolsado'));
create domain public.canal_pago as text check (value in ('stripe', 'presencial'));
create domain public.moneda as text check (value ~ '^[A-Z]{3}$');
create domain public.tipo_contrato as text check (value in ('suscripcion', 'servicio_unico'));
create domain public.estado_contrato as text
    check (value in ('pendiente_firma', 'activo', 'moroso', 'inactivo', 'rechazado'));
create domain engine.work_state as text
    check (value in ('pending', 'processing', 'processed', 'ignored', 'parked', 'failed', 'dead'));
create domain engine.trust as text check (value in ('hmac', 'refetch', 'reconcile'));

-- Business ------------------------------------------------------------------------------------------------------

create table public.clientes (
    id                 uuid primary key default gen_random_uuid(),
    auth_user_id       uuid unique,
    nombre             text not null,
    email              text,
    telefono           text,
    stripe_customer_id text unique,
    creado_en          timestamptz not null default now()
);

create table public.servicios (
    id                       uuid primary key default gen_random_uuid(),
    cliente_id               uuid references public.clientes (id), -- none: whoever came to the counter
    operador_id              uuid,
    descripcion              text not null,
    estado                   public.estado_servicio not null default 'agendado',
    agendado_para            timestamptz,
    monto                    numeric(14, 2) not null,
    moneda                   public.moneda not null default 'MXN',
    estado_pago              public.estado_pago not null default 'pendiente',
    metodo_pago              text,
    canal_pago               public.canal_pago,
    stripe_payment_intent_id text unique,
    pagado_en                timestamptz,
    monto_pagado             numeric(14, 2),
    ultimo_error_pago        text,
    requiere_factura         boolean not null default false,
    estado_factura           text
);
create index servicios_cliente on public.servicios (cliente_id);
create index servicios_operador on public.servicios (operador_id, agendado_para);

create table public.contratos_b2b (
    id                     uuid primary key default gen_random_uuid(),
    cliente_id             uuid not null references public.clientes (id),
    tipo                   public.tipo_contrato not null,
    estado                 public.estado_contrato not null default 'pendiente_firma',
    stripe_subscription_id text unique,
    servicios_incluidos    integer not null default 0,
    servicios_disponibles  integer not null default 0,
    ultimo_pago_en         timestamptz,
    ultimo_pago_monto      numeric(14, 2),
    ultima_factura_stripe  text,
    proximo_cobro_en       timestamptz,
    cancelado_en           timestamptz
);
create index contratos_b2b_cliente on public.contratos_b2b (cliente_id);

-- Audit ---------------------------------------------------------------------------------------------------------
-- Rows are written in the commit of what they tell; the hash chain (hash over the row and hash_anterior, in the
-- order of id) is sealed seconds later. evento_id and trabajo_id name the cause, so that an event tells its story.

create table public.logs_auditoria (
    id            bigint generated always as identity primary key,
    ocurrido_en   timestamptz not null,
    actor         text not null,
    accion        text not null,
    recurso_tipo  text not null,
    recurso_id    text not null,
    detalle       jsonb not null default '{}',
    ip            inet,
    evento_id     uuid,
    trabajo_id    uuid,
    hash_anterior text,
    hash          text
);
create index logs_auditoria_recurso on public.logs_auditoria (recurso_tipo, recurso_id);
create index logs_auditoria_evento on public.logs_auditoria (evento_id) where evento_id is not null;

-- The end of the sealed chain: proves that no row was cut off at its end.
create table engine.audit_head (
    only_row boolean primary key default true check (only_row),
    last_id  bigint not null,
    last_hash text not null
);
insert into engine.audit_head (last_id, last_hash) values (0, repeat('0', 64));

-- The inbox: the row is the job -----------------------------------------------------------------------------------
-- run_at: when the row may be claimed; while it is claimed, when the claim ends.
-- attempts: counted at claim; whoever writes must still hold that number (the fencing token).

create table webhooks.events (
    id             uuid primary key,
    provider       text not null,
    event_id       text not null,
    event_type     text not null,
    api_version    text,
    occurred_at    timestamptz,
    received_at    timestamptz not null,
    trust          engine.trust not null,
    state          engine.work_state not null,
    attempts       integer not null default 0,
    run_at         timestamptz not null,
    last_error     text,
    processed_at   timestamptz,
    payload        bytea,
    payload_sha256 bytea not null,
    unique (provider, event_id)
);
create index events_ready on webhooks.events (run_at) where state in ('pending', 'processing', 'failed');
-- No index on received_at: ids are made of the time, so the primary key is in that order.
-- A queue's table is updated twice per row: vacuum it early, and keep the payload out of what is rewritten.
alter table webhooks.events alter column payload set storage external;
alter table webhooks.events set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- Attempts that failed, for the story of an event or job; the one that succeeded is in its own row.
create table engine.failures (
    id         bigint generated always as identity primary key,
    row_id     uuid not null,
    attempt    integer not null,
    failed_at  timestamptz not null,
    error      text not null
);
create index failures_row on engine.failures (row_id);

-- Follow-up and scheduled jobs: the same columns and the same claim. tick makes a scheduled one unique.
create table engine.jobs (
    id           uuid primary key,
    kind         text not null,
    payload      jsonb not null,
    cause        uuid,
    tick         timestamptz,
    created_at   timestamptz not null,
    state        engine.work_state not null default 'pending',
    attempts     integer not null default 0,
    run_at       timestamptz not null,
    last_error   text,
    processed_at timestamptz,
    unique (kind, tick)
);
create index jobs_ready on engine.jobs (run_at) where state in ('pending', 'processing', 'failed');
create index jobs_cause on engine.jobs (cause) where cause is not null;
alter table engine.jobs set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- One incident per cause: raised again it only counts; told to the team once.
create table engine.alerts (
    id              uuid primary key,
    cause           text not null,
    title           text not null,
    detail          text not null,
    opened_at       timestamptz not null,
    last_seen_at    timestamptz not null,
    times           integer not null default 1,
    acknowledged_at timestamptz,
    resolved_at     timestamptz
);
create unique index alerts_open on engine.alerts (cause) where resolved_at is null;

-- Stripe: one row per object --------------------------------------------------------------------------------------
-- rank: how far the object has come; occurred_at: when the event happened that wrote the row. A write goes through
-- only if it moves the object forward, so that repeated and late events change nothing.

create table stripe.payments (
    id              text primary key,
    servicio_id     uuid, -- of servicios; looked up when written, not checked again by a foreign key
    customer_id     text,
    status          text not null,
    rank            smallint not null,
    amount          numeric(14, 2) not null,
    amount_received numeric(14, 2) not null,
    currency        text not null,
    charge_id       text,
    invoice_id      text,
    paid_at         timestamptz,
    failure_code    text,
    failure_message text,
    livemode        boolean,
    occurred_at     timestamptz not null,
    updated_at      timestamptz not null
);
create index payments_servicio on stripe.payments (servicio_id);

create table stripe.subscriptions (
    id          text primary key,
    customer_id text,
    status      text not null,
    rank        smallint not null,
    canceled_at timestamptz,
    ended_at    timestamptz,
    occurred_at timestamptz not null,
    updated_at  timestamptz not null
);

create table stripe.invoices (
    id              text primary key,
    subscription_id text,
    customer_id     text,
    status          text not null,
    rank            smallint not null,
    billing_reason  text,
    amount_paid     numeric(14, 2) not null,
    currency        text not null,
    paid_at         timestamptz,
    occurred_at     timestamptz not null,
    updated_at      timestamptz not null
);
create index invoices_subscription on stripe.invoices (subscription_id);

-- Supabase exposes `public` to the internet: row level security everywhere, no policy, nothing granted.
alter table public.clientes enable row level security;
alter table public.servicios enable row level security;
alter table public.contratos_b2b enable row level security;
alter table public.logs_auditoria enable row level security;
alter table if exists public._sqlx_migrations enable row level security;
do $$
declare
    exposed text;
begin
    foreach exposed in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = exposed) then
            execute format('revoke all on all tables in schema public, webhooks, engine, stripe from %I', exposed);
            execute format('revoke all on all sequences in schema public, webhooks, engine, stripe from %I', exposed);
            execute format('revoke all on schema webhooks, engine, stripe from %I', exposed);
        end if;
    end loop;
end
$$;
