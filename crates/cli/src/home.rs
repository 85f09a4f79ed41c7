//! Where a device lives unless told otherwise.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::error::CliError;

/// The platform's folder for data.
pub(crate) fn default_folder() -> Result<PathBuf, CliError> {
    folder_by(|name| std::env::var_os(name)).ok_or_else(|| {
        CliError::usage("cannot tell where this device lives: the environment names no home folder")
            .hint("name a folder with --home or DIARIO_HOME")
    })
}

fn folder_by(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // Relative values are to be ignored, says the XDG specification.
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        folder("LOCALAPPDATA")
            .or_else(|| folder("USERPROFILE").map(|home| home.join("AppData").join("Local")))
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library").join("Application Support"))
    } else {
        folder("XDG_DATA_HOME").or_else(|| folder("HOME").map(|home| home.join(".local").join("share")))
    };
    base.map(|base| base.join("diario"))
}

/// What to call this device where the user does not say.
pub(crate) fn machine_name() -> String {
    let file = |path: &str| std::fs::read_to_string(path).ok();
    let variable = |name: &str| std::env::var(name).ok();
    let names = [
        file("/proc/sys/kernel/hostname"),
        file("/etc/hostname"),
        variable("COMPUTERNAME"),
        variable("HOSTNAME"),
    ];
    let first = names.into_iter().flatten().map(|name| name.trim().to_owned()).find(|name| !name.is_empty());
    first.unwrap_or_else(|| "terminal".to_owned())
}

#[cfg(all(test, unix, not(target_os = "macos")))]
mod tests {
    use super::*;

    #[test]
    fn the_folder_follows_the_platform() {
        let with = |pairs: &'static [(&str, &str)]| {
            folder_by(move |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v)))
        };
        assert_eq!(with(&[("XDG_DATA_HOME", "/d"), ("HOME", "/h")]), Some("/d/diario".into()));
        assert_eq!(with(&[("XDG_DATA_HOME", "d"), ("HOME", "/h")]), Some("/h/.local/share/diario".into()));
        assert_eq!(with(&[]), None);
    }
}
