//! Failures: what kind they are and whether the call may have had its effect.

use std::time::Duration;

use chatwoot::{Certainty, Client, Direction, Error, ErrorKind, Message, NewMessage};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;

use crate::support::{Server, TOKEN, client, response, rest};

async fn create(client: &Client) -> Result<Message, Error> {
    client.create_message(42, &NewMessage::new(Direction::Incoming)).await
}

/// What a server does with a connection once it has read from it.
enum Behaviour {
    Answer(&'static [u8]),
    Close,
    Silence,
}

async fn raw_server(behaviour: Behaviour) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        assert!(socket.read(&mut request).await.unwrap() > 0);
        match behaviour {
            Behaviour::Answer(bytes) => socket.write_all(bytes).await.unwrap(),
            Behaviour::Close => {}
            Behaviour::Silence => std::future::pending().await,
        }
    });
    Url::parse(&url).unwrap()
}

#[tokio::test]
async fn nobody_listening_is_certainly_not_delivered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let error = create(&client(url)).await.unwrap_err();
    assert_eq!((error.kind.clone(), error.certainty), (ErrorKind::Unreachable, Certainty::NotDelivered));
    assert!(error.is_certain() && error.status.is_none());
}

#[tokio::test]
async fn a_connection_that_breaks_may_have_delivered() {
    let error = create(&client(raw_server(Behaviour::Close).await)).await.unwrap_err();
    assert_eq!((error.kind, error.certainty), (ErrorKind::Unreachable, Certainty::MaybeDelivered));
}

#[tokio::test]
async fn silence_is_a_timeout_that_may_have_delivered() {
    let url = raw_server(Behaviour::Silence).await;
    let short = Duration::from_millis(50);
    let error = create(&client(url).with_deadlines(short, short)).await.unwrap_err();
    assert_eq!((error.kind, error.certainty), (ErrorKind::TimedOut, Certainty::MaybeDelivered));
}

#[tokio::test]
async fn an_answer_cut_off_is_neither_a_success_nor_nobody() {
    for head in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"id\":"[..],
        &b"HTTP/1.1 404 Not Found\r\nContent-Length: 900\r\n\r\n"[..],
    ] {
        let client = client(raw_server(Behaviour::Answer(head)).await);
        let error = client.find_contact_inbox(3, "5511988887777").await.unwrap_err();
        assert_eq!((error.kind, error.certainty), (ErrorKind::Unreachable, Certainty::MaybeDelivered));
        assert!(error.status.is_some());
    }
}

#[tokio::test]
async fn answers_that_are_not_chatwoots_may_have_delivered() {
    let server = Server::start().await;
    for (body, detail) in [
        ("<html>dashboard</html>", "the answer is not json"),
        ("", "the answer is not json"),
        ("{}", "the answer lacks `id`"),
        ("[]", "the answer lacks `id`"),
        ("{\"id\":1}", "the answer lacks `conversation_id`"),
    ] {
        server.answers(response(200, &[], body));
        let error = create(&server.client()).await.unwrap_err();
        assert_eq!((error.kind, error.certainty), (ErrorKind::Unexpected, Certainty::MaybeDelivered), "{body}");
        assert_eq!((error.detail.as_str(), error.status), (detail, Some(200)));
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let server = Server::start().await;
    server.answers(response(200, &[], vec![b' '; 9 * 1024 * 1024]));
    let error = create(&server.client()).await.unwrap_err();
    assert_eq!((error.kind, error.detail.as_str()), (ErrorKind::Unexpected, "the answer is too long"));
    assert_eq!(error.certainty, Certainty::MaybeDelivered);
}

#[tokio::test]
async fn a_redirect_of_the_api_is_not_followed_and_names_its_origin() {
    let (server, canary) = (Server::start().await, Server::start().await);
    server.answers(response(301, &[("location", &format!("{}login?token=x", canary.url))], ""));
    let error = create(&server.client()).await.unwrap_err();
    assert_eq!((error.kind.clone(), error.certainty), (ErrorKind::Unexpected, Certainty::NotDelivered));
    assert_eq!(error.status, Some(301));
    assert!(error.detail.contains("127.0.0.1") && !error.detail.contains("token"), "{error}");
    assert_eq!(canary.asked().len(), 0);
}

#[tokio::test]
async fn refusals_reach_the_caller_with_their_kind() {
    let server = Server::start().await;
    let errors = rest("errors");
    server.answers_json(401, &errors["401_bad_token"]).answers_json(422, &errors["422_source_id"]);
    server.answers(response(429, &[("retry-after", "7"), ("content-type", "text/plain")], "Retry later\n"));
    server.answers_json(500, &json!({ "status": 500, "error": "Internal Server Error" }));
    let client = server.client();
    let kinds = [
        (ErrorKind::Unauthorized, Certainty::NotDelivered),
        (ErrorKind::Taken { attributes: vec!["source_id".to_owned()] }, Certainty::NotDelivered),
        (ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(7)) }, Certainty::NotDelivered),
        (ErrorKind::ServerError, Certainty::MaybeDelivered),
    ];
    for (kind, certainty) in kinds {
        let error = create(&client).await.unwrap_err();
        assert_eq!((error.kind, error.certainty), (kind, certainty));
    }
}

#[tokio::test]
async fn no_error_holds_a_phone_number_or_the_token() {
    let server = Server::start().await;
    let echo = format!("no route for 5511988887777 with {TOKEN}");
    server.answers(response(400, &[], echo));
    let told = server.client().conversations_of(3, "5511988887777").await.unwrap_err();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let unreachable = client(url).conversations_of(3, "maria-5511988887777").await.unwrap_err();
    for error in [told, unreachable] {
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("maria") && !shown.contains("5511988887777") && !shown.contains(TOKEN), "{shown}");
        assert!(!error.detail.is_empty());
    }
}

#[tokio::test]
async fn a_token_that_is_no_header_is_refused_before_anything_is_sent() {
    let server = Server::start().await;
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = Client::new(reqwest::Client::new(), server.url.clone(), 7, "new\nline".into());
    let error = create(&client).await.unwrap_err();
    assert_eq!((error.kind, error.certainty), (ErrorKind::Unauthorized, Certainty::NotDelivered));
    assert_eq!(server.asked().len(), 0);
}
