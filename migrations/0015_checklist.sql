-- The steps of the checklist before production that only a person can do: who did which, and when. A step that has no row
-- is still to be done.

create table engine.checklist (
    step    text primary key,       -- its key in src/checklist/
    done_at timestamptz not null,
    done_by text not null,          -- as logs_auditoria.actor
    note    text
);

-- How many events are kept for a person, or were given up, is asked for all the time.
create index events_held on webhooks.events (state) where state in ('parked', 'dead');

select engine.protect('engine.checklist');
