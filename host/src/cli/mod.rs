//! The command line: one file a verb.

mod banner;
mod config;
mod export;
mod grants;
mod healthcheck;
mod import;
mod migrate;
mod openapi;
mod plugin;
mod probe;
mod secrets;
mod serve;
mod token;
mod version;
mod wait;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, Problems};

const EXAMPLES: &str = "\
Start here:
  weir serve                          a catalog on 127.0.0.1:8181, data in ./weir-data
  weir --config weir.toml serve       the same with your own settings
  weir config check                   every problem of the configuration at once
  weir plugin new my-policy           a policy of your own; `weir plugin --help` goes on from there
  weir export catalog.weir.gz         the whole catalog in one archive, for a backup or the other engine

Configuration: weir.toml, overridden by WEIR__SECTION__KEY, e.g. WEIR__SERVER__LISTEN=127.0.0.1:9000.

Exit codes:
  0  done
  1  failed; the reason is on standard error
  2  wrong usage
  3  the configuration has problems
  4  not healthy, or not in time
  5  a gate refuses the plugin
  6  the plugin answers otherwise than expected
  7  the plugin gives no answer";

/// An Apache Iceberg REST catalog whose rules are WebAssembly plugins.
#[derive(Parser)]
#[command(name = "weir", version, about, after_help = EXAMPLES, arg_required_else_help = true)]
struct Cli {
    /// The configuration file; without it WEIR_CONFIG names one, else ./weir.toml where it exists.
    #[arg(short, long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Serve(serve::Args),
    Healthcheck(healthcheck::Args),
    Wait(wait::Args),
    Migrate(migrate::Args),
    Export(export::Args),
    Import(import::Args),
    Secrets(secrets::Args),
    Config(config::Args),
    Plugin(Box<plugin::Args>),
    Grants(grants::Args),
    Openapi(openapi::Args),
    Token(token::Args),
    Version(version::Args),
}

/// The server is there but not well, or not there in time.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unhealthy(String);

fn exit_code(error: &anyhow::Error) -> u8 {
    match error {
        error if error.is::<Problems>() => 3,
        error if error.is::<Unhealthy>() => 4,
        error => plugin::exit_code(error).unwrap_or(1),
    }
}

/// Does what the arguments of this process ask for.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let source = Source { path: cli.config.or_else(|| std::env::var_os("WEIR_CONFIG").map(PathBuf::from)) };
    let outcome = match cli.verb {
        Verb::Serve(args) => within_runtime(serve::run(args, &source)),
        Verb::Healthcheck(args) => within_runtime(healthcheck::run(args, &source)),
        Verb::Wait(args) => within_runtime(wait::run(args, &source)),
        Verb::Migrate(args) => within_runtime(migrate::run(args, &source)),
        Verb::Export(args) => within_runtime(export::run(args, &source)),
        Verb::Import(args) => within_runtime(import::run(args, &source)),
        Verb::Secrets(args) => within_runtime(secrets::run(args, &source)),
        Verb::Config(args) => config::run(args, &source),
        Verb::Plugin(args) => plugin::run(*args, &source),
        Verb::Grants(args) => within_runtime(grants::run(args, &source)),
        Verb::Openapi(args) => openapi::run(args),
        Verb::Token(args) => token::run(&args, &source),
        Verb::Version(args) => version::run(args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("weir: {error:#}");
            ExitCode::from(exit_code(&error))
        }
    }
}

fn within_runtime(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

/// Where the configuration comes from.
#[derive(Clone)]
struct Source {
    path: Option<PathBuf>,
}

impl Source {
    fn load(&self) -> Result<Config, Problems> {
        Config::load(self.path.as_deref())
    }
}
