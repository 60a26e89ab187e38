//! The bytes of a message.
//!
//! The server is given the innermost media message itself, which works when it stores nothing, and for the voice
//! notes and stickers whose wrappers it does not open.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use reqwest::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderMap, HeaderName};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::client::Client;
use crate::error::{Certainty, Error, ErrorKind};
use crate::wire;

/// A media that has begun to come.
pub struct MediaStream {
    /// Media type, as the sender claims it.
    pub content_type: Option<String>,
    /// Name of the file, as the sender claims it: not fit for a path.
    pub file_name: Option<String>,
    /// Length, seldom told.
    pub content_length: Option<u64>,
    /// The bytes, as they come. There is no limit on their number: the reader sets one.
    pub body: BoxStream<'static, Result<Bytes, Error>>,
}

impl fmt::Debug for MediaStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaStream")
            .field("content_type", &self.content_type)
            .field("content_length", &self.content_length)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Begins to fetch the bytes of a media message that [`unwrap_content`](crate::unwrap_content) has laid bare.
    pub async fn media(&self, name: &str, message_type: &str, content: &Value) -> Result<MediaStream, Error> {
        let mut content = content.clone();
        // With the bytes of a message of its own the server would begin an answer and never end it.
        wire::normalise_bytes(&mut content);
        let call = self.call("media", Method::POST, &["chat", "mediaData", name]);
        let call = call.for_media(self.deadlines().media).query(&[("binary", "true")]);
        let body = json!({ "messageType": message_type, "content": content });
        let response = call.json(&body).open().await?;
        Ok(begun(response, self.deadlines().silence))
    }
}

fn begun(response: Response, silence: Duration) -> MediaStream {
    let headers = response.headers();
    MediaStream {
        content_type: header(headers, &CONTENT_TYPE).map(str::to_owned),
        file_name: header(headers, &CONTENT_DISPOSITION).and_then(file_name),
        content_length: response.content_length(),
        body: body_of(response, silence),
    }
}

fn body_of(response: Response, silence: Duration) -> BoxStream<'static, Result<Bytes, Error>> {
    let chunks = stream::try_unfold(response, move |mut response| async move {
        let silent = |_| Error::new(ErrorKind::TimedOut, Certainty::MaybeDelivered, "the answer does not go on");
        let chunk =
            tokio::time::timeout(silence, response.chunk()).await.map_err(silent)?.map_err(Error::broken_off)?;
        Ok(chunk.map(|bytes| (bytes, response)))
    });
    chunks.boxed()
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The name in `inline; filename="…"`, which the server percent-encodes. A message without an id of its own is called
/// `undefined`, which is no name.
fn file_name(disposition: &str) -> Option<String> {
    let (_, name) = disposition.split_once("filename=")?;
    let name = name.trim().trim_start_matches('"');
    let name = name.split(['"', ';']).next()?;
    let name = percent_decoded(name);
    let is_name = !name.is_empty() && name != "undefined" && !name.starts_with("undefined.");
    is_name.then_some(name)
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%').then(|| hex_byte(after)).flatten();
        out.push(escaped.unwrap_or(first));
        rest = after.get(if escaped.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digit = |index: usize| char::from(*digits.get(index)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn file_names_are_decoded() {
        let table = [
            ("inline; filename=\"Or%C3%A7amento%20n%C2%BA%201.pdf\"", Some("Orçamento nº 1.pdf")),
            ("inline; filename=\"3A00000000000MEDIAPTT.oga\"", Some("3A00000000000MEDIAPTT.oga")),
            ("inline; filename=100%.txt; x=1", Some("100%.txt")),
            ("inline; filename=\"undefined.jpg\"", None),
            ("inline; filename=\"\"", None),
            ("inline", None),
        ];
        for (disposition, expected) in table {
            assert_eq!(file_name(disposition).as_deref(), expected, "{disposition}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read(text in ".*") {
            drop(file_name(&format!("filename={text}")));
        }
    }
}
