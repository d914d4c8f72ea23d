//! Charts as SVG inside of the page: shapes with classes, coloured by the style sheet, and no script. Each says in words what
//! it shows; the page has the same numbers as a table beside it.

use svg::Document;
use svg::node::element::{Description, Group, Line, Rectangle, SVG, Text, Title};

/// A bar, and a paler one beside it to compare with.
#[derive(Debug, Clone)]
pub(super) struct Bar {
    /// What it is of.
    pub(super) name: String,
    /// How long it is.
    pub(super) value: i64,
    /// How long the paler one is.
    pub(super) beside: i64,
}

const WIDTH: i64 = 720;

/// Upright bars in the order of time, such as the hours of a day; narrow ones, each before its paler one.
pub(super) fn upright(title: &str, description: &str, bars: &[Bar]) -> String {
    const HEIGHT: i64 = 160;
    const FOOT: i64 = 20;
    let room = HEIGHT - FOOT - 12;
    let highest = highest(bars);
    let count = i64::try_from(bars.len()).unwrap_or(1).max(1);
    let step = (WIDTH / count).max(1);
    let mut chart = framed(title, description, HEIGHT);
    for (at, bar) in (0_i64..).zip(bars) {
        let left = at * step;
        let of = |value: i64, class: &str, left: i64, width: i64| {
            let height = scaled(value, highest, room);
            rectangle(left, HEIGHT - FOOT - height, width, height, class)
        };
        let mut group = Group::new()
            .add(Title::new(format!(
                "{}: {} (lo usual: {})",
                bar.name, bar.value, bar.beside
            )))
            .add(of(bar.beside, "usual", left + 1, (step - 2).max(1)))
            .add(of(bar.value, "bar", left + step / 4, (step / 2).max(1)));
        // Every third name fits.
        if at % 3 == 0 {
            group = group.add(text(&bar.name, left, HEIGHT - 5));
        }
        chart = chart.add(group);
    }
    let axis = Line::new()
        .set("class", "axis")
        .set("x1", 0)
        .set("y1", HEIGHT - FOOT)
        .set("x2", WIDTH)
        .set("y2", HEIGHT - FOOT);
    chart.add(axis).add(text(&highest.to_string(), 0, 10)).to_string()
}

/// Bars that lie, one under the other, each with its name and number.
pub(super) fn sideways(title: &str, description: &str, bars: &[Bar]) -> String {
    const ROW: i64 = 44;
    let highest = highest(bars);
    let rows = i64::try_from(bars.len()).unwrap_or(0);
    let mut chart = framed(title, description, rows * ROW);
    for (at, bar) in (0_i64..).zip(bars) {
        let top = at * ROW;
        let of = |value: i64, class: &str, top: i64, height: i64| {
            rectangle(0, top, scaled(value, highest, WIDTH), height, class)
        };
        let name = format!("{}: {} y {}", bar.name, bar.value, bar.beside);
        chart = chart.add(
            Group::new()
                .add(text(&name, 0, top + 12))
                .add(of(bar.value, "bar", top + 18, 12))
                .add(of(bar.beside, "usual", top + 30, 6)),
        );
    }
    chart.to_string()
}

fn framed(title: &str, description: &str, height: i64) -> SVG {
    Document::new()
        .set("class", "chart")
        .set("role", "img")
        .set("aria-label", title)
        .set("viewBox", (0, 0, WIDTH, height.max(1)))
        .add(Title::new(title))
        .add(Description::new().add(svg::node::Text::new(description)))
}

fn rectangle(left: i64, top: i64, width: i64, height: i64, class: &str) -> Rectangle {
    Rectangle::new()
        .set("class", class)
        .set("x", left)
        .set("y", top)
        .set("width", width)
        .set("height", height)
}

fn text(words: &str, left: i64, base: i64) -> Text {
    Text::new(words).set("x", left).set("y", base)
}

fn highest(bars: &[Bar]) -> i64 {
    let values = bars.iter().flat_map(|bar| [bar.value, bar.beside]);
    values.max().unwrap_or(0).max(1)
}

/// What is there at all is seen.
fn scaled(value: i64, highest: i64, room: i64) -> i64 {
    if value <= 0 {
        return 0;
    }
    let scaled = i128::from(value) * i128::from(room) / i128::from(highest.max(1));
    i64::try_from(scaled).unwrap_or(room).clamp(1, room)
}

#[cfg(test)]
mod tests {
    use super::{Bar, sideways, upright};

    fn bar(name: &str, value: i64, beside: i64) -> Bar {
        Bar {
            name: name.to_owned(),
            value,
            beside,
        }
    }

    #[test]
    fn what_is_text_stays_text_and_nothing_carries_a_style() {
        for chart in [upright, sideways] {
            let drawn = chart("<b>", "a & b", &[bar("<script>", 7, 3), bar("x", 0, i64::MAX)]);
            assert!(!drawn.contains("<script") && !drawn.contains("<b>"), "{drawn}");
            assert!(!drawn.contains("style") && !drawn.contains("fill"), "{drawn}");
            assert!(
                drawn.contains("role=\"img\"") && drawn.contains("a &amp; b"),
                "{drawn}"
            );
            roxmltree::Document::parse(&drawn).expect("XML");
        }
    }

    #[test]
    fn a_chart_of_nothing_is_drawn_too() {
        assert!(upright("t", "d", &[]).starts_with("<svg"));
        assert!(sideways("t", "d", &[]).starts_with("<svg"));
    }
}
