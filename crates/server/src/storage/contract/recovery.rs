//! What a storage must do with recovery vaults, and with names that are given away.

use diario_protocol::device_list::DeviceRole;
use diario_protocol::{
    AccountRef, Bin, ConversationId, Epoch, NewMethod, RecoveryId, Refusal, VaultMethod, VaultSeal, What,
};

use super::Place;
use super::world::{LATER, NOW, Person, World, device_key, listed, username};
use crate::storage::{NewAccount, NewVault};

fn method(n: u8) -> RecoveryId {
    RecoveryId::of_key(&device_key(n))
}

fn new_method(n: u8) -> NewMethod {
    NewMethod { key: device_key(n), identity: Bin(vec![n; 5]) }
}

fn seal(n: u8, content: u8) -> VaultSeal {
    VaultSeal { method: method(n), newest: Bin(vec![content; 4]) }
}

fn vault(person: &Person, epoch: u64, add: &[u8], seals: Vec<VaultSeal>) -> NewVault {
    let add = add.iter().map(|n| new_method(*n)).collect();
    NewVault { sender: person.device, epoch: Epoch(epoch), add, remove: Vec::new(), seals, most: 2, now: NOW }
}

/// A vault has methods by a primary's word, and their newest key goes forward only, with the self conversation's epoch.
pub async fn a_vault_follows_the_self_conversation(place: &dyn Place) {
    let mut w = World::new(place).await;
    let own = ConversationId::of_self(w.marco.id());
    let put = |vault| w.storage.put_vault(vault);
    assert_eq!(put(vault(&w.marco, 1, &[50], vec![seal(50, 1)])).await, Err(Refusal::StaleEpoch(Epoch(0))));
    let unsealed = put(vault(&w.marco, 0, &[50], Vec::new())).await;
    assert!(matches!(unsealed, Err(Refusal::Invalid(_))), "a method without a key is none");
    assert_eq!(put(vault(&w.marco, 0, &[50], vec![seal(50, 1), seal(77, 1)])).await, Ok(()));
    let refused = put(vault(&w.marco, 0, &[51, 52], vec![seal(51, 1), seal(52, 1)])).await;
    assert!(matches!(refused, Err(Refusal::TooMany(_, 2))), "{refused:?}");
    assert_eq!(put(vault(&w.marco, 0, &[51], vec![seal(51, 2), seal(50, 9)])).await, Ok(()));
    let stranger = Person::new(3);
    assert_eq!(put(vault(&stranger, 0, &[53], vec![seal(53, 1)])).await, Err(Refusal::DeviceRevoked));

    let open = |name: &str, n| w.storage.vault(AccountRef::Name(username(name)), method(n));
    let opened = open("marco", 50).await.expect("vault").expect("there");
    assert_eq!((opened.account, opened.key), (w.marco.id(), device_key(50)));
    assert_eq!((&opened.opened.identity, &opened.opened.newest), (&Bin(vec![50; 5]), &Bin(vec![1; 4])));
    assert_eq!(opened.opened.list, *w.marco.signed().signed());
    assert_eq!(open("giulia", 50).await, Ok(None), "another account's");
    assert_eq!(open("nobody", 50).await, Ok(None));
    assert_eq!(open("marco", 77).await, Ok(None), "sealed for, and never added");

    // With a commit of the self conversation, in the same transaction; another's cannot.
    let mut commit = w.marco.commit(own, 0, 100, &[&w.marco]);
    commit.vault = vec![seal(50, 3), seal(99, 3)];
    w.storage.commit(commit).await.expect("commit");
    let mut methods = w.storage.vault_methods(w.marco.id()).await.expect("methods");
    methods.sort_by_key(|m| m.epoch);
    let expected = [(51, 0), (50, 1)].map(|(n, e)| VaultMethod { method: method(n), epoch: Epoch(e) });
    assert_eq!(methods, expected);
    assert_eq!(put(vault(&w.marco, 1, &[], vec![seal(50, 8), seal(51, 4)])).await, Ok(()));
    let newest = async |n| open("marco", n).await.expect("vault").map(|v| v.opened.newest.0);
    assert_eq!((newest(50).await, newest(51).await), (Some(vec![3; 4]), Some(vec![4; 4])), "forward only");

    // A linked device seals, and changes nothing else.
    let devices = vec![listed(101, DeviceRole::Primary, None), listed(102, DeviceRole::Linked, None)];
    let list = w.marco.next_list(devices);
    w.storage.put_device_list(w.marco.device.device, list, NOW).await.expect("list");
    let mut linked = Person::new(1);
    linked.device.device = listed(102, DeviceRole::Linked, None).id();
    let refused = w.storage.put_vault(vault(&linked, 1, &[52], vec![seal(52, 1)])).await;
    assert!(matches!(refused, Err(Refusal::Invalid(_))), "{refused:?}");
    let remove = NewVault { remove: vec![method(50)], ..vault(&linked, 1, &[], Vec::new()) };
    assert!(w.storage.put_vault(remove.clone()).await.is_err());
    let remove = NewVault { sender: w.marco.device, ..remove };
    assert_eq!(w.storage.put_vault(remove.clone()).await, Ok(()));
    assert_eq!(w.storage.put_vault(remove).await, Ok(()), "again");
    assert_eq!(w.storage.vault(AccountRef::Id(w.marco.id()), method(50)).await, Ok(None));
}

