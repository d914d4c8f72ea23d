//! Words for the pages: dates as Mexico writes them, and the links in a text.

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::America::Mexico_City;

const MONTHS: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];

/// `22 de noviembre de 2026, 14:05 h`, in Mexico City.
pub(super) fn date(time: DateTime<Utc>) -> String {
    let local = time.with_timezone(&Mexico_City);
    let month = usize::try_from(local.month0())
        .ok()
        .and_then(|month| MONTHS.get(month));
    let month = month.copied().unwrap_or_default();
    format!(
        "{} de {month} de {}, {} h",
        local.day(),
        local.year(),
        local.format("%H:%M")
    )
}

/// A stretch of text, a link or not.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Segment<'a> {
    pub(super) text: &'a str,
    pub(super) link: bool,
}

/// Splits a text at its web addresses.
pub(super) fn segments(text: &str) -> Vec<Segment<'_>> {
    let mut segments = Vec::new();
    let mut rest = text;
    while let Some(start) = next_address(rest) {
        let (before, from) = rest.split_at(start);
        let end = from
            .find(|c: char| c.is_whitespace() || "<>\"".contains(c))
            .unwrap_or(from.len());
        let (address, _) = from.split_at(end);
        let address = address.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '\'']);
        let (_, after) = from.split_at(address.len());
        segments.push(Segment {
            text: before,
            link: false,
        });
        segments.push(Segment {
            text: address,
            link: true,
        });
        rest = after;
    }
    segments.push(Segment {
        text: rest,
        link: false,
    });
    segments.retain(|segment| !segment.text.is_empty());
    segments
}

fn next_address(text: &str) -> Option<usize> {
    let schemes = ["https://", "http://"];
    schemes.iter().filter_map(|scheme| text.find(scheme)).min()
}

#[cfg(test)]
mod tests {
    use super::{Segment, date, segments};
    use chrono::DateTime;

    #[test]
    fn dates_are_written_in_mexico_city() {
        let time = DateTime::from_timestamp(1_795_320_300, 0).unwrap();
        assert_eq!(date(time), "21 de noviembre de 2026, 22:05 h");
    }

    #[test]
    fn addresses_become_links() {
        let link = |text| Segment { text, link: true };
        let plain = |text| Segment { text, link: false };
        let found = segments("Ver (https://a.mx/x?y=1&z=ñ), o http://b.mx.\nFin");
        let expected = [
            plain("Ver ("),
            link("https://a.mx/x?y=1&z=ñ"),
            plain("), o "),
            link("http://b.mx"),
            plain(".\nFin"),
        ];
        assert_eq!(found, expected);
        assert_eq!(segments("javascript://x"), [plain("javascript://x")]);
        assert_eq!(segments("https:// x"), [link("https://"), plain(" x")]);
    }
}
