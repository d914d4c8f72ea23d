-- Sessions of the panel. The cookie's secret is known to the browser alone: here is its digest.

create schema access;
create table access.sessions (
    digest    bytea primary key check (octet_length(digest) = 32), -- SHA-256
    user_id   uuid not null,        -- of Supabase Auth; an admin when it was opened
    opened_at timestamptz not null,
    seen_at   timestamptz not null, -- to the minute
    ends_at   timestamptz not null
);
alter table access.sessions enable row level security;

do $$
declare
    exposed text;
begin
    foreach exposed in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = exposed) then
            execute format('revoke all on all tables in schema access from %I', exposed);
            execute format('revoke all on schema access from %I', exposed);
        end if;
    end loop;
end
$$;
