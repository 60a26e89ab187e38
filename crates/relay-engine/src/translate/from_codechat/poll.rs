//! Polls and their results. Votes are encrypted: see `sealed`.

use relay_domain::event::{Content, Poll, Question};
use serde_json::Value;

use super::fields::{first_text, list, moment, number, text};

pub(super) fn question(content: &Value) -> Option<Content> {
    let question = Question {
        text: text(content, "name")?,
        options: list(content, "options").iter().filter_map(|option| text(option, "optionName")).collect(),
        most_choices: number(content, "selectableOptionsCount").filter(|count| *count > 0),
        right_answer: content.get("correctAnswer").and_then(|answer| text(answer, "optionName")),
        ends_at: moment(content, "endTime"),
    };
    Some(Content::Poll(Poll::Asked(question)))
}

pub(super) fn results(content: &Value) -> Option<Content> {
    let vote = |vote: &Value| Some((text(vote, "optionName")?, number(vote, "optionVoteCount").unwrap_or(0)));
    let votes: Vec<_> = list(content, "pollVotes").iter().filter_map(vote).collect();
    let question = first_text(content, &["name"]);
    (question.is_some() || !votes.is_empty()).then_some(Content::Poll(Poll::Results { question, votes }))
}
