//! The *Relay* contact itself: one per inbox, known by its source id there, adopted when it exists.

use chatwoot::{ErrorKind, Filter, FilterAttribute, NewContact};
use relay_domain::id::CwContactId;
use relay_domain::note::desk::DESK_NAME;

use crate::deliver::Task;
use crate::desk::{SOURCE_ID, identifier_of};
use crate::trouble::{Trouble, from_chatwoot};

impl Task<'_> {
    /// The contact, its source id, and whether it is new.
    pub(in crate::deliver) async fn desk_contact(&self) -> Result<(CwContactId, String, bool), Trouble> {
        let (client, inbox) = (&self.live.chatwoot, self.live.session.chatwoot.inbox);
        if let Some(known) = client.find_contact_inbox(inbox, SOURCE_ID).await.map_err(from_chatwoot)? {
            return Ok((CwContactId::new(known.id), SOURCE_ID.to_owned(), false));
        }
        let new = NewContact {
            name: DESK_NAME.to_owned(),
            identifier: Some(identifier_of(inbox)),
            inbox_id: inbox,
            source_id: SOURCE_ID.to_owned(),
            ..NewContact::default()
        };
        match client.create_contact(&new).await {
            Ok(made) => Ok((CwContactId::new(made.id), SOURCE_ID.to_owned(), true)),
            // it is there, and only its place in the inbox is gone
            Err(error) if matches!(error.kind, ErrorKind::Taken { .. }) => self.take_back(inbox, error).await,
            Err(error) => Err(from_chatwoot(error)),
        }
    }

    async fn take_back(&self, inbox: i64, taken: chatwoot::Error) -> Result<(CwContactId, String, bool), Trouble> {
        let client = &self.live.chatwoot;
        let by_identifier = Filter { attribute: FilterAttribute::Identifier, value: identifier_of(inbox) };
        let found = client.filter_contacts(&[by_identifier]).await.map_err(from_chatwoot)?;
        let Some(known) = found.into_iter().next() else { return Err(from_chatwoot(taken)) };
        client.attach_contact_inbox(known.id, inbox, SOURCE_ID).await.map_err(from_chatwoot)?;
        Ok((CwContactId::new(known.id), SOURCE_ID.to_owned(), false))
    }
}
