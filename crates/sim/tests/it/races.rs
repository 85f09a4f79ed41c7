//! Two devices commit at the same moment: a thousand seeded schedules of their frames.

use std::time::Duration;

use anyhow::{Result, bail};
use diario_engine::GroupChange;
use diario_protocol::{AccountId, ConversationId};
use diario_sim::{Random, SimDevice, World, settle};

/// One seed takes this many steps at most before everything must have come to rest.
const STEPS: usize = 4_000;

fn at_rest(devices: &[SimDevice], chat: ConversationId) -> Result<bool> {
    let mut states = Vec::new();
    for device in devices {
        let Some(state) = device.engine.log_state(chat)? else { return Ok(false) };
        if device.engine.has_outgoing(chat)? || state.known_head >= state.next {
            return Ok(false);
        }
        states.push((state.next, state.hash, state.epoch, state.in_group));
    }
    Ok(states.windows(2).all(|w| w[0] == w[1]))
}

async fn step(devices: &mut [SimDevice], random: &mut Random) -> Result<()> {
    let chosen = random.below(devices.len());
    let device = &mut devices[chosen];
    match random.below(3) {
        0 => drop(device.send_one().await?),
        1 => {
            if !device.fetch_one(Duration::ZERO).await {
                tokio::task::yield_now().await;
            }
        }
        _ => drop(device.deliver_one()?),
    }
    let due = device.engine.deadline().is_some_and(|at| at <= device.now());
    if due {
        let now = device.now();
        device.engine.tick(now)?;
    }
    Ok(())
}

async fn race(
    devices: &mut [SimDevice],
    chat: ConversationId,
    guests: &[AccountId; 2],
    seed: u64,
    said: &mut usize,
) -> Result<()> {
    let mut random = Random::new(seed);
    // Two of them want another roster at once; the rest talk.
    let first = random.below(devices.len());
    let second = (first + 1 + random.below(devices.len() - 1)) % devices.len();
    for (wisher, guest) in [(first, guests[0]), (second, guests[1])] {
        let device = &mut devices[wisher];
        let now = device.now();
        let inside = device.engine.members(chat)?.iter().any(|m| m.account == guest);
        let change = if inside { GroupChange::Remove(vec![guest]) } else { GroupChange::Add(vec![guest]) };
        device.engine.change_group(chat, &change, now)?;
    }
    for _ in 0..2 {
        let talker = random.below(devices.len());
        devices[talker].say(chat, &format!("{seed}: {said}"))?;
        *said += 1;
    }
    for _ in 0..STEPS {
        step(devices, &mut random).await?;
        if random.one_in(64) {
            // Let the server's threads have a turn.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if random.one_in(16) && at_rest(devices, chat)? {
            return Ok(());
        }
    }
    let mut all: Vec<_> = devices.iter_mut().collect();
    settle(&mut all).await?;
    if at_rest(devices, chat)? {
        return Ok(());
    }
    let states: Vec<_> = devices
        .iter()
        .map(|d| {
            (
                d.name.clone(),
                d.engine.log_state(chat),
                d.engine.has_outgoing(chat),
                d.engine.deadline(),
                d.now(),
            )
        })
        .collect();
    bail!("seed {seed} did not come to rest: {states:#?}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_schedules_end_in_one_epoch_with_one_list_of_messages() -> Result<()> {
    let seeds = std::env::var("DIARIO_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000u64);
    let world = World::new().await?;
    let mut devices = Vec::new();
    let mut accounts = Vec::new();
    for name in ["anna", "bruno"] {
        let mut phone = SimDevice::new(&world, &format!("{name}'s phone"))?;
        phone.register(name).await?;
        let mut pc = SimDevice::new(&world, &format!("{name}'s pc"))?;
        pc.link_to(&mut phone, true).await?;
        accounts.push(phone.account()?);
        devices.extend([phone, pc]);
    }
    let mut guests = Vec::new();
    for name in ["carla", "dino"] {
        let mut guest = SimDevice::new(&world, name)?;
        guest.register(name).await?;
        guests.push(devices[0].find(name).await?);
        // Away: so the server's stream to them does not matter here.
        guest.disconnect();
    }
    let guests = [guests[0], guests[1]];
    for device in &mut devices {
        device.find("carla").await?;
        device.find("dino").await?;
        device.find("bruno").await?;
    }
    let now = devices[0].now();
    let chat = devices[0].engine.create_conversation("race", &accounts[1..], now)?;
    devices[0].say(chat, "start")?;
    let mut all: Vec<_> = devices.iter_mut().collect();
    settle(&mut all).await?;
    for (i, device) in devices.iter_mut().enumerate() {
        device.say(chat, &format!("{i} is in"))?;
    }
    let mut all: Vec<_> = devices.iter_mut().collect();
    settle(&mut all).await?;
    assert!(at_rest(&devices, chat)?);
    let mut said = devices[0].texts(chat)?.len();
    for seed in 0..seeds {
        race(&mut devices, chat, &guests, seed, &mut said).await?;
    }
    let expected = devices[0].texts(chat)?;
    assert_eq!(expected.len(), said, "everything was said once");
    for device in &devices {
        assert_eq!(device.texts(chat)?, expected, "{}", device.name);
        let bad: Vec<_> =
            device.events.iter().filter(|e| matches!(e, diario_engine::Event::Misbehaviour { .. })).collect();
        assert!(bad.is_empty(), "{}: {bad:?}", device.name);
    }
    Ok(())
}
