-- Replay and retention: jobs that are asked for once for ever.

-- A job with a key is asked for once: handling an event again must not send its mail again. The row stays for ever,
-- and its key with it.
alter table engine.jobs add column key text;
create unique index jobs_key on engine.jobs (kind, key) where key is not null;
