//! Looks at files again and again: no library, and it works on every file system.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Files and folders whose changes are asked for.
pub struct Watch {
    places: Vec<PathBuf>,
    seen: BTreeMap<PathBuf, SystemTime>,
}

impl Watch {
    /// Watches these from now on.
    pub fn new(places: Vec<PathBuf>) -> Self {
        let seen = look(&places);
        Self { places, seen }
    }

    /// Whether a file was changed, made or removed since the last call.
    pub fn changed(&mut self) -> bool {
        let now = look(&self.places);
        let changed = now != self.seen;
        self.seen = now;
        changed
    }
}

fn look(places: &[PathBuf]) -> BTreeMap<PathBuf, SystemTime> {
    let mut seen = BTreeMap::new();
    for place in places {
        collect(place, &mut seen);
    }
    seen
}

/// What cannot be read right now is looked at again the next time.
fn collect(place: &Path, seen: &mut BTreeMap<PathBuf, SystemTime>) {
    let hidden = place.file_name().is_some_and(|name| {
        let name = name.to_string_lossy();
        // Editors make their own files beside those that they change.
        name.starts_with('.') || name.ends_with('~') || name == "tests"
    });
    if hidden {
        return;
    }
    if let Ok(entries) = std::fs::read_dir(place) {
        entries.flatten().for_each(|entry| collect(&entry.path(), seen));
    } else if let Ok(modified) = std::fs::metadata(place).and_then(|file| file.modified()) {
        seen.insert(place.to_owned(), modified);
    }
}
