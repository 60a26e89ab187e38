//! Turns an answer that is not a success into an [`Error`].
//!
//! CodeChat says almost everything with 400 and a list of texts, sometimes nested, or of `{property, message}` for
//! what its schema refuses, or of `{exists, jid}` for a number. What it did not expect is a 500 with `{}` or with the
//! fields of a JavaScript error. The rewrite in Go says `messages` instead of `message`.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use crate::error::{Certainty, Error, ErrorKind};
use crate::wire;

/// The guard in front of a call; nothing has happened when it speaks.
const NOT_LOADED: &str = "does not exist or is not connected";
/// Most texts of one answer that are kept.
const MOST_TEXTS: usize = 4;

/// What a call is for, which decides how its refusal is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Anything that sends no message.
    Plain,
    /// A message to WhatsApp: a 400 may come after the message has left.
    Send,
    /// The bytes of a message.
    Media,
}

/// Reads the answer `status` with `body` as an error.
pub(crate) fn refusal(purpose: Purpose, status: StatusCode, retry_after: Option<&str>, body: &[u8]) -> Error {
    let said = Said::read(body);
    let kind = kind_of(purpose, status, retry_after, &said);
    let certainty = certainty_of(purpose, &kind, &said);
    let detail = match said.texts.join("; ") {
        text if text.is_empty() => format!("status {}", status.as_u16()),
        text => text,
    };
    Error::new(kind, certainty, &detail).with_status(status.as_u16())
}

fn kind_of(purpose: Purpose, status: StatusCode, retry_after: Option<&str>, said: &Said) -> ErrorKind {
    match status.as_u16() {
        403 if said.mentions("already in use") => ErrorKind::AlreadyExists,
        401 | 403 => ErrorKind::Unauthorized,
        404 => missing(purpose, said),
        408 => ErrorKind::TimedOut,
        410 if purpose == Purpose::Media => ErrorKind::MediaUnavailable,
        413 => ErrorKind::TooLarge,
        429 => rate_limited(retry_after),
        400..=499 => refused(purpose, said),
        500.. => failed(purpose, said),
        _ => ErrorKind::Unexpected,
    }
}

/// CodeChat says 404 with JSON. A page or a text comes from a proxy whose backend is away, and must not be taken
/// for an instance that was deleted or a media that expired.
fn missing(purpose: Purpose, said: &Said) -> ErrorKind {
    let is_route = said.mentions("cannot get /") || said.mentions("cannot post /");
    match said.form {
        Form::Other => ErrorKind::ServerError,
        Form::Json | Form::Empty if purpose == Purpose::Media && !is_route => ErrorKind::MediaUnavailable,
        Form::Json | Form::Empty => ErrorKind::NotFound,
    }
}

fn rate_limited(retry_after: Option<&str>) -> ErrorKind {
    let seconds = retry_after.and_then(|value| value.trim().parse::<u64>().ok());
    ErrorKind::RateLimited { retry_after: seconds.map(Duration::from_secs) }
}

fn refused(purpose: Purpose, said: &Said) -> ErrorKind {
    if said.names_absent_number {
        return ErrorKind::NotOnWhatsApp;
    }
    if said.is_not_connected() {
        return ErrorKind::NotConnected;
    }
    match purpose {
        Purpose::Media => ErrorKind::MediaUnavailable,
        Purpose::Plain if said.mentions("instance not found") => ErrorKind::NotFound,
        Purpose::Plain if said.mentions("instance already exists") => ErrorKind::AlreadyExists,
        Purpose::Plain | Purpose::Send => ErrorKind::Rejected,
    }
}

fn failed(purpose: Purpose, said: &Said) -> ErrorKind {
    if said.is_not_connected() {
        return ErrorKind::NotConnected;
    }
    if purpose == Purpose::Media && said.mentions("failed to fetch stream") {
        return ErrorKind::MediaUnavailable;
    }
    ErrorKind::ServerError
}

/// A number is looked up before anything is sent to it, and the schema is checked before anything else. A
/// connection that closes may do so after the message has left, and so may every other failure of a send.
fn certainty_of(purpose: Purpose, kind: &ErrorKind, said: &Said) -> Certainty {
    let may_have_acted = match kind {
        ErrorKind::NotConnected => !said.mentions(NOT_LOADED),
        ErrorKind::Rejected => purpose == Purpose::Send && !said.is_about_the_schema,
        ErrorKind::Unreachable | ErrorKind::TimedOut | ErrorKind::ServerError | ErrorKind::Unexpected => true,
        ErrorKind::Unauthorized
        | ErrorKind::RateLimited { .. }
        | ErrorKind::NotOnWhatsApp
        | ErrorKind::NothingSent
        | ErrorKind::MediaUnavailable
        | ErrorKind::AlreadyExists
        | ErrorKind::TooLarge
        | ErrorKind::NotFound => false,
    };
    if may_have_acted { Certainty::MaybeDelivered } else { Certainty::NotDelivered }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Empty,
    Json,
    Other,
}

