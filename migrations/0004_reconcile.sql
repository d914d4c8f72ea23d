-- Each time a provider was asked what we may have missed: since when, how much it listed, and what was found.

create table engine.reconciliations (
    id         uuid primary key,
    provider   text not null,
    since      timestamptz not null,
    ran_at     timestamptz not null,
    listed     bigint not null,
    missing    bigint not null,
    stale      bigint not null,
    mismatched bigint not null
);
create index reconciliations_latest on engine.reconciliations (provider, ran_at);
