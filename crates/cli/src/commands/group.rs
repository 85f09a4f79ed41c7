//! `diario group`: makes groups and changes who is in them.

use diario_engine::{EngineError, GroupChange};
use diario_protocol::{AccountId, ConversationId};
use serde::Serialize;

use crate::args::Group;
use crate::context::Context;
use crate::error::CliError;
use crate::resolve;
use crate::style::{Ink, Table, one_line};
use crate::view::{Listed, title_of};

#[derive(Serialize)]
struct Created {
    group: Whole,
}

#[derive(Serialize)]
struct Whole {
    conversation: String,
    title: String,
    members: Vec<String>,
}

#[derive(Serialize)]
struct Changed {
    conversation: String,
    title: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    added: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    removed: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    left: bool,
}

#[derive(Serialize)]
struct Member {
    account: String,
    username: String,
    me: bool,
}

pub(crate) async fn run(context: &mut Context, change: Group) -> Result<(), CliError> {
    match change {
        Group::Create { name, members } => create(context, name, &members).await,
        Group::Members { group } => members(context, &group).await,
        Group::Add { group, members } => {
            let id = resolve::group(context, &group).await?;
            let accounts = resolve::accounts(context, &members).await?;
            let added = names_of(context, id, accounts.clone(), &members).await?;
            let done = Changed { added, ..unchanged(context, id).await? };
            change_group(context, id, GroupChange::Add(accounts), &done).await
        }
        Group::Remove { group, members } => {
            let id = resolve::group(context, &group).await?;
            let accounts = resolve::accounts(context, &members).await?;
            let removed = names_of(context, id, accounts.clone(), &members).await?;
            let done = Changed { removed, ..unchanged(context, id).await? };
            change_group(context, id, GroupChange::Remove(accounts), &done).await
        }
        Group::Leave { group } => {
            let id = resolve::group(context, &group).await?;
            let done = Changed { left: true, ..unchanged(context, id).await? };
            change_group(context, id, GroupChange::Leave, &done).await
        }
    }
}

async fn create(context: &mut Context, name: String, members: &[String]) -> Result<(), CliError> {
    if name.trim().is_empty() {
        return Err(CliError::usage("a group has a title"));
    }
    let accounts = resolve::accounts(context, members).await?;
    let id = context.engine(move |engine, now| engine.create_conversation(&name, &accounts, now)).await?;
    finish(context, id).await?;
    let whole = context
        .engine(move |engine, _| {
            let view = Listed::one(engine, id)?;
            let (title, members) = view.map(|c| (c.title, c.members)).unwrap_or_default();
            Ok::<_, EngineError>(Whole { conversation: id.to_string(), title, members })
        })
        .await?;
    let created = Created { group: whole };
    context
        .out
        .show(&created, |_| {
            let Whole { conversation, title, members } = &created.group;
            format!("Made {} ({}): {}.\n", one_line(title), &conversation[..8], members.join(", "))
        })
        .await
}

async fn unchanged(context: &Context, id: ConversationId) -> Result<Changed, CliError> {
    let title = context.engine(move |engine, _| title_of(engine, id)).await?;
    Ok(Changed { conversation: id.to_string(), title, added: vec![], removed: vec![], left: false })
}

/// The names as the server has them, in the order in which they were given.
async fn names_of(
    context: &Context,
    id: ConversationId,
    accounts: Vec<AccountId>,
    given: &[String],
) -> Result<Vec<String>, CliError> {
    let known = context.engine(move |engine, _| engine.members(id)).await?;
    let name = |(account, given): (&AccountId, &String)| {
        let known = known.iter().find(|m| m.account == *account).map(|m| m.username.clone());
        known.unwrap_or_else(|| given.trim_start_matches('@').to_ascii_lowercase())
    };
    Ok(accounts.iter().zip(given).map(name).collect())
}

async fn change_group(
    context: &mut Context,
    id: ConversationId,
    change: GroupChange,
    done: &Changed,
) -> Result<(), CliError> {
    context.engine(move |engine, now| engine.change_group(id, &change, now)).await?;
    finish(context, id).await?;
    context
        .out
        .show(done, |_| {
            let title = one_line(&done.title);
            match (done.added.as_slice(), done.removed.as_slice()) {
                ([], []) => format!("You left {title}.\n"),
                (added, []) => format!("{} in {title} now.\n", is_are(added)),
                (_, removed) => format!("{} no longer in {title}.\n", is_are(removed)),
            }
        })
        .await
}

fn is_are(names: &[String]) -> String {
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}

/// Waits until the server has taken the change.
async fn finish(context: &mut Context, id: ConversationId) -> Result<(), CliError> {
    context.concern = Some((id, None));
    let done = context.until(move |engine, _| Ok((!engine.has_outgoing(id)?).then_some(()))).await?;
    match done {
        Some(()) => Ok(()),
        None => Err(context
            .offline("the change waits in the outbox and goes out at the next connection")
            .await
            .hint("`diario sync` sends it as soon as the server answers")),
    }
}

async fn members(context: &mut Context, group: &str) -> Result<(), CliError> {
    let id = resolve::group(context, group).await?;
    let members = context.engine(move |engine, _| engine.members(id)).await?;
    if context.out.face.json {
        for m in members {
            let member = Member { account: m.account.to_string(), username: m.username, me: m.me };
            context.out.show(&member, |_| String::new()).await?;
        }
        return Ok(());
    }
    let mut table = Table::default();
    for m in members {
        let me = if m.me { "you" } else { "" };
        table.row(vec![
            (Ink::Dim, m.account.to_string()[..8].to_owned()),
            (Ink::Bold, one_line(&m.username).into_owned()),
            (Ink::Mine, me.to_owned()),
        ]);
    }
    let text = table.print(&context.out.style);
    context.out.out(text).await
}
