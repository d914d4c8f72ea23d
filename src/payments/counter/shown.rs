//! A service as the people at the counter see it. Whom it is for is a name and no more: addresses stay here.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::store::counter::Shown;

/// Un servicio, su pago y su factura.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Service {
    id: Uuid,
    description: String,
    /// `agendado`, `en_proceso`, `completado` o `cancelado`.
    #[schema(example = "completado")]
    state: String,
    /// Para cuándo es, en UTC.
    scheduled_for: Option<DateTime<Utc>>,
    /// Precio con impuestos, en unidades de la moneda (pesos, no centavos).
    #[schema(value_type = String, example = "1500.00")]
    price: Decimal,
    /// ISO 4217.
    #[schema(example = "MXN")]
    currency: String,
    /// Si el cliente quiere factura propia.
    requires_invoice: bool,
    client: Option<Client>,
    pub(super) payment: Payment,
    pub(super) invoice: Invoice,
}

/// Para quién es; nadie si llegó al mostrador sin registrarse.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ServiceClient)]
struct Client {
    name: String,
}

/// Dónde está el pago.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ServicePayment)]
pub struct Payment {
    /// `pendiente`, `pagado`, `fallido`, `cancelado`, `reembolsado` o `parcialmente_reembolsado`.
    #[schema(example = "pagado")]
    state: String,
    /// Clave del SAT: `01` efectivo, `04` crédito, `28` débito.
    #[schema(example = "01")]
    method: Option<String>,
    /// `stripe` o `presencial`.
    #[schema(example = "presencial")]
    channel: Option<String>,
    /// Lo que se pagó, en unidades de la moneda.
    #[schema(value_type = Option<String>, example = "1500.00")]
    amount: Option<Decimal>,
    /// ISO 4217.
    #[schema(example = "MXN")]
    currency: String,
    /// Cuándo se pagó, en UTC.
    paid_at: Option<DateTime<Utc>>,
}

/// Dónde está la factura.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ServiceInvoice)]
pub struct Invoice {
    /// `autofactura` (el cliente la hace en el portal), `global` (la del mes) o `stripe` (la que sale del pago en línea);
    /// nulo mientras no se paga.
    #[schema(example = "autofactura")]
    mode: Option<&'static str>,
    /// `autofactura_solicitada`, `autofactura_pendiente`, `pendiente_factura_global`, `factura_global_solicitada`,
    /// `en_factura_global`, `vigente`, `cancelada`, `por_cancelar` o `requiere_nota_credito`.
    #[schema(example = "autofactura_solicitada")]
    state: Option<String>,
    /// Donde el cliente hace su factura; nulo hasta que Gigstack prepara la página.
    url: Option<String>,
    /// El UUID del SAT cuando ya está timbrada.
    uuid_sat: Option<Uuid>,
}

impl From<Shown> for Service {
    fn from(row: Shown) -> Self {
        let mode = match row.channel.as_deref() {
            Some("presencial") if row.requires_invoice => Some("autofactura"),
            Some("presencial") => Some("global"),
            Some(_) => Some("stripe"),
            None => None,
        };
        Self {
            id: row.id,
            description: row.description,
            state: row.state,
            scheduled_for: row.scheduled_for,
            price: row.price,
            currency: row.currency.clone(),
            requires_invoice: row.requires_invoice,
            client: row.client.map(|name| Client { name }),
            payment: Payment {
                state: row.payment_state,
                method: row.method,
                channel: row.channel,
                amount: row.paid,
                currency: row.currency,
                paid_at: row.paid_at,
            },
            invoice: Invoice {
                mode,
                state: row.invoice_state,
                url: row.invoice_page,
                uuid_sat: row.uuid_sat,
            },
        }
    }
}
