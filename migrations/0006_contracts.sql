-- Contracts sent to Mifiel for signature. Who signs, with which address and RFC, stays at Mifiel and in the documents.

create domain public.estado_firma as text check (value in ('pendiente', 'firmado', 'rechazado'));

create table public.contratos_firmados (
    id                 uuid primary key default gen_random_uuid(), -- external_id at Mifiel
    contrato_id        uuid not null references public.contratos_b2b (id),
    mifiel_document_id text unique,  -- none until Mifiel has it
    estado             public.estado_firma not null default 'pendiente',
    creado_en          timestamptz not null default now(),
    enviado_en         timestamptz,
    vence_en           timestamptz,  -- until then it can be signed
    firmado_en         timestamptz,
    rechazado_en       timestamptz,
    eliminado_en       timestamptz,  -- deleted at Mifiel before it was signed
    url_original       text,         -- keys of objects in the bucket
    url_pdf            text,
    url_xml            text,
    url_evidencia      text,
    sha256_original    text,
    sha256_pdf         text,
    sha256_xml         text,
    conservar_hasta    date,
    check (estado <> 'firmado' or (url_pdf is not null and sha256_pdf is not null and firmado_en is not null))
);
create index contratos_firmados_contrato on public.contratos_firmados (contrato_id);
create index contratos_firmados_pendientes on public.contratos_firmados (vence_en) where estado = 'pendiente';

-- Whether a charge of the contract's subscription has failed: who signs meanwhile is `moroso` at once.
alter table public.contratos_b2b add column con_adeudo boolean not null default false;
update public.contratos_b2b set con_adeudo = true where estado = 'moroso';

-- What the program itself did about a document that waits: none of it changes the document.
create schema contracts;
create table contracts.attention (
    document       uuid primary key, -- of public.contratos_firmados
    looked_at      timestamptz,      -- when Mifiel was last asked about it by ourselves
    reminded_at    timestamptz,      -- when its client was reminded
    expiry_told_at timestamptz       -- when the team was told that nobody signed it in time
);

alter table public.contratos_firmados enable row level security;
do $$
declare
    exposed text;
begin
    foreach exposed in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = exposed) then
            execute format('revoke all on public.contratos_firmados from %I', exposed);
            execute format('revoke all on all tables in schema contracts from %I', exposed);
            execute format('revoke all on schema contracts from %I', exposed);
        end if;
    end loop;
end
$$;
