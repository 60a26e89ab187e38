//! The figures, and their three forms: columns for the terminal, a table in Markdown, one JSON object.
//!
//! A figure that could not be measured stays in its place and says why.

use serde_json::{Map, Value, json};

use super::machine::Machine;
use crate::printer::Printer;

/// One number.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    /// Its name for programs.
    key: String,
    label: String,
    unit: &'static str,
    measured: Result<f64, String>,
    target: Option<Target>,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    AtMost(f64),
    AtLeast(f64),
}

impl Target {
    fn is_met(self, value: f64) -> bool {
        // what is shown is what counts
        let value = (value * 100.0).round() / 100.0;
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtMost(most) => format!("≤ {}", short(most)),
            Self::AtLeast(least) => format!("≥ {}", short(least)),
        }
    }
}

impl Figure {
    pub(super) fn new(key: impl Into<String>, label: impl Into<String>, unit: &'static str, value: f64) -> Self {
        Self { key: key.into(), label: label.into(), unit, measured: Ok(value), target: None }
    }

    pub(super) fn missing(
        key: impl Into<String>,
        label: impl Into<String>,
        unit: &'static str,
        why: impl Into<String>,
    ) -> Self {
        Self { key: key.into(), label: label.into(), unit, measured: Err(why.into()), target: None }
    }

    #[must_use]
    pub(super) fn should_be(self, target: Target) -> Self {
        Self { target: Some(target), ..self }
    }

    fn value_text(&self) -> String {
        match &self.measured {
            Ok(value) => short(*value),
            Err(why) => format!("not measured: {why}"),
        }
    }

    fn verdict(&self) -> Option<bool> {
        Some(self.target?.is_met(*self.measured.as_ref().ok()?))
    }

    fn cells(&self) -> [String; 5] {
        let target = self.target.map(Target::text).unwrap_or_default();
        let verdict = self.verdict().map_or("", |is_met| if is_met { "met" } else { "missed" });
        [self.label.clone(), self.value_text(), self.unit.to_owned(), target, verdict.to_owned()]
    }

    fn to_json(&self) -> Value {
        let (value, why) = match &self.measured {
            Ok(value) => (json!(value), Value::Null),
            Err(why) => (Value::Null, json!(why)),
        };
        json!({
            "label": self.label,
            "value": value,
            "unit": self.unit,
            "target": self.target.map(Target::text),
            "met": self.verdict(),
            "not_measured": why,
        })
    }
}

/// A number with as many digits as mean something, and thousands apart.
fn short(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    let (whole, fraction) =
        text.split_once('.').map_or((text.as_str(), None), |(whole, fraction)| (whole, Some(fraction)));
    let digits = whole.len();
    let mut apart = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (digits - index).is_multiple_of(3) && !apart.ends_with('-') {
            apart.push(',');
        }
        apart.push(digit);
    }
    fraction.map_or(apart.clone(), |fraction| format!("{apart}.{fraction}"))
}

/// Figures that were measured together.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) title: String,
    pub(super) figures: Vec<Figure>,
    pub(super) notes: Vec<String>,
}

const HEADINGS: [&str; 5] = ["figure", "value", "unit", "target", ""];

impl Part {
    /// As columns.
    pub(super) fn print(&self, printer: &Printer) {
        printer.line(format!("\n{}", self.title));
        let rows = self.figures.iter().map(|figure| {
            let mut cells = figure.cells();
            cells[0].insert_str(0, "  ");
            cells.to_vec()
        });
        printer.table(&rows.collect::<Vec<_>>());
        for note in &self.notes {
            printer.line(format!("  note: {note}"));
        }
    }
}

/// Everything, as one table in Markdown.
pub(super) fn print_markdown(machine: &Machine, parts: &[Part], printer: &Printer) {
    for (name, value) in &machine.0 {
        printer.line(format!("- {name}: {value}"));
    }
    printer.line(format!("\n| {} |", HEADINGS.join(" | ")));
    printer.line("|---|---:|---|---|---|");
    for part in parts {
        printer.line(format!("| **{}** | | | | |", part.title));
        for figure in &part.figures {
            printer.line(format!("| {} |", figure.cells().join(" | ")));
        }
    }
    printer.line("");
    for note in parts.iter().flat_map(|part| &part.notes) {
        printer.line(format!("- {note}"));
    }
}

/// Everything, as one JSON object.
pub(super) fn print_json(machine: &Machine, parts: &[Part], printer: &Printer) {
    let machine: Map<String, Value> =
        machine.0.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let parts = parts.iter().map(|part| {
        let figures: Map<String, Value> =
            part.figures.iter().map(|figure| (figure.key.clone(), figure.to_json())).collect();
        (part.name.to_owned(), json!({ "title": part.title, "figures": figures, "notes": part.notes }))
    });
    let parts: Map<String, Value> = parts.collect();
    printer.json(&json!({ "machine": machine, "parts": parts }));
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "nothing here is counted beyond 2^52")]
pub(super) fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_matter() {
        let shown = [0.0, 0.123, 1.0, 9.876, 12.34, 100.0, 999.6, 1_234.5, 1_234_567.0, -123_456.7].map(short);
        assert_eq!(shown, ["0", "0.12", "1", "9.88", "12.3", "100", "1,000", "1,234", "1,234,567", "-123,457"]);
    }

    #[test]
    fn targets_are_judged_by_what_is_shown() {
        let figure = |value| Figure::new("x", "x", "ms", value).should_be(Target::AtMost(1.0));
        assert_eq!([0.9, 1.004, 1.006].map(|value| figure(value).verdict()), [Some(true), Some(true), Some(false)]);
        assert_eq!(Figure::new("x", "x", "ms", 3.0).should_be(Target::AtLeast(3.0)).verdict(), Some(true));
        assert_eq!(Figure::new("x", "x", "ms", 3.0).verdict(), None);
    }

    #[test]
    fn what_was_not_measured_says_why() {
        let figure = Figure::missing("x", "x", "ms", "no tool").should_be(Target::AtMost(1.0));
        assert_eq!(figure.cells().join("|"), "x|not measured: no tool|ms|≤ 1|");
        assert_eq!(figure.to_json()["not_measured"], "no tool");
        assert_eq!(figure.to_json()["value"], Value::Null);
    }
}
