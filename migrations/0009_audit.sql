-- The signed heads of the audit log, one a day: what the program put into the object store, kept here as well, so that
-- either copy tells when the other was touched.
--
-- The program inserts (job firmar_auditoria) and reads (that job, `onlycar audit verify`); it never updates or deletes.
-- `document` is the file, byte for byte, and what is checked; the other columns repeat it for people.

create table engine.audit_heads (
    day       date primary key,
    last_id   bigint not null,
    last_hash text not null,
    rows      bigint not null,
    signed_at timestamptz not null,
    key_id    text not null,
    sha256    text not null,
    document  text not null
);
create trigger stays before update or delete or truncate on engine.audit_heads for each statement
    execute function engine.refuse_change();
select engine.protect('engine.audit_heads');
