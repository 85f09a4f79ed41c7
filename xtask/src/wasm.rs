//! A Rust for the browser: wasm32-unknown-unknown.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::tools::{apt_install, cargo, find, root, run, succeeds};

/// What the browser runs.
pub const TARGET: &str = "wasm32-unknown-unknown";
/// The crates that become modules.
pub const PACKAGES: [&str; 2] = ["diario-web", "diario-web-worker"];
const DEBIAN: [&str; 6] = ["rustc-web", "cargo-web", "rust-web-src", "lld-19", "clang-19", "llvm"];

/// What the engine asks of SQLite in a browser, and no more: a third of it is never used there. What is left out
/// fails when a statement is prepared, not silently; FTS5, triggers, views, window functions and ALTER TABLE stay.
/// (Docs: sqlite.org/compile.html; only those that the parser can do without.)
const SQLITE: [&str; 32] = [
    "-USQLITE_ENABLE_API_ARMOR",
    "-USQLITE_ENABLE_BYTECODE_VTAB",
    "-USQLITE_ENABLE_COLUMN_METADATA",
    "-USQLITE_ENABLE_DBPAGE_VTAB",
    "-USQLITE_ENABLE_DBSTAT_VTAB",
    "-USQLITE_ENABLE_MATH_FUNCTIONS",
    "-USQLITE_ENABLE_OFFSET_SQL_FUNC",
    "-USQLITE_ENABLE_PREUPDATE_HOOK",
    "-USQLITE_ENABLE_RTREE",
    "-USQLITE_ENABLE_SESSION",
    "-USQLITE_ENABLE_STMTVTAB",
    "-USQLITE_ENABLE_UNKNOWN_SQL_FUNCTION",
    "-USQLITE_ENABLE_UNLOCK_NOTIFY",
    "SQLITE_OMIT_AUTHORIZATION",
    "SQLITE_OMIT_AUTOVACUUM",
    "SQLITE_OMIT_COMPILEOPTION_DIAGS",
    "SQLITE_OMIT_COMPLETE",
    "SQLITE_OMIT_DECLTYPE",
    "SQLITE_OMIT_DESERIALIZE",
    "SQLITE_OMIT_EXPLAIN",
    "SQLITE_OMIT_GENERATED_COLUMNS",
    "SQLITE_OMIT_GET_TABLE",
    "SQLITE_OMIT_INTROSPECTION_PRAGMAS",
    "SQLITE_OMIT_JSON",
    "SQLITE_OMIT_LOCALTIME",
    "SQLITE_OMIT_PROGRESS_CALLBACK",
    "SQLITE_OMIT_TCL_VARIABLE",
    "SQLITE_OMIT_TRACE",
    "SQLITE_OMIT_UTF16",
    "SQLITE_OMIT_WAL",
    "SQLITE_OMIT_XFER_OPT",
    "SQLITE_UNTESTABLE",
];

/// A Rust that can build for the browser.
enum Toolchain {
    /// The one that runs this task.
    Current,
    /// Debian's, which brings the standard library as source.
    Debian,
}

/// A cargo that can build for the browser; the caller adds what to build and where.
pub fn cargo_for_browser() -> Result<Command> {
    let toolchain = toolchain()?;
    let mut command = match toolchain {
        Toolchain::Current => cargo(),
        Toolchain::Debian => Command::new("/usr/bin/cargo"),
    };
    // Flags for this machine's linker mean nothing to the browser's. The one that is set has Leptos forget the types
    // of views: a view's code is then made once, not anew for each place that it stands in.
    command.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", "--cfg\u{1f}erase_components");
    command.current_dir(root());
    command.env("CARGO_BUILD_TARGET", TARGET);
    if let Toolchain::Debian = toolchain {
        // What the running cargo set for its children would choose the wrong compiler.
        command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
        command.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
        if !has_std("/usr/bin/rustc") {
            command.env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort");
        }
    }
    command.env("SQLITE_WASM_RS_FLAGS", SQLITE.join(" "));
    // SQLite is C: it needs a clang that knows wasm32, and an ar that knows its objects.
    set_tool(&mut command, "CC_wasm32_unknown_unknown", &["clang-19", "clang"])?;
    set_tool(&mut command, "AR_wasm32_unknown_unknown", &["llvm-ar-19", "llvm-ar"])?;
    Ok(command)
}

/// Lints what only a browser compiles, where the running toolchain has what that takes.
pub fn lint() -> Result<()> {
    let can_build = has_std(&rustc());
    if !can_build || !succeeds(cargo().args(["clippy", "--version"])) {
        println!("skipped: this toolchain has no clippy, or no library for {TARGET}");
        return Ok(());
    }
    let packages = PACKAGES.iter().chain(&["diario-client"]).flat_map(|package| ["--package", package]);
    run(cargo_for_browser()?
        .args(["clippy", "--locked", "--target-dir"])
        .arg(root().join("target/web"))
        .args(packages)
        .args(["--", "--deny", "warnings"]))
}

fn set_tool(command: &mut Command, variable: &str, programs: &[&str]) -> Result<()> {
    if std::env::var_os(variable).is_some() {
        return Ok(());
    }
    let Some(program) = programs.iter().find_map(find) else {
        bail!("none of {} is here; on Debian: apt-get install {}", programs.join(", "), DEBIAN.join(" "));
    };
    command.env(variable, program);
    Ok(())
}

/// The installed target, else rustup's, else Debian's compiler with the library's source.
fn toolchain() -> Result<Toolchain> {
    let clang = ["clang-19", "clang"].iter().any(|c| find(c).is_some()) && find("llvm-ar").is_some();
    if !clang {
        apt_install(&["clang-19", "llvm"])?;
    }
    let rustc = rustc();
    if has_std(&rustc)
        || (succeeds(Command::new("rustup").args(["target", "add", TARGET])) && has_std(&rustc))
    {
        return Ok(Toolchain::Current);
    }
    if !debian_source() {
        apt_install(&DEBIAN)?;
    }
    if debian_source() {
        return Ok(Toolchain::Debian);
    }
    bail!(
        "no Rust for {TARGET}: run `rustup target add {TARGET}`, or on Debian `apt-get install {}`",
        DEBIAN.join(" ")
    )
}

fn rustc() -> String {
    std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into())
}

/// Whether a compiler has the target's library; the folder alone proves nothing.
fn has_std(rustc: &str) -> bool {
    let printed = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    let Ok(printed) = printed else { return false };
    let folder = PathBuf::from(String::from_utf8_lossy(&printed.stdout).trim());
    std::fs::read_dir(folder).is_ok_and(|mut files| {
        files.any(|f| f.is_ok_and(|f| f.file_name().to_string_lossy().starts_with("libstd-")))
    })
}

fn debian_source() -> bool {
    let printed = Command::new("/usr/bin/rustc").args(["--print", "sysroot"]).output();
    let Ok(printed) = printed else { return false };
    let sysroot = PathBuf::from(String::from_utf8_lossy(&printed.stdout).trim());
    Path::new("/usr/bin/cargo").exists() && sysroot.join("lib/rustlib/src/rust/library/std").exists()
}
