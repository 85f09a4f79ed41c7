//! The icons: strokes on a grid of 24, drawn in the colour of the text around them.

use leptos::prelude::*;
use leptos::svg;

/// An icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icon {
    /// Back, or to the start of the line.
    Back,
    /// A new conversation.
    Write,
    /// Devices.
    Devices,
    /// Settings.
    Settings,
    /// Search.
    Search,
    /// Away with it.
    Close,
    /// What else can be done.
    More,
    /// At the top of the list.
    Pin,
    /// Without notifications.
    Mute,
    /// Details.
    Info,
    /// Sends.
    Send,
    /// Down, to the newest.
    Down,
    /// Waits.
    Clock,
    /// On the server.
    Tick,
    /// Delivered, or read.
    Ticks,
    /// Something is wrong.
    Alert,
    /// Several people.
    People,
    /// The own notes.
    Note,
    /// An empty page.
    Page,
    /// It is locked: only those in it can read it.
    Lock,
    /// Somebody is who they are taken for.
    Shield,
    /// Something was taken away.
    Erased,
    /// Something was kept for a time only: an hourglass.
    Gone,
    /// A day.
    Calendar,
}

impl Icon {
    const fn stroke(self) -> &'static str {
        if matches!(self, Self::More) { "3" } else { "1.75" }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Back => "M15 5l-7 7 7 7",
            Self::Write => {
                "M12 5H6a2 2 0 0 0-2 2v11a2 2 0 0 0 2 2h11a2 2 0 0 0 2-2v-6M10 14l.6-3.1 8-8a1.7 1.7 0 0 1 \
                 2.5 2.4l-8 8z"
            }
            Self::Devices => {
                "M4 5.5A1.5 1.5 0 0 1 5.5 4h11A1.5 1.5 0 0 1 18 5.5V7M12 17H3M4 5.5V14h8M15.5 \
                 10h4a1.5 1.5 0 0 1 1.5 1.5v7a1.5 1.5 0 0 1-1.5 1.5h-4a1.5 1.5 0 0 \
                 1-1.5-1.5v-7a1.5 1.5 0 0 1 1.5-1.5zM17 17.5h1"
            }
            Self::Settings => "M4 7h9M17 7h3M4 12h3M11 12h9M4 17h10M18 17h2M13 5v4M7 10v4M14 15v4",
            Self::Search => "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM15.5 15.5 20 20",
            Self::Close => "M6 6l12 12M18 6 6 18",
            Self::More => "M12 5.5v.01M12 12v.01M12 18.5v.01",
            Self::Pin => "M9 4h6l-.7 6 3 3.5H6.7l3-3.5zM12 13.5V20",
            Self::Mute => "M18 15V11a6 6 0 0 0-8.7-5.3M6.2 9A6 6 0 0 0 6 11v4l-2 2.5h13M10 20.5h4M4 4l16 16",
            Self::Info => "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16zM12 11v5M12 8v.01",
            Self::Send => "M5 12 4 5l17 7-17 7zM5 12h8",
            Self::Down => "M6 10l6 6 6-6",
            Self::Clock => "M12 5a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM12 8.5V12l2.5 1.5",
            Self::Tick => "M5 12.5l4.5 4.5L19 7",
            Self::Ticks => "M1.5 12.5 6 17 15.5 7M11 15.5l1.5 1.5L22 7",
            Self::Alert => "M12 4.5 3.5 19.5h17zM12 10v4.5M12 17v.01",
            Self::People => {
                "M9 5a3.2 3.2 0 1 1 0 6.4A3.2 3.2 0 0 1 9 5zM3 19c.5-3.5 2.8-5 6-5s5.5 1.5 6 \
                 5M15.5 5.3a3.2 3.2 0 0 1 0 5.8M17.5 14.3c2 .6 3.2 2.2 3.5 4.7"
            }
            Self::Note => "M6 4h9l4 4v11a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1zM9 11h6M9 15h4",
            Self::Page => "M12 7c-1.5-1.4-4-2-8-2v13c4 0 6.5.6 8 2 1.5-1.4 4-2 8-2V5c-4 0-6.5.6-8 2zM12 7v13",
            Self::Lock => {
                "M7 11V8a5 5 0 0 1 10 0v3M6 11h12a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1z"
            }
            Self::Shield => {
                "M12 3.5l7 2.5v5.5c0 4.3-2.8 7.3-7 9-4.200-1.700-7-4.700-7-9V6zM8.500 12l2.500 2.500 4.500-5"
            }
            Self::Erased => "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16zM6.5 6.5l11 11",
            Self::Gone => {
                "M7 4h10M7 20h10M8 4v3.500c0 2 4 3 4 4.500s-4 2.500-4 4.500V20M16 4v3.500c0 2-4 3-4 4.500s4 2.500 4 4.500V20"
            }
            Self::Calendar => {
                "M6 6h12a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1zM5 10.5h14M9 4v4M15 4v4"
            }
        }
    }
}

/// An icon that says nothing by itself: what it stands beside has the words.
pub(crate) fn icon(icon: Icon) -> impl IntoView {
    drawn("icon", icon.path(), icon.stroke(), None)
}

/// An icon with words of its own.
pub(crate) fn spoken_icon(icon: Icon, label: Signal<String>) -> impl IntoView {
    drawn("icon", icon.path(), icon.stroke(), Some(label))
}

/// A path of strokes, as all pictures are drawn; with its words, if it has any of its own.
pub(crate) fn drawn(
    class: &'static str,
    path: &'static str,
    stroke: &'static str,
    label: Option<Signal<String>>,
) -> impl IntoView {
    svg::svg()
        .attr("class", class)
        .attr("viewBox", "0 0 24 24")
        .attr("width", "24")
        .attr("height", "24")
        .attr("fill", "none")
        .attr("stroke", "currentColor")
        .attr("stroke-width", stroke)
        .attr("stroke-linecap", "round")
        .attr("stroke-linejoin", "round")
        .attr("aria-hidden", label.is_none().then_some("true"))
        .attr("role", label.is_some().then_some("img"))
        .attr("aria-label", move || label.map(|label| label.get()))
        .child(svg::path().attr("d", path))
}
