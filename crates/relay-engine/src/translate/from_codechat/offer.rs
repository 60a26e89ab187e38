//! Buttons, lists, templates and interactive messages, and the choices made on them.

use relay_domain::event::{Action, Choice, Content, Offer, OfferOption, Product, Section};
use serde_json::Value;

use super::fields::{embedded, first_text, list, object, text};
use super::{media, place, trade};

/// Cards of a carousel cannot have cards of their own.
const DEEPEST: usize = 1;

pub(super) fn buttons(content: &Value) -> Option<Content> {
    let mut offer = headed(content);
    offer.header = text(content, "text");
    offer.body = text(content, "contentText");
    offer.footer = text(content, "footerText");
    let mut section = Section::default();
    for button in list(content, "buttons") {
        match object(button, "nativeFlowInfo") {
            Some(flow) => native(&mut offer, flow, "paramsJson"),
            None => section.options.extend(button.get("buttonText").and_then(|button| answer(button, "displayText"))),
        }
    }
    offer.sections.insert(0, section);
    shown(offer)
}

pub(super) fn list_message(content: &Value) -> Option<Content> {
    let products = content.get("productListInfo").map_or(&[][..], |info| list(info, "productSections"));
    let sections = list(content, "sections").iter().map(|section| section_of(section, "rows"));
    let sections = sections.chain(products.iter().map(|section| section_of(section, "products")));
    shown(Offer {
        header: text(content, "title"),
        body: text(content, "description"),
        footer: text(content, "footerText"),
        sections: sections.collect(),
        ..Offer::default()
    })
}

fn section_of(section: &Value, rows: &str) -> Section {
    let row = |row: &Value| {
        let title = first_text(row, &["title", "productId", "id"])?;
        Some(OfferOption { title, action: Action::Answer(text(row, "description")) })
    };
    Section { title: text(section, "title"), options: list(section, rows).iter().filter_map(row).collect() }
}

/// Templates come in several dresses; one of them is an interactive message.
pub(super) fn template(content: &Value) -> Option<Content> {
    if let Some(inner) = object(content, "interactiveMessageTemplate") {
        return interactive(inner);
    }
    let keys = ["hydratedTemplate", "hydratedFourRowTemplate", "fourRowTemplate"];
    let template = keys.iter().find_map(|key| object(content, key))?;
    let mut offer = headed(template);
    offer.header = text(template, "hydratedTitleText").or_else(|| structured(template, "highlyStructuredMessage"));
    offer.body = text(template, "hydratedContentText").or_else(|| structured(template, "content"));
    offer.footer = text(template, "hydratedFooterText").or_else(|| structured(template, "footer"));
    let buttons = list(template, "hydratedButtons").iter().chain(list(template, "buttons"));
    offer.sections.push(Section { title: None, options: buttons.filter_map(template_button).collect() });
    shown(offer)
}

fn template_button(button: &Value) -> Option<OfferOption> {
    let title = |button: &Value| text(button, "displayText").or_else(|| structured(button, "displayText"));
    if let Some(link) = object(button, "urlButton") {
        let url = text(link, "url").or_else(|| structured(link, "url"));
        return Some(OfferOption { title: title(link)?, action: url.map_or(Action::Answer(None), Action::Open) });
    }
    if let Some(call) = object(button, "callButton") {
        let number = text(call, "phoneNumber").or_else(|| structured(call, "phoneNumber"));
        return Some(OfferOption { title: title(call)?, action: number.map_or(Action::Answer(None), Action::Call) });
    }
    let reply = object(button, "quickReplyButton")?;
    Some(OfferOption { title: title(reply)?, action: Action::Answer(None) })
}

/// A message made from a template that only the phone has: its parameters are all that is told.
pub(super) fn highly_structured(content: &Value) -> Option<Content> {
    if let Some(template) = object(content, "hydratedHsm") {
        return self::template(template);
    }
    structured_text(content).map(Content::Text)
}

fn structured(content: &Value, key: &str) -> Option<String> {
    object(content, key).and_then(structured_text)
}

fn structured_text(content: &Value) -> Option<String> {
    let params: Vec<_> = list(content, "params").iter().filter_map(Value::as_str).collect();
    let params = Some(params.join(" ")).filter(|params| !params.trim().is_empty());
    params.or_else(|| text(content, "elementName"))
}

pub(super) fn interactive(content: &Value) -> Option<Content> {
    shown(interactive_offer(content, DEEPEST))
}

