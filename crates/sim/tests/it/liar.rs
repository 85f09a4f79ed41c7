//! A server that lies: every lie is refused with a typed error, and nothing else breaks.

use std::sync::{Arc, Mutex};

use anyhow::Result;
use diario_engine::{Event, Misbehaviour};
use diario_protocol::device_list::DeviceListError;
use diario_protocol::{Body, Change, Changes, Entry, EntryId, Position, Reply, Request, ServerFrame, What};
use diario_sim::{SimDevice, settle};

use crate::cast::Four;
use crate::phantom;

fn lies(device: &SimDevice) -> Vec<&Misbehaviour> {
    device
        .events
        .iter()
        .filter_map(|e| match e {
            Event::Misbehaviour { what, .. } => Some(what),
            _ => None,
        })
        .collect()
}

/// Changes every entry of the stream that `change` gives something for.
fn entries(frame: ServerFrame, mut change: impl FnMut(&Entry) -> Option<Vec<Entry>>) -> Vec<ServerFrame> {
    let ServerFrame::Changes(changes) = frame else { return vec![frame] };
    let items = changes
        .items
        .into_iter()
        .flat_map(|item| match &item.what {
            What::Entry(entry) => match change(entry) {
                Some(entries) => entries
                    .into_iter()
                    .map(|e| Change { position: item.position, what: What::Entry(e) })
                    .collect(),
                None => vec![item],
            },
            _ => vec![item],
        })
        .collect();
    vec![ServerFrame::Changes(Changes { items, live: changes.live })]
}

fn inject(frame: ServerFrame, what: What) -> Vec<ServerFrame> {
    let change = Change { position: Position(u64::MAX - 1), what };
    vec![frame, ServerFrame::Changes(Changes { items: vec![change], live: true })]
}

