//! `cargo xtask test`: everything that CI runs.

use std::time::Instant;

use anyhow::Result;

use crate::tools::{cargo, find, run};
use crate::{browser, counts, fuzz, tidy, wasm};

/// Formatting, style, lints and every test, those in browsers too. With a filter only tests; `web` are those in
/// browsers.
pub fn test(filter: &[String]) -> Result<()> {
    if let [only] = filter
        && only == "web"
    {
        browser::prepare()?;
        return run_tests(&["--package".into(), "diario".into(), browser::TESTS.into()]);
    }
    if !filter.is_empty() {
        if filter.iter().any(|name| name.contains(browser::TESTS)) {
            browser::prepare()?;
        }
        return run_tests(filter);
    }
    step("style", tidy::tidy)?;
    step("formatting", || {
        run(cargo().args(["fmt", "--all", "--check"]))?;
        run(cargo().args(["fmt", "--check", fuzz::MANIFEST]))
    })?;
    step("lints", || {
        let features = ["--features", "diario-engine/bench"];
        let clippy = ["clippy", "--locked", "--workspace", "--all-targets"];
        run(cargo().args(clippy).args(features).args(["--", "--deny", "warnings"]))
    })?;
    step("lints of the fuzz targets", fuzz::lint)?;
    step("the web app, and browsers to test it", browser::prepare)?;
    step("tests", || run_tests(&[]))?;
    step("instruction counts", || counts::counts(&[]))?;
    step("documentation", || {
        run(cargo()
            .args(["doc", "--locked", "--workspace", "--no-deps", "--document-private-items", "--quiet"])
            .env("RUSTDOCFLAGS", "-Dwarnings"))
    })?;
    step("lints of the browser's crates", wasm::lint)
}

fn step(name: &str, body: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("== {name}");
    let begun = Instant::now();
    body()?;
    println!("== {name}: done in {:.0} s", begun.elapsed().as_secs_f32());
    Ok(())
}

fn run_tests(filter: &[String]) -> Result<()> {
    let scope: &[&str] = if filter.iter().any(|f| f == "--package") { &[] } else { &["--workspace"] };
    if find("cargo-nextest").is_some() {
        run(cargo().args(["nextest", "run", "--locked", "--no-fail-fast"]).args(scope).args(filter))?;
        // Nextest leaves out the examples in the documentation.
        if filter.is_empty() {
            run(cargo().args(["test", "--locked", "--workspace", "--doc", "--quiet"]))?;
        }
        return Ok(());
    }
    run(cargo().args(["test", "--locked", "--no-fail-fast"]).args(scope).args(filter))
}
