//! What a link shows: what there is to connect, what came of it, or why there is nothing any more.
use super::Pages;
use super::api::Answered;
use super::api::Asked;
use super::form::Faults;
use super::form::Form;
use super::html;
use super::html::Filled;
use super::reply::Reply;
use super::route;
use super::seat::Seat;
use super::seated::For;
use super::view::Item;
use super::view::ItemState;
use super::view::Session;
use super::view::SessionState;
use super::view::session_id;
use super::visit::Visit;
use http::StatusCode;
use url::Url;

/// A page instead of what was asked for.
pub(super) type Instead = Reply;

impl Pages {
    /// `GET` of a link: nothing comes of it, whoever looks.
    pub(super) async fn link(&self, visit: &Visit, token: &str) -> Reply {
        let session = match self.session(token).await {
            Ok(session) => session,
            Err(instead) => return instead,
        };
        let known = visit.browser(token);
        let is_own = match &session.browser {
            None => true,
            Some(hash) => known.is_some_and(|it| it.hash() == *hash),
        };
        let (browser, is_moved) = visit.browser_or_new(token).moved(&visit.asked);
        let own = For { token, browser: &browser };
        let over = |page| Reply::page(page, own.seated(&session, true));
        match session.state {
            // Who has it done goes on; nobody else learns where to.
            SessionState::Done if is_own && session.browser.is_some() => done(&session, own),
            SessionState::Done | SessionState::Ended => over(html::used(&session)),
            SessionState::Expired => over(html::expired(&session)),
            SessionState::Open if known.is_none() && browser.seat.is_frame() => {
                self.tried(visit, &session, own)
            }
            SessionState::Open if !is_own => html::other_browser().into(),
            SessionState::Open => {
                let shown = self.open(own, &session, &Filled::default());
                match known.is_none() || is_moved {
                    // Nothing of the session is this browser's by that: it is only known again.
                    true => shown.knowing(&browser),
                    false => shown,
                }
            }
        }
    }

    /// A frame of whose cookies the browser keeps none is nobody's in particular: a window is.
    fn tried(&self, visit: &Visit, session: &Session, own: For<'_>) -> Reply {
        if !visit.was_tried() {
            let again = route::link_in(own.token, own.seat(), true);
            return Reply::see(&again).knowing(own.browser);
        }
        let seat = self.frames.own.clone().map_or(Seat::Own, Seat::Popup);
        let window = route::link_in(own.token, &seat, false);
        Reply::page(html::in_window(session, &window), own.seated(session, true))
    }

    /// The page of a session that is under way, with what was typed and what is wrong with it.
    pub(super) fn open(&self, own: For<'_>, session: &Session, filled: &Filled<'_>) -> Reply {
        let asking = session.items.iter().find(|it| it.state == ItemState::Asking);
        let page = match (asking, &session.items[..]) {
            (Some(item), _) => html::another_account(own.token, session, item),
            (None, [item]) => html::one(own, session, item, filled),
            (None, _) => html::several(own, session, filled),
        };
        let is_look = filled.faults.0.is_empty();
        Reply::page(page, own.seated(session, is_look))
    }

    /// The link's session, or the page to show instead.
    pub(super) async fn session(&self, token: &str) -> Result<Session, Instead> {
        let answered = self.ask(Asked::get(path(token, ""))).await;
        answered.read().ok_or_else(|| self.instead(&answered))
    }

    /// The session, and the one of its items that a form is about.
    pub(super) async fn item(
        &self,
        token: &str,
        connection: &str,
    ) -> Result<(Session, Item), Instead> {
        let session = self.session(token).await?;
        match session.item(connection).cloned() {
            Some(item) => Ok((session, item)),
            None => Err(Reply::see_link(token)),
        }
    }

    pub(super) async fn ask(&self, asked: Asked) -> Answered {
        (self.api)(asked).await
    }

    /// For an answer that nothing more can be made of.
    pub(super) fn instead(&self, answered: &Answered) -> Reply {
        let page = match (answered.code(), answered.status) {
            ("connect_session_in_use" | "connect_other_browser", _) => html::other_browser(),
            ("not_found" | "consent_unknown", _) => html::unknown(),
            ("connect_session_over", _) => html::unknown(),
            ("rate_limited", _) => html::too_often(),
            (_, status) if status == StatusCode::SERVICE_UNAVAILABLE => html::busy(),
            _ => html::wrong(),
        };
        page.into()
    }

    /// The form again, with what is wrong with it.
    pub(super) fn again(
        &self,
        own: For<'_>,
        (session, item): (&Session, &Item),
        form: &Form,
        faults: Faults,
    ) -> Reply {
        let filled = Filled { connection: &item.connection, form: Some(form), faults };
        self.open(own, session, &filled)
    }
}

/// By itself, it leads on to where the customer came from. An application that has opened the page goes on by itself.
fn done(session: &Session, own: For<'_>) -> Reply {
    match back(session, standing(session), None).filter(|_| *own.seat() == Seat::Own) {
        Some(url) => Reply::see(&url),
        None => {
            let is_alone = !own.seat().is_frame();
            Reply::page(html::connected(session, is_alone), own.seated(session, true))
        }
    }
}

/// Below the session that a link belongs to.
pub(super) fn path(token: &str, act: &str) -> String {
    format!("/v1/connect-sessions/{}{act}", session_id(token))
}

/// What came of a session, for the application that made it.
pub(super) fn standing(session: &Session) -> &'static str {
    let is = |state| session.items.iter().any(|it| it.state == state);
    match (is(ItemState::Connected), is(ItemState::Failed)) {
        (true, _) => "connected",
        (false, true) => "failed",
        (false, false) => "cancelled",
    }
}

/// Where the customer came from, told what came of it; none where the session says nothing of it.
pub(super) fn back(session: &Session, status: &str, reason: Option<&str>) -> Option<String> {
    let mut url = Url::parse(session.return_url.as_deref()?).ok()?;
    let mut query = url.query_pairs_mut();
    query.append_pair("connect_session", &session.id).append_pair("status", status);
    if let Some(reason) = reason {
        query.append_pair("reason", reason);
    }
    drop(query);
    Some(url.into())
}
