//! Conversations out into files, and in again.

use std::path::Path;

use diario_import::fixture::{Locale, generate};
use diario_import::whatsapp::Layout;
use serde_json::Value;

use crate::harness::{Home, World, until};

fn lines(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Who said what and when in a conversation.
fn said(home: &Home, conversation: &str) -> Vec<[String; 3]> {
    let history = home.ok(&["history", conversation, "--limit", "1000000"]);
    let with_words = history.iter().filter(|m| m["text"] != "");
    with_words
        .map(|m| ["sender", "sent_at", "text"].map(|field| m[field].as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn what_was_exported_is_imported_again_once_with_names_times_and_words() {
    let world = World::new();
    let giulia = world.register("giulia");
    let bo = world.register("bo");
    giulia.ok(&["group", "create", "Viaggio <3", "bo"]);
    giulia.ok(&["send", "Viaggio <3", "Perché non \"domani\"?\n<b>alle 9</b> \u{202e}👍"]);
    giulia.ok(&["send", "self", "the milk"]);
    bo.ok(&["sync"]);
    bo.ok(&["send", "Viaggio <3", "va bene"]);
    giulia.ok(&["sync"]);

    let all = world.file("x", "").with_file_name("all.jsonl");
    let path = all.to_str().unwrap();
    let done = giulia.one(&["export", path]);
    assert_eq!((&done["format"], &done["incomplete"]), (&"jsonl".into(), &0.into()));
    assert_eq!(done["conversations"], 2);
    let written = lines(&all);
    assert_eq!((&written[0]["type"], &written[0]["version"]), (&"diario_export".into(), &1.into()));
    let end = written.last().unwrap();
    assert_eq!((&end["type"], &end["entries"]), (&"end".into(), &done["entries"]));
    assert!(written.iter().any(|line| line["type"] == "membership" && line["joined"][0] == "bo"));

    // Where the conversations are, there is nothing to take in.
    let again = giulia.one(&["import", path]);
    assert_eq!(again["imported"], 0);
    // Somebody else takes it in: as it was said, once.
    let eva = world.register("eva");
    let first = eva.one(&["import", path]);
    assert_eq!((&first["already"], &first["pending"]), (&0.into(), &0.into()));
    // Changes of members have nobody who said them; of those here, eva's own group has one too.
    let words = |home: &Home| {
        let all = said(home, "Viaggio <3");
        all.into_iter().filter(|[_, _, text]| !text.starts_with(['+', '-'])).collect::<Vec<_>>()
    };
    assert_eq!(words(&eva), words(&giulia));
    let second = eva.one(&["import", path]);
    assert_eq!((&second["imported"], &second["already"]), (&0.into(), &first["imported"]));
    assert!(eva.texts("Viaggio <3").len() >= 2);
    // What was imported is exported as it was said, too.
    let copy = all.with_file_name("copy.jsonl");
    eva.ok(&["export", copy.to_str().unwrap(), "--in", "Viaggio <3"]);
    let said_in = |file: &Path| -> Vec<_> {
        let said = lines(file).into_iter().filter(|l| l["type"] == "message" && l["sender"] != "");
        said.map(|l| ["sender", "sent_at", "text"].map(|field| l[field].clone())).collect()
    };
    let group: Vec<_> = said_in(&all).into_iter().filter(|[_, _, text]| text != "the milk").collect();
    assert_eq!(said_in(&copy), group);
    // A copy beside the original, if that is wanted.
    let copied = giulia.one(&["import", path, "--copy"]);
    assert_eq!(copied["imported"], first["imported"]);
}

#[test]
fn a_page_to_read_has_days_names_and_nothing_that_a_browser_would_obey() {
    let world = World::new();
    let giulia = world.register("giulia");
    giulia.ok(&["send", "self", "<script>alert(1)</script> & \"x\" 'y' \u{202e}z"]);
    let page = world.file("x", "").with_file_name("page.html");
    let path = page.to_str().unwrap();
    let done = giulia.one(&["export", path, "--in", "self"]);
    assert_eq!((&done["format"], &done["entries"]), (&"html".into(), &1.into()));
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(
        text.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x&quot; &#39;y&#39; \u{fffd}z"),
        "{text}"
    );
    assert!(
        text.contains("<h3>") && text.contains("<b dir=\"auto\">giulia</b>") && text.ends_with("</html>\n")
    );
    assert!(!text.contains("<script") && !text.contains("http://") && !text.contains("\u{202e}"));

    let said = giulia.fails(1, &["export", path]);
    assert!(said.contains("--force"), "{said}");
    giulia.ok(&["export", path, "--force"]);
    let said = giulia.fails(2, &["export", "chat.pdf"]);
    assert!(said.contains(".jsonl"), "{said}");
    giulia.fails(1, &["export", "/nowhere/at/all.html"]);
    let folder = page.parent().unwrap();
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".part")), "{left:?}");
}

#[test]
fn an_export_that_is_killed_leaves_no_half_file_and_runs_again() {
    let world = World::new();
    let giulia = world.register("giulia");
    let chat = generate(9, 10_000, Layout::Android, Locale::Italian);
    let chat = world.file("chat.txt", &chat.text);
    giulia.ok(&["import", chat.to_str().unwrap(), "--title", "Famiglia"]);
    let whole = world.file("x", "").with_file_name("all.jsonl");
    let folder = whole.parent().unwrap();
    let parts = || {
        let files = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|ending| ending == "part")).collect::<Vec<_>>()
    };
    let mut halves = 0;
    for _ in 0..3 {
        let mut export = giulia.spawn(&["export", whole.to_str().unwrap()]);
        let before = parts();
        until("it begins", || parts().iter().any(|part| !before.contains(part)) || whole.exists());
        export.kill();
        assert!(!whole.exists(), "it has its name only once it is whole");
        halves = halves.max(parts().len());
    }
    assert_eq!(halves, 1, "what the one before left is cleared away by the next");
    let done = giulia.one(&["export", whole.to_str().unwrap()]);
    assert!(parts().is_empty(), "{:?}", parts());
    let written = lines(&whole);
    assert_eq!(written.last().unwrap()["entries"], done["entries"]);
    assert!(written.len() > 10_000);
}

#[test]
fn half_an_export_is_refused_and_changes_nothing() {
    let world = World::new();
    let giulia = world.register("giulia");
    giulia.ok(&["send", "self", "one"]);
    giulia.ok(&["send", "self", "two"]);
    let file = world.file("x", "").with_file_name("all.jsonl");
    giulia.ok(&["export", file.to_str().unwrap()]);
    let text = std::fs::read_to_string(&file).unwrap();
    let half = world.file("half.jsonl", &text[..text.len() / 2]);
    let eva = world.register("eva");
    let said = eva.fails(1, &["import", half.to_str().unwrap()]);
    assert!(said.contains("cut off") && said.contains("hint: "), "{said}");
    assert_eq!(eva.ok(&["conversations"]).len(), 1, "only her notes");
}
