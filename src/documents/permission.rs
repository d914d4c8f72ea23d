//! Who may have a file: an admin every one; an operator those of the invoices of services assigned to them; a client
//! those of their own invoices and contracts. The month's global invoice is about everybody's sales, so it is for admins;
//! so is what proves a signature, and what was sent for it.

use super::find::Concerned;
use super::kind::{Format, Kind};
use crate::access::User;

/// Whether the user may have such a file of a document that concerns these.
pub fn may(user: User, kind: Kind, format: Format, concerns: &Concerned) -> bool {
    let internal = concerns.everybody || matches!(format, Format::Original | Format::Evidence);
    match user {
        User::Admin(_) => true,
        User::Operator(operator) => {
            !internal && kind == Kind::Invoice && concerns.operator == Some(operator.user())
        }
        User::Customer(customer) => !internal && concerns.customers.contains(&customer.user()),
    }
}
