//! Why something cannot be done, in the user's language: the one place that says it.

use diario_web_api::Problem;

use crate::text::{tr, tr_args};

/// What to tell the user of a problem.
pub(crate) fn problem_text(problem: &Problem) -> String {
    match problem {
        Problem::NoAccount => tr("problem-no-account"),
        Problem::HasAccount => tr("problem-has-account"),
        Problem::Revoked => tr("problem-revoked"),
        Problem::NotPrimary => tr("problem-not-primary"),
        Problem::LastPrimary => tr("problem-last-primary"),
        Problem::BadName => tr("problem-bad-name"),
        Problem::NameTaken => tr("problem-name-taken"),
        Problem::InviteNeeded => tr("problem-invite-needed"),
        Problem::RegistrationClosed => tr("problem-registration-closed"),
        Problem::Unknown => tr("problem-unknown"),
        Problem::Left => tr("problem-left"),
        Problem::Membership => tr("problem-membership"),
        Problem::Empty => tr("problem-empty"),
        Problem::TooLong(bytes) => tr_args("problem-too-long", &[("kilobytes", (bytes / 1000).into())]),
        Problem::Offline => tr("problem-offline"),
        Problem::NotYet => tr("problem-not-yet"),
        Problem::BadCode => tr("problem-bad-code"),
        Problem::CodeRefused => tr("problem-code-refused"),
        Problem::StorageFull => tr("problem-storage-full"),
        Problem::OnItsWay => tr("problem-on-its-way"),
        Problem::WrongRecoveryKey => tr("problem-wrong-recovery-key"),
        Problem::DeviceLimit(most) => tr_args("problem-device-limit", &[("most", (*most).into())]),
        Problem::WordCount(count) => tr_args("problem-word-count", &[("count", (*count).into())]),
        Problem::UnknownWord(number) => tr_args("problem-unknown-word", &[("number", (*number).into())]),
        Problem::WordsWrong => tr("problem-words-wrong"),
        Problem::WrongWord(number) => tr_args("problem-wrong-word", &[("number", (*number).into())]),
        Problem::NoRecoveryKey => tr("problem-no-recovery-key"),
        Problem::Interrupted => tr("problem-interrupted"),
        Problem::Lie => tr("problem-lie"),
        Problem::Expired => tr("problem-expired"),
        Problem::ServerFull => tr("problem-server-full"),
        Problem::Wait(ms) => tr_args("problem-wait", &[("seconds", ms.div_ceil(1000).max(1).into())]),
        Problem::Other(what) => tr_args("problem-other", &[("what", what.as_str().into())]),
    }
}
