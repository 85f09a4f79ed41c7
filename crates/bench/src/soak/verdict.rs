//! Whether what was seen is flat.
//!
//! The first half of a soak fills caches and pools, so only the second counts. A figure is flat if the line through it
//! (least squares) rises by less than a twentieth of its mean: less is the noise of an allocator, and whoever leaks
//! a page for each of some thousand operations is well above it. What is kept for good grows with what people do, and has to: there
//! the price of a message must not rise.

use std::fmt::Write as _;

use serde::Serialize;

use super::sample::Sample;

/// Of the mean, how much a flat figure may rise.
const RISE: f64 = 0.05;
/// How much dearer a message may be in the second half.
const DEARER: f64 = 1.10;
/// Below this, in bytes, a write-ahead log is one that is given back.
const LOG: f64 = 64.0 * 1024.0 * 1024.0;

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    name: &'static str,
    from: f64,
    to: f64,
    unit: &'static str,
    flat: bool,
}

/// All of them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Verdict {
    figures: Vec<Figure>,
}

impl Verdict {
    /// Of samples in their order.
    pub(crate) fn of(samples: &[Sample]) -> Self {
        let (first, second) = samples.split_at(samples.len() / 2);
        let level = |name, unit, scale: f64, of: fn(&Sample) -> f64| {
            let points: Vec<_> = second.iter().map(|s| (s.seconds, of(s))).collect();
            let line = line(&points);
            let (from, to) = points.first().zip(points.last()).map_or((0.0, 0.0), |(a, b)| (a.0, b.0));
            let (from, to) = (line.at(from), line.at(to));
            let flat = to - from <= RISE * f64::midpoint(from, to).abs();
            Figure { name, from: from / scale, to: to / scale, unit, flat }
        };
        // Threads for blocking work come and go: one more at the end than at the beginning says nothing.
        let count = |name, of: fn(&Sample) -> f64| {
            let figure = level(name, "", 1.0, of);
            Figure { flat: figure.to - figure.from < 1.0, ..figure }
        };
        let price = |name, of: fn(&Sample) -> f64| {
            let slope = |half: &[Sample]| {
                line(&half.iter().map(|s| (f64::from(s.done.messages), of(s))).collect::<Vec<_>>()).slope
            };
            let (from, to) = (slope(first), slope(second));
            Figure { name, from, to, unit: "B a message", flat: to <= from.max(0.0) * DEARER }
        };
        let most = |half: &[Sample]| half.iter().map(|s| s.log).fold(0.0, f64::max);
        let (from, to) = (most(first), most(second));
        let log = Figure {
            name: "server: write-ahead log at most",
            from: from / MIB,
            to: to / MIB,
            unit: "MiB",
            flat: to <= (from * DEARER).max(LOG),
        };
        Self {
            figures: vec![
                level("server: memory", "MiB", MIB, |s| s.server.memory),
                count("server: descriptors", |s| s.server.descriptors),
                count("server: threads", |s| s.server.threads),
                price("server: database", |s| s.database),
                log,
                level("devices: memory of all", "MiB", MIB, |s| s.devices.memory),
                count("devices: descriptors", |s| s.devices.descriptors),
                price("devices: all stores", |s| s.stores),
            ],
        }
    }

    /// Whether all is flat.
    pub(crate) fn is_flat(&self) -> bool {
        self.figures.iter().all(|f| f.flat)
    }

    /// A line for each figure.
    pub(crate) fn table(&self) -> String {
        let mut out = format!("{:<34} {:>12} {:>12}\n", "", "from", "to");
        for f in &self.figures {
            let word = if f.flat { "flat" } else { "RISES" };
            let _ = writeln!(out, "{:<34} {:>12.1} {:>12.1} {:<12} {word}", f.name, f.from, f.to, f.unit);
        }
        out
    }
}

const MIB: f64 = 1024.0 * 1024.0;

/// A straight line.
struct Straight {
    slope: f64,
    level: f64,
}

impl Straight {
    fn at(&self, x: f64) -> f64 {
        self.slope * x + self.level
    }
}

/// The line of least squares through some points.
fn line(points: &[(f64, f64)]) -> Straight {
    let n = crate::spread::number(points.len()).max(1.0);
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let spread: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    let slope =
        if spread > 0.0 { points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>() / spread } else { 0.0 };
    Straight { slope, level: y - slope * x }
}

#[cfg(test)]
mod tests {
    use super::super::crowd::Done;
    use super::super::sample::Process;
    use super::*;

    /// An hour of samples, each with one message more; the sixth byte of `leak` is lost with each.
    fn hour(leak: f64, dearer: f64) -> Vec<Sample> {
        let sample = |n: u32| {
            let at = f64::from(n);
            // It goes up and down, as memory does.
            let noise = f64::from(n * 7919 % 13);
            let process = Process { memory: 50e6 + 1e5 * noise + leak * at, descriptors: 40.0, threads: 6.0 };
            let database = 1e6 + 300.0 * at + dearer * (at - 180.0).max(0.0);
            let done = Done { messages: n, ..Done::default() };
            Sample {
                seconds: 10.0 * at,
                server: process,
                devices: process,
                database,
                log: 4e6,
                stores: database,
                done,
            }
        };
        (0..360).map(sample).collect()
    }

    #[test]
    fn noise_and_what_is_kept_for_good_are_flat() {
        let verdict = Verdict::of(&hour(0.0, 0.0));
        assert!(verdict.is_flat(), "{}", verdict.table());
    }

    #[test]
    fn a_leak_and_a_rising_price_are_not() {
        let rising = |samples: &[Sample]| {
            let verdict = Verdict::of(samples);
            verdict.figures.iter().filter(|f| !f.flat).map(|f| f.name).collect::<Vec<_>>()
        };
        assert_eq!(rising(&hour(20_000.0, 0.0)), ["server: memory", "devices: memory of all"]);
        assert_eq!(rising(&hour(0.0, 60.0)), ["server: database", "devices: all stores"]);
        let mut open = hour(0.0, 0.0);
        open.iter_mut().zip(0u32..).for_each(|(s, n)| s.server.descriptors += f64::from(n / 20));
        assert_eq!(rising(&open), ["server: descriptors"]);
    }

    #[test]
    fn a_line_goes_through_its_points() {
        let line = line(&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]);
        assert!((line.slope - 2.0).abs() < 1e-9 && (line.at(4.0) - 9.0).abs() < 1e-9);
    }
}
