//! Has the program built again when the web app was: what is in `dist/` is compiled into it.
//!
//! With `DIARIO_REQUIRE_WEB=1` (releases, CI) there must be one.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DIARIO_REQUIRE_WEB");
    let dist = Path::new("../../dist");
    // A path that is not there would count as changed at each build. Where nothing can be written, nothing changes.
    let _ = std::fs::create_dir_all(dist);
    if dist.is_dir() {
        println!("cargo::rerun-if-changed={}", dist.display());
    }
    let required = std::env::var("DIARIO_REQUIRE_WEB").is_ok_and(|value| value == "1");
    if required && !dist.join("index.html.br").is_file() {
        println!("cargo::error=there is no web app in dist/; run `cargo xtask web` first");
    }
}
