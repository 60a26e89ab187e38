//! Pairing a phone: the QR code on the terminal, renewed until it is scanned.
//!
//! CodeChat makes a new code every twenty seconds, the first one lives for a minute; how long the one on the screen has left is
//! therefore an estimate, and what is shown is always what CodeChat shows now. It is asked only while it waits for a scan, because
//! asking an instance that restarts after one would begin anew.

use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::bail;
use relay_domain::note::Locale;
use reqwest::Method;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::api_client::ApiClient;
use crate::printer::Printer;
use crate::words::{Say, Three};

/// How long the first code lives, and each after it.
const FIRST: Duration = Duration::from_mins(1);
const NEXT: Duration = Duration::from_secs(20);
/// How often the relay is asked whether the phone is connected, and the countdown drawn.
const LOOK: Duration = Duration::from_millis(500);
/// How many looks lie between two questions for a new code.
const LOOKS_PER_ASK: u32 = 8;
/// How often CodeChat may give no code before that is an error.
const PATIENCE: u32 = 4;

/// What is said while pairing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// What to do with the code.
    Scan,
    /// How long the code has left, in seconds.
    Left(u64),
    /// The phone is connected, with its number masked where it is known.
    Connected(Option<String>),
    /// CodeChat gives no code.
    NoCode,
}

impl Say for Word {
    fn in_three(&self) -> Three {
        match self {
            Self::Scan => [
                "Escaneie com WhatsApp › Dispositivos conectados › Conectar dispositivo".to_owned(),
                "Scan with WhatsApp › Linked devices › Link a device".to_owned(),
                "Escanea con WhatsApp › Dispositivos vinculados › Vincular dispositivo".to_owned(),
            ],
            Self::Left(0) => [
                "(novo código a qualquer momento)".to_owned(),
                "(new code any moment)".to_owned(),
                "(nuevo código en cualquier momento)".to_owned(),
            ],
            Self::Left(seconds) => [
                format!("(novo código em {seconds} s)"),
                format!("(new code in {seconds} s)"),
                format!("(nuevo código en {seconds} s)"),
            ],
            Self::Connected(Some(owner)) => {
                [format!("conectado como {owner}"), format!("connected as {owner}"), format!("conectado como {owner}")]
            }
            Self::Connected(None) => {
                ["o telefone está conectado".to_owned(), "the phone is connected".to_owned(), "el teléfono está conectado".to_owned()]
            }
            Self::NoCode => [
                "o CodeChat não deu um código QR\n  hint: confira se o servidor do CodeChat alcança a internet e tente de novo".to_owned(),
                "CodeChat gave no QR code\n  hint: check that CodeChat's server reaches the internet, and try again".to_owned(),
                "CodeChat no dio un código QR\n  hint: revisa que el servidor de CodeChat alcance internet e inténtalo de nuevo".to_owned(),
            ],
        }
    }
}

/// Shows codes until the phone is connected; returns its number, masked, where CodeChat tells it.
pub(crate) async fn pair(
    api: &ApiClient,
    session: &str,
    locale: Locale,
    printer: &Printer,
) -> anyhow::Result<Option<String>> {
    let mut screen = Screen { printer, locale, is_terminal: std::io::stdout().is_terminal(), shown: None };
    let mut without_code = 0;
    loop {
        let qr = api.call(Method::POST, &["session", session, "connect"], None).await?;
        let text = |key| qr.get(key).and_then(Value::as_str);
        match (text("state"), text("code")) {
            (Some("open"), _) => break,
            (_, Some(code)) => {
                without_code = 0;
                screen.show(code, qr.get("count").and_then(Value::as_i64).unwrap_or(0))?;
            }
            // the codes ran out, or WhatsApp is away: asking once more begins anew
            (_, None) => {
                without_code += 1;
                if without_code == PATIENCE {
                    bail!("{}", Word::NoCode.say(locale));
                }
            }
        }
        if waited_for_scan(api, session, &mut screen).await? {
            break;
        }
    }
    screen.clear();
    owner(api, session).await
}

/// Waits until it is time to ask for a new code, or the phone is connected.
async fn waited_for_scan(api: &ApiClient, session: &str, screen: &mut Screen<'_>) -> anyhow::Result<bool> {
    let mut looks = 0;
    loop {
        sleep(LOOK).await;
        screen.count_down();
        looks += 1;
        let shown = api.call(Method::GET, &["session", session], None).await?;
        match shown.get("connection").and_then(Value::as_str) {
            Some("open") => return Ok(true),
            // restarting after a scan: the next word is CodeChat's; without webhooks it never comes
            Some("close") if looks < 4 * LOOKS_PER_ASK => {}
            _ if looks < LOOKS_PER_ASK => {}
            _ => return Ok(false),
        }
    }
}

/// Whose phone is connected: an instance that is connected tells it instead of a code.
async fn owner(api: &ApiClient, session: &str) -> anyhow::Result<Option<String>> {
    let qr = api.call(Method::POST, &["session", session, "connect"], None).await?;
    Ok(qr.get("owner").and_then(Value::as_str).map(str::to_owned))
}

/// The code on the screen.
struct Screen<'a> {
    printer: &'a Printer,
    locale: Locale,
    is_terminal: bool,
    shown: Option<Shown>,
}

struct Shown {
    code: String,
    lines: usize,
    until: Instant,
}

impl Screen<'_> {
    /// Draws a code, in the place of the one before; one that is shown already stays.
    fn show(&mut self, code: &str, count: i64) -> anyhow::Result<()> {
        if self.shown.as_ref().is_some_and(|shown| shown.code == code) {
            return Ok(());
        }
        self.clear();
        if !self.is_terminal {
            self.printer.line(format!("  {}", Word::Scan.say(self.locale)));
        }
        let lines = self.printer.qr(code)?;
        let until = Instant::now() + if count <= 1 { FIRST } else { NEXT };
        self.shown = Some(Shown { code: code.to_owned(), lines, until });
        if self.is_terminal {
            self.write_countdown(until);
        }
        Ok(())
    }

    fn count_down(&self) {
        if let Some(shown) = self.shown.as_ref().filter(|_| self.is_terminal) {
            self.printer.take_back(2);
            self.write_countdown(shown.until);
        }
    }

    /// Two lines, so that neither is wider than a terminal.
    fn write_countdown(&self, until: Instant) {
        let left = until.saturating_duration_since(Instant::now()).as_secs();
        self.printer.line(format!("  {}", Word::Scan.say(self.locale)));
        self.printer.line(format!("  {}", Word::Left(left).say(self.locale)));
    }

    fn clear(&mut self) {
        if let Some(shown) = self.shown.take().filter(|_| self.is_terminal) {
            self.printer.take_back(shown.lines + 2);
        }
    }
}
