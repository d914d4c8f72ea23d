//! One run of a story: its events in some order, some of them twice, in some shapes, and Stripe asked at some moments.

use chrono::{DateTime, TimeDelta, Utc};
use onlycar::engine::Failure;
use onlycar::engine::job::Task;
use onlycar::engine::source::Event;
use serde_json::Value;
use uuid::Uuid;

use super::lane::{Answer, Delivery, Lane};
use super::rows;
use super::story::{Story, TOKEN};

/// When the events come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// Each as soon as it may: Stripe shows what it knew by then.
    Live,
    /// All of them moments after the story's end.
    Near,
    /// All of them long after it.
    Late,
}

/// When Stripe is asked, and when its answers are written down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asking {
    /// At once.
    Promptly,
    /// At once, and written down after the next event: it may have been overtaken.
    Slowly,
    /// After all events.
    Last,
}

/// Which events happened within one second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tie {
    None,
    /// This one and the next.
    Pair(usize),
    All,
}

#[derive(Clone, Debug)]
pub struct Plan {
    /// The steps as they come; a step that comes again is handled again.
    pub order: Vec<usize>,
    /// Which steps come in the shape of before basil.
    pub old: Vec<bool>,
    pub tie: Tie,
    pub arrival: Arrival,
    pub asking: Asking,
}

impl Plan {
    /// As it happened, when it happened, each once.
    pub fn orderly(story: &Story, old: Vec<bool>, tie: Tie) -> Self {
        Self {
            order: (0..story.steps.len()).collect(),
            old,
            tie,
            arrival: Arrival::Live,
            asking: Asking::Promptly,
        }
    }
}

/// A story as a run tells it: with its own ids, times and shapes.
pub struct Telling {
    pub token: String,
    pub events: Vec<Event>,
    /// In the newest shape: what Stripe shows when it is asked.
    pub objects: Vec<Value>,
    times: Vec<DateTime<Utc>>,
}

impl Telling {
    pub fn new(story: &Story, plan: &Plan, number: u64) -> Self {
        let token = format!("{number:012x}");
        let times = times(story, plan.tie);
        let tell = |event: &Value, at: &DateTime<Utc>| {
            let mut event = event.clone();
            event["created"] = at.timestamp().into();
            event.to_string().replace(TOKEN, &token)
        };
        let steps = story.steps.iter().zip(&times);
        let objects = steps
            .clone()
            .map(|(step, at)| serde_json::from_str(&tell(&step.new, at)).unwrap());
        let events = steps.zip(&plan.old).map(|((step, at), old)| Event {
            event_id: step.new["id"].as_str().unwrap().replace(TOKEN, &token),
            event_type: step.kind().to_owned(),
            occurred_at: *at,
            payload: tell(if *old { &step.old } else { &step.new }, at).into_bytes(),
        });
        Self {
            events: events.collect(),
            objects: objects.collect(),
            times,
            token,
        }
    }
}

fn times(story: &Story, tie: Tie) -> Vec<DateTime<Utc>> {
    let mut times: Vec<DateTime<Utc>> = story.steps.iter().map(|step| step.at).collect();
    match tie {
        Tie::None => {}
        Tie::Pair(first) => times[first + 1] = times[first],
        Tie::All => {
            let first = times[0];
            times.fill(first);
        }
    }
    times
}

/// What a run ended in.
pub struct Ending {
    pub rows: Value,
    pub questions: usize,
}

/// A run under way.
pub struct Run<'r> {
    lane: &'r Lane,
    story: &'r Story,
    plan: &'r Plan,
    pub telling: Telling,
    /// How many steps Stripe knows of.
    known: usize,
    now: DateTime<Utc>,
    slow: Vec<(Task, Answer)>,
    questions: usize,
}

impl<'r> Run<'r> {
    pub async fn begin(lane: &'r Lane, story: &'r Story, plan: &'r Plan, number: u64) -> Run<'r> {
        let telling = Telling::new(story, plan, number);
        let rows = sqlx::AssertSqlSafe(story.rows.replace(TOKEN, &telling.token));
        sqlx::raw_sql(rows).execute(&lane.pool).await.unwrap();
        let end = *telling.times.last().unwrap();
        let now = match plan.arrival {
            Arrival::Live => telling.times[0],
            Arrival::Near => end + TimeDelta::seconds(2),
            Arrival::Late => end + TimeDelta::hours(2),
        };
        Self {
            lane,
            story,
            plan,
            telling,
            known: 0,
            now,
            slow: Vec::new(),
            questions: 0,
        }
    }

    /// The whole of it.
    pub async fn tell(mut self, ids: &[String]) -> Ending {
        let order: Vec<Event> = self
            .plan
            .order
            .iter()
            .map(|step| self.telling.events[*step].clone())
            .collect();
        let deliveries = self.lane.keep(order).await;
        let rows: Vec<Uuid> = deliveries.iter().map(|delivery| delivery.row).collect();
        for delivery in &deliveries {
            self.pass_time(delivery);
            self.handle(delivery).await;
            let slow = std::mem::take(&mut self.slow);
            self.write_down(slow).await;
            match self.plan.asking {
                Asking::Promptly => self.ask(&rows).await,
                Asking::Slowly => self.ask_slowly(&rows).await,
                Asking::Last => {}
            }
        }
        let slow = std::mem::take(&mut self.slow);
        self.write_down(slow).await;
        self.ask(&rows).await;
        Ending {
            rows: rows::of(&self.lane.pool, ids, &self.telling.token).await,
            questions: self.questions,
        }
    }

    /// A moment later, and not before the event; by then Stripe knows of all that happened.
    fn pass_time(&mut self, delivery: &Delivery) {
        self.now = (self.now + TimeDelta::milliseconds(50)).max(delivery.event.occurred_at);
        self.lane.set_time(self.now);
        while self.known < self.story.steps.len() && self.telling.times[self.known] <= self.now {
            self.lane.happened(&self.telling.objects[self.known]);
            self.known += 1;
        }
    }

    fn tick(&mut self) {
        self.now += TimeDelta::milliseconds(5);
        self.lane.set_time(self.now);
    }

    async fn handle(&self, delivery: &Delivery) {
        match self.lane.handle(delivery, 1).await {
            Ok(()) | Err(Failure::Park(_)) => {}
            Err(failure) => panic!("{}: {}: {failure}", self.story.name, delivery.event.event_type),
        }
    }

    async fn ask_slowly(&mut self, rows: &[Uuid]) {
        for task in self.lane.questions(rows).await {
            self.tick();
            let answer = self.lane.act(&task).await;
            self.slow.push((task, answer));
        }
    }

    /// Until no question is left.
    async fn ask(&mut self, rows: &[Uuid]) {
        loop {
            self.ask_slowly(rows).await;
            let answers = std::mem::take(&mut self.slow);
            if answers.is_empty() {
                return;
            }
            self.write_down(answers).await;
        }
    }

    async fn write_down(&mut self, answers: Vec<(Task, Answer)>) {
        for (task, answer) in answers {
            self.tick();
            self.questions += 1;
            assert!(
                self.questions < 500,
                "{}: no end of questions: {:?}",
                self.story.name,
                self.plan
            );
            let recorded = self.lane.record(&task, answer, 1).await;
            recorded.unwrap_or_else(|failure| panic!("{}: {failure}", self.story.name));
        }
    }
}
