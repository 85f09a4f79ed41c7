//! What the server keeps for a while only: gaps that are no gaps, and devices that lag behind its commits.

use anyhow::{Context as _, Result};
use diario_engine::recovery::{Keep, WordLanguage};
use diario_engine::{EngineConfig, Event, Fill};
use diario_protocol::{ConversationId, Request, Retention};
use diario_sim::{SimDevice, World, settle};

const DAY: u64 = 24 * 60 * 60 * 1000;

struct Two {
    world: World,
    giulia: SimDevice,
    marco: SimDevice,
    chat: ConversationId,
}

impl Two {
    async fn new() -> Result<Self> {
        let world = World::new().await?;
        let mut giulia = SimDevice::new(&world, "giulia")?;
        let mut marco = SimDevice::new(&world, "marco")?;
        giulia.register("giulia").await?;
        marco.register("marco").await?;
        let to = giulia.find("marco").await?;
        let chat = giulia.direct(to)?;
        giulia.say(chat, "first")?;
        settle(&mut [&mut giulia, &mut marco]).await?;
        marco.say(chat, "hello")?;
        settle(&mut [&mut giulia, &mut marco]).await?;
        Ok(Self { world, giulia, marco, chat })
    }

    async fn settle(&mut self) -> Result<()> {
        settle(&mut [&mut self.giulia, &mut self.marco]).await
    }

    async fn keep(&mut self, retention: &str) -> Result<()> {
        let now = self.giulia.now();
        self.giulia.engine.set_retention(self.chat, retention.parse()?, now)?;
        self.settle().await?;
        for device in [&self.giulia, &self.marco] {
            assert_eq!(device.engine.retention(self.chat)?.1.to_string(), retention, "{}", device.name);
        }
        Ok(())
    }
}

/// The server looks for what is over every 50 ms here.
async fn sweep() {
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
}

fn gone(device: &SimDevice, chat: ConversationId) -> Result<Vec<u64>> {
    let gone = |m: &&diario_engine::MessageView| m.is_no_longer_kept();
    Ok(device.messages(chat)?.iter().filter(gone).filter_map(|m| m.seq).map(|s| s.0).collect())
}

