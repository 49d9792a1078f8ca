//! What a search finds: what the caller may not see is left out before it is cut to a number.

use uuid::Uuid;

/// How many are found at the most, as in Lakekeeper.
const FOUND_MAX: usize = 10;
/// Rows read first; then more each time, because few of many may be seen.
const READ_FIRST: u32 = 20;
const READ_MAX: u32 = 10_000;

/// A search in the making: asks for rows until enough of them can be seen or there are no more.
pub struct Hits<T> {
    rows: Vec<T>,
    /// Name and id of the last row that was read.
    after: Option<(String, Uuid)>,
    /// How many rows the next read is to give; `None` after the last one.
    wanted: Option<u32>,
}

impl<T> Hits<T> {
    pub fn none_yet() -> Self {
        Self { rows: Vec::new(), after: None, wanted: Some(READ_FIRST) }
    }

    /// How many rows to read next; `None` when it is over.
    pub fn wanted(&self) -> Option<u32> {
        self.wanted.filter(|_| self.rows.len() < FOUND_MAX)
    }

    /// The name and the id to read behind.
    pub fn after(&self) -> Option<(&str, Uuid)> {
        self.after.as_ref().map(|(name, id)| (name.as_str(), *id))
    }

    /// Takes the rows that were read, in order, with whether the caller may see them; `key` gives the name and the id of one.
    pub fn take(&mut self, limit: u32, rows: Vec<T>, seen: Vec<bool>, key: impl Fn(&T) -> (String, Uuid)) {
        let is_last = rows.len() < limit as usize;
        self.wanted = (!is_last).then_some(limit.saturating_mul(4).min(READ_MAX));
        self.after = rows.last().map(key);
        let missing = FOUND_MAX.saturating_sub(self.rows.len());
        self.rows.extend(rows.into_iter().zip(seen).filter(|(_, seen)| *seen).map(|(row, _)| row).take(missing));
    }

    pub fn rows(self) -> Vec<T> {
        self.rows
    }
}
