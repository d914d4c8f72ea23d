-- How things go, hour by hour, and who saw to an incident. Nothing here is the truth about anything: the events are.

-- Attempts of a provider's events that failed with no success between; a success sets it to zero in the commit of its mark.
create table engine.webhook_failures (
    provider text primary key,
    in_row   integer not null default 0,
    since    timestamptz not null, -- the first of them
    last_at  timestamptz not null
);

-- Who saw to an incident, and what they noted. The kind is the cause without what it is about; a drill's is the one it drills.
alter table engine.alerts
    add column acknowledged_by text,
    add column note text,
    add column kind text not null generated always as (
        case when cause like 'simulacro:%' then split_part(cause, ':', 2) else split_part(cause, ':', 1) end) stored;
create index alerts_resolved on engine.alerts (resolved_at, id) where resolved_at is not null;

create schema monitoring;

-- Webhooks that a provider brought in a closed hour. An hour without any has no row.
create table monitoring.traffic (
    provider   text not null,
    hour       timestamptz not null,
    received   bigint not null,
    failed     bigint not null,  -- of them, those with a failed attempt when the hour was closed
    lag_p50_ms bigint,           -- from when it happened there to when it came
    lag_p95_ms bigint,
    primary key (provider, hour)
);
create index traffic_hour on monitoring.traffic (hour);

-- From which hour to which (the latter not included) traffic is counted.
create table monitoring.counted (
    only_row boolean primary key default true check (only_row),
    since    timestamptz not null,
    up_to    timestamptz not null
);

-- Webhooks that were refused for what should prove who sent them.
create table monitoring.refusals (
    provider text not null,
    hour     timestamptz not null,
    refused  bigint not null,
    primary key (provider, hour)
);

-- Those of a provider with no good one since the first of them.
create table monitoring.doors (
    provider        text primary key,
    refused_in_row  bigint not null default 0,
    refused_since   timestamptz,
    last_refused_at timestamptz,
    last_good_at    timestamptz
);

-- The probes of a service, hour by hour.
create table monitoring.availability (
    service  text not null,
    hour     timestamptz not null,
    probes   integer not null,
    failed   integer not null,
    total_ms bigint not null,
    max_ms   bigint not null,
    primary key (service, hour)
);
create index availability_hour on monitoring.availability (hour);

-- What the last probe of a service said.
create table monitoring.services (
    service       text primary key,
    probed_at     timestamptz not null,
    answered_at   timestamptz,      -- the last good one
    took_ms       bigint not null,
    failed_in_row integer not null default 0,
    failing_since timestamptz,
    last_error    text              -- in Spanish for the team; no address, no secret
);

-- When a service did not answer three probes in a row, from the first of them to the next good one.
create table monitoring.outages (
    id       uuid primary key,
    service  text not null,
    began_at timestamptz not null,
    ended_at timestamptz,
    reason   text not null
);
create unique index outages_open on monitoring.outages (service) where ended_at is null;
create index outages_latest on monitoring.outages (began_at);

do $$
declare
    exposed text;
begin
    foreach exposed in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = exposed) then
            execute format('revoke all on all tables in schema monitoring from %I', exposed);
            execute format('revoke all on schema monitoring from %I', exposed);
        end if;
    end loop;
end
$$;

select engine.protect('engine.webhook_failures');
select engine.protect('monitoring.traffic');
select engine.protect('monitoring.counted');
select engine.protect('monitoring.refusals');
select engine.protect('monitoring.doors');
select engine.protect('monitoring.availability');
select engine.protect('monitoring.services');
select engine.protect('monitoring.outages');
