//! The two calls of the public API that a bridge has use for: contact typing, and the contact's last seen.

use std::sync::Arc;

use axum::extract::{Path, State};

use super::error::{ApiError, ApiResult};
use super::params::Params;
use super::state::{Direction, Shared, State as Rows};
use super::webhooks::{self, Event};
use crate::clock;

type Target = (String, String, u64);

/// A source id with a dot does not route in the original.
fn find(state: &Rows, (identifier, source_id, display): &Target) -> ApiResult<usize> {
    if source_id.contains('.') {
        return Err(ApiError::NotFoundEmpty);
    }
    let inbox = state.inboxes.values().find(|inbox| inbox.identifier == *identifier).ok_or(ApiError::NotFoundEmpty)?;
    let link = state.by_source.get(&(inbox.id, source_id.clone())).ok_or(ApiError::NotFoundEmpty)?;
    let index = state.find_conversation(inbox.account, *display).ok_or(ApiError::NotFoundEmpty)?;
    if state.conversations[index].contact_inbox == *link { Ok(index) } else { Err(ApiError::NotFoundEmpty) }
}

pub(super) async fn toggle_typing(
    State(shared): State<Arc<Shared>>,
    Path(target): Path<Target>,
    params: Params,
) -> ApiResult<()> {
    let event = {
        let state = shared.lock();
        let conversation = find(&state, &target)?;
        let mut user = state.contact_push(state.conversations[conversation].contact);
        if let Some(user) = user.as_object_mut() {
            user.remove("type");
        }
        let is_on = params.text("typing_status").as_deref() == Some("on");
        Event::Typing { conversation, user, is_on, is_private: false }
    };
    webhooks::fire(&shared, vec![event]);
    Ok(())
}

/// Marks everything sent so far as read, with one update each.
pub(super) async fn update_last_seen(State(shared): State<Arc<Shared>>, Path(target): Path<Target>) -> ApiResult<()> {
    let events = {
        let mut guard = shared.lock();
        let state = &mut *guard;
        let conversation = find(state, &target)?;
        state.conversations[conversation].contact_last_seen_ms = clock::now_ms();
        let messages = state.conversations[conversation].messages.clone();
        let is_unread = |index: &usize| {
            let message = &state.messages[*index];
            message.direction != Direction::Incoming && matches!(message.status.as_str(), "sent" | "delivered")
        };
        let unread: Vec<usize> = messages.into_iter().filter(is_unread).collect();
        unread
            .into_iter()
            .filter(|index| state.set_message_status(*index, "read", None))
            .map(Event::MessageUpdated)
            .collect()
    };
    webhooks::fire(&shared, events);
    Ok(())
}
