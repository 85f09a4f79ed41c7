//! Names and placeholders: which files the app has, what each is called, and who refers to whom.
//!
//! A file under `/assets/` has the hash of its contents in its name, so that it can be kept for ever. A source says
//! `{{page.js}}` where it wants the path of that file, `{{integrity:page.js}}` for its hash as an HTML attribute,
//! `{{version}}` for the hash over everything, `{{precache}}` for the paths of all files but the service worker and
//! those that only some visitors want, and `{{later}}` for the paths of these.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest, Sha256, Sha384};

use crate::bind::Bound;

/// A file of the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path on the server, without the first slash.
    pub path: String,
    /// What is in it.
    pub content: Vec<u8>,
}

/// The order of style sheets that are there; others come after, by name.
const STYLES: [&str; 5] = ["base", "shell", "list", "conversation", "pages"];
/// The service worker: it holds the list, so it is not on it.
const SERVICE_WORKER: &str = "sw.js";
/// Sources with placeholders; all else is copied.
const TEXTS: [&str; 7] = ["html", "js", "css", "webmanifest", "json", "svg", "txt"];

/// How the files begin that hold the words of one language: a visitor fetches one of them.
const WORDS: &str = "words-";

/// Whether a file is one that only some visitors want.
pub fn is_for_some(path: &str) -> bool {
    path.strip_prefix("assets/").is_some_and(|name| name.starts_with(WORDS))
}

/// The words of each language as one file, of the Fluent files in a folder of the language's name. Comments and blank
/// lines are for translators.
pub fn words(locales: &[File]) -> Result<Vec<File>> {
    let mut languages: BTreeMap<&str, String> = BTreeMap::new();
    for File { path, content } in locales {
        let fluent = |(_, name): &(&str, &str)| name.rsplit_once('.').is_some_and(|(_, kind)| kind == "ftl");
        let Some((language, _)) = path.split_once('/').filter(fluent) else {
            bail!("{path} is no Fluent file of a language");
        };
        let text = std::str::from_utf8(content).with_context(|| format!("{path}: not UTF-8"))?;
        let all = languages.entry(language).or_default();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            all.push_str(line);
            all.push('\n');
        }
    }
    let file = |(language, text): (&str, String)| File {
        path: format!("{WORDS}{language}.txt"),
        content: text.into_bytes(),
    };
    Ok(languages.into_iter().map(file).collect())
}

/// The first 16 hex digits of the SHA-256.
pub fn hash(content: &[u8]) -> String {
    let mut digits = HEXLOWER.encode(&Sha256::digest(content));
    digits.truncate(16);
    digits
}

/// A file that may still have placeholders.
struct Draft {
    /// What placeholders call it.
    name: String,
    /// Whether its name gets its hash.
    hashed: bool,
    content: Vec<u8>,
}

/// Makes the app's files of modules and sources.
pub fn fill(modules: Vec<Bound>, sources: &[File]) -> Result<Vec<File>> {
    let version = version(&modules, sources);
    let mut drafts = drafts(modules, sources)?;
    drafts.sort_by(|a, b| a.name.cmp(&b.name));
    let mut known = BTreeMap::from([("version".to_owned(), version)]);
    let mut done: Vec<File> = Vec::new();
    // Whoever refers to a hashed name waits until that is known; the service worker refers to all of them.
    while !drafts.is_empty() {
        let before = drafts.len();
        let mut waiting = Vec::new();
        let mut missing = Vec::new();
        for draft in std::mem::take(&mut drafts) {
            if !is_text(&draft.name) {
                finish(&draft.name, draft.hashed, draft.content, &mut known, &mut done);
                continue;
            }
            let text =
                String::from_utf8(draft.content).with_context(|| format!("{}: not UTF-8", draft.name))?;
            match filled(&text, &known) {
                Ok(content) => {
                    finish(&draft.name, draft.hashed, content.into_bytes(), &mut known, &mut done);
                }
                Err(unknown) => {
                    missing.push(format!("{} wants {{{{{unknown}}}}}", draft.name));
                    waiting.push(Draft { content: text.into_bytes(), ..draft });
                }
            }
        }
        if waiting.iter().all(|d| d.name == SERVICE_WORKER) && !known.contains_key("precache") {
            known.insert("precache".into(), paths(&done, |path| !is_for_some(path)));
            known.insert("later".into(), paths(&done, is_for_some));
        } else if waiting.len() == before {
            bail!("there is no such file, or they wait for each other: {}", missing.join("; "));
        }
        drafts = waiting;
    }
    done.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(done)
}

