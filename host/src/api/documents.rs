//! Metadata documents in memory, keyed by what never changes: a table's id with the file of its metadata.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use moka::future::Cache;

use crate::catalog::document::Packed;
use crate::catalog::ids::TabularId;
use crate::catalog::metadata::TableMetadata;
use crate::error::Error;
use crate::store::Store;
use crate::store::rows::{Document, Tabular};

/// A bounded cache of documents; what it holds cannot be stale, because a commit makes a new file.
///
/// The version alone would not do: after a failover that lost commits the same numbers are given again (R9).
pub struct Documents {
    cache: Cache<Key, Arc<Cached>>,
}

type Key = (TabularId, String);

fn key(row: &Tabular) -> Key {
    (row.id, row.metadata_location.clone())
}

/// One document with what has been asked of it so far.
pub struct Cached {
    document: Document,
    plain: OnceLock<Bytes>,
    refs_plain: OnceLock<Bytes>,
    parsed: OnceLock<Arc<TableMetadata>>,
}

/// Which snapshots an answer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snapshots {
    All,
    /// Only those that a branch or a tag points at.
    Refs,
}

impl Documents {
    pub fn new(bytes_max: u64) -> Self {
        let cache = Cache::builder().max_capacity(bytes_max).weigher(|_, cached: &Arc<Cached>| cached.weight()).build();
        Self { cache }
    }

    /// The document of the row's version; `None` where the table has moved on or gone since the row was read.
    ///
    /// However many ask at once, the store is asked once.
    pub async fn get(&self, store: &Store, row: &Tabular) -> Result<Option<Arc<Cached>>, Error> {
        let key = key(row);
        if let Some(cached) = self.cache.get(&key).await {
            metrics::counter!("weir_document_cache_total", "outcome" => "hit").increment(1);
            return Ok(Some(cached));
        }
        metrics::counter!("weir_document_cache_total", "outcome" => "miss").increment(1);
        let read = self.cache.try_get_with(key, async {
            match store.document(row.id, row.version, &row.metadata_location).await {
                Ok(Some(document)) => Ok(Arc::new(Cached::new(document))),
                Ok(None) => Err(None),
                Err(error) => Err(Some(error)),
            }
        });
        match read.await {
            Ok(cached) => Ok(Some(cached)),
            Err(failed) => match failed.as_ref() {
                None => Ok(None),
                Some(error) => Err(Error::unavailable(format!("the document could not be read: {error}; retry"))),
            },
        }
    }

    /// Keeps what a commit has just written, so that the next load and the next commit find it.
    pub async fn put(&self, row: &Tabular, cached: Cached) -> Arc<Cached> {
        let cached = Arc::new(cached);
        self.cache.insert(key(row), Arc::clone(&cached)).await;
        cached
    }
}

impl Cached {
    pub fn new(document: Document) -> Self {
        Self { document, plain: OnceLock::new(), refs_plain: OnceLock::new(), parsed: OnceLock::new() }
    }

    /// A document that was made here from `plain`, so that it need not be unpacked again.
    pub fn made_of(document: Document, plain: Bytes) -> Self {
        Self { plain: OnceLock::from(plain), ..Self::new(document) }
    }

    /// With what the text says, so that it need not be read again.
    pub fn with_parsed(self, parsed: Arc<TableMetadata>) -> Self {
        Self { parsed: OnceLock::from(parsed), ..self }
    }

    /// Bytes of memory, counting the plain text and the parsed form as if they were there already: together they were
    /// measured at three times the text, and some kilobytes for the smallest table.
    fn weight(&self) -> u32 {
        const SMALLEST: u64 = 8 * 1024;
        let all = &self.document.all;
        u32::try_from(SMALLEST + all.deflated.len() as u64 + 3 * all.length).unwrap_or(u32::MAX)
    }

    pub fn packed(&self, snapshots: Snapshots) -> &Packed {
        match (snapshots, &self.document.refs) {
            (Snapshots::Refs, Some(refs)) => refs,
            _ => &self.document.all,
        }
    }

    /// The JSON text.
    pub fn plain(&self, snapshots: Snapshots) -> Result<Bytes, Error> {
        let cell = match (snapshots, &self.document.refs) {
            (Snapshots::Refs, Some(_)) => &self.refs_plain,
            _ => &self.plain,
        };
        if let Some(plain) = cell.get() {
            return Ok(plain.clone());
        }
        let plain = self.packed(snapshots).unpack()?;
        Ok(cell.get_or_init(|| plain).clone())
    }

    /// The metadata as the law reads it.
    pub fn parsed(&self) -> Result<Arc<TableMetadata>, Error> {
        if let Some(parsed) = self.parsed.get() {
            return Ok(Arc::clone(parsed));
        }
        let plain = self.plain(Snapshots::All)?;
        let parsed = TableMetadata::parse(&plain)
            .map_err(|problem| Error::internal(anyhow::anyhow!("a stored document cannot be read: {problem}")))?;
        Ok(Arc::clone(self.parsed.get_or_init(|| Arc::new(parsed))))
    }
}
