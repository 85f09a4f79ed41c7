//! Why something cannot be done, in the words of the line to the pages.

use diario_engine::linking::LinkingError;
use diario_engine::recovery::WordsError;
use diario_engine::{CommandError, EngineError, StoreError};
use diario_protocol::Refusal;
use diario_web_api::Problem;

/// What a command refused.
pub(crate) fn of_command(e: CommandError) -> Problem {
    match e {
        CommandError::NoAccount => Problem::NoAccount,
        CommandError::HasAccount(_) => Problem::HasAccount,
        CommandError::Revoked => Problem::Revoked,
        CommandError::NotPrimary => Problem::NotPrimary,
        CommandError::Username(_) => Problem::BadName,
        CommandError::NoConversation(_)
        | CommandError::NoDevice(_)
        | CommandError::NoMessage
        | CommandError::NoKey
        | CommandError::NoRecoveryMethod(_) => Problem::Unknown,
        CommandError::Left => Problem::Left,
        CommandError::NotAGroup | CommandError::Membership(_) => Problem::Membership,
        CommandError::LastPrimary | CommandError::RevokesItself => Problem::LastPrimary,
        CommandError::NoName | CommandError::Empty => Problem::Empty,
        CommandError::TooLong { limit, .. } => Problem::TooLong(limit as u64),
        CommandError::Offline => Problem::Offline,
        CommandError::NotYet => Problem::NotYet,
        CommandError::LinkCode(_) | CommandError::PairingCode(_) => Problem::BadCode,
        CommandError::Linking(e) => of_linking(&e),
        CommandError::OnItsWay => Problem::OnItsWay,
        CommandError::NoRecoveryKey => Problem::NoRecoveryKey,
        CommandError::NoRecovery => Problem::Interrupted,
        CommandError::WrongWord(number) => Problem::WrongWord(number.into()),
        CommandError::Words(e) => of_words(&e),
        CommandError::DeviceLimit(most) => Problem::DeviceLimit(most as u64),
        CommandError::Engine(e) => of_engine(&e),
        // The page has no words of its own for these.
        e => Problem::Other(e.to_string()),
    }
}

fn of_words(e: &WordsError) -> Problem {
    match e {
        WordsError::Count(count) => Problem::WordCount(*count as u64),
        WordsError::Unknown { number, .. } => Problem::UnknownWord(*number as u64),
        WordsError::Checksum => Problem::WordsWrong,
    }
}

fn of_linking(e: &LinkingError) -> Problem {
    match e {
        LinkingError::WrongCode
        | LinkingError::Tampered
        | LinkingError::Unexpected { .. }
        | LinkingError::Malformed
        | LinkingError::PeerGaveUp
        | LinkingError::PeerGone
        | LinkingError::Closed => Problem::CodeRefused,
        LinkingError::TooLarge { .. } | LinkingError::Misuse { .. } | LinkingError::Internal => {
            Problem::Other(e.to_string())
        }
    }
}

/// What failed in the engine. Nothing was changed.
pub(crate) fn of_engine(e: &EngineError) -> Problem {
    match e {
        EngineError::Store(StoreError::Full) => Problem::StorageFull,
        EngineError::Store(
            StoreError::Newer { .. } | StoreError::Sqlite(_) | StoreError::Mls(_) | StoreError::Damaged(_),
        )
        | EngineError::Randomness
        | EngineError::Group(_)
        | EngineError::Frame(_)
        | EngineError::Internal(_) => Problem::Other(e.to_string()),
    }
}

/// What the server refused.
pub(crate) fn of_refusal(refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::NameTaken => Problem::NameTaken,
        Refusal::RegistrationClosed => Problem::RegistrationClosed,
        Refusal::InviteNeeded => Problem::InviteNeeded,
        Refusal::TooLarge(limit) => Problem::TooLong(*limit),
        Refusal::RateLimited(ms) => Problem::Wait(*ms),
        Refusal::DeviceRevoked => Problem::Revoked,
        Refusal::MailboxGone => Problem::CodeRefused,
        Refusal::NotMember => Problem::Left,
        Refusal::NotFound(_) => Problem::Unknown,
        Refusal::WrongRecoveryKey => Problem::WrongRecoveryKey,
        Refusal::DeviceLimit(most) => Problem::DeviceLimit(*most),
        Refusal::DeviceExpired => Problem::Expired,
        Refusal::StorageUnavailable => Problem::ServerFull,
        Refusal::StaleEpoch(_)
        | Refusal::RosterStale
        | Refusal::TooMany(..)
        | Refusal::BadSignature
        | Refusal::WrongState(_)
        | Refusal::Invalid(_)
        | Refusal::InvalidCommit(_)
        | Refusal::Exists
        | Refusal::OldDeviceList(_)
        | Refusal::BeforeStart(_)
        | Refusal::Draining => Problem::Other(refusal.to_string()),
    }
}

/// Whether the store has failed in a way that nothing mends but opening it anew.
pub(crate) fn is_broken(e: &EngineError) -> bool {
    match e {
        EngineError::Store(StoreError::Full) | EngineError::Frame(_) | EngineError::Group(_) => false,
        EngineError::Store(
            StoreError::Newer { .. } | StoreError::Sqlite(_) | StoreError::Mls(_) | StoreError::Damaged(_),
        )
        | EngineError::Randomness
        | EngineError::Internal(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_page_can_explain_has_a_name_of_its_own() {
        assert_eq!(of_command(CommandError::TooLong { size: 9, limit: 7 }), Problem::TooLong(7));
        assert_eq!(of_command(CommandError::Linking(LinkingError::WrongCode)), Problem::CodeRefused);
        assert_eq!(of_refusal(&Refusal::NameTaken), Problem::NameTaken);
        assert_eq!(of_refusal(&Refusal::RateLimited(5)), Problem::Wait(5));
    }

    #[test]
    fn a_full_disk_is_no_broken_store() {
        let full = EngineError::Store(StoreError::Full);
        assert!(!is_broken(&full));
        assert_eq!(of_engine(&full), Problem::StorageFull);
        assert!(is_broken(&EngineError::Store(StoreError::Damaged("x"))));
    }
}
