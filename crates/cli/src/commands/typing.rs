//! `diario typing`: shows the others that the user types, for a few seconds.

use serde::Serialize;

use crate::args::Typing;
use crate::context::Context;
use crate::error::CliError;
use crate::resolve::{self, Begin};

#[derive(Serialize)]
struct Typed {
    typing: String,
}

pub(crate) async fn run(context: &mut Context, args: Typing) -> Result<(), CliError> {
    let id = resolve::conversation(context, &args.conversation, Begin::No).await?;
    context.live().await?;
    context.engine(move |engine, now| engine.typing(id, now)).await?;
    context.out.show(&Typed { typing: id.to_string() }, |_| String::new()).await
}
