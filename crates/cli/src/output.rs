//! Where a command's words go: this process's terminal, or that of another one.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::args::Args;
use crate::error::{CliError, Kind};
use crate::forward::Frame;
use crate::patience::told;
use crate::style::{Ink, Style, is_harmful, one_line};

/// What a command may know of the terminal it was typed in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Face {
    pub(crate) json: bool,
    #[serde(deserialize_with = "told")]
    pub(crate) timeout: Duration,
    /// Whether somebody can be asked.
    pub(crate) asks: bool,
    /// Whether standard output is a terminal.
    pub(crate) terminal: bool,
    /// Whether standard error is one.
    pub(crate) progress: bool,
    color: bool,
    /// Whether standard error may be coloured.
    color_errors: bool,
    width: Option<usize>,
    zone: Option<String>,
}

impl Face {
    /// The terminal of this process.
    pub(crate) fn of_process(args: &Args) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        let errors = std::io::stderr().is_terminal();
        let size = console::Term::stdout().size_checked();
        Self {
            json: args.json,
            timeout: args.timeout,
            asks: std::io::stdin().is_terminal() && errors,
            terminal,
            progress: errors && !dumb,
            color: terminal && !no_color && !dumb,
            color_errors: errors && !no_color && !dumb,
            width: size.filter(|_| terminal).map(|(_, columns)| usize::from(columns)),
            zone: TimeZone::system().iana_name().map(str::to_owned),
        }
    }

    pub(crate) fn style(&self) -> Style {
        let zone = self.zone.as_deref().and_then(|name| TimeZone::get(name).ok());
        Style { color: self.color, width: self.width, zone: zone.unwrap_or_else(TimeZone::system) }
    }

    /// The style of standard error.
    fn error_style(&self) -> Style {
        Style { color: self.color_errors, ..self.style() }
    }
}

/// A command's output.
pub(crate) struct Output {
    pub(crate) face: Face,
    pub(crate) style: Style,
    sink: Sink,
}

enum Sink {
    /// Standard output and error.
    Process(Bar),
    /// The process that forwarded the command; what it answers comes back.
    Remote { frames: mpsc::Sender<Frame>, answers: mpsc::Receiver<Option<String>> },
}

impl Output {
    /// To this process's standard output and error.
    pub(crate) fn of_process(face: Face) -> Self {
        let style = face.style();
        Self { face, style, sink: Sink::Process(Bar::default()) }
    }

    /// To another process.
    pub(crate) fn remote(
        face: Face,
        frames: mpsc::Sender<Frame>,
        answers: mpsc::Receiver<Option<String>>,
    ) -> Self {
        let style = face.style();
        Self { face, style, sink: Sink::Remote { frames, answers } }
    }

    /// Prints an object as JSON, or what `human` makes of it (with line ends).
    pub(crate) async fn show<T: Serialize>(
        &mut self,
        object: &T,
        human: impl FnOnce(&Style) -> String,
    ) -> Result<(), CliError> {
        let text = if self.face.json { json_line(object)? } else { human(&self.style) };
        self.out(text).await
    }

    /// Text to standard output, as it is.
    pub(crate) async fn out(&mut self, text: String) -> Result<(), CliError> {
        if text.is_empty() {
            return Ok(());
        }
        match &mut self.sink {
            Sink::Process(bar) => bar.beside(|| {
                let mut stdout = std::io::stdout().lock();
                stdout.write_all(text.as_bytes())?;
                Ok(stdout.flush()?)
            }),
            Sink::Remote { frames, .. } => remote(frames, Frame::Out(text)).await,
        }
    }

    /// Text to standard error, as it is.
    pub(crate) async fn err(&mut self, text: String) -> Result<(), CliError> {
        match &mut self.sink {
            Sink::Process(bar) => bar.beside(|| {
                // Where that cannot be written there is no place left to tell it.
                let _ = std::io::stderr().lock().write_all(text.as_bytes());
                Ok(())
            }),
            Sink::Remote { frames, .. } => remote(frames, Frame::Err(text)).await,
        }
    }

    /// Something to know beside the result, to standard error.
    pub(crate) async fn warn(&mut self, text: &str) -> Result<(), CliError> {
        let line = format!("{} {}\n", self.face.error_style().paint(Ink::Warn, "note:"), one_line(text));
        self.err(line).await
    }