fn drafts(modules: Vec<Bound>, sources: &[File]) -> Result<Vec<Draft>> {
    let mut drafts = Vec::new();
    let mut styles = Vec::new();
    for source in sources {
        let content = source.content.clone();
        if let Some(sheet) = source.path.strip_prefix("css/") {
            styles.push((sheet.to_owned(), content));
            continue;
        }
        let (name, hashed) = match source.path.as_str() {
            "boot.js" => ("boot.js", true),
            // The script that starts the worker; `worker.js` is the one around its module.
            "worker.js" => ("engine.js", true),
            words if words.starts_with(WORDS) => (words, true),
            other => (other, false),
        };
        drafts.push(Draft { name: name.to_owned(), hashed, content });
    }
    for wanted in ["index.html", "boot.js", "engine.js", SERVICE_WORKER] {
        if !drafts.iter().any(|d| d.name == wanted) {
            bail!("no {wanted} among the static files");
        }
    }
    if !styles.is_empty() {
        drafts.push(Draft { name: "style.css".into(), hashed: true, content: joined(styles) });
    }
    for Bound { name, script, module } in modules {
        // The script finds its module by the name that this program gives it.
        let generated = format!("'{name}_bg.wasm'");
        let text = String::from_utf8(script).context("wasm-bindgen's script is not UTF-8")?;
        if !text.contains(&generated) {
            bail!("wasm-bindgen's script for {name} does not say where its module is");
        }
        let text = text.replace(&generated, &format!("'{{{{{name}.wasm}}}}'"));
        drafts.push(Draft { name: format!("{name}.js"), hashed: true, content: text.into_bytes() });
        drafts.push(Draft { name: format!("{name}.wasm"), hashed: true, content: module });
    }
    Ok(drafts)
}

/// One style sheet of all, in an order that does not depend on the file system.
fn joined(mut styles: Vec<(String, Vec<u8>)>) -> Vec<u8> {
    let place = |sheet: &str| {
        let name = sheet.strip_suffix(".css").unwrap_or(sheet);
        STYLES.iter().position(|s| *s == name).unwrap_or(STYLES.len())
    };
    styles.sort_by(|(a, _), (b, _)| (place(a), a).cmp(&(place(b), b)));
    let mut all = Vec::new();
    for (_, content) in styles {
        all.extend(content);
        all.push(b'\n');
    }
    all
}

fn finish(
    name: &str,
    hashed: bool,
    content: Vec<u8>,
    known: &mut BTreeMap<String, String>,
    done: &mut Vec<File>,
) {
    let path = match name.rsplit_once('.') {
        Some((stem, extension)) if hashed => format!("assets/{stem}-{}.{extension}", hash(&content)),
        _ => name.to_owned(),
    };
    known.insert(name.to_owned(), format!("/{path}"));
    known.insert(format!("integrity:{name}"), format!("sha384-{}", BASE64.encode(&Sha384::digest(&content))));
    done.push(File { path, content });
}

fn is_text(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| TEXTS.contains(&extension))
}

