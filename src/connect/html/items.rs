//! What there is to connect: one connection, or several on one page.
use super::Filled;
use super::OF_FORMS;
use super::Page;
use super::fields;
use super::fields::fields;
use super::signs::mark;
use crate::connect::begin::OF_FRAME;
use crate::connect::link::back;
use crate::connect::link::standing;
use crate::connect::route;
use crate::connect::seat::Seat;
use crate::connect::seated::For;
use crate::connect::view::Device;
use crate::connect::view::Item;
use crate::connect::view::ItemState;
use crate::connect::view::Session;
use crate::connect::view::Way;
use crate::connect::words;
use crate::connect::words::Words;
use http::StatusCode;
use maud::Markup;
use maud::html;

/// A session with one connection.
pub(in crate::connect) fn one(
    own: For<'_>,
    session: &Session,
    item: &Item,
    filled: &Filled<'_>,
) -> Page {
    let title = match (&session.name, item.is_reconnect) {
        (Some(name), false) => format!("Connect {} to {name}", item.name),
        (Some(name), true) => format!("Connect {} to {name} again", item.name),
        (None, false) => format!("Connect {}", item.name),
        (None, true) => format!("Connect {} again", item.name),
    };
    let failed = failure(item);
    let has_faults = !filled.faults.0.is_empty();
    let headline = match (&failed, has_faults) {
        (_, true) => format!("Problem: {title}"),
        (Some(words), false) => words.title.clone(),
        (None, false) => title.clone(),
    };
    let main = html! {
        div.top { (mark(&item.name)) h1 { (title) } }
        (told(item, failed.as_ref(), filled))
        (whose(item))
        (act(own, session, item, failed.as_ref(), filled))
        @if item.state == ItemState::Connected && session.browser.is_some() { (finish(own.token, "Done")) }
        @if *own.seat() == Seat::Own {
            (leave(session, item.reason.as_deref().filter(|_| failed.is_some())))
        }
    };
    page(session, has_faults, headline, main)
}

/// A session with several.
pub(in crate::connect) fn several(own: For<'_>, session: &Session, filled: &Filled<'_>) -> Page {
    let title = match &session.name {
        Some(name) => format!("Connect your accounts to {name}"),
        None => "Connect your accounts".to_owned(),
    };
    let has_faults = !filled.faults.0.is_empty();
    let connected = session.items.iter().filter(|it| it.state == ItemState::Connected).count();
    let so_far = format!("{connected} of {} connected", session.items.len());
    let headline = match (has_faults, connected) {
        (true, _) => format!("Problem: {title}"),
        (false, 0) => title.clone(),
        (false, _) => format!("{so_far}: {title}"),
    };
    let main = html! {
        div.top {
            h1 { (title) }
            p.soft { "Connect those that you use, one after the other." }
            @if connected > 0 { p.soft { (so_far) } }
        }
        @for item in &session.items {
            @let failed = failure(item);
            section {
                div.row { (mark(&item.name)) h2 { (item.name) } (state(item)) }
                (told(item, failed.as_ref(), filled))
                (whose(item))
                (act(own, session, item, failed.as_ref(), filled))
            }
        }
        @if session.browser.is_some() { (finish(own.token, "I have connected all that I want to")) }
        @if *own.seat() == Seat::Own { (leave(session, None)) }
    };
    Page { kind: "several", ..page(session, has_faults, headline, main) }
}

