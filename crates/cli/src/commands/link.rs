//! `diario link`: this device becomes one of an account, by a code that another device approves.

use std::time::Duration;

use diario_client::websocket_url;
use diario_engine::{Event, LinkingStep};
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use serde::Serialize;
use tokio::time::Instant;

use crate::args::{Link, NewDevice};
use crate::context::{Context, Wake};
use crate::error::{CliError, Kind};
use crate::home::machine_name;
use crate::style::{Ink, Style, one_line};

#[derive(Serialize)]
struct Code<'a> {
    code: &'a str,
    kind: &'static str,
}

#[derive(Serialize)]
struct Linked {
    linked: LinkedDevice,
}

#[derive(Serialize)]
struct LinkedDevice {
    username: String,
    device: String,
}

/// A code is good for so long at most; the server may say otherwise earlier.
const CODE_LIVES: Duration = Duration::from_mins(10);

pub(crate) async fn run(context: &mut Context, args: Link) -> Result<(), CliError> {
    let Link { new: NewDevice { server, device_name }, code } = args;
    websocket_url(&server)?;
    let name = device_name.unwrap_or_else(machine_name);
    context.engine(move |engine, now| engine.link(&server, &name, !code, now)).await?;
    let username = wait_for_approval(context).await?;
    let device = context.engine(|engine, _| Ok::<_, CliError>(engine.whoami())).await?;
    let (_, _, device) = device.ok_or_else(CliError::stopped)?;
    let linked = Linked { linked: LinkedDevice { username, device: device.to_string() } };
    context
        .out
        .show(&linked, |_| format!("This is a device of {} now.\n", one_line(&linked.linked.username)))
        .await?;
    fetch(context).await
}

/// Shows codes until one is approved; gives the account's name.
async fn wait_for_approval(context: &mut Context) -> Result<String, CliError> {
    let mut deadline = context.deadline();
    let mut shown = false;
    loop {
        match context.next(Some(deadline)).await? {
            Wake::Event(Event::Linking(LinkingStep::Code { code, qr })) => {
                let kind = if qr { "qr" } else { "pairing" };
                if shown {
                    context.out.warn("the connection was made anew, and with it the code").await?;
                }
                context.out.show(&Code { code: &code, kind }, |style| picture(style, &code, qr)).await?;
                (shown, deadline) = (true, Instant::now() + CODE_LIVES);
            }
            Wake::Event(Event::Linking(LinkingStep::Done { username })) => return Ok(username.to_string()),
            Wake::Event(Event::Linking(LinkingStep::Failed(why))) => {
                return Err(CliError::new(Kind::Refused, format!("the linking failed: {why}"))
                    .hint("run the command again for another code"));
            }
            Wake::Late if shown => {
                return Err(CliError::new(Kind::Offline, "nobody approved the code in time")
                    .hint("run the command again for another code"));
            }
            Wake::Late => return Err(context.offline("there is no code to show").await),
            _ => {}
        }
    }
}

fn picture(style: &Style, code: &str, qr: bool) -> String {
    let typed = style.paint(Ink::Bold, &one_line(code));
    let wait = style.paint(Ink::Dim, "Waiting until it is approved; it is good for some minutes.");
    if !qr {
        return format!("\n    {typed}\n\nType it on a device of yours: diario approve CODE\n{wait}\n");
    }
    let drawn = drawing(style, code);
    format!(
        "\n{drawn}\n\nScan it on a device of yours, or type there: diario approve CODE\n{typed}\n{wait}\n"
    )
}

/// The QR code in half blocks, dark on light whatever the terminal's colours are.
pub(super) fn drawing(style: &Style, code: &str) -> String {
    // Low correction: a screen has no scratches, and a smaller picture fits more terminals.
    let Ok(code) = QrCode::with_error_correction_level(code, EcLevel::L) else { return String::new() };
    let mut picture = code.render::<Dense1x2>();
    if style.color {
        let lines = picture.build();
        let painted = lines.lines().map(|line| format!("\x1b[38;5;16;48;5;231m{line}\x1b[0m"));
        return painted.collect::<Vec<_>>().join("\n");
    }
    // Without colours: what is printed is light, as on most terminals.
    picture.dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build()
}

/// The history, so that it is there when the command ends.
pub(super) async fn fetch(context: &mut Context) -> Result<(), CliError> {
    let mut deadline = context.deadline();
    let mut messages = 0;
    while !*context.rest.borrow() {
        match context.next(Some(deadline)).await? {
            Wake::Event(Event::Message { .. }) => {
                messages += 1;
                deadline = context.deadline();
                context.out.progress("fetching messages", messages, 0).await?;
            }
            // What is filled in the background is told by its place only.
            Wake::Event(Event::History { .. }) => {
                deadline = context.deadline();
                super::fetch::show_progress(context).await?;
            }
            Wake::Event(Event::Sent { .. }) | Wake::Lagged => deadline = context.deadline(),
            Wake::Late => {
                context.out.done().await?;
                return context.out.warn("not all of the history is here yet; `diario sync` goes on").await;
            }
            _ => {}
        }
    }
    context.out.done().await
}
