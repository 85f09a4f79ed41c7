//! An engine, driven by a tape: each byte decides what happens next.
//!
//! Shared with the fuzz target `engine_frames`, which finds better tapes than chance does.

mod commands;
mod lies;
mod stage;
mod tape;
mod world;

pub(crate) use stage::Stage;
pub(crate) use tape::Tape;

/// Bytes of an input that are played: many short tapes find more in the same time than one long one.
const LONGEST: usize = 600;

/// Plays a tape to its end; panics if the engine breaks one of its promises.
pub(crate) fn play(tape: &[u8]) {
    let mut tape = Tape::new(tape);
    let mut stage = Stage::new();
    while !tape.is_over() {
        stage.step(&mut tape);
    }
    stage.come_to_rest();
}

/// Plays an input of the fuzz target: whether the device begins with an account (an even first byte), and the tape.
pub(crate) fn play_input(input: &[u8]) {
    let Some((first, tape)) = input.split_first() else { return };
    let tape = &tape[..tape.len().min(LONGEST)];
    if first.is_multiple_of(2) { play(&registered(tape)) } else { play(tape) }
}

/// A tape that begins with an account and its first connection, so that most of it is about something.
pub(crate) fn registered(tape: &[u8]) -> Vec<u8> {
    let mut begun = vec![9, 0];
    // Eight times: hear what an honest server says, up to eight frames at a time.
    begun.extend([0, 7].repeat(8));
    begun.extend_from_slice(tape);
    begun
}
