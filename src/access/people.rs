//! Who may run a handler. Each has a private field: only a good token with the right role makes one.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use uuid::Uuid;

use super::refusal::Refusal;
use super::{Access, Person, Role};
use crate::ground::facts::Actor;
use crate::tools::problem::Problem;

/// Works at the counter (`operador`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator(Uuid);

/// Runs the business (`admin`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admin(Uuid);

/// A client (`cliente`); `clientes.auth_user_id` names the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Customer(Uuid);

/// Works here: an operator or an admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staff {
    /// Sees what is assigned to them.
    Operator(Operator),
    /// Sees everything.
    Admin(Admin),
}

impl Operator {
    /// The user's id at Supabase.
    pub fn user(self) -> Uuid {
        self.0
    }

    /// As the audit log names them.
    pub fn actor(self) -> Actor {
        Actor::Operator(self.0)
    }
}

impl Admin {
    /// The user's id at Supabase.
    pub fn user(self) -> Uuid {
        self.0
    }

    /// As the audit log names them.
    pub fn actor(self) -> Actor {
        Actor::Admin(self.0)
    }
}

impl Customer {
    /// The user's id at Supabase.
    pub fn user(self) -> Uuid {
        self.0
    }
}

impl Staff {
    /// The user's id at Supabase.
    pub fn user(self) -> Uuid {
        match self {
            Self::Operator(operator) => operator.user(),
            Self::Admin(admin) => admin.user(),
        }
    }

    /// As the audit log names them.
    pub fn actor(self) -> Actor {
        match self {
            Self::Operator(operator) => operator.actor(),
            Self::Admin(admin) => admin.actor(),
        }
    }
}

/// What a person is by their role, if it is that.
trait Permission: Sized {
    fn of(person: Person) -> Option<Self>;
}

impl Permission for Operator {
    fn of(person: Person) -> Option<Self> {
        (person.role? == Role::Operator).then_some(Self(person.user))
    }
}

impl Permission for Admin {
    fn of(person: Person) -> Option<Self> {
        (person.role? == Role::Admin).then_some(Self(person.user))
    }
}

impl Permission for Customer {
    fn of(person: Person) -> Option<Self> {
        (person.role? == Role::Customer).then_some(Self(person.user))
    }
}

impl Permission for Staff {
    fn of(person: Person) -> Option<Self> {
        let operator = Operator::of(person).map(Self::Operator);
        operator.or_else(|| Admin::of(person).map(Self::Admin))
    }
}

async fn permit<P: Permission>(parts: &Parts, access: Access) -> Result<P, Problem> {
    let person = access.person(&parts.headers).await.map_err(Refusal::told)?;
    P::of(person).ok_or_else(|| Refusal::OtherRole.told())
}

macro_rules! extractors {
    ($($person:ident),+) => {
        $(impl<S: Send + Sync> FromRequestParts<S> for $person
        where
            Access: FromRef<S>,
        {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
                permit(parts, Access::from_ref(state)).await
            }
        })+
    };
}

extractors!(Operator, Admin, Customer, Staff);
