-- The rows of eighteen months, made by the server itself. `:events`, `:invoices` and `:now` are set by who
-- runs it. Ids are made of the
-- time as the program makes them (UUID version 7), each table in the order of its time, as it grows.

create function pg_temp.at(n bigint, count bigint) returns timestamptz stable language sql as $$
    select date_trunc('milliseconds', :now - interval '548 days' * (count - n)::float8 / count)
$$;
create function pg_temp.id(at timestamptz) returns uuid volatile language sql as $$
    select overlay(overlay(lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0')
                           || substr(replace(gen_random_uuid()::text, '-', ''), 13)
                           placing '7' from 13) placing '8' from 17)::uuid
$$;

-- The inbox: what is older than thirty days holds no payload. A hundred events are dead and four hundred are parked,
-- however many there are; the last hundred wait or fail.
insert into webhooks.events (id, provider, event_id, event_type, api_version, occurred_at, received_at, trust, state,
    attempts, run_at, last_error, processed_at, payload, payload_sha256)
select pg_temp.id(at), provider, 'evt_' || md5(n::text), types[1 + n / 20 % array_length(types, 1)], '2026-10-28.endive',
       at - interval '1 second' * (1 + n % 7) - case when n % 500 = 0 then interval '40 minutes' else interval '0' end,
       at, case when n % 400 = 0 then 'reconcile' when provider = 'stripe' then 'hmac' else 'refetch' end, state,
       case state when 'pending' then 0 when 'dead' then 16 else 1 end,
       at, case when state in ('dead', 'parked', 'failed') then 'una respuesta que nadie espera' end,
       case when state not in ('pending', 'failed') then at + interval '200 milliseconds' end,
       case when at > :now - interval '30 days' then convert_to(repeat('{"id":"evt"}', 40), 'UTF8') end,
       sha256(convert_to(n::text, 'UTF8'))
from generate_series(1, :events) n
cross join lateral (select pg_temp.at(n, :events) as at) as times
cross join lateral (select case when n % 20 < 15 then 'stripe' when n % 20 < 19 then 'gigstack' else 'mifiel' end
                        as provider) as providers
cross join lateral (select case provider
    when 'stripe' then array['payment_intent.succeeded', 'charge.succeeded', 'payment_intent.created',
        'invoice.payment_succeeded', 'charge.refunded', 'payment_intent.payment_failed', 'checkout.session.completed',
        'customer.subscription.updated', 'customer.updated']
    when 'gigstack' then array['invoice-created', 'cfdi-created', 'self-invoice-completed', 'invoice-cancelled']
    else array['document.signed', 'document.declined'] end as types) as kinds
cross join lateral (select case when n > :events - 20 then 'failed' when n > :events - 100 then 'pending'
    when n % (:events / 100) = 19 then 'dead' when n % (:events / 200) in (18, 7) then 'parked' when n % 20 = 14 then 'ignored'
    else 'processed' end as state) as states;

insert into engine.failures (row_id, attempt, failed_at, error)
select events.id, attempt, received_at + interval '1 minute' * attempt, 'una respuesta que nadie espera'
from webhooks.events cross join lateral generate_series(1, attempts) as attempt where state in ('dead', 'parked', 'failed');

insert into engine.jobs (id, kind, key, payload, cause, created_at, state, attempts, run_at, last_error, processed_at)
select pg_temp.id(at), kinds[1 + n % 6], n::text, '{}', null, at, state, 1, at,
       case when state in ('dead', 'parked', 'failed') then 'sin respuesta' end,
       case when state <> 'pending' then at + interval '1 second' end
from generate_series(1, :events / 3) n
cross join lateral (select pg_temp.at(n, :events / 3) as at) as times
cross join (select array['notificar', 'solicitar_a_gigstack', 'guardar_factura', 'guardar_contrato',
    'preguntar_a_stripe', 'enviar_contrato'] as kinds) as kinds
cross join lateral (select case when n > :events / 3 - 20 then 'pending' when n % (:events / 100) = 11 then 'dead'
    when n % (:events / 100) = 12 then 'parked' else 'processed' end as state) as states;

