//! Asking Stripe: how an object looks now, or what belongs to it. The answer is taken in as an event would be, and wins.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api::{ApiError, StripeApi};
use super::events;
use super::objects::Family;
use super::read::Object;
use super::told::Told;
use crate::engine::job::{Job, NewJob, Task};
use crate::engine::work::{Verdict, Work};
use crate::engine::{Engine, Failure};
use crate::ground::clock::Clock;

/// The kind of job that asks.
const KIND: &str = "preguntar_a_stripe";

/// A question to Stripe.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "question", rename_all = "snake_case")]
pub enum Question {
    /// How does this object look?
    Object {
        /// Its family.
        family: Family,
        /// Its id.
        id: String,
    },
    /// What is this payment for: which invoice, which Checkout Session?
    Purpose {
        /// The payment, `pi_…`.
        payment: String,
    },
    /// Which payment paid this invoice?
    Payment {
        /// The invoice, `in_…`.
        invoice: String,
    },
}

impl Question {
    /// How the object looks.
    pub fn about(family: Family, id: &str) -> Self {
        Self::Object {
            family,
            id: id.to_owned(),
        }
    }

    /// What the payment is for.
    pub fn purpose_of(payment: &str) -> Self {
        Self::Purpose {
            payment: payment.to_owned(),
        }
    }

    /// Which payment paid the invoice.
    pub fn payment_of(invoice: &str) -> Self {
        Self::Payment {
            invoice: invoice.to_owned(),
        }
    }

    /// Asks after the commit. What is looked for because it is missing is looked for once; how an object looks may
    /// change from question to question.
    pub fn ask(&self, work: &mut Work) -> Result<(), Failure> {
        let job = match self {
            Self::Object { .. } => NewJob::now(work, KIND, self)?,
            Self::Purpose { payment } => NewJob::once(work, KIND, payment, self)?,
            Self::Payment { invoice } => NewJob::once(work, KIND, invoice, self)?,
        };
        work.enqueue(job);
        Ok(())
    }

    /// Asks from outside of a unit of work, as a command does.
    pub async fn ask_now(&self, engine: &Engine) -> Result<(), Failure> {
        engine.request(KIND, self).await
    }
}

/// The job that asks.
pub struct Ask {
    api: Option<StripeApi>,
    clock: Clock,
}

/// What Stripe answered.
pub struct Answer {
    asked_at: DateTime<Utc>,
    objects: Vec<(Family, Value)>,
}

impl Ask {
    /// Without an API key every question is kept for a person.
    pub fn new(api: Option<StripeApi>, clock: Clock) -> Self {
        Self { api, clock }
    }

    async fn objects(&self, question: &Question) -> Result<Vec<(Family, Value)>, Failure> {
        let no_key = || Failure::Park("STRIPE_SECRET_KEY is not set, so Stripe cannot be asked".to_owned());
        let api = self.api.as_ref().ok_or_else(no_key)?;
        let of =
            |family: Family, objects: Vec<Value>| objects.into_iter().map(move |object| (family, object));
        match question {
            Question::Object { family, id } => match api.retrieve(family.path(), id).await {
                Ok(object) => Ok(vec![(*family, object)]),
                Err(ApiError::Missing) => Ok(Vec::new()),
                Err(error) => Err(error.into()),
            },
            Question::Purpose { payment } => {
                let links = of(
                    Family::InvoicePayment,
                    api.invoice_payments_of_payment(payment).await?,
                );
                let sessions = of(
                    Family::CheckoutSession,
                    api.checkout_sessions_of_payment(payment).await?,
                );
                Ok(links.chain(sessions).collect())
            }
            Question::Payment { invoice } => {
                let links = api.invoice_payments_of_invoice(invoice).await?;
                Ok(of(Family::InvoicePayment, links).collect())
            }
        }
    }
}

impl Job for Ask {
    type Done = Answer;

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, task: &Task) -> Result<Answer, Failure> {
        let asked_at = self.clock.now();
        let objects = self.objects(&question(task)?).await?;
        Ok(Answer { asked_at, objects })
    }

    async fn record(&self, task: &Task, answer: Answer, work: &mut Work) -> Result<(), Failure> {
        let told = Told::by_answer(answer.asked_at);
        for (family, object) in &answer.objects {
            events::take_in(*family, Object::at(object, "")?, &told, work).await?;
        }
        match question(task)? {
            Question::Object { family, id } if answer.objects.is_empty() => {
                work.end(Verdict::Ignored(format!("Stripe knows no {family} {id}")));
                Ok(())
            }
            Question::Object { .. } => Ok(()),
            Question::Purpose { payment } => events::purpose_answered(&payment, work).await,
            Question::Payment { invoice } => events::payment_answered(&invoice, work).await,
        }
    }
}

fn question(task: &Task) -> Result<Question, Failure> {
    serde_json::from_value(task.payload.clone())
        .map_err(|error| Failure::Park(format!("the question cannot be read: {error}")))
}
