//! Recovery methods of the account, and the vault that the server keeps for them.
//!
//! The slots `recovery/METHOD` of the self conversation say which methods there are; devices trust them because the
//! account identity key signed them, and the server's word about methods counts for nothing. What is missing in the
//! vault is derived by comparing the two: a new method, a newer self key, a method that was removed.

use std::collections::{BTreeMap, BTreeSet};

use diario_protocol::{
    Epoch, PublicKey, PutVault, RecoveryId, Refusal, Request, Timestamp, VaultMethod, VaultSeal,
};
use openmls_traits::random::OpenMlsRand;
use zeroize::Zeroizing;

use super::recover::Recovery;
use super::requests::{Asked, Question};
use super::{Engine, Result};
use crate::crypto::key::ConversationKey;
use crate::error::{CommandError, EngineError};
use crate::event::{Event, RecoveryStep};
use crate::recovery::{
    MethodKeys, MethodKind, MethodRecord, Newest, RecoveryKey, RecoveryMethod, RecoverySecret, Sealing,
    WordLanguage, fold_word,
};
use crate::store::conversation::Membership;
use crate::store::sealed::NamedValue;
use crate::store::{people, recovery};

const RECOVERY: &str = "recovery/";

type Done<T> = std::result::Result<T, CommandError>;

fn name_of(method: RecoveryId) -> String {
    format!("{RECOVERY}{method}")
}

/// The method of a slot, if the account vouches for it under that name.
fn read_method(name: &str, value: &[u8], identity: &PublicKey) -> Option<Sealing> {
    let record: MethodRecord = diario_protocol::decode(value, value.len()).ok()?;
    record.verify(identity).filter(|method| name_of(method.id) == name)
}

/// The key of words that counts, and those that it replaces: there is one at a time, the newest that is not removed.
fn keys_of_words(methods: &BTreeMap<RecoveryId, Sealing>) -> (Option<RecoveryId>, BTreeSet<RecoveryId>) {
    let is_key = |method: &&Sealing| !method.record.is_removed() && method.record.kind() == MethodKind::Words;
    let mut keys: Vec<_> =
        methods.values().filter(is_key).map(|method| (method.record.made_at(), method.id)).collect();
    keys.sort_unstable();
    let newest = keys.pop().map(|(_, id)| id);
    (newest, keys.into_iter().map(|(_, id)| id).collect())
}

/// A new key of words, until its user has shown that it was written down.
pub(super) struct Offered {
    secret: RecoverySecret,
    words: Zeroizing<Vec<String>>,
    asked: [u8; 3],
}

impl Engine {
    /// Makes a recovery key: 24 words, to be shown once. It is worth nothing before [`Self::confirm_recovery_key`].
    pub fn make_recovery_key(&mut self, language: WordLanguage, now: Timestamp) -> Done<RecoveryKey> {
        self.command(now, |engine| {
            engine.primary()?;
            let secret = RecoverySecret::from_passkey(engine.random()?);
            let words = secret.words(language);
            let asked = engine.three_of(u8::try_from(words.len()).unwrap_or(u8::MAX))?;
            let shown = RecoveryKey { words: words.clone(), asked };
            engine.recovery = Recovery::Offered(Box::new(Offered { secret, words: words.into(), asked }));
            Ok(shown)
        })
    }

    /// The user's answer to the three words asked for, in the order asked. If it is right the key counts as soon as the
    /// server has it, and from then on older keys of words count no longer.
    pub fn confirm_recovery_key(&mut self, words: &[String], now: Timestamp) -> Done<RecoveryId> {
        self.command(now, |engine| {
            let Recovery::Offered(offered) = &engine.recovery else {
                return Err(CommandError::NoRecoveryKey);
            };
            let asked = offered.asked.map(|number| fold_word(&offered.words[usize::from(number) - 1]));
            let answered: Vec<_> = words.iter().map(|word| fold_word(word)).collect();
            if let Some(i) = asked.iter().enumerate().position(|(i, word)| answered.get(i) != Some(word)) {
                return Err(CommandError::WrongWord(offered.asked[i]));
            }
            let keys = MethodKeys::of(&offered.secret);
            let id = engine.add_method(&keys, MethodKind::Words, "", None)?;
            engine.recovery = Recovery::None;
            Ok(id)
        })
    }

    /// Makes a passkey a recovery method; `output` is what its PRF gives, `credential` its credential id.
    pub fn add_recovery_passkey(
        &mut self,
        output: [u8; 32],
        credential: &[u8],
        label: &str,
        now: Timestamp,
    ) -> Done<RecoveryId> {
        self.command(now, |engine| {
            engine.primary()?;
            let keys = MethodKeys::of(&RecoverySecret::from_passkey(output));
            engine.add_method(&keys, MethodKind::Passkey, label, Some(credential.to_vec()))
        })
    }

