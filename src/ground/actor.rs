//! Who did something.

use std::fmt;

use uuid::Uuid;

/// Who caused a change; what `logs_auditoria.actor` shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Actor {
    /// The payment provider's verified event.
    Stripe,
    /// The invoicing provider's, or what it answered.
    Gigstack,
    /// The signature provider's, or what it answered.
    Mifiel,
    /// This program itself: a schedule, a retry that gave up, a notification.
    System,
    /// A command that somebody typed at the shell of a server, by the user's number there.
    Console(u32),
    /// Who works at the counter, by the user's id at Supabase.
    Operator(Uuid),
    /// Who runs the business, by the user's id at Supabase.
    Admin(Uuid),
    /// A client, by the user's id at Supabase.
    Customer(Uuid),
    /// A user with no role here, by their id at Supabase.
    User(Uuid),
}

/// The text kept in the audit log.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stripe => f.write_str("stripe"),
            Self::Gigstack => f.write_str("gigstack"),
            Self::Mifiel => f.write_str("mifiel"),
            Self::System => f.write_str("sistema"),
            Self::Console(user) => write!(f, "consola:{user}"),
            Self::Operator(user) => write!(f, "operador:{user}"),
            Self::Admin(user) => write!(f, "admin:{user}"),
            Self::Customer(user) => write!(f, "cliente:{user}"),
            Self::User(user) => write!(f, "usuario:{user}"),
        }
    }
}
