//! A server that lies to somebody who comes back.

use std::sync::{Arc, Mutex};

use anyhow::Result;
use diario_engine::recovery::{Keep, RecoverySecret, WordLanguage};
use diario_engine::{Event, Misbehaviour};
use diario_protocol::device_list::DeviceListError;
use diario_protocol::{OpenedVault, Reply, ServerFrame};
use diario_sim::{SimDevice, settle};

use crate::recovery::{failed, talked};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

type Change = Box<dyn FnMut(&mut OpenedVault) + Send>;

fn lies(device: &SimDevice) -> Vec<&Misbehaviour> {
    let mut lies = Vec::new();
    for event in &device.events {
        if let Event::Misbehaviour { what, .. } = event {
            lies.push(what);
        }
    }
    lies
}

/// Changes the vault that the server shows.
fn show(device: &mut SimDevice, mut change: impl FnMut(&mut OpenedVault) + Send + 'static) {
    device.tamper(move |frame| {
        vec![match frame {
            ServerFrame::Reply(id, Reply::Vault(mut vault)) => {
                change(&mut vault);
                ServerFrame::Reply(id, Reply::Vault(vault))
            }
            other => other,
        }]
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_vault_and_an_old_list_are_noticed() -> Result<()> {
    let (mut four, own) = talked().await?;
    let words = four.giulia.make_recovery_key(WordLanguage::English).await?;
    let secret = RecoverySecret::from_words(&words)?;
    // The server keeps what it has now.
    let kept: Arc<Mutex<Option<OpenedVault>>> = Arc::default();
    let keeping = Arc::clone(&kept);
    let mut first = SimDevice::new(&four.world, "gives up")?;
    show(&mut first, move |vault| *keeping.lock().unwrap() = Some(vault.clone()));
    first.open_vault("giulia", &secret).await?;
    first.engine.cancel_recovery(first.now())?;
    first.disconnect();
    assert!(first.engine.whoami().is_none());
    let old = kept.lock().unwrap().clone().unwrap();

    // Then a device is revoked, the keys turn, and something is said.
    let pc = four.giulia_pc.engine.whoami().unwrap().2;
    four.giulia.engine.revoke(pc, four.giulia.now())?;
    four.settle().await?;
    four.giulia.say(own, "after it was revoked")?;
    four.settle().await?;
    four.giulia.disconnect();

    let mut new = SimDevice::new(&four.world, "new phone")?;
    let list = old.list.clone();
    show(&mut new, move |vault| vault.list = list.clone());
    new.open_vault("giulia", &secret).await?;
    assert!(
        matches!(lies(&new)[..], [Misbehaviour::DeviceList(DeviceListError::Rollback { .. })]),
        "{:?}",
        new.events
    );
    assert!(failed(&new).is_some() && new.engine.whoami().is_none());
    new.disconnect();
    new.take_events();

    let newest = old.newest.clone();
    show(&mut new, move |vault| vault.newest = newest.clone());
    new.recover("giulia", &words, &Keep::All).await?;
    assert!(
        lies(&new).iter().any(|l| matches!(l, Misbehaviour::OldVault { sealed, found } if sealed < found)),
        "{:?}",
        new.events
    );
    // It heals as soon as a device that lived through it is there.
    four.giulia.connect().await?;
    four.world.clock().advance(DAY_MS);
    settle(&mut [&mut new, &mut four.giulia]).await?;
    assert_eq!(new.texts(own)?, ["note", "after it was revoked"], "{:?}", new.last_events());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_of_other_keys_or_another_account_is_refused() -> Result<()> {
    let (mut four, _) = talked().await?;
    let words = four.giulia.make_recovery_key(WordLanguage::English).await?;
    four.marco.make_recovery_key(WordLanguage::English).await?;
    let secret = RecoverySecret::from_words(&words)?;
    let mut new = SimDevice::new(&four.world, "new phone")?;
    let other = four.marco.engine.whoami().unwrap();
    let changes: [Change; 4] = [
        Box::new(|vault| std::mem::swap(&mut vault.identity, &mut vault.newest)),
        Box::new(|vault| vault.identity.0[40] ^= 1),
        Box::new(|vault| vault.newest.0[40] ^= 1),
        Box::new(move |vault| vault.username = other.0.parse().unwrap()),
    ];
    for change in changes {
        show(&mut new, change);
        new.open_vault("giulia", &secret).await?;
        assert!(matches!(lies(&new)[..], [Misbehaviour::Vault(_)]), "{:?}", new.events);
        assert!(failed(&new).is_some() && new.engine.whoami().is_none());
        new.disconnect();
        new.take_events();
    }
    new.trust();
    new.recover("giulia", &words, &Keep::All).await?;
    Ok(())
}
