//! What waits to be sent: tried again, dropped, put off; and where to be woken.

use diario_engine::{Arrangement, CommandError, Draft, Event, MessageState};
use diario_protocol::*;

use crate::drive::Stage;

/// A device with an account, live and at rest.
fn live() -> Stage {
    let mut stage = Stage::new();
    stage.engine.register("ws://here", "anna", "laptop", None, stage.now).unwrap();
    stage.come_to_rest();
    assert!(stage.engine.is_live());
    stage
}

fn own(stage: &Stage) -> ConversationId {
    ConversationId::of_self(stage.engine.whoami().unwrap().1)
}

fn say(stage: &mut Stage, text: &str) -> EntryId {
    stage.engine.send(own(stage), &Draft::Text(text.into()), stage.now).unwrap()
}

fn state(stage: &Stage, id: EntryId) -> Option<MessageState> {
    stage.engine.message(own(stage), id).unwrap().map(|m| m.state)
}

/// The server refuses what was asked last, and never had it.
fn refuse(stage: &mut Stage, refusal: Refusal) {
    let own = own(stage);
    stage.after();
    stage.world.ready.clear();
    let asked = *stage.world.asked.last().unwrap();
    if stage.world.logs[&own].entries.last().map(|e| e.seq)
        > stage.engine.log_state(own).unwrap().map(|s| s.known_head)
    {
        stage.world.logs.get_mut(&own).unwrap().entries.pop();
        stage.world.diary.pop();
    }
    stage.hear([ServerFrame::Refused(asked, refusal)]);
}

#[test]
fn what_failed_is_tried_again_or_dropped() {
    let mut stage = live();
    let own = own(&stage);
    let id = say(&mut stage, "too much");
    assert_eq!(stage.engine.outgoing_total().unwrap(), 1);
    refuse(&mut stage, Refusal::TooLarge(1));
    let failed = stage.engine.message(own, id).unwrap().unwrap();
    assert_eq!((failed.state, failed.text.as_str()), (MessageState::Failed, "too much"));
    assert_eq!(failed.reason, Some(Refusal::TooLarge(1).to_string()));
    assert_eq!(stage.engine.outgoing_total().unwrap(), 0);

    stage.engine.retry(own, id, stage.now).unwrap();
    stage.engine.retry(own, id, stage.now).unwrap();
    assert_eq!(state(&stage, id), Some(MessageState::Pending));
    assert_eq!(stage.engine.outgoing_total().unwrap(), 1, "once");
    refuse(&mut stage, Refusal::TooLarge(1));
    stage.engine.retry(own, id, stage.now).unwrap();
    stage.after();
    stage.hear_everything();
    assert!(matches!(state(&stage, id), Some(MessageState::Sent | MessageState::Read)));
    stage.engine.retry(own, id, stage.now).unwrap();
    assert_eq!(stage.engine.outgoing_total().unwrap(), 0, "it is there");

    let other = say(&mut stage, "never mind");
    refuse(&mut stage, Refusal::TooLarge(1));
    stage.engine.discard(own, other, stage.now).unwrap();
    assert_eq!(stage.engine.poll_event(), Some(Event::Gone { conversation: own, id: other }));
    assert_eq!(state(&stage, other), None);
    stage.engine.discard(own, other, stage.now).unwrap();
    assert_eq!(stage.engine.poll_event(), None, "once is enough");
    assert!(matches!(stage.engine.retry(own, other, stage.now), Err(CommandError::NoMessage)));
}

#[test]
fn only_what_was_never_on_its_way_is_dropped() {
    let mut stage = live();
    let own = own(&stage);
    stage.disconnect();
    let kept = say(&mut stage, "kept");
    let dropped = say(&mut stage, "dropped");
    stage.engine.discard(own, dropped, stage.now).unwrap();
    stage.come_to_rest();
    assert_eq!(state(&stage, dropped), None);
    let said: Vec<_> = stage.engine.log(own, 10, None).unwrap().into_iter().map(|m| m.text).collect();
    assert!(said.contains(&"kept".to_owned()) && !said.contains(&"dropped".to_owned()), "{said:?}");
    assert!(matches!(stage.engine.discard(own, kept, stage.now), Err(CommandError::OnItsWay)), "in the log");

    // Its answer is lost with the connection: the server may have it.
    let tried = say(&mut stage, "tried");
    stage.after();
    stage.disconnect();
    assert_eq!(state(&stage, tried), Some(MessageState::Pending));
    assert!(matches!(stage.engine.discard(own, tried, stage.now), Err(CommandError::OnItsWay)));
    assert_eq!(state(&stage, tried), Some(MessageState::Pending), "nothing was changed");
}

#[test]
fn a_slot_that_is_refused_for_good_is_what_the_server_has() {
    let mut stage = live();
    let own = own(&stage);
    stage.engine.set_draft(own, "milk", stage.now).unwrap();
    stage.after();
    stage.hear_everything();
    stage.engine.set_draft(own, "milk and bread", stage.now).unwrap();
    assert_eq!(stage.engine.draft(own).unwrap(), "milk and bread");
    refuse(&mut stage, Refusal::TooLarge(1));
    assert_eq!(stage.engine.draft(own).unwrap(), "milk");
}

