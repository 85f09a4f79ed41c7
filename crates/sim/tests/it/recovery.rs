//! Losing every device, and coming back.

use std::time::Duration;

use anyhow::Result;
use diario_engine::recovery::{Keep, RecoverySecret, WordLanguage};
use diario_engine::{CommandError, Event, RecoveryStep, Trust};
use diario_protocol::{ConversationId, Reply, Request, ServerFrame};
use diario_sim::{SimDevice, World, asked_words, settle};

use crate::cast::Four;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

pub(crate) fn failed(device: &SimDevice) -> Option<String> {
    device.events.iter().rev().find_map(|e| match e {
        Event::Recovery(RecoveryStep::Failed(why)) => Some(why.to_string()),
        _ => None,
    })
}

/// What was said before there was a key, between the two people and to oneself.
pub(crate) async fn talked() -> Result<(Four, ConversationId)> {
    let mut four = Four::new().await?;
    four.giulia.say(four.chat, "one")?;
    four.settle().await?;
    four.marco.say(four.chat, "two")?;
    let own = four.giulia.engine.direct(four.giulia.account()?, four.giulia.now())?;
    four.giulia.say(own, "note")?;
    four.settle().await?;
    Ok((four, own))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_devices_are_lost_at_once_and_everything_comes_back() -> Result<()> {
    let (mut four, own) = talked().await?;
    let words = four.giulia.make_recovery_key(WordLanguage::Italian).await?;
    assert!(four.giulia.engine.recovery_methods()?[0].ready);
    four.settle().await?;
    four.giulia_pc.say(four.chat, "three, after the key was made")?;
    four.settle().await?;
    four.giulia.disconnect();
    four.giulia_pc.disconnect();
    four.marco.say(four.chat, "four, while nobody was there")?;
    four.settle().await?;

    let mut new = SimDevice::new(&four.world, "giulia's new phone")?;
    new.recover("giulia", &words, &Keep::None).await?;
    assert!(new.engine.is_primary());
    assert_eq!(new.account()?, four.giulia.account()?);
    settle(&mut [&mut new, &mut four.marco, &mut four.marco_pc]).await?;
    assert_eq!(new.texts(four.chat)?.len(), 4, "{:?}", new.texts(four.chat)?);
    assert_eq!(new.texts(four.chat)?, four.marco.texts(four.chat)?);
    assert_eq!(new.texts(own)?, ["note"]);
    assert_eq!(new.engine.devices(new.now())?.len(), 1);

    new.say(four.chat, "I am back")?;
    new.say(own, "lost my phone")?;
    settle(&mut [&mut new, &mut four.marco, &mut four.marco_pc]).await?;
    assert_eq!(four.marco.texts(four.chat)?.last().unwrap(), "I am back");
    four.marco_pc.say(four.chat, "welcome")?;
    settle(&mut [&mut new, &mut four.marco, &mut four.marco_pc]).await?;
    assert_eq!(new.texts(four.chat)?.last().unwrap(), "welcome");

    // The lost ones are found: they are no devices of the account any more, and learn nothing.
    for lost in [&mut four.giulia, &mut four.giulia_pc] {
        lost.connect().await?;
        settle(&mut [lost]).await?;
        assert!(lost.events.contains(&Event::Revoked), "{:?}", lost.last_events());
        assert!(!lost.texts(four.chat)?.contains(&"I am back".to_owned()));
    }
    // What brought the account back does so again.
    new.disconnect();
    let mut again = SimDevice::new(&four.world, "another phone")?;
    again.recover("giulia", &words, &Keep::All).await?;
    settle(&mut [&mut again, &mut four.marco]).await?;
    assert_eq!(again.texts(own)?, ["note", "lost my phone"]);
    assert_eq!(again.texts(four.chat)?.last().unwrap(), "welcome");
    assert_eq!(again.engine.devices(again.now())?.len(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_epoch_that_a_linked_device_turned_is_in_the_vault() -> Result<()> {
    let (mut four, own) = talked().await?;
    let words = four.giulia.make_recovery_key(WordLanguage::English).await?;
    four.settle().await?;
    four.giulia.disconnect();
    for day in 0..3 {
        four.giulia_pc.say(own, &format!("day {day}"))?;
        four.settle().await?;
        four.world.clock().advance(8 * DAY_MS);
        if day == 0 {
            // The phone is home once more before its time as a vouching primary is over.
            four.giulia.connect().await?;
            four.settle().await?;
            four.giulia.disconnect();
        }
        if day == 1 {
            break;
        }
    }
    four.giulia_pc.say(own, "the newest")?;
    four.settle().await?;
    let epoch = four.giulia_pc.engine.log_state(own)?.unwrap().epoch;
    four.giulia_pc.disconnect();

    let mut new = SimDevice::new(&four.world, "new phone")?;
    new.recover("giulia", &words, &Keep::None).await?;
    assert!(new.engine.log_state(own)?.unwrap().epoch > epoch);
    assert_eq!(new.texts(own)?, ["note", "day 0", "day 1", "the newest"]);
    let lies = |e: &Event| matches!(e, Event::Misbehaviour { .. });
    assert!(!new.events.iter().any(lies), "{:?}", new.events);
    Ok(())
}

/// A newer key replaces the older one when the server has it, and not before: until then the older one is given every
/// new epoch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_key_is_good_until_the_newer_is_in_the_vault() -> Result<()> {
    let (mut four, own) = talked().await?;
    let older = four.giulia.make_recovery_key(WordLanguage::English).await?;
    // The server never says what is in the vault: the newer key does not get there.
    four.giulia.tamper(|frame| match frame {
        ServerFrame::Reply(_, Reply::VaultMethods(_)) => vec![],
        other => vec![other],
    });
    let now = four.giulia.now();
    let key = four.giulia.engine.make_recovery_key(WordLanguage::English, now)?;
    four.giulia.engine.confirm_recovery_key(&asked_words(&key), now)?;
    four.settle().await?;
    let methods = four.giulia.engine.recovery_methods()?;
    assert!(matches!(&methods[..], [newer] if !newer.ready), "{methods:?}");
    let epoch = four.giulia.engine.log_state(own)?.unwrap().epoch;
    four.giulia.engine.revoke(four.giulia_pc.engine.whoami().unwrap().2, now)?;
    four.settle().await?;
    four.giulia.say(own, "in a new epoch")?;
    four.settle().await?;
    assert!(four.giulia.engine.log_state(own)?.unwrap().epoch > epoch);
    four.giulia.disconnect();

    let mut new = SimDevice::new(&four.world, "new phone")?;
    new.recover("giulia", &older, &Keep::None).await?;
    settle(&mut [&mut new, &mut four.marco, &mut four.marco_pc]).await?;
    assert_eq!(new.texts(own)?, ["note", "in a new epoch"]);
    let lies = |e: &Event| matches!(e, Event::Misbehaviour { .. });
    assert!(!new.events.iter().any(lies), "{:?}", new.events);
    // The new phone puts the newer key into the vault, and then the older one is good no longer.
    assert_eq!(new.engine.recovery_methods()?.len(), 1);
    let mut other = SimDevice::new(&four.world, "other phone")?;
    other.open_vault("giulia", &RecoverySecret::from_words(&older)?).await?;
    assert!(failed(&other).is_some(), "{:?}", other.events);
    other.disconnect();
    let newer = RecoverySecret::from_words(&key.words.join(" "))?;
    let mut other = SimDevice::new(&four.world, "another phone")?;
    other.open_vault("giulia", &newer).await?;
    assert_eq!(failed(&other), None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_words_change_nothing_and_the_right_ones_are_as_good_as_before() -> Result<()> {
    let (mut four, _) = talked().await?;
    let older = four.giulia.make_recovery_key(WordLanguage::English).await?;
    let words = four.giulia.make_recovery_key(WordLanguage::English).await?;
    four.settle().await?;
    assert_eq!(four.giulia.engine.recovery_methods()?.len(), 1, "the newer replaces the older");

    let mut new = SimDevice::new(&four.world, "new phone")?;
    new.open_vault("giulia", &RecoverySecret::from_words(&older)?).await?;
    assert!(failed(&new).unwrap().contains("recovery key"), "{:?}", new.events);
    assert!(new.engine.whoami().is_none() && !new.engine.wants_connection());
    new.disconnect();
    new.open_vault("nobody", &RecoverySecret::from_words(&words)?).await?;
    assert!(failed(&new).unwrap().contains("check the name"), "{:?}", new.events);
    new.disconnect();
    new.take_events();
    new.recover("giulia", &words, &Keep::All).await?;
    assert_eq!(failed(&new), None);
    four.settle().await?;
    four.giulia.say(four.chat, "still here")?;
    settle(&mut [&mut new, &mut four.giulia, &mut four.marco]).await?;
    assert_eq!(new.texts(four.chat)?.last().unwrap(), "still here");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_counts_only_when_three_of_its_words_were_given() -> Result<()> {
    let (mut four, _) = talked().await?;
    assert!(matches!(
        four.giulia_pc.engine.make_recovery_key(WordLanguage::English, four.giulia_pc.now()),
        Err(CommandError::NotPrimary)
    ));
    let now = four.giulia.now();
    let none = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
    assert!(matches!(four.giulia.engine.confirm_recovery_key(&none, now), Err(CommandError::NoRecoveryKey)));
    let key = four.giulia.engine.make_recovery_key(WordLanguage::Italian, now)?;
    let word = |n: u8| key.words[usize::from(n) - 1].clone();
    assert!(key.asked[0] < key.asked[1] && key.asked[1] < key.asked[2] && key.asked[2] <= 24);
    let wrong = [word(key.asked[0]), word(key.asked[2]), word(key.asked[1])];
    let refused = four.giulia.engine.confirm_recovery_key(&wrong, now);
    assert!(matches!(refused, Err(CommandError::WrongWord(n)) if n == key.asked[1]));
    four.settle().await?;
    assert!(four.giulia.engine.recovery_methods()?.is_empty());
    let right = key.asked.map(|n| format!(" {} ", word(n).to_uppercase()));
    let id = four.giulia.engine.confirm_recovery_key(&right, now)?;
    four.settle().await?;
    let methods = four.giulia_pc.engine.recovery_methods()?;
    assert_eq!((methods.len(), methods[0].id), (1, id), "the others know of it");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_two_methods_opens_until_it_is_removed() -> Result<()> {
    let (mut four, own) = talked().await?;
    let words = four.giulia.make_recovery_key(WordLanguage::English).await?;
    let (output, now) = ([7; 32], four.giulia.now());
    let passkey = four.giulia.engine.add_recovery_passkey(output, b"credential", "laptop", now)?;
    four.settle().await?;
    let methods = four.giulia.engine.recovery_methods()?;
    assert!(methods.len() == 2 && methods.iter().all(|m| m.ready), "{methods:?}");

    let mut first = SimDevice::new(&four.world, "by passkey")?;
    first.open_vault("giulia", &RecoverySecret::from_passkey(output)).await?;
    first.engine.finish_recovery(&Keep::All, first.now())?;
    settle(&mut [&mut first, &mut four.giulia, &mut four.giulia_pc]).await?;
    assert_eq!(first.texts(own)?, ["note"]);
    first.engine.remove_recovery_method(passkey, first.now())?;
    settle(&mut [&mut first, &mut four.giulia, &mut four.giulia_pc]).await?;
    assert_eq!(four.giulia.engine.recovery_methods()?.len(), 1);

    let mut second = SimDevice::new(&four.world, "by passkey again")?;
    second.open_vault("giulia", &RecoverySecret::from_passkey(output)).await?;
    assert!(failed(&second).is_some(), "{:?}", second.events);
    second.disconnect();
    second.recover("giulia", &words, &Keep::All).await?;
    assert_eq!(second.texts(own)?, ["note"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_is_killed_while_it_comes_back_goes_on_or_begins_again() -> Result<()> {
    let (mut four, own) = talked().await?;
    let words = four.giulia.make_recovery_key(WordLanguage::English).await?;
    let secret = RecoverySecret::from_words(&words)?;
    for (name, arrives) in [("asked", true), ("not asked", false)] {
        let store = four.world.folder().join(format!("{name}.db"));
        let mut new = SimDevice::at(&four.world, name, &store)?;
        new.open_vault("giulia", &secret).await?;
        new.engine.finish_recovery(&Keep::All, new.now())?;
        if arrives {
            new.record();
            while !new.recorded().iter().any(|f| matches!(f.request, Request::Recover(_))) {
                new.send_one().await?;
            }
            // The answer comes, and nobody is there to take it.
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        drop(new);
        let mut revived = SimDevice::at(&four.world, name, &store)?;
        assert!(revived.engine.wants_connection());
        revived.connect().await?;
        settle(&mut [&mut revived]).await?;
        if arrives {
            assert!(revived.engine.is_live(), "{:?}", revived.events);
        } else {
            assert!(revived.engine.whoami().is_none(), "no account is left behind");
            assert!(failed(&revived).unwrap().contains("begin again"), "{:?}", revived.events);
            revived.disconnect();
            revived.recover("giulia", &words, &Keep::All).await?;
        }
        assert_eq!(revived.texts(own)?, ["note"]);
    }
    four.settle().await?;
    assert_eq!(four.giulia.engine.devices(four.giulia.now())?.len(), 4, "each has become one device");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_does_not_end_a_recovery() -> Result<()> {
    let (mut four, own) = talked().await?;
    let words = four.giulia.make_recovery_key(WordLanguage::English).await?;
    let secret = RecoverySecret::from_words(&words)?;
    let mut new = SimDevice::new(&four.world, "new phone")?;
    // Torn before the user has chosen, after that, and after the request went out.
    new.open_vault("giulia", &secret).await?;
    new.disconnect();
    new.connect().await?;
    settle(&mut [&mut new]).await?;
    new.disconnect();
    new.engine.finish_recovery(&Keep::All, new.now())?;
    new.connect().await?;
    new.record();
    loop {
        new.send_one().await?;
        if new.recorded().iter().any(|f| matches!(f.request, Request::Recover(_))) {
            break;
        }
        new.fetch_one(Duration::from_millis(1)).await;
        new.deliver_one()?;
    }
    // Nothing may be done on it yet: should the server refuse it, or the user try once more, nothing of it is kept.
    let (marco, pc) = (four.marco.account()?, four.giulia_pc.engine.whoami().unwrap().2);
    let now = new.now();
    assert!(matches!(new.engine.direct(marco, now), Err(CommandError::NotYet)));
    assert!(matches!(new.engine.admit_device(None, now), Err(CommandError::NotYet)));
    assert!(matches!(new.engine.revoke(pc, now), Err(CommandError::NotYet)));
    new.disconnect();
    new.connect().await?;
    settle(&mut [&mut new, &mut four.giulia, &mut four.giulia_pc]).await?;
    assert!(new.engine.is_live(), "{:?}", new.events);
    assert_eq!(new.texts(own)?, ["note"]);
    assert_eq!(four.giulia.engine.devices(four.giulia.now())?.len(), 3);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_reaches_the_vault_though_its_device_dies_at_once() -> Result<()> {
    let (mut four, own) = talked().await?;
    let key = four.giulia.engine.make_recovery_key(WordLanguage::English, four.giulia.now())?;
    four.giulia.engine.confirm_recovery_key(&asked_words(&key), four.giulia.now())?;
    four.giulia.disconnect();
    assert!(!four.giulia.engine.recovery_methods()?[0].ready);
    let mut new = SimDevice::new(&four.world, "too early")?;
    new.open_vault("giulia", &RecoverySecret::from_words(&key.words.join(" "))?).await?;
    assert!(failed(&new).is_some());
    new.disconnect();
    four.giulia.connect().await?;
    four.settle().await?;
    assert!(four.giulia.engine.recovery_methods()?[0].ready);
    new.recover("giulia", &key.words.join(" "), &Keep::All).await?;
    assert_eq!(new.texts(own)?, ["note"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stolen_device_that_fights_back_loses() -> Result<()> {
    let (mut four, own) = talked().await?;
    let words = four.giulia.make_recovery_key(WordLanguage::English).await?;
    four.giulia_pc.disconnect();
    let mut new = SimDevice::new(&four.world, "new phone")?;
    new.open_vault("giulia", &RecoverySecret::from_words(&words)?).await?;
    // The thief has the phone, a primary, and changes the list between every two steps of the recovery.
    let pc = four.giulia_pc.engine.whoami().unwrap().2;
    four.giulia.engine.revoke(pc, four.giulia.now())?;
    settle(&mut [&mut four.giulia]).await?;
    new.engine.finish_recovery(&Keep::None, new.now())?;
    let mut tablet = SimDevice::new(&four.world, "thief's tablet")?;
    let linked = tablet.link_to(&mut four.giulia, true).await;
    settle(&mut [&mut new]).await?;
    assert!(new.engine.is_live(), "{:?} {linked:?}", new.events);
    settle(&mut [&mut new, &mut four.giulia, &mut tablet]).await?;
    assert_eq!(new.engine.devices(new.now())?.len(), 1);

    // Cut off, it has the account's key still, and tries again with what it had prepared.
    for thief in [&mut four.giulia, &mut tablet] {
        thief.disconnect();
        thief.say(own, "from the thief")?;
        thief.say(four.chat, "from the thief").ok();
        thief.connect().await?;
        settle(&mut [thief]).await?;
        assert!(!thief.engine.is_live(), "{:?}", thief.last_events());
    }
    new.say(own, "mine alone")?;
    new.say(four.chat, "hello")?;
    settle(&mut [&mut new, &mut four.giulia, &mut tablet, &mut four.marco]).await?;
    assert_eq!(new.texts(own)?, ["note", "mine alone"]);
    assert!(!four.marco.texts(four.chat)?.contains(&"from the thief".to_owned()));
    assert_eq!(four.marco.texts(four.chat)?.last().unwrap(), "hello");
    assert!(!four.giulia.texts(own)?.contains(&"mine alone".to_owned()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_device_limit_one_is_revoked_in_the_same_step() -> Result<()> {
    let world = World::with(|settings| settings.max_devices = 2).await?;
    let mut phone = SimDevice::new(&world, "phone")?;
    phone.register("giulia").await?;
    let mut pc = SimDevice::new(&world, "pc")?;
    pc.link_to(&mut phone, true).await?;
    let words = phone.make_recovery_key(WordLanguage::English).await?;

    // Linking a third one.
    let mut tablet = SimDevice::new(&world, "tablet")?;
    tablet.engine.link(&world.url(), "tablet", false, tablet.now())?;
    tablet.connect().await?;
    settle(&mut [&mut tablet]).await?;
    let code = tablet.take_events().into_iter().find_map(|e| match e {
        Event::Linking(diario_engine::LinkingStep::Code { code, .. }) => Some(code),
        _ => None,
    });
    phone.engine.approve(&code.unwrap(), phone.now())?;
    settle(&mut [&mut tablet, &mut phone]).await?;
    assert!(matches!(phone.engine.admit_device(None, phone.now()), Err(CommandError::DeviceLimit(2))));
    let gone = pc.engine.whoami().unwrap().2;
    phone.engine.admit_device(Some(gone), phone.now())?;
    settle(&mut [&mut tablet, &mut phone, &mut pc]).await?;
    assert!(tablet.engine.is_live(), "{:?} {:?}", tablet.events, phone.last_events());
    pc.connect().await?;
    settle(&mut [&mut pc]).await?;
    assert!(pc.events.contains(&Event::Revoked), "{:?}", pc.last_events());

    // Recovering a fourth one, with no session at all: what the devices are called is shown.
    phone.disconnect();
    tablet.disconnect();
    let mut new = SimDevice::new(&world, "new phone")?;
    new.open_vault("giulia", &RecoverySecret::from_words(&words)?).await?;
    let shown = new.events.iter().find_map(|e| match e {
        Event::Recovery(RecoveryStep::Opened { devices, .. }) => Some(devices.clone()),
        _ => None,
    });
    let mut names: Vec<_> = shown.unwrap().into_iter().map(|d| d.name).collect();
    names.sort();
    assert_eq!(names, ["phone", "tablet"]);
    assert!(matches!(new.engine.finish_recovery(&Keep::All, new.now()), Err(CommandError::DeviceLimit(2))));
    let lost = phone.engine.whoami().unwrap().2;
    new.engine.finish_recovery(&Keep::AllBut(vec![lost]), new.now())?;
    settle(&mut [&mut new]).await?;
    assert!(new.engine.is_live(), "{:?}", new.events);
    tablet.connect().await?;
    settle(&mut [&mut new, &mut tablet]).await?;
    assert!(tablet.engine.is_live(), "the one that stays goes on");
    assert_eq!(new.engine.devices(new.now())?.len(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_begins_anew_is_another_account_and_contacts_are_warned() -> Result<()> {
    let (mut four, _) = talked().await?;
    let (old, name) = (four.giulia.account()?, "giulia".parse()?);
    let code = diario_server::release_name(&four.world.data(), &name, 7).await?;
    let mut new = SimDevice::new(&four.world, "a new beginning")?;
    new.engine.register(&four.world.url(), "giulia", "phone", Some("wrong"), new.now())?;
    new.connect().await?;
    settle(&mut [&mut new]).await?;
    assert!(new.engine.whoami().is_none(), "without the code the name is taken");
    new.disconnect();
    new.engine.register(&four.world.url(), "giulia", "phone", Some(&code), new.now())?;
    new.connect().await?;
    settle(&mut [&mut new]).await?;
    four.settle().await?;
    let account = new.account()?;
    assert_ne!(account, old);

    let found = four.marco.find("giulia").await?;
    assert_eq!(found, account);
    let changed = Event::KeyChanged { username: name.clone(), before: old, now: account };
    assert!(four.marco.events.contains(&changed), "{:?}", four.marco.last_events());
    assert_eq!(four.marco.engine.key_changes()?[0].now, account);
    let renamed = four.marco.engine.name_of(old)?;
    assert!(renamed.starts_with("giulia-"), "{renamed}");
    assert_eq!(four.giulia.engine.whoami().unwrap().0, renamed, "its own devices are told");
    assert!(four.giulia.events.iter().any(|e| matches!(e, Event::Renamed { .. })));

    // What was said stays where it was, and the new account has none of it.
    let anew = four.marco.direct(account)?;
    assert_ne!(anew, four.chat);
    assert_eq!(four.marco.texts(four.chat)?.len(), 2);
    four.marco.say(anew, "who are you?")?;
    settle(&mut [&mut new, &mut four.marco]).await?;
    assert_eq!(new.texts(anew)?, ["who are you?"]);
    assert!(new.texts(four.chat)?.is_empty());
    four.giulia.say(four.chat, "I am still here")?;
    four.settle().await?;
    assert_eq!(four.marco.texts(four.chat)?.last().unwrap(), "I am still here");

    // A group that the new account is in says so, until that is accepted.
    let now = four.marco.now();
    let group = four.marco.engine.create_conversation("Trip", &[account], now)?;
    let trust = |marco: &SimDevice| -> Result<Vec<Trust>> {
        let alone = marco.engine.conversation_row(group)?;
        let listed = marco.engine.conversation_rows()?.into_iter().find(|row| row.id == group);
        Ok([alone, listed].into_iter().flatten().map(|row| row.trust).collect())
    };
    four.settle().await?;
    assert_eq!(trust(&four.marco)?, [Trust::Changed { verified_before: false }; 2]);
    four.marco.take_events();
    four.marco.engine.acknowledge_key_change(account, now)?;
    four.settle().await?;
    assert_eq!(trust(&four.marco)?, [Trust::Unverified; 2]);
    assert!(four.marco.events.contains(&Event::Conversation(group)), "who shows it is told");

    // The code is spent.
    let mut third = SimDevice::new(&four.world, "again")?;
    third.engine.register(&four.world.url(), "giulia", "phone", Some(&code), third.now())?;
    third.connect().await?;
    settle(&mut [&mut third]).await?;
    assert!(third.engine.whoami().is_none());
    Ok(())
}
