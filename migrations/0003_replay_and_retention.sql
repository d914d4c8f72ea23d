-- Replay and retention: jobs that are asked for once for ever.

-- A job with a key is asked for once: handling an event again must not send its mail again. The row stays for ever,
-- and its key with it.
alter table engine.jobs add column key text;
create unique index jobs_key on engine.jobs (kind, key) where key is not null;

-- Retention: payloads are emptied in the order of the events' ids, which are made of the time, up to this one.
create table engine.retention (
    only_row      boolean primary key default true check (only_row),
    emptied_up_to uuid not null
);
insert into engine.retention (emptied_up_to) values ('00000000-0000-0000-0000-000000000000');

-- The few events before that one which hold their payload still (waiting for a person, not finished, handled again),
-- and when each is looked at again. So nobody has to search the inbox for them.
create table engine.kept_payloads (
    event_id uuid primary key, -- of webhooks.events
    look_at  timestamptz not null
);
create index kept_payloads_look_at on engine.kept_payloads (look_at);

-- Scheduled jobs, the oldest first; jobs that an event asked for are not in it.
create index jobs_tick on engine.jobs (tick) where tick is not null;
