//! S5: a device that is new to its account, the other one off: how long until the list of conversations is there, what
//! does it cost, and how long is the way to the first message of a long conversation?

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use diario_engine::{Draft, EngineConfig, Event, Fill, LinkingStep};
use diario_protocol::{AccountId, ConversationId, Seq, Timestamp};

use crate::bars;
use crate::bench::Bench;
use crate::device::{self, Device, in_file, in_memory, now, together};
use crate::proc::Watch;
use crate::report::{Report, Section};
use crate::server::ServerProcess;
use crate::spread::{Spread, number};

/// Accounts that the conversations are with: one direct conversation each, the others are groups.
const CONTACTS: usize = 20;
/// Conversations on a screen.
const SCREEN: usize = 20;
/// Groups that are made at the same time.
const TOGETHER: usize = 16;

/// How a device came to its first screen.
struct FirstScreen {
    linking: f64,
    screen: (f64, usize),
    all: (f64, usize),
    device: Device,
}

pub(crate) async fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    for size in &bench.listed {
        // Ten times as many conversations are not filled with ten times as many messages.
        let each = (bench.listed_messages / size).clamp(2, 100);
        one(bench, report, *size, each).await?;
    }
    long(bench, report).await
}

async fn one(bench: &Bench, report: &mut Report, size: usize, each: usize) -> Result<()> {
    let folder = bench.folder()?;
    let server = ServerProcess::start(&folder.path().join("server"))?;
    let mut phone =
        Device::register(&server, in_file(&folder.path().join("phone.db"), "OFF")?, "owner").await?;
    let owner = phone.engine.whoami().context("no account")?.1;
    let mut expected = BTreeMap::new();
    for contact in 0..CONTACTS.min(size) {
        let mut device = Device::register(&server, in_memory()?, &format!("contact{contact}")).await?;
        let share = (contact..size).step_by(CONTACTS).count();
        converse(&mut phone, &mut device, owner, share, each).await?;
    }
    for (n, row) in phone.engine.conversation_rows()?.into_iter().enumerate() {
        if n % 2 == 0 {
            phone.engine.mark_read(row.id, row.head, now())?;
        }
        expected.insert(row.id, row.last.map(|m| m.text));
    }
    phone.until("at rest", |d| d.engine.at_rest()).await?;
    let unread: BTreeMap<_, _> =
        phone.engine.conversation_rows()?.into_iter().map(|row| (row.id, row.unread)).collect();

    let watch = Watch::start(server.pid())?;
    let store = in_file_with(&folder.path().join("new.db"))?;
    let first = first_screen(&server, phone, store, expected.len()).await?;
    let usage = watch.read()?;
    for row in first.device.engine.conversation_rows()? {
        let last = row.last.map(|m| m.text);
        if expected.get(&row.id) != Some(&last) || unread.get(&row.id) != Some(&row.unread) {
            bail!("the list is another one than on the phone: {} {last:?} {}", row.id, row.unread);
        }
    }
    let of = format!("{size} x {each}");
    let mut s5 = report.scenario("S5", usage.others);
    s5.put(&format!("{of}: approved until the device is one of the account"), first.linking, "s");
    let screen = s5.put(&format!("{of}: first {SCREEN} conversations there"), first.screen.0 * 1e3, "ms");
    screen.bar(bars::S5_SCREEN).peers(bars::S5_SCREEN_PEERS);
    let bytes = s5.put(&format!("{of}: bytes until then"), number(first.screen.1) / 1024.0, "KiB");
    bytes.bar(bars::S5_SCREEN_BYTES);
    let all = s5.put(&format!("{of}: all conversations there, live"), first.all.0, "s");
    if size <= bars::S5_CONVERSATIONS {
        all.bar(bars::S5_ALL).peers(bars::S5_ALL_PEERS);
    }
    let bytes = s5.put(&format!("{of}: bytes of the frames"), number(first.all.1) / 1024.0, "KiB");
    if size <= bars::S5_CONVERSATIONS {
        bytes.bar(bars::S5_ALL_BYTES);
    }
    s5.put(&format!("{of}: bytes a conversation"), number(first.all.1) / number(size), "B");
    fill(&mut s5, &of, first.device, size * each).await
}

