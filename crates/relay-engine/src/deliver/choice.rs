//! Remembering what a customer was asked to choose from, and which message answered.

use relay_domain::menu::Choice;
use relay_store::{Chat, SetChoice};

use super::Task;
use crate::trouble::Trouble;

impl Task<'_> {
    /// Writes a choice down, unless it is known as it is.
    pub(crate) async fn note_choice(&self, chat: &Chat, choice: Option<Choice>) -> Result<(), Trouble> {
        let Some(choice) = choice.filter(|choice| chat.choice.as_ref() != Some(choice)) else { return Ok(()) };
        let set = SetChoice { session: self.live.id().clone(), chat: chat.key.clone(), choice };
        Ok(self.engine.store.set_choice(set).await?)
    }
}
