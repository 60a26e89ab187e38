//! What a WhatsApp message looks like in Chatwoot: text, files, and marks above them.

use super::{ChatView, ChatwootPost, MadeFile};
use crate::event::{ContactCards, Content, Marks, Media, MediaKind, Poll, Product, Trade};
use crate::note;
use crate::settings::ViewOnce;
use crate::text::{is_blank, to_markdown};

/// Fills in what an agent sees. Invariant: it is never nothing.
pub(super) fn message(post: &mut ChatwootPost, content: Content, marks: &Marks, view: ChatView<'_>) {
    let locale = view.locale;
    if marks.is_view_once && view.settings.view_once == ViewOnce::Announce {
        let kind = if let Content::Media(media) = &content { Some(media.kind) } else { None };
        post.text = Some(note::view_once_kept(locale, kind));
        post.is_placeholder = true;
        return;
    }
    self::content(post, content, view);
    let is_empty = post.media.is_none() && post.made_files.is_empty();
    if is_empty && post.text.as_deref().is_none_or(is_blank) {
        post.text = Some(note::no_text(locale));
    }
    let forwarded = marks.forwarded.as_ref().map(|how| note::forwarded(locale, how));
    let view_once = marks.is_view_once.then(|| note::view_once(locale));
    for mark in forwarded.into_iter().chain(view_once) {
        post.text = Some(match post.text.take() {
            Some(text) => format!("{mark}\n\n{text}"),
            None => mark,
        });
    }
}

fn content(post: &mut ChatwootPost, content: Content, view: ChatView<'_>) {
    let (locale, zone) = (view.locale, view.zone);
    post.text = Some(match content {
        Content::Text(text) => to_markdown(&text),
        Content::Link { url, title, description } => note::link(&url, title.as_deref(), description.as_deref()),
        Content::Media(media) => return file(post, media, view),
        Content::Place(place) => note::place(locale, &place),
        Content::Cards(cards) => {
            post.made_files.extend(vcf(&cards, view));
            note::cards(locale, &cards)
        }
        Content::Poll(poll) => note::poll(locale, zone, &poll),
        Content::Appointment(appointment) => note::appointment(locale, zone, &appointment),
        Content::Offer(mut offer) => {
            post.media = offer.media.take().or_else(|| offer.cards.iter_mut().find_map(|card| card.media.take()));
            note::offer(locale, &offer)
        }
        Content::Choice(choice) => note::choice(locale, &choice),
        Content::Trade(mut trade) => {
            if let Trade::Product(Product { image, .. }) = trade.as_mut() {
                post.media = image.take();
            }
            note::trade(locale, &trade)
        }
        Content::Payment(payment) => note::payment(locale, zone, &payment),
        Content::Invitation(invitation) => note::invitation(locale, zone, &invitation),
        Content::Notice(notice) => note::notice(locale, &notice),
        Content::Sealed(sealed) => {
            post.is_placeholder = true;
            note::sealed(locale, sealed)
        }
        Content::Reaction(emoji) => note::reaction(locale, &emoji),
        Content::Edit(new) => {
            let new = new.as_deref().and_then(words).filter(|text| !is_blank(text));
            note::edited(locale, new.map(to_markdown).as_deref())
        }
        Content::Deletion => {
            post.deletion = Some(view.settings.deletions);
            note::deleted(locale)
        }
        Content::Unknown(kind) => {
            post.is_placeholder = true;
            post.is_unsupported = true;
            note::unknown(locale, &kind)
        }
    });
}

fn file(post: &mut ChatwootPost, media: Media, view: ChatView<'_>) {
    post.text = media.caption.as_deref().filter(|caption| !is_blank(caption)).map(to_markdown);
    if media.kind == MediaKind::LottieSticker {
        post.text = Some(note::lottie_sticker(view.locale));
        post.is_placeholder = true;
    }
    post.media = Some(media);
}

fn vcf(cards: &ContactCards, view: ChatView<'_>) -> Option<MadeFile> {
    (!cards.vcf.is_empty()).then(|| MadeFile {
        name: note::card_file_name(view.locale, cards),
        mime: "text/vcard",
        bytes: cards.vcf.clone().into_bytes(),
    })
}

/// The words of a message, whatever they belong to.
fn words(content: &Content) -> Option<&str> {
    match content {
        Content::Text(text) => Some(text),
        Content::Link { url, .. } => Some(url),
        Content::Media(media) => media.caption.as_deref(),
        Content::Offer(offer) => offer.body.as_deref(),
        Content::Poll(Poll::Asked(question)) => Some(&question.text),
        Content::Place(place) => place.comment.as_deref(),
        Content::Cards(_)
        | Content::Poll(Poll::Results { .. })
        | Content::Appointment(_)
        | Content::Choice(_)
        | Content::Trade(_)
        | Content::Payment(_)
        | Content::Invitation(_)
        | Content::Notice(_)
        | Content::Sealed(_)
        | Content::Reaction(_)
        | Content::Edit(_)
        | Content::Deletion
        | Content::Unknown(_) => None,
    }
}
