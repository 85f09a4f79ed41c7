//! What once broke it, each in as few frames as it takes.

use std::time::{Duration, Instant};

use diario_engine::Draft;
use diario_protocol::*;

use crate::drive::Stage;

const GROUP: ConversationId = ConversationId::new([3; 16]);

/// A device with an account, registered and logged in; the server has not said anything of the diary yet.
fn logged_in(says: impl FnOnce(&mut Hello, &mut LoggedIn)) -> Stage {
    let mut stage = Stage::new();
    stage.engine.register("ws://here", "anna", "laptop", None, stage.now).unwrap();
    stage.connect();
    let Some(ServerFrame::Hello(mut hello)) = stage.world.ready.pop_front() else { unreachable!() };
    let mut welcome =
        LoggedIn { head: Position(0), list_version: 1, key_packages: 2, username: "anna".parse().unwrap() };
    says(&mut hello, &mut welcome);
    stage.hear([
        ServerFrame::Hello(hello),
        ServerFrame::Reply(RequestId(0), Reply::LoggedIn(welcome)),
        ServerFrame::Reply(RequestId(1), Reply::Done),
    ]);
    stage
}

fn changes(whats: impl IntoIterator<Item = What>) -> ServerFrame {
    let items = (1..).zip(whats).map(|(n, what)| Change { position: Position(n), what }).collect();
    ServerFrame::Changes(Changes { items, live: true })
}

fn joined(conversation: ConversationId, kind: ConversationKind, since: u64, epoch: u64) -> What {
    What::Joined(Membership {
        conversation,
        kind,
        since: Seq(since),
        epoch: Epoch(epoch),
        hash_before: LogHash::start(&conversation),
        participants: Vec::new(),
        retention: diario_protocol::Retention::FOREVER,
    })
}

fn entry(conversation: ConversationId, seq: u64, kind: EntryKind, epoch: u64) -> Entry {
    Entry {
        conversation,
        seq: Seq(seq),
        id: EntryId::new([4; 16]),
        kind,
        epoch: Epoch(epoch),
        account: AccountId::new([5; 16]),
        device: DeviceId::new([6; 16]),
        annotates: None,
        received_at: Timestamp(7),
        body: Body::Present(vec![1].into()),
    }
}

fn own(stage: &Stage) -> ConversationId {
    ConversationId::of_self(stage.engine.whoami().unwrap().1)
}

#[test]
fn a_limit_below_what_sealing_adds() {
    let mut stage = logged_in(|hello, _| hello.limits.entry = 1);
    let sent = stage.engine.send(own(&stage), &Draft::Text("ciao".into()), stage.now);
    assert!(sent.is_err());
}

#[test]
fn more_key_packages_than_there_can_be() {
    let mut stage = logged_in(|_, welcome| welcome.key_packages = u32::MAX);
    stage.hear([changes([])]);
}

#[test]
fn the_last_sequence_there_is() {
    let mut stage = logged_in(|_, _| {});
    let last = entry(GROUP, u64::MAX, EntryKind::Application, 0);
    stage.hear([changes([joined(GROUP, ConversationKind::Group, u64::MAX, 0), What::Entry(last)])]);
}

#[test]
fn the_last_epoch_there_is() {
    let mut stage = logged_in(|_, _| {});
    let last = entry(GROUP, 1, EntryKind::Commit, u64::MAX);
    stage.hear([changes([joined(GROUP, ConversationKind::Group, 1, u64::MAX), What::Entry(last)])]);
}

#[test]
fn the_last_epoch_there_is_erased() {
    let mut stage = logged_in(|_, _| {});
    let last = entry(GROUP, 1, EntryKind::Commit, u64::MAX);
    let last = Entry { body: Body::Erased(last.body.digest()), ..last };
    stage.hear([changes([joined(GROUP, ConversationKind::Group, 1, u64::MAX), What::Entry(last)])]);
}

#[test]
fn the_last_version_there_is() {
    // The device's name is the first slot that it writes.
    let mut stage = logged_in(|_, _| {});
    let joined = joined(own(&stage), ConversationKind::SelfConversation, 1, 0);
    stage.hear([changes([joined])]);
    let put = *stage.world.asked.last().unwrap();
    stage.hear([ServerFrame::Reply(put, Reply::SlotsPut(vec![SlotOutcome::Newer(SlotVersion(u64::MAX))]))]);
    assert!(stage.connected, "it was the slot's answer");
}

/// A number of the server's is not a number of rounds.
#[test]
fn an_epoch_that_takes_years_to_count_to() {
    let mut stage = logged_in(|_, _| {});
    let own = own(&stage);
    let far = joined(own, ConversationKind::SelfConversation, 1, 1 << 20);
    let begin = Instant::now();
    stage.hear([changes([far, What::Entry(entry(own, 5, EntryKind::Application, 0))])]);
    eprintln!(
        "{:?} {:?} {:?} {:?}",
        stage.told,
        stage.engine.log_state(own),
        stage.engine.is_live(),
        stage.connected
    );
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

/// A group that the server says this account is in, in an epoch without a key here.
#[test]
fn an_epoch_without_a_key() {
    let mut stage = logged_in(|_, _| {});
    let own = own(&stage);
    stage.engine.create_conversation("friends", &[], stage.now).unwrap();
    stage.hear([changes([])]);
    // The answers to what followed login and subscription: the group is made, its key not in the keyring yet.
    let answers = std::mem::take(&mut stage.world.ready).into_iter();
    stage.hear(answers.filter(|frame| matches!(frame, ServerFrame::Reply(RequestId(2..), Reply::Done))));
    assert!(stage.connected);
    let far = joined(own, ConversationKind::SelfConversation, 1, 5);
    stage.hear([changes([far, What::Entry(entry(own, 5, EntryKind::Application, 0))])]);
}

/// After a server came back from an older copy, its positions begin again below those that were seen.
#[test]
fn positions_that_begin_again() {
    let mut stage = logged_in(|_, _| {});
    stage.hear([ServerFrame::Changes(Changes {
        items: vec![Change { position: Position(1_000), what: joined(GROUP, ConversationKind::Group, 1, 0) }],
        live: true,
    })]);
    stage.disconnect();
    stage.connect();
    let Some(ServerFrame::Hello(hello)) = stage.world.ready.pop_front() else { unreachable!() };
    let welcome =
        LoggedIn { head: Position(10), list_version: 1, key_packages: 2, username: "anna".parse().unwrap() };
    stage.hear([
        ServerFrame::Hello(hello),
        ServerFrame::Reply(RequestId(0), Reply::LoggedIn(welcome)),
        ServerFrame::Reply(RequestId(1), Reply::Done),
    ]);
    let message = What::Entry(entry(GROUP, 1, EntryKind::Application, 0));
    stage.hear([ServerFrame::Changes(Changes {
        items: vec![Change { position: Position(11), what: message }],
        live: true,
    })]);
    assert_eq!(stage.engine.log_state(GROUP).unwrap().unwrap().known_head, Seq(1));
}

/// Whoever tries to link first, and registers then, is not a candidate any more.
#[test]
fn a_registration_after_a_linking_that_was_begun() {
    let mut stage = Stage::new();
    stage.engine.link("ws://here", "laptop", false, stage.now).unwrap();
    if stage.engine.register("ws://here", "anna", "laptop", None, stage.now).is_ok() {
        stage.come_to_rest();
        assert!(stage.engine.is_live());
    }
}
