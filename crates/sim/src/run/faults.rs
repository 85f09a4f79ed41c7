//! What goes wrong, and how it ends.

use anyhow::Result;
use diario_engine::Fill;
use tokio::time::Instant;

use super::journal::Kind;
use super::world::{Due, World};

/// The end of a fault.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Heal {
    /// The connection is torn.
    Tear(u64),
    /// The device has a network again.
    Back(usize),
    /// The device's disk has room again.
    Room(usize),
    /// The server's disk has room again.
    ServerRoom,
    /// The device reads again.
    Reads(usize),
}

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

impl World {
    /// One thing goes wrong.
    pub(crate) fn fault(&mut self) -> Result<()> {
        let Some(peer) = self.some_peer() else { return Ok(()) };
        match self.random.below(20) {
            0..3 => self.tear(peer),
            3..6 => self.go_away(peer),
            6 => self.kill_server("it is killed"),
            7 => {
                let syncs = 1 + self.random.bits() % 6;
                self.note("server", Kind::Fault, format!("its power fails at sync {syncs} from now"));
                self.os.fail_sync_in(syncs);
                Ok(())
            }
            8..11 => {
                self.note_of(peer, Kind::Fault, "its program is killed".into());
                self.peers[peer].kill();
                self.start_later(peer);
                Ok(())
            }
            11 if self.random.one_in(2) => {
                self.note_of(peer, Kind::Fault, "its power will fail when it next says something".into());
                self.peers[peer].fails_saying = true;
                Ok(())
            }
            11 => {
                self.note_of(peer, Kind::Fault, "its power is cut".into());
                self.marks.hit("a device's power was cut");
                self.cut_power(peer)
            }
            12 | 13 => self.copy_or_restore(peer),
            14 => {
                self.note_of(peer, Kind::Fault, "its disk is full".into());
                self.peers[peer].disk_full = true;
                let ms = 1 + self.random.bits() % (5 * MINUTE);
                self.in_ms(ms, Due::Heal(Heal::Room(peer)));
                Ok(())
            }
            15 => {
                self.note("server", Kind::Fault, "its disk is full".into());
                self.server_disk_full = true;
                let ms = 1 + self.random.bits() % MINUTE;
                self.in_ms(ms, Due::Heal(Heal::ServerRoom));
                Ok(())
            }
            16 => {
                let ms = self.jump();
                self.note_of(peer, Kind::Fault, format!("its clock is {ms} ms ahead now"));
                self.marks.hit("a clock jumped");
                self.peers[peer].ahead_ms = ms;
                self.peers[peer].tick_at = None;
                self.after(peer)
            }
            17 => {
                let ms = self.jump() / 100;
                self.note("server", Kind::Fault, format!("its clock is {ms} ms ahead now"));
                self.marks.hit("the server's clock jumped");
                self.set_server_ahead(ms);
                Ok(())
            }
            _ => {
                let Some(wire) = &self.peers[peer].wire else { return Ok(()) };
                wire.stall(true);
                self.note_of(peer, Kind::Fault, "reads nothing for a while".into());
                let ms = 1 + self.random.bits() % (2 * MINUTE);
                self.in_ms(ms, Due::Heal(Heal::Reads(peer)));
                Ok(())
            }
        }
    }

    fn jump(&mut self) -> i64 {
        let most = [MINUTE, DAY, 3 * DAY][self.random.below(3)];
        let ms = i64::try_from(self.random.bits() % most).unwrap_or(0);
        if self.random.one_in(2) { ms } else { -ms }
    }

    fn tear(&mut self, peer: usize) -> Result<()> {
        if self.peers[peer].wire.is_none() {
            return Ok(());
        }
        self.note_of(peer, Kind::Fault, "its connection is torn".into());
        self.hang_up(peer)
    }

