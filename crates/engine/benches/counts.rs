//! What `cargo xtask counts` runs under Valgrind: one case, once, inside a function whose instructions are counted.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod cases;

use std::process::ExitCode;

/// Not listed: whether the compiler puts the encoder of an entry into its loop changes with code far away, and with it a
/// quarter of the count.
const UNSTEADY: [&str; 1] = ["page-encode-256"];

fn main() -> ExitCode {
    // `cargo bench` says `--bench`.
    let Some(name) = std::env::args().nth(1).filter(|arg| !arg.starts_with('-')) else {
        for name in cases::NAMES.iter().filter(|name| !UNSTEADY.contains(*name)) {
            println!("{name}");
        }
        return ExitCode::SUCCESS;
    };
    let Some(mut case) = cases::prepare(&name) else {
        eprintln!("no case {name}");
        return ExitCode::FAILURE;
    };
    // Once before: statements are prepared, caches are full.
    case.ready();
    case.run();
    case.ready();
    measured(&mut *case);
    ExitCode::SUCCESS
}

/// Counted from its beginning to its end; its name is in xtask/src/counts.rs.
#[inline(never)]
fn measured(case: &mut dyn cases::Case) {
    case.run();
    // Not the last thing that happens here: a jump in place of a call would not be seen.
    std::hint::black_box(());
}
