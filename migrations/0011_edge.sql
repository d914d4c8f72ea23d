-- What Cloudflare is told (D1, Workers KV). Nothing here is the truth about anything: it says what has to be told still.

create schema edge;

-- One row per document, however often it changes. It waits to be told while version > mirrored. The version never goes
-- back, not even when the database is put back from a backup: it is the time in microseconds, and one more than before.
create table edge.marks (
    resource  text not null,
    id        uuid not null,
    version   bigint not null,
    mirrored  bigint not null default 0,
    marked_at timestamptz not null, -- since when it waits
    primary key (resource, id)
);
create index marks_waiting on edge.marks (marked_at) where version > mirrored;

-- One row per store that is told: who is at it, when it may be asked again, since when it is watched.
create table edge.stores (
    store      text primary key,
    target     text,                      -- the database or namespace that holds what is marked as told
    busy_until timestamptz not null,      -- one flush at a time, of all replicas
    retry_at   timestamptz not null,
    failures   integer not null default 0, -- in a row
    last_error text,
    since      timestamptz not null,      -- what waited before was nobody's concern: the store was not configured
    seen_at    timestamptz not null
);

-- Sessions of the panel that KV has to be told of, or of their end; each goes when it is over.
create table edge.sessions (
    digest  text primary key,
    ends_at timestamptz not null,
    ended   boolean not null default false, -- before its time
    told    boolean not null default false
);
create index sessions_waiting on edge.sessions (digest) where not told;

do $$
declare
    exposed text;
begin
    foreach exposed in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = exposed) then
            execute format('revoke all on all tables in schema edge from %I', exposed);
            execute format('revoke all on schema edge from %I', exposed);
        end if;
    end loop;
end
$$;

select engine.protect('edge.marks');
select engine.protect('edge.stores');
select engine.protect('edge.sessions');
