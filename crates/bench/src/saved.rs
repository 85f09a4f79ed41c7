//! Figures of an earlier run, and what became of them.
//!
//! Runs differ by the machine and its day, so what is said is ratios, with those of the machine's own limits beside
//! them.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::report::{Figure, Report, columns, digits};

/// A file that `--json` wrote, as far as it is compared.
#[derive(Debug, Deserialize)]
pub(crate) struct Saved {
    machine: Value,
    figures: Vec<SavedFigure>,
}

#[derive(Debug, Deserialize)]
struct SavedFigure {
    scenario: String,
    name: String,
    value: f64,
}

/// What a comparison found.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// To be read in a terminal.
    pub(crate) table: String,
    /// Figures that are worse than is allowed, or gone.
    pub(crate) worse: usize,
}

/// What is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Better {
    Less,
    More,
    /// A circumstance, not a result.
    Neither,
}

impl Better {
    fn of(figure: &Figure) -> Self {
        match (&figure.bar, figure.unit) {
            (Some(bar), _) if !bar.at_most => Self::More,
            (None, unit) if unit.ends_with("/s") => Self::More,
            (None, "") => Self::Neither,
            // Of a distribution's end one message decides: that is chance.
            (None, _) if figure.name.ends_with("max") || figure.name.contains("generator") => Self::Neither,
            _ => Self::Less,
        }
    }
}

impl Saved {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is not what --json writes", path.display()))
    }

    /// Sets a run beside this one; a figure may be so many per cent worse.
    pub(crate) fn compare(&self, now: &Report, tolerance: f64) -> Result<Comparison> {
        let mut rows = vec![["", "", "now", "before", "ratio", ""].map(str::to_owned)];
        if let Value::Object(limits) = serde_json::to_value(now.machine())? {
            for (name, value) in limits.iter().filter(|(name, _)| name.ends_with("_us")) {
                if let (Some(now), Some(before)) = (value.as_f64(), self.machine[name].as_f64()) {
                    rows.push(row("machine", name, Some(now), Some(before), ""));
                }
            }
        }
        let mut worse = 0;
        for figure in now.figures() {
            let same = |old: &&SavedFigure| old.scenario == figure.scenario && old.name == figure.name;
            let Some(before) = self.figures.iter().find(same) else {
                rows.push(row(figure.scenario, &figure.name, Some(figure.value), None, "new"));
                continue;
            };
            let more = 1.0 + tolerance / 100.0;
            let is_worse = match Better::of(figure) {
                Better::Less => figure.value > before.value * more,
                Better::More => figure.value * more < before.value,
                Better::Neither => false,
            };
            worse += usize::from(is_worse);
            let verdict = if is_worse { "WORSE" } else { "" };
            rows.push(row(figure.scenario, &figure.name, Some(figure.value), Some(before.value), verdict));
        }
        // Of a scenario that was run, a figure that is not there any more hides something.
        let ran = |old: &&SavedFigure| now.figures().iter().any(|figure| figure.scenario == old.scenario);
        for old in self.figures.iter().filter(ran) {
            if !now.figures().iter().any(|f| f.scenario == old.scenario && f.name == old.name) {
                worse += 1;
                rows.push(row(&old.scenario, &old.name, None, Some(old.value), "GONE"));
            }
        }
        Ok(Comparison { table: columns(&rows), worse })
    }
}

fn row(scenario: &str, name: &str, now: Option<f64>, before: Option<f64>, verdict: &str) -> [String; 6] {
    let ratio =
        now.zip(before.filter(|before| *before != 0.0)).map(|(now, before)| format!("{:.2}", now / before));
    let [now, before] = [now, before].map(|value| value.map(digits).unwrap_or_default());
    [scenario.to_owned(), name.to_owned(), now, before, ratio.unwrap_or_default(), verdict.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::Bar;
    use crate::machine::Machine;

    #[test]
    fn what_is_worse_is_flagged_whichever_way_worse_is() {
        let saved: Saved = serde_json::from_value(serde_json::json!({
            "machine": {"verify_us": 50.0},
            "figures": [
                {"scenario": "S1", "name": "rate", "value": 100.0},
                {"scenario": "S1", "name": "cost", "value": 1.0},
                {"scenario": "S1", "name": "others", "value": 1.0},
                {"scenario": "S2", "name": "not run", "value": 1.0},
            ],
        }))
        .unwrap();
        let run = |rate: f64, cost: f64| {
            let mut report = Report::new(Machine::default());
            let mut section = report.scenario("S1", 0.0);
            section.put("rate", rate, "/s").bar(Bar { limit: 1.0, at_most: false });
            section.put("cost", cost, "us");
            section.put("others", 9.0, "");
            saved.compare(&report, 10.0).unwrap()
        };
        assert_eq!(run(95.0, 1.05).worse, 0, "within what is allowed");
        assert_eq!(run(500.0, 0.1).worse, 0, "better is not worse");
        assert_eq!(run(80.0, 1.2).worse, 2);
        let mut half = Report::new(Machine::default());
        half.scenario("S1", 0.0).put("rate", 100.0, "/s");
        assert_eq!(saved.compare(&half, 10.0).unwrap().worse, 2, "what is gone is no better");
        let table = run(80.0, 1.2).table;
        assert!(table.contains("0.80") && table.contains("1.20") && table.contains("verify_us"), "{table}");
    }
}
