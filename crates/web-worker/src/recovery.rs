//! Recovery, between the engine and the pages.

use diario_engine::recovery::{
    Keep, MethodKind, RecoverableDevice, RecoveryMethod, RecoverySecret, WordLanguage, check_words,
};
use diario_engine::{CommandError, Engine, EngineError, RecoveryFailure, RecoveryStep};
use diario_protocol::{AccountId, AccountRef, Timestamp};
use diario_web_api as api;
use diario_web_api::{Answer, Problem, RecoveryAnswer, RecoveryAsk};

use crate::ask::Outcome;
use crate::problem;

/// Completions of a word that are offered.
const COMPLETIONS: usize = 4;

/// Does what a page asks about recovery.
pub(crate) fn run(device: &mut Engine, ask: RecoveryAsk, server: &str, now: Timestamp) -> Outcome {
    let answer = match ask {
        RecoveryAsk::Make { italian } => {
            let language = if italian { WordLanguage::Italian } else { WordLanguage::English };
            device.make_recovery_key(language, now).map(|key| {
                let (words, asked) = (key.words.clone(), key.asked.to_vec());
                Answer::Recovery(RecoveryAnswer::Key { words, asked })
            })
        }
        RecoveryAsk::Confirm(words) => device.confirm_recovery_key(&words, now).map(|_| Answer::Done),
        RecoveryAsk::AddPasskey { output, credential, label } => device
            .add_recovery_passkey(*output.as_bytes(), &credential, label.trim(), now)
            .map(|_| Answer::Done),
        RecoveryAsk::Remove(id) => match device.remove_recovery_method(id, now) {
            // Asked again after it was done.
            Err(CommandError::NoRecoveryMethod(_)) => Ok(Answer::Done),
            removed => removed.map(|()| Answer::Done),
        },
        RecoveryAsk::Methods => methods(device)
            .map(|methods| Answer::Recovery(RecoveryAnswer::Methods(methods)))
            .map_err(CommandError::from),
        RecoveryAsk::Begin { by, device_name } => {
            return match begin(device, by, device_name.trim(), server, now) {
                Ok(()) => Outcome::Anew(Answer::Done),
                Err(e) => Err(e).into(),
            };
        }
        RecoveryAsk::Finish(revoke) => {
            device.finish_recovery(&Keep::AllBut(revoke), now).map(|()| Answer::Done)
        }
        RecoveryAsk::Cancel => device.cancel_recovery(now).map(|()| Answer::Done).map_err(CommandError::from),
        RecoveryAsk::Check(text) => {
            let check = check_words(&text, COMPLETIONS);
            let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            Ok(Answer::Recovery(RecoveryAnswer::Checked(api::CheckedWords {
                count: number(check.count),
                unknown: check.unknown.into_iter().map(number).collect(),
                completions: check.completions.into_iter().map(str::to_owned).collect(),
                good: check.good,
            })))
        }
    };
    answer.into()
}

fn begin(
    device: &mut Engine,
    by: api::Proof,
    device_name: &str,
    server: &str,
    now: Timestamp,
) -> Result<(), CommandError> {
    let (account, secret) = match by {
        api::Proof::Words { username, words } => {
            (AccountRef::Name(username.trim().parse()?), RecoverySecret::from_words(&words)?)
        }
        api::Proof::Passkey { handle, output } => {
            let id = AccountId::from_slice(&handle).ok_or(CommandError::NoAccount)?;
            (AccountRef::Id(id), RecoverySecret::from_passkey(*output.as_bytes()))
        }
    };
    device.begin_recovery(server, &account, &secret, device_name, now)
}

/// The account's recovery methods.
pub(crate) fn methods(device: &Engine) -> Result<Vec<api::RecoveryMethod>, EngineError> {
    Ok(device.recovery_methods()?.into_iter().map(method).collect())
}

fn method(method: RecoveryMethod) -> api::RecoveryMethod {
    api::RecoveryMethod {
        id: method.id,
        passkey: method.kind == MethodKind::Passkey,
        label: method.label,
        made_at: method.made_at,
        ready: method.ready,
    }
}

/// A step, as pages are told; `None` for what is told otherwise.
pub(crate) fn step(step: &RecoveryStep) -> Option<api::RecoverStep> {
    Some(match step {
        RecoveryStep::Opened { username, devices, most } => api::RecoverStep::Opened {
            username: username.to_string(),
            devices: devices.iter().map(lost).collect(),
            most: *most,
        },
        RecoveryStep::Done { .. } => api::RecoverStep::Done,
        RecoveryStep::Failed(why) => api::RecoverStep::Failed(match why {
            RecoveryFailure::Refused(refusal) => problem::of_refusal(refusal),
            RecoveryFailure::Lie(_) => Problem::Lie,
            RecoveryFailure::Interrupted => Problem::Interrupted,
        }),
        RecoveryStep::Methods => return None,
    })
}

fn lost(device: &RecoverableDevice) -> api::LostDevice {
    api::LostDevice { id: device.id, name: device.name.clone(), primary: device.primary, seen: device.seen }
}
