//! Rows to act on, and Stripe's events about them.

use chrono::{DateTime, Utc};
use onlycar::dev::stripe::{self, Sample};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

/// A client with a service that waits for payment and a contract with a subscription.
pub struct Story {
    pub service: Uuid,
    pub contract: Uuid,
    pub sample: Sample,
}

impl Story {
    /// Puts the rows into the database. The service costs 1500.00 MXN; the contract has 1 of 10 services left.
    pub async fn create(pool: &PgPool) -> Self {
        let (client, service, contract) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
        let sample = Sample {
            service_id: Some(service.to_string()),
            contract_id: Some(contract.to_string()),
            amount: 150_000,
            ..Sample::default()
        };
        let insert = "insert into clientes (id, nombre, email, stripe_customer_id, creado_en)
                      values ($1, 'Ana López', 'ana@example.com', $2, now())";
        sqlx::query(insert)
            .bind(client)
            .bind(&sample.customer_id)
            .execute(pool)
            .await
            .unwrap();
        let insert = "insert into servicios (id, cliente_id, descripcion, monto)
                      values ($1, $2, 'Cambio de aceite', 1500)";
        sqlx::query(insert)
            .bind(service)
            .bind(client)
            .execute(pool)
            .await
            .unwrap();
        let insert = "insert into contratos_b2b (id, cliente_id, tipo, estado, stripe_subscription_id,
                          servicios_incluidos, servicios_disponibles)
                      values ($1, $2, 'suscripcion', 'activo', $3, 10, 1)";
        let insert = sqlx::query(insert)
            .bind(contract)
            .bind(client)
            .bind(&sample.subscription_id);
        insert.execute(pool).await.unwrap();
        Self {
            service,
            contract,
            sample,
        }
    }

    /// An event about these rows.
    pub fn event(&self, kind: &str, at: DateTime<Utc>) -> Value {
        stripe::event(kind, &self.sample, at).unwrap()
    }

    /// The same, about one payment: several events then tell one story.
    pub fn event_of_payment(&self, kind: &str, payment: &str, at: DateTime<Utc>) -> Value {
        let sample = Sample {
            payment_intent_id: Some(payment.to_owned()),
            ..self.sample.clone()
        };
        stripe::event(kind, &sample, at).unwrap()
    }
}
