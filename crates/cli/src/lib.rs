//! Diario on the command line: the server, and a device of yours.
//!
//! A library for the fuzz targets alone; `main` is the program.
//!
//! `session` takes the folder in which a device lives and runs the command on its engine; where another process
//! has the folder, `forward` hands the command to it, and that one's `holder` runs it the same way. Each
//! command is a file of `commands`, works with a `context::Context`, and prints through `output::Output`.

#![forbid(unsafe_code)]

mod args;
mod commands;
mod context;
mod day;
mod error;
mod forward;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
#[cfg(unix)]
mod holder;
mod home;
mod log;
mod output;
mod patience;
mod resolve;
mod session;
mod shutdown;
mod style;
mod view;
mod web_app;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use args::{Args, Command};
use error::CliError;
use output::{Face, Output};

/// The program, from its arguments to its exit code.
pub fn main() -> ExitCode {
    let args = Args::parse();
    let mut out = Output::of_process(Face::of_process(&args));
    log::start(&args);
    let server = matches!(args.command, Command::Serve(_));
    let mut builder = if server {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("error: this system gives no threads or sockets: {e}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(async {
        match run(args, &mut out).await {
            Ok(code) => code,
            Err(e) => {
                // Standard error is all there is to tell it on.
                let _ = out.error(&e).await;
                e.kind.code()
            }
        }
    });
    // A thread may still wait for the keyboard, or read a file that nobody wants any more.
    runtime.shutdown_timeout(Duration::ZERO);
    ExitCode::from(code)
}

async fn run(args: Args, out: &mut Output) -> Result<u8, CliError> {
    match args.command {
        Command::Serve(serve) => commands::serve::run(out, &serve).await.map(|()| 0),
        Command::Invite(invite) => commands::invite::run(out, &invite).await.map(|()| 0),
        Command::ReleaseName(args) => commands::release_name::run(out, &args).await.map(|()| 0),
        command => {
            let home = match args.home {
                Some(home) => std::path::absolute(&home)
                    .map_err(|e| CliError::usage(format!("not a folder: {} ({e})", home.display())))?,
                None => home::default_folder()?,
            };
            session::run(&home, command, out).await
        }
    }
}
