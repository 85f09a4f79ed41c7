//! The web app in this program: what `cargo xtask web` had built in `dist/` when this was compiled.

use diario_server::{WebApp, WebFile};
use rust_embed::RustEmbed;

/// The compressed files, or none.
#[derive(RustEmbed)]
#[folder = "../../dist"]
#[include = "*.br"]
#[allow_missing = true]
struct Dist;

/// Hands them to the server.
pub(crate) struct EmbeddedWebApp;

impl EmbeddedWebApp {
    /// Whether there was a web app to take in.
    pub(crate) fn is_built() -> bool {
        Dist::get("index.html.br").is_some()
    }
}

impl WebApp for EmbeddedWebApp {
    fn file(&self, name: &str) -> Option<WebFile> {
        let file = Dist::get(&format!("{name}.br"))?;
        Some(WebFile { bytes: file.data, brotli: true, sha256: file.metadata.sha256_hash() })
    }
}
