//! Where nothing is left to do, or something is in the way.
use super::Page;
use super::Script;
use super::signs;
use crate::connect::view::ItemState;
use crate::connect::view::Session;
use crate::connect::words;
use crate::limits::BodyRefused;
use http::StatusCode;
use maud::Markup;
use maud::html;
use std::sync::LazyLock;

/// Takes what stands behind the `#` to where a server sees it.
static FROM_FRAGMENT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if (location.hash.length > 1) location.replace(location.pathname + \"?\" + location.hash.slice(1));",
    )
});

/// The browser keeps nothing for frames: what cannot be done there is done in a window, whose address this is.
pub(in crate::connect) fn in_window(session: &Session, window: &str) -> Page {
    let title = match &session.name {
        Some(name) => format!("Connect your account to {name}"),
        None => "Connect your account".to_owned(),
    };
    let main = html! {
        div.top { h1 { (title) } }
        p.elsewhere { "It opens in a window of its own. Come back here when you are done there." }
        div.acts { a.button href=(window) target="_blank" rel="opener" { "Go on in a window" } }
    };
    Page::ok(title, main).of(session)
}

/// All is connected.
pub(in crate::connect) fn connected(session: &Session, is_alone: bool) -> Page {
    let done = session.items.iter().filter(|it| it.state == ItemState::Connected);
    let done: Vec<_> = done.collect();
    let title = match done[..] {
        [] => "Nothing was connected".to_owned(),
        [item] => format!("{} is connected", item.name),
        _ => "Your accounts are connected".to_owned(),
    };
    let sign = if done.is_empty() { signs::bad() } else { signs::good() };
    let main = html! {
        div.top { (sign) h1 { (title) } }
        @for item in &done {
            p.done { (item.name) @if let Some(account) = &item.account { ": connected as " (account.text()) } @else { ": connected" } }
        }
        @if is_alone {
            p { "You can close this page" @if let Some(name) = &session.name { " and go back to " (name) } "." }
        } @else {
            p { "You can go on." }
        }
    };
    Page::ok(title, main).of(session)
}

/// The link was good once, and is not any more.
pub(in crate::connect) fn used(session: &Session) -> Page {
    let text = html! { p { "Each link works once. Ask for a new one to connect again." } };
    end(StatusCode::GONE, "This link has been used", &text).of(session)
}

pub(in crate::connect) fn expired(session: &Session) -> Page {
    let words = words::of("session_expired", "", &[]);
    let text = html! { p { (words.text) } };
    end(StatusCode::GONE, &words.title, &text).of(session)
}

/// Nobody knows of it: mistyped, long over, or answered already.
pub(in crate::connect) fn unknown() -> Page {
    let text = html! { p { "It may have been used already, or is too old. Nothing was changed. Go back to where you came from, or ask for a new link." } };
    end(StatusCode::NOT_FOUND, "This page can't be used any more", &text)
}

pub(in crate::connect) fn other_browser() -> Page {
    let text = html! {
        p { "A link works in the browser that it was first used in. Go on there, or ask for a new link." }
        p { "If this is that browser, it may be that it keeps no cookies: allow them for this page, and use a new link." }
    };
    end(StatusCode::CONFLICT, "This link is open in another browser", &text)
}

pub(in crate::connect) fn busy() -> Page {
    let text = html! { p { "Nothing was changed. Try again in a minute." } };
    end(StatusCode::SERVICE_UNAVAILABLE, "This is not available right now", &text)
}

pub(in crate::connect) fn too_often() -> Page {
    let text =
        html! { p { "Nothing was changed. Ask for a new link, and check what you fill in." } };
    end(StatusCode::TOO_MANY_REQUESTS, "This was tried too often", &text)
}

pub(in crate::connect) fn wrong() -> Page {
    let text =
        html! { p { "It is not your fault, and nothing was changed. Try again in a minute." } };
    end(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong here", &text)
}

/// A form was not read to its end.
pub(in crate::connect) fn refused(refused: &BodyRefused) -> Page {
    let (status, title, text) = match refused {
        BodyRefused::TooLarge { .. } => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "This is too long",
            "Something that long can't be right: go back, and check what you have pasted.",
        ),
        BodyRefused::Stalled | BodyRefused::BrokeOff => (
            StatusCode::BAD_REQUEST,
            "This did not arrive whole",
            "Nothing was changed. Go back, and try again.",
        ),
        BodyRefused::Limited(_) => return busy(),
    };
    end(status, title, &html! { p { (text) } })
}

pub(in crate::connect) fn no_such_method() -> Page {
    Page { status: StatusCode::METHOD_NOT_ALLOWED, ..no_such_page() }
}

pub(in crate::connect) fn no_such_page() -> Page {
    let text = html! { p { "Check the address, or ask for a new link." } };
    end(StatusCode::NOT_FOUND, "There is nothing here", &text)
}

/// Some providers answer behind a `#`.
pub(in crate::connect) fn fragment() -> Page {
    let title = "One moment";
    let main = html! {
        div.top { h1 { (title) } }
        p { "You are being connected." }
        noscript { p { "This provider answers in a way that needs JavaScript on this one page: allow it, and try again." } }
    };
    Page { script: Some(&*FROM_FRAGMENT), ..Page::ok(title, main) }
}

fn end(status: StatusCode, title: &str, text: &Markup) -> Page {
    Page::new(status, title, html! { div.top { (signs::bad()) h1 { (title) } } (text) })
}
