//! The pages as HTML: plain, and good with a keyboard, a screen reader, a narrow screen and without JavaScript.
mod account;
mod ends;
mod fields;
mod items;

pub(super) use account::another_account;
pub(super) use ends::busy;
pub(super) use ends::connected;
pub(super) use ends::expired;
pub(super) use ends::fragment;
pub(super) use ends::no_such_method;
pub(super) use ends::no_such_page;
pub(super) use ends::other_browser;
pub(super) use ends::refused;
pub(super) use ends::too_often;
pub(super) use ends::unknown;
pub(super) use ends::used;
pub(super) use ends::wrong;
pub(super) use items::one;
pub(super) use items::several;

use super::form::Faults;
use super::form::Form;
use super::view::Session;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use maud::DOCTYPE;
use maud::Markup;
use maud::PreEscaped;
use maud::html;
use sha2::Digest;
use sha2::Sha256;
use std::sync::LazyLock;

/// What all pages look like.
const STYLE: &str = include_str!("style.css");

/// By which a browser knows that the style is ours (Content Security Policy Level 3 §2.3.1).
pub(super) static STYLE_HASH: LazyLock<String> = LazyLock::new(|| hash(STYLE));

/// A page.
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) html: String,
    /// The hash of its only script, where it has one.
    pub(super) script: Option<String>,
}

/// What a customer has typed into one item's form, and what is wrong with it.
#[derive(Default)]
pub(super) struct Filled<'f> {
    pub(super) connection: &'f str,
    pub(super) form: Option<&'f Form>,
    pub(super) faults: Faults,
}

impl Page {
    fn ok(title: &str, main: &Markup) -> Self {
        Self::new(StatusCode::OK, title, main)
    }

    fn new(status: StatusCode, title: &str, main: &Markup) -> Self {
        Self { status, html: frame(title, main, None), script: None }
    }

    fn with_script(title: &str, main: &Markup, script: &str) -> Self {
        let hash = hash(script);
        Self { status: StatusCode::OK, html: frame(title, main, Some(script)), script: Some(hash) }
    }
}

fn frame(title: &str, main: &Markup, script: Option<&str>) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main { (main) }
                @if let Some(script) = script { script { (PreEscaped(script)) } }
            }
        }
    };
    page.into_string()
}

fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}

/// By what whoever sent the link finds what happened.
fn reference(session: &Session) -> Markup {
    html! { p.reference { "Reference: " code { (session.id) } } }
}
