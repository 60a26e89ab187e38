//! Whatever comes from WhatsApp is read without a panic, and what is made of it can be seen.

use jiff::tz::TimeZone;
use proptest::prelude::*;
use relay_domain::event::Event;
use relay_domain::jid::Jid;
use relay_domain::note::Locale;
use relay_domain::plan::{ChatView, Plan, plan};
use relay_domain::settings::{SessionSettings, ViewOnce};
use relay_domain::text::is_blank;
use serde_json::Value;

use super::from_codechat;
use super::random_messages::messages;

/// What becomes of a webhook in a chat with a customer.
fn planned(webhook: &Value, locale: Locale, view_once: ViewOnce) -> Plan {
    let (event, _) = from_codechat::translate(&serde_json::to_vec(webhook).unwrap());
    let settings = SessionSettings { view_once, ..SessionSettings::default() };
    let customer = Jid::parse("5511900000001@s.whatsapp.net").unwrap();
    plan(event, ChatView { jid: Some(&customer), locale, settings: &settings, zone: &TimeZone::UTC })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_no_bubble_is_empty(
        webhook in messages(),
        locale in prop::sample::select(vec![Locale::PtBr, Locale::En, Locale::Es]),
        view_once in prop::sample::select(vec![ViewOnce::Show, ViewOnce::Announce]),
    ) {
        let Plan::Chatwoot(posts) = planned(&webhook, locale, view_once) else { return Ok(()) };
        prop_assert!(!posts.is_empty());
        for post in posts {
            let has_file = post.media.is_some() || !post.made_files.is_empty();
            prop_assert!(has_file || post.text.as_deref().is_some_and(|text| !is_blank(text)), "{post:?}");
        }
    }

    #[test]
    fn any_data_is_understood_or_ignored(data in any::<String>(), event in "(messages.upsert|messages.update|send.message|x)") {
        let body = serde_json::json!({ "event": event, "instance": data, "data": data });
        let (event, _) = from_codechat::translate(&serde_json::to_vec(&body).unwrap());
        prop_assert!(matches!(event, Event::Nothing(_)));
        drop(from_codechat::translate(data.as_bytes()));
    }
}
