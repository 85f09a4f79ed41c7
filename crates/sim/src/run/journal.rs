//! What happened in a run, for people and for the viewer.

use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// What a record tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A user or the plan does something.
    Operation,
    /// Something breaks, or is whole again.
    Fault,
    /// A frame leaves a device.
    Send,
    /// A frame reaches a device.
    Receive,
    /// The engine tells its driver something.
    Event,
    /// A connection begins or ends, a program starts or dies.
    Life,
    /// What must never be.
    Violation,
}

/// One thing that happened.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// Milliseconds of virtual time since the run began.
    pub ms: u64,
    /// To whom: a device, or `server`.
    pub who: String,
    /// Of what kind.
    pub kind: Kind,
    /// What, in words.
    pub text: String,
}

/// The records of a run, in order.
#[derive(Debug, Default)]
pub struct Journal {
    records: Vec<Record>,
    digest: Sha256,
}

impl Journal {
    pub(crate) fn put(&mut self, ms: u64, who: &str, kind: Kind, text: String) {
        self.digest.update(format!("{ms} {who} {kind:?} {text}\n"));
        self.records.push(Record { ms, who: who.to_owned(), kind, text });
    }

    /// All records.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// A digest of everything that happened, 64 hexadecimal digits: equal for equal runs.
    pub fn digest(&self) -> String {
        self.digest.clone().finalize().iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// The records as text, a line each.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for r in &self.records {
            let sign = match r.kind {
                Kind::Operation => "*",
                Kind::Fault => "!",
                Kind::Send => ">",
                Kind::Receive => "<",
                Kind::Event => "-",
                Kind::Life => "~",
                Kind::Violation => "###",
            };
            let _ = writeln!(out, "{:>10}.{:03} {:<14} {sign} {}", r.ms / 1000, r.ms % 1000, r.who, r.text);
        }
        out
    }
}
