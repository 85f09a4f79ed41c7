//! Lines in a coordinate system, as SVG (1.1), for docs/performance.md.
//!
//! Colours follow the reader's theme where the viewer knows it; the text is text.

use std::fmt::Write as _;

use crate::report::digits;

/// How an axis counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// From zero.
    Linear,
    /// Each power of ten as wide as the one before.
    Logarithmic,
}

/// One line.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

impl Line {
    pub(crate) fn new(name: &str, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), points }
    }
}

/// A picture.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) x: (String, Scale),
    pub(crate) y: (String, Scale),
    pub(crate) lines: Vec<Line>,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 36.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 48.0;
/// Colours that are told apart by those who see few, and their dashes.
const STYLES: [(&str, &str); 4] =
    [("#0072b2", "none"), ("#d55e00", "6 3"), ("#009e73", "2 3"), ("#cc79a7", "8 2 2 2")];

/// An axis: what it covers, and the numbers that are written at it.
struct Axis {
    scale: Scale,
    from: f64,
    to: f64,
    ticks: Vec<f64>,
}

impl Axis {
    fn of(scale: Scale, values: impl Iterator<Item = f64> + Clone) -> Self {
        let most = values.clone().fold(0.0, f64::max);
        match scale {
            Scale::Linear => {
                let step = round_step(most / 5.0);
                let count = (most / step).ceil().max(1.0);
                let mut ticks = vec![0.0];
                while let Some(last) = ticks.last().copied()
                    && last < count * step - step / 2.0
                {
                    ticks.push(last + step);
                }
                Self { scale, from: 0.0, to: count * step, ticks }
            }
            Scale::Logarithmic => {
                let least = values.filter(|v| *v > 0.0).fold(f64::INFINITY, f64::min);
                let least = if least.is_finite() { least } else { 1.0 };
                let (from, to) =
                    (10f64.powf(least.log10().floor()), 10f64.powf(most.max(least).log10().ceil()));
                let to = if to <= from { from * 10.0 } else { to };
                let mut ticks = vec![from];
                while let Some(last) = ticks.last().copied()
                    && last < to * 0.99
                {
                    ticks.push(last * 10.0);
                }
                Self { scale, from, to, ticks }
            }
        }
    }

    /// Where a value lies, from 0 to 1.
    fn place(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => (value - self.from) / (self.to - self.from),
            Scale::Logarithmic => (value.max(self.from) / self.from).log10() / (self.to / self.from).log10(),
        }
    }
}

/// 1, 2 or 5 times a power of ten, at least as large.
fn round_step(least: f64) -> f64 {
    if least <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| *step >= least * 0.999).unwrap_or(power)
}

/// A number without zeros at its end.
fn short(value: f64) -> String {
    let text = digits(value);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

impl Chart {
    /// The picture.
    pub(crate) fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| line.points.iter().copied());
        let (x, y) = (Axis::of(self.x.1, points().map(|p| p.0)), Axis::of(self.y.1, points().map(|p| p.1)));
        let across = |value: f64| LEFT + x.place(value) * (WIDTH - LEFT - RIGHT);
        let down = |value: f64| HEIGHT - BOTTOM - y.place(value) * (HEIGHT - TOP - BOTTOM);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             font-family=\"system-ui, sans-serif\" font-size=\"12\">\n<title>{title}</title>\n\
             <style>text{{fill:#222}}.axis{{stroke:#999}}.grid{{stroke:#ddd}}rect{{fill:#fff}}\
             @media(prefers-color-scheme:dark){{text{{fill:#ddd}}.grid{{stroke:#444}}rect{{fill:#111}}}}</style>\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n\
             <text x=\"{LEFT}\" y=\"22\" font-size=\"15\">{title}</text>\n",
            title = escaped(&self.title)
        );
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for tick in &x.ticks {
            let at = across(*tick);
            let _ = writeln!(out, "<path class=\"grid\" d=\"M{at:.1} {TOP}V{bottom}\"/>");
            let (y, text) = (bottom + 16.0, short(*tick));
            let _ = writeln!(out, "<text x=\"{at:.1}\" y=\"{y}\" text-anchor=\"middle\">{text}</text>");
        }
        for tick in &y.ticks {
            let at = down(*tick);
            let _ = writeln!(out, "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{right}\"/>");
            let (x, y, text) = (LEFT - 6.0, at + 4.0, short(*tick));
            let _ = writeln!(out, "<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{text}</text>");
        }
        let _ = writeln!(out, "<path class=\"axis\" fill=\"none\" d=\"M{LEFT} {TOP}V{bottom}H{right}\"/>");
        let (middle, low) = (f64::midpoint(LEFT, right), HEIGHT - 12.0);
        let name = escaped(&self.x.0);
        let _ = writeln!(out, "<text x=\"{middle}\" y=\"{low}\" text-anchor=\"middle\">{name}</text>");
        let (middle, name) = (f64::midpoint(TOP, bottom), escaped(&self.y.0));
        let turned = format!("transform=\"translate(16 {middle}) rotate(-90)\" text-anchor=\"middle\"");
        let _ = writeln!(out, "<text {turned}>{name}</text>");
        for (n, (line, (colour, dash))) in self.lines.iter().zip(STYLES.iter().cycle()).enumerate() {
            let mut path = String::new();
            for (i, (x, y)) in line.points.iter().enumerate() {
                let _ = write!(path, "{}{:.1} {:.1}", if i == 0 { "M" } else { "L" }, across(*x), down(*y));
                let dot =
                    format!("cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"", across(*x), down(*y));
                let _ = writeln!(out, "<circle {dot}/>");
            }
            let style = format!("stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dash}\"");
            let _ = writeln!(out, "<path fill=\"none\" {style} d=\"{path}\"/>");
            // Below each other at the left: there the lines are low.
            #[expect(clippy::cast_precision_loss, reason = "a handful of lines")]
            let at = TOP + 14.0 + 16.0 * n as f64;
            let (from, to, text) = (LEFT + 10.0, LEFT + 34.0, LEFT + 40.0);
            let _ = writeln!(out, "<path fill=\"none\" {style} d=\"M{from} {at}H{to}\"/>");
            let name = escaped(&line.name);
            let _ = writeln!(out, "<text x=\"{text}\" y=\"{}\">{name}</text>", at + 4.0);
        }
        out.push_str("</svg>\n");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_lie_where_their_values_are() {
        let axis = Axis::of(Scale::Logarithmic, [50.0, 20_000.0].into_iter());
        assert_eq!(axis.ticks.iter().map(|t| t.round()).collect::<Vec<_>>(), [10.0, 100.0, 1e3, 1e4, 1e5]);
        assert!((axis.place(1_000.0) - 0.5).abs() < 1e-9);
        let axis = Axis::of(Scale::Linear, [0.0, 73.0].into_iter());
        assert_eq!(axis.ticks, [0.0, 20.0, 40.0, 60.0, 80.0]);
        assert!((axis.place(20.0) - 0.25).abs() < 1e-9);
    }

    #[test]
    fn a_picture_has_its_lines_and_escapes_their_names() {
        let chart = Chart {
            title: "time & load".into(),
            x: ("rate".into(), Scale::Logarithmic),
            y: ("ms".into(), Scale::Linear),
            lines: vec![Line::new("p<50", vec![(1.0, 1.0), (10.0, 2.0)]), Line::new("p99", vec![(1.0, 3.0)])],
        };
        let svg = chart.svg();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("time &amp; load") && svg.contains("p&lt;50"));
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