    fn go_away(&mut self, peer: usize) -> Result<()> {
        // Where days go by, some outages are longer than a device is vouched for.
        let choices = if self.plan.days_pass() { 4 } else { 3 };
        let most = [MINUTE, 60 * MINUTE, DAY, 30 * DAY][self.random.below(choices)];
        let ms = 1 + self.random.bits() % most;
        self.note_of(peer, Kind::Fault, format!("has no network for {ms} ms"));
        self.peers[peer].away = true;
        self.in_ms(ms, Due::Heal(Heal::Back(peer)));
        self.hang_up(peer)
    }

    pub(crate) fn cut_power(&mut self, peer: usize) -> Result<()> {
        let Self { os, random, peers, .. } = self;
        peers[peer].cut_power(os, random)?;
        self.start_later(peer);
        Ok(())
    }

    fn start_later(&mut self, peer: usize) {
        let ms = self.random.bits() % [100, 5_000, 60 * MINUTE][self.random.below(3)];
        self.in_ms(ms, Due::Start(peer));
    }

    fn copy_or_restore(&mut self, peer: usize) -> Result<()> {
        if self.peers[peer].identity().is_none() {
            return Ok(());
        }
        if self.peers[peer].copy.is_none() {
            self.note_of(peer, Kind::Fault, "its store is copied".into());
            return self.peers[peer].back_up();
        }
        self.note_of(peer, Kind::Fault, "its old copy is put back".into());
        self.marks.hit("a device went back to an old copy of its store");
        self.oracle.went_back(peer);
        self.peers[peer].restore();
        self.start_later(peer);
        Ok(())
    }

    /// The server dies; devices notice when their connections do.
    pub(crate) fn kill_server(&mut self, how: &str) -> Result<()> {
        if !self.host.is_running() {
            return Ok(());
        }
        self.note("server", Kind::Fault, how.to_owned());
        self.marks.hit("the server was killed");
        self.os.fail_sync_in(0);
        let Self { host, os, random, .. } = self;
        host.kill(os, random)?;
        for peer in 0..self.peers.len() {
            if self.peers[peer].wire.is_some() {
                self.hang_up(peer)?;
            }
        }
        let ms = self.random.bits() % 20_000;
        self.in_ms(ms, Due::StartServer);
        Ok(())
    }

    /// A fault is over.
    pub(crate) fn heal(&mut self, heal: Heal) -> Result<()> {
        match heal {
            Heal::Tear(number) => {
                self.abandon(number);
                let torn =
                    self.peers.iter().position(|p| p.wire.as_ref().is_some_and(|w| w.number == number));
                match torn {
                    Some(peer) => self.tear(peer),
                    None => Ok(()),
                }
            }
            Heal::Back(peer) => {
                self.peers[peer].away = false;
                self.peers[peer].tries = 0;
                self.after(peer)
            }
            Heal::Room(peer) => {
                self.peers[peer].disk_full = false;
                // What failed gave the connection up; nothing else may be stuck.
                self.after(peer)
            }
            Heal::ServerRoom => {
                self.server_disk_full = false;
                Ok(())
            }
            Heal::Reads(peer) => {
                if let Some(wire) = &mut self.peers[peer].wire {
                    wire.stall(false);
                    wire.reads_since = Some(Instant::now());
                }
                Ok(())
            }
        }
    }

    /// Everything that is broken is whole again, at once.
    pub(crate) async fn heal_everything(&mut self) -> Result<()> {
        self.hostile = false;
        self.note("world", Kind::Fault, "from here on nothing breaks".into());
        self.server_disk_full = false;
        self.os.fail_sync_in(0);
        let _ = self.os.take_sync_failed();
        self.set_server_ahead(0);
        self.start_server().await?;
        for peer in 0..self.peers.len() {
            let p = &mut self.peers[peer];
            (p.away, p.disk_full, p.ahead_ms, p.tries, p.tick_at) = (false, false, 0, 0, None);
            p.fails_saying = false;
            // Connections that lost frames end; and whoever waits for something lost begins anew.
            self.hang_up(peer)?;
            self.peers[peer].tries = 0;
            self.start_peer(peer)?;
            // Who looked at nothing has everything in the end, all the same.
            self.command(peer, |engine, now| engine.set_fill(Fill::Always, now))?;
            self.after(peer)?;
        }
        Ok(())
    }
}