    /// An error with its hints, to standard error.
    pub(crate) async fn error(&mut self, e: &CliError) -> Result<(), CliError> {
        if matches!(e.kind, Kind::OutputClosed | Kind::Again) {
            return Ok(());
        }
        let style = self.face.error_style();
        let mut text = format!("{} {}\n", style.paint(Ink::Error, "error:"), one_line(&e.message));
        for hint in &e.hints {
            let _ = writeln!(text, "{} {}", style.paint(Ink::Bold, "hint:"), one_line(hint));
        }
        self.done().await?;
        self.err(text).await
    }

    /// How far something has come; shown where standard error is a terminal. A total of 0 is not known.
    pub(crate) async fn progress(&mut self, what: &str, done: u64, total: u64) -> Result<(), CliError> {
        if !self.face.progress {
            return Ok(());
        }
        match &mut self.sink {
            Sink::Process(bar) => bar.move_to(what, done, total),
            Sink::Remote { frames, .. } => {
                return remote(frames, Frame::Progress { what: what.to_owned(), done, total }).await;
            }
        }
        Ok(())
    }

    /// Takes the progress away.
    pub(crate) async fn done(&mut self) -> Result<(), CliError> {
        match &mut self.sink {
            Sink::Process(bar) => bar.clear(),
            Sink::Remote { frames, .. } if self.face.progress => return remote(frames, Frame::Done).await,
            Sink::Remote { .. } => {}
        }
        Ok(())
    }

    /// Asks, and gives a line, or `None` if there is nobody to answer.
    pub(crate) async fn ask(&mut self, question: &str) -> Result<Option<String>, CliError> {
        if !self.face.asks {
            return Ok(None);
        }
        match &mut self.sink {
            Sink::Process(_) => {
                let (answer, answered) = oneshot::channel();
                self.err(question.to_owned()).await?;
                // A thread of its own: it cannot be interrupted, and must not hold up the end of the process.
                std::thread::spawn(move || {
                    let mut line = String::new();
                    let read = std::io::stdin().read_line(&mut line).is_ok_and(|n| n > 0);
                    let _ = answer.send(read.then(|| line.trim().to_owned()));
                });
                Ok(answered.await.unwrap_or(None))
            }
            Sink::Remote { frames, answers } => {
                remote(frames, Frame::Ask(question.to_owned())).await?;
                Ok(answers.recv().await.flatten())
            }
        }
    }
}

async fn remote(frames: &mpsc::Sender<Frame>, frame: Frame) -> Result<(), CliError> {
    frames.send(frame).await.map_err(|_| CliError::new(Kind::OutputClosed, ""))
}

/// An object as one line of JSON, with every character escaped that a terminal would obey.
fn json_line<T: Serialize>(object: &T) -> Result<String, CliError> {
    let text =
        serde_json::to_string(object).map_err(|e| CliError::failed(format!("cannot write JSON: {e}")))?;
    let mut line = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        // Such characters are only within strings, where they may be written so.
        if is_harmful(c) {
            let _ = write!(line, "\\u{:04x}", u32::from(c));
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    Ok(line)
}

/// A progress bar, while there is something to show.
#[derive(Default)]
struct Bar(Option<(String, ProgressBar)>);

impl Bar {
    fn move_to(&mut self, what: &str, done: u64, total: u64) {
        if self.0.as_ref().is_none_or(|(shown, _)| shown != what) {
            self.clear();
            let shape = if total == 0 { "{spinner} {msg} {pos}" } else { "{msg} {bar:32} {pos}/{len} {eta}" };
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template(shape) {
                bar.set_style(style.progress_chars("━╸ "));
            }
            bar.set_message(what.to_owned());
            self.0 = Some((what.to_owned(), bar));
        }
        if let Some((_, bar)) = &self.0 {
            bar.set_length(total);
            bar.set_position(done);
        }
    }

    fn beside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some((_, bar)) => bar.suspend(write),
            None => write(),
        }
    }

    fn clear(&mut self) {
        if let Some((_, bar)) = self.0.take() {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_json_and_harmless() {
        let line = json_line(&"a\u{1b}\u{9b}\u{202e}\u{7f}é").unwrap();
        assert_eq!(line, "\"a\\u001b\\u009b\\u202e\\u007fé\"\n");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), "a\u{1b}\u{9b}\u{202e}\u{7f}é");
    }
}
