//! Makes the web app's files: from the compiled modules and `crates/web/static` to a folder that a server serves.
//!
//! Started by `cargo xtask web`. What did not change costs next to nothing: the JavaScript around the modules and
//! the compressed files are kept by the hash of what they were made from, and a folder that would come out the same
//! is not touched.

#![forbid(unsafe_code)]

mod bind;
mod compress;
mod fill;
mod folder;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::compress::Effort;

const USAGE: &str = "\
usage: diario-web-pack --modules DIR --static DIR --locales DIR --cache DIR --out DIR [--dev]

  --modules DIR  where cargo put diario_web.wasm and diario_web_worker.wasm
  --static DIR   the files that are not compiled
  --locales DIR  a folder of Fluent files for each language
  --cache DIR    what is kept from one run to the next
  --out DIR      the web app; replaced as a whole
  --dev          quick, larger, with the functions' names";

/// The crates' modules, and what they are called in the app.
const MODULES: [(&str, &str); 2] = [("diario_web.wasm", "page"), ("diario_web_worker.wasm", "worker")];

struct Options {
    modules: PathBuf,
    statics: PathBuf,
    locales: PathBuf,
    cache: PathBuf,
    out: PathBuf,
    dev: bool,
}

fn main() -> ExitCode {
    let outcome = options().and_then(|options| pack(&options));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("web app: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn pack(options: &Options) -> Result<()> {
    let mut modules = Vec::new();
    for (file, name) in MODULES {
        let input = options.modules.join(file);
        modules.push(bind::bind(&input, name, &options.cache.join("bindgen"), options.dev)?);
    }
    let mut sources = folder::read(&options.statics).context("the web app's static files")?;
    let locales = folder::read(&options.locales).context("the web app's languages")?;
    sources.extend(fill::words(&locales)?);
    let app = fill::fill(modules, &sources)?;
    let effort = if options.dev { Effort::Quick } else { Effort::Shipped };
    let files = compress::compress(app, effort, &options.cache.join("brotli"))?;
    let changed = folder::replace(&options.out, &options.cache, &files)?;
    report::print(&files, &options.out, changed);
    if !options.dev {
        report::check(&files)?;
    }
    Ok(())
}

fn options() -> Result<Options> {
    let (mut modules, mut statics, mut locales) = (None, None, None);
    let (mut cache, mut out, mut dev) = (None, None, false);
    let mut args = std::env::args_os().skip(1);
    while let Some(arg) = args.next() {
        let slot = match arg.to_str() {
            Some("--modules") => &mut modules,
            Some("--static") => &mut statics,
            Some("--locales") => &mut locales,
            Some("--cache") => &mut cache,
            Some("--out") => &mut out,
            Some("--dev") => {
                dev = true;
                continue;
            }
            _ => bail!("{USAGE}"),
        };
        *slot = Some(PathBuf::from(args.next().context(USAGE)?));
    }
    Ok(Options {
        modules: modules.context(USAGE)?,
        statics: statics.context(USAGE)?,
        locales: locales.context(USAGE)?,
        cache: cache.context(USAGE)?,
        out: out.context(USAGE)?,
        dev,
    })
}