#[test]
fn a_draft_that_is_replaced_on_its_way_is_sent_all_the_same() {
    let mut stage = live();
    let own = own(&stage);
    stage.engine.set_draft(own, "mil", stage.now).unwrap();
    // It is sent, and replaced before the answer is there.
    stage.after();
    stage.engine.set_draft(own, "milk", stage.now).unwrap();
    stage.after();
    stage.hear_everything();
    assert!(!stage.engine.has_outgoing(own).unwrap());
    stage.engine.rebuild(stage.now).unwrap();
    stage.come_to_rest();
    assert_eq!(stage.engine.draft(own).unwrap(), "milk", "the server has it");
}

#[test]
fn a_clock_that_is_set_back_does_not_make_anything_wait_longer() {
    const DAY: u64 = 24 * 60 * 60 * 1000;
    let mut stage = live();
    let id = say(&mut stage, "slowly");
    refuse(&mut stage, Refusal::RateLimited(5_000));
    // What was said is findable by now.
    assert_eq!(stage.engine.index_more(stage.now).unwrap(), 0);
    assert_eq!(stage.engine.deadline(), Some(stage.now.plus_ms(5_000)));
    stage.now = Timestamp(stage.now.0 - DAY);
    stage.engine.tick(stage.now).unwrap();
    assert_eq!(stage.engine.deadline(), Some(stage.now.plus_ms(5_000)));
    stage.now = stage.now.plus_ms(5_000);
    stage.engine.tick(stage.now).unwrap();
    stage.after();
    stage.hear_everything();
    assert!(matches!(state(&stage, id), Some(MessageState::Sent | MessageState::Read)));
}

#[test]
fn the_server_knows_where_to_wake_it_and_for_what_not() {
    let mut stage = live();
    let own = own(&stage);
    let at = |silent: &[ConversationId]| PushSubscription {
        endpoint: "https://push.example/1".into(),
        p256dh: vec![4; PushSubscription::P256DH].into(),
        auth: vec![5; PushSubscription::AUTH].into(),
        silent: silent.to_vec(),
    };
    stage.disconnect();
    stage.engine.set_push(Some(at(&[])), stage.now).unwrap();
    assert_eq!(stage.world.pushes, [], "there is no connection");
    stage.come_to_rest();
    assert_eq!(stage.world.pushes, [Some(at(&[]))]);
    let arrange = |stage: &mut Stage, muted| {
        stage.engine.arrange(own, Arrangement { pinned: true, muted }, stage.now).unwrap();
        stage.after();
        stage.hear_everything();
        std::mem::take(&mut stage.world.pushes)
    };
    assert_eq!(arrange(&mut stage, true).last(), Some(&Some(at(&[own]))));
    assert_eq!(arrange(&mut stage, true), [], "nothing new");
    stage.engine.set_push(Some(at(&[])), stage.now).unwrap();
    stage.after();
    assert_eq!(stage.world.pushes, [], "the same with the same mutes");
    assert_eq!(arrange(&mut stage, false), [Some(at(&[]))]);
    stage.disconnect();
    stage.come_to_rest();
    assert_eq!(std::mem::take(&mut stage.world.pushes), [Some(at(&[]))], "told at every login");
    stage.engine.set_push(None, stage.now).unwrap();
    stage.after();
    assert_eq!(std::mem::take(&mut stage.world.pushes), [None]);

    stage.hear_everything();
    stage.world.refuses_pushes = true;
    stage.engine.set_push(Some(at(&[])), stage.now).unwrap();
    stage.after();
    stage.hear_everything();
    stage.hear_everything();
    assert_eq!(std::mem::take(&mut stage.world.pushes), [Some(at(&[]))], "refused, and not asked for ever");
    stage.world.refuses_pushes = false;

    stage.engine.ask_push_key(stage.now).unwrap();
    stage.after();
    stage.hear_honestly(1);
    assert_eq!(stage.engine.poll_event(), Some(Event::PushKey(None)));
    stage.disconnect();
    while stage.engine.poll_event().is_some() {}
    assert!(matches!(stage.engine.ask_push_key(stage.now), Err(CommandError::Offline)));
}

#[test]
fn a_device_whose_time_is_over_by_the_servers_word_is_active_again_once_it_is_let_in() {
    let mut stage = live();
    assert_eq!(stage.engine.stage(stage.now).unwrap(), Some(diario_engine::Stage::Active));
    stage.hear([ServerFrame::Notice(Notice::Expired)]);
    assert_eq!(stage.engine.stage(stage.now).unwrap(), Some(diario_engine::Stage::Expired));
    stage.come_to_rest();
    assert_eq!(stage.engine.stage(stage.now).unwrap(), Some(diario_engine::Stage::Active));
}
