//! Safety numbers, and the marks that they were compared.

use anyhow::Result;
use diario_engine::{Event, SafetyComparison, Trust};
use diario_protocol::{AccountInfo, Reply, ServerFrame};
use diario_sim::SimDevice;

use crate::cast::Four;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_see_one_number_on_all_their_devices() -> Result<()> {
    let four = Four::new().await?;
    let (giulia, marco) = (four.giulia.account()?, four.marco.account()?);
    let number = four.giulia.engine.safety_number(marco)?.unwrap();
    assert_eq!(number.groups().map(str::len).collect::<Vec<_>>(), [5; 12]);
    assert_eq!(number.groups().collect::<String>(), number.digits);
    for (device, other) in [(&four.giulia_pc, marco), (&four.marco, giulia), (&four.marco_pc, giulia)] {
        assert_eq!(device.engine.safety_number(other)?.unwrap().digits, number.digits, "{}", device.name);
    }
    let engine = &four.marco_pc.engine;
    assert_eq!(engine.compare_safety_code(giulia, &number.code)?, SafetyComparison::Match);
    assert_eq!(engine.compare_safety_code(giulia, &number.digits)?, SafetyComparison::Match);
    let own = engine.safety_number(giulia)?.unwrap().code;
    assert_eq!(engine.compare_safety_code(giulia, &own)?, SafetyComparison::Mismatch, "one's own code");
    assert_eq!(four.giulia.engine.safety_number(giulia)?, None, "nobody compares with themselves");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verified_contact_is_so_on_all_own_devices() -> Result<()> {
    let mut four = Four::new().await?;
    let (giulia, marco) = (four.giulia.account()?, four.marco.account()?);
    four.giulia.engine.set_verified(marco, true, four.giulia.now())?;
    assert_eq!(four.giulia.engine.trust(marco)?, Trust::Verified, "here at once, without a connection too");
    four.settle().await?;
    for device in [&four.giulia, &four.giulia_pc] {
        assert!(device.events.contains(&Event::Contact(marco)), "{}: {:?}", device.name, device.events);
        assert!(device.engine.safety_number(marco)?.unwrap().verified_at.is_some());
        assert_eq!(device.engine.conversation_row(four.chat)?.unwrap().trust, Trust::Verified);
        let rows = device.engine.conversation_rows()?;
        assert_eq!(rows.iter().filter(|row| row.trust == Trust::Verified).count(), 1);
        let members = device.engine.members(four.chat)?;
        assert!(members.iter().all(|m| (m.trust == Trust::Verified) == (m.account == marco)));
    }
    assert_eq!(
        four.marco.engine.trust(giulia)?,
        Trust::Unverified,
        "what the one checked is not the other's"
    );
    four.giulia_pc.engine.set_verified(marco, false, four.giulia_pc.now())?;
    four.settle().await?;
    assert_eq!(four.giulia.engine.trust(marco)?, Trust::Unverified);
    assert_eq!(four.giulia.engine.conversation_row(four.chat)?.unwrap().trust, Trust::Unverified);
    Ok(())
}

/// Lets the server say that another account is called marco.
fn call_it_marco(device: &mut SimDevice) {
    device.tamper(|frame| match frame {
        ServerFrame::Reply(id, Reply::Accounts(found)) => {
            let renamed = found.into_iter().map(|info| {
                info.map(|info| match info.username.as_str() {
                    "ada" => AccountInfo { username: "marco".parse().unwrap(), ..info },
                    _ => info,
                })
            });
            vec![ServerFrame::Reply(id, Reply::Accounts(renamed.collect()))]
        }
        frame => vec![frame],
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_means_another_key_is_warned_of_until_it_is_accepted() -> Result<()> {
    let mut four = Four::new().await?;
    let marco = four.marco.account()?;
    let mut ada = SimDevice::new(&four.world, "ada")?;
    ada.register("ada").await?;
    four.giulia.engine.set_verified(marco, true, four.giulia.now())?;
    four.settle().await?;
    for device in [&mut four.giulia, &mut four.giulia_pc] {
        call_it_marco(device);
        let _ = device.find("ada").await;
    }
    let impostor = ada.account()?;
    for device in [&mut four.giulia, &mut four.giulia_pc] {
        assert_eq!(
            device.engine.trust(impostor)?,
            Trust::Changed { verified_before: true },
            "{}",
            device.name
        );
        assert_eq!(device.engine.trust(marco)?, Trust::Verified, "his key is what it was");
        device.trust();
    }
    let chat = four.giulia.direct(impostor)?;
    let row = four.giulia.engine.conversation_row(chat)?.unwrap();
    assert_eq!(row.trust, Trust::Changed { verified_before: true });
    let rows = four.giulia.engine.conversation_rows()?;
    assert_eq!(rows.iter().find(|row| row.id == chat).unwrap().trust, row.trust);
    four.giulia.engine.acknowledge_key_change(impostor, four.giulia.now())?;
    four.settle().await?;
    for device in [&four.giulia, &four.giulia_pc] {
        assert_eq!(device.engine.trust(impostor)?, Trust::Unverified, "{}", device.name);
    }
    Ok(())
}
