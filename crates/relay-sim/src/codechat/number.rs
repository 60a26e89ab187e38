//! From what the caller wrote to the JID WhatsApp answers, or to the error it becomes.

use super::error::{ApiError, ApiResult};
use super::state::{ConnectionState, State};

/// Checks the schema: text that begins with digits.
pub(super) fn check_format(number: &serde_json::Value) -> ApiResult<&str> {
    if number.is_null() {
        return Err(ApiError::missing("number"));
    }
    let text = number.as_str().unwrap_or_default();
    if text.len() < 2 || !text.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(ApiError::property("number", "Invalid format"));
    }
    Ok(text)
}

/// The JID before WhatsApp is asked.
pub(super) fn to_jid(number: &str) -> ApiResult<String> {
    if number.contains('@') {
        return Ok(number.to_owned());
    }
    if !number.chars().all(|letter| letter.is_ascii_digit()) {
        // A dash makes it a group that nobody knows.
        return Err(ApiError::uncaught());
    }
    let user = if number.starts_with("55") { without_ninth_digit(number) } else { foreign(number) };
    Ok(format!("{user}@s.whatsapp.net"))
}

/// Area codes from 31 up lose the ninth digit.
fn without_ninth_digit(number: &str) -> String {
    let area: u32 = number.get(2..4).and_then(|area| area.parse().ok()).unwrap_or(0);
    let mobile = number.get(5..6).is_some_and(|digit| digit >= "7");
    match (number.get(..4), number.get(5..)) {
        (Some(head), Some(tail)) if number.len() == 13 && area >= 31 && mobile => format!("{head}{tail}"),
        _ => number.to_owned(),
    }
}

/// Thirteen digits that do not begin with 55 come out as the word `undefined`.
fn foreign(number: &str) -> String {
    if number.len() == 13 { "undefined".to_owned() } else { number.to_owned() }
}

/// Asks "WhatsApp". A closed socket and an unknown number give the same answer.
pub(super) fn resolve(state: &mut State, instance: &str, number: &str) -> ApiResult<String> {
    let jid = to_jid(number)?;
    let Some(found) = state.loaded(instance) else {
        return Err(ApiError::not_loaded(instance));
    };
    if found.state == ConnectionState::Connecting && found.owner_jid.is_none() {
        return Err(ApiError::bad_request(serde_json::json!([
            "TypeError: Cannot read properties of undefined (reading 'id')"
        ])));
    }
    let is_down = found.state != ConnectionState::Open;
    let user = jid.split('@').next().unwrap_or_default();
    let unknown = state.not_on_whatsapp.contains(user) || state.not_on_whatsapp.contains(&jid);
    if unknown && jid.ends_with("@g.us") {
        return Err(ApiError::uncaught());
    }
    if is_down || unknown || user == "undefined" || jid.ends_with("@newsletter") {
        return Err(ApiError::not_exists(&jid));
    }
    Ok(state.canonical(jid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_jids_the_way_the_original_does_it() {
        let cases = [
            ("5511900000001", "5511900000001@s.whatsapp.net"),
            ("5531987654321", "553187654321@s.whatsapp.net"),
            ("5215512345678", "undefined@s.whatsapp.net"),
            ("5215512345678@s.whatsapp.net", "5215512345678@s.whatsapp.net"),
            ("447700900123", "447700900123@s.whatsapp.net"),
        ];
        for (number, jid) in cases {
            assert_eq!(to_jid(number).unwrap(), jid);
        }
        assert!(to_jid("5511-900000001").is_err());
    }
}
