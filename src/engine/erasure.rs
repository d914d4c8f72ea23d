//! Erasing a person from what the machine keeps: the bytes of events that name something of theirs, and words that a
//! provider repeated in an error. Rows, hashes and outcomes stay, so that a duplicate is known as one for ever.

use std::collections::HashSet;

use uuid::Uuid;

use super::Failure;
use super::work::Work;
use crate::tools::db::Db;

/// What stands where a personal word stood.
const ERASED: &str = "(erased at the request of the person it was about)";
/// How many events are looked through at a time.
const BATCH: i64 = 500;
/// A shorter word stands in too many texts by chance.
const SHORTEST: usize = 5;

/// How an event or an error names somebody.
#[derive(Debug, Clone, Default)]
pub struct Traces {
    /// Ids of what is theirs, at us and at providers.
    pub ids: HashSet<String>,
    /// Their name, addresses and numbers.
    pub words: Vec<String>,
}

impl Traces {
    /// Whether the bytes of an event name an id of theirs, or hold a word of theirs.
    fn are_in(&self, payload: &[u8]) -> bool {
        let is_id = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let mut tokens = payload
            .split(|byte| !is_id(byte))
            .filter(|token| !token.is_empty());
        tokens.any(|token| std::str::from_utf8(token).is_ok_and(|token| self.ids.contains(token))) || {
            let text = String::from_utf8_lossy(payload).to_lowercase();
            self.telling().any(|word| text.contains(&word.to_lowercase()))
        }
    }

    fn telling(&self) -> impl Iterator<Item = &String> {
        self.words.iter().filter(|word| word.chars().count() >= SHORTEST)
    }

    /// For `ilike`.
    pub fn patterns(&self) -> Vec<String> {
        let escaped = |word: &String| word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        self.telling()
            .map(|word| format!("%{}%", escaped(word)))
            .collect()
    }
}

/// Events that concern somebody and hold their bytes still.
#[derive(Debug, Clone, Default)]
pub struct Concerned {
    /// Those that are done, or wait for a person.
    pub done: Vec<Uuid>,
    /// Those that the queue is not done with, by the provider's id.
    pub underway: Vec<String>,
}

/// Looks through the inbox, without a transaction: it may be large.
pub async fn concerned(pool: &Db, traces: &Traces) -> Result<Concerned, Failure> {
    let mut found = Concerned::default();
    let mut after = Uuid::nil();
    loop {
        let rows = sqlx::query!(
            r#"select id, event_id, payload as "payload!", state in ('pending', 'processing', 'failed') as "underway!"
               from webhooks.events where id > $1 and payload is not null order by id limit $2"#,
            after,
            BATCH,
        );
        let rows = rows.fetch_all(pool).await?;
        let Some(last) = rows.last() else { return Ok(found) };
        after = last.id;
        for row in rows {
            if !traces.are_in(&row.payload) {
                continue;
            }
            if row.underway {
                found.underway.push(row.event_id);
            } else {
                found.done.push(row.id);
            }
        }
    }
}

/// Empties the bytes of those events, unless somebody handles them again just now; how many.
pub async fn empty(work: &mut Work, events: &[Uuid]) -> Result<u64, Failure> {
    let emptied = sqlx::query!(
        "update webhooks.events set payload = null
         where id = any($1) and payload is not null and state in ('processed', 'ignored', 'parked', 'dead')",
        events,
    );
    Ok(emptied.execute(work.connection()).await?.rows_affected())
}

/// Takes the place of reasons that hold a word of theirs: a mail server repeats whom it refuses. How many.
pub async fn forget_words(work: &mut Work, traces: &Traces) -> Result<u64, Failure> {
    let words = traces.patterns();
    let failures = sqlx::query!(
        "update engine.failures set error = $2 where error ilike any($1)",
        &words,
        ERASED
    );
    let jobs = sqlx::query!(
        "update engine.jobs set last_error = $2 where last_error ilike any($1)",
        &words,
        ERASED,
    );
    let events = sqlx::query!(
        "update webhooks.events set last_error = $2 where last_error ilike any($1)",
        &words,
        ERASED,
    );
    let mut forgotten = failures.execute(work.connection()).await?.rows_affected();
    forgotten += jobs.execute(work.connection()).await?.rows_affected();
    forgotten += events.execute(work.connection()).await?.rows_affected();
    Ok(forgotten)
}

/// Takes somebody's own words out of what jobs were asked with; `field` of those whose `about` is one of these. How many.
pub async fn forget_field(
    work: &mut Work,
    about: &str,
    these: &[String],
    field: &str,
) -> Result<u64, Failure> {
    let forgotten = sqlx::query!(
        "update engine.jobs set payload = payload - $3::text
         where payload ->> $1 = any($2) and payload ->> $3 is not null
           and state in ('processed', 'ignored', 'parked', 'dead')",
        about,
        these,
        field,
    );
    Ok(forgotten.execute(work.connection()).await?.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::Traces;

    #[test]
    fn an_event_is_theirs_by_a_whole_id_or_by_a_word() {
        let traces = Traces {
            ids: ["cus_1", "0b000000-0000-4000-8000-000000000001"]
                .map(str::to_owned)
                .into(),
            words: vec![
                "ana@example.com".to_owned(),
                "Ana".to_owned(),
                "100%_\\x".to_owned(),
            ],
        };
        for (payload, theirs) in [
            (r#"{"customer":"cus_1"}"#, true),
            (r#"{"customer":"cus_12"}"#, false),
            (r#"{"customer":"xcus_1"}"#, false),
            (r#"{"id":"0b000000-0000-4000-8000-000000000001"}"#, true),
            (r#"{"email":"ANA@example.com"}"#, true),
            // Too short to tell.
            (r#"{"name":"Ana"}"#, false),
            ("", false),
        ] {
            assert_eq!(traces.are_in(payload.as_bytes()), theirs, "{payload}");
        }
        assert!(!traces.are_in(&[0xff, 0xfe]));
        assert_eq!(traces.patterns(), ["%ana@example.com%", "%100\\%\\_\\\\x%"]);
    }
}
