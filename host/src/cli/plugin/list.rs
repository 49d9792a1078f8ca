//! `weir plugin list`: the plugins of a running server.

use hyper::Method;
use serde_json::Value;

use super::super::Source;
use super::remote::Server;

/// List the plugins of the running server that the configuration describes.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    server: Server,
}

pub(super) async fn run(args: Args, source: &Source, json: bool) -> anyhow::Result<()> {
    let answer = args.server.ask(source, Method::GET, "/management/v1/plugins").await?;
    if json {
        println!("{answer}");
    } else {
        print!("{}", told(&answer));
    }
    Ok(())
}

fn told(answer: &Value) -> String {
    let plugins: Vec<&Value> = answer["plugins"].as_array().into_iter().flatten().collect();
    let mut told = format!("generation {}, {} plugins\n", answer["generation"], plugins.len());
    if let Some(why) = answer["last-failure"]["message"].as_str() {
        told.push_str(&format!("the declarations could not be read the last time: {why}\n"));
    }
    for plugin in plugins {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let in_place = &plugin["in-place"];
        let digest: String = text(&in_place["sha256"]).chars().take(12).collect();
        let faults: u64 = in_place["faults"].as_object().into_iter().flatten().filter_map(|(_, n)| n.as_u64()).sum();
        told.push_str(&format!(
            "{:<24} {:<12} {:<8} {digest:<12}  {} calls, {faults} faults\n",
            text(&plugin["name"]),
            text(&plugin["state"]),
            text(&in_place["version"]),
            in_place["calls"].as_u64().unwrap_or(0),
        ));
        if let Some(why) = plugin["last-failure"]["message"].as_str() {
            told.push_str(&format!("  {}: {why}\n", text(&plugin["last-failure"]["code"])));
        }
    }
    told
}
