//! `diario recovery-key` and `diario recovery-methods`: what the account can be recovered by.

use std::fmt::Write as _;

use diario_engine::CommandError;
use diario_engine::recovery::{MethodKind, RecoveryMethod, WordLanguage};
use diario_protocol::RecoveryId;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::args::{RecoveryKey, RecoveryMethods, Words};
use crate::context::Context;
use crate::error::{CliError, Kind};
use crate::style::{Ink, Style, Table, cut, one_line, rfc3339};

/// How often a wrong word may be put right.
const TRIES: u32 = 3;

#[derive(Serialize)]
struct Made {
    recovery_key: MadeKey,
}

#[derive(Serialize)]
struct MadeKey {
    method: String,
    words: Vec<String>,
}

#[derive(Serialize)]
struct Shown {
    recovery_method: MethodJson,
}

#[derive(Serialize)]
struct MethodJson {
    method: String,
    kind: &'static str,
    label: String,
    made_at: String,
    ready: bool,
}

#[derive(Serialize)]
struct Removed {
    removed: String,
}

/// Makes a key, shows it once, and asks for three of its words.
pub(crate) async fn make(context: &mut Context, args: RecoveryKey) -> Result<(), CliError> {
    if !args.yes && !context.out.face.asks {
        return Err(CliError::usage(
            "three of the words are asked for, to see that they were written down, and there is no terminal to ask on",
        )
        .hint("with --yes nothing is asked: for scripts that keep what is printed"));
    }
    let language = match args.language {
        Words::En => WordLanguage::English,
        Words::It => WordLanguage::Italian,
    };
    context.live().await?;
    let key = context.engine(move |engine, now| engine.make_recovery_key(language, now)).await?;
    if !args.yes {
        let text = sheet(&context.out.style, &key.words);
        context.out.err(text).await?;
    }
    let mut tries = TRIES;
    let method = loop {
        let mut words = Zeroizing::new(Vec::with_capacity(3));
        for number in key.asked {
            let word = if args.yes {
                key.words[usize::from(number) - 1].clone()
            } else {
                let answer = context.out.ask(&format!("Word {number}: ")).await?;
                answer.ok_or_else(|| CliError::failed("nothing was confirmed; no recovery key was made"))?
            };
            words.push(word);
        }
        let confirmed = context.engine(move |engine, now| engine.confirm_recovery_key(&words, now)).await;
        match confirmed {
            Ok(method) => break method,
            Err(e) if args.yes => return Err(e),
            Err(e) => {
                tries -= 1;
                if tries == 0 {
                    return Err(e.hint(
                        "no recovery key was made; the older one, if there is one, is as good as before",
                    ));
                }
                context.out.warn(&e.message).await?;
            }
        }
    };
    // The key goes to the server from here on, and retires the older one, whatever becomes of this command:
    // the words must be out before anything is waited for.
    let words = if args.yes { key.words.clone() } else { Vec::new() };
    let made = Made { recovery_key: MadeKey { method: method.to_string(), words } };
    context.out.show(&made, |style| if args.yes { sheet(style, &key.words) } else { String::new() }).await?;
    ready(context, method).await?;
    if context.out.face.json {
        return Ok(());
    }
    let text = "With this recovery key you get your account back when every device is lost.\n";
    context.out.out(text.to_owned()).await
}

/// Waits until the server has it: before that the words are worth nothing.
async fn ready(context: &mut Context, method: RecoveryId) -> Result<(), CliError> {
    let ready = context
        .until(move |engine, _| {
            let methods = engine.recovery_methods()?;
            Ok(methods.iter().any(|m| m.id == method && m.ready).then_some(()))
        })
        .await;
    let why = match ready {
        // Older keys go once the new one is there.
        Ok(Some(())) => return context.settled().await.map(drop),
        Ok(None) => context.offline("it does not have the recovery key yet").await,
        Err(e) => e,
    };
    Err(why.hint(
        "the key is made, and its words count as soon as the server has it: `diario sync` brings it to the server, \
         `diario recovery-methods` shows whether it is there",
    ))
}

