//! `relay message tail`: messages as they come, and again as they end.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use super::{MESSAGES, items, row, state, text};
use crate::api_client::ApiClient;
use crate::cli::TailArgs;
use crate::printer::Printer;

/// How often is looked.
const LOOK: Duration = Duration::from_secs(1);
/// How many are shown at once of those that were there.
const BEFORE: usize = 10;
/// How many are read at a time, and how often before a look gives up.
const PAGE: usize = 100;
const PAGES: usize = 20;
/// How many are remembered.
const REMEMBERED: usize = 10_000;

/// What was shown, and in which state.
#[derive(Default)]
struct Shown {
    states: HashMap<String, String>,
    order: VecDeque<String>,
}

impl Shown {
    /// Notes a message; true when it is new, or another one than it was.
    fn note(&mut self, message: &Value) -> bool {
        let (id, state) = (text(message, "id"), state(message));
        if let Some(before) = self.states.insert(id.clone(), state.clone()) {
            return before != state;
        }
        self.order.push_back(id);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.states.remove(&oldest);
        }
        true
    }
}

/// Shows messages until somebody ends the program.
pub(super) async fn follow(api: &ApiClient, args: &TailArgs, printer: &Printer) -> anyhow::Result<()> {
    let mut shown = Shown::default();
    let mut is_first = true;
    loop {
        let mut new = news(api, args, &mut shown, is_first).await?;
        if is_first {
            new.truncate(BEFORE);
        }
        for message in new.iter().rev() {
            if args.json {
                printer.json_line(&message.to_string());
            } else {
                printer.line(printer.tamed(&row(message)));
            }
        }
        is_first = false;
        sleep(LOOK).await;
    }
}

/// What is new or ended since the last look, newest first. A page without anything new ends the look.
async fn news(api: &ApiClient, args: &TailArgs, shown: &mut Shown, is_first: bool) -> anyhow::Result<Vec<Value>> {
    let mut new = Vec::new();
    let mut cursor = None;
    for _ in 0..PAGES {
        let wanted = [
            ("session", args.session.clone()),
            ("direction", args.direction.clone()),
            ("chat", args.chat.clone()),
            ("limit", Some(PAGE.to_string())),
            ("cursor", cursor),
        ];
        let query: Vec<_> = wanted.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let page = api.list(&MESSAGES, &query).await?;
        let before = new.len();
        new.extend(items(&page, "data").iter().filter(|message| shown.note(message)).cloned());
        cursor = page.get("next").and_then(Value::as_str).map(str::to_owned);
        if is_first || new.len() == before || cursor.is_none() {
            break;
        }
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_is_shown_when_it_comes_and_when_it_ends() {
        let mut shown = Shown::default();
        let message = |state: &str| json!({ "id": "evt_1", "state": state });
        let told: Vec<_> =
            ["pending", "pending", "delivered", "delivered"].map(|state| shown.note(&message(state))).to_vec();
        assert_eq!(told, [true, false, true, false]);
    }
}
