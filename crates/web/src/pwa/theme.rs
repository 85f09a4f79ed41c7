//! Light or dark. The start script sets it before anything is shown; this changes it.

use leptos::prelude::*;

use super::storage;

/// Where the choice is kept in this browser; absent while the system's own decides.
const STORED: &str = "diario.theme";

/// The paper's colours, as in the style sheet and in `index.html`.
const LIGHT_PAPER: &str = "#FAF6EF";
const DARK_PAPER: &str = "#1A1715";

/// Light or dark, or what the system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    /// What the system says.
    System,
    /// Dark ink on light paper.
    Light,
    /// Light ink on dark paper.
    Dark,
}

impl Theme {
    /// As it is kept, and as it stands in `data-theme`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// What is set in this browser.
    pub(crate) fn chosen() -> Self {
        match storage::kept(STORED).as_deref() {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::System,
        }
    }

    /// The colour of the bars around the page, where `by_system` is that of the system.
    fn paper(self, by_system: &'static str) -> &'static str {
        match self {
            Self::System => by_system,
            Self::Light => LIGHT_PAPER,
            Self::Dark => DARK_PAPER,
        }
    }

    /// Sets it, at once and for the next time.
    pub(crate) fn choose(self) {
        let Some(root) = document().document_element() else { return };
        // Attributes of an element that is there cannot fail.
        let _ = if self == Self::System {
            storage::forget(STORED);
            root.remove_attribute("data-theme")
        } else {
            storage::keep(STORED, self.name());
            root.set_attribute("data-theme", self.name())
        };
        for (media, by_system) in [("light", LIGHT_PAPER), ("dark", DARK_PAPER)] {
            let meta = format!("meta[name='theme-color'][media*='{media}']");
            if let Ok(Some(meta)) = document().query_selector(&meta) {
                let _ = meta.set_attribute("content", self.paper(by_system));
            }
        }
    }
}
