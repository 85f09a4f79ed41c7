//! `cargo xtask serve`: from a fresh clone to a running server.

use anyhow::Result;

use crate::tools::{cargo, root, run};

const LISTEN: &str = "127.0.0.1:8080";

/// Builds what is missing and starts the server.
pub fn serve(args: &[String]) -> Result<()> {
    run(cargo().args(["build", "--profile", "quick", "--package", "diario"]))?;
    let program = root().join("target/quick/diario");
    let mut command = std::process::Command::new(&program);
    command.arg("serve");
    let given = |name: &str| args.iter().any(|a| a == name || a.starts_with(&format!("{name}=")));
    if !given("--listen") {
        command.args(["--listen", LISTEN]);
    }
    if !given("--data") {
        command.arg("--data").arg(root().join("target/server-data"));
    }
    command.args(args);
    run(&mut command)
}
