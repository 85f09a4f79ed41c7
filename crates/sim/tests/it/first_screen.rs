//! A device that is new to its account: the list at once, the past when it is wanted, all of it with the phone off.

use anyhow::Result;
use diario_engine::recovery::{Keep, WordLanguage};
use diario_engine::{Anchor, EngineConfig, Event, Fill, GroupChange, Misbehaviour};
use diario_protocol::{Request, Seq, ServerFrame, Timestamp};
use diario_sim::{SimDevice, settle};

use crate::home::{Home, lazy};

fn lied(device: &SimDevice) -> bool {
    device.events.iter().any(|e| matches!(e, Event::Misbehaviour { what: Misbehaviour::Rewritten(_), .. }))
}

#[tokio::test]
async fn a_new_device_has_the_list_before_the_past() -> Result<()> {
    let mut home = Home::new(4, 30).await?;
    let expected = home.phone.engine.conversation_rows()?;
    let new = home.link(lazy()).await?;
    let rows = new.engine.conversation_rows()?;
    assert_eq!(rows.len(), expected.len());
    for row in &rows {
        let on_phone = expected.iter().find(|r| r.id == row.id).unwrap();
        let last = |row: &diario_engine::ConversationRow| row.last.as_ref().map(|m| m.text.clone());
        assert_eq!((last(row), row.unread), (last(on_phone), on_phone.unread), "{}", row.title);
        assert_eq!((&row.title, &row.others, row.kind), (&on_phone.title, &on_phone.others, on_phone.kind));
    }
    assert_eq!(rows.iter().filter(|row| row.unread == 30).count(), 3, "one was read");
    let missing = new.engine.fill_state()?;
    assert!(missing.missing > 100 && missing.estimate > 30_000 && !missing.active, "{missing:?}");
    Ok(())
}

#[tokio::test]
async fn linking_changes_the_group_of_one_conversation_only() -> Result<()> {
    let mut home = Home::new(5, 3).await?;
    let mut new = home.admitted(lazy()).await?;
    new.record();
    home.phone.disconnect();
    settle(&mut [&mut new]).await?;
    let commits = new.recorded().iter().filter(|frame| matches!(frame.request, Request::Commit(_))).count();
    assert!(commits <= 1, "{commits} commits: the self conversation's, at most");
    let heads = new.recorded().iter().filter(|frame| matches!(frame.request, Request::Heads(_))).count();
    assert_eq!(heads, 1);
    Ok(())
}

#[tokio::test]
async fn a_conversation_opens_at_its_newest_page_and_older_ones_come_when_they_are_wanted() -> Result<()> {
    let mut home = Home::new(2, 250).await?;
    let mut new = home.link(lazy()).await?;
    let id = home.chats[1];
    let page = new.engine.history(id, Anchor::Newest, 50)?;
    assert_eq!(page.messages.last().map(|m| m.text.as_str()), Some("message 250"), "a preview");
    assert!(page.missing_before.is_some());
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let anchor = before.map_or(Anchor::Newest, Anchor::Before);
        let mut page = new.engine.history(id, anchor, 50)?;
        if page.missing_before.is_some() && page.messages.len() <= 1 {
            assert!(new.engine.fetch_before(id, before, new.now())?);
            settle(&mut [&mut new]).await?;
            assert!(new.take_events().iter().any(|e| matches!(e, Event::History { .. })));
            page = new.engine.history(id, anchor, 50)?;
        }
        let Some(first) = page.messages.first().and_then(|m| m.seq) else { break };
        before = Some(first);
        seen.splice(0..0, page.messages.into_iter().filter(|m| !m.is_notice()).map(|m| m.text));
        if !page.more_before {
            break;
        }
    }
    let all: Vec<_> = (1..=250).map(|n| format!("message {n}")).collect();
    assert_eq!(seen, all);
    assert!(!new.events.iter().any(|e| matches!(e, Event::Misbehaviour { .. })));
    Ok(())
}

#[tokio::test]
async fn a_jump_to_a_date_opens_that_day_and_both_ways_lead_on() -> Result<()> {
    let mut home = Home::new(1, 150).await?;
    let id = home.chats[0];
    home.world.clock().advance(24 * 60 * 60 * 1000);
    let noon = home.friend.now();
    for n in 151..=300 {
        home.friend.say(id, &format!("message {n}"))?;
    }
    settle(&mut [&mut home.phone, &mut home.friend]).await?;
    home.world.clock().advance(24 * 60 * 60 * 1000);
    for n in 301..=600 {
        home.friend.say(id, &format!("message {n}"))?;
    }
    settle(&mut [&mut home.phone, &mut home.friend]).await?;
    let mut new = home.link(lazy()).await?;
    new.engine.seek(id, noon, new.now())?;
    settle(&mut [&mut new]).await?;
    let sought = new.take_events().into_iter().find_map(|e| match e {
        Event::Sought { seq, .. } => Some(seq),
        _ => None,
    });
    let page = new.engine.history(id, Anchor::Around(sought.unwrap()), 20)?;
    let texts: Vec<_> = page.messages.iter().map(|m| m.text.as_str()).collect();
    assert!(texts.contains(&"message 151") && texts.contains(&"message 150"), "{texts:?}");
    let island = new.engine.fill_state()?.missing;
    // Up to the newest and down to the first, from there.
    new.engine.set_fill(Fill::Always, new.now())?;
    settle(&mut [&mut new]).await?;
    assert!(island > 0 && new.engine.fill_state()?.missing == 0);
    let all: Vec<_> = (1..=600).map(|n| format!("message {n}")).collect();
    assert_eq!(new.texts(id)?, all);
    assert!(!lied(&new), "both sides of the island join on");
    Ok(())
}

