//! Fetching the bytes of an attachment.
//!
//! Invariants: the token is never sent, for a signed address needs none and a redirect may lead anywhere; every
//! address passes the guard before it is asked; at most three redirects are followed.
//!
//! A `data_url` starts with the address the server believes it has, which is often wrong from outside. Whatever
//! lies below `/rails/active_storage` is therefore asked from the configured server.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use url::Url;

use crate::classify::store_refusal;
use crate::client::{Client, retry_after};
use crate::error::Error;

const MOST_REDIRECTS: usize = 3;
/// Longest silence in the middle of a download.
const LONGEST_SILENCE: Duration = Duration::from_secs(15);
const STORAGE_PATH: &str = "/rails/active_storage/";

/// A download that has begun.
pub struct Download {
    /// Media type the store tells.
    pub content_type: Option<String>,
    /// Length the store tells; the stream may end earlier with an error, never silently.
    pub content_length: Option<u64>,
    /// The bytes, as they come. There is no limit on their number: the reader sets one.
    pub body: BoxStream<'static, Result<Bytes, Error>>,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("content_type", &self.content_type)
            .field("content_length", &self.content_length)
            .finish_non_exhaustive()
    }
}

/// Why a download did not begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DownloadError {
    /// The address, or one it redirects to, is not one to ask.
    #[error("address refused: {0}")]
    Refused(String),
    /// The store did not give the file. A file that was just uploaded may be
    /// [`NotFound`](crate::ErrorKind::NotFound) for some seconds.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// What a resolver answers for a name that may not be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NameRefused(pub &'static str);

impl Client {
    /// Begins to download `data_url`. `guard` sees every address before it is asked and may refuse it. Other servers are asked
    /// through the client of [`Self::with_stores`].
    pub async fn download<R: fmt::Display>(
        &self,
        data_url: &str,
        guard: impl Fn(&Url) -> Result<(), R>,
    ) -> Result<Download, DownloadError> {
        let parsed = Url::parse(data_url).or_else(|_| self.base.join(data_url));
        let mut url = parsed.map_err(|_| refused("not an address"))?;
        for _hop in 0..=MOST_REDIRECTS {
            url = self.addressed(url)?;
            guard(&url).map_err(|reason| DownloadError::Refused(reason.to_string()))?;
            let response = self.fetch(url.clone()).await?;
            match redirect_target(&url, &response)? {
                Some(target) => url = target,
                None => return Ok(begun(response)?),
            }
        }
        Err(Error::local("the file store redirects too often").into())
    }

    /// The address to ask for `url`: web only, without credentials, and at the configured server when it is the
    /// server's own storage.
    fn addressed(&self, mut url: Url) -> Result<Url, DownloadError> {
        if let Some((_, below)) = url.path().split_once(STORAGE_PATH) {
            let mut path = self.base.path().trim_end_matches('/').to_owned();
            path.push_str(STORAGE_PATH);
            path.push_str(below);
            let query = url.query().map(str::to_owned);
            url = self.base.clone();
            url.set_path(&path);
            url.set_query(query.as_deref());
            return Ok(url);
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused("not a web address"));
        }
        let cleared = url.set_username("").and_then(|()| url.set_password(None));
        cleared.map_err(|()| refused("not a web address"))?;
        Ok(url)
    }

    async fn fetch(&self, url: Url) -> Result<Response, DownloadError> {
        let http = if url.origin() == self.base.origin() { &self.http } else { &self.stores };
        let answer = tokio::time::timeout(self.call_deadline, http.get(url).send()).await;
        let answer = answer.map_err(|_| Error::timed_out("the file store did not answer"))?;
        answer.map_err(|error| match name_refused(&error) {
            Some(reason) => refused(reason),
            None => Error::transport(error).into(),
        })
    }
}

fn name_refused(error: &reqwest::Error) -> Option<&'static str> {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(NameRefused(reason)) = error.downcast_ref() {
            return Some(reason);
        }
        cause = error.source();
    }
    None
}

fn refused(reason: &str) -> DownloadError {
    DownloadError::Refused(reason.to_owned())
}

fn redirect_target(url: &Url, response: &Response) -> Result<Option<Url>, DownloadError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let target = location.and_then(|location| url.join(location).ok());
    target.map(Some).ok_or_else(|| refused("a redirect to nowhere"))
}

fn begun(response: Response) -> Result<Download, Error> {
    let status = response.status();
    if !status.is_success() {
        return Err(store_refusal(status, retry_after(response.headers()).as_deref()));
    }
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Ok(Download {
        content_type: content_type.map(str::to_owned),
        content_length: response.content_length(),
        body: body_of(response),
    })
}

fn body_of(response: Response) -> BoxStream<'static, Result<Bytes, Error>> {
    let chunks = stream::try_unfold(response, |mut response| async move {
        let chunk = tokio::time::timeout(LONGEST_SILENCE, response.chunk()).await;
        let chunk = chunk.map_err(|_| Error::timed_out("the download fell silent"))?;
        let chunk = chunk.map_err(Error::transport)?;
        Ok(chunk.map(|bytes| (bytes, response)))
    });
    chunks.boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addressed(base: &str, url: &str) -> Result<String, DownloadError> {
        let provider = rustls::crypto::ring::default_provider();
        drop(provider.install_default());
        let client = Client::new(reqwest::Client::new(), Url::parse(base).unwrap(), 1, "t".into());
        client.addressed(Url::parse(url).unwrap()).map(Url::into)
    }

    #[test]
    fn storage_of_the_server_is_asked_from_the_configured_server() {
        let below = "/rails/active_storage/blobs/redirect/eyJ--s/a%20b.pdf?disposition=inline";
        for wrong in ["http://0.0.0.0:3000", "https://localhost", "http://https//chat.example.com", "ftp://x"] {
            let url = addressed("https://chat.example.com:8443", &format!("{wrong}{below}"));
            assert_eq!(url, Ok(format!("https://chat.example.com:8443{below}")), "{wrong}");
        }
        let url = addressed("https://example.com/chat/", &format!("http://x{below}"));
        assert_eq!(url, Ok(format!("https://example.com/chat{below}")));
    }

    #[test]
    fn other_addresses_stay_and_lose_their_credentials() {
        let url = addressed("https://chat.example.com", "https://u:p@bucket.s3.example.com/key?sig=1");
        assert_eq!(url, Ok("https://bucket.s3.example.com/key?sig=1".to_owned()));
        let file = addressed("https://chat.example.com", "file:///etc/passwd");
        assert_eq!(file, Err(refused("not a web address")));
    }
}
