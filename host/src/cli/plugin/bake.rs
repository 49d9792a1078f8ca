//! `weir plugin bake`: a program that carries the compiled code of its bundled plugins.

use std::path::PathBuf;

use anyhow::Context;

use super::Refused;
use crate::plugin::load::{BUNDLED, Digest, baked};
use crate::plugin::{BASELINE, Sandbox, SandboxSettings};

/// Write a copy of the program with the compiled code of its bundled plugins at its end, so that a first start compiles nothing.
#[derive(clap::Args)]
#[command(after_help = "\
The copy is whole or not there at all. On a processor that is older than --cpu, and after a change of settings that the code
does not fit, plugins are compiled as before. A build without the compiler gets its plugins by --program.")]
pub(super) struct Args {
    /// The program that gets the code, of this very version; without it, this one.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// The oldest processors that can use the code: `x86-64`, `x86-64-v2`, `x86-64-v3`, or `generic` elsewhere.
    #[arg(long, value_name = "NAME", default_value = BASELINE)]
    cpu: String,
    /// Where the copy goes.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn run(args: Args, json: bool) -> anyhow::Result<()> {
    anyhow::ensure!(!BUNDLED.is_empty(), "this build of weir has no bundled plugins (feature `bundled`)");
    let program = match args.program {
        Some(program) => program,
        None => std::env::current_exe().context("this program does not know where it lies")?,
    };
    let mut entries = Vec::new();
    for small in [false, true] {
        entries.extend(compiled(&args.cpu, small)?);
    }
    let whole = baked::with_entries(&program, &entries).with_context(|| format!("read {}", program.display()))?;
    super::pack::write(&args.output, &whole)?;
    runnable(&args.output).with_context(|| format!("make {} a program", args.output.display()))?;
    if json {
        let said = serde_json::json!({ "program": args.output, "cpu": args.cpu, "bytes": whole.len(), "components": BUNDLED.len() });
        println!("{said}");
    } else {
        println!("{}: {} bytes, {} plugins for {}", args.output.display(), whole.len(), BUNDLED.len(), args.cpu);
    }
    Ok(())
}

/// All bundled plugins, as a sandbox of this kind would compile them.
fn compiled(cpu: &str, small: bool) -> anyhow::Result<Vec<baked::Entry>> {
    let settings = SandboxSettings { small, cpu: Some(cpu.to_owned()), ..SandboxSettings::default() };
    let sandbox = Sandbox::open(settings).with_context(|| format!("compile for `{cpu}`"))?;
    let mut entries = Vec::new();
    for (name, bytes) in BUNDLED {
        let code = sandbox.compile_ahead(bytes).map_err(Refused::from).with_context(|| format!("compile {name}"))?;
        entries.push(baked::Entry { component: Digest::of(bytes), small, code });
    }
    Ok(entries)
}

fn runnable(path: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}