fn sheet(style: &Style, words: &[String]) -> String {
    let mut text = String::from("\nWrite these words down, in this order. They are shown this once.\n\n");
    let rows = words.len().div_ceil(4);
    for row in 0..rows {
        for column in 0..4 {
            let Some(word) = words.get(column * rows + row) else { continue };
            let number = column * rows + row + 1;
            let padding = " ".repeat(12_usize.saturating_sub(word.len()));
            let _ = write!(
                text,
                "  {} {}{padding}",
                style.paint(Ink::Dim, &format!("{number:>2}")),
                style.paint(Ink::Bold, word)
            );
        }
        text.push('\n');
    }
    text.push_str(
        "\nWhoever has them has your account: keep them on paper, where you keep what is dear to you.\n\n",
    );
    text
}

/// Lists the methods, or removes one.
pub(crate) async fn methods(context: &mut Context, args: RecoveryMethods) -> Result<(), CliError> {
    let methods = context
        .engine(|engine, _| {
            if engine.whoami().is_none() {
                return Err(CliError::from(CommandError::NoAccount));
            }
            Ok(engine.recovery_methods()?)
        })
        .await?;
    if let Some(wanted) = args.remove {
        return remove(context, &methods, &wanted).await;
    }
    if context.out.face.json {
        for method in &methods {
            context.out.show(&Shown { recovery_method: json(method) }, |_| String::new()).await?;
        }
        return Ok(());
    }
    let text = if methods.is_empty() {
        "There is no way to recover this account yet: `diario recovery-key` makes one.\n".to_owned()
    } else {
        table(&methods, &context.out.style)
    };
    context.out.out(text).await
}

fn kind(method: &RecoveryMethod) -> &'static str {
    match method.kind {
        MethodKind::Words => "words",
        MethodKind::Passkey => "passkey",
    }
}

fn json(method: &RecoveryMethod) -> MethodJson {
    MethodJson {
        method: method.id.to_string(),
        kind: kind(method),
        label: method.label.clone(),
        made_at: rfc3339(method.made_at),
        ready: method.ready,
    }
}

fn table(methods: &[RecoveryMethod], style: &Style) -> String {
    let mut table = Table::default();
    let head = ["ID", "KIND", "NAME", "MADE", ""];
    table.row(head.iter().map(|title| (Ink::Dim, (*title).to_owned())).collect());
    for method in methods {
        table.row(vec![
            (Ink::Dim, method.id.to_string()[..8].to_owned()),
            (Ink::Bold, kind(method).to_owned()),
            (Ink::Plain, cut(&one_line(&method.label), 32).into_owned()),
            (Ink::Plain, style.day(method.made_at)),
            (Ink::Warn, if method.ready { "" } else { "not on the server yet" }.to_owned()),
        ]);
    }
    table.print(style)
}

async fn remove(context: &mut Context, methods: &[RecoveryMethod], wanted: &str) -> Result<(), CliError> {
    let wanted = wanted.to_ascii_lowercase();
    let found: Vec<_> =
        methods.iter().filter(|m| !wanted.is_empty() && m.id.to_string().starts_with(&wanted)).collect();
    let id = match found.as_slice() {
        [one] => one.id,
        [] => return Err(CommandError::NoRecoveryMethod(wanted).into()),
        _ => {
            return Err(CliError::failed(format!("{wanted:?} may mean several methods"))
                .hint("use more of the id; `diario --json recovery-methods` shows all of it"));
        }
    };
    context.live().await?;
    context.engine(move |engine, now| engine.remove_recovery_method(id, now)).await?;
    if !context.settled().await? {
        return Err(CliError::new(Kind::Offline, "the server has it still")
            .hint("`diario sync` takes it away at the next connection"));
    }
    let removed = Removed { removed: id.to_string() };
    context.out.show(&removed, |_| "Your account cannot be recovered by it any more.\n".to_owned()).await
}
