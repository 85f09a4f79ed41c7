//! The figures, as a table and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use crate::bars::Bar;
use crate::chart::Chart;
use crate::machine::Machine;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    /// Where the column of peers comes from.
    peers: &'static str,
    figures: Vec<Figure>,
    #[serde(skip)]
    pub(crate) charts: Vec<(&'static str, Chart)>,
}

/// One figure.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) scenario: &'static str,
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bar: Option<Bar>,
    #[serde(skip_serializing_if = "Option::is_none")]
    met: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peers: Option<&'static str>,
}

/// Figures of one scenario.
pub(crate) struct Section<'a> {
    name: &'static str,
    figures: &'a mut Vec<Figure>,
}

impl Report {
    pub(crate) fn new(machine: Machine) -> Self {
        Self {
            machine,
            peers: "measured elsewhere, see docs/performance.md",
            figures: Vec::new(),
            charts: Vec::new(),
        }
    }

    /// A section for a scenario during which others kept so many processors busy.
    pub(crate) fn scenario(&mut self, name: &'static str, others: f64) -> Section<'_> {
        let mut section = Section { name, figures: &mut self.figures };
        section.put("processors that others kept busy", others, "");
        section
    }

    /// Every figure.
    pub(crate) fn figures(&self) -> &[Figure] {
        &self.figures
    }

    /// Figures that miss their bar, in words.
    pub(crate) fn missed(&self) -> impl Iterator<Item = String> + '_ {
        let missed = self.figures.iter().filter(|figure| figure.met == Some(false));
        missed.map(|figure| format!("{} {}", figure.scenario, figure.name))
    }

    /// The machine and its limits.
    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// A table to be read in a terminal.
    pub(crate) fn table(&self) -> String {
        let header =
            ["", "", "measured", "", "bar", "met", "peers (measured elsewhere, see docs/performance.md)"];
        let mut rows = vec![header.map(str::to_owned)];
        for figure in &self.figures {
            let bar = |bar: &Bar| format!("{} {}", if bar.at_most { "<=" } else { ">=" }, digits(bar.limit));
            rows.push([
                figure.scenario.to_owned(),
                figure.name.clone(),
                digits(figure.value),
                figure.unit.to_owned(),
                figure.bar.as_ref().map(bar).unwrap_or_default(),
                figure.met.map_or("", |met| if met { "yes" } else { "NO" }).to_owned(),
                figure.peers.unwrap_or_default().to_owned(),
            ]);
        }
        format!("{}\n{}", self.machine.lines(), columns(&rows))
    }
}

/// Rows below each other; the third column holds numbers.
pub(crate) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            // Numbers stand below each other.
            let _ =
                if column == 2 { write!(line, "{cell:>width$}  ") } else { write!(line, "{cell:<width$}  ") };
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

impl Section<'_> {
    pub(crate) fn put(&mut self, name: &str, value: f64, unit: &'static str) -> &mut Figure {
        let name = name.to_owned();
        let figure = Figure { scenario: self.name, name, value, unit, bar: None, met: None, peers: None };
        self.figures.push(figure);
        let last = self.figures.len() - 1;
        &mut self.figures[last]
    }
}

impl Figure {
    /// What it must reach.
    pub(crate) fn bar(&mut self, bar: Bar) -> &mut Self {
        self.met = Some(bar.is_met(self.value));
        self.bar = Some(bar);
        self
    }

    /// What others reached.
    pub(crate) fn peers(&mut self, peers: &'static str) -> &mut Self {
        self.peers = Some(peers);
        self
    }
}

/// A number with about three digits that count.
pub(crate) fn digits(value: f64) -> String {
    match value.abs() {
        n if n >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        n if n >= 10.0 => format!("{value:.1}"),
        n if n >= 1.0 => format!("{value:.2}"),
        n if n >= 0.01 => format!("{value:.3}"),
        _ => format!("{value:.5}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        let written = [12_345.6, 42.0, 12.34, 1.234, 0.1234, 0.001_234].map(digits);
        assert_eq!(written, ["12346", "42", "12.3", "1.23", "0.123", "0.00123"]);
    }

    #[test]
    fn a_missed_bar_is_seen() {
        let mut figures = Vec::new();
        let mut section = Section { name: "S1", figures: &mut figures };
        section.put("rate", 9.0, "/s").bar(Bar { limit: 10.0, at_most: false });
        section.put("cost", 9.0, "s").bar(Bar { limit: 10.0, at_most: true });
        assert_eq!(figures.iter().map(|f| f.met).collect::<Vec<_>>(), [Some(false), Some(true)]);
    }
}
