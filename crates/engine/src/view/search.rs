//! Messages by their words.

use std::collections::HashMap;

use diario_protocol::{ConversationId, Seq, Timestamp};
use rusqlite::params;

use super::history::{COLUMNS, Names, RawMessage};
use super::list::Markers;
use super::{MessageView, Result};
use crate::engine::Engine;
use crate::search::Terms;
use crate::store::{from_sql, people, search, to_sql};

/// What is looked for, and where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchQuery {
    /// Words, each of which may go on, and phrases in quotes; case and accents make no difference. All must be there.
    pub words: String,
    /// Only in this conversation.
    pub conversation: Option<ConversationId>,
    /// Only what somebody of this name said, here or in an imported chat.
    pub from: Option<String>,
    /// Only from this time on.
    pub since: Option<Timestamp>,
    /// Only before this time.
    pub until: Option<Timestamp>,
    /// Only what comes after the page that gave this.
    pub after: Option<SearchPlace>,
    /// The most messages of one page.
    pub limit: u32,
}

/// Where a page of hits ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchPlace(pub u64);

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchHit {
    /// The message.
    pub message: MessageView,
    /// Where the words are in its text: from and to, in bytes, in order.
    pub places: Vec<(usize, usize)>,
}

/// Messages that were found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchPage {
    /// The messages, newest first.
    pub hits: Vec<SearchHit>,
    /// If there are more: where to go on.
    pub more: Option<SearchPlace>,
    /// What could not be searched.
    pub unsearched: Unsearched,
}

/// What could not be searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unsearched {
    /// Conversations of which a part is not here.
    pub conversations: u64,
    /// If there are any: from this time on everything is here.
    pub complete_since: Option<Timestamp>,
    /// Messages that are here and not findable yet.
    pub unindexed: u64,
}

impl Engine {
    /// Looks for messages. What was refused, erased or cannot be read yet is never found.
    pub fn search(&mut self, query: &SearchQuery, now: Timestamp) -> Result<SearchPage> {
        let unindexed = self.index_more(now)?;
        let mut page = SearchPage { unsearched: self.unsearched(query)?, ..SearchPage::default() };
        page.unsearched.unindexed = unindexed;
        let terms = Terms::parse(&query.words);
        let Some(expression) = self.expression(query, &terms)? else { return Ok(page) };
        let limit = query.limit.max(1) as usize;
        // What did not fit into its second has a later key, never an earlier one: the time itself decides at the end.
        let first = query.since.map_or(0, search::first_key);
        let before = query.after.map_or(i64::MAX, |place| to_sql(place.0));
        let since = query.since.map_or(0, |at| to_sql(at.0));
        let until = query.until.map_or(i64::MAX, |at| to_sql(at.0));
        let last = query.until.map(|at| search::last_key(self.db(), at)).transpose()?.unwrap_or(i64::MAX);
        let mut statement = self.db().prepare_cached(&format!(
            "SELECT {COLUMNS}, r.key, m.conversation
             FROM search f CROSS JOIN search_row r ON r.key = f.rowid CROSS JOIN message m ON m.row = r.message
             WHERE f.search MATCH ?1 AND f.rowid >= ?2 AND f.rowid < ?3 AND m.sent_at >= ?4 AND m.sent_at < ?5
             ORDER BY f.rowid DESC LIMIT ?6"
        ))?;
        let most = i64::from(query.limit.max(1)) + 1;
        let rows = statement
            .query_map(params![expression, first, before.min(last), since, until, most], |row| {
                let conversation = ConversationId::new(row.get(10)?);
                Ok((RawMessage::read(row)?, row.get::<_, i64>(9)?, conversation))
            })?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        if rows.len() > limit {
            page.more = rows.get(limit - 1).map(|(_, key, _)| SearchPlace(from_sql(*key)));
        }
        let mut markers: HashMap<ConversationId, Markers> = HashMap::new();
        let mut names = Names::default();
        for (raw, _, id) in rows.into_iter().take(limit) {
            let markers = match markers.get(&id) {
                Some(markers) => *markers,
                None => *markers.entry(id).or_insert(self.markers(id)?),
            };
            let places = terms.places(&raw.text);
            let message = self.message_view(id, raw, &markers, &mut names)?;
            page.hits.push(SearchHit { message, places });
        }
        Ok(page)
    }

    /// What FTS5 is asked; `None` if nothing can be found.
    fn expression(&self, query: &SearchQuery, terms: &Terms) -> Result<Option<String>> {
        if terms.is_empty() {
            return Ok(None);
        }
        let mut all = Vec::new();
        if let Some(id) = query.conversation {
            let Some(tag) = search::tag(self.db(), id.as_bytes())? else { return Ok(None) };
            all.push(format!("\"{tag}\""));
        }
        if let Some(name) = &query.from {
            let name = name.trim().trim_start_matches('@').to_lowercase();
            let mut tags: Vec<String> = search::tag(self.db(), name.as_bytes())?.into_iter().collect();
            for account in people::accounts_called(self.db(), &name)? {
                tags.extend(search::tag(self.db(), account.as_bytes())?);
            }
            if tags.is_empty() {
                return Ok(None);
            }
            let tags: Vec<_> = tags.into_iter().map(|tag| format!("\"{tag}\"")).collect();
            all.push(format!("({})", tags.join(" OR ")));
        }
        all.push(terms.expression());
        Ok(Some(all.join(" AND ")))
    }

    /// Parts of a conversation's log that are not here, both ends included, oldest first.
    pub(crate) fn missing_in(&self, id: ConversationId) -> Result<Vec<(Seq, Seq)>> {
        let mut statement = self.db().prepare_cached(
            "SELECT first, last FROM hole WHERE conversation = ?1
             UNION SELECT first, last FROM gap WHERE conversation = ?1 ORDER BY first",
        )?;
        let rows = statement
            .query_map([id.as_bytes()], |row| Ok((Seq(from_sql(row.get(0)?)), Seq(from_sql(row.get(1)?)))))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Of the conversations that are searched, those that are not whole here.
    fn unsearched(&self, query: &SearchQuery) -> Result<Unsearched> {
        // Right above what is missing everything is here again; where nothing is above it, it ends about then.
        let mut statement = self.db().prepare_cached(
            "SELECT count(DISTINCT p.conversation), max(coalesce((SELECT m.sent_at FROM message m
                WHERE m.conversation = p.conversation AND m.seq > p.last AND m.sent_at > 0 ORDER BY m.seq LIMIT 1), p.at))
             FROM (SELECT conversation, last, at FROM hole UNION ALL SELECT conversation, last, NULL FROM gap) p
             WHERE ?1 IS NULL OR p.conversation = ?1",
        )?;
        let only = query.conversation.map(|id| *id.as_bytes());
        Ok(statement.query_row([only], |row| {
            let complete_since = row.get::<_, Option<i64>>(1)?.map(|at| Timestamp(from_sql(at)));
            Ok(Unsearched { conversations: from_sql(row.get(0)?), complete_since, unindexed: 0 })
        })?)
    }
}

#[cfg(test)]
mod tests;
