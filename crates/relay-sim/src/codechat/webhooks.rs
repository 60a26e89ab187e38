//! Telling the receiver: event names, the envelope, the un-awaited fan-out.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::state::{Instance, Shared};
use super::urls::is_url;
use crate::hooks::Outgoing;

/// A webhook addressed and built, waiting to be posted.
#[derive(Debug)]
pub(super) struct Post {
    key: String,
    event: &'static str,
    urls: Vec<String>,
    owner: Option<String>,
    body: Bytes,
}

/// Builds the webhook for `data`, or nothing when nobody listens to `event`.
pub(super) fn prepare(
    shared: &Shared,
    instance: &Instance,
    event: &'static str,
    key: String,
    data: &Value,
) -> Option<Post> {
    let body = json!({"event": event, "instance": instance.envelope(), "data": data});
    prepare_raw(shared, instance, event, key, &body)
}

/// Builds a webhook with an arbitrary body.
pub(super) fn prepare_raw(
    shared: &Shared,
    instance: &Instance,
    event: &'static str,
    key: String,
    body: &Value,
) -> Option<Post> {
    let own = instance.webhook.as_ref().filter(|hook| hook.enabled && hook.wants(event)).map(|hook| hook.url.clone());
    let global = shared.global_webhook.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let global = global.filter(|url| is_url(url));
    let urls: Vec<String> = own.into_iter().chain(global).collect();
    if urls.is_empty() {
        return None;
    }
    let body = Bytes::from(serde_json::to_vec(body).expect("a JSON value can always be written"));
    Some(Post { key, event, urls, owner: instance.owner_jid.clone(), body })
}

/// Posts in the background: instance hook first, then, after its answer, the global hook. One attempt each.
pub(super) fn fire(shared: &Arc<Shared>, post: Option<Post>) {
    fire_after(shared, Duration::ZERO, post);
}

/// As [`fire`], some time later.
pub(super) fn fire_after(shared: &Arc<Shared>, delay: Duration, post: Option<Post>) {
    let Some(post) = post else { return };
    let schedule = shared.poster.schedule();
    if schedule.is_empty() {
        shared.poster.record_drop(post.key, post.event.to_owned());
        shared.changes.bump();
        return;
    }
    let post = Arc::new(post);
    for wait in schedule {
        let (shared, post) = (Arc::clone(shared), Arc::clone(&post));
        let runtime = shared.runtime.clone();
        runtime.spawn(async move {
            let wait = wait + delay;
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            post_all(&shared, &post).await;
        });
    }
}

async fn post_all(shared: &Shared, post: &Post) {
    for url in &post.urls {
        let headers = post.owner.iter().map(|owner| ("resource-owner", owner.clone()));
        let headers = headers.chain([("user-agent", "axios/1.21.1".to_owned())]).collect();
        let outgoing = Outgoing {
            key: post.key.clone(),
            event: post.event.to_owned(),
            url: url.clone(),
            headers,
            body: post.body.clone(),
        };
        shared.poster.post(|| Some(outgoing)).await;
        shared.changes.bump();
    }
}

/// The switch in the webhook's `events` that opens each event.
pub(super) fn switch(event: &str) -> &'static str {
    match event {
        "messages.upsert" => "messagesUpsert",
        "messages.update" => "messagesUpdated",
        "messages.set" => "messagesSet",
        "send.message" => "sendMessage",
        "connection.update" => "connectionUpdated",
        "qrcode.updated" => "qrcodeUpdated",
        "status.instance" => "statusInstance",
        "chats.set" => "chatsSet",
        "chats.upsert" => "chatsUpsert",
        "chats.update" => "chatsUpdated",
        "chats.delete" => "chatsDeleted",
        "contacts.upsert" => "contactsUpsert",
        "contacts.update" => "contactsUpdated",
        "presence.update" => "presenceUpdated",
        "groups.upsert" => "groupsUpsert",
        "groups.update" => "groupsUpdated",
        "group-participants.update" => "groupsParticipantsUpdated",
        "call.upsert" => "callUpsert",
        "labels.association" => "labelsAssociation",
        "labels.edit" => "labelsEdit",
        _ => "refreshToken",
    }
}
