//! placeholder
pub(crate) async fn run(_: &crate::cli::DemoArgs, _: &crate::printer::Printer) -> anyhow::Result<()> { Ok(()) }