/// Everything in the background.
async fn fill(s5: &mut Section<'_>, of: &str, mut device: Device, messages: usize) -> Result<()> {
    device.recorded = Some(Vec::new());
    let began = Instant::now();
    device.engine.set_fill(Fill::Always, now())?;
    device.until("filled", |d| d.engine.fill_state().is_ok_and(|f| f.missing == 0)).await?;
    let seconds = began.elapsed().as_secs_f64();
    let bytes: usize = device.recorded.take().unwrap_or_default().iter().map(Vec::len).sum();
    s5.put(&format!("{of}: then filled, messages a second"), number(messages) / seconds, "/s");
    s5.put(&format!("{of}: then filled, bytes a message"), number(bytes) / number(messages), "B");
    Ok(())
}

/// One long conversation: pages at its head and far back.
async fn long(bench: &Bench, report: &mut Report) -> Result<()> {
    let folder = bench.folder()?;
    let server = ServerProcess::start(&folder.path().join("server"))?;
    let mut phone =
        Device::register(&server, in_file(&folder.path().join("phone.db"), "OFF")?, "owner").await?;
    let owner = phone.engine.whoami().context("no account")?.1;
    let mut contact = Device::register(&server, in_memory()?, "contact").await?;
    let id = contact.engine.direct(owner, now())?;
    contact.say(id, 1).await?;
    together(&mut [&mut phone, &mut contact], "in the conversation", |d| d.iter().all(|d| d.has(id, 1)))
        .await?;
    contact.say(id, bench.long).await?;
    let seq = contact.engine.log_state(id)?.context("no conversation")?.next.0 - 1;
    phone.until("up to date", |d| d.has(id, seq)).await?;
    let watch = Watch::start(server.pid())?;
    let first = first_screen(&server, phone, in_file_with(&folder.path().join("new.db"))?, 2).await?;
    let mut device = first.device;
    let mut at_head = Vec::new();
    let mut before = None;
    for _ in 0..bench.pages {
        let (took, first) = page(&mut device, id, before).await?;
        at_head.push(took);
        before = Some(first);
    }
    let began = Instant::now();
    device.engine.seek(id, Timestamp(0), now())?;
    let (mut sought, mut here) = (false, false);
    while !(sought && here) {
        device.turn().await?;
        for event in device.events.drain(..) {
            sought |= matches!(event, Event::Sought { .. });
            here |= matches!(event, Event::History { first, .. } if first <= Seq(1));
        }
    }
    let far = began.elapsed().as_secs_f64() * 1e3;
    let mut back = Vec::new();
    let mut after = Seq(100);
    for _ in 0..bench.pages {
        let began = Instant::now();
        if !device.engine.fetch_after(id, after, now())? {
            break;
        }
        after = turn_until_history(&mut device).await?.1;
        back.push(began.elapsed());
    }
    let usage = watch.read()?;
    let of = format!("{} in one", bench.long);
    let (at_head, back) = (Spread::new(at_head), Spread::new(back));
    let mut s5 = report.scenario("S5", usage.others);
    s5.put(&format!("{of}: a page of 100 at the head, p50"), at_head.ms(50), "ms");
    s5.put("the same, p99", at_head.ms(99), "ms");
    s5.put(&format!("{of}: a jump to the first message, its page there"), far, "ms");
    s5.put(&format!("{of}: a page of 100 so far back, p50"), back.ms(50), "ms");
    s5.put("the same, p99", back.ms(99), "ms");
    Ok(())
}

