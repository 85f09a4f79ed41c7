//! What the system gives to a simulation: random bytes and time from the seed, a disk that can be full or torn.
//!
//! OpenMLS, the ciphers and the standard library's maps draw random bytes from the system, and SQLite writes and syncs
//! by it. A simulation that is the same at every run has to stand below them: `os.c` takes the place of a few
//! functions of the C library, for threads that are [`Simulated`]. Only Linux with glibc was tried.

use std::marker::PhantomData;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

mod ffi {
    #![allow(unsafe_code)]

    // Functions of os.c: they keep what they are told in the thread, and touch no memory of ours.
    unsafe extern "C" {
        pub(super) safe fn diario_sim_begin(seed: u64);
        pub(super) safe fn diario_sim_end();
        pub(super) safe fn diario_sim_set_time(ms: u64);
        pub(super) safe fn diario_sim_set_disk_full(full: i32);
        pub(super) safe fn diario_sim_refused_writes() -> u64;
        pub(super) safe fn diario_sim_spare_syncs(spared: i32);
        pub(super) safe fn diario_sim_fail_sync_in(syncs: u64);
        pub(super) safe fn diario_sim_take_sync_failed() -> i32;
        pub(super) safe fn diario_sim_synced_length(device: u64, inode: u64) -> u64;
    }
}

/// This thread gets what the seed says, until the value is dropped.
///
/// The standard library draws the keys of its maps once a thread: begin in a new one.
#[derive(Debug)]
pub struct Simulated(PhantomData<*const ()>);

impl Simulated {
    /// Random bytes come from `seed` from now on, and nothing is really synced.
    pub fn begin(seed: u64) -> Self {
        ffi::diario_sim_begin(seed);
        Self(PhantomData)
    }

    /// What the system's clock says from now on, in milliseconds since 1970.
    pub fn set_time(&self, ms: u64) {
        ffi::diario_sim_set_time(ms);
    }

    /// Whether writes to files fail for want of room.
    pub fn set_disk_full(&self, full: bool) {
        ffi::diario_sim_set_disk_full(i32::from(full));
    }

    /// How many writes failed for want of room.
    pub fn refused_writes(&self) -> u64 {
        ffi::diario_sim_refused_writes()
    }

    /// The sync after so many others fails, counted from 1; 0: none does.
    pub fn fail_sync_in(&self, syncs: u64) {
        ffi::diario_sim_fail_sync_in(syncs);
    }

    /// Whether syncs succeed and do not count.
    pub fn spare_syncs(&self, spared: bool) {
        ffi::diario_sim_spare_syncs(i32::from(spared));
    }

    /// Whether a sync has failed since the last call.
    pub fn take_sync_failed(&self) -> bool {
        ffi::diario_sim_take_sync_failed() != 0
    }

    /// So many bytes of the file, from its beginning, are as they were synced last; 0 if it never was.
    pub fn synced_length(&self, file: &Path) -> std::io::Result<u64> {
        let meta = std::fs::metadata(file)?;
        Ok(match ffi::diario_sim_synced_length(meta.dev(), meta.ino()) {
            u64::MAX => 0,
            length => length.min(meta.len()),
        })
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        ffi::diario_sim_end();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io::{Seek as _, SeekFrom, Write as _};

    use super::*;

    /// Keys of a map, a key pair, and the time.
    fn draw(seed: u64) -> (Vec<u32>, Vec<u8>, u128) {
        std::thread::spawn(move || {
            let os = Simulated::begin(seed);
            os.set_time(1_700_000_000_123);
            let set: HashSet<u32> = (0..50).collect();
            let db = rusqlite::Connection::open_in_memory().unwrap();
            let engine = diario_engine::Engine::open(db, diario_engine::EngineConfig::default());
            let mut engine = engine.unwrap();
            let now = diario_protocol::Timestamp(1_700_000_000_123);
            engine.register("http://localhost", "anna", "phone", None, now).unwrap();
            let account = engine.whoami().unwrap().1;
            let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            (set.into_iter().collect(), account.as_bytes().to_vec(), time.as_millis())
        })
        .join()
        .unwrap()
    }

    #[test]
    fn a_seed_gives_the_same_keys_and_maps_and_another_seed_others() {
        let (first, again, other) = (draw(7), draw(7), draw(8));
        assert_eq!(first, again);
        assert_ne!(first.0, other.0);
        assert_ne!(first.1, other.1);
        assert_eq!(first.2, 1_700_000_000_123);
    }

    #[test]
    fn a_full_disk_takes_nothing_and_only_in_this_thread() {
        let folder = tempfile::tempdir().unwrap();
        let os = Simulated::begin(1);
        let mut file = std::fs::File::create(folder.path().join("a")).unwrap();
        os.set_disk_full(true);
        let refused = file.write(b"x").unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(28), "ENOSPC");
        let path = folder.path().join("b");
        std::thread::spawn(move || std::fs::write(path, b"x").unwrap()).join().unwrap();
        os.set_disk_full(false);
        assert_eq!(file.write(b"x").unwrap(), 1);
        assert_eq!(os.refused_writes(), 1);
    }

    #[test]
    fn what_was_not_synced_is_known_and_a_sync_can_fail() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let os = Simulated::begin(1);
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(b"abc").unwrap();
        assert_eq!(os.synced_length(&path).unwrap(), 0);
        file.sync_data().unwrap();
        file.write_all(b"def").unwrap();
        assert_eq!(os.synced_length(&path).unwrap(), 3);
        os.fail_sync_in(2);
        file.sync_all().unwrap();
        assert!(file.sync_all().is_err());
        assert!(os.take_sync_failed() && !os.take_sync_failed());
        assert_eq!(os.synced_length(&path).unwrap(), 6);
        // A log that begins anew at its start, as SQLite's does after a checkpoint.
        file.seek(SeekFrom::Start(1)).unwrap();
        file.write_all(b"B").unwrap();
        assert_eq!(os.synced_length(&path).unwrap(), 1);
        file.sync_data().unwrap();
        assert_eq!(os.synced_length(&path).unwrap(), 6);
    }
}