/// The text with everything in its place, or the first placeholder whose value is not known yet.
fn filled(text: &str, known: &BTreeMap<String, String>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find("{{") {
        let Some(length) = rest[begin + 2..].find("}}") else { break };
        let name = &rest[begin + 2..begin + 2 + length];
        filled.push_str(&rest[..begin]);
        // Braces of the language itself, as in CSS or a nested object, are not ours.
        if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || ":./-_".contains(c)) {
            filled.push_str(known.get(name).ok_or_else(|| name.to_owned())?);
            rest = &rest[begin + 4 + length..];
        } else {
            filled.push_str("{{");
            rest = &rest[begin + 2..];
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

/// A JSON array of the paths of some files.
fn paths(files: &[File], wanted: impl Fn(&str) -> bool) -> String {
    let wanted = files.iter().filter(|f| wanted(&f.path));
    let mut paths: Vec<_> = wanted.map(|f| format!("\"/{}\"", f.path)).collect();
    paths.sort();
    format!("[{}]", paths.join(","))
}

/// The hash over all that the app is made of, before any name is filled in.
fn version(modules: &[Bound], sources: &[File]) -> String {
    let mut all = Sha256::new();
    let mut add = |name: &str, content: &[u8]| {
        all.update(name.len().to_le_bytes());
        all.update(name);
        all.update(content.len().to_le_bytes());
        all.update(content);
    };
    for Bound { name, script, module } in modules {
        add(name, script);
        add(name, module);
    }
    for source in sources {
        add(&source.path, &source.content);
    }
    let mut digits = HEXLOWER.encode(&all.finalize());
    digits.truncate(16);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, content: &str) -> File {
        File { path: path.into(), content: content.into() }
    }

    fn sources() -> Vec<File> {
        vec![
            file(
                "boot.js",
                "import '{{page.js}}'; const app = {a: {b: {{precache}}}};"
                    .replace("{{precache}}", "1")
                    .as_str(),
            ),
            file("css/pages.css", "b{}"),
            file("css/aside.css", "c{}"),
            file("css/base.css", "a{}"),
            file("icons/mark.png", "\u{1}{{not.there}}"),
            file(
                "index.html",
                "<script src=\"{{boot.js}}\" integrity=\"{{integrity:boot.js}}\"><link href=\"{{style.css}}\">",
            ),
            file(
                "sw.js",
                "const all = {{precache}}, later = {{later}}, version = '{{version}}', page = '{{page.wasm}}';",
            ),
            file("worker.js", "import '{{worker.js}}';"),
        ]
    }

    fn modules() -> Vec<Bound> {
        ["page", "worker"]
            .into_iter()
            .map(|name| Bound {
                name,
                script: format!("new URL('{name}_bg.wasm', import.meta.url)").into_bytes(),
                module: name.as_bytes().to_vec(),
            })
            .collect()
    }

    fn content<'a>(files: &'a [File], begin: &str) -> &'a str {
        let file = files.iter().find(|f| f.path.starts_with(begin)).unwrap();
        std::str::from_utf8(&file.content).unwrap()
    }

    #[test]
    fn every_name_is_filled_in_and_found() {
        let files = fill(modules(), &sources()).unwrap();
        let paths: Vec<_> = files.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(paths.len(), 10, "{paths:?}");
        let boot = paths.iter().find(|p| p.starts_with("assets/boot-")).unwrap();
        assert!(content(&files, "index.html").contains(&format!("src=\"/{boot}\" integrity=\"sha384-")));
        let [script, module] = ["js", "wasm"].map(|extension| {
            let named = |f: &&File| {
                f.path.starts_with("assets/page-") && f.path.rsplit('.').next() == Some(extension)
            };
            files.iter().find(named).unwrap()
        });
        let script = std::str::from_utf8(&script.content).unwrap();
        assert_eq!(script, format!("new URL('/{}', import.meta.url)", module.path));
        let list = content(&files, "sw.js");
        for path in &paths {
            assert_eq!(list.contains(&format!("\"/{path}\"")), *path != "sw.js", "{path} in {list}");
        }
        assert_eq!(content(&files, "assets/style-"), "a{}\nb{}\nc{}\n");
        assert_eq!(content(&files, "icons/"), "\u{1}{{not.there}}", "pictures are copied");
    }

    #[test]
    fn words_are_a_file_of_each_language_and_for_who_wants_them() {
        let locales = [
            file("en/main.ftl", "# For translators.\n\none = One\n"),
            file("en/pages.ftl", "two =\n    { $n ->\n       *[other] Two\n    }\n"),
            file("it/main.ftl", "one = Uno\n"),
        ];
        let words = words(&locales).unwrap();
        let text = std::str::from_utf8(&words[0].content).unwrap();
        assert_eq!(text, "one = One\ntwo =\n    { $n ->\n       *[other] Two\n    }\n");
        let mut with_words = sources();
        with_words[0].content = b"fetch('{{words-it.txt}}')".to_vec();
        with_words.extend(words);
        let files = fill(modules(), &with_words).unwrap();
        let italian = files.iter().find(|f| f.path.starts_with("assets/words-it-")).unwrap();
        assert!(content(&files, "assets/boot-").contains(&italian.path));
        let (precached, later) = content(&files, "sw.js").split_once("later = ").unwrap();
        assert!(later.contains(&italian.path) && !precached.contains("words-"), "{precached}{later}");
        assert!(super::words(&[file("notes.txt", "")]).is_err());
    }

    #[test]
    fn a_changed_file_changes_the_names_that_lead_to_it() {
        let before = fill(modules(), &sources()).unwrap();
        let mut changed = modules();
        changed[0].module = b"other".to_vec();
        let after = fill(changed, &sources()).unwrap();
        assert_ne!(content(&before, "index.html"), content(&after, "index.html"));
        assert_eq!(content(&before, "assets/engine-"), content(&after, "assets/engine-"));
    }

    #[test]
    fn a_name_that_nobody_has_is_refused() {
        let mut wrong = sources();
        wrong[5].content = b"{{boot.jss}}".to_vec();
        assert!(fill(modules(), &wrong).unwrap_err().to_string().contains("index.html wants {{boot.jss}}"));
        let mut turning = sources();
        turning[0].content = b"{{engine.js}}".to_vec();
        turning[7].content = b"{{boot.js}}".to_vec();
        assert!(fill(modules(), &turning).is_err());
    }
}
