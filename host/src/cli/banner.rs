//! What a newcomer sees first: where the catalog is, what it keeps, how to use it.

use crate::app::App;
use crate::config::{Anonymous, LogFormat};

const WAREHOUSES_MAX: u32 = 5;

/// Prints the banner, or one log line where logs are for machines.
pub(super) async fn show(app: &App) -> anyhow::Result<()> {
    let url = app.config.public_url();
    match app.config.log.format {
        LogFormat::Json => tracing::info!(url, store = %app.store.url(), "serving"),
        LogFormat::Pretty => print!("{}", banner(app, &url, &warehouses(app).await?)),
    }
    Ok(())
}

async fn warehouses(app: &App) -> anyhow::Result<Vec<String>> {
    let warehouses = app.store.sole_warehouses(WAREHOUSES_MAX).await?;
    Ok(warehouses.into_iter().map(|warehouse| warehouse.name).collect())
}

fn banner(app: &App, url: &str, warehouses: &[String]) -> String {
    let metrics = match app.config.metrics.enabled {
        true => format!("http://{}/metrics", app.config.metrics.listen),
        false => "off".to_owned(),
    };
    let known = match warehouses {
        [] => format!("none yet: POST {url}/management/v1/warehouse makes one"),
        names => names.join(", "),
    };
    let warehouse = warehouses.first().map_or("<warehouse>", String::as_str);
    let anonymous = app.config.auth.anonymous();
    let token = match anonymous {
        Anonymous::Never => ", token=\"…\"",
        Anonymous::Loopback | Anonymous::Anywhere => "",
    };
    format!(
        "
  Weir {version}

  catalog         {url}/catalog
  store           {store}
  durability      {durability}
  warehouse       {known}
  authentication  {authentication}
  metrics         {metrics}
  documentation   {url}/api-docs

  With PyIceberg (pip install 'pyiceberg[pyarrow]'):

    from pyiceberg.catalog import load_catalog
    catalog = load_catalog(\"weir\", type=\"rest\", uri=\"{url}/catalog\", warehouse=\"{warehouse}\"{token})
    print(catalog.list_namespaces())

",
        version = env!("CARGO_PKG_VERSION"),
        store = app.store.url(),
        durability = app.store.durability(),
        authentication = authentication(anonymous),
    )
}

fn authentication(anonymous: Anonymous) -> &'static str {
    match anonymous {
        Anonymous::Loopback => {
            "off: whoever reaches this machine's loopback address may do everything that no plugin refuses"
        }
        Anonymous::Anywhere => {
            "off: WHOEVER REACHES THIS ADDRESS MAY DO EVERYTHING that no plugin refuses (auth.anonymous = \"anywhere\")"
        }
        Anonymous::Never => "on: a request without credentials is refused",
    }
}
