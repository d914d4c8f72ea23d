//! Every statement of this benchmark that names the schema, in one place.

/// One client and `$1` unpaid services, each the price of the sent event; the ids are those of `events::service_id`.
pub const SEED: [&str; 2] = [
    "insert into clientes (id, nombre, email, creado_en)
     values ('00000000-0000-4000-9000-000000000000', 'Cliente de prueba', 'cliente@example.com', now())",
    "insert into servicios (id, cliente_id, descripcion, estado, agendado_para, monto, moneda, estado_pago)
     select ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, '00000000-0000-4000-9000-000000000000',
            'Lavado y revisión de frenos', 'agendado', now() + interval '1 day', 1500.00, 'MXN', 'pendiente'
     from generate_series(0, $1::bigint - 1) n",
];

/// The yardstick: the row the server inserts for one event, as pgbench's script.
///
/// No server runs meanwhile, so `pending` rows stay where they are and enter the same partial index. The id grows with
/// time, as the server's UUID v7 does: a random one would cost pgbench page images and flatter us.
pub const YARDSTICK: &str = r"\set fresh random(1000000000, 9999999999)
insert into webhooks.events
    (id, provider, event_id, event_type, api_version, occurred_at, received_at, trust, state, run_at, payload, payload_sha256)
values
    ((lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') || right(gen_random_uuid()::text, 22))::uuid,
     'stripe', 'evt_' || :prefix || :fresh, :event_type, :api_version, now(), now(), 'hmac', 'pending', now(),
     :payload::bytea, :payload_sha256::bytea)
on conflict (provider, event_id) do nothing;
";

/// Whether anything accepted still waits for its effects; answered by the partial index the workers claim from.
pub const BACKLOG: &str =
    "select exists (select from webhooks.events where state in ('pending', 'processing', 'failed'))";

pub const PROCESSED: &str = "select count(*) from webhooks.events where state = 'processed'";
pub const PAID: &str = "select count(*) from servicios where estado_pago = 'pagado'";

/// For the message when events did not end as processed.
pub const STATES: &str = "select format('%s %s, last error: %s', count(*), state, coalesce(max(last_error), 'none')) from webhooks.events group by state";
