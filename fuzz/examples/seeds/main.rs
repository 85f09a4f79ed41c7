//! Writes the seeds of the corpora: `cargo run --manifest-path fuzz/Cargo.toml --example seeds`.
//!
//! A seed has a name and means something to its target. What the fuzzer finds is named by its hash, and kept beside.

mod engine;
mod frames;
mod pictures;
mod texts;

use std::path::Path;

type Seeds = Vec<(&'static str, Vec<u8>)>;
type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let all = [
        ("client_frame", frames::client_frames()?),
        ("server_frame", frames::server_frames()?),
        ("device_list", frames::device_lists()),
        ("protocol_parts", frames::parts()?),
        ("page_frame", frames::page_frames()),
        ("mimi_content", engine::contents()?),
        ("linking", engine::linkings()?),
        ("seals", engine::seals()),
        ("sealed", engine::sealed()?),
        ("server_mls", engine::mls()?),
        ("engine_mls", diario_engine::fuzz::mls_seeds()?),
        ("engine_frames", engine::tapes()),
        ("simulation", engine::steered()),
        ("codes", texts::codes()?),
        ("search", texts::searches()),
        ("imports", texts::imports()),
        ("whatsapp", texts::whatsapp()?),
        ("diario_export", texts::exports()),
        ("server_texts", texts::of_the_server()),
        ("push_answer", texts::push_answers()),
        ("local_socket", texts::socket_lines()),
        ("qr_picture", pictures::all()?),
        ("server_address", texts::addresses()),
        ("date", texts::dates()),
    ];
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (target, seeds) in all {
        std::fs::create_dir_all(corpus.join(target))?;
        for (name, bytes) in seeds {
            std::fs::write(corpus.join(target).join(name), bytes)?;
        }
    }
    Ok(())
}
