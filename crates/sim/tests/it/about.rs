//! What was said about old messages, and who came and went, on devices that hold only parts of a log.

use anyhow::{Context, Result};
use diario_engine::content::MimiContent;
use diario_engine::{Anchor, Event, Fill, GroupChange, MembershipChange, MessageState, Misbehaviour};
use diario_protocol::{Body, ConversationId, Entry, Reply, Seq, ServerFrame, Timestamp};
use diario_sim::{SimDevice, settle};

use crate::home::{Home, lazy};

/// A conversation of which the first messages were edited, reacted to and taken back long after, and the places of
/// those messages.
struct Annotated {
    home: Home,
    chat: ConversationId,
    begun: Timestamp,
    edited: Seq,
    liked: Seq,
    deleted: Seq,
}

impl Annotated {
    async fn new() -> Result<Self> {
        let mut home = Home::new(1, 40).await?;
        let chat = home.chats[0];
        let begun = home.phone.messages(chat)?[0].sent_at;
        home.world.clock().advance(60 * 60 * 1000);
        let seq = |n: u32| -> Result<Seq> {
            let messages = home.phone.messages(chat)?;
            let text = format!("message {n}");
            messages.iter().find(|m| m.text == text).and_then(|m| m.seq).context("it is there")
        };
        let (edited, liked, deleted) = (seq(10)?, seq(11)?, seq(12)?);
        more(&mut home, 41..=200).await?;
        for (n, of) in [(1, edited), (2, deleted)] {
            let original = home.friend.engine.message_id(chat, of)?.context("it is there")?;
            let content = match n {
                1 => MimiContent::edit([n; 16], original, "edited"),
                _ => MimiContent::delete([n; 16], original),
            };
            home.friend.engine.send_about(chat, &content, of, home.friend.now())?;
        }
        let original = home.phone.engine.message_id(chat, liked)?.context("it is there")?;
        let heart = MimiContent::reaction([3; 16], original, "❤");
        home.phone.engine.send_about(chat, &heart, liked, home.phone.now())?;
        settle(&mut [&mut home.phone, &mut home.friend]).await?;
        more(&mut home, 201..=400).await?;
        Ok(Self { home, chat, begun, edited, liked, deleted })
    }

    /// A new device that looks at the beginning, and holds nothing else but the newest.
    async fn jumped(&mut self, tamper: impl FnMut(&mut Vec<Entry>) + Send + 'static) -> Result<SimDevice> {
        let mut new = self.home.link(lazy()).await?;
        let mut tamper = tamper;
        new.tamper(move |mut frame| {
            if let ServerFrame::Reply(_, Reply::Log(page)) = &mut frame {
                tamper(&mut page.about);
            }
            vec![frame]
        });
        new.engine.seek(self.chat, self.begun, new.now())?;
        settle(&mut [&mut new]).await?;
        new.trust();
        Ok(new)
    }

    /// Everything is fetched; then the device shows what the phone shows, which streamed it all.
    async fn filled(&mut self, new: &mut SimDevice) -> Result<()> {
        new.disconnect();
        new.connect().await?;
        new.engine.set_fill(Fill::Always, new.now())?;
        settle(&mut [new]).await?;
        assert_eq!(new.engine.fill_state()?.missing, 0);
        let rows = |device: &SimDevice| -> Result<Vec<_>> {
            let log = device.engine.log(self.chat, u32::MAX, None)?;
            Ok(log.into_iter().map(|m| (m.seq, m.id, m.text, m.state == MessageState::Refused)).collect())
        };
        assert_eq!(rows(new)?, rows(&self.home.phone)?);
        for of in [self.edited, self.liked, self.deleted] {
            assert_eq!(said(new, self.chat, of)?, said(&self.home.phone, self.chat, of)?);
        }
        let found = new.engine.diagnose()?;
        assert_eq!((found.waiting, found.refused), (0, 0));
        Ok(())
    }
}

async fn more(home: &mut Home, which: std::ops::RangeInclusive<u32>) -> Result<()> {
    for n in which {
        home.friend.say(home.chats[0], &format!("message {n}"))?;
    }
    settle(&mut [&mut home.phone, &mut home.friend]).await
}

