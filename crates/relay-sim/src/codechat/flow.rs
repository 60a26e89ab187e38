//! Files that are never whole: huge, endless or slow ones, made while they are read and held nowhere.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

/// As much as is handed over at once.
const PIECE: usize = 64 * 1024;
static ZEROS: [u8; PIECE] = [0; PIECE];

/// How a file comes. All of it is zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaFlow {
    /// So many bytes, as fast as they are taken.
    Huge {
        /// How many.
        bytes: u64,
    },
    /// It never ends.
    Endless,
    /// It never ends and comes so slowly, by the clock on the wall: who reads it waits there too.
    Slow {
        /// How slowly.
        bytes_per_second: u32,
    },
}

/// A file that comes in its own way, and how much of it was taken so far.
#[derive(Debug, Clone)]
pub(super) struct Flowing {
    pub(super) flow: MediaFlow,
    pub(super) taken: Arc<AtomicU64>,
}

impl Flowing {
    pub(super) fn new(flow: MediaFlow) -> Self {
        Self { flow, taken: Arc::default() }
    }

    /// The answer whose body is this file.
    pub(super) fn response(self, mime: &str) -> Response {
        let pieces = stream::unfold((self, 0_u64), |(flowing, sent)| async move {
            let piece = flowing.next(sent).await?;
            let length = piece.len() as u64;
            flowing.taken.fetch_add(length, Ordering::Relaxed);
            Some((Ok::<_, Infallible>(piece), (flowing, sent + length)))
        });
        ([("content-type", mime)], Body::from_stream(pieces)).into_response()
    }

    async fn next(&self, sent: u64) -> Option<Bytes> {
        match self.flow {
            MediaFlow::Huge { bytes } => {
                let left = usize::try_from(bytes.saturating_sub(sent)).unwrap_or(PIECE).min(PIECE);
                (left > 0).then(|| Bytes::from_static(&ZEROS[..left]))
            }
            MediaFlow::Endless => Some(Bytes::from_static(&ZEROS)),
            MediaFlow::Slow { bytes_per_second } => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let piece = usize::try_from(bytes_per_second).unwrap_or(PIECE).clamp(1, PIECE);
                Some(Bytes::from_static(&ZEROS[..piece]))
            }
        }
    }
}
