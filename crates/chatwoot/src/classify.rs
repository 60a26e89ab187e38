//! Turns an answer that is not a success into an [`Error`].
//!
//! Chatwoot has two shapes of 422 (`{message, attributes}` for a model, `{error}` for everything else), three of
//! 401, a plain text 429 and, like the proxies in front of it, HTML for 5xx. Texts follow the locale of the
//! account, so they only decide where nothing else does.

use std::time::Duration;

use reqwest::StatusCode;

use crate::error::{Certainty, Error, ErrorKind};
use crate::said::{Form, Said};

/// Reads the answer `status` with `body` as an error.
pub(crate) fn refusal(status: StatusCode, retry_after: Option<&str>, body: &[u8]) -> Error {
    let said = Said::read(body);
    let kind = kind_of(status, retry_after, &said);
    let certainty = certainty_of(status);
    let detail = if said.text.is_empty() { format!("status {}", status.as_u16()) } else { said.text };
    Error::new(kind, certainty, &detail).with_status(status.as_u16())
}

/// Reads the answer of a file store. A store says 403 or 404 for a file that is not uploaded yet, in its own
/// words, so neither speaks about the token.
pub(crate) fn store_refusal(status: StatusCode, retry_after: Option<&str>) -> Error {
    let kind = match status.as_u16() {
        401 | 403 | 404 | 410 => ErrorKind::NotFound,
        408 => ErrorKind::TimedOut,
        429 => rate_limited(retry_after),
        500.. => ErrorKind::ServerError,
        _ => ErrorKind::Invalid,
    };
    let detail = format!("the file store answered {}", status.as_u16());
    Error::new(kind, Certainty::NotDelivered, &detail).with_status(status.as_u16())
}

fn certainty_of(status: StatusCode) -> Certainty {
    if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
        Certainty::MaybeDelivered
    } else {
        Certainty::NotDelivered
    }
}

fn kind_of(status: StatusCode, retry_after: Option<&str>, said: &Said) -> ErrorKind {
    match status.as_u16() {
        401 | 402 => ErrorKind::Unauthorized,
        403 => forbidden(said),
        404 => missing(said),
        408 => ErrorKind::TimedOut,
        413 => ErrorKind::TooLarge,
        422 => unprocessable(said),
        429 => rate_limited(retry_after),
        400..=499 => ErrorKind::Invalid,
        500.. => ErrorKind::ServerError,
        _ => ErrorKind::Unexpected,
    }
}

/// The status of a message can only be set in an API inbox; every other 403 is about the account or the network.
fn forbidden(said: &Said) -> ErrorKind {
    if said.mentions("only allowed for api inboxes") { ErrorKind::Invalid } else { ErrorKind::Unauthorized }
}

/// Chatwoot says 404 with JSON or with nothing. A page or a text comes from a proxy whose backend is away,
/// and must not be taken for a conversation that was deleted.
fn missing(said: &Said) -> ErrorKind {
    match said.form {
        Form::Json | Form::Empty => ErrorKind::NotFound,
        Form::Other => ErrorKind::ServerError,
    }
}

fn rate_limited(retry_after: Option<&str>) -> ErrorKind {
    let seconds = retry_after.and_then(|value| value.trim().parse::<u64>().ok());
    ErrorKind::RateLimited { retry_after: seconds.map(Duration::from_secs) }
}