fn said(device: &SimDevice, chat: ConversationId, of: Seq) -> Result<Vec<(Option<Seq>, String)>> {
    Ok(device.engine.said_about(chat, of)?.into_iter().map(|m| (m.seq, m.text)).collect())
}

fn lies(device: &SimDevice) -> Vec<&Misbehaviour> {
    let lie = |e: &'_ Event| matches!(e, Event::Misbehaviour { .. });
    device
        .events
        .iter()
        .filter(|e| lie(e))
        .filter_map(|e| match e {
            Event::Misbehaviour { what, .. } => Some(what),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_page_of_old_history_comes_with_what_was_later_said_about_it() -> Result<()> {
    let mut t = Annotated::new().await?;
    let mut new = t.jumped(|_| ()).await?;
    let page = new.engine.history(t.chat, Anchor::Around(t.edited), 20)?;
    assert!(page.messages.iter().any(|m| m.text == "message 10"), "the page is here");
    let held = new.engine.log(t.chat, u32::MAX, None)?.len();
    assert!(held < 110, "{held}: and little else");
    for (of, text) in [(t.edited, "edited"), (t.liked, "❤"), (t.deleted, "")] {
        let here = said(&new, t.chat, of)?;
        assert_eq!(here, said(&t.home.phone, t.chat, of)?);
        assert_eq!((here.len(), here[0].1.as_str()), (1, text));
    }
    // What stands elsewhere is shown neither as the newest message nor in a row of its own.
    let row = new.engine.conversation_row(t.chat)?.context("a row")?;
    assert_eq!(row.last.map(|m| m.text).as_deref(), Some("message 400"));
    let newest = new.engine.history(t.chat, Anchor::Newest, 20)?;
    assert_eq!(newest.messages.iter().map(|m| m.text.as_str()).collect::<Vec<_>>(), ["message 400"]);
    let shown = new.engine.history(t.chat, Anchor::Around(t.edited), 500)?;
    assert!(!shown.messages.iter().any(|m| m.text == "edited" || m.text == "❤"));
    let on_phone = t.home.phone.engine.conversation_row(t.chat)?.context("a row")?;
    assert_eq!(row.unread, on_phone.unread);
    t.filled(&mut new).await?;
    assert!(lies(&new).is_empty(), "{:?}", lies(&new));
    Ok(())
}

#[tokio::test]
async fn a_page_from_the_top_needs_nothing_beside_it() -> Result<()> {
    let mut t = Annotated::new().await?;
    let mut new = t.home.link(lazy()).await?;
    new.record();
    assert!(new.engine.fetch_before(t.chat, None, new.now())?);
    settle(&mut [&mut new]).await?;
    let about: Vec<_> = new
        .recorded()
        .iter()
        .filter_map(|frame| match &frame.request {
            diario_protocol::Request::Log(range) => Some(range.about),
            _ => None,
        })
        .collect();
    assert_eq!(about, [None], "all that comes after it is here");
    t.filled(&mut new).await
}

#[tokio::test]
async fn a_lie_about_where_something_was_said_is_found_out_and_undone() -> Result<()> {
    let mut t = Annotated::new().await?;
    let moved = |about: &mut Vec<Entry>| {
        for (n, entry) in (0..).zip(about) {
            entry.seq = Seq(300 + n);
        }
    };
    let mut new = t.jumped(moved).await?;
    let there = said(&new, t.chat, t.edited)?;
    assert_ne!(there, said(&t.home.phone, t.chat, t.edited)?, "nobody can tell yet");
    assert!(there[0].0 >= Some(Seq(300)));
    t.filled(&mut new).await?;
    assert!(lies(&new).iter().any(|lie| matches!(lie, Misbehaviour::Replayed(_))), "{:?}", new.events);
    Ok(())
}

#[tokio::test]
async fn a_forged_edit_is_refused_and_the_true_one_comes_with_its_page() -> Result<()> {
    let mut t = Annotated::new().await?;
    let forged = |about: &mut Vec<Entry>| {
        for entry in about {
            if let Body::Present(body) = &mut entry.body
                && let Some(last) = body.0.last_mut()
            {
                *last ^= 1;
            }
        }
    };
    let mut new = t.jumped(forged).await?;
    let here = new.engine.said_about(t.chat, t.edited)?;
    assert!(here.iter().all(|m| m.state == MessageState::Refused && m.text.is_empty()), "{here:?}");
    assert!(lies(&new).iter().any(|lie| matches!(lie, Misbehaviour::Forged(_))));
    t.filled(&mut new).await
}

#[tokio::test]
async fn what_comes_along_must_be_about_the_page() -> Result<()> {
    let mut t = Annotated::new().await?;
    let other = |about: &mut Vec<Entry>| {
        for entry in about {
            entry.annotates = Some(Seq(350));
        }
    };
    let mut new = t.jumped(other).await?;
    assert!(said(&new, t.chat, Seq(350))?.is_empty());
    assert!(!lies(&new).is_empty());
    t.filled(&mut new).await
}

#[tokio::test]
async fn who_came_and_went_is_told_of_old_pages_too() -> Result<()> {
    let mut home = Home::new(2, 3).await?;
    let group = home.chats[1];
    let mut carla = SimDevice::new(&home.world, "carla")?;
    let mut dino = SimDevice::new(&home.world, "dino")?;
    carla.register("carla").await?;
    dino.register("dino").await?;
    let (carla_id, dino_id) = (home.friend.find("carla").await?, home.friend.find("dino").await?);
    let change = async |home: &mut Home, what: GroupChange| {
        home.friend.engine.change_group(group, &what, home.friend.now())?;
        for n in 0..60 {
            home.friend.say(group, &format!("after {what:?} {n}"))?;
        }
        settle(&mut [&mut home.phone, &mut home.friend]).await
    };
    change(&mut home, GroupChange::Add(vec![carla_id])).await?;
    change(&mut home, GroupChange::Add(vec![dino_id])).await?;
    change(&mut home, GroupChange::Remove(vec![carla_id])).await?;
    let mut new = home.link(lazy()).await?;
    assert!(notices(&new, group)?.is_empty());
    // While it is not in the group yet, one more.
    home.phone.connect().await?;
    change(&mut home, GroupChange::Add(vec![carla_id])).await?;
    settle(&mut [&mut new]).await?;
    let names = |device: &SimDevice| -> Result<Vec<String>> {
        let mut names: Vec<_> = device.engine.members(group)?.into_iter().map(|m| m.username).collect();
        names.sort();
        Ok(names)
    };
    assert_eq!(names(&new)?, names(&home.phone)?, "who is in it is known nevertheless");
    for _ in 0..10 {
        let Some(missing) = new.engine.history(group, Anchor::Newest, 1_000)?.missing_before else { break };
        assert!(new.engine.fetch_before(group, Some(missing.last.next()), new.now())?);
        settle(&mut [&mut new]).await?;
        let (here, all) = (notices(&new, group)?, notices(&home.phone, group)?);
        assert!(all.ends_with(&here), "{here:?} of {all:?}");
    }
    assert_eq!(notices(&new, group)?, notices(&home.phone, group)?);
    assert_eq!(notices(&new, group)?.len(), 5);
    assert!(lies(&new).is_empty(), "{:?}", lies(&new));
    // Carla, who came in twice, is not told what was while she was not there.
    carla.connect().await?;
    settle(&mut [&mut carla]).await?;
    carla.engine.rebuild(carla.now())?;
    carla.disconnect();
    carla.connect().await?;
    settle(&mut [&mut carla]).await?;
    assert!(notices(&carla, group)?.is_empty(), "{:?}", notices(&carla, group)?);
    Ok(())
}

fn notices(device: &SimDevice, group: ConversationId) -> Result<Vec<(Option<Seq>, MembershipChange)>> {
    let log = device.engine.log(group, u32::MAX, None)?;
    let said = |m: &MembershipChange| !m.joined.is_empty() || !m.left.is_empty();
    Ok(log.into_iter().filter_map(|m| Some((m.seq, m.membership.filter(said)?))).collect())
}
