//! Lists come page by page.

use serde::Serialize;
use utoipa::ToSchema;

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Page<T> {
    pub(crate) data: Vec<T>,
    /// Goes into `cursor` for the page after; null on the last.
    pub(crate) next: Option<String>,
}
