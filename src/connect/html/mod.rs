//! The pages as HTML: plain, and good with a keyboard, a screen reader, a narrow screen and without JavaScript.
mod account;
mod ends;
mod fields;
mod items;
mod signs;

pub(super) use account::another_account;
pub(super) use ends::busy;
pub(super) use ends::connected;
pub(super) use ends::expired;
pub(super) use ends::fragment;
pub(super) use ends::in_window;
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
use super::look::Look;
use super::look::hash;
use super::seat::Seat;
use super::seated::Seated;
use super::view::Session;
use http::StatusCode;
use maud::DOCTYPE;
use maud::Markup;
use maud::PreEscaped;
use maud::html;
use std::sync::LazyLock;

/// What forms do besides being sent. All of it works without as well.
static OF_FORMS: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("page.js")));

/// A script that is in a page itself.
pub(super) struct Script {
    text: &'static str,
    pub(super) hash: String,
}

/// A page.
pub(super) struct Page {
    pub(super) status: StatusCode,
    title: String,
    main: Markup,
    /// How what is in it is laid out.
    kind: &'static str,
    /// By what whoever sent the link finds what happened.
    reference: Option<String>,
    pub(super) script: Option<&'static Script>,
    seated: Option<Seated>,
}

/// What a customer has typed into one item's form, and what is wrong with it.
#[derive(Default)]
pub(super) struct Filled<'f> {
    pub(super) connection: &'f str,
    pub(super) form: Option<&'f Form>,
    pub(super) faults: Faults,
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self { text, hash: hash(text) }
    }
}

impl Page {
    fn new(status: StatusCode, title: impl Into<String>, main: Markup) -> Self {
        let title = title.into();
        Self { status, title, main, kind: "one", reference: None, script: None, seated: None }
    }

    fn ok(title: impl Into<String>, main: Markup) -> Self {
        Self::new(StatusCode::OK, title, main)
    }

    fn of(self, session: &Session) -> Self {
        Self { reference: Some(session.id.clone()), ..self }
    }

    /// It is shown there. By itself nobody is told anything.
    pub(super) fn seated(self, seated: Seated) -> Self {
        if seated.seat == Seat::Own {
            return self;
        }
        Self { script: Some(&*OF_FORMS), seated: Some(seated), ..self }
    }

    pub(super) fn is_framed(&self) -> bool {
        self.seated.as_ref().is_some_and(|it| it.seat.is_frame())
    }

    /// How the session stands that it shows.
    pub(super) fn standing(&self) -> Option<&str> {
        self.seated.as_ref().map(|it| it.standing.as_str())
    }

    /// The page with what is the same on all of them.
    pub(super) fn html(&self, look: &Look) -> String {
        let seated = self.seated.as_ref();
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) @if let Some(name) = &look.name { " · " (name) } }
                    // Without one, the policy lets browsers look for none.
                    @if let Some(path) = &look.logo { link rel="icon" href=(path); }
                    style { (PreEscaped(&look.style)) }
                }
                body class=[self.is_framed().then_some("framed")]
                    data-seat=[seated.and_then(|it| it.seat.name())]
                    data-origin=[seated.and_then(|it| it.seat.origin())]
                    data-link=[seated.map(|it| &it.link)]
                    data-told=[seated.and_then(|it| it.told.as_ref())]
                    data-standing=[seated.map(|it| &it.standing)]
                    data-ends=[seated.filter(|it| it.ends).map(|_| "yes")]
                    data-returns=[seated.and_then(|it| it.returns.as_ref())] {
                    (look.head)
                    main class=(self.kind) { (self.main) }
                    footer {
                        (look.links)
                        @if let Some(id) = &self.reference { p { "Reference: " code { (id) } } }
                    }
                    p.unseen #busy role="status" {}
                    @if let Some(script) = self.script { script { (PreEscaped(script.text)) } }
                }
            }
        };
        page.into_string()
    }
}