insert into logs_auditoria (ocurrido_en, actor, accion, recurso_tipo, recurso_id, detalle)
select pg_temp.at(n, :events), case when n % 50 = 0 then 'admin:5f1c3a52-6f0e-4c43-9a1e-0d6d3f0a7c11' else 'sistema' end,
       (array['servicio.pagado', 'factura.emitida', 'evento.repetido', 'contrato.activado'])[1 + n % 4],
       (array['servicios', 'facturas_emitidas', 'webhooks.events', 'contratos_b2b'])[1 + n % 4], md5(n::text), '{"n": 1}'
from generate_series(1, :events) n;

insert into engine.alerts (id, cause, title, detail, opened_at, last_seen_at, acknowledged_at, resolved_at)
select pg_temp.id(at), (array['muerto:evento', 'apartado:evento', 'factura-sin-confirmar:cfdi', 'pago-sin-servicio:pi',
           'factura-distinta:cfdi', 'factura-doble:servicio', 'factura-global-tarde:mes'])[1 + n % 7] || n, 'Un evento o trabajo espera a una persona', 'Siguiente paso: míralo.',
       at, at, case when n % 3 = 0 then at end, case when n <= count - 12 then at + interval '1 hour' end
from (select greatest(:events / 400, 40)::bigint as count) as counts cross join generate_series(1, count) n
cross join lateral (select pg_temp.at(n, count) as at) as times;

-- The business: a service for each invoice and a fifth more, some unpaid; three fifths of the sales at the counter.
insert into clientes (nombre, email)
select 'Cliente ' || n, 'cliente' || n || '@example.com' from generate_series(1, 1 + :invoices / 50) n;

create temporary table service as
select n, gen_random_uuid() as id, pg_temp.at(n, :invoices * 6 / 5) as at from generate_series(1, :invoices * 6 / 5) n;

insert into servicios (id, descripcion, estado, agendado_para, monto, estado_pago, metodo_pago, canal_pago, pagado_en,
    monto_pagado, monto_reembolsado, requiere_factura)
select id, 'Lavado y revisión de frenos', case when n % 40 = 0 then 'agendado' else 'completado' end, at, 100 + n % 1900 + 0.5,
       paid, case when n % 40 <> 0 then (array['card', '01', '04', 'oxxo', '03'])[1 + n % 5] end,
       case when n % 40 <> 0 then (case when n % 5 in (0, 3) then 'stripe' else 'presencial' end) end,
       case when n % 40 <> 0 then at end, case when n % 40 <> 0 then 100 + n % 1900 + 0.5 end,
       case paid when 'reembolsado' then 100 + n % 1900 + 0.5 when 'parcialmente_reembolsado' then 50 end, n % 3 = 0
from service cross join lateral (select case when n % 400 = 0 then 'fallido' when n % 40 = 0 then 'pendiente'
    when n % 97 = 0 then 'reembolsado' when n % 101 = 0 then 'parcialmente_reembolsado' else 'pagado' end as paid) as paid;

insert into facturas_emitidas (id, servicio_id, uuid_sat, fecha_timbrado, fecha_emision, serie, folio, monto_total, moneda,
    tipo_comprobante, forma_pago, url_pdf, url_xml, sha256_pdf, sha256_xml, estado, cancelada_en, origen, gigstack_id,
    conservar_hasta, creada_en)
select pg_temp.id(at), case when origin <> 'global' then id end, gen_random_uuid(), at, at - interval '20 seconds', 'A', n::text, 100 + n % 1900 + 0.5,
       'MXN', 'I', '03', 'cfdi/' || n || '.pdf', 'cfdi/' || n || '.xml', md5(n::text), md5(n::text),
       case when n % 33 = 0 then 'cancelada' else 'vigente' end, case when n % 33 = 0 then at + interval '1 day' end, origin,
       'gig_' || n, '2032-12-31', at
from service cross join lateral (select case when n % (:invoices / 20) = 1 then 'global' when n % 100 < 60 then 'stripe'
    when n % 100 < 85 then 'autofactura' else 'directa' end as origin) as origins
where n % 6 <> 5;
insert into facturas_emitidas (id, origen, estado) select pg_temp.id(:now), 'stripe', 'pendiente' from generate_series(1, 40);

insert into invoicing.requests (id, kind, servicio_id, gigstack_id, state, created_at, updated_at)
select pg_temp.id(at), 'self_invoice', id, 'recibo_' || n, case when n % 100 < 82 then 'completed' when n % 100 < 84 then 'withdrawn'
           when n > :invoices * 6 / 5 - 300 then 'requested' else 'open' end, at, at
