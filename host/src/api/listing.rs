//! Pages of a listing: what the caller may not see is left out before a page is cut, so no page tells of it.

use serde::Deserialize;

use super::extract::flag;
use crate::app::App;
use crate::catalog::page::{self, Start};
use crate::error::Error;

/// The paging parameters of the spec, as text, because a query cannot be flattened with numbers in it.
#[derive(Debug, Default, Deserialize)]
pub struct PageQuery {
    #[serde(rename = "pageToken")]
    token: Option<String>,
    #[serde(rename = "pageSize")]
    size: Option<String>,
    /// Whether the ids come along by which the management API knows what is listed; Lakekeeper's parameter.
    #[serde(rename = "returnUuids", default, deserialize_with = "flag")]
    pub return_uuids: bool,
}

impl PageQuery {
    /// The same from a body.
    pub fn new(token: Option<String>, size: Option<i64>) -> Self {
        Self { token, size: size.map(|size| size.to_string()), return_uuids: false }
    }
}

/// A listing in the making: asks for rows until the page is full or there are no more.
pub struct Listing<'a, T> {
    app: &'a App,
    /// What is listed for whom; tokens are bound to it.
    of: page::Listing<'a>,
    /// `None` asks for everything in one answer.
    size: Option<usize>,
    after: Option<String>,
    items: Vec<T>,
    /// How many rows the latest read was to give.
    asked: u32,
    last_shown: Option<String>,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    Reading,
    /// The page is full and there may be more behind it.
    Full,
    Exhausted,
}

/// Rows read at a time where a client wants everything.
const CHUNK: u32 = 10_000;

impl<'a, T> Listing<'a, T> {
    /// No `pageToken` at all means everything; an empty one the first page.
    pub fn start(app: &'a App, query: &PageQuery, of: page::Listing<'a>) -> Result<Self, Error> {
        let asked = page::page_size(query.size.as_deref(), app.config.catalog.page_size_max)?;
        let start = app.page_key.start(&of, query.token.as_deref())?;
        let size = match (&start, asked) {
            (Start::Everything, asked) => asked,
            (_, asked) => Some(asked.unwrap_or(app.config.catalog.page_size_default)),
        };
        let after = match start {
            Start::After(last) => Some(last),
            Start::Everything | Start::First => None,
        };
        let size = size.map(|size| size as usize);
        Ok(Self { app, of, size, after, items: Vec::new(), asked: 0, last_shown: None, state: State::Reading })
    }

    /// How many rows to read next; `None` when the page is done.
    pub fn wanted(&mut self) -> Option<u32> {
        if self.state != State::Reading {
            return None;
        }
        let limit = self.size.map_or(CHUNK, |size| {
            // One more than fits tells whether there is another page.
            let missing = u32::try_from(size - self.items.len() + 1).unwrap_or(CHUNK);
            // Where few of many rows can be seen, a small page must not take thousands of reads.
            missing.max(self.asked.saturating_mul(2)).min(CHUNK.max(missing))
        });
        self.asked = limit;
        Some(limit)
    }

    /// The name to read behind.
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Takes the rows that were read, in order: name, row, and whether the caller may see it.
    pub fn take<R>(&mut self, limit: u32, rows: Vec<(String, R, bool)>, show: impl Fn(R) -> T) {
        let exhausted = rows.len() < limit as usize;
        for (name, row, seen) in rows {
            if seen && self.size == Some(self.items.len()) {
                self.state = State::Full;
                return;
            }
            self.after = Some(name.clone());
            if seen {
                self.items.push(show(row));
                self.last_shown = Some(name);
            }
        }
        if exhausted {
            self.state = State::Exhausted;
        }
    }

    /// The items and the token of the next page, `None` on the last one.
    pub fn finish(self) -> (Vec<T>, Option<String>) {
        let more = self.state == State::Full;
        let token = self.last_shown.filter(|_| more).map(|last| self.app.page_key.token(&self.of, &last));
        (self.items, token)
    }
}
