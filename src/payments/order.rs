//! Which of two versions of an object is the newer one, and when only Stripe can say.
//!
//! Stripe delivers in any order, more than once, and its times have whole seconds. So every kept row knows its
//! version, and what is told about it is judged against that. The judgement without asking is a total order: whatever
//! the order of arrival, the same version is kept. Where that order is a guess, Stripe is asked, and its answer wins.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How far an object has come in its life. From [`SETTLED`] on it is final.
pub type Rank = i16;

/// The first final rank.
pub const SETTLED: Rank = 90;

/// Our clock and Stripe's differ by less than this: a signature that is older or younger is refused.
const SKEW: TimeDelta = TimeDelta::seconds(300);

/// What is known of a version of an object, its content aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// How far it had come.
    pub rank: Rank,
    /// When it looked like this: the event's time by Stripe's clock, or by ours when we asked.
    pub as_of: DateTime<Utc>,
    /// Whether it is Stripe's answer to a question of ours.
    pub asked: bool,
    /// Over the content.
    pub digest: String,
}

/// What becomes of a version that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// It takes the place of the one that is kept.
    pub write: bool,
    /// Stripe has to be asked how the object looks.
    pub ask: bool,
}

const KEEP: Judgement = Judgement {
    write: false,
    ask: false,
};

/// Judges what an event tells against what is kept.
pub fn judge(kept: &Version, told: &Version) -> Judgement {
    let near = (told.as_of - kept.as_of).abs() <= SKEW;
    if kept.asked && near && told.digest == kept.digest {
        return KEEP;
    }
    if kept.asked && !near && told.as_of < kept.as_of {
        return KEEP; // the answer knew it
    }
    Judgement {
        write: key(told) > key(kept),
        ask: told.digest != kept.digest && ((kept.asked && near) || unsure(kept, told)),
    }
}

/// Judges Stripe's answer against what is kept since `written_at`. What was written after the question was asked may
/// be newer than the answer: then the question is asked again.
pub fn judge_answer(kept: &Version, written_at: DateTime<Utc>, answer: &Version) -> Judgement {
    if kept.asked && kept.as_of > answer.as_of {
        return KEEP;
    }
    let overtaken = written_at > answer.as_of && kept.digest != answer.digest;
    Judgement {
        write: !overtaken,
        ask: overtaken,
    }
}

/// The order of versions as long as nobody was asked: what is settled, then the later, then the further, then any
/// order at all that is the same for everybody.
fn key(version: &Version) -> (Rank, DateTime<Utc>, Rank, &str) {
    let settled = if version.rank >= SETTLED { version.rank } else { 0 };
    (settled, version.as_of, version.rank, &version.digest)
}

/// Whether that order is a guess: two versions of one second, neither of them final alone, or an object that went
/// back.
fn unsure(a: &Version, b: &Version) -> bool {
    if a.as_of == b.as_of {
        return (a.rank >= SETTLED) == (b.rank >= SETTLED);
    }
    let (earlier, later) = if a.as_of < b.as_of { (a, b) } else { (b, a) };
    later.rank < earlier.rank
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + second, 0).expect("a time")
    }

    fn told(rank: Rank, second: i64, digest: &str) -> Version {
        Version {
            rank,
            as_of: at(second),
            asked: false,
            digest: digest.to_owned(),
        }
    }

    fn judged(write: bool, ask: bool) -> Judgement {
        Judgement { write, ask }
    }

    #[test]
    fn what_moves_forward_is_written_and_what_is_behind_is_not() {
        assert_eq!(judge(&told(10, 0, "a"), &told(30, 1, "b")), judged(true, false));
        assert_eq!(judge(&told(30, 1, "b"), &told(10, 0, "a")), judged(false, false));
    }

    #[test]
    fn what_is_final_wins_within_a_second_without_a_question() {
        assert_eq!(judge(&told(10, 0, "a"), &told(100, 0, "b")), judged(true, false));
        assert_eq!(judge(&told(100, 0, "b"), &told(10, 0, "a")), judged(false, false));
    }

    #[test]
    fn a_tie_and_a_regression_are_asked() {
        assert_eq!(judge(&told(50, 0, "a"), &told(50, 0, "b")), judged(true, true));
        assert_eq!(judge(&told(50, 0, "b"), &told(50, 0, "a")), judged(false, true));
        assert_eq!(judge(&told(30, 0, "a"), &told(10, 5, "b")), judged(true, true));
        assert_eq!(judge(&told(100, 0, "a"), &told(10, 5, "b")), judged(false, true));
    }

    #[test]
    fn an_answer_wins_over_what_was_known_when_it_was_asked_for() {
        let answer = Version {
            asked: true,
            ..told(10, 400, "b")
        };
        assert_eq!(
            judge_answer(&told(50, 100, "a"), at(399), &answer),
            judged(true, false)
        );
        assert_eq!(
            judge_answer(&told(50, 401, "a"), at(401), &answer),
            judged(false, true)
        );
        assert_eq!(judge(&answer, &told(100, 0, "old")), judged(false, false));
        assert_eq!(judge(&answer, &told(50, 402, "c")), judged(true, true));
        assert_eq!(judge(&answer, &told(50, 900, "c")), judged(true, false));
    }

    proptest! {
        #[test]
        fn the_guess_does_not_depend_on_the_order(
            versions in proptest::collection::vec((0..4_i16, 0..3_i64, "[a-c]"), 1..7),
        ) {
            let ranks = [10, 50, 90, 100];
            let versions: Vec<Version> = versions
                .iter()
                .map(|(rank, second, digest)| told(ranks[usize::try_from(*rank).unwrap_or(0)], *second, digest))
                .collect();
            let fold = |order: &mut dyn Iterator<Item = &Version>| {
                let mut kept = order.next().expect("one").clone();
                for version in order {
                    if judge(&kept, version).write {
                        kept = version.clone();
                    }
                }
                kept
            };
            let last = fold(&mut versions.iter());
            prop_assert_eq!(&fold(&mut versions.iter().rev()), &last);
            prop_assert!(versions.iter().all(|version| key(version) <= key(&last)));
        }

        #[test]
        fn whether_to_ask_does_not_depend_on_who_came_first(
            a in (0..4_i16, 0..3_i64, "[a-c]"), b in (0..4_i16, 0..3_i64, "[a-c]"),
        ) {
            let ranks = [10, 50, 90, 100];
            let of = |(rank, second, digest): &(i16, i64, String)| {
                told(ranks[usize::try_from(*rank).unwrap_or(0)], *second, digest)
            };
            prop_assert_eq!(judge(&of(&a), &of(&b)).ask, judge(&of(&b), &of(&a)).ask);
        }
    }
}
