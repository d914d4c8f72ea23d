//! Sample clients, services and contracts: the same ids on every machine, so that examples can name them.

use crate::tools::db::Db;
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

/// The sample operator's user.
pub(super) const OPERATOR: Uuid = Uuid::from_u128(0x0a00_0000_0000_4000_8000_0000_0000_0001);
/// The sample administrator's user.
pub(super) const ADMIN: Uuid = Uuid::from_u128(0x0a00_0000_0000_4000_8000_0000_0000_0002);
/// The user of the first sample client.
pub(super) const CLIENT_USER: Uuid = Uuid::from_u128(0x0a00_0000_0000_4000_8000_0000_0000_0003);

/// How many sample services there are; `trigger` takes the earliest, the printed curls the last two.
pub(super) const SERVICES: u128 = 60;
const CLIENTS: [(&str, &str, &str); 3] = [
    ("María Fernanda Ríos", "maria.rios@example.com", "cus_dev_maria"),
    (
        "Transportes del Bravo",
        "flotilla@transportes-bravo.example",
        "cus_dev_bravo",
    ),
    (
        "Jorge Alberto Treviño",
        "jorge.trevino@example.com",
        "cus_dev_jorge",
    ),
];
const WORK: [(&str, i64); 4] = [
    ("Lavado completo a domicilio", 35_000),
    ("Cambio de aceite y filtro", 150_000),
    ("Afinación mayor", 420_000),
    ("Diagnóstico con escáner", 60_000),
];

fn client(n: u128) -> Uuid {
    Uuid::from_u128(0x0c00_0000_0000_4000_8000_0000_0000_0000 + n)
}

/// The id of the n-th sample service.
pub(super) fn service(n: u128) -> Uuid {
    Uuid::from_u128(0x0500_0000_0000_4000_8000_0000_0000_0000 + n)
}

fn contract(n: u128) -> Uuid {
    Uuid::from_u128(0x0b00_0000_0000_4000_8000_0000_0000_0000 + n)
}

/// Puts in what is not there yet; what the user changed since stays as it is.
pub(super) async fn sample_data(pool: &Db, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    for (n, (name, email, customer)) in (0..).zip(CLIENTS) {
        let user = (n == 0).then_some(CLIENT_USER);
        sqlx::query!(
            "insert into clientes (id, auth_user_id, nombre, email, telefono, stripe_customer_id, creado_en)
             values ($1, $2, $3, $4, '+528671234567', $5, $6) on conflict do nothing",
            client(n),
            user,
            name,
            email,
            customer,
            now,
        )
        .execute(pool)
        .await?;
    }
    for n in 0..SERVICES {
        let Some((description, centavos)) = WORK.get(usize::try_from(n % 4).unwrap_or(0)) else {
            continue;
        };
        sqlx::query!(
            "insert into servicios (id, cliente_id, operador_id, descripcion, agendado_para, monto)
             values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
            service(n),
            client(n % 3),
            OPERATOR,
            *description,
            now + TimeDelta::hours(i64::try_from(n).unwrap_or(0)),
            Decimal::new(*centavos, 2),
        )
        .execute(pool)
        .await?;
    }
    for (n, subscription) in (0..).zip(["sub_dev_flotilla", "sub_dev_taller"]) {
        sqlx::query!(
            "insert into contratos_b2b
                 (id, cliente_id, tipo, estado, stripe_subscription_id, servicios_incluidos, servicios_disponibles)
             values ($1, $2, 'suscripcion', 'activo', $3, 10, 2) on conflict do nothing",
            contract(n), client(n + 1), subscription,
        )
        .execute(pool)
        .await?;
    }
    Ok(())
}
