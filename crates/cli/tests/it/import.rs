//! Chats of other messengers.

use diario_import::fixture::{Locale, generate};
use diario_import::whatsapp::Layout;

use crate::harness::World;

const MESSAGES: usize = 10_000;

#[test]
fn ten_thousand_messages_are_imported_once() {
    let world = World::new();
    let giulia = world.register("giulia");
    let chat = generate(7, MESSAGES, Layout::Android, Locale::Italian);
    let file = world.file("Chat WhatsApp con Famiglia.txt", &chat.text);
    let file = file.to_str().unwrap();

    let first = giulia.one(&["import", file, "--title", "Famiglia", "--time-zone", "UTC"]);
    assert_eq!((&first["imported"], &first["already"]), (&MESSAGES.into(), &0.into()));
    assert_eq!(first["pending"], 0);
    let second = giulia.one(&["import", file, "--title", "Famiglia", "--time-zone", "UTC"]);
    assert_eq!((&second["imported"], &second["already"]), (&0.into(), &MESSAGES.into()));
    assert_eq!(first["conversation"], second["conversation"]);

    let history = giulia.ok(&["history", "Famiglia", "--limit", "20000"]);
    let shown: Vec<_> =
        history.iter().filter(|m| m["seq"].as_u64().is_some() && m["sent_at"] != "").collect();
    assert!(shown.len() >= MESSAGES);
    let words: Vec<_> =
        chat.expected.iter().filter(|m| m.kind == diario_import::whatsapp::Kind::Text).collect();
    let here: std::collections::HashSet<_> = history.iter().map(|m| m["text"].as_str().unwrap()).collect();
    assert!(words.iter().all(|m| here.contains(m.text.as_str())), "every text is there");
    let sender = words[0].sender.as_deref().unwrap();
    let theirs: Vec<_> = history.iter().filter(|m| m["sender"] == sender).collect();
    assert!(!theirs.is_empty(), "senders are called as they were there");
    assert!(theirs.iter().all(|m| m["mine"] == false), "what another said is not one's own");
    giulia.ok(&["send", "Famiglia", "and what I say here now"]);
}

#[test]
fn an_interrupted_import_goes_on() {
    let mut world = World::new();
    let giulia = world.register("giulia");
    let chat = generate(8, 1_200, Layout::Ios, Locale::EnglishUk);
    let file = world.file("chat.txt", &chat.text);
    let import = ["import", file.to_str().unwrap(), "--title", "Old"];
    let queued = giulia.one(&[&import[..], &["--queue"]].concat());
    assert_eq!(
        (&queued["imported"], &queued["pending"].as_u64().is_some_and(|n| n >= 1_200)),
        (&1_200.into(), &true)
    );
    world.server.kill();
    let run = giulia.run(&[&import[..], &["--timeout", "0.5"]].concat());
    assert_eq!(run.code, 3, "{}", run.stderr);
    let mut importing = giulia.spawn(&[&import[..], &["--timeout", "50"]].concat());
    crate::harness::until("the import runs", || giulia.folder.join("control.sock").exists());
    importing.interrupt();
    importing.ends(130);
    assert!(importing.said().contains("goes on"));
    world.server.run();
    let done = giulia.one(&import);
    assert_eq!(
        (&done["imported"], &done["already"], &done["pending"]),
        (&0.into(), &1_200.into(), &0.into())
    );
}

#[test]
fn what_is_no_chat_is_told() {
    let world = World::new();
    let giulia = world.register("giulia");
    let file = world.file("notes.txt", "just words\n");
    let said = giulia.fails(1, &["import", file.to_str().unwrap()]);
    assert!(said.contains("not a WhatsApp export") && said.contains("hint: "), "{said}");
    let file = world.file("chat.txt", "12/03/2024, 14:05 - Anna: ciao\n");
    let file = file.to_str().unwrap();
    giulia.fails(2, &["import", file, "--time-zone", "Mars/Olympus"]);
    let run = giulia.run(&["import", file, "--title", "Doubt"]);
    assert!(run.code == 0 && run.stderr.contains("--date-order"), "{}", run.stderr);
}