#[tokio::test]
async fn the_past_fills_by_itself_pauses_and_goes_on_after_a_kill() -> Result<()> {
    let mut home = Home::new(3, 40).await?;
    let store = home.world.folder().join("new.db");
    let mut new = SimDevice::at(&home.world, "new", &store)?;
    new.engine.set_metered(true, new.now())?;
    new.link_to(&mut home.phone, true).await?;
    home.phone.disconnect();
    // By default everything comes.
    settle(&mut [&mut new]).await?;
    assert_eq!(new.engine.fill_state()?.missing, 0);
    new.engine.rebuild(new.now())?;
    new.disconnect();
    new.engine.pause_fill(true, new.now())?;
    new.connect().await?;
    settle(&mut [&mut new]).await?;
    let paused = new.engine.fill_state()?;
    assert!(paused.missing > 100 && paused.paused && !paused.active);
    drop(new);
    let mut new = SimDevice::at(&home.world, "new", &store)?;
    new.engine.set_fill(Fill::Unmetered, new.now())?;
    new.engine.set_metered(true, new.now())?;
    new.connect().await?;
    settle(&mut [&mut new]).await?;
    assert_eq!(new.engine.fill_state()?.missing, paused.missing, "this connection costs");
    new.engine.set_metered(false, new.now())?;
    settle(&mut [&mut new]).await?;
    assert_eq!(new.engine.fill_state()?.missing, 0);
    for id in &home.chats {
        assert_eq!(new.texts(*id)?, home.phone.texts(*id)?);
    }
    Ok(())
}

#[tokio::test]
async fn a_device_killed_at_any_frame_of_its_first_screen_begins_anew() -> Result<()> {
    let mut home = Home::new(3, 5).await?;
    let store = home.world.folder().join("new.db");
    let mut new = SimDevice::at(&home.world, "new", &store)?;
    new.link_to(&mut home.phone, true).await?;
    home.phone.disconnect();
    for frames in 0..12 {
        new.engine.rebuild(new.now())?;
        drop(new);
        new = SimDevice::at(&home.world, "new", &store)?;
        new.connect().await?;
        let mut delivered = 0;
        while delivered < frames {
            while new.send_one().await? {}
            if !new.fetch_one(std::time::Duration::from_millis(50)).await {
                break;
            }
            if new.deliver_one()? {
                delivered += 1;
            }
        }
        drop(new);
        new = SimDevice::at(&home.world, "new", &store)?;
        new.connect().await?;
        settle(&mut [&mut new]).await?;
        for id in &home.chats {
            assert_eq!(new.texts(*id)?, home.phone.texts(*id)?, "killed after {frames} frames");
        }
        assert!(!new.events.iter().any(|e| matches!(e, Event::Misbehaviour { .. })), "{:?}", new.events);
    }
    Ok(())
}

#[tokio::test]
async fn keys_of_many_epochs_come_from_the_keyring_when_old_pages_are_opened() -> Result<()> {
    let config = EngineConfig { epoch_entries: 4, ..EngineConfig::default() };
    let mut home = Home::with_epochs(1, 80, config).await?;
    let id = home.chats[0];
    assert!(home.phone.engine.log_state(id)?.unwrap().epoch.0 > 15);
    // The key that opens the keyring turned meanwhile, too.
    for n in 0..3 {
        let mut other = SimDevice::new(&home.world, &format!("other {n}"))?;
        other.link_to(&mut home.phone, true).await?;
        other.disconnect();
    }
    let mut new = home.link(lazy()).await?;
    new.engine.set_fill(Fill::Always, new.now())?;
    settle(&mut [&mut new]).await?;
    let all: Vec<_> = (1..=80).map(|n| format!("message {n}")).collect();
    assert_eq!(new.texts(id)?, all);
    assert!(new.messages(id)?.iter().all(|m| m.state != diario_engine::MessageState::Waiting));
    Ok(())
}

#[tokio::test]
async fn rebuilding_loses_neither_what_waits_nor_a_draft() -> Result<()> {
    let mut home = Home::new(2, 20).await?;
    let id = home.chats[0];
    home.phone.disconnect();
    home.phone.say(id, "not sent yet")?;
    home.phone.engine.set_draft(home.chats[1], "half a thought", home.phone.now())?;
    home.phone.engine.rebuild(home.phone.now())?;
    assert_eq!(home.phone.engine.draft(home.chats[1])?, "half a thought");
    home.phone.connect().await?;
    settle(&mut [&mut home.phone, &mut home.friend]).await?;
    assert_eq!(home.phone.texts(id)?.last().map(String::as_str), Some("not sent yet"));
    assert_eq!(home.friend.texts(id)?, home.phone.texts(id)?);
    assert_eq!(home.phone.engine.draft(home.chats[1])?, "half a thought");
    Ok(())
}

