//! Vaults: few wrong keys, and nobody recovers an account who has not opened its vault.

use diario_protocol::device_list::DeviceRole;
use diario_protocol::*;
use ed25519_dalek::{Signer as _, SigningKey};

use crate::device::{Connection, Device, public};
use crate::support::{Person, TestServer};

fn open(method: &SigningKey, name: &str, hello: &Hello) -> Request {
    let id = RecoveryId::of_key(&public(method));
    let challenge = OpenVault::challenge(&hello.server, &hello.nonce, &id);
    let signature = Signature::new(method.sign(&challenge).to_bytes());
    Request::OpenVault(OpenVault { account: AccountRef::Name(name.parse().unwrap()), method: id, signature })
}

async fn with_vault(server: &TestServer) -> (Person, SigningKey) {
    let mut marco = Person::register(server, "marco").await;
    let method = SigningKey::from_bytes(&[9; 32]);
    let key = public(&method);
    let seals = vec![VaultSeal { method: RecoveryId::of_key(&key), newest: vec![2; 60].into() }];
    let add = vec![NewMethod { key, identity: vec![1; 60].into() }];
    let put = PutVault { epoch: Epoch(0), add, remove: Vec::new(), seals };
    assert_eq!(marco.ask(Request::PutVault(put)).await, Ok(Reply::Done));
    (marco, method)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_identity_key_alone_recovers_nothing() {
    let server = TestServer::start().await;
    let (mut marco, method) = with_vault(&server).await;
    // A primary that was revoked has the account's key, and signs what it likes.
    let thief = Device::new(marco.id());
    let list = marco.account.sign(|devices| devices.push(thief.listed(DeviceRole::Primary, None)));
    let mut connection = Connection::open(server.address).await;
    let login = thief.login(&connection.hello);
    let recover = Recover { list, device: thief.me.device, signature: login.signature };
    let ask = || Request::Recover(Box::new(recover.clone()));
    assert!(matches!(connection.ask(ask()).await, Err(Refusal::WrongState(_))));
    let wrong = SigningKey::from_bytes(&[8; 32]);
    let refused = connection.ask(open(&wrong, "marco", &connection.hello.clone())).await;
    assert_eq!(refused, Err(Refusal::WrongRecoveryKey));
    let other = Connection::open(server.address).await;
    let replayed = connection.ask(open(&method, "marco", &other.hello)).await;
    assert_eq!(replayed, Err(Refusal::WrongRecoveryKey), "signed for another connection");
    assert!(matches!(connection.ask(ask()).await, Err(Refusal::WrongState(_))));
    assert!(matches!(
        connection.ask(Request::DeviceListHistory(marco.id())).await,
        Err(Refusal::WrongState(_))
    ));

    // Who has the method gets in with the same list.
    let opened = connection.ask(open(&method, "marco", &connection.hello.clone())).await;
    assert!(matches!(opened, Ok(Reply::Vault(vault)) if vault.newest.0 == vec![2; 60]));
    assert!(connection.ask(Request::DeviceListHistory(marco.id())).await.is_ok());
    let own = ConversationId::of_self(marco.id());
    assert_eq!(connection.ask(Request::Slots(own, Vec::new())).await, Ok(Reply::Slots(Vec::new())));
    let foreign = Request::Slots(ConversationId::new([1; 16]), Vec::new());
    assert!(matches!(connection.ask(foreign).await, Err(Refusal::WrongState(_))));
    assert!(matches!(connection.ask(ask()).await, Ok(Reply::LoggedIn(_))));
    assert!(
        matches!(connection.ask(Request::VaultMethods).await, Ok(Reply::VaultMethods(m)) if m.len() == 1)
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_wrong_keys_are_tried_and_a_right_one_costs_nothing() {
    let server = TestServer::with(|s| {
        (s.recovery_tries_per_minute, s.recovery_tries_burst) = (1, 3);
    })
    .await;
    let (_, method) = with_vault(&server).await;
    let wrong = SigningKey::from_bytes(&[8; 32]);
    let mut connection = Connection::open(server.address).await;
    let hello = connection.hello.clone();
    for _ in 0..5 {
        assert!(connection.ask(open(&method, "marco", &hello)).await.is_ok());
    }
    for name in ["marco", "nobody", "marco"] {
        assert_eq!(
            connection.ask(open(&wrong, name, &hello)).await,
            Err(Refusal::WrongRecoveryKey),
            "{name}"
        );
    }
    let refused = connection.ask(open(&method, "marco", &hello)).await;
    assert!(matches!(refused, Err(Refusal::RateLimited(1..=60_000))), "{refused:?}");
    server.stop().await;
}
