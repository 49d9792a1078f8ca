//! `weir openapi`: the APIs' own descriptions.

use clap::ValueEnum;

use crate::api::openapi;

/// Print the OpenAPI document of an API; a running server shows both at /api-docs.
#[derive(clap::Args)]
pub(super) struct Args {
    #[arg(value_enum, default_value_t = Api::Catalog)]
    api: Api,
}

#[derive(Clone, Copy, ValueEnum)]
enum Api {
    /// The Iceberg REST API.
    Catalog,
    /// The management API.
    Management,
}

pub(super) fn run(args: Args) -> anyhow::Result<()> {
    let document = match args.api {
        Api::Catalog => openapi::catalog()?,
        Api::Management => openapi::management()?,
    };
    println!("{document}");
    Ok(())
}
