//! What changes of groups mean.

use codechat::{GroupInfo, Member, MembersUpdate};
use relay_domain::event::{Event, Ignored};
use relay_domain::group::{GroupChange, GroupNews, MemberAction};
use relay_domain::participant::Participant;

/// What `groups.update` and `groups.upsert` tell. A group that is told as a whole has not changed: somebody asked for it, or
/// our number has just joined it.
pub(super) fn changed(mut groups: Vec<GroupInfo>) -> Event {
    let (Some(group), true) = (groups.pop(), groups.is_empty()) else {
        return Event::Nothing(Ignored::NoInterest);
    };
    let news = if group.members.is_some() { Vec::new() } else { news(&group) };
    Event::Group(GroupChange { author: somebody(&group.author), subject: group.subject, news })
}

fn news(group: &GroupInfo) -> Vec<GroupNews> {
    let news = [
        group.subject.clone().map(GroupNews::Subject),
        group.description.clone().map(GroupNews::Description),
        group.announce.map(GroupNews::OnlyAdminsWrite),
        group.restrict.map(GroupNews::OnlyAdminsEdit),
    ];
    news.into_iter().flatten().collect()
}

/// What `group-participants.update` tells.
pub(super) fn members(update: &MembersUpdate) -> Event {
    let action = match update.action.as_str() {
        "add" => MemberAction::Joined,
        "remove" => MemberAction::Left,
        "promote" => MemberAction::Promoted,
        "demote" => MemberAction::Demoted,
        _ => return Event::Nothing(Ignored::NoInterest),
    };
    let members: Vec<_> = update.members.iter().filter_map(member).collect();
    if members.is_empty() {
        return Event::Nothing(Ignored::UnknownShape);
    }
    let news = vec![GroupNews::Members { action, members }];
    Event::Group(GroupChange { author: somebody(&update.author), subject: None, news })
}

/// A member of a group, unless CodeChat names no person.
pub(crate) fn member(member: &Member) -> Option<Participant> {
    somebody(&member.addresses)
}

fn somebody(addresses: &[String]) -> Option<Participant> {
    Participant::of(addresses.iter().map(String::as_str))
}
