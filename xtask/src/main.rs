//! What a newcomer types: `cargo xtask serve`, `cargo xtask test`. Installs what is missing by itself.

#![forbid(unsafe_code)]

mod bench;
mod browser;
mod bugs;
mod counts;
mod fuzz;
mod serve;
mod sim;
mod test;
mod tidy;
mod tools;
mod wasm;
mod watch;
mod web;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  serve [OPTIONS]   build everything and start the server on http://localhost:8080 (options go to `diario serve`)
  serve --watch     the same for who works on the web app: it is built anew at every change
  test [FILTER…]    everything CI runs; with a filter, only the tests that match
  test web          only the tests in browsers
  screenshots       pictures of every page, into target/screenshots
  webbench          how fast and how large the web app is
  web [--dev]       build the web app into dist/
  bench [SCENARIO…] measure; all scenarios without a name (--help lists them, docs/performance.md tells of them)
  soak [--minutes N] people who live with Diario for two hours: memory, descriptors and disk must stay flat
  counts [--update] instructions of the engine's hot paths, beside those that are committed
  sim [--seeds N]   many devices and a server in virtual time, in a hostile network; `sim --help` says more
  sim --pairs       races of every two kinds of operations
  sim --bugs [NAME…]
                    known bugs, put back one at a time: the simulation must find each
  fuzz [SECONDS] [TARGET…]
                    run every fuzz target, or some, for so long each (default 60 s)
  fuzz keep [TARGET…]
                    add what the fuzzer found to the corpus in the repository, if it comes through something new
  fuzz lock         give the fuzz targets the workspace's versions, after a `cargo update`
  tidy              the style rules that are tests
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next();
    let rest: Vec<String> = args.collect();
    let outcome = match command.as_deref() {
        Some("serve") => serve::serve(&rest),
        Some("test") => test::test(&rest),
        Some("web") => web::web(&rest),
        Some("screenshots") => browser::make("web::access::every_page_is_pictured"),
        Some("webbench") => browser::make("web::bench"),
        Some("bench") => bench::bench(&rest),
        Some("soak") => bench::soak(&rest),
        Some("counts") => counts::counts(&rest),
        Some("sim") => sim::sim(&rest),
        Some("fuzz") => fuzz::fuzz(&rest),
        Some("tidy") => tidy::tidy(),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("xtask: {e:#}");
            ExitCode::FAILURE
        }
    }
}
