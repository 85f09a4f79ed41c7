//! Chats of other messengers, imported on more than one device.

use anyhow::Result;
use diario_engine::{CommandError, Event, GroupChange, ImportItem};
use diario_protocol::{ConversationId, Timestamp};
use diario_sim::{SimDevice, settle};

use crate::cast::Four;

fn import(device: &mut SimDevice, messages: std::ops::Range<u8>) -> Result<ConversationId> {
    let now = device.now();
    let id = device.engine.import_conversation("an old chat", now)?;
    let item = |n: u8| ImportItem {
        key: [n; 16],
        sender: Some("a friend".into()),
        sent_at: Timestamp(1_000 + u64::from(n)),
        text: format!("old {n}"),
    };
    device.engine.import(id, &messages.map(item).collect::<Vec<_>>(), now)?;
    Ok(id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_two_devices_import_at_once_is_there_once() -> Result<()> {
    let mut four = Four::new().await?;
    // The conversation is there, so that neither has to be the one that begins it.
    let chat = import(&mut four.giulia, 0..1)?;
    four.settle().await?;
    four.giulia.disconnect();
    four.giulia_pc.disconnect();
    import(&mut four.giulia, 0..6)?;
    import(&mut four.giulia_pc, 3..9)?;
    four.giulia.connect().await?;
    settle(&mut [&mut four.giulia]).await?;
    four.giulia_pc.connect().await?;
    four.settle().await?;
    let mut expected: Vec<String> = (0..9).map(|n| format!("old {n}")).collect();
    for device in [&four.giulia, &four.giulia_pc] {
        let mut texts: Vec<String> =
            device.texts(chat)?.into_iter().filter(|text| text.starts_with("old")).collect();
        texts.sort();
        expected.sort();
        assert_eq!(texts, expected, "{}", device.name);
        let found = device.engine.diagnose()?;
        assert_eq!((found.outgoing, found.refused), (0, 0), "{}", device.name);
        let bad = |e: &&Event| matches!(e, Event::Misbehaviour { .. } | Event::Failed { .. });
        assert_eq!(device.events.iter().find(bad), None, "{}", device.name);
    }
    Ok(())
}

/// What is imported into a conversation that was left would wait to be sent for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_left_is_imported_into_another_conversation() -> Result<()> {
    let mut four = Four::new().await?;
    let left = import(&mut four.giulia, 0..3)?;
    four.settle().await?;
    four.giulia.engine.change_group(left, &GroupChange::Leave, four.giulia.now())?;
    four.settle().await?;
    let item = ImportItem { key: [7; 16], sender: None, sent_at: Timestamp(1), text: "late".into() };
    let refused = four.giulia_pc.engine.import(left, &[item], four.giulia_pc.now());
    assert!(matches!(refused, Err(CommandError::Left)), "{refused:?}");
    let chat = import(&mut four.giulia_pc, 0..5)?;
    four.settle().await?;
    assert_eq!(import(&mut four.giulia, 0..5)?, chat, "the same on each device");
    four.settle().await?;
    assert_ne!(chat, left);
    for device in [&four.giulia, &four.giulia_pc] {
        let texts = device.texts(chat)?.into_iter().filter(|text| text.starts_with("old")).count();
        assert_eq!((texts, device.engine.diagnose()?.outgoing), (5, 0), "{}", device.name);
    }
    Ok(())
}