#[tokio::test]
async fn a_page_that_does_not_lead_to_what_is_known_is_not_taken() -> Result<()> {
    let mut home = Home::new(1, 30).await?;
    let id = home.chats[0];
    let mut new = home.link(lazy()).await?;
    new.tamper(|mut frame| {
        if let ServerFrame::Reply(_, diario_protocol::Reply::Log(page)) = &mut frame
            && page.entries.len() > 4
        {
            // One message less, and nobody would know.
            page.entries.remove(2);
            for (entry, seq) in page.entries.iter_mut().zip(2..) {
                entry.seq = Seq(seq);
            }
        }
        vec![frame]
    });
    let _ = new.engine.fetch_before(id, None, new.now())?;
    settle(&mut [&mut new]).await?;
    assert!(lied(&new), "{:?}", new.last_events());
    assert_eq!(new.texts(id)?, ["message 30"]);
    new.trust();
    new.disconnect();
    new.engine.set_fill(Fill::Always, new.now())?;
    new.connect().await?;
    settle(&mut [&mut new]).await?;
    assert_eq!(new.texts(id)?.len(), 30);
    Ok(())
}

#[tokio::test]
async fn a_head_that_lies_about_the_log_is_found_out_by_its_pages() -> Result<()> {
    let mut home = Home::new(1, 10).await?;
    let id = home.chats[0];
    let mut new = home.admitted(lazy()).await?;
    home.phone.disconnect();
    new.tamper(move |mut frame| {
        if let ServerFrame::Reply(_, diario_protocol::Reply::Heads(heads)) = &mut frame {
            for head in heads.items.iter_mut().filter(|h| h.conversation == id) {
                head.hash = diario_protocol::LogHash::start(&id);
            }
        }
        vec![frame]
    });
    settle(&mut [&mut new]).await?;
    let _ = new.engine.fetch_before(id, None, new.now())?;
    settle(&mut [&mut new]).await?;
    assert!(lied(&new));
    new.trust();
    new.engine.rebuild(new.now())?;
    new.disconnect();
    new.engine.set_fill(Fill::Always, new.now())?;
    new.connect().await?;
    settle(&mut [&mut new]).await?;
    assert_eq!(new.texts(id)?.len(), 10, "rebuilt from an honest server");
    Ok(())
}

#[tokio::test]
async fn what_a_new_device_says_first_is_read_by_all() -> Result<()> {
    let mut home = Home::new(2, 5).await?;
    let mut new = home.link(lazy()).await?;
    for id in home.chats.clone() {
        new.say(id, "from the new one")?;
    }
    settle(&mut [&mut new, &mut home.friend]).await?;
    home.phone.connect().await?;
    settle(&mut [&mut new, &mut home.friend, &mut home.phone]).await?;
    for id in &home.chats {
        assert_eq!(home.phone.texts(*id)?.last().map(String::as_str), Some("from the new one"));
        assert_eq!(home.phone.texts(*id)?, home.friend.texts(*id)?);
    }
    assert_eq!(new.engine.history(home.chats[0], Anchor::Newest, 5)?.messages.len(), 1);
    let nothing = new.engine.seek(home.chats[0], Timestamp(0), new.now());
    assert!(nothing.is_ok());
    Ok(())
}

#[tokio::test]
async fn a_group_that_was_left_keeps_its_name_on_devices_that_come_later() -> Result<()> {
    let mut home = Home::new(3, 5).await?;
    let (left, removed) = (home.chats[1], home.chats[2]);
    let giulia = home.phone.account()?;
    let words = home.phone.make_recovery_key(WordLanguage::Italian).await?;
    home.phone.engine.mark_read(left, Seq(u64::MAX), home.phone.now())?;
    settle(&mut [&mut home.phone, &mut home.friend]).await?;
    home.phone.engine.change_group(left, &GroupChange::Leave, home.phone.now())?;
    home.friend.engine.change_group(removed, &GroupChange::Remove(vec![giulia]), home.friend.now())?;
    settle(&mut [&mut home.phone, &mut home.friend]).await?;
    let expected = home.phone.engine.conversation_rows()?;
    home.phone.disconnect();
    let mut new = SimDevice::with_config(&home.world, "new", lazy())?;
    new.recover("giulia", &words, &Keep::All).await?;
    settle(&mut [&mut new]).await?;
    for row in new.engine.conversation_rows()?.iter().filter(|row| !row.open) {
        let on_phone = expected.iter().find(|r| r.id == row.id).unwrap();
        assert!(row.title.starts_with("Group"), "{row:?}");
        assert_eq!((&row.title, row.unread), (&on_phone.title, on_phone.unread));
    }
    assert_eq!(new.engine.conversation_rows()?.iter().filter(|row| !row.open).count(), 2);
    Ok(())
}
