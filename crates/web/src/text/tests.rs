//! The Fluent files agree with each other and with the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use fluent_bundle::FluentResource;

use super::{Catalogue, Language, negotiate};

/// The Fluent files of a language, with their names.
fn sources(language: Language) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("locales").join(language.tag());
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.map(|file| (file.display().to_string(), fs::read_to_string(&file).unwrap())).collect()
}

fn catalogue(language: Language) -> Catalogue {
    Catalogue::new(language, sources(language).into_iter().map(|(_, source)| source).collect())
}

/// Key -> names of its arguments.
fn keys(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for (file, source) in sources(language) {
        let resource = FluentResource::try_new(source.clone())
            .unwrap_or_else(|(_, problems)| panic!("{file}: {}", problems[0]));
        drop(resource);
        for (key, body) in messages(&source) {
            assert!(found.insert(key.clone(), arguments(&body)).is_none(), "{file}: {key} is there twice");
        }
    }
    found
}

/// The messages of a file, with everything up to the next one.
fn messages(source: &str) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for line in source.lines().filter(|line| !line.starts_with('#')) {
        match line.split_once('=') {
            Some((key, rest)) if line.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                all.push((key.trim().to_owned(), rest.to_owned()));
            }
            _ => {
                if let Some((_, body)) = all.last_mut() {
                    body.push('\n');
                    body.push_str(line);
                }
            }
        }
    }
    all
}

fn arguments(body: &str) -> BTreeSet<String> {
    let name = |rest: &str| {
        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect::<String>()
    };
    body.split('$').skip(1).map(name).collect()
}

/// All Rust sources of this crate but its tests.
fn rust_sources() -> Vec<(String, String)> {
    fn walk(directory: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("text/tests.rs") {
                found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(!found.is_empty());
    found
}

/// The string literals right after `tr(` and `text(` (without arguments: true), and after `tr_args(`.
fn calls(source: &str) -> Vec<(String, bool)> {
    let literal = |rest: &str| Some(rest.trim_start().strip_prefix('"')?.split('"').next()?.to_owned());
    let is_call = |at: usize| !source[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let of = |name: &str, bare: bool| {
        source
            .match_indices(name)
            .filter(|(at, _)| is_call(*at))
            .filter_map(|(at, _)| Some((literal(&source[at + name.len()..])?, bare)))
            .collect::<Vec<_>>()
    };
    [of("tr(", true), of("text(", true), of("tr_args(", false)].concat()
}

#[test]
fn the_languages_have_the_same_texts() {
    let english = keys(Language::En);
    assert!(!english.is_empty());
    for language in Language::ALL {
        let these = keys(language);
        for (key, arguments) in &english {
            assert_eq!(these.get(key), Some(arguments), "{key} in {}", language.tag());
        }
        let more: Vec<_> = these.keys().filter(|key| !english.contains_key(*key)).collect();
        assert!(more.is_empty(), "only in {}: {more:?}", language.tag());
    }
}

#[test]
fn no_text_is_empty() {
    for language in Language::ALL {
        let texts = catalogue(language);
        for (key, arguments) in keys(language) {
            let names: Vec<&'static str> = arguments.into_iter().map(|name| &*name.leak()).collect();
            let args: Vec<_> = names.iter().map(|name| (*name, 2.into())).collect();
            let text = texts.text(&key, &args);
            assert!(!text.trim().is_empty() && text != key, "{key} in {}", language.tag());
            assert!(!text.contains('{') && !text.contains('}'), "{key} in {}: {text}", language.tag());
        }
    }
}

#[test]
fn every_text_that_the_sources_ask_for_is_there() {
    let keys = keys(Language::En);
    let mut count = 0;
    for (file, source) in rust_sources() {
        for (key, bare) in calls(&source) {
            count += 1;
            let arguments = keys.get(&key).unwrap_or_else(|| panic!("{file}: no text {key:?}"));
            assert!(!bare || arguments.is_empty(), "{file}: {key:?} wants {arguments:?}");
        }
    }
    assert!(count > 0 || keys.len() < 40, "the sources are not read as they should be");
}

#[test]
fn no_text_is_unused() {
    let sources = rust_sources();
    let unused: Vec<_> = keys(Language::En)
        .into_keys()
        .filter(|key| !sources.iter().any(|(_, source)| source.contains(&format!("\"{key}\""))))
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn numbers_choose_the_plural() {
    for (language, one, many) in [
        (Language::En, "1 conversation", "12,345 conversations"),
        (Language::It, "1 conversazione", "12.345 conversazioni"),
    ] {
        let texts = catalogue(language);
        let text = |count: u32| {
            let isolated = texts.text("storage-conversations", &[("count", count.into())]);
            isolated.replace(['\u{2068}', '\u{2069}'], "")
        };
        assert_eq!((text(1).as_str(), text(12_345).as_str()), (one, many));
    }
}

#[test]
fn arguments_are_isolated() {
    let texts = catalogue(Language::En);
    let text = texts.text("revoke-title", &[("name", "\u{5d0}\u{5d1}".into())]);
    assert!(text.contains("\u{2068}\u{5d0}\u{5d1}\u{2069}"), "{text:?}");
}

#[test]
fn the_browser_gets_the_first_language_there_is() {
    assert_eq!(negotiate(["de-DE", "it-CH", "en"]), Language::It);
    assert_eq!(negotiate(["en-GB", "it"]), Language::En);
    assert_eq!(negotiate(["IT"]), Language::It);
    assert_eq!(negotiate(["ita", "x", ""]), Language::En);
    assert_eq!(negotiate([]), Language::En);
}