async fn talking() -> Result<Four> {
    let mut four = Four::new().await?;
    four.giulia.say(four.chat, "one")?;
    four.settle().await?;
    four.marco.say(four.chat, "two")?;
    four.settle().await?;
    assert_eq!(four.agree()?.len(), 2);
    assert!(lies(&four.marco).is_empty(), "{:?}", lies(&four.marco));
    Ok(four)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_entry_is_refused() -> Result<()> {
    let mut four = talking().await?;
    four.marco.tamper(|frame| {
        entries(frame, |entry| {
            let mut forged = entry.clone();
            let Body::Present(body) = &mut forged.body else { return None };
            let last = body.0.len() - 1;
            body.0[last] ^= 1;
            Some(vec![forged])
        })
    });
    four.giulia.say(four.chat, "three")?;
    four.settle().await?;
    assert!(matches!(lies(&four.marco)[..], [Misbehaviour::Forged(_)]), "{:?}", lies(&four.marco));
    assert!(!four.marco.texts(four.chat)?.contains(&"three".to_owned()));
    assert!(four.marco_pc.texts(four.chat)?.contains(&"three".to_owned()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_put_under_another_sender_is_refused() -> Result<()> {
    let mut four = talking().await?;
    let pc = four.giulia_pc.engine.whoami().unwrap().2;
    four.marco.tamper(move |frame| entries(frame, |entry| Some(vec![Entry { device: pc, ..entry.clone() }])));
    four.giulia.say(four.chat, "three")?;
    four.settle().await?;
    assert!(matches!(lies(&four.marco)[..], [Misbehaviour::Forged(_)]), "{:?}", lies(&four.marco));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replayed_entry_is_refused() -> Result<()> {
    let mut four = talking().await?;
    // One change carries one entry: the second copy comes under the next position.
    four.marco.tamper(move |frame| {
        let mut frames = entries(frame, |_| None);
        if let Some(ServerFrame::Changes(changes)) = frames.first_mut()
            && let Some(Change { position, what: What::Entry(entry) }) = changes.items.first().cloned()
        {
            let (next, again) = (Position(position.0 + 1), Entry { seq: entry.seq.next(), ..entry });
            changes.items.push(Change { position: next, what: What::Entry(again) });
        }
        frames
    });
    four.giulia.say(four.chat, "three")?;
    four.settle().await?;
    assert!(
        lies(&four.marco).iter().any(|l| matches!(l, Misbehaviour::Replayed(_))),
        "{:?}",
        lies(&four.marco)
    );
    assert_eq!(four.marco.texts(four.chat)?.iter().filter(|t| *t == "three").count(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reordered_entries_are_noticed_at_the_next_one() -> Result<()> {
    let mut four = talking().await?;
    let held: Arc<Mutex<Vec<(Position, Entry)>>> = Arc::default();
    let holding = Arc::clone(&held);
    let mut swapped = false;
    four.marco.tamper(move |frame| {
        let ServerFrame::Changes(mut changes) = frame else { return vec![frame] };
        if swapped {
            return vec![ServerFrame::Changes(changes)];
        }
        let mut held = holding.lock().unwrap();
        changes.items.retain(|item| match &item.what {
            What::Entry(entry) => {
                held.push((item.position, entry.clone()));
                false
            }
            _ => true,
        });
        if held.len() == 2 {
            swapped = true;
            let ((p1, e1), (p2, e2)) = (held[0].clone(), held[1].clone());
            let (s1, s2) = (e1.seq, e2.seq);
            for (position, entry) in [(p1, Entry { seq: s1, ..e2 }), (p2, Entry { seq: s2, ..e1 })] {
                changes.items.push(Change { position, what: What::Entry(entry) });
            }
        }
        vec![ServerFrame::Changes(changes)]
    });
    four.giulia.say(four.chat, "three")?;
    four.giulia.say(four.chat, "four")?;
    four.settle().await?;
    four.giulia.say(four.chat, "five")?;
    four.settle().await?;
    assert!(
        lies(&four.marco).iter().any(|l| matches!(l, Misbehaviour::Forked(_))),
        "{:?}",
        lies(&four.marco)
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_of_a_past_epoch_is_refused() -> Result<()> {
    let mut four = talking().await?;
    // A removed member's device would still know the old epoch's key: the log's epoch must not go back.
    let old: Arc<Mutex<Option<Entry>>> = Arc::default();
    let keep = Arc::clone(&old);
    four.marco.tamper(move |frame| {
        entries(frame, |entry| {
            let mut old = keep.lock().unwrap();
            match &*old {
                None => {
                    *old = Some(entry.clone());
                    None
                }
                Some(old) => Some(vec![Entry { seq: entry.seq, id: EntryId::new([7; 16]), ..old.clone() }]),
            }
        })
    });
    four.giulia.say(four.chat, "in the old epoch")?;
    four.settle().await?;
    let (pc, now) = (four.giulia_pc.engine.whoami().unwrap().2, four.giulia.now());
    four.marco.trust();
    let keep = Arc::clone(&old);
    four.giulia.engine.revoke(pc, now)?;
    four.giulia.say(four.chat, "in the new epoch")?;
    four.settle().await?;
    four.marco.tamper(move |frame| {
        entries(frame, |entry| {
            let old = keep.lock().unwrap().clone()?;
            Some(vec![Entry { seq: entry.seq, id: EntryId::new([7; 16]), ..old }])
        })
    });
    four.giulia.say(four.chat, "swapped for an old one")?;
    four.settle().await?;
    assert!(
        lies(&four.marco).iter().any(|l| matches!(l, Misbehaviour::WrongEpoch { .. })),
        "{:?}",
        lies(&four.marco)
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_device_list_is_refused() -> Result<()> {
    let mut four = talking().await?;
    let first: Arc<Mutex<Option<diario_protocol::AccountInfo>>> = Arc::default();
    let keep = Arc::clone(&first);
    four.marco.tamper(move |frame| {
        if let ServerFrame::Changes(changes) = &frame {
            for change in &changes.items {
                if let What::DeviceList(info) = &change.what {
                    keep.lock().unwrap().get_or_insert_with(|| info.clone());
                }
            }
        }
        vec![frame]
    });
    let (pc, now) = (four.giulia_pc.engine.whoami().unwrap().2, four.giulia.now());
    // Two more versions: with a tablet, then without the PC.
    let mut tablet = SimDevice::new(&four.world, "tablet")?;
    tablet.link_to(&mut four.giulia, true).await?;
    four.settle().await?;
    four.giulia.engine.revoke(pc, now)?;
    four.settle().await?;
    let old = first.lock().unwrap().clone().expect("a list was pushed");
    let mut told = false;
    four.marco.tamper(move |frame| {
        if std::mem::replace(&mut told, true) {
            vec![frame]
        } else {
            inject(frame, What::DeviceList(old.clone()))
        }
    });
    four.giulia.say(four.chat, "after the revocation")?;
    settle(&mut [&mut four.giulia, &mut four.marco, &mut tablet]).await?;
    let rollback =
        |l: &&Misbehaviour| matches!(l, Misbehaviour::DeviceList(DeviceListError::Rollback { .. }));
    assert!(lies(&four.marco).iter().any(rollback), "{:?}", lies(&four.marco));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phantom_device_in_a_list_is_refused() -> Result<()> {
    let mut four = talking().await?;
    let giulia = four.giulia.account()?;
    // A list that names another account's key, and one whose bytes were touched.
    let mut stranger = SimDevice::new(&four.world, "stranger")?;
    stranger.register("stranger").await?;
    let lists: Arc<Mutex<Vec<diario_protocol::AccountInfo>>> = Arc::default();
    let keep = Arc::clone(&lists);
    stranger.tamper(move |frame| {
        if let ServerFrame::Reply(_, Reply::Accounts(found)) = &frame {
            keep.lock().unwrap().extend(found.iter().flatten().cloned());
        }
        vec![frame]
    });
    stranger.find("stranger").await?;
    let foreign = lists.lock().unwrap()[0].clone();
    four.marco.tamper(move |frame| match frame {
        ServerFrame::Reply(id, Reply::Accounts(found)) => {
            let touched = found.into_iter().flatten().map(|mut info| {
                let middle = info.list.0.len() / 2;
                info.list.0.0[middle] ^= 1;
                Some(info)
            });
            vec![ServerFrame::Reply(id, Reply::Accounts(touched.collect()))]
        }
        other => vec![other],
    });
    let now = four.marco.now();
    four.marco.engine.look_up(&"giulia".parse()?, now)?;
    four.settle().await?;
    assert!(matches!(lies(&four.marco)[..], [Misbehaviour::DeviceList(_)]), "{:?}", lies(&four.marco));
    let before = four.marco.engine.members(four.chat)?;
    four.marco.events.clear();
    let mut told = false;
    four.marco.tamper(move |frame| {
        if std::mem::replace(&mut told, true) {
            vec![frame]
        } else {
            inject(frame, What::DeviceList(foreign.clone()))
        }
    });
    four.giulia.say(four.chat, "next")?;
    four.settle().await?;
    // The stranger's own list is a good list of the stranger's; it makes nobody a member.
    assert_eq!(four.marco.engine.members(four.chat)?, before);
    assert!(four.marco.engine.members(four.chat)?.iter().any(|m| m.account == giulia));
    Ok(())
}

/// The server lets a stranger make a perfectly good external commit and shows it to the members.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phantom_member_is_refused() -> Result<()> {
    let mut four = talking().await?;
    let chat = four.chat;
    // What the server knows: the group's state, as it gives it to a device that joins.
    let state: Arc<Mutex<Option<diario_protocol::GroupState>>> = Arc::default();
    let keep = Arc::clone(&state);
    let mut tablet = SimDevice::new(&four.world, "tablet")?;
    tablet.tamper(move |frame| {
        if let ServerFrame::Reply(_, Reply::GroupState(state)) = &frame
            && state.conversation == chat
        {
            *keep.lock().unwrap() = Some(state.clone());
        }
        vec![frame]
    });
    tablet.link_to(&mut four.giulia, true).await?;
    tablet.say(chat, "from the tablet")?;
    settle(&mut [&mut four.giulia, &mut four.giulia_pc, &mut four.marco, &mut four.marco_pc, &mut tablet])
        .await?;
    let state = state.lock().unwrap().clone().expect("the tablet joined from outside");

    let (account, device, commit) = phantom::commit_of_a_stranger(&state)?;
    let at = four.marco.engine.log_state(chat)?.unwrap();
    let phantom = Entry {
        conversation: chat,
        seq: at.next,
        id: EntryId::new([7; 16]),
        kind: diario_protocol::EntryKind::Commit,
        epoch: at.epoch,
        account,
        device,
        annotates: None,
        received_at: four.marco.now(),
        body: Body::Present(commit),
    };
    let mut told = false;
    four.marco.tamper(move |frame| {
        if std::mem::replace(&mut told, true) {
            vec![frame]
        } else {
            inject(frame, What::Entry(phantom.clone()))
        }
    });
    let now = four.giulia.now();
    four.giulia.engine.typing(chat, now)?;
    settle(&mut [&mut four.giulia, &mut four.marco]).await?;
    assert!(
        lies(&four.marco).iter().any(|l| matches!(l, Misbehaviour::Commit(_))),
        "{:?}",
        lies(&four.marco)
    );
    assert!(four.marco.engine.members(chat)?.iter().all(|m| m.account != account));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swapped_key_package_is_refused() -> Result<()> {
    let mut four = talking().await?;
    let mut stranger = SimDevice::new(&four.world, "stranger")?;
    stranger.record();
    stranger.register("stranger").await?;
    let package = stranger.recorded().iter().find_map(|frame| match &frame.request {
        Request::Register(register) => register.key_packages.one_time.first().cloned(),
        _ => None,
    });
    let package = package.expect("a registration brings key packages");
    four.marco.tamper(move |frame| match frame {
        ServerFrame::Reply(id, Reply::KeyPackages(packages)) => {
            let swapped = packages.into_iter().map(|_| Some(package.clone())).collect();
            vec![ServerFrame::Reply(id, Reply::KeyPackages(swapped))]
        }
        other => vec![other],
    });
    let mut tablet = SimDevice::new(&four.world, "tablet")?;
    tablet.link_to(&mut four.giulia, true).await?;
    four.settle().await?;
    four.marco.record();
    four.marco.say(four.chat, "to the tablet too")?;
    four.settle().await.ok();
    assert!(
        lies(&four.marco).iter().any(|l| matches!(l, Misbehaviour::KeyPackage(_))),
        "{:?}",
        lies(&four.marco)
    );
    let added =
        four.marco.recorded().iter().any(|f| matches!(&f.request, Request::Commit(c) if c.welcome.is_some()));
    assert!(!added, "nobody was admitted with it");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_does_not_go_back() -> Result<()> {
    let mut four = talking().await?;
    let seen: Arc<Mutex<Vec<diario_protocol::Slot>>> = Arc::default();
    let keep = Arc::clone(&seen);
    let chat = four.chat;
    four.marco.tamper(move |frame| {
        if let ServerFrame::Changes(changes) = &frame {
            keep.lock().unwrap().extend(changes.items.iter().filter_map(|c| match &c.what {
                What::Slot(slot) if slot.conversation == chat => Some(slot.clone()),
                _ => None,
            }));
        }
        vec![frame]
    });
    for text in ["three", "four"] {
        four.marco.say(chat, text)?;
        four.settle().await?;
    }
    let old = seen.lock().unwrap().first().cloned().expect("receipts came");
    let mut told = false;
    four.marco.tamper(move |frame| {
        if std::mem::replace(&mut told, true) { vec![frame] } else { inject(frame, What::Slot(old.clone())) }
    });
    four.giulia.say(chat, "five")?;
    four.settle().await?;
    assert!(lies(&four.marco).iter().any(|l| matches!(l, Misbehaviour::Slot(_))), "{:?}", lies(&four.marco));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_under_the_same_address_is_refused() -> Result<()> {
    let mut four = talking().await?;
    four.marco.disconnect();
    four.marco.tamper(|frame| match frame {
        ServerFrame::Hello(mut hello) => {
            hello.server = diario_protocol::ServerId::new([9; 16]);
            vec![ServerFrame::Hello(hello)]
        }
        other => vec![other],
    });
    four.marco.connect().await?;
    four.settle().await?;
    assert!(lies(&four.marco).contains(&&Misbehaviour::OtherServer), "{:?}", lies(&four.marco));
    assert!(!four.marco.is_connected(), "no signature is given to another server");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_that_nobody_signed_is_not_believed() -> Result<()> {
    let mut four = talking().await?;
    four.marco.disconnect();
    four.marco.tamper(|frame| match frame {
        ServerFrame::Reply(id, Reply::LoggedIn(_)) => {
            vec![ServerFrame::Refused(id, diario_protocol::Refusal::DeviceRevoked)]
        }
        other => vec![other],
    });
    four.marco.connect().await?;
    four.settle().await?;
    assert!(!four.marco.events.contains(&Event::Revoked), "{:?}", four.marco.last_events());
    four.marco.trust();
    four.marco.disconnect();
    four.marco.connect().await?;
    four.marco.say(four.chat, "still a device of mine")?;
    four.settle().await?;
    assert_eq!(four.agree()?.last().unwrap(), "still a device of mine");
    Ok(())
}

/// The server makes up a self conversation for a device that was just linked: nothing is handed on in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_made_up_self_conversation_gets_no_key() -> Result<()> {
    use diario_protocol::roster::{Participant, Participants, Role};
    use diario_protocol::{ConversationId, ConversationKind};
    let mut four = talking().await?;
    let account = four.giulia.account()?;
    let own = ConversationId::of_self(account);
    let participants = Participants {
        kind: ConversationKind::SelfConversation,
        accounts: vec![Participant { account, role: Role::Admin }],
        creator: account,
    };
    let forged = phantom::forged_group(own, &participants)?;
    let mut tablet = SimDevice::new(&four.world, "tablet")?;
    tablet.record();
    tablet.tamper(move |frame| match frame {
        ServerFrame::Reply(id, Reply::GroupState(state)) if state.conversation == own => {
            vec![ServerFrame::Reply(id, Reply::GroupState(forged.clone()))]
        }
        other => vec![other],
    });
    tablet.link_to(&mut four.giulia, true).await?;
    settle(&mut [&mut tablet]).await?;
    assert!(lies(&tablet).iter().any(|l| matches!(l, Misbehaviour::Join(_))), "{:?}", tablet.last_events());
    let told = tablet.recorded().iter().any(|frame| match &frame.request {
        Request::Commit(commit) => commit.conversation == own,
        Request::PutSlots(put) => put.conversation == own,
        _ => false,
    });
    assert!(!told, "nothing was sealed for it");
    Ok(())
}