fn interactive_offer(content: &Value, depth: usize) -> Offer {
    let header = object(content, "header").unwrap_or(&Value::Null);
    let mut offer = headed(header);
    offer.header = first_text(header, &["title", "subtitle"]);
    offer.body = object(content, "body").and_then(|body| text(body, "text"));
    offer.footer = object(content, "footer").and_then(|footer| text(footer, "text"));
    if let Some(product) = object(header, "productMessage").map(trade::product_of) {
        add_product(&mut offer, product);
    }
    if let Some(flow) = object(content, "nativeFlowMessage") {
        for button in list(flow, "buttons") {
            native(&mut offer, button, "buttonParamsJson");
        }
    }
    if let (Some(carousel), Some(depth)) = (object(content, "carouselMessage"), depth.checked_sub(1)) {
        offer.cards = list(carousel, "cards").iter().map(|card| interactive_offer(card, depth)).collect();
    }
    for (key, id) in [("shopStorefrontMessage", "id"), ("collectionMessage", "id")] {
        let id = object(content, key).and_then(|inner| text(inner, id));
        add(&mut offer, id.map(|title| OfferOption { title, action: Action::Answer(None) }));
    }
    offer
}

fn add_product(offer: &mut Offer, product: Product) {
    offer.media = offer.media.take().or(product.image);
    offer.header = offer.header.take().or(product.title);
    offer.body = offer.body.take().or(product.description);
}

/// One button, whose meaning stands in JSON within the JSON.
fn native(offer: &mut Offer, button: &Value, params_key: &str) {
    let name = text(button, "name").unwrap_or_default();
    let params = embedded(button, params_key).unwrap_or_default();
    if name == "single_select" {
        offer.sections.extend(list(&params, "sections").iter().map(|section| section_of(section, "rows")));
        return;
    }
    if let Some(bill) = trade::bill(&params) {
        offer.bills.push(bill);
        return;
    }
    let title = first_text(&params, &["display_text", "title", "flow_cta", "button_text"]);
    let title = title.or_else(|| Some(name.replace('_', " ")).filter(|name| !name.trim().is_empty()));
    let action = match name.as_str() {
        "cta_url" | "open_webview" => first_text(&params, &["url", "merchant_url"]).map(Action::Open),
        "cta_call" => text(&params, "phone_number").map(Action::Call),
        "cta_copy" => first_text(&params, &["copy_code", "id"]).map(Action::Copy),
        _ => text(&params, "description").map(|detail| Action::Answer(Some(detail))),
    };
    add(offer, title.map(|title| OfferOption { title, action: action.unwrap_or(Action::Answer(None)) }));
}

/// Puts an option beside those without a title of their own.
fn add(offer: &mut Offer, option: Option<OfferOption>) {
    let Some(option) = option else { return };
    match offer.sections.last_mut().filter(|section| section.title.is_none()) {
        Some(section) => section.options.push(option),
        None => offer.sections.push(Section { title: None, options: vec![option] }),
    }
}

fn answer(button: &Value, key: &str) -> Option<OfferOption> {
    text(button, key).map(|title| OfferOption { title, action: Action::Answer(None) })
}

/// A offer with the file or the place that heads it.
fn headed(content: &Value) -> Offer {
    let place = object(content, "locationMessage").and_then(place::read);
    Offer { media: media::within(content), place, ..Offer::default() }
}

fn shown(mut offer: Offer) -> Option<Content> {
    offer.sections.retain(|section| *section != Section::default());
    (!offer.is_empty()).then(|| Content::Offer(Box::new(offer)))
}

pub(super) fn button_choice(content: &Value) -> Option<Content> {
    chosen(text(content, "selectedDisplayText"), text(content, "selectedButtonId"), None)
}

pub(super) fn template_choice(content: &Value) -> Option<Content> {
    chosen(text(content, "selectedDisplayText"), text(content, "selectedId"), None)
}

pub(super) fn list_choice(content: &Value) -> Option<Content> {
    let id = object(content, "singleSelectReply").and_then(|reply| text(reply, "selectedRowId"));
    chosen(text(content, "title"), id, text(content, "description"))
}

fn chosen(title: Option<String>, id: Option<String>, detail: Option<String>) -> Option<Content> {
    let choice = Choice { title, id, detail, answers: Vec::new() };
    (!choice.is_empty()).then_some(Content::Choice(choice))
}

/// A button of an interactive message, or a form that was filled in there.
pub(super) fn interactive_choice(content: &Value) -> Option<Content> {
    let params = object(content, "nativeFlowResponseMessage").and_then(|flow| embedded(flow, "paramsJson"));
    let params = params.unwrap_or_default();
    let said = ["body", "header"].iter().find_map(|key| text(content.get(*key)?, "text"));
    let is_field = |name: &str| !["id", "title", "description", "flow_token"].contains(&name);
    let fields = params.as_object().into_iter().flatten().filter(|(name, _)| is_field(name));
    let choice = Choice {
        title: said.or_else(|| text(&params, "title")),
        id: text(&params, "id"),
        detail: text(&params, "description"),
        answers: fields.filter_map(|(name, value)| Some((name.clone(), in_words(value)?))).collect(),
    };
    (!choice.is_empty()).then_some(Content::Choice(choice))
}

fn in_words(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => Some(items.iter().filter_map(in_words).collect::<Vec<_>>().join(", ")),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => Some(value.to_string()),
    }
}
