//! Several primaries: the role is given, moved and taken, whatever happens on the way.

use anyhow::Result;
use diario_engine::{CommandError, DeviceView, Event, Misbehaviour, Stage};
use diario_protocol::{Change, Changes, DeviceId, Reply, ServerFrame, What};
use diario_sim::{SimDevice, World, settle};

use crate::cast::Four;

const DAY: u64 = 24 * 60 * 60 * 1000;

fn id(device: &SimDevice) -> DeviceId {
    device.engine.whoami().unwrap().2
}

/// What `device` knows of `which`; `None` if it is not listed.
fn seen(device: &SimDevice, which: DeviceId) -> Option<DeviceView> {
    device.engine.devices(device.now()).unwrap().into_iter().find(|d| d.id == which)
}

fn is_primary(device: &SimDevice, which: DeviceId) -> bool {
    seen(device, which).is_some_and(|d| d.primary && !d.awaits_key)
}

/// A phone and a PC of one account.
async fn two(world: &World) -> Result<(SimDevice, SimDevice)> {
    let mut phone = SimDevice::new(world, "phone")?;
    let mut pc = SimDevice::new(world, "pc")?;
    phone.register("giulia").await?;
    pc.link_to(&mut phone, true).await?;
    settle(&mut [&mut phone, &mut pc]).await?;
    Ok((phone, pc))
}

