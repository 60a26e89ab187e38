//! An HTTP/1 server on one fixed address that can be stopped, reopened, and told to reset a connection.
//!
//! Invariant: after [`Server::stop`] returns the port refuses connections and no request is being answered.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use axum::Router;
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::SimError;

/// Marks a response that must never be written: the connection is reset instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResetMark;

/// The response that stands for "reset this connection".
pub(crate) fn reset_response() -> Response {
    let mut response = ().into_response();
    response.extensions_mut().insert(ResetMark);
    response
}

#[derive(Debug, thiserror::Error)]
#[error("the connection was reset on purpose")]
struct ResetRequested;

/// A server that keeps its address for as long as it lives.
#[derive(Debug)]
pub(crate) struct Server {
    addr: SocketAddr,
    router: Router,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    cancel: CancellationToken,
    tasks: TaskTracker,
}

/// Binds `addr`; port 0 picks a free one.
pub(crate) async fn listen(addr: SocketAddr) -> Result<TcpListener, SimError> {
    TcpListener::bind(addr).await.map_err(|source| SimError::Listen { addr, source })
}

impl Server {
    pub(crate) fn start(listener: TcpListener, addr: SocketAddr, router: Router) -> Self {
        let running = Running::spawn(listener, &router);
        Self { addr, router, running: Mutex::new(Some(running)) }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Closes the port and drops every connection. The state behind the router stays.
    pub(crate) async fn stop(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running {
            running.cancel.cancel();
            running.tasks.close();
            running.tasks.wait().await;
        }
    }

    /// Opens the same port again.
    pub(crate) async fn reopen(&self) -> Result<(), SimError> {
        self.stop().await;
        let listener = listen(self.addr).await?;
        let running = Running::spawn(listener, &self.router);
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(running) = self.running.lock().unwrap_or_else(PoisonError::into_inner).take() {
            running.cancel.cancel();
        }
    }
}

impl Running {
    fn spawn(listener: TcpListener, router: &Router) -> Self {
        let cancel = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(accept(listener, router.clone(), cancel.clone(), tasks.clone()));
        Self { cancel, tasks }
    }
}

async fn accept(listener: TcpListener, router: Router, cancel: CancellationToken, tasks: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        let (router, cancel) = (router.clone(), cancel.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = cancel.cancelled() => (),
                () = serve(stream, router) => (),
            }
        });
    }
}

async fn serve(stream: TcpStream, router: Router) {
    stream.set_nodelay(true).ok();
    let inner = TowerToHyperService::new(router);
    let service = service_fn(move |request| {
        let answer = inner.call(request);
        Box::pin(async move {
            let response: Result<Response, Infallible> = answer.await;
            let Ok(response) = response;
            if response.extensions().get::<ResetMark>().is_some() {
                return Err(ResetRequested);
            }
            Ok(response)
        })
    });
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let ended = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    if ended.is_err() {
        connection.into_parts().io.into_inner().set_zero_linger().ok();
    }
}
