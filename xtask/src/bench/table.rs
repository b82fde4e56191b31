//! The one table that a run of benches prints: ratios, their ends, the target, and whether it is met.

use super::measure::Spread;

/// The wanted relation of a value to its bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// No bound; it is only reported.
    Reported,
}

/// The unit of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Ratio,
    Count,
    Milliseconds,
    Megabytes,
}

/// Characters of an error that fit into the small print.
const NOTE_CHARS_MAX: usize = 120;

/// One row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    what: String,
    value: Option<Spread>,
    unit: Unit,
    target: Target,
    note: String,
}

impl Row {
    /// A ratio.
    pub(super) fn ratio(what: impl Into<String>, value: Spread, target: Target) -> Self {
        Self { what: what.into(), value: Some(value), unit: Unit::Ratio, target, note: String::new() }
    }

    /// Another value than a ratio.
    pub(super) fn of(what: impl Into<String>, value: Spread, unit: Unit, target: Target) -> Self {
        Self { unit, ..Self::ratio(what, value, target) }
    }

    /// Something that could not be measured, and why.
    pub(super) fn missing(what: impl Into<String>, why: impl std::fmt::Display) -> Self {
        let note = why.to_string().lines().next().unwrap_or_default().chars().take(NOTE_CHARS_MAX).collect();
        Self { what: what.into(), value: None, unit: Unit::Ratio, target: Target::Reported, note }
    }

    /// With small print.
    #[must_use]
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Under another name.
    #[must_use]
    pub(super) fn named(mut self, what: impl Into<String>) -> Self {
        self.what = what.into();
        self
    }

    /// Reported only: there is no target.
    #[must_use]
    pub(super) fn told(mut self) -> Self {
        self.target = Target::Reported;
        self
    }

    fn is_met(&self) -> Option<bool> {
        match (self.target, self.value?.median) {
            (Target::AtLeast(limit), median) => Some(median >= limit),
            (Target::AtMost(limit), median) => Some(median <= limit),
            (Target::Reported, _) => None,
        }
    }

    fn cells(&self) -> [String; 6] {
        let number = |number| shown(number, self.unit);
        let (value, ends) = match self.value {
            None => ("not measured".to_owned(), String::new()),
            Some(spread) if spread.min == spread.max => (number(spread.median), String::new()),
            Some(spread) => (number(spread.median), format!("{}–{}", number(spread.min), number(spread.max))),
        };
        let target = match self.target {
            Target::AtLeast(limit) => format!("≥ {}", number(limit)),
            Target::AtMost(limit) => format!("≤ {}", number(limit)),
            Target::Reported => String::new(),
        };
        let met = self.is_met().map_or("", |met| if met { "yes" } else { "NO" });
        [self.what.clone(), value, ends, target, met.to_owned(), self.note.clone()]
    }
}

fn shown(number: f64, unit: Unit) -> String {
    match unit {
        Unit::Ratio => format!("{number:.2}x"),
        Unit::Count if number.fract() == 0.0 => format!("{number:.0}"),
        Unit::Count => format!("{number:.2}"),
        Unit::Milliseconds => format!("{number:.2} ms"),
        Unit::Megabytes => format!("{number:.1} MB"),
    }
}

/// The whole table as text, and below it how many targets are met.
pub(super) fn render(rows: &[Row]) -> String {
    let head = ["bench", "median", "min–max", "target", "met", "small print"].map(str::to_owned);
    let lines: Vec<[String; 6]> = std::iter::once(head).chain(rows.iter().map(Row::cells)).collect();
    let width = |column: usize| lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for cells in &lines {
        let mut line = String::new();
        for (column, cell) in cells.iter().enumerate() {
            let padding = " ".repeat(widths[column] - cell.chars().count());
            // Numbers stand right, words left.
            let padded = if matches!(column, 1..=3) { padding + cell } else { cell.clone() + &padding };
            line.push_str(&padded);
            line.push_str("  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    let judged: Vec<bool> = rows.iter().filter_map(Row::is_met).collect();
    let met = judged.iter().filter(|met| **met).count();
    let missing = rows.iter().filter(|row| row.value.is_none()).count();
    text.push_str(&format!("{met} of {} targets met, {missing} rows not measured\n", judged.len()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_say_whether_their_target_is_met() {
        let spread = Spread { median: 0.7, min: 0.65, max: 0.8 };
        let rows = [
            Row::ratio("a", spread, Target::AtLeast(0.6)).note("small"),
            Row::ratio("bb", spread, Target::AtMost(0.6)),
            Row::of("c", Spread::only(1_234.0), Unit::Count, Target::Reported),
            Row::missing("d", "no tool\nand a second line"),
        ];
        let text = render(&rows);
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[1].starts_with("a ") && lines[1].contains("0.70x  0.65x–0.80x  ≥ 0.60x  yes") && lines[1].ends_with("small"),
            "{text}"
        );
        assert!(lines[2].contains("≤ 0.60x  NO"), "{text}");
        assert!(lines[3].ends_with("1234"), "{text}");
        assert!(lines[4].ends_with("no tool"), "{text}");
        assert_eq!(lines[5], "1 of 2 targets met, 1 rows not measured");
    }
}
