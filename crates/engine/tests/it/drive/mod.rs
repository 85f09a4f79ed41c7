//! An engine, driven by a tape: each byte decides what happens next.
//!
//! Shared with the fuzz target `engine_frames`, which finds better tapes than chance does.

mod lies;
mod stage;
mod tape;
mod world;

pub(crate) use stage::Stage;
pub(crate) use tape::Tape;

/// Plays a tape to its end; panics if the engine breaks one of its promises.
pub(crate) fn play(tape: &[u8]) {
    let mut tape = Tape::new(tape);
    let mut stage = Stage::new();
    while !tape.is_over() {
        stage.step(&mut tape);
    }
    stage.come_to_rest();
}

/// A tape that begins with an account and its first connection, so that most of it is about something.
pub(crate) fn registered(tape: &[u8]) -> Vec<u8> {
    let mut begun = vec![9, 0];
    // Eight times: hear what an honest server says, up to eight frames at a time.
    begun.extend([0, 7].repeat(8));
    begun.extend_from_slice(tape);
    begun
}
