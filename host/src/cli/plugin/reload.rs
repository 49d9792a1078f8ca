//! `weir plugin reload`: let a running server look at its plugins again.

use hyper::Method;

use super::super::Source;
use super::Refused;
use super::remote::Server;

/// Let the running server read its declarations and files again. Exit code 5 where it refuses one.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    server: Server,
}

pub(super) async fn run(args: Args, source: &Source, json: bool) -> anyhow::Result<()> {
    let answer = args.server.ask(source, Method::POST, "/management/v1/plugins/reload").await?;
    if json {
        println!("{answer}");
    } else {
        let swapped = if answer["swapped"] == true { "another generation decides" } else { "nothing changed" };
        println!("generation {}: {swapped}", answer["generation"]);
    }
    let refused: Vec<String> = answer["refused"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, why)| format!("`{name}`: {}", why["message"].as_str().unwrap_or("no reason was given")))
        .collect();
    if refused.is_empty() {
        return Ok(());
    }
    let message = format!("{}; where one was in place before, it stays", refused.join("; "));
    Err(Refused { code: "refused_at_reload", message, remedy: None }.into())
}
