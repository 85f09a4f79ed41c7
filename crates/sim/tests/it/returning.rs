//! What waits on a device whose account is taken out of a group, and maybe in again.

use anyhow::Result;
use diario_engine::{Event, GroupChange};
use diario_protocol::{AccountId, ConversationId};
use diario_sim::{SimDevice, World, settle};

use crate::cast::two;

/// Anna has a group with Bruno, who is off, has said something in it, and named it anew.
async fn bruno_is_off() -> Result<(World, SimDevice, SimDevice, AccountId, ConversationId)> {
    let (world, mut anna, mut bruno, bruno_id) = two().await?;
    let group = anna.engine.create_conversation("Gita", &[bruno_id], anna.now())?;
    settle(&mut [&mut anna, &mut bruno]).await?;
    bruno.disconnect();
    bruno.say(group, "on my way")?;
    bruno.engine.rename_conversation(group, "Gita al lago", bruno.now())?;
    bruno.take_events();
    anna.engine.change_group(group, &GroupChange::Remove(vec![bruno_id]), anna.now())?;
    settle(&mut [&mut anna]).await?;
    Ok((world, anna, bruno, bruno_id, group))
}

fn title(device: &SimDevice, group: ConversationId) -> Result<String> {
    Ok(device.engine.conversation_row(group)?.map(|row| row.title).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_in_again_when_back_says_it_after_all() -> Result<()> {
    let (_world, mut anna, mut bruno, bruno_id, group) = bruno_is_off().await?;
    anna.engine.change_group(group, &GroupChange::Add(vec![bruno_id]), anna.now())?;
    settle(&mut [&mut anna]).await?;
    bruno.connect().await?;
    settle(&mut [&mut anna, &mut bruno]).await?;
    for device in [&anna, &bruno] {
        assert_eq!(device.texts(group)?, ["on my way"], "{}: {:?}", device.name, bruno.last_events());
        assert_eq!(title(device, group)?, "Gita al lago", "{}", device.name);
        let bad = |e: &&Event| matches!(e, Event::Misbehaviour { .. } | Event::Failed { .. });
        assert_eq!(device.events.iter().find(bad), None, "{}", device.name);
    }
    assert_eq!(bruno.engine.diagnose()?.outgoing, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_was_never_sent_does_not_outlive_the_membership() -> Result<()> {
    let (_world, mut anna, mut bruno, bruno_id, group) = bruno_is_off().await?;
    bruno.connect().await?;
    settle(&mut [&mut anna, &mut bruno]).await?;
    assert!(bruno.events.iter().any(|e| matches!(e, Event::Failed { .. })), "{:?}", bruno.last_events());
    assert_eq!(title(&bruno, group)?, "Gita", "what everybody else calls it");
    anna.engine.change_group(group, &GroupChange::Add(vec![bruno_id]), anna.now())?;
    settle(&mut [&mut anna, &mut bruno]).await?;
    assert_eq!((title(&anna, group)?, title(&bruno, group)?), ("Gita".into(), "Gita".into()));
    Ok(())
}
