//! A provider's retries while somebody else floods the same door from the same address.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};

use super::{TIGHT, app};
use crate::receive::{stored, told, unhandled};

const EVENTS: usize = 1000;
/// Bad ones per honest one.
const BAD: usize = 2;

#[tokio::test]
async fn no_honest_event_is_refused_in_a_flood_from_its_own_address() {
    let app = app(&[], TIGHT).await;
    let place = &app;
    // Each event comes twice, as in a storm of retries, with bad ones between.
    let honest = (0..2 * EVENTS).map(|n| (true, n % EVENTS));
    let all = honest.flat_map(|it| std::iter::once(it).chain((0..BAD).map(|n| (false, n))));
    let answers = stream::iter(all).map(|(is_honest, n)| async move {
        let body = unhandled(&n.to_string());
        let answer = if is_honest {
            place.post_signed(body).await
        } else {
            place.post("t=1,v1=00", body).await
        };
        let wait = answer.headers().get("retry-after").cloned();
        (is_honest, told(answer).await, wait)
    });
    let answers: Vec<_> = answers.buffer_unordered(64).collect().await;
    let mut counted = BTreeMap::new();
    for (is_honest, (status, text), wait) in answers {
        *counted.entry((is_honest, status)).or_insert(0) += 1;
        if status == 429 {
            assert_eq!(text, "Webhook Error: too many refused requests; wait 60 s");
            assert_eq!(wait.unwrap(), "60");
        }
    }
    let expected = [
        ((false, 400), 2),
        ((false, 429), 2 * EVENTS * BAD - 2),
        ((true, 200), 2 * EVENTS),
    ];
    assert_eq!(counted, BTreeMap::from(expected));
    assert_eq!(stored(&app).await, i64::try_from(EVENTS).unwrap());
    app.finish().await;
}
