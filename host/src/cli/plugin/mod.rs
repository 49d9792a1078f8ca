//! `weir plugin`: everything that an author or operator does with plugins, on the host's own engine.

mod bake;
mod bench;
mod cases;
mod change;
mod check;
mod compile;
mod inspect;
mod list;
mod new;
mod pack;
mod question;
mod reload;
mod remote;
mod run;
mod subject;
mod test;
mod wit;

use clap::Subcommand;

use super::{Source, within_runtime};

const EXAMPLES: &str = "\
From nothing to a decision (plugins/GUIDE.md explains each step):
  weir plugin new site-policy                        a crate with everything that it needs
  cargo build --release --target wasm32-unknown-unknown
  weir plugin pack target/wasm32-unknown-unknown/release/site_policy.wasm
  weir plugin check site-policy.wasm                 what the server's gates say to it
  weir plugin test site-policy.wasm cases.toml

Exit codes:
  0  done; for `run`: it answered, whatever the verdict
  1  failed; the reason is on standard error
  2  wrong usage
  3  the configuration has problems
  4  the server does not answer, or refuses
  5  a gate refuses the plugin
  6  the plugin answers otherwise than a case expects
  7  the plugin gives no answer";

/// Write, check, test, measure, watch plugins: WebAssembly components that decide.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Answer in JSON, on standard output.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    New(new::Args),
    Pack(pack::Args),
    Check(check::Args),
    Inspect(inspect::Args),
    Wit(wit::Args),
    Test(test::Args),
    Run(run::Args),
    Bench(bench::Args),
    Compile(compile::Args),
    Bake(bake::Args),
    List(list::Args),
    Reload(reload::Args),
}

/// A gate of the loader refuses the plugin.
#[derive(Debug, thiserror::Error)]
#[error("refused ({code}): {message}{}", .remedy.map(|remedy| format!("\n  {remedy}")).unwrap_or_default())]
pub(super) struct Refused {
    code: &'static str,
    message: String,
    /// What to do, where the message does not say it already.
    remedy: Option<&'static str>,
}

/// The plugin answers, but not as it should.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unexpected(String);

/// The plugin gives no answer.
#[derive(Debug, thiserror::Error)]
#[error("no answer ({code}): {message}")]
pub(super) struct NoAnswer {
    code: &'static str,
    message: String,
}

pub(super) fn run(args: Args, source: &Source) -> anyhow::Result<()> {
    let json = args.json;
    // What plugins log, a panic of theirs first of all. It fails where a log is on already, which is as good.
    let _ = tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false).without_time().try_init();
    match args.verb {
        Verb::New(args) => new::run(&args, json),
        Verb::Pack(args) => pack::run(&args, json),
        Verb::Check(args) => within_runtime(check::run(args, source, json)),
        Verb::Inspect(args) => within_runtime(inspect::run(args, source, json)),
        Verb::Wit(args) => wit::run(&args, json),
        Verb::Test(args) => within_runtime(test::run(args, source, json)),
        Verb::Run(args) => within_runtime(run::run(args, source, json)),
        Verb::Bench(args) => within_runtime(bench::run(args, source, json)),
        Verb::Compile(args) => within_runtime(compile::run(args, source, json)),
        Verb::Bake(args) => bake::run(args, json),
        Verb::List(args) => within_runtime(list::run(args, source, json)),
        Verb::Reload(args) => within_runtime(reload::run(args, source, json)),
    }
}

/// The exit code of this verb's own errors.
pub(super) fn exit_code(error: &anyhow::Error) -> Option<u8> {
    match error {
        error if error.is::<Refused>() => Some(5),
        error if error.is::<Unexpected>() => Some(6),
        error if error.is::<NoAnswer>() => Some(7),
        _ => None,
    }
}
