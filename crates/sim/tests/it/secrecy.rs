//! What the server holds: never a plaintext, and nothing for a revoked device.

use std::path::{Path, PathBuf};

use anyhow::Result;
use diario_protocol::{Change, Changes, ServerFrame, What};

use crate::cast::Four;

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    Ok(found)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_holds_and_hears_no_plaintext() -> Result<()> {
    use std::sync::{Arc, Mutex};
    const SECRETS: [&str; 4] = ["il gatto dorme", "the cat sleeps", "giulia's pc", "Progetto segreto"];
    let mut four = Four::new().await?;
    let traffic = Arc::new(Mutex::new(Vec::<u8>::new()));
    for device in [&mut four.giulia, &mut four.giulia_pc, &mut four.marco, &mut four.marco_pc] {
        let traffic = Arc::clone(&traffic);
        device.tamper(move |frame| {
            traffic.lock().unwrap().extend(diario_protocol::encode(&frame));
            vec![frame]
        });
    }
    four.giulia.say(four.chat, SECRETS[0])?;
    four.marco_pc.say(four.chat, SECRETS[1])?;
    let (now, marco) = (four.giulia.now(), four.marco.account()?);
    four.giulia.engine.create_conversation(SECRETS[3], &[marco], now)?;
    four.settle().await?;
    assert_eq!(four.agree()?.len(), 2);
    four.world.stop().await;
    let mut seen = 0;
    let heard = traffic.lock().unwrap().clone();
    for (name, bytes) in files(&four.world.data())?
        .into_iter()
        .map(|path| std::fs::read(&path).map(|bytes| (path.display().to_string(), bytes)))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .chain([("traffic".to_owned(), heard)])
    {
        seen += bytes.len();
        for secret in SECRETS {
            assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{name} holds {secret:?}");
        }
    }
    assert!(seen > 10_000, "the database was looked at");
    Ok(())
}

/// The revoked device is handed everything that its sibling gets from the server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_device_opens_nothing_sent_after_even_with_all_the_servers_data() -> Result<()> {
    use std::sync::{Arc, Mutex};
    let mut four = Four::new().await?;
    four.giulia_pc.say(four.chat, "before")?;
    four.settle().await?;
    let gathered = Arc::new(Mutex::new(Vec::<Change>::new()));
    let gathering = Arc::clone(&gathered);
    four.giulia.tamper(move |frame| {
        if let ServerFrame::Changes(changes) = &frame {
            gathering.lock().unwrap().extend(changes.items.iter().cloned());
        }
        vec![frame]
    });
    let (pc, now) = (four.giulia_pc.engine.whoami().unwrap().2, four.giulia.now());
    // It does not even learn that it was revoked.
    four.giulia_pc.disconnect();
    four.giulia.engine.revoke(pc, now)?;
    four.settle().await?;
    for text in ["secret one", "secret two"] {
        four.marco.say(four.chat, text)?;
        four.settle().await?;
    }
    four.giulia.say(four.chat, "secret three")?;
    // Once more with everything in full: what the phone sent came to it without its body.
    four.settle().await?;
    let now = four.giulia.now();
    four.giulia.engine.rebuild(now)?;
    four.giulia.disconnect();
    four.giulia.connect().await?;
    four.settle().await?;
    let everything: Vec<Change> =
        gathered.lock().unwrap().iter().filter(|c| !matches!(c.what, What::Echo(..))).cloned().collect();
    assert!(everything.len() > 10);
    // The thief's engine is told that it is logged in, and is given all of it.
    let changes = Changes { items: everything, live: true };
    four.giulia_pc.tamper(move |frame| match frame {
        ServerFrame::Refused(id, _) => vec![
            ServerFrame::Reply(
                id,
                diario_protocol::Reply::LoggedIn(diario_protocol::LoggedIn {
                    head: diario_protocol::Position(u64::MAX),
                    list_version: 9,
                    key_packages: 100,
                    username: "giulia".parse().unwrap(),
                }),
            ),
            ServerFrame::Changes(changes.clone()),
        ],
        other => vec![other],
    });
    four.giulia_pc.connect().await?;
    four.settle().await.ok();
    let texts = four.giulia_pc.texts(four.chat)?;
    assert!(texts.contains(&"before".to_owned()));
    assert!(
        four.giulia_pc.messages(four.chat)?.len() >= 2,
        "it was given the entries: {:?}",
        four.giulia_pc.events
    );
    assert!(!texts.iter().any(|t| t.starts_with("secret")), "{texts:?}");
    Ok(())
}