fn page(session: &Session, has_faults: bool, headline: String, main: Markup) -> Page {
    let status = if has_faults { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let fields = session.items.iter().flat_map(|it| &it.fields);
    let script = fields.into_iter().any(|it| it.secret).then_some(&*OF_FORMS);
    Page { script, ..Page::new(status, headline, main).of(session) }
}

fn failure(item: &Item) -> Option<Words> {
    let failed = item.state == ItemState::Failed;
    let reason = item.reason.as_deref().filter(|_| failed)?;
    Some(words::of(reason, &item.name, &item.missing_scopes))
}

/// How it stands, in a word or two.
fn state(item: &Item) -> Markup {
    match item.state {
        ItemState::Connected => html! { span.state.good { "Connected" } },
        ItemState::Failed => html! { span.state.bad { "Not connected" } },
        ItemState::Waiting if item.device.is_some() => html! { span.state { "Waiting for you" } },
        ItemState::Waiting | ItemState::Asking if item.is_reconnect => {
            html! { span.state { "To be connected again" } }
        }
        ItemState::Waiting | ItemState::Asking => html! { span.state { "Not connected" } },
    }
}

/// What went wrong, if anything did.
fn told(item: &Item, failed: Option<&Words>, filled: &Filled<'_>) -> Markup {
    let is_filled = filled.connection == item.connection && !filled.faults.0.is_empty();
    let others: Vec<&str> = filled.faults.elsewhere(item).filter(|_| is_filled).collect();
    let marked: Vec<_> = fields::faulty(item, filled).collect();
    html! {
        @if is_filled {
            div.alert role="alert" {
                @for problem in &others { p { (problem) } }
                @if !marked.is_empty() {
                    p { strong { "Something has to be corrected" } }
                    ul {
                        @for (index, field, fault) in &marked {
                            li { a href={ "#" (fields::id(item, *index)) } { (field.label) ": " (fault) } }
                        }
                    }
                }
            }
        } @else if let Some(words) = failed {
            div.alert role="alert" {
                p { strong { (words.title) } }
                p { (words.text) }
            }
        }
        @if !item.description.is_empty() { p { (item.description) } }
    }
}

/// Whose account it is, or was.
fn whose(item: &Item) -> Markup {
    html! {
        @if item.state == ItemState::Connected {
            p.done { "Connected" @if let Some(account) = &item.account { " as " (account.text()) } }
        } @else if let Some(account) = item.account.as_ref().filter(|_| item.is_reconnect) {
            p.soft { "It was connected as " (account.text()) "." }
        }
    }
}

/// What there is to do.
fn act(
    own: For<'_>,
    session: &Session,
    item: &Item,
    failed: Option<&Words>,
    filled: &Filled<'_>,
) -> Markup {
    if item.state == ItemState::Connected || failed.is_some_and(|it| !it.again) {
        return html! {};
    }
    if let Some(device) = item.device.as_ref().filter(|_| item.state == ItemState::Waiting) {
        return on_device(own.token, item, device);
    }
    let again = failed.is_some();
    let (label, busy) = match (item.way, again) {
        (Way::Form, false) => (format!("Connect {}", item.name), "Checking …".to_owned()),
        (Way::Form, true) => ("Try again".to_owned(), "Checking …".to_owned()),
        (Way::Redirect | Way::Device, false) => {
            (format!("Continue to {}", item.name), "One moment …".to_owned())
        }
        (Way::Redirect | Way::Device, true) => ("Try again".to_owned(), "One moment …".to_owned()),
    };
    let token = own.token;
    // Providers are shown in no frame.
    let is_elsewhere = own.seat().is_frame() && item.way == Way::Redirect;
    let window =
        is_elsewhere.then(|| (format!("attache-{}", session.id), own.browser.for_window()));
    let whose = session.name.as_deref().unwrap_or("the application that sent you here");
    html! {
        @if item.way == Way::Redirect && !again {
            p { (item.name) " will ask you to allow access for " (whose) ". Your password stays with " (item.name) "." }
        }
        form method="post" action=(route::begin(token, &item.connection))
            data-busy=[window.is_none().then_some(busy)] target=[window.as_ref().map(|it| &it.0)] rel=[window.as_ref().map(|_| "opener")] {
            @if let Some((_, secret)) = &window { input type="hidden" name=(OF_FRAME) value=(secret); }
            (fields(item, filled, own.seat().is_frame()))
            @if item.fields.iter().any(|it| it.secret) {
                p.safe { "What you fill in is kept encrypted, and used for nothing but this connection." }
            }
            div.acts { button { (label) } }
        }
        @if window.is_some() {
            p.soft { (item.name) " opens in a window of its own. When you have allowed access there, " a href=(route::link(token)) { "go on here" } "." }
        }
    }
}

fn on_device(token: &str, item: &Item, device: &Device) -> Markup {
    let uri = device.verification_uri_complete.as_ref().unwrap_or(&device.verification_uri);
    html! {
        p { "Open " a href=(uri) target="_blank" rel="noopener noreferrer" { (device.verification_uri) } " and type this code there:" }
        p.code { (device.user_code) }
        p { "When you have allowed access, come back to this page." }
        form method="post" action=(route::finish(token)) {
            div.acts { button name="once" value="all" { "I have allowed access to " (item.name) } }
        }
        form method="post" action=(route::begin(token, &item.connection)) {
            div.acts { button.second { "Get another code" } }
        }
    }
}

fn finish(token: &str, label: &str) -> Markup {
    html! {
        form method="post" action=(route::finish(token)) { div.acts { button.second { (label) } } }
    }
}

/// The way back to whoever sent the customer here.
fn leave(session: &Session, reason: Option<&str>) -> Markup {
    html! {
        @if let Some(url) = back(session, standing(session), reason) {
            p.leave { a href=(url) { "Go back" @if let Some(name) = &session.name { " to " (name) } } }
        }
    }
}