#[derive(Debug)]
struct Said {
    form: Form,
    texts: Vec<String>,
    names_absent_number: bool,
    is_about_the_schema: bool,
}

impl Said {
    fn read(body: &[u8]) -> Self {
        let mut said =
            Self { form: Form::Empty, texts: Vec::new(), names_absent_number: false, is_about_the_schema: false };
        if body.trim_ascii().is_empty() {
            return said;
        }
        if let Ok(value @ Value::Object(_)) = wire::parse(body) {
            said.form = Form::Json;
            said.hear_answer(&value);
        } else {
            said.form = Form::Other;
            said.hear(&title_or_line(&String::from_utf8_lossy(body)));
        }
        said
    }

    fn hear_answer(&mut self, answer: &Value) {
        let said = ["message", "messages"].iter().find_map(|key| wire::present(answer, key));
        if let Some(said) = said {
            self.hear_value(said);
        }
        let kind = wire::str_of(answer, "type").unwrap_or_default();
        self.is_about_the_schema |= kind.starts_with("entity.");
        if self.texts.is_empty() {
            let named = ["code", "name", "type", "error"].iter().find_map(|key| wire::str_of(answer, key));
            if let Some(text) = named {
                self.hear(text);
            }
        }
    }

    fn hear_value(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.hear(text),
            Value::Array(items) => items.iter().for_each(|item| self.hear_value(item)),
            Value::Object(_) if wire::flag(value, "exists") == Some(false) => {
                self.names_absent_number = true;
                self.hear(&format!("no such number {}", wire::str_of(value, "jid").unwrap_or_default()));
            }
            Value::Object(map) => {
                self.is_about_the_schema |= map.contains_key("property");
                map.get("message").into_iter().for_each(|message| self.hear_value(message));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Keeps the first line: what follows is a stack or, from the database layer, the message that was sent.
    fn hear(&mut self, text: &str) {
        let line = text.lines().map(str::trim).find(|line| !line.is_empty());
        if let Some(line) = line.filter(|_| self.texts.len() < MOST_TEXTS) {
            self.texts.push(line.to_owned());
        }
    }

    fn mentions(&self, phrase: &str) -> bool {
        self.texts.iter().any(|text| text.to_lowercase().contains(phrase))
    }

    /// The last phrase is how an instance that was never paired fails.
    fn is_not_connected(&self) -> bool {
        self.mentions(NOT_LOADED)
            || self.mentions("connection closed")
            || self.mentions("cannot read properties of undefined (reading 'id')")
    }
}

fn title_or_line(text: &str) -> String {
    if !text.trim_start().starts_with('<') {
        return text.to_owned();
    }
    let title = text.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
    title.map_or_else(|| "an html page".to_owned(), |(title, _)| format!("an html page: {}", title.trim()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every error that was recorded, by what it is read as. Of the rejected sends, those whose schema was refused were
    /// certainly not sent.
    const RECORDED: [(ErrorKind, Certainty, &str); 11] = [
        (
            ErrorKind::Unauthorized,
            Certainty::NotDelivered,
            "chat_mediaData__no_auth chat_whatsappNumbers__no_auth instance_create__bearer_only \
             instance_create__no_apikey instance_create__wrong_apikey instance_create__wrong_apikey_with_valid_bearer \
             instance_fetchInstance__bearer_of_other_instance instance_fetchInstances__bearer_only \
             instance_fetchInstances__no_apikey message_sendText__bad_jwt message_sendText__no_auth \
             webhook_set__no_auth",
        ),
        (
            ErrorKind::NotOnWhatsApp,
            Certainty::NotDelivered,
            "chat_updatePresence__not_on_whatsapp message_sendMedia__not_on_whatsapp message_sendText__after_qr_limit \
             message_sendText__mx_number message_sendText__newsletter message_sendText__not_connected_no_network \
             message_sendText__not_on_whatsapp message_sendText__th_13_digits \
             message_sendText__whatsapp_does_not_answer",
        ),
        (
            ErrorKind::NotConnected,
            Certainty::NotDelivered,
            "chat_findMessages__after_logout instance_fetchInstance__after_401 instance_fetchInstance__apikey \
             instance_fetchInstance__bearer instance_fetchInstance__unknown instance_logout__again \
             message_sendText__after_401 message_sendText__never_connected message_sendText__unknown_instance",
        ),
        (ErrorKind::NotConnected, Certainty::MaybeDelivered, "message_sendText__waiting_qr"),
        (
            ErrorKind::MediaUnavailable,
            Certainty::NotDelivered,
            "chat_mediaData__binary_lottie chat_mediaData__binary_viewOnceV2Extension_audio \
             chat_mediaData__empty_body chat_mediaData__expired_410 chat_mediaData__text_message \
             chat_mediaData__unknown_keyId",
        ),
        (
            ErrorKind::Rejected,
            Certainty::NotDelivered,
            "http_400__malformed_json message_sendLocation__strings message_sendMediaFile__empty_caption \
             message_sendMediaFile__missing_mediatype message_sendMedia__bad_mediatype \
             message_sendReaction__missing_fromMe message_sendText__bad_presence message_sendText__empty_text \
             message_sendText__missing_number message_sendText__missing_textMessage message_sendText__no_body \
             message_sendText__number_not_string message_sendText__number_with_plus \
             message_sendText__options_null_message_id_number message_sendText__quotedMessageId_string \
             message_sendText__text_plain_body chat_deleteMessageForEveryone__missing_id \
             chat_editMessage__by_db_id_string chat_editMessage__missing_text chat_editMessage__unknown \
             chat_findMessages__bad_offset chat_getMediaUrl__s3_media_url_disabled chat_readMessages__messageId_only \
             chat_updatePresence__bad chat_whatsappNumbers__bad group_findGroupInfos__missing \
             group_findGroupInfos__unknown instance_connect__already_connected instance_create__name_not_string \
             instance_delete__again instance_delete__connected instance_delete__with_dependencies \
             instance_refreshToken__garbage instance_refreshToken__missing instance_refreshToken__old_again \
             s3_media_url__expiry webhook_set__bad_types webhook_set__connected_instance \
             webhook_set__loaded_without_events_again webhook_set__missing_enabled",
        ),
        (
            ErrorKind::Rejected,
            Certainty::MaybeDelivered,
            "message_sendMediaFile__no_file message_sendMedia__base64 message_sendMedia__document_url_no_filename \
             message_sendMedia__url_404_with_filename message_sendReaction__remove_empty_string \
             message_sendReaction__remove_space message_sendText__nodb_quotedMessageId \
             message_sendText__quotedMessageId_unknown message_sendText__relay_throws \
             message_sendWhatsAppAudio__url_docker_host",
        ),
        (
            ErrorKind::NotFound,
            Certainty::NotDelivered,
            "http_404__sendButtons_disabled http_404__sendList_disabled http_404__unknown_method \
             http_404__unknown_path http_root instance_connect__unknown instance_fetchInstances__unknown \
             webhook_set__unknown_instance",
        ),
        (
            ErrorKind::AlreadyExists,
            Certainty::NotDelivered,
            "instance_create__duplicate_after_logout instance_create__duplicate_loaded \
             instance_create__duplicate_not_connected instance_create__empty_name instance_create__missing_name",
        ),
        (ErrorKind::TooLarge, Certainty::NotDelivered, "http_413__json_over_100mb"),
        (
            ErrorKind::ServerError,
            Certainty::MaybeDelivered,
            "chat_archiveChat chat_deleteMessageForEveryone__query_without_everyOne \
             chat_deleteMessageForEveryone__unknown chat_findMessages__unknown_device chat_public_download__bad_q \
             chat_public_download__bad_type chat_public_download__documentWithCaption \
             chat_public_download__expired_410 chat_public_download__no_q chat_public_download__viewOnceV2 \
             chat_updatePresence__lid chat_updatePresence__missing_number chat_whatsappNumbers__missing \
             chat_whatsappNumbers__unknown_group instance_create__empty_body \
             message_sendMediaFile__options_as_brackets message_sendMediaFile__path_in_filename \
             message_sendMediaFile__wrong_field message_sendMedia__filename_with_slash \
             message_sendMedia__image_not_an_image message_sendMedia__upload_to_whatsapp_fails \
             message_sendMedia__url_404 message_sendMedia__url_dot_local message_sendMedia__url_refused \
             message_sendMedia__url_refused_with_filename message_sendText__group_unknown \
             message_sendText__number_with_dash message_sendText__number_with_mask \
             message_sendWhatsAppAudio__aac_convert message_sendWhatsAppAudio__webm_convert",
        ),
    ];

    fn recorded(name: &str) -> Option<(Purpose, u16, Vec<u8>)> {
        let path = format!("{}/../../fixtures/codechat/rest/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let fixture: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let status = u16::try_from(fixture.get("response")?.get("status")?.as_u64()?).unwrap();
        let body = match &fixture["response"]["body"] {
            Value::String(text) => text.clone().into_bytes(),
            body => body.to_string().into_bytes(),
        };
        let path = fixture["request"]["path"].as_str().unwrap_or_default();
        let purpose = match path {
            _ if path.starts_with("/message/") => Purpose::Send,
            _ if path.starts_with("/chat/mediaData/") => Purpose::Media,
            _ => Purpose::Plain,
        };
        Some((purpose, status, body))
    }

    fn read(name: &str) -> Error {
        let (purpose, status, body) = recorded(name).unwrap();
        refusal(purpose, StatusCode::from_u16(status).unwrap(), None, &body)
    }

    #[test]
    fn recorded_errors_are_told_apart() {
        for (kind, certainty, names) in RECORDED {
            for name in names.split_whitespace() {
                let error = read(name);
                assert_eq!((&error.kind, error.certainty), (&kind, certainty), "{name}: {}", error.detail);
            }
        }
    }

    #[test]
    fn no_recorded_error_is_left_out() {
        let tabled: Vec<&str> = RECORDED.iter().flat_map(|(_, _, names)| names.split_whitespace()).collect();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/codechat/rest");
        let mut errors = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let name = name.strip_suffix(".json").unwrap();
            if recorded(name).is_some_and(|(_, status, _)| status >= 400) {
                errors += 1;
                assert!(tabled.contains(&name), "{name}");
            }
        }
        assert_eq!(errors, tabled.len());
    }

    #[test]
    fn details_are_short_and_name_no_person_and_no_stack() {
        assert_eq!(read("message_sendText__not_on_whatsapp").detail, "no such number ***@s.whatsapp.net");
        assert_eq!(read("instance_delete__again").detail, "Invalid `this.repository.instance.delete()` invocation in");
        assert_eq!(read("message_sendText__group_unknown").detail, "status 500");
        assert_eq!(read("message_sendMedia__url_404").detail, "EISDIR");
        assert_eq!(read("message_sendText__no_auth").detail, "Unauthorized");
    }

    #[test]
    fn other_servers_and_the_rewrite_are_understood() {
        let table: [(Purpose, u16, &str, ErrorKind); 11] = [
            (Purpose::Plain, 404, "<html><title>404 Not Found</title>", ErrorKind::ServerError),
            (Purpose::Media, 404, "no backend", ErrorKind::ServerError),
            (Purpose::Media, 404, r#"{"message":["Media not found"]}"#, ErrorKind::MediaUnavailable),
            (Purpose::Media, 404, r#"{"message":"Cannot POST /chat/mediaData/x"}"#, ErrorKind::NotFound),
            (Purpose::Media, 410, "", ErrorKind::MediaUnavailable),
            (Purpose::Media, 500, r#"{"message":["Failed to fetch stream from x"]}"#, ErrorKind::MediaUnavailable),
            (Purpose::Media, 500, "{}", ErrorKind::ServerError),
            (Purpose::Send, 502, "<html></html>", ErrorKind::ServerError),
            (Purpose::Send, 400, r#"{"message":["Error: Connection Closed"]}"#, ErrorKind::NotConnected),
            (Purpose::Send, 408, "", ErrorKind::TimedOut),
            (Purpose::Plain, 400, r#"{"statusCode":400,"messages":["Instance not found"]}"#, ErrorKind::NotFound),
        ];
        for (purpose, status, body, kind) in table {
            let error = refusal(purpose, StatusCode::from_u16(status).unwrap(), None, body.as_bytes());
            assert_eq!(error.kind, kind, "{status} {body}");
        }
        let limited = refusal(Purpose::Send, StatusCode::TOO_MANY_REQUESTS, Some("7"), b"");
        assert_eq!(limited.kind, ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(7)) });
    }

    proptest! {
        #[test]
        fn any_answer_is_some_error(status in 300_u16..600, body in prop::collection::vec(any::<u8>(), 0..200)) {
            let error = refusal(Purpose::Send, StatusCode::from_u16(status).unwrap(), None, &body);
            prop_assert_eq!(error.status, Some(status));
            prop_assert!(!error.detail.is_empty() || !body.is_empty());
        }
    }
}