fn unprocessable(said: &Said) -> ErrorKind {
    if said.mentions("too many messages") {
        return ErrorKind::RateLimited { retry_after: None };
    }
    if said.mentions("source_id should be unique") {
        return ErrorKind::Taken { attributes: vec!["source_id".to_owned()] };
    }
    if said.is_taken() {
        return ErrorKind::Taken { attributes: said.attributes.clone() };
    }
    if said.is_about_a_file() {
        return ErrorKind::TooLarge;
    }
    ErrorKind::Invalid
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn taken(attributes: &[&str]) -> ErrorKind {
        ErrorKind::Taken { attributes: attributes.iter().map(|&name| name.to_owned()).collect() }
    }

    fn limited(seconds: Option<u64>) -> ErrorKind {
        ErrorKind::RateLimited { retry_after: seconds.map(Duration::from_secs) }
    }

    fn examples() -> Value {
        let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/chatwoot/examples.json"));
        serde_json::from_str::<Value>(text).unwrap()["rest"]["errors"].clone()
    }

    #[test]
    fn every_error_example_calls_for_its_reaction() {
        use ErrorKind::{Invalid, NotFound, Unauthorized};
        let examples = examples();
        let table = [
            ("401_no_token", 401, Unauthorized, "You need to sign in or sign up before continuing."),
            ("401_bad_token", 401, Unauthorized, "Invalid Access Token"),
            ("401_policy", 401, Unauthorized, "You are not authorized to do this action"),
            ("401_account", 401, Unauthorized, "You are not authorized to access this account"),
            ("403_status_patch", 403, Invalid, "Message status update is only allowed for API inboxes"),
            ("404", 404, NotFound, "Resource could not be found"),
            ("422_record", 422, taken(&["phone_number"]), "Phone number has already been taken"),
            ("422_phone_format", 422, Invalid, "Phone number should be in e164 format"),
            ("422_source_id", 422, taken(&["source_id"]), "source_id should be unique"),
            ("422_message", 422, limited(None), "Validation failed: Too many messages"),
            ("429_text", 429, limited(None), "Retry later"),
        ];
        assert_eq!(table.len(), examples.as_object().unwrap().len());
        for (name, status, kind, detail) in table {
            let body = match &examples[name] {
                Value::String(text) => text.clone(),
                json => json.to_string(),
            };
            let error = refusal(StatusCode::from_u16(status).unwrap(), None, body.as_bytes());
            assert_eq!(error.kind, kind, "{name}");
            assert_eq!(error.detail, detail, "{name}");
            assert_eq!(error.status, Some(status), "{name}");
            assert_eq!(error.certainty, Certainty::NotDelivered, "{name}");
        }
    }

    const HTML: &str = "<html><head><title>502 Bad Gateway</title></head></html>";

    fn check(table: &[(u16, &str, ErrorKind, Certainty)]) {
        for (status, body, kind, certainty) in table {
            let error = refusal(StatusCode::from_u16(*status).unwrap(), None, body.as_bytes());
            assert_eq!((&error.kind, &error.certainty), (kind, certainty), "{status} {body}");
        }
    }

    #[test]
    fn a_failing_server_may_have_acted() {
        use Certainty::{MaybeDelivered, NotDelivered};
        use ErrorKind::{ServerError, TimedOut, Unexpected};
        let json = r#"{"status":500,"error":"Internal Server Error"}"#;
        check(&[
            (500, json, ServerError, MaybeDelivered),
            (502, HTML, ServerError, MaybeDelivered),
            (503, "", ServerError, MaybeDelivered),
            (504, "upstream timeout", ServerError, MaybeDelivered),
            (599, "", ServerError, MaybeDelivered),
            (408, "", TimedOut, MaybeDelivered),
            (301, "", Unexpected, NotDelivered),
        ]);
    }

    #[test]
    fn a_404_counts_only_in_the_words_of_chatwoot() {
        use Certainty::NotDelivered;
        use ErrorKind::{NotFound, ServerError};
        check(&[
            (404, "", NotFound, NotDelivered),
            (404, r#"{"status":404,"error":"Not Found"}"#, NotFound, NotDelivered),
            (404, "404 page not found", ServerError, NotDelivered),
            (404, HTML, ServerError, NotDelivered),
            (404, "[]", ServerError, NotDelivered),
        ]);
    }

    #[test]
    fn refusals_beyond_the_examples() {
        use Certainty::NotDelivered;
        use ErrorKind::{Invalid, TooLarge, Unauthorized};
        let plan = r#"{"error":"Account limit exceeded"}"#;
        let cloud = r#"{"error":"API access is not enabled for this account"}"#;
        let file = r#"{"error":"Validation failed: Attachments file size is too big"}"#;
        let text = r#"{"error":"Validation failed: Content is too long (maximum is 150000 characters)"}"#;
        check(&[
            (402, plan, Unauthorized, NotDelivered),
            (403, cloud, Unauthorized, NotDelivered),
            (403, HTML, Unauthorized, NotDelivered),
            (413, HTML, TooLarge, NotDelivered),
            (422, file, TooLarge, NotDelivered),
            (422, text, Invalid, NotDelivered),
            (422, "", Invalid, NotDelivered),
            (400, "[]", Invalid, NotDelivered),
            (418, "", Invalid, NotDelivered),
        ]);
    }

    #[test]
    fn taken_is_told_from_malformed_in_any_locale() {
        let kind = |body: &str| refusal(StatusCode::UNPROCESSABLE_ENTITY, None, body.as_bytes()).kind;
        for (body, attributes) in [
            (r#"{"message":"Telefone já está em uso","attributes":["phone_number"]}"#, &["phone_number"][..]),
            (r#"{"message":"x","attributes":["identifier","email"]}"#, &["identifier", "email"]),
        ] {
            assert_eq!(kind(body), taken(attributes), "{body}");
        }
        for body in [
            r#"{"message":"Telefone deve estar no formato e164","attributes":["phone_number"]}"#,
            r#"{"message":"Identifier é muito longo (máximo: 255 caracteres)","attributes":["identifier"]}"#,
            r#"{"message":"Name can't be blank","attributes":["name"]}"#,
            r#"{"message":"x","attributes":"identifier"}"#,
        ] {
            assert_eq!(kind(body), ErrorKind::Invalid, "{body}");
        }
    }

    #[test]
    fn detail_of_a_page_is_its_title_and_of_nothing_is_the_status() {
        let html = b"<html><title> 502 Bad Gateway </title>";
        let detail = |body: &[u8]| refusal(StatusCode::BAD_GATEWAY, None, body).detail;
        assert_eq!(detail(html), "an html page: 502 Bad Gateway");
        assert_eq!(detail(b"<html>"), "an html page");
        assert_eq!(detail(b" \n"), "status 502");
        assert_eq!(detail(br#"{"error":"no +5511988887777"}"#), "no +***");
    }

    #[test]
    fn retry_after_is_read_in_seconds() {
        for (header, seconds) in [(Some("30"), Some(30)), (Some(" 5 "), Some(5)), (Some("soon"), None), (None, None)] {
            let error = refusal(StatusCode::TOO_MANY_REQUESTS, header, b"Retry later\n");
            assert_eq!(error.kind, limited(seconds), "{header:?}");
        }
    }

    #[test]
    fn a_file_store_never_speaks_about_the_token() {
        let kind = |status| store_refusal(StatusCode::from_u16(status).unwrap(), Some("2")).kind;
        assert_eq!(kind(403), ErrorKind::NotFound);
        assert_eq!(kind(404), ErrorKind::NotFound);
        assert_eq!(kind(503), ErrorKind::ServerError);
        assert_eq!(kind(429), limited(Some(2)));
        assert_eq!(kind(416), ErrorKind::Invalid);
    }
}
