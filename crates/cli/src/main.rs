//! The program `diario`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    diario::main()
}
