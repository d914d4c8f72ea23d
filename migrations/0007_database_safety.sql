-- The database defends itself: nothing of ours is open to the internet that Supabase connects `public` to, and the audit
-- log only grows, whoever writes.

-- Every migration that makes a table ends with a line of this for it: select engine.protect('schema.table').
create function engine.protect(target regclass) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    exposed text;
    counter regclass;
begin
    execute format('alter table %s enable row level security', target);
    execute format('revoke all on table %s from public', target);
    foreach exposed in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = exposed) then
            execute format('revoke all on table %s from %I', target, exposed);
            for counter in
                select objid::regclass from pg_depend join pg_class on pg_class.oid = objid
                where refobjid = target and relkind = 'S' and deptype in ('a', 'i')
            loop
                execute format('revoke all on sequence %s from %I', counter, exposed);
            end loop;
        end if;
    end loop;
end
$$;

-- Every table there is. In public those that we made, by name: others may live there too.
select engine.protect(pg_class.oid::regclass)
from pg_class join pg_namespace on pg_namespace.oid = relnamespace
where relkind in ('r', 'p')
  and (nspname in ('webhooks', 'engine', 'stripe', 'invoicing', 'contracts')
       or nspname = 'public' and relname in ('clientes', 'servicios', 'contratos_b2b', 'logs_auditoria',
           'facturas_emitidas', 'ventas_factura_global', 'contratos_firmados', '_sqlx_migrations'));

-- What the owner makes in public from now on is open to nobody unless it says so; Supabase opens it otherwise.
revoke execute on all functions in schema engine, invoicing from public;
do $$
declare
    exposed text;
begin
    foreach exposed in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = exposed) then
            execute format('revoke all on schema webhooks, engine, stripe, invoicing, contracts from %I', exposed);
            execute format('alter default privileges in schema public revoke all on tables from %I', exposed);
            execute format('alter default privileges in schema public revoke all on sequences from %I', exposed);
            execute format('alter default privileges in schema public revoke all on functions from %I', exposed);
        end if;
    end loop;
end
$$;

-- The audit log only grows ------------------------------------------------------------------------------------------
-- Also for the owner of the tables. Inserts pass by no trigger, and sealing calls no function: its condition is judged
-- without one. Whoever may disable triggers can still change a row; the hash chain tells.

create function engine.refuse_change() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception '% on %.% is refused: the audit log is append-only', tg_op, tg_table_schema, tg_table_name
        using errcode = 'restrict_violation',
              hint = 'put a wrong entry right with a new one; docs/runbook.md says what else can be done';
end
$$;

-- A row that has no hash yet may be given its place in the chain, and nothing else.
create trigger solo_se_agrega before update on public.logs_auditoria for each row
    when (old.hash is not null or old.hash_anterior is not null or new.hash is null or new.hash_anterior is null
          or new.id is distinct from old.id or new.ocurrido_en is distinct from old.ocurrido_en
          or new.actor is distinct from old.actor or new.accion is distinct from old.accion
          or new.recurso_tipo is distinct from old.recurso_tipo or new.recurso_id is distinct from old.recurso_id
          or new.detalle is distinct from old.detalle or new.ip is distinct from old.ip
          or new.evento_id is distinct from old.evento_id or new.trabajo_id is distinct from old.trabajo_id)
    execute function engine.refuse_change();
create trigger nada_se_borra before delete or truncate on public.logs_auditoria for each statement
    execute function engine.refuse_change();

-- The head moves forward, to another hash.
create trigger only_forward before update on engine.audit_head for each row
    when (new.last_id <= old.last_id or new.last_hash = old.last_hash)
    execute function engine.refuse_change();
create trigger stays before delete or truncate on engine.audit_head for each statement
    execute function engine.refuse_change();

revoke execute on function engine.protect(regclass), engine.refuse_change() from public;
