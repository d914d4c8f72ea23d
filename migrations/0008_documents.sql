-- Documents: what was stored under which key, and what was found wrong with it since.

create schema documents;

-- One row per object, from the moment it was stored. Bytes under a key are written once, so a row is never changed.
create table documents.objects (
    key       text primary key,
    kind      text not null,        -- facturas_emitidas or contratos_firmados
    document  uuid not null,        -- its row there
    part      text not null,        -- xml, pdf, acuse, original, evidencia
    sha256    text not null,
    bytes     bigint not null,
    etag      text not null,        -- the store's own name for these bytes
    source    text,                 -- the host that it was downloaded from; none when we made it, or were given it
    stored_at timestamptz not null
);
create index objects_document on documents.objects (kind, document);

-- Objects that are missing, or are not what was stored: open until they are found to be right again.
create table documents.faults (
    key      text primary key,
    fault    text not null check (fault in ('missing', 'different')),
    found_at timestamptz not null
);

do $$
declare
    exposed text;
begin
    foreach exposed in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = exposed) then
            execute format('revoke all on all tables in schema documents from %I', exposed);
            execute format('revoke all on schema documents from %I', exposed);
        end if;
    end loop;
end
$$;

select engine.protect('documents.objects');
select engine.protect('documents.faults');