async fn page(device: &mut Device, id: ConversationId, before: Option<Seq>) -> Result<(Duration, Seq)> {
    let began = Instant::now();
    if !device.engine.fetch_before(id, before, now())? {
        bail!("nothing is missing before {before:?}");
    }
    let (first, _) = turn_until_history(device).await?;
    Ok((began.elapsed(), first))
}

async fn turn_until_history(device: &mut Device) -> Result<(Seq, Seq)> {
    loop {
        device.turn().await?;
        let page = device.events.drain(..).find_map(|event| match event {
            Event::History { first, last, .. } => Some((first, last)),
            _ => None,
        });
        if let Some(page) = page {
            return Ok(page);
        }
    }
}

fn in_file_with(path: &std::path::Path) -> Result<diario_engine::Engine> {
    device::in_file_with(path, "FULL", EngineConfig { fill: Fill::Never, ..EngineConfig::default() })
}

/// Conversations of a contact with the owner of the phone, each with so many messages.
async fn converse(
    phone: &mut Device,
    contact: &mut Device,
    owner: AccountId,
    conversations: usize,
    messages: usize,
) -> Result<()> {
    let mut ids = Vec::new();
    for n in 0..conversations {
        let id = if n == 0 {
            contact.engine.direct(owner, now())?
        } else {
            contact.engine.create_conversation(&format!("Group number {n}"), &[owner], now())?
        };
        for text in 0..messages {
            let text = format!("Shall we meet at the usual place, {text}?");
            contact.engine.send(id, &Draft::Text(text), now())?;
        }
        ids.push(id);
        if ids.len() % TOGETHER == 0 || n + 1 == conversations {
            let made = std::mem::take(&mut ids);
            let there = |d: &[&mut Device]| {
                d.iter().all(|d| d.engine.at_rest())
                    && made.iter().all(|id| {
                        !d[1].engine.has_outgoing(*id).unwrap_or(true)
                            && d[0].engine.log_state(*id).ok().flatten().map(|s| s.next)
                                == d[1].engine.log_state(*id).ok().flatten().map(|s| s.next)
                    })
            };
            together(&mut [&mut *phone, &mut *contact], "in the conversations", there).await?;
            phone.events.clear();
            contact.events.clear();
        }
    }
    Ok(())
}

/// Links a device, closes the phone at once, and waits for the list.
async fn first_screen(
    server: &ServerProcess,
    mut phone: Device,
    engine: diario_engine::Engine,
    conversations: usize,
) -> Result<FirstScreen> {
    let (mut device, began) = Device::begin_link(server, engine, &mut phone).await?;
    device.recorded = Some(Vec::new());
    let admitted =
        |d: &[&mut Device]| d[1].events.iter().any(|e| matches!(e, Event::Linking(LinkingStep::Done { .. })));
    together(&mut [&mut phone, &mut device], "admitted", admitted).await?;
    let linking = began.elapsed().as_secs_f64();
    drop(phone.disconnect());
    if let Some(recorded) = &mut device.recorded {
        recorded.clear();
    }
    let began = Instant::now();
    let bytes = |d: &Device| d.recorded.iter().flatten().map(Vec::len).sum::<usize>();
    let there = |d: &Device, most: usize| {
        d.engine.conversation_rows().is_ok_and(|rows| {
            rows.iter().filter(|row| row.last.as_ref().is_some_and(|m| !m.text.is_empty())).count() >= most
        })
    };
    let screen = SCREEN.min(conversations).saturating_sub(1);
    device.until("on the screen", |d| there(d, screen)).await?;
    let screen = (began.elapsed().as_secs_f64(), bytes(&device));
    device.until("live", |d| d.engine.is_live()).await?;
    let all = (began.elapsed().as_secs_f64(), bytes(&device));
    let listed = device.engine.conversation_rows()?.len();
    if listed != conversations {
        bail!("{listed} conversations are listed, not {conversations}");
    }
    device.recorded = None;
    Ok(FirstScreen { linking, screen, all, device })
}
