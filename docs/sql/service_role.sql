-- The role of the service, with the rights that the program uses and no other. Run it as the owner of the tables after
-- every `onlycar migrate`; running it again changes nothing:
--
--     psql "$OWNER_URL" -v ON_ERROR_STOP=1 -f docs/sql/service_role.sql
--
-- or in Supabase's SQL editor. Once, give the role a password, which is written nowhere else than in the service's
-- DATABASE_URL: `\password onlycar_service` in psql. At Supabase's poolers the user is `onlycar_service.PROJECT`.
--
-- It deletes nowhere but where the program does, empties no table, changes no price and no entry of the audit log, and
-- makes nothing. Row level security is on everywhere; the policies below open it for this role alone.

begin;

do $$
begin
    if not exists (select from pg_roles where rolname = 'onlycar_service') then
        create role onlycar_service login nosuperuser nobypassrls nocreatedb nocreaterole connection limit 60;
    end if;
    if exists (select from pg_roles where rolname = 'onlycar_service'
               and (rolsuper or rolbypassrls or rolcreatedb or rolcreaterole or rolreplication)) then
        raise exception 'onlycar_service has rights that a service must not have'
            using hint = 'drop the role and run this again';
    end if;
    if not coalesce((select rolconfig @> array['search_path=public, pg_temp'] from pg_roles
                     where rolname = 'onlycar_service'), false) then
        alter role onlycar_service set search_path = public, pg_temp;
    end if;
    -- Whether an old snapshot holds up the queue, whoever holds it. Without this the service sees its own sessions only.
    begin
        if not pg_has_role('onlycar_service', 'pg_read_all_stats', 'member') then
            grant pg_read_all_stats to onlycar_service;
        end if;
    exception when insufficient_privilege then
        raise notice 'pg_read_all_stats cannot be granted here: snapshots held by other roles stay unseen';
    end;
end
$$;

grant usage on schema public, webhooks, engine, stripe, invoicing, contracts, documents, access, edge, monitoring
    to onlycar_service;

-- What this file granted before and no longer lists goes.
do $$
declare
    target regclass;
begin
    for target in select polrelid::regclass from pg_policy where polname = 'onlycar_service' loop
        execute format('revoke all on table %s from onlycar_service', target);
    end loop;
end
$$;

-- Which migrations are applied.
grant select on public._sqlx_migrations to onlycar_service;

-- Business. Clients, services and contracts are made by other programs of the company.
grant select on public.clientes, public.servicios, public.contratos_b2b to onlycar_service;
-- The person goes from a client, and a description from a service, when `onlycar privacy erase` asks for it.
grant update (stripe_customer_id, nombre, email, telefono, auth_user_id, suprimido_en) on public.clientes
    to onlycar_service;
grant update (estado_pago, metodo_pago, canal_pago, stripe_payment_intent_id, pagado_en, monto_pagado, monto_reembolsado,
              ultimo_error_pago, requiere_factura, estado_factura, descripcion) on public.servicios to onlycar_service;
grant update (estado, stripe_subscription_id, con_adeudo, cancelado_en, ultimo_pago_en, ultimo_pago_monto,
              ultima_factura_stripe, servicios_disponibles, proximo_cobro_en) on public.contratos_b2b to onlycar_service;
grant select, insert, update on public.facturas_emitidas, public.contratos_firmados to onlycar_service;
grant select, insert, update, delete on public.ventas_factura_global to onlycar_service;

-- The audit log: a row is put in without a hash, and given one once.
grant select, insert (ocurrido_en, actor, accion, recurso_tipo, recurso_id, detalle, ip, evento_id, trabajo_id),
      update (hash_anterior, hash) on public.logs_auditoria to onlycar_service;
grant select on sequence public.logs_auditoria_id_seq to onlycar_service;
grant select, update (last_id, last_hash) on engine.audit_head to onlycar_service;
grant select, insert on engine.audit_heads to onlycar_service;

-- The inbox and the queue.
grant select, insert, update (state, attempts, run_at, last_error, processed_at, payload) on webhooks.events
    to onlycar_service;
grant select, insert, update, delete on engine.jobs, engine.failures, engine.kept_payloads to onlycar_service;
grant select, insert, update on engine.alerts to onlycar_service;
grant select, insert, update, delete on engine.checklist to onlycar_service;
grant select, insert on engine.reconciliations to onlycar_service;
grant select, insert, update on engine.webhook_failures to onlycar_service;
grant select, update on engine.retention to onlycar_service;

-- What providers told. A row of stripe.* goes only when its object is forgotten before anything was known of it.
grant select, insert, update on stripe.charges, stripe.refunds, stripe.disputes, stripe.customers,
      stripe.payment_methods, stripe.invoices, stripe.invoice_payments, stripe.checkout_sessions to onlycar_service;
grant select, insert, update, delete on stripe.payments, stripe.subscriptions to onlycar_service;
grant select, insert, update, delete on invoicing.requests to onlycar_service;
grant select, insert, update on invoicing.looks, contracts.attention to onlycar_service;
grant select on invoicing.standings to onlycar_service;
grant execute on function invoicing.shown(text, text, text) to onlycar_service;

-- What was stored, and what was found wrong with it since; who is signed in to the panel.
grant select, insert, delete on documents.objects to onlycar_service;
grant select, insert, update, delete on documents.faults to onlycar_service;
grant select, insert, update (seen_at), delete on access.sessions to onlycar_service;

-- What Cloudflare has to be told.
grant select, insert, update on edge.marks, edge.stores to onlycar_service;
grant select, insert, update, delete on edge.sessions to onlycar_service;

-- How things go, hour by hour.
grant select, insert, update on monitoring.traffic, monitoring.counted, monitoring.refusals, monitoring.doors,
      monitoring.availability, monitoring.services, monitoring.outages to onlycar_service;

-- Of every table that something was granted of above, all rows.
do $$
declare
    target regclass;
begin
    for target in
        select pg_class.oid::regclass from pg_class
        where relkind in ('r', 'p') and relrowsecurity
          and exists (select from aclexplode(relacl) where grantee = 'onlycar_service'::regrole)
          and not exists (select from pg_policy where polrelid = pg_class.oid and polname = 'onlycar_service')
    loop
        execute format('create policy onlycar_service on %s to onlycar_service using (true) with check (true)', target);
    end loop;
end
$$;

commit;
