//! Who may run a handler. Each has a private field: only a good token with the right role makes one, or
//! a session that such a token opened.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use uuid::Uuid;

use super::refusal::Refusal;
use super::{Access, Person, Role};
use crate::engine::work::Unit;
use crate::ground::facts::Actor;
use crate::tools::client_ip::ClientIp;
use crate::tools::limits::Passage;
use crate::tools::problem::Problem;

/// Which user it is, and where the request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    user: Uuid,
    from: ClientIp,
}

/// Works at the counter (`operador`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator(Known);

/// Runs the business (`admin`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admin(Known);

/// A client (`cliente`); `clientes.auth_user_id` names the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Customer(Known);

/// Works here: an operator or an admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staff {
    /// Sees what is assigned to them.
    Operator(Operator),
    /// Sees everything.
    Admin(Admin),
}

/// Has a role, whichever it is. What they may see depends on it, and on whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// Sees what is assigned to them.
    Operator(Operator),
    /// Sees everything.
    Admin(Admin),
    /// Sees what is theirs.
    Customer(Customer),
}

impl Operator {
    /// The user's id at Supabase.
    pub fn user(self) -> Uuid {
        self.0.user
    }

    /// As the audit log names them.
    pub fn actor(self) -> Actor {
        Actor::Operator(self.0.user)
    }
}

impl Admin {
    /// Was one when the session was opened, which is good.
    pub(super) fn with_session(user: Uuid, from: ClientIp) -> Self {
        Self(Known { user, from })
    }

    /// The user's id at Supabase.
    pub fn user(self) -> Uuid {
        self.0.user
    }

    /// As the audit log names them.
    pub fn actor(self) -> Actor {
        Actor::Admin(self.0.user)
    }

    /// What they ask for: one unit of work, with them and their address in the audit log.
    pub fn unit(self) -> Unit {
        Unit::by(self.actor()).from(self.0.from)
    }
}

impl Customer {
    /// The user's id at Supabase.
    pub fn user(self) -> Uuid {
        self.0.user
    }

    /// As the audit log names them.
    pub fn actor(self) -> Actor {
        Actor::Customer(self.0.user)
    }

    /// What they ask for: one unit of work, with them and their address in the audit log.
    pub fn unit(self) -> Unit {
        Unit::by(self.actor()).from(self.0.from)
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

    /// What they ask for: one unit of work, with them and their address in the audit log.
    pub fn unit(self) -> Unit {
        match self {
            Self::Operator(operator) => Unit::by(operator.actor()).from(operator.0.from),
            Self::Admin(admin) => admin.unit(),
        }
    }
}

impl User {
    /// What they ask for: one unit of work, with them and their address in the audit log.
    pub fn unit(self) -> Unit {
        match self {
            Self::Operator(operator) => Staff::Operator(operator).unit(),
            Self::Admin(admin) => admin.unit(),
            Self::Customer(customer) => customer.unit(),
        }
    }

    /// As a label of a metric.
    pub fn role(self) -> &'static str {
        match self {
            Self::Operator(_) => "operador",
            Self::Admin(_) => "admin",
            Self::Customer(_) => "cliente",
        }
    }
}

/// What a person is by their role, if it is that.
trait Permission: Sized {
    fn of(person: Person, from: ClientIp) -> Option<Self>;
}

impl Permission for Operator {
    fn of(person: Person, from: ClientIp) -> Option<Self> {
        let user = person.user;
        (person.role? == Role::Operator).then_some(Self(Known { user, from }))
    }
}

impl Permission for Admin {
    fn of(person: Person, from: ClientIp) -> Option<Self> {
        let user = person.user;
        (person.role? == Role::Admin).then_some(Self(Known { user, from }))
    }
}

impl Permission for Customer {
    fn of(person: Person, from: ClientIp) -> Option<Self> {
        let user = person.user;
        (person.role? == Role::Customer).then_some(Self(Known { user, from }))
    }
}

impl Permission for Staff {
    fn of(person: Person, from: ClientIp) -> Option<Self> {
        let operator = Operator::of(person, from).map(Self::Operator);
        operator.or_else(|| Admin::of(person, from).map(Self::Admin))
    }
}

impl Permission for User {
    fn of(person: Person, from: ClientIp) -> Option<Self> {
        let staff = Staff::of(person, from).map(|staff| match staff {
            Staff::Operator(operator) => Self::Operator(operator),
            Staff::Admin(admin) => Self::Admin(admin),
        });
        staff.or_else(|| Customer::of(person, from).map(Self::Customer))
    }
}

impl Access {
    async fn denied(&self, person: Person, parts: &Parts) {
        if let Some(denials) = &self.denials {
            denials.note(person, parts).await;
        }
    }
}

async fn permit<P: Permission>(parts: &mut Parts, access: Access) -> Result<P, Problem> {
    let passage = Passage::taken_from(parts);
    let person = match access.person(&parts.headers).await {
        Ok(person) => person,
        Err(refusal) => return Err(refused(refusal, passage).await),
    };
    if let Some(passage) = passage {
        passage.by(person.user).await?;
    }
    if let Some(permitted) = P::of(person, ClientIp::of(parts)) {
        return Ok(permitted);
    }
    access.denied(person, parts).await;
    Err(Refusal::OtherRole.told())
}

/// Who has no token, or an old one, is honest; who tries one forged token after another is not told what is wrong with it.
async fn refused(refusal: Refusal, passage: Option<Passage>) -> Problem {
    if let (Refusal::Bad(_), Some(passage)) = (refusal, passage)
        && let Err(too_many) = passage.bad_token().await
    {
        return too_many.into();
    }
    refusal.told()
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

extractors!(Operator, Admin, Customer, Staff, User);
