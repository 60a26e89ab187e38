//! Downloads: whom they ask, what they send, where they stop.

use std::convert::Infallible;
use std::sync::Mutex;

use chatwoot::{Certainty, Download, DownloadError, ErrorKind};
use futures_util::TryStreamExt as _;
use url::Url;

use crate::support::{Server, response};

const BLOB: &str = "/rails/active_storage/blobs/redirect/eyJ--s/a%20b.pdf?disposition=inline";

#[expect(clippy::unnecessary_wraps, reason = "a guard answers whether it refuses")]
fn anything(_: &Url) -> Result<(), Infallible> {
    Ok(())
}

async fn bytes_of(download: Download) -> Vec<u8> {
    let chunks: Vec<_> = download.body.try_collect().await.unwrap();
    chunks.concat()
}

fn redirect_to(location: &str) -> axum::http::Response<axum::body::Body> {
    response(302, &[("location", location)], "")
}

#[tokio::test]
async fn a_redirect_to_a_store_is_followed_without_the_token() {
    let (server, store) = (Server::start().await, Server::start().await);
    server.answers(redirect_to(&format!("{}bucket/key?sig=1", store.url)));
    store.answers(response(200, &[("content-type", "application/pdf")], "PDF bytes"));
    let seen = Mutex::new(Vec::new());
    let guard = |url: &Url| {
        seen.lock().unwrap().push(url.to_string());
        Ok::<_, Infallible>(())
    };
    let download = server.client().download(&format!("http://0.0.0.0:3000{BLOB}"), guard).await.unwrap();
    assert_eq!(download.content_type.as_deref(), Some("application/pdf"));
    assert_eq!(download.content_length, Some(9));
    assert_eq!(bytes_of(download).await, b"PDF bytes");

    assert_eq!(server.only().line(), format!("GET {BLOB}"));
    assert_eq!(store.only().line(), "GET /bucket/key?sig=1");
    for asked in [server.only(), store.only()] {
        for name in ["api-access-token", "api_access_token", "authorization", "cookie", "referer"] {
            assert_eq!(asked.header(name), None, "{name}");
        }
    }
    let origin = server.url.as_str().trim_end_matches('/');
    assert_eq!(seen.into_inner().unwrap(), [format!("{origin}{BLOB}"), format!("{}bucket/key?sig=1", store.url)]);
}

#[tokio::test]
async fn the_guard_is_asked_before_each_address() {
    let (server, canary) = (Server::start().await, Server::start().await);
    server.answers(redirect_to(canary.url.as_str()));
    let own_port = server.url.port();
    let guard = |url: &Url| {
        if url.port() == own_port { Ok(()) } else { Err("not ours") }
    };
    let error = server.client().download(BLOB, guard).await.unwrap_err();
    assert_eq!(error, DownloadError::Refused("not ours".to_owned()));
    assert_eq!((server.asked().len(), canary.asked().len()), (1, 0));

    let error = server.client().download(BLOB, |_: &Url| Err("never")).await.unwrap_err();
    assert_eq!(error, DownloadError::Refused("never".to_owned()));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_redirect_within_the_storage_stays_at_the_configured_server() {
    let server = Server::start().await;
    server.answers(redirect_to("http://localhost/rails/active_storage/disk/abc/a.pdf?x=1"));
    server.answers(response(200, &[], "disk"));
    let download = server.client().download(BLOB, anything).await.unwrap();
    assert_eq!(bytes_of(download).await, b"disk");
    assert_eq!(server.asked()[1].line(), "GET /rails/active_storage/disk/abc/a.pdf?x=1");
}

#[tokio::test]
async fn three_redirects_are_followed_and_the_fourth_is_not() {
    for (redirects, reached) in [(3, true), (4, false)] {
        let server = Server::start().await;
        for hop in 0..redirects {
            server.answers(redirect_to(&format!("/hop/{hop}")));
        }
        server.answers(response(200, &[], "there"));
        let result = server.client().download(BLOB, anything).await;
        assert_eq!(result.is_ok(), reached, "{redirects}");
        assert_eq!(server.asked().len(), 4, "{redirects}");
    }
}

#[tokio::test]
async fn addresses_off_the_web_are_refused() {
    let server = Server::start().await;
    for address in ["file:///etc/passwd", "ftp://x/y", "javascript:alert(1)", "http://", "data:text/plain,x"] {
        let result = server.client().download(address, anything).await;
        assert!(matches!(result, Err(DownloadError::Refused(_))), "{address}: {result:?}");
    }
    server.answers(redirect_to("file:///etc/passwd")).answers(response(302, &[], ""));
    for _ in 0..2 {
        let result = server.client().download(BLOB, anything).await;
        assert!(matches!(result, Err(DownloadError::Refused(_))), "{result:?}");
    }
}

#[tokio::test]
async fn a_store_that_does_not_have_the_file_yet_says_not_found() {
    let server = Server::start().await;
    for (status, kind) in [
        (404, ErrorKind::NotFound),
        (403, ErrorKind::NotFound),
        (500, ErrorKind::ServerError),
        (304, ErrorKind::Invalid),
    ] {
        server.answers(response(status, &[], "<Error><Code>NoSuchKey</Code></Error>"));
        let Err(DownloadError::Failed(error)) = server.client().download(BLOB, anything).await else {
            panic!("{status} is not a file");
        };
        assert_eq!((error.kind, error.status), (kind, Some(status)));
    }
}

#[tokio::test]
async fn a_body_that_ends_early_ends_in_an_error() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        assert!(socket.read(&mut request).await.unwrap() > 0);
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").await.unwrap();
    });
    let download = crate::support::client(url).download(BLOB, anything).await.unwrap();
    assert_eq!(download.content_length, Some(100));
    let error = download.body.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!((error.kind, error.certainty), (ErrorKind::Unreachable, Certainty::MaybeDelivered));
}
