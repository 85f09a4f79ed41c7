//! Frames in a few words, for the journal.

use diario_protocol::{ClientFrame, Reply, Request, ServerFrame, What};

/// The first letters of an id.
pub(crate) fn short(id: &impl ToString) -> String {
    id.to_string().chars().take(6).collect()
}

/// What a device asks.
pub(crate) fn client(frame: &ClientFrame) -> String {
    let words = match &frame.request {
        Request::Append(a) => {
            format!("Append {} to {} in epoch {}", short(&a.id), short(&a.conversation), a.epoch.0)
        }
        Request::Commit(c) => {
            let (slots, seals) = (c.slots.len(), c.vault.len());
            let (id, conversation) = (short(&c.id), short(&c.conversation));
            format!(
                "Commit {id} to {conversation} ending epoch {}, with {slots} slots and {seals} seals of the vault",
                c.epoch.0
            )
        }
        Request::PutSlots(p) => {
            format!("PutSlots {} of {} in epoch {}", p.writes.len(), short(&p.conversation), p.epoch.0)
        }
        Request::Create(c) => format!("Create {}", short(&c.conversation)),
        Request::Subscribe(after) => format!("Subscribe after {}", after.0),
        Request::Log(range) => {
            format!("Log of {} from {} to {}", short(&range.conversation), range.from.0, range.to.0)
        }
        Request::GroupState(c) => format!("GroupState of {}", short(c)),
        Request::Welcome(c) => format!("Welcome of {}", short(c)),
        other => variant(other),
    };
    format!("#{} {words}", frame.id.0)
}

/// What the server says.
pub(crate) fn server(frame: &ServerFrame) -> String {
    match frame {
        ServerFrame::Reply(id, Reply::Appended(seq)) => format!("#{} Appended {}", id.0, seq.0),
        ServerFrame::Reply(id, reply) => format!("#{} {}", id.0, variant(reply)),
        ServerFrame::Refused(id, refusal) => format!("#{} refused: {refusal}", id.0),
        ServerFrame::Changes(changes) => {
            let items = changes.items.iter().map(|c| format!("{} {}", c.position.0, what(&c.what)));
            format!(
                "Changes {}: {}",
                if changes.live { "live" } else { "kept" },
                items.collect::<Vec<_>>().join(", ")
            )
        }
        ServerFrame::Notice(notice) => format!("Notice {notice:?}"),
        other => variant(other),
    }
}

fn what(what: &What) -> String {
    match what {
        What::Entry(e) => format!("entry {} {}", short(&e.conversation), e.seq.0),
        What::Echo(c, seq, ..) => format!("echo {} {}", short(c), seq.0),
        What::Slot(s) => format!("slot of {} v{}", short(&s.conversation), s.version.0),
        other => variant(other),
    }
}

/// The name of a variant, from its `Debug`.
fn variant(value: &impl std::fmt::Debug) -> String {
    let words = format!("{value:?}");
    let end = words.find(|c: char| !c.is_alphanumeric()).unwrap_or(words.len());
    words[..end].to_owned()
}
