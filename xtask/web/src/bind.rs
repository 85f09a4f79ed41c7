//! The JavaScript around a module, by wasm-bindgen's own library: no program to install.

use std::path::Path;

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::fill::hash;

/// A module and the script that starts it.
pub struct Bound {
    /// `page` or `worker`.
    pub name: &'static str,
    /// The script, a JavaScript module.
    pub script: Vec<u8>,
    /// The WebAssembly.
    pub module: Vec<u8>,
}

/// Binds a module, or takes what came out the last time if the module is the same.
pub fn bind(input: &Path, name: &'static str, cache: &Path, dev: bool) -> Result<Bound> {
    let compiled = std::fs::read(input).with_context(|| format!("no {}", input.display()))?;
    let flavour = if dev { "dev" } else { "shipped" };
    // The version of the library is in the module: it refuses one of another version.
    let kept = cache.join(format!("{name}-{flavour}"));
    let made_from = kept.join("made-from");
    let key = hash(&compiled);
    if std::fs::read_to_string(&made_from).ok().as_deref() != Some(&key) {
        if kept.exists() {
            std::fs::remove_dir_all(&kept)?;
        }
        std::fs::create_dir_all(&kept)?;
        let mut bindgen = Bindgen::new();
        // A library's defaults are not those of the command: without the default path a script cannot find its module.
        bindgen
            .input_bytes(name, compiled)
            .web(true)?
            .typescript(false)
            .omit_default_module_path(false)
            .remove_name_section(!dev)
            .remove_producers_section(!dev)
            .out_name(name);
        bindgen.generate(&kept).with_context(|| format!("wasm-bindgen on {}", input.display()))?;
        if kept.join("snippets").exists() {
            bail!("{}: a crate brings JavaScript of its own, which is not packed", input.display());
        }
        // The linker lets a name without a definition through as an import that nobody provides.
        if std::fs::read_to_string(kept.join(format!("{name}.js")))?.contains("from \"env\"") {
            bail!("{}: a name has no definition; look at the imports of the module", input.display());
        }
        std::fs::write(&made_from, key)?;
    }
    Ok(Bound {
        name,
        script: std::fs::read(kept.join(format!("{name}.js")))?,
        module: std::fs::read(kept.join(format!("{name}_bg.wasm")))?,
    })
}
