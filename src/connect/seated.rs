//! What a page's script knows of where it is shown: who is told what came of the session, and where things go on.
use super::browser::Browser;
use super::link::back;
use super::link::standing;
use super::route;
use super::seat::Seat;
use super::view::ItemState;
use super::view::Session;
use super::view::SessionState;
use serde_json::Value;
use serde_json::json;

/// Where a page of a session is shown.
#[derive(Clone, Debug)]
pub(super) struct Seated {
    pub(super) seat: Seat,
    /// The session's.
    pub(super) link: String,
    /// What the application's page is told; none where nothing came of it so far.
    pub(super) told: Option<String>,
    /// Another one is another page.
    pub(super) standing: String,
    /// It is a frame's window, which has done its part.
    pub(super) ends: bool,
    /// Where the session leads in the end, for a window that nobody hears any more.
    pub(super) returns: Option<String>,
}

/// For whom a page is made.
#[derive(Clone, Copy)]
pub(super) struct For<'f> {
    pub(super) token: &'f str,
    pub(super) browser: &'f Browser,
}

impl For<'_> {
    pub(super) fn seat(&self) -> &Seat {
        &self.browser.seat
    }

    /// `is_look`: nothing was typed that the page has to be about.
    pub(super) fn seated(&self, session: &Session, is_look: bool) -> Seated {
        let is_own = session.browser.as_deref() == Some(&*self.browser.hash());
        let is_done = session.state == SessionState::Done;
        let returns = if is_done { back(session, standing(session), None) } else { None };
        Seated {
            seat: self.seat().clone(),
            link: route::link(self.token),
            told: told(session).map(|it| it.to_string()),
            standing: states(session),
            ends: is_look && is_own && *self.seat() == Seat::Window,
            returns,
        }
    }
}

/// What came of a session, less everything that only the customer is to know.
fn told(session: &Session) -> Option<Value> {
    let over = session.state == SessionState::Done;
    let is_late = matches!(session.state, SessionState::Expired | SessionState::Ended);
    let status = match (standing(session), over, is_late) {
        ("cancelled", false, false) => return None,
        ("cancelled", true, _) => "closed",
        ("cancelled", false, true) => "failed",
        (status, ..) => status,
    };
    let connections = session.items.iter().map(
        |it| json!({ "connection": it.connection, "status": state(it.state), "reason": it.reason }),
    );
    let one = match &session.items[..] {
        [one] => Some(one),
        _ => None,
    };
    let late = is_late.then(|| "session_expired".to_owned());
    let reason = one.and_then(|it| it.reason.clone()).or(late).filter(|_| status == "failed");
    Some(json!({
        "session": session.id,
        "status": status,
        "connection": one.map(|it| &it.connection),
        "reason": reason,
        "connections": connections.collect::<Vec<_>>(),
        "over": over,
    }))
}

fn states(session: &Session) -> String {
    let own = match session.state {
        SessionState::Open => "open",
        SessionState::Done => "done",
        SessionState::Expired => "expired",
        SessionState::Ended => "ended",
    };
    let all = session.items.iter().map(|it| state(it.state));
    std::iter::once(own).chain(all).collect::<Vec<_>>().join(" ")
}

fn state(state: ItemState) -> &'static str {
    match state {
        ItemState::Waiting => "waiting",
        ItemState::Asking => "asking",
        ItemState::Connected => "connected",
        ItemState::Failed => "failed",
    }
}