    /// The account's recovery methods, the oldest first.
    pub fn recovery_methods(&self) -> Result<Vec<RecoveryMethod>> {
        if self.me.is_none() {
            return Ok(Vec::new());
        }
        let vault = recovery::vault(&self.db)?;
        let methods = self.methods(true)?;
        let (_, replaced) = keys_of_words(&methods);
        let mut methods: Vec<_> = methods
            .into_values()
            .filter(|method| !method.record.is_removed() && !replaced.contains(&method.id))
            .map(|method| RecoveryMethod {
                id: method.id,
                kind: method.record.kind(),
                label: method.record.label().to_owned(),
                made_at: method.record.made_at(),
                credential: method.record.credential().map(<[u8]>::to_vec),
                ready: vault.contains_key(&method.id),
            })
            .collect();
        methods.sort_by_key(|method| (method.made_at, method.id));
        Ok(methods)
    }

    /// Removes a recovery method: the account cannot be recovered by it any more.
    pub fn remove_recovery_method(&mut self, id: RecoveryId, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            engine.primary()?;
            let method = engine.methods(true)?.remove(&id).filter(|method| !method.record.is_removed());
            let method = method.ok_or_else(|| CommandError::NoRecoveryMethod(id.to_string()))?;
            Ok(engine.mark_removed(&method)?)
        })
    }

    fn primary(&self) -> Done<()> {
        if self.active()?.is_primary() { Ok(()) } else { Err(CommandError::NotPrimary) }
    }

    /// Three different numbers from 1 to `most`, in order.
    fn three_of(&self, most: u8) -> Result<[u8; 3]> {
        let mut chosen = BTreeSet::new();
        while chosen.len() < 3 {
            // Of the bytes below the largest multiple, so that each number is as likely as the others.
            let [byte]: [u8; 1] = self.crypto.random_array().map_err(|_| EngineError::Randomness)?;
            if byte < u8::MAX / most * most {
                chosen.insert(byte % most + 1);
            }
        }
        let mut numbers = [0; 3];
        for (place, number) in numbers.iter_mut().zip(chosen) {
            *place = number;
        }
        Ok(numbers)
    }

    fn add_method(
        &mut self,
        keys: &MethodKeys,
        kind: MethodKind,
        label: &str,
        credential: Option<Vec<u8>>,
    ) -> Done<RecoveryId> {
        let identity = self.me()?.identity.clone().ok_or(CommandError::NotPrimary)?;
        // The newest key of words replaces the others, whatever became of the clock since they were made.
        let newest = self.methods(true)?.into_values().map(|method| method.record.made_at()).max();
        let made_at = newest.map_or(self.server_now(), |at| at.plus_ms(1).max(self.server_now()));
        let record = keys.record(kind, label, credential, made_at, &identity, &self.crypto)?;
        self.put_method(keys.id(), &record)?;
        Ok(keys.id())
    }

    fn mark_removed(&mut self, method: &Sealing) -> Result<()> {
        let Some(identity) = self.me()?.identity.clone() else { return Ok(()) };
        recovery::mark_gone(&self.db, method.id)?;
        self.put_method(method.id, &method.record.removed(&identity))
    }

    fn put_method(&mut self, id: RecoveryId, record: &MethodRecord) -> Result<()> {
        let own = self.me()?.own;
        self.enqueue_slot(own, &name_of(id), diario_protocol::encode(record), true)?;
        self.emit(Event::Recovery(RecoveryStep::Methods));
        Ok(())
    }

    /// Methods that the account vouches for, the removed ones too; with those that wait to be written, if `queued`.
    fn methods(&self, queued: bool) -> Result<BTreeMap<RecoveryId, Sealing>> {
        let me = self.me()?;
        let own = me.own;
        let mut methods = BTreeMap::new();
        let mut named = recovery::slots_under(&self.db, own, RECOVERY)?;
        if queued {
            for payload in recovery::queued_under(&self.db, own, RECOVERY)? {
                let write: NamedValue = diario_protocol::decode(&payload, payload.len())?;
                named.push((write.name, write.value));
            }
        }
        if named.is_empty() {
            return Ok(methods);
        }
        let identity = self.own_list()?.identity_key;
        for (name, value) in named {
            let Some(method) = read_method(&name, &value, &identity) else { continue };
            // Whoever brings an older record back finds it known as removed.
            if method.record.is_removed() || !recovery::is_gone(&self.db, method.id)? {
                methods.insert(method.id, method);
            }
        }
        Ok(methods)
    }

    /// A slot of the self conversation with a method is another now.
    pub(super) fn method_changed(&mut self, name: &str) -> Result<bool> {
        if !name.starts_with(RECOVERY) {
            return Ok(false);
        }
        let removed: Vec<_> =
            self.methods(false)?.into_values().filter(|method| method.record.is_removed()).collect();
        for method in removed {
            recovery::mark_gone(&self.db, method.id)?;
        }
        (self.session.vault_compared, self.session.vault_written) = (None, None);
        self.emit(Event::Recovery(RecoveryStep::Methods));
        Ok(true)
    }

    /// The key of an epoch of the self conversation, sealed for each of the account's methods.
    pub(super) fn vault_seals(&self, epoch: Epoch, key: &ConversationKey) -> Result<Vec<VaultSeal>> {
        let methods: Vec<_> =
            self.methods(false)?.into_values().filter(|method| !method.record.is_removed()).collect();
        self.seal_for(methods.iter(), epoch, key)
    }

    fn seal_for<'a>(
        &self,
        methods: impl Iterator<Item = &'a Sealing>,
        epoch: Epoch,
        key: &ConversationKey,
    ) -> Result<Vec<VaultSeal>> {
        let account = self.me()?.account;
        let version = people::account(&self.db, account)?.map_or(0, |held| held.version);
        let newest = Newest::new(epoch, key, version);
        methods.map(|method| method.seal_newest(account, &newest, &self.crypto)).collect()
    }

    /// Compares the vault with the methods, and puts right what is not.
    pub(super) fn look_after_vault(&mut self) -> Result<()> {
        let own = self.me()?.own;
        let Some(conversation) = self.conversation(own)?.cloned() else { return Ok(()) };
        let epoch = conversation.log_epoch;
        let lane = self.session.lane(own);
        let busy = lane.control || lane.wait_for.is_some() || lane.not_before.is_some() || !lane.aligned;
        if busy
            || conversation.membership != Membership::Member
            || self.session.vault_compared == Some(epoch)
            || self.session.asking.contains(&Question::Vault)
        {
            return Ok(());
        }
        let Some(key) = self.key(own, epoch)? else { return Ok(()) };
        let methods = self.methods(false)?;
        if methods.is_empty() {
            self.session.vault_compared = Some(epoch);
            return Ok(());
        }
        let Some(there) = self.session.vault.take() else {
            self.ask_once(Question::Vault, Request::VaultMethods, Asked::VaultMethods);
            return Ok(());
        };
        let there: BTreeMap<_, _> = there.iter().map(|m| (m.method, m.epoch)).collect();
        let identity = self.me()?.identity.clone();
        let (newest, replaced) = keys_of_words(&methods);
        let newest_is_there = newest.is_some_and(|newest| there.contains_key(&newest));
        if identity.is_some() && newest_is_there && !replaced.is_empty() {
            // Until the newer one was in the vault, an older one was all that opened it.
            for id in &replaced {
                self.mark_removed(&methods[id])?;
            }
            self.pump_conversation(own)?;
        }
        // A primary device replaces a key of words in one request.
        let is_kept = |id: &RecoveryId| identity.is_none() || !replaced.contains(id);
        let wanted = methods.values().filter(|m| !m.record.is_removed() && is_kept(&m.id));
        let mut put = PutVault { epoch, add: Vec::new(), remove: Vec::new(), seals: Vec::new() };
        let mut stale: Vec<&Sealing> = Vec::new();
        for method in wanted {
            match (there.get(&method.id), &identity) {
                (Some(sealed), _) if *sealed >= epoch => {}
                (Some(_), _) => stale.push(method),
                (None, Some(identity)) => {
                    put.add.push(method.seal_identity(identity, &self.crypto)?);
                    stale.push(method);
                }
                (None, None) => {}
            }
        }
        put.seals = self.seal_for(stale.iter().copied(), epoch, &key)?;
        if identity.is_some() {
            // One that is not known here may only be not readable yet.
            for id in there.keys() {
                if replaced.contains(id) || recovery::is_gone(&self.db, *id)? {
                    put.remove.push(*id);
                }
            }
        }
        let is_right = put.seals.is_empty() && put.remove.is_empty();
        // Written once, it is right, or the server does not keep it: it is not written again and again.
        if is_right || self.session.vault_written == Some(epoch) {
            self.session.vault_compared = Some(epoch);
            return Ok(());
        }
        self.session.vault_written = Some(epoch);
        self.ask_once(Question::Vault, Request::PutVault(put), Asked::PutVault);
        Ok(())
    }

    pub(super) fn on_vault_methods(&mut self, methods: Vec<VaultMethod>) -> Result<()> {
        self.session.asking.remove(&Question::Vault);
        if recovery::save_vault(&self.db, &methods)? {
            self.emit(Event::Recovery(RecoveryStep::Methods));
        }
        self.session.vault = Some(methods);
        Ok(())
    }

    pub(super) fn vault_refused(&mut self, refusal: Refusal) {
        (self.session.vault, self.session.vault_written) = (None, None);
        if refusal.is_temporary() || matches!(refusal, Refusal::StaleEpoch(_)) {
            self.ask_again_later(Question::Vault);
        } else if let Ok(me) = self.me() {
            // The question stays asked: on this connection the refusal would be the same.
            let conversation = me.own;
            self.emit(Event::Failed { conversation, id: None, refusal });
        }
    }
}
