//! `weir export`: the whole catalog as one archive.

use std::fs::File;
use std::io::{BufWriter, Write, stdout};
use std::path::PathBuf;

use super::Source;
use crate::app::store_settings;
use crate::store::export;

/// Write the whole catalog into one archive, which `weir import` reads on either engine. A server may go on meanwhile.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The archive to write, e.g. catalog.weir.gz; `-` is standard output.
    #[arg(value_name = "FILE")]
    to: PathBuf,
}

pub(super) async fn run(args: Args, source: &Source) -> anyhow::Result<()> {
    let settings = store_settings(&source.load()?)?;
    let out: Box<dyn Write> = match args.to.as_os_str().as_encoded_bytes() {
        b"-" => Box::new(stdout().lock()),
        _ => Box::new(BufWriter::new(create(&args.to)?)),
    };
    let mut progress = |table: &str, rows: u64| eprintln!("{rows} rows, at {table}");
    let carried = export(&settings.url, out, &mut progress).await?;
    eprintln!("exported {} rows, sha256 {}", carried.rows, carried.sha256);
    Ok(())
}

/// Never over a file that is there: it may be the only backup.
fn create(path: &PathBuf) -> anyhow::Result<File> {
    File::create_new(path).map_err(|error| anyhow::anyhow!("`{}` cannot be created: {error}", path.display()))
}