/// The same, and both are primaries.
async fn two_primaries(world: &World) -> Result<(SimDevice, SimDevice)> {
    let (mut phone, mut pc) = two(world).await?;
    phone.engine.promote(id(&pc), phone.now())?;
    settle(&mut [&mut phone, &mut pc]).await?;
    assert!(pc.engine.is_primary(), "{:?} {:?}", phone.last_events(), pc.last_events());
    Ok((phone, pc))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_device_holds_the_key_and_admits_others() -> Result<()> {
    let world = World::new().await?;
    let (mut phone, mut pc) = two(&world).await?;
    assert!(matches!(pc.engine.promote(id(&pc), pc.now()), Err(CommandError::NotPrimary)));
    assert!(matches!(phone.engine.demote(id(&phone), phone.now()), Err(CommandError::LastPrimary)));
    phone.engine.promote(id(&pc), phone.now())?;
    settle(&mut [&mut phone, &mut pc]).await?;
    assert!(pc.events.contains(&Event::Role { primary: true }), "{:?}", pc.events);
    for device in [&phone, &pc] {
        let listed = seen(device, id(&pc)).unwrap();
        assert!(listed.primary && !listed.awaits_key && listed.valid_until.is_none(), "{listed:?}");
        assert!(is_primary(device, id(&phone)));
    }
    assert!(matches!(phone.engine.promote(id(&pc), phone.now()), Err(CommandError::IsPrimary)));
    phone.disconnect();
    let mut tablet = SimDevice::new(&world, "tablet")?;
    tablet.link_to(&mut pc, true).await?;
    let linked = seen(&tablet, id(&tablet)).unwrap();
    assert_eq!(linked.linked_by.as_deref(), Some("pc"), "{linked:?}");
    assert!(linked.linked_at.is_some());
    // Neither the first one is safe from the second.
    pc.engine.revoke(id(&phone), pc.now())?;
    settle(&mut [&mut pc, &mut tablet]).await?;
    phone.connect().await?;
    settle(&mut [&mut pc, &mut tablet, &mut phone]).await?;
    assert_eq!(phone.engine.stage(phone.now())?, Some(Stage::Revoked));
    assert!(!phone.engine.is_primary(), "a revoked device keeps no key of the account");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_is_off_becomes_a_primary_when_it_comes() -> Result<()> {
    let world = World::new().await?;
    let (mut phone, mut pc) = two(&world).await?;
    pc.disconnect();
    phone.engine.promote(id(&pc), phone.now())?;
    settle(&mut [&mut phone]).await?;
    assert!(seen(&phone, id(&pc)).is_some_and(|d| d.primary && d.awaits_key));
    phone.disconnect();
    pc.connect().await?;
    settle(&mut [&mut pc]).await?;
    assert!(pc.engine.is_primary(), "the key waited for it: {:?}", pc.last_events());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_role_is_handed_over() -> Result<()> {
    let world = World::new().await?;
    let (mut phone, mut pc) = two(&world).await?;
    pc.disconnect();
    phone.engine.hand_over(id(&pc), phone.now())?;
    settle(&mut [&mut phone]).await?;
    assert!(phone.engine.is_primary(), "nobody gives the key away before another one has it");
    pc.connect().await?;
    settle(&mut [&mut phone, &mut pc]).await?;
    assert!(pc.engine.is_primary() && !phone.engine.is_primary());
    assert!(phone.events.contains(&Event::Role { primary: false }), "{:?}", phone.events);
    let until = seen(&pc, id(&phone)).unwrap().valid_until.unwrap();
    assert!(until.0 > phone.now().0 + 13 * DAY);
    assert!(matches!(phone.engine.approve("whatever", phone.now()), Err(CommandError::NotPrimary)));
    // The one that has the role now does what goes with it.
    world.clock().advance(8 * DAY);
    settle(&mut [&mut phone, &mut pc]).await?;
    assert!(seen(&pc, id(&phone)).unwrap().valid_until.unwrap() > until);
    // And back again.
    pc.engine.hand_over(id(&phone), pc.now())?;
    settle(&mut [&mut phone, &mut pc]).await?;
    assert!(phone.engine.is_primary() && !pc.engine.is_primary());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_nobody_takes_stays() -> Result<()> {
    let world = World::new().await?;
    let (mut phone, mut pc) = two(&world).await?;
    let mut tablet = SimDevice::new(&world, "tablet")?;
    tablet.link_to(&mut phone, false).await?;
    pc.disconnect();
    phone.engine.hand_over(id(&pc), phone.now())?;
    settle(&mut [&mut phone, &mut tablet]).await?;
    phone.engine.revoke(id(&pc), phone.now())?;
    settle(&mut [&mut phone, &mut tablet]).await?;
    phone.engine.promote(id(&tablet), phone.now())?;
    settle(&mut [&mut phone, &mut tablet]).await?;
    assert!(tablet.engine.is_primary());
    assert!(phone.engine.is_primary(), "what was meant for the pc is not done for the tablet");
    Ok(())
}

/// Promotes the PC and takes the role from it again, and kills one of the two after so many of its frames.
async fn killed(victim_is_phone: bool) -> Result<()> {
    let world = World::new().await?;
    let (phone_store, pc_store) = (world.folder().join("phone.db"), world.folder().join("pc.db"));
    let mut phone = SimDevice::at(&world, "phone", &phone_store)?;
    let mut pc = SimDevice::at(&world, "pc", &pc_store)?;
    phone.register("giulia").await?;
    pc.link_to(&mut phone, true).await?;
    settle(&mut [&mut phone, &mut pc]).await?;
    let (phone_id, pc_id) = (id(&phone), id(&pc));
    for after in 0..14 {
        for promotes in [true, false] {
            if promotes {
                phone.engine.promote(pc_id, phone.now())?;
            } else {
                phone.engine.demote(pc_id, phone.now())?;
            }
            let mut steps = 0;
            let begun = std::time::Instant::now();
            while steps < after && begun.elapsed().as_millis() < 150 {
                for (device, counts) in [(&mut phone, victim_is_phone), (&mut pc, !victim_is_phone)] {
                    let mut moved = device.send_one().await?;
                    device.fetch_one(std::time::Duration::from_millis(1)).await;
                    moved |= device.deliver_one()?;
                    steps += u32::from(moved && counts);
                }
            }
            if victim_is_phone {
                drop(phone);
                phone = SimDevice::at(&world, "phone", &phone_store)?;
                phone.connect().await?;
            } else {
                drop(pc);
                pc = SimDevice::at(&world, "pc", &pc_store)?;
                pc.connect().await?;
            }
            settle(&mut [&mut phone, &mut pc]).await?;
            assert!(phone.engine.is_primary());
            assert_eq!(pc.engine.is_primary(), promotes, "killed after {after}: {:?}", pc.events);
            for device in [&phone, &pc] {
                assert_eq!(is_primary(device, pc_id), promotes, "killed after {after}, {}", device.name);
                assert!(is_primary(device, phone_id));
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoter_killed_anywhere_goes_on() -> Result<()> {
    killed(true).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_device_killed_anywhere_goes_on() -> Result<()> {
    killed(false).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_set_back_to_before_its_promotion_gets_the_key_again() -> Result<()> {
    let world = World::new().await?;
    let mut phone = SimDevice::new(&world, "phone")?;
    phone.register("giulia").await?;
    let (store, copy) = (world.folder().join("pc.db"), world.folder().join("copy.db"));
    let mut pc = SimDevice::at(&world, "pc", &store)?;
    pc.link_to(&mut phone, true).await?;
    settle(&mut [&mut phone, &mut pc]).await?;
    rusqlite::Connection::open(&store)?.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
    phone.engine.promote(id(&pc), phone.now())?;
    settle(&mut [&mut phone, &mut pc]).await?;
    drop(pc);
    let mut pc = SimDevice::at(&world, "pc", &copy)?;
    assert!(!pc.engine.is_primary());
    pc.connect().await?;
    settle(&mut [&mut phone, &mut pc]).await?;
    assert!(pc.engine.is_primary(), "{:?}", pc.last_events());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promotion_raced_by_a_revocation_leaves_no_device() -> Result<()> {
    let world = World::new().await?;
    let (mut phone, mut pc) = two_primaries(&world).await?;
    for first in [true, false] {
        let mut tablet = SimDevice::new(&world, "tablet")?;
        tablet.link_to(&mut phone, true).await?;
        settle(&mut [&mut phone, &mut pc, &mut tablet]).await?;
        let target = id(&tablet);
        phone.engine.promote(target, phone.now())?;
        pc.engine.revoke(target, pc.now())?;
        // Who comes first decides whose list is refused, not what comes of it.
        let (one, two) = if first { (&mut phone, &mut pc) } else { (&mut pc, &mut phone) };
        while one.send_one().await? {}
        one.fetch_one(std::time::Duration::from_millis(100)).await;
        while two.send_one().await? {}
        settle(&mut [&mut phone, &mut pc, &mut tablet]).await?;
        for device in [&phone, &pc] {
            assert!(seen(device, target).is_none(), "{}: {:?}", device.name, device.last_events());
            assert!(device.engine.is_primary());
        }
        if tablet.engine.stage(tablet.now())? != Some(Stage::Revoked) {
            tablet.connect().await?;
            settle(&mut [&mut phone, &mut pc, &mut tablet]).await?;
        }
        assert_eq!(tablet.engine.stage(tablet.now())?, Some(Stage::Revoked));
        assert!(!tablet.engine.is_primary());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_primaries_that_demote_each_other_leave_one() -> Result<()> {
    let world = World::new().await?;
    let (mut phone, mut pc) = two_primaries(&world).await?;
    phone.engine.demote(id(&pc), phone.now())?;
    pc.engine.demote(id(&phone), pc.now())?;
    settle(&mut [&mut phone, &mut pc]).await?;
    assert!(phone.engine.is_primary() != pc.engine.is_primary());
    for device in [&phone, &pc] {
        assert_eq!(is_primary(device, id(&phone)), phone.engine.is_primary());
        assert_eq!(is_primary(device, id(&pc)), pc.engine.is_primary());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_primaries_that_both_step_down_leave_one() -> Result<()> {
    let world = World::new().await?;
    let (mut phone, mut pc) = two_primaries(&world).await?;
    phone.engine.demote(id(&phone), phone.now())?;
    pc.engine.demote(id(&pc), pc.now())?;
    settle(&mut [&mut phone, &mut pc]).await?;
    assert!(phone.engine.is_primary() != pc.engine.is_primary());
    Ok(())
}

/// Shows a code on `device`.
async fn code_of(world: &World, device: &mut SimDevice) -> Result<String> {
    use diario_engine::LinkingStep;
    device.engine.link(&world.url(), &device.name.clone(), true, device.now())?;
    device.connect().await?;
    settle(&mut [device]).await?;
    let shown = device.take_events().into_iter().find_map(|e| match e {
        Event::Linking(LinkingStep::Code { code, .. }) => Some(code),
        _ => None,
    });
    shown.ok_or_else(|| anyhow::anyhow!("no code"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_primaries_link_at_the_same_time() -> Result<()> {
    let world = World::new().await?;
    let (mut phone, mut pc) = two_primaries(&world).await?;
    let mut tablet = SimDevice::new(&world, "tablet")?;
    let mut laptop = SimDevice::new(&world, "laptop")?;
    let codes = (code_of(&world, &mut tablet).await?, code_of(&world, &mut laptop).await?);
    phone.engine.approve(&codes.0, phone.now())?;
    pc.engine.approve(&codes.1, pc.now())?;
    settle(&mut [&mut phone, &mut pc, &mut tablet, &mut laptop]).await?;
    phone.engine.confirm_link(true, phone.now())?;
    pc.engine.confirm_link(true, pc.now())?;
    settle(&mut [&mut phone, &mut pc, &mut tablet, &mut laptop]).await?;
    for device in [&tablet, &laptop] {
        assert!(device.engine.is_live(), "{}: {:?}", device.name, device.events);
    }
    assert_eq!(phone.engine.devices(phone.now())?.len(), 4);
    assert_eq!(seen(&pc, id(&tablet)).unwrap().linked_by.as_deref(), Some("phone"));
    assert_eq!(seen(&phone, id(&laptop)).unwrap().linked_by.as_deref(), Some("pc"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_linked_while_another_is_linking() -> Result<()> {
    let world = World::new().await?;
    let (mut phone, _) = two(&world).await?;
    let mut tablet = SimDevice::new(&world, "tablet")?;
    let mut laptop = SimDevice::new(&world, "laptop")?;
    let codes = (code_of(&world, &mut tablet).await?, code_of(&world, &mut laptop).await?);
    // Scanned and not confirmed: the next code takes its place, and the first device is told.
    phone.engine.approve(&codes.0, phone.now())?;
    settle(&mut [&mut phone, &mut tablet, &mut laptop]).await?;
    phone.engine.approve(&codes.1, phone.now())?;
    settle(&mut [&mut phone, &mut tablet, &mut laptop]).await?;
    let failed = |e: &Event| matches!(e, Event::Linking(diario_engine::LinkingStep::Failed(_)));
    assert!(tablet.events.iter().any(failed), "{:?}", tablet.events);
    phone.engine.confirm_link(true, phone.now())?;
    // Confirmed: now it must come to its end first.
    let again = code_of(&world, &mut tablet).await?;
    assert!(matches!(phone.engine.approve(&again, phone.now()), Err(CommandError::LinkingUnderWay)));
    settle(&mut [&mut phone, &mut tablet, &mut laptop]).await?;
    assert!(laptop.engine.is_live(), "{:?}", laptop.events);
    phone.engine.approve(&again, phone.now())?;
    settle(&mut [&mut phone, &mut tablet, &mut laptop]).await?;
    phone.engine.confirm_link(true, phone.now())?;
    settle(&mut [&mut phone, &mut tablet, &mut laptop]).await?;
    assert!(tablet.engine.is_live(), "{:?}", tablet.events);
    assert_eq!(phone.engine.devices(phone.now())?.len(), 4);
    Ok(())
}

/// Takes device lists out of everything that the server says.
fn without_lists(frame: ServerFrame) -> Vec<ServerFrame> {
    vec![match frame {
        ServerFrame::Changes(changes) => {
            let items = changes.items.into_iter();
            let items = items.filter(|Change { what, .. }| !matches!(what, What::DeviceList(_))).collect();
            ServerFrame::Changes(Changes { items, ..changes })
        }
        ServerFrame::Reply(id, Reply::Accounts(found)) => {
            ServerFrame::Reply(id, Reply::Accounts(found.into_iter().map(|_| None).collect()))
        }
        frame => frame,
    }]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demoted_device_cannot_sign_lists() -> Result<()> {
    let world = World::new().await?;
    let (store, copy) = (world.folder().join("phone.db"), world.folder().join("copy.db"));
    let mut phone = SimDevice::at(&world, "phone", &store)?;
    let mut pc = SimDevice::new(&world, "pc")?;
    phone.register("giulia").await?;
    pc.link_to(&mut phone, true).await?;
    settle(&mut [&mut phone, &mut pc]).await?;
    phone.engine.promote(id(&pc), phone.now())?;
    settle(&mut [&mut phone, &mut pc]).await?;
    rusqlite::Connection::open(&store)?.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
    pc.engine.demote(id(&phone), pc.now())?;
    settle(&mut [&mut phone, &mut pc]).await?;
    assert!(!phone.engine.is_primary());
    drop(phone);
    // A store from before still has the key, and hears of nothing.
    let mut phone = SimDevice::at(&world, "phone", &copy)?;
    assert!(phone.engine.is_primary());
    phone.tamper(without_lists);
    phone.connect().await?;
    settle(&mut [&mut phone, &mut pc]).await?;
    phone.engine.revoke(id(&pc), phone.now())?;
    settle(&mut [&mut phone, &mut pc]).await?;
    assert!(pc.is_connected() && seen(&pc, id(&pc)).is_some(), "{:?}", pc.last_events());
    // Once it hears, it forgets.
    phone.trust();
    phone.disconnect();
    phone.connect().await?;
    settle(&mut [&mut phone, &mut pc]).await?;
    assert!(!phone.engine.is_primary(), "{:?}", phone.last_events());
    assert!(pc.is_connected());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_does_not_come_back_with_an_old_list() -> Result<()> {
    let mut four = Four::new().await?;
    let account = four.giulia.account()?;
    let pc = id(&four.giulia_pc);
    four.giulia.say(four.chat, "hello")?;
    four.giulia.engine.promote(pc, four.giulia.now())?;
    four.settle().await?;
    // The list with two primaries, as the server gives it to whoever asks.
    let (kept, keeps) = std::sync::mpsc::channel();
    four.marco.tamper(move |frame| {
        if let ServerFrame::Reply(_, Reply::Accounts(found)) = &frame {
            let _ = kept.send(found.clone());
        }
        vec![frame]
    });
    four.marco.find("giulia").await?;
    let old = keeps.recv()?;
    four.giulia.engine.demote(pc, four.giulia.now())?;
    four.settle().await?;
    assert!(!four.giulia_pc.engine.is_primary());
    for device in [&mut four.giulia_pc, &mut four.giulia, &mut four.marco] {
        let old = old.clone();
        device.tamper(move |frame| match frame {
            ServerFrame::Reply(id, Reply::Accounts(_)) => {
                vec![ServerFrame::Reply(id, Reply::Accounts(old.clone()))]
            }
            frame => vec![frame],
        });
        device.take_events();
        assert_eq!(device.find("giulia").await?, account);
        let refused = |e: &Event| matches!(e, Event::Misbehaviour { what: Misbehaviour::DeviceList(_), .. });
        assert!(device.events.iter().any(refused), "{}: {:?}", device.name, device.events);
    }
    assert!(!four.giulia_pc.engine.is_primary());
    assert!(!is_primary(&four.giulia, pc));
    Ok(())
}
