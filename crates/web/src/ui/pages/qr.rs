//! A QR code as a picture of one path.

use std::fmt::Write as _;

use leptos::prelude::*;
use leptos::svg;
use qrcode::{Color, QrCode};

/// The quiet zone that readers need, in modules.
const QUIET: usize = 4;

/// A text as a QR code: dark on light whatever the theme, for cameras. `None` if it is too long for one.
pub(super) fn qr(text: &str, label: Signal<String>) -> Option<impl IntoView + use<>> {
    let code = QrCode::new(text).ok()?;
    let width = code.width();
    let side = width + 2 * QUIET;
    let path = path(&code.to_colors(), width);
    Some(
        svg::svg()
            .attr("class", "qr")
            .attr("viewBox", format!("0 0 {side} {side}"))
            .attr("shape-rendering", "crispEdges")
            .attr("role", "img")
            .attr("aria-label", move || label.get())
            // The text itself, for those who test the page or read it by other means.
            .attr("data-code", text.to_owned())
            .child((
                svg::rect().attr("width", "100%").attr("height", "100%").attr("fill", "#fff"),
                svg::path().attr("d", path).attr("fill", "#000"),
            )),
    )
}

/// The dark modules, each run in a row as a rectangle.
fn path(colors: &[Color], width: usize) -> String {
    let mut path = String::new();
    for (y, row) in colors.chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let run = row[x..].iter().take_while(|color| **color == Color::Dark).count();
            if run > 0 {
                // Writing to a text cannot fail.
                let _ = write!(path, "M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET);
            }
            x += run.max(1);
        }
    }
    path
}
