//! `relay console`: a link that opens the web console, once.

use anyhow::{Context, bail};
use reqwest::Method;
use serde_json::Value;

use crate::api_client::{self, ApiClient};
use crate::cli::Settings;
use crate::printer::Printer;

pub(crate) async fn run(settings: &Settings, as_json: bool, printer: &Printer) -> anyhow::Result<()> {
    // one that lives as long as this command has nothing to show
    if api_client::health(settings).await?.is_none() {
        bail!("no relay answers on port {}\n  hint: start one with relay serve", settings.port);
    }
    let link = ApiClient::connect(settings).await?.call(Method::POST, &["api", "v1", "console", "link"], None).await?;
    if as_json {
        printer.json(&link);
        return Ok(());
    }
    let url = link.get("url").and_then(Value::as_str).context("the relay gave no link")?;
    printer.line(url);
    printer.line("  works once, within 10 minutes; whoever opens it can do everything that the API key can");
    Ok(())
}