/// Whoever opened the vault replaces the list though none of its devices did, if it is newer.
pub async fn a_recovery_replaces_the_list(place: &dyn Place) {
    let mut w = World::new(place).await;
    w.add_giulia().await;
    let put = vault(&w.marco, 0, &[50], vec![seal(50, 1)]);
    w.storage.put_vault(put).await.expect("vault");
    let old = w.marco.signed();
    assert_eq!(w.storage.recover(method(50), old).await, Err(Refusal::OldDeviceList(1)));
    let list = w.marco.next_list(vec![listed(110, DeviceRole::Primary, None)]);
    assert_eq!(w.storage.recover(method(51), list.clone()).await, Err(Refusal::WrongRecoveryKey));
    assert_eq!(w.storage.recover(method(50), list.clone()).await, Ok(()));
    assert_eq!(w.storage.device(w.marco.device).await, Ok(None), "the lost one is cut off");
    let told = |what: &What| matches!(what, What::DeviceList(info) if info.list == *list.signed());
    assert!(w.diary(&w.giulia).await.iter().any(|(_, what)| told(what)), "and others are told");
}

/// A name goes to who has its code, once and in time; the account that had it goes on under another.
pub async fn a_released_name_goes_over_once(place: &dyn Place) {
    let w = World::new(place).await;
    w.add_giulia().await;
    let name = username("giulia");
    let release = |name, code: &str| w.storage.release_name(name, code.into(), LATER);
    assert!(matches!(release(username("nobody"), "x").await, Err(Refusal::NotFound(_))));
    release(name.clone(), "first").await.expect("release");
    release(name.clone(), "code").await.expect("release");
    let holds = |code: &str, now| w.storage.is_released(name.clone(), code.into(), now);
    assert_eq!((holds("code", NOW).await, holds("code", LATER).await), (Ok(true), Ok(false)));
    assert_eq!(holds("first", NOW).await, Ok(false), "the later code counts");
    let with =
        |person: &Person, code: &str| NewAccount { release: Some(code.into()), ..person.account("giulia") };
    let (anna, bruno) = (Person::new(3), Person::new(4));
    assert_eq!(w.storage.register(with(&anna, "first")).await, Err(Refusal::NameTaken));
    assert_eq!(w.storage.register(with(&anna, "code")).await, Ok(()));
    assert_eq!(w.storage.register(with(&bruno, "code")).await, Err(Refusal::NameTaken), "once");
    let found = w.storage.accounts(vec![AccountRef::Id(w.giulia.id()), AccountRef::Name(name)]).await;
    let found: Vec<_> = found.expect("accounts").into_iter().flatten().collect();
    let renamed = found[0].username.clone();
    assert_eq!(renamed.as_str(), format!("giulia-{}", &w.giulia.id().to_string()[..8]));
    assert_eq!(found[1].list, *anna.signed().signed());
    let told = |what: &What| matches!(what, What::DeviceList(info) if info.username == renamed);
    for person in [&w.giulia, &w.marco] {
        assert!(w.diary(person).await.iter().any(|(_, what)| told(what)));
    }
}
