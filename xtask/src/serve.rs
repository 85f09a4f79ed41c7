//! `cargo xtask serve`: from a fresh clone to a running server.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::tools::{cargo, root, run};
use crate::watch::Watch;
use crate::web::{self, Flavour};

const LISTEN: &str = "127.0.0.1:8080";
/// What the web app's modules are made of.
const SOURCES: [&str; 8] = [
    "Cargo.lock",
    "crates/client",
    "crates/engine",
    "crates/protocol",
    "crates/web",
    "crates/web-api",
    "crates/web-worker",
    "Cargo.toml",
];

/// Builds what is missing and starts the server; `--watch` builds the web app anew at every change.
pub fn serve(args: &[String]) -> Result<()> {
    let (watch, args): (Vec<_>, Vec<_>) = args.iter().cloned().partition(|arg| arg == "--watch");
    if !watch.is_empty() {
        return serve_and_watch(&args);
    }
    web::build(Flavour::Shipped, &web::dist())?;
    let program = program(true)?;
    run(&mut server(&program, &args))
}

/// The server's program, with the web app in it if there must be one.
pub fn program(with_web_app: bool) -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--locked", "--profile", "quick", "--package", "diario"]);
    if with_web_app {
        build.env("DIARIO_REQUIRE_WEB", "1");
    }
    run(&mut build)?;
    Ok(root().join("target/quick/diario"))
}

fn server(program: &PathBuf, args: &[String]) -> Command {
    let mut command = Command::new(program);
    command.arg("serve");
    let given = |name: &str| args.iter().any(|a| a == name || a.starts_with(&format!("{name}=")));
    if !given("--listen") {
        command.args(["--listen", LISTEN]);
    }
    if !given("--data") {
        command.arg("--data").arg(root().join("target/server-data"));
    }
    command.args(args);
    command
}

fn serve_and_watch(args: &[String]) -> Result<()> {
    let out = root().join("target/web/dist-dev");
    let mut watch = Watch::new(SOURCES.iter().map(|source| root().join(source)).collect());
    web::build(Flavour::Dev, &out)?;
    let program = program(false)?;
    let mut child =
        server(&program, args).arg("--web-dir").arg(&out).spawn().context("cannot start the server")?;
    println!("watching: load the page again when the web app is new");
    loop {
        if let Some(status) = child.try_wait()? {
            bail!("the server has ended ({status})");
        }
        if watch.changed() {
            // What does not compile is shown; the server goes on with what there was.
            match web::build(Flavour::Dev, &out) {
                Ok(()) => println!("the web app is up to date"),
                Err(e) => eprintln!("xtask: {e:#}"),
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
}
