//! Walks a listing of tables, however many pages the server makes of it.

use std::io;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::target::{Target, encode};
use crate::wire::{Connection, Head, Request};

/// Where in a page its token is looked for: beside the identifiers, which would take longer to search than to send.
const EDGE_BYTES: usize = 8 * 1024;

/// All pages of one listing.
#[derive(Clone, Debug)]
pub struct Listing {
    target: Target,
    path: String,
    page_size: Option<usize>,
    first: Request,
}

impl Listing {
    /// Without a page size the server is asked for everything in one answer.
    pub fn new(target: &Target, path: &str, page_size: Option<usize>) -> Self {
        let query = page_size.map_or_else(String::new, |size| format!("?pageToken=&pageSize={size}"));
        let first = target.get(&format!("{path}{query}"));
        Self { target: target.clone(), path: path.to_owned(), page_size, first }
    }

    /// Reads every page, gives each to `seen`; ends early with the head of an answer that is not a 200.
    pub async fn walk(&self, connection: &mut Connection, mut seen: impl FnMut(&[u8])) -> io::Result<Head> {
        let mut page = Vec::new();
        let mut head = connection.fetch(&self.first, &mut page).await?;
        while head.status == 200 {
            seen(&page);
            let Some(token) = next_page_token(&page) else { break };
            let size = self.page_size.map_or_else(String::new, |size| format!("&pageSize={size}"));
            let next = self.target.get(&format!("{}?pageToken={}{size}", self.path, encode(&token)));
            head = connection.fetch(&next, &mut page).await?;
        }
        Ok(head)
    }
}

/// The names of all tables of a namespace.
pub async fn names(target: &Target, path: &str) -> Result<Vec<String>> {
    let mut pages = Vec::new();
    let mut connection = Connection::new(target.address);
    let head = Listing::new(target, path, None).walk(&mut connection, |page| pages.push(page.to_vec())).await?;
    ensure!(head.status == 200, "the catalog answered {} to the listing {path}", head.status);
    let mut names = Vec::new();
    for page in &pages {
        let page: Page = serde_json::from_slice(page).context("a page of the listing")?;
        names.extend(page.identifiers.into_iter().map(|identifier| identifier.name));
    }
    Ok(names)
}

#[derive(Deserialize)]
struct Page {
    identifiers: Vec<Identifier>,
}

#[derive(Deserialize)]
struct Identifier {
    name: String,
}

fn next_page_token(page: &[u8]) -> Option<String> {
    let start = &page[..page.len().min(EDGE_BYTES)];
    let end = &page[page.len().saturating_sub(EDGE_BYTES)..];
    [end, start].into_iter().find_map(token_in)
}

fn token_in(part: &[u8]) -> Option<String> {
    let name = b"\"next-page-token\"";
    let at = part.windows(name.len()).position(|window| window == name)?;
    let value = part[at + name.len()..].trim_ascii_start().strip_prefix(b":")?;
    serde_json::Deserializer::from_slice(value).into_iter::<Option<String>>().next()?.ok()?
}