from service where n % 6 <> 5 and n % 10 in (2, 5, 8);
insert into invoicing.requests (id, kind, period, part, gigstack_id, state, created_at, updated_at)
select pg_temp.id(month), 'global', to_char(month - interval '2 days', 'YYYY-MM'), 1, 'global_' || month, 'completed', month, month
from generate_series(date_trunc('month', :now - interval '18 months'), date_trunc('month', :now), '1 month') month;

insert into ventas_factura_global (servicio_id, folio, monto, moneda, metodo_pago, vendida_en, periodo, solicitud_id,
    factura_id, conciliada)
select service.id, 'V-' || n, 100 + n % 1900 + 0.5, 'MXN', '01', at, month, requests.id,
       case when requests.id is not null then (select id from facturas_emitidas where origen = 'global' limit 1) end, requests.id is not null
from service cross join lateral (select to_char(at at time zone 'America/Matamoros', 'YYYY-MM') as month) as months
left join invoicing.requests on requests.kind = 'global' and requests.period = month
where n % 5 in (1, 2, 4) and n % 40 <> 0;

insert into contratos_b2b (id, cliente_id, tipo, estado)
select gen_random_uuid(), id, case when n % 3 = 0 then 'servicio_unico' else 'suscripcion' end,
       (array['pendiente_firma', 'activo', 'activo', 'activo', 'moroso', 'inactivo', 'rechazado'])[1 + n % 7]
from (select id, row_number() over () as n from clientes) as clients where n % 2 = 0;
insert into contratos_firmados (id, contrato_id, mifiel_document_id, estado, creado_en, enviado_en, vence_en, firmado_en,
    rechazado_en, url_pdf, sha256_pdf)
select pg_temp.id(at), id, 'mifiel_' || n, state, at, at,
       case state when 'pendiente' then :now + interval '1 hour' * (n % 400) else at + interval '30 days' end,
       case when state = 'firmado' then at + interval '2 days' end, case when state = 'rechazado' then at + interval '1 day' end,
       'contratos/' || n, md5(n::text)
from (select id, estado, row_number() over () as n from contratos_b2b) as contracts
cross join lateral (select pg_temp.at(n, 1 + :invoices / 100) as at,
    case estado when 'pendiente_firma' then 'pendiente' when 'rechazado' then 'rechazado' else 'firmado' end as state) as states;

insert into documents.objects (key, kind, document, part, sha256, bytes, etag, source, stored_at)
select 'cfdi/' || folio || '.' || part, 'facturas_emitidas', id, part, sha256_xml, case part when 'pdf' then 90000 else 5200 end,
       'etag', 'gigstack.pro', creada_en + interval '5 seconds'
from facturas_emitidas cross join unnest(array['xml', 'pdf']) as part where folio is not null order by id;
insert into documents.faults (key, fault, found_at)
select 'cfdi/' || n || '.pdf', case when n = 1 then 'missing' else 'different' end, :now from generate_series(1, 3) n;

-- What was counted hour by hour, and how the services answered.
insert into monitoring.traffic (provider, hour, received, failed, lag_p50_ms, lag_p95_ms)
select provider, hour, 5 + abs(hashtext(hour::text)) % 90, 0, 1200, 7000
from unnest(array['stripe', 'gigstack', 'mifiel']) as provider
cross join generate_series(date_trunc('hour', :now) - interval '90 days', date_trunc('hour', :now) - interval '1 hour',
                           interval '1 hour') as hour;
insert into monitoring.counted (since, up_to)
values (date_trunc('hour', :now) - interval '90 days', date_trunc('hour', :now));
insert into monitoring.refusals (provider, hour, refused)
select 'stripe', hour, 2 from generate_series(date_trunc('hour', :now) - interval '90 days', :now, interval '7 hours') as hour;
insert into monitoring.availability (service, hour, probes, failed, total_ms, max_ms)
select service, hour, 12, case when abs(hashtext(hour::text)) % 200 = 0 then 3 else 0 end, 2400, 900
from unnest(array['stripe', 'gigstack', 'mifiel', 'r2', 'smtp', 'cloudflare']) as service
cross join generate_series(date_trunc('hour', :now) - interval '548 days', :now, interval '1 hour') as hour;
insert into monitoring.services (service, probed_at, answered_at, took_ms)
select service, :now, :now, 180 from unnest(array['stripe', 'gigstack', 'mifiel', 'r2', 'smtp', 'cloudflare']) as service;
