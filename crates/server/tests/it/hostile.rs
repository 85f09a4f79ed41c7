//! What hostile devices do: the server refuses, closes, and goes on.

use diario_protocol::device_list::DeviceRole;
use diario_protocol::*;
use futures_util::SinkExt as _;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio_tungstenite::tungstenite::Message;

use crate::device::{Connection, Device, Ended, Plan, group_id};
use crate::support::{Person, TestServer, append, conversation};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_signatures_and_names_are_refused() {
    let server = TestServer::start().await;
    let marco = Person::register(&server, "marco").await;
    let mut connection = Connection::open(server.address).await;
    let other = Connection::open(server.address).await;
    let foreign_nonce = marco.device.login(&other.hello);
    assert_eq!(connection.ask(Request::Login(foreign_nonce)).await, Err(Refusal::BadSignature));
    let thief = Device::new(marco.id());
    let login = thief.login(&connection.hello);
    assert_eq!(connection.ask(Request::Login(login)).await, Err(Refusal::DeviceRevoked));
    let stolen = Login { device: marco.device.me.device, ..thief.login(&connection.hello) };
    assert_eq!(connection.ask(Request::Login(stolen)).await, Err(Refusal::BadSignature));
    let (account, device) = Device::first();
    let (_, register) = device.register(&account, "marco", &connection.hello);
    assert_eq!(connection.ask(Request::Register(Box::new(register.clone()))).await, Err(Refusal::NameTaken));
    let unsigned =
        Register { username: "anna".parse().unwrap(), signature: Signature::new([0; 64]), ..register };
    assert_eq!(connection.ask(Request::Register(Box::new(unsigned))).await, Err(Refusal::BadSignature));
    let login = marco.device.login(&connection.hello);
    assert!(connection.ask(Request::Login(login.clone())).await.is_ok());
    assert!(matches!(connection.ask(Request::Login(login)).await, Err(Refusal::WrongState(_))));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_answered_before_login() {
    let server = TestServer::start().await;
    let mut connection = Connection::open(server.address).await;
    let conversation = ConversationId::new([1; 16]);
    for request in [
        Request::Subscribe(Position(0)),
        Request::GroupState(conversation),
        Request::Heads(HeadsRange { most: 1, since: Position(0), after: None }),
        Request::JoinMailbox(MailboxId::new([1; 16])),
        Request::LastSeen,
        Request::ClaimKeyPackages(Vec::new()),
    ] {
        assert!(matches!(connection.ask(request).await, Err(Refusal::WrongState(_))));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_frame_closes_the_connection() {
    let server = TestServer::with(|s| s.max_frame_bytes = 100_000).await;
    let good = encode(&ClientFrame { id: RequestId(1), request: Request::LastSeen });
    let trailing = [good, vec![0]].concat();
    for (message, code) in [
        (Message::text("hello"), 1003),
        (Message::binary(vec![]), 1008),
        (Message::binary(vec![0xff; 10]), 1008),
        (Message::binary(vec![0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), 1008),
        (Message::binary(trailing), 1008),
    ] {
        let mut connection = Connection::open(server.address).await;
        connection.socket.send(message).await.unwrap();
        assert_eq!(connection.end().await, Ended::Closed(Some(code)));
    }
    let mut connection = Connection::open(server.address).await;
    let _ = connection.socket.send(Message::binary(vec![0; 200_000])).await;
    assert!(matches!(connection.end().await, Ended::Closed(_)));
    assert!(server.metrics().await.contains("diario_bad_frames_total 6"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_told_and_kept() {
    let server = TestServer::with(|s| {
        s.max_entry_bytes = 100;
        s.max_batch = 2;
    })
    .await;
    let mut marco = Person::register(&server, "marco").await;
    assert_eq!(marco.connection.hello.limits.entry, 100);
    let group = marco.new_group().await;
    assert_eq!(marco.append(&group, &[0; 101]).await, Err(Refusal::TooLarge(100)));
    let keys = vec![SlotKey::new([0; 16]); 3];
    let many = marco.ask(Request::Slots(conversation(&group), keys)).await;
    assert!(matches!(many, Err(Refusal::TooMany(_, 2))));
    let back = LogRange {
        conversation: conversation(&group),
        from: Seq(2),
        to: Seq(1),
        commits_only: false,
        newest: false,
        about: None,
    };
    assert!(matches!(marco.ask(Request::Log(back)).await, Err(Refusal::Invalid(_))));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_tries_too_often_is_told_when_to_come_back() {
    let server = TestServer::with(|s| {
        s.attempts_per_minute = 60;
        s.attempts_burst = 3;
    })
    .await;
    let mut connection = Connection::open(server.address).await;
    let look = || Request::Lookup(vec![AccountRef::Name("marco".parse().unwrap())]);
    for _ in 0..3 {
        assert_eq!(connection.ask(look()).await, Ok(Reply::Accounts(vec![None])));
    }
    let refused = connection.ask(look()).await;
    assert!(matches!(refused, Err(Refusal::RateLimited(1..=1000))), "{refused:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_over_its_rate_is_slowed_down_and_not_refused() {
    let server = TestServer::with(|s| {
        s.entries_per_second = 50;
        s.entries_burst = 5;
    })
    .await;
    let mut marco = Person::register(&server, "marco").await;
    let group = marco.new_group().await;
    let begin = std::time::Instant::now();
    for _ in 0..15 {
        assert!(marco.append(&group, b"x").await.is_ok());
    }
    assert!(begin.elapsed().as_millis() > 150, "{:?}", begin.elapsed());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_log_in_is_closed() {
    let server = TestServer::with(|s| s.login_timeout_s = 1).await;
    let mut connection = Connection::open(server.address).await;
    assert_eq!(connection.end().await, Ended::Closed(Some(1008)));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_that_break_the_roster_are_refused() {
    let server = TestServer::start().await;
    let mut marco = Person::register(&server, "marco").await;
    let giulia = Person::register(&server, "giulia").await;
    let mut group = marco.new_group().await;
    let invalid = |outcome: Result<Seq, Refusal>| {
        assert!(matches!(outcome, Err(Refusal::InvalidCommit(_))), "{outcome:?}");
    };
    // A device whose account is no participant.
    let plan = Plan { add: vec![giulia.device.key_package()], ..Plan::default() };
    invalid(marco.commit(&mut group, plan).await);
    // A device that is in no list.
    let ghost = Device::new(giulia.id());
    let accounts = [marco.id(), giulia.id()];
    let with = |add| Plan {
        add: vec![add],
        participants: Some((ConversationKind::Group, &accounts[..])),
        ..Plan::default()
    };
    assert_eq!(marco.commit(&mut group, with(ghost.key_package())).await, Err(Refusal::RosterStale));
    // An account that does not exist.
    let (stranger, unknown) = Device::first();
    let accounts = [marco.id(), stranger.id()];
    let plan = Plan {
        add: vec![unknown.key_package()],
        participants: Some((ConversationKind::Group, &accounts)),
        ..Plan::default()
    };
    assert!(matches!(marco.commit(&mut group, plan).await, Err(Refusal::NotFound(_))));
    // Another kind of conversation.
    let accounts = [marco.id()];
    let plan = Plan { participants: Some((ConversationKind::Direct, &accounts)), ..Plan::default() };
    invalid(marco.commit(&mut group, plan).await);
    // A GroupInfo of another epoch; then the right one.
    let old = marco.device.group_info(&group);
    let commit = marco.device.commit(&mut group, Plan { update: true, ..Plan::default() });
    let wrong = Commit { group_info: old, ..commit.clone() };
    invalid(marco.ask(Request::Commit(Box::new(wrong))).await.map(|_| Seq(0)));
    let mut touched = commit.clone();
    let last = touched.group_info.0.len() - 1;
    touched.group_info.0[last] ^= 1;
    invalid(marco.ask(Request::Commit(Box::new(touched))).await.map(|_| Seq(0)));
    assert_eq!(marco.ask(Request::Commit(Box::new(commit))).await, Ok(Reply::Appended(Seq(1))));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_commits_or_creates_for_another() {
    let server = TestServer::start().await;
    let mut marco = Person::register(&server, "marco").await;
    let mut giulia = Person::register(&server, "giulia").await;
    let mut group = marco.new_group().await;
    marco.add(&mut group, &[&giulia]).await;
    let commit = marco.device.commit(&mut group, Plan { update: true, ..Plan::default() });
    let stolen = giulia.ask(Request::Commit(Box::new(commit))).await;
    assert!(matches!(stolen, Err(Refusal::InvalidCommit(_))), "{stolen:?}");
    let mut mallory = Person::register(&server, "mallory").await;
    assert_eq!(mallory.append(&group, b"x").await, Err(Refusal::NotMember));
    let state = GroupState {
        conversation: conversation(&group),
        epoch: Epoch(1),
        group_info: marco.device.group_info(&group),
        tree: openmls::prelude::tls_codec::Serialize::tls_serialize_detached(&group.export_ratchet_tree())
            .unwrap()
            .into(),
    };
    let (_, intruder) = mallory.device.join_externally(&state);
    let refused = mallory.ask(Request::Commit(Box::new(intruder))).await;
    assert!(matches!(refused, Err(Refusal::NotMember | Refusal::InvalidCommit(_))), "{refused:?}");
    let own = ConversationId::of_self(giulia.id());
    let (_, create) = mallory.device.create(own, ConversationKind::SelfConversation, &[giulia.id()]);
    assert!(matches!(mallory.ask(Request::Create(Box::new(create))).await, Err(Refusal::Invalid(_))));
    let (_, create) = marco.device.create(group_id(marco.id()), ConversationKind::Group, &[mallory.id()]);
    assert!(matches!(mallory.ask(Request::Create(Box::new(create))).await, Err(Refusal::Invalid(_))));
    let foreign = giulia.device.key_packages(1, false);
    assert!(matches!(mallory.ask(Request::PutKeyPackages(foreign)).await, Err(Refusal::Invalid(_))));
    let list = marco.account.sign(|devices| devices.push(mallory.device.listed(DeviceRole::Primary, None)));
    assert!(matches!(mallory.ask(Request::PutDeviceList(list)).await, Err(Refusal::Invalid(_))));
    server.stop().await;
}

/// A frame that is good, as bytes.
fn some_frame(kind: u8, group: &openmls::prelude::MlsGroup, device: &Device, hello: &Hello) -> Vec<u8> {
    let conversation = conversation(group);
    let request = match kind % 12 {
        0 => Request::Append(append(group, b"body")),
        1 => Request::Subscribe(Position(0)),
        2 => Request::Heads(HeadsRange { most: 3, since: Position(0), after: None }),
        3 => Request::GroupState(conversation),
        4 => Request::PutKeyPackages(device.key_packages(1, true)),
        5 => Request::ClaimKeyPackages(vec![device.me]),
        6 => Request::Login(device.login(hello)),
        7 => Request::Log(LogRange {
            conversation,
            from: Seq(1),
            to: Seq(9),
            commits_only: false,
            newest: false,
            about: None,
        }),
        8 => Request::Slots(conversation, vec![SlotKey::new([1; 16])]),
        9 => Request::Create(Box::new(
            device.create(group_id(device.me.account), ConversationKind::Group, &[device.me.account]).1,
        )),
        10 => Request::PutMailbox(MailboxId::new([1; 16]), vec![1].into()),
        _ => Request::Lookup(vec![AccountRef::Id(device.me.account)]),
    };
    encode(&ClientFrame { id: RequestId(kind.into()), request })
}

/// Random bytes and touched frames, before and after login: the server closes or refuses, and serves the next.
#[test]
fn no_bytes_bring_it_down() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (server, mut marco, group) = runtime.block_on(async {
        let server = TestServer::with(|s| {
            s.attempts_per_minute = 0;
            s.entries_per_second = 0;
            s.requests_per_second = 0;
        })
        .await;
        let mut marco = Person::register(&server, "marco").await;
        let group = marco.new_group().await;
        (server, marco, group)
    });
    let touches = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    let touched = (any::<u8>(), touches).prop_map(|(kind, touches)| (Some((kind, touches)), Vec::new()));
    let random = prop::collection::vec(any::<u8>(), 0..200).prop_map(|bytes| (None, bytes));
    let messages = prop::collection::vec(prop_oneof![3 => touched, 1 => random], 1..6);
    let mut runner = TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(any::<bool>(), messages), |(login, messages)| {
        runtime.block_on(async {
            let mut connection = if login {
                Connection::login(server.address, &marco.device).await.0
            } else {
                Connection::open(server.address).await
            };
            for (kind, bytes) in messages {
                let frame = match kind {
                    None => bytes,
                    Some((kind, touches)) => {
                        let mut frame = some_frame(kind, &group, &marco.device, &connection.hello);
                        for (at, byte) in touches {
                            let at = at.index(frame.len());
                            frame[at] ^= byte;
                        }
                        frame
                    }
                };
                if connection.socket.send(Message::binary(frame)).await.is_err() {
                    break;
                }
            }
            let _ = connection.socket.close(None).await;
            connection.end().await;
        });
        Ok(())
    });
    outcome.unwrap();
    runtime.block_on(async {
        (marco.connection, _) = Connection::login(server.address, &marco.device).await;
        assert!(marco.append(&group, b"still here").await.is_ok());
        assert!(server.get("/healthz").await.starts_with("HTTP/1.1 200"));
        server.stop().await;
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_leaf_takes_anothers_place() {
    let server = TestServer::start().await;
    let mut marco = Person::register(&server, "marco").await;
    let giulia = Person::register(&server, "giulia").await;
    let mut group = marco.new_group().await;
    marco.add(&mut group, &[&giulia]).await;
    let hers = group.members().find(|m| m.credential == giulia.device.credential()).unwrap().index;
    let impostor = Device::impostor(giulia.device.me);
    let swap = |by: &Device| Plan { add: vec![by.key_package()], remove: vec![hers], ..Plan::default() };
    let refused = marco.commit(&mut group, swap(&impostor)).await;
    assert!(matches!(refused, Err(Refusal::InvalidCommit(_))), "{refused:?}");
    assert_eq!(marco.commit(&mut group, swap(&giulia.device)).await, Ok(Seq(2)), "her own new leaf is fine");
    server.stop().await;
}
