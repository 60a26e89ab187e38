//! The server: connections with timeouts, one log line per request, a stop that waits for what is in hand.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// How long a connection may take over its next headers, the time between two requests included. Whoever pauses longer
/// connects anew.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest headers taken, in bytes.
const MAX_HEADERS: usize = 16 * 1024;
/// Connections open at the same time. Further ones wait in the socket's queue, which takes about a thousand.
const MAX_CONNECTIONS: usize = 768;
/// How long callers that were just connected have for their first word once the process is to stop.
const FIRST_WORD: Duration = Duration::from_millis(250);
/// How long open requests may take once the process is to stop.
const DRAIN: Duration = Duration::from_secs(3);

/// Serves until told to stop, then finishes the requests in hand.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(MAX_HEADERS);
    // a sender that says it will send no more still gets its webhook stored
    http.half_close(true);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let (place, stream) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // out of file descriptors, most likely: others will be freed
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let connection = http.serve_connection(prepare(stream), service(router.clone()));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    // a connection that has not said anything yet would be closed, with its request on the way
    tokio::time::sleep(FIRST_WORD).await;
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still open when the relay stopped");
    }
}

/// The next connection, once there is a place for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> std::io::Result<(OwnedSemaphorePermit, TcpStream)> {
    let place = places.clone().acquire_owned().await.expect("nobody closes the semaphore");
    listener.accept().await.map(|(stream, _)| (place, stream))
}

fn prepare(stream: TcpStream) -> TokioIo<TcpStream> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps Nagle's delay");
    }
    TokioIo::new(stream)
}

fn service(
    router: Router,
) -> impl hyper::service::Service<
    hyper::Request<Incoming>,
    Response = Response,
    Error = Infallible,
    Future = impl Future<Output = Result<Response, Infallible>> + Send,
> {
    service_fn(move |request: hyper::Request<Incoming>| router.clone().oneshot(request.map(axum::body::Body::new)))
}

/// One line per request, with the route and not the path: paths and queries hold secrets.
pub(crate) async fn log_request(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let duration_us = started.elapsed().as_micros();
    if response.status().is_success() {
        tracing::debug!(%method, route, status, duration_us, "request");
    } else {
        tracing::info!(%method, route, status, duration_us, "request refused");
    }
    response
}
