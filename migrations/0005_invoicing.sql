-- Invoices: metadata only. Whom they are for stays at Gigstack and in the XML; no name, RFC or address of a receiver is
-- ever kept here.

create domain public.estado_cfdi as text check (value in ('pendiente', 'vigente', 'cancelada'));
create domain public.origen_cfdi as text check (value in ('stripe', 'autofactura', 'global', 'directa'));

create table public.facturas_emitidas (
    id                       uuid primary key default gen_random_uuid(),
    servicio_id              uuid references public.servicios (id),
    contrato_id              uuid references public.contratos_b2b (id),
    stripe_payment_intent_id text,         -- the payment that it is for, until its service is known
    periodo                  text,         -- of a global invoice: 2026-11
    uuid_sat                 uuid unique,
    sello_sat                text,
    fecha_timbrado           timestamptz,  -- the stamp's clock is Mexico City's
    fecha_timbrado_texto     text,         -- as it stands in the XML
    serie                    text,
    folio                    text,
    fecha_emision            timestamptz,  -- the invoice's clock is that of its place of issue, Nuevo Laredo
    fecha_emision_texto      text,
    monto_total              numeric(24, 6), -- t_Importe of Anexo 20: 18 digits and 6 decimals
    moneda                   public.moneda,
    tipo_comprobante         text,
    forma_pago               text,
    url_pdf                  text,         -- keys of objects in the bucket
    url_xml                  text,
    url_acuse                text,
    sha256_pdf               text,
    sha256_xml               text,
    sha256_acuse             text,
    estado                   public.estado_cfdi not null default 'pendiente',
    cancelada_en             timestamptz,
    proveedor                text not null default 'gigstack',
    origen                   public.origen_cfdi not null,
    gigstack_id              text unique,
    conservar_hasta          date,
    creada_en                timestamptz not null default now(),
    check (estado = 'pendiente' or (uuid_sat is not null and url_xml is not null and sha256_xml is not null))
);
create index facturas_emitidas_servicio on public.facturas_emitidas (servicio_id) where servicio_id is not null;
create index facturas_emitidas_contrato on public.facturas_emitidas (contrato_id) where contrato_id is not null;
create index facturas_emitidas_pago on public.facturas_emitidas (stripe_payment_intent_id)
    where stripe_payment_intent_id is not null;

-- What is asked of Gigstack. The id is the idempotency key: asked twice, it is made once.
create schema invoicing;
create table invoicing.requests (
    id           uuid primary key,
    kind         text not null check (kind in ('self_invoice', 'global')),
    servicio_id  uuid references public.servicios (id),
    period       text,        -- of a global invoice: 2026-11
    part         integer,     -- a month with too many sales for one document is asked for in parts: 1, 2, …
    email        text,        -- where the link goes
    phone        text,
    gigstack_id  text,        -- the receipt or the invoice that it became
    portal_url   text,
    state        text not null check (state in ('requested', 'open', 'completed', 'withdrawn')),
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    check ((kind = 'self_invoice') = (servicio_id is not null)),
    check ((kind = 'global') = (period is not null and part is not null))
);
create unique index requests_self_invoice on invoicing.requests (servicio_id) where kind = 'self_invoice';
create unique index requests_global on invoicing.requests (period, part) where kind = 'global';
create unique index requests_gigstack on invoicing.requests (gigstack_id) where gigstack_id is not null;

-- When Gigstack was last asked by itself about something of ours, to ask next about what nobody looked at for the longest
-- time. Looking changes no invoice, so it is not noted in its row.
create table invoicing.looks (
    subject   uuid primary key, -- of public.facturas_emitidas or of invoicing.requests
    looked_at timestamptz not null
);

-- Jobs that wait for a person, among the many that are done.
create index jobs_kept on engine.jobs (kind) where state in ('parked', 'dead');

-- Sales at the counter without an invoice of their own. On day 1 the month's global invoice claims them, each once.
create table public.ventas_factura_global (
    servicio_id  uuid primary key references public.servicios (id),
    folio        text not null unique,  -- NoIdentificacion in the global invoice
    monto        numeric(14, 2) not null,
    moneda       public.moneda not null,
    metodo_pago  text not null,
    vendida_en   timestamptz not null,
    periodo      text not null,         -- the month of the sale in Nuevo Laredo: 2026-11
    solicitud_id uuid references invoicing.requests (id), -- the request that claimed it
    factura_id   uuid references public.facturas_emitidas (id),
    conciliada   boolean not null default false -- the stamped invoice holds it, with its amount
);
create index ventas_factura_global_abiertas on public.ventas_factura_global (periodo) where solicitud_id is null;
create index ventas_factura_global_sin_factura on public.ventas_factura_global (periodo) where factura_id is null;
create index ventas_factura_global_factura on public.ventas_factura_global (factura_id) where factura_id is not null;
create index ventas_factura_global_solicitud on public.ventas_factura_global (solicitud_id);

-- Where the invoice of a service stands; servicios.estado_factura shows it, and what a refund makes of it.
create view invoicing.standings with (security_invoker = true) as
select servicios.id as servicio_id,
       case when exists (select from public.facturas_emitidas
                         where servicio_id = servicios.id and estado = 'vigente') then 'vigente'
            when sales.factura_id is not null then 'en_factura_global'
            when sales.solicitud_id is not null then 'factura_global_solicitada'
            when sales.servicio_id is not null then 'pendiente_factura_global'
            when exists (select from public.facturas_emitidas
                         where servicio_id = servicios.id and estado = 'cancelada') then 'cancelada'
            when requests.state = 'requested' then 'autofactura_solicitada'
            when requests.state = 'open' then 'autofactura_pendiente' end as standing
from public.servicios
left join public.ventas_factura_global as sales on sales.servicio_id = servicios.id
left join invoicing.requests on requests.servicio_id = servicios.id and requests.kind = 'self_invoice';

-- What servicios.estado_factura shows: where the invoice stands, unless money that went back asks for more. A document
-- for the public is not cancelled for one sale: that one gets a credit note.
create function invoicing.shown(estado_pago text, standing text, before text) returns text immutable language sql as $$
    select case
        when estado_pago = 'reembolsado' and standing = 'cancelada' then standing
        when estado_pago = 'parcialmente_reembolsado'
          or estado_pago = 'reembolsado' and standing like '%global%' then 'requiere_nota_credito'
        when estado_pago = 'reembolsado' then 'por_cancelar'
        when standing is not null then standing
        when before not in ('por_cancelar', 'requiere_nota_credito') then before end
$$;

alter table public.facturas_emitidas enable row level security;
alter table public.ventas_factura_global enable row level security;
do $$
declare
    exposed text;
begin
    foreach exposed in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = exposed) then
            execute format('revoke all on all tables in schema public, invoicing from %I', exposed);
            execute format('revoke all on schema invoicing from %I', exposed);
        end if;
    end loop;
end
$$;