fn misbehaved(device: &SimDevice) -> bool {
    device.events.iter().any(|e| matches!(e, Event::Misbehaviour { .. }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_off_for_longer_than_retention_goes_on() -> Result<()> {
    let mut t = Two::new().await?;
    t.keep("30d").await?;
    t.giulia.disconnect();
    // Weeks of which each has an epoch of its own.
    for week in 0..8 {
        t.marco.say(t.chat, &format!("week {week}"))?;
        settle(&mut [&mut t.marco]).await?;
        t.world.clock().advance(8 * DAY);
    }
    sweep().await;
    t.giulia.say(t.chat, "written meanwhile")?;
    t.giulia.take_events();
    t.giulia.connect().await?;
    t.settle().await?;
    assert!(!misbehaved(&t.giulia), "it is nobody's fault: {:?}", t.giulia.events);
    let lost = gone(&t.giulia, t.chat)?;
    assert!((4..=6).contains(&lost.len()), "{lost:?}");
    t.world.clock().advance(6_000);
    t.settle().await?;
    t.world.clock().advance(6_000);
    t.settle().await?;
    let texts = t.giulia.texts(t.chat)?;
    assert_eq!(&texts[..2], ["first", "hello"], "what the device has stays");
    assert_eq!(texts[texts.len() - 2..], ["week 7", "written meanwhile"], "{texts:?}");
    let readable = texts.iter().filter(|text| text.starts_with("week")).count();
    assert_eq!(readable + lost.len(), 8, "{texts:?}: all that is kept is read");
    let found = t.giulia.engine.diagnose()?;
    assert_eq!((found.waiting, found.refused, found.gaps.len()), (0, 0, 0));
    assert_eq!(t.marco.texts(t.chat)?.last().unwrap(), "written meanwhile");
    t.marco.say(t.chat, "both are here")?;
    t.settle().await?;
    assert_eq!(t.giulia.texts(t.chat)?.last().unwrap(), "both are here");

    // A device that was linked after that sees the same places, and reads what is kept.
    let mut pc = SimDevice::new(&t.world, "pc")?;
    pc.link_to(&mut t.giulia, true).await?;
    settle(&mut [&mut pc, &mut t.giulia, &mut t.marco]).await?;
    assert_eq!(pc.engine.retention(t.chat)?.0, Retention { days: Some(30), delivered: false });
    assert!(gone(&pc, t.chat)?.len() >= lost.len() + 2, "what was before is gone for it");
    assert_eq!(pc.texts(t.chat)?.last().unwrap(), "both are here");
    let unread = |device: &SimDevice| -> Result<u64> {
        Ok(device.engine.conversation_row(t.chat)?.context("it is there")?.unread)
    };
    assert_eq!(unread(&pc)?, unread(&t.giulia)?, "what was missed is unread, too");
    assert_eq!(pc.engine.diagnose()?.waiting, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_loses_nothing_that_only_the_device_has() -> Result<()> {
    let mut t = Two::new().await?;
    t.keep("7d").await?;
    t.world.clock().advance(9 * DAY);
    t.marco.say(t.chat, "today")?;
    t.settle().await?;
    sweep().await;
    let now = t.giulia.now();
    t.giulia.say(t.chat, "not sent yet")?;
    t.giulia.disconnect();
    t.giulia.engine.set_draft(t.chat, "half a thou", now)?;
    t.giulia.engine.rebuild(now)?;
    t.giulia.connect().await?;
    t.settle().await?;
    assert_eq!(t.giulia.texts(t.chat)?, ["first", "hello", "today", "not sent yet"]);
    assert_eq!(t.giulia.engine.draft(t.chat)?, "half a thou");
    assert!(gone(&t.giulia, t.chat)?.is_empty());
    // And again, from what the first one put back.
    t.giulia.disconnect();
    t.giulia.engine.rebuild(now)?;
    t.giulia.connect().await?;
    t.settle().await?;
    assert_eq!(t.giulia.texts(t.chat)?, ["first", "hello", "today", "not sent yet"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_every_device_has_is_not_kept() -> Result<()> {
    let mut t = Two::new().await?;
    t.keep("delivered").await?;
    sweep().await;
    t.giulia.record();
    t.marco.say(t.chat, "for both")?;
    t.settle().await?;
    t.world.clock().advance(61_000);
    t.settle().await?;
    let acks = t.giulia.recorded().iter().filter(|f| matches!(f.request, Request::Ack(_))).count();
    assert!((1..=2).contains(&acks), "{acks} in a minute");
    sweep().await;
    // A device of a third account that is not here yet holds back nothing; one of these that is off, does.
    t.giulia.disconnect();
    t.marco.say(t.chat, "giulia is off")?;
    settle(&mut [&mut t.marco]).await?;
    t.world.clock().advance(61_000);
    settle(&mut [&mut t.marco]).await?;
    sweep().await;
    t.giulia.connect().await?;
    t.settle().await?;
    assert_eq!(t.giulia.texts(t.chat)?, ["first", "hello", "for both", "giulia is off"]);
    t.world.clock().advance(61_000);
    t.settle().await?;
    sweep().await;
    let mut pc = SimDevice::new(&t.world, "pc")?;
    pc.link_to(&mut t.giulia, true).await?;
    settle(&mut [&mut pc, &mut t.giulia, &mut t.marco]).await?;
    assert_eq!(gone(&pc, t.chat)?.len(), 4, "{:?}", pc.texts(t.chat)?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_recovered_device_has_not_fetched_yet_is_kept() -> Result<()> {
    let mut t = Two::new().await?;
    let words = t.giulia.make_recovery_key(WordLanguage::English).await?;
    t.keep("delivered").await?;
    sweep().await;
    t.giulia.disconnect();
    for n in 1..=120 {
        t.marco.say(t.chat, &format!("while giulia's phone was lost {n}"))?;
    }
    settle(&mut [&mut t.marco]).await?;
    t.world.clock().advance(61_000);
    settle(&mut [&mut t.marco]).await?;
    let config = EngineConfig { fill: Fill::Never, ..EngineConfig::default() };
    let mut new = SimDevice::with_config(&t.world, "giulia's new phone", config)?;
    // Nothing is fetched as long as it costs.
    new.engine.set_metered(true, new.now())?;
    new.recover("giulia", &words, &Keep::None).await?;
    for _ in 0..2 {
        t.world.clock().advance(61_000);
        settle(&mut [&mut new, &mut t.marco]).await?;
        sweep().await;
    }
    assert!(new.engine.fill_state()?.missing > 100);
    new.engine.set_metered(false, new.now())?;
    assert!(new.engine.fill_state()?.active, "later would be too late");
    settle(&mut [&mut new, &mut t.marco]).await?;
    let texts = new.texts(t.chat)?;
    assert_eq!(texts.iter().filter(|text| text.starts_with("while")).count(), 120, "{texts:?}");
    assert_eq!(
        new.engine.fill_state()?.missing,
        0,
        "what goes once all have it is fetched though nobody looks"
    );
    // Now every device has it.
    t.world.clock().advance(61_000);
    settle(&mut [&mut new, &mut t.marco]).await?;
    sweep().await;
    let mut pc = SimDevice::new(&t.world, "pc")?;
    pc.link_to(&mut new, true).await?;
    settle(&mut [&mut pc, &mut new, &mut t.marco]).await?;
    assert!(gone(&pc, t.chat)?.len() >= 120, "{:?}", pc.texts(t.chat)?);
    // A device that drops what it had takes back that it had it; and has it still, put aside.
    new.say(t.chat, "the last before the rebuild")?;
    settle(&mut [&mut new, &mut t.marco]).await?;
    new.disconnect();
    new.engine.rebuild(new.now())?;
    new.connect().await?;
    settle(&mut [&mut new, &mut t.marco]).await?;
    assert_eq!(new.texts(t.chat)?.last().map(String::as_str), Some("the last before the rebuild"));
    assert_eq!(new.texts(t.chat)?.iter().filter(|text| text.starts_with("while")).count(), 120);
    Ok(())
}
