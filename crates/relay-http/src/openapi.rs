//! The description of this HTTP API, in `OpenAPI` 3.1, made from the code.
//!
//! The cast: the attributes on the handlers say what each route takes and answers; [`settings`] what a session can be set to;
//! [`examples`] a request for each, which tests send; [`common`] what is the same everywhere.
//!
//! Invariant: a route of the router is in the document and the other way round; a test compares them.

mod common;
mod examples;
mod settings;

use std::sync::LazyLock;

use utoipa::OpenApi;

pub(crate) use settings::SettingsDoc;

use crate::problem::ProblemOut;
use crate::{console, dead, doctor, door, health, inside, media, message, reference, session, sides};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "relay",
        description = "Relays WhatsApp (CodeChat) to Chatwoot and back. Errors are `application/problem+json` with a stable \
                       `code`. Lists come as `data` and `next`; `next` goes into `cursor` for the page after."
    ),
    paths(
        session::create,
        session::list,
        session::show,
        session::change,
        session::remove,
        session::connect,
        session::pause,
        session::resume,
        inside::introduce,
        inside::dashboard_app,
        sides::show,
        sides::mend,
        message::list,
        message::show,
        dead::retry_message,
        dead::list,
        dead::groups,
        dead::export,
        dead::retry_many,
        dead::drop_many,
        dead::show,
        dead::retry,
        dead::drop_one,
        doctor::examine,
        console::link,
        door::codechat,
        door::chatwoot,
        media::fetch,
        doctor::echo,
        doctor::echo_back,
        health::live,
        health::ready,
        health::summary,
        health::summary_too,
        health::metrics,
        reference::json,
        reference::page,
        reference::style,
    ),
    components(schemas(ProblemOut)),
    tags(
        (name = "sessions", description = "WhatsApp numbers, each joined to an inbox"),
        (name = "messages", description = "What was received and what became of it"),
        (name = "dead letters", description = "What could not be delivered, or waited too long"),
        (name = "relay", description = "The relay itself"),
        (name = "webhooks", description = "What CodeChat and Chatwoot call, not you"),
        (name = "health", description = "Open to whoever reaches them: keep them behind your proxy"),
        (name = "description", description = "This description"),
    ),
)]
struct Api;

/// The document, as JSON for people to read too.
pub fn document() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
        let mut document = serde_json::to_value(Api::openapi()).expect("a description is plain text and numbers");
        common::apply(&mut document);
        examples::apply(&mut document);
        format!("{document:#}\n")
    });
    &DOCUMENT
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_operation_has_a_name_of_its_own_and_a_summary() {
        let mut document = serde_json::from_str(document()).unwrap();
        let mut names = HashSet::new();
        for (path, method, operation) in common::operations(&mut document) {
            let name = operation["operationId"].as_str().unwrap().to_owned();
            assert!(names.insert(name.clone()), "{method} {path}: {name} is taken");
            assert!(operation.contains_key("summary"), "{method} {path}");
        }
    }
}
