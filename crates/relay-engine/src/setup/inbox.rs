//! Making the inbox of a plan: created or taken over, with the people who are to see it.

use chatwoot::{Client, Error};

use super::plan::InboxPlan;

/// Makes what the plan says of the inbox, and returns its id. Where its events go is set with the session, later: an inbox that
/// an interrupted run leaves behind leads nowhere and is found by the next one.
pub async fn make_inbox(client: &Client, plan: &InboxPlan) -> Result<i64, Error> {
    let (id, members) = match plan {
        InboxPlan::Create { name, members } => (client.create_api_inbox(name, "").await?.id, members.as_slice()),
        InboxPlan::Adopt { id, members, .. } => (*id, members.as_slice()),
        InboxPlan::InPlace { id, .. } => (*id, &[][..]),
    };
    if !members.is_empty() {
        client.add_inbox_members(id, members).await?;
    }
    Ok(id)
}
