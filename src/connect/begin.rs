//! What the forms do: connect, say which account is meant, finish.
use super::Pages;
use super::api::Answered;
use super::api::Asked;
use super::browser::Browser;
use super::form::Faults;
use super::form::Form;
use super::link::path;
use super::reply::Reply;
use super::seated::For;
use super::view::Begun;
use super::view::Item;
use super::view::ItemState;
use super::view::Place;
use super::view::Session;
use super::visit::Visit;
use super::words;
use http::StatusCode;
use serde_json::json;

/// The field by which a frame gives its window what only the browser has.
pub(super) const OF_FRAME: &str = "window";

/// Problems that the session has: its link shows them.
const SHOWN_BY_LINK: [&str; 2] = ["connect_session_over", "connect_misconfigured"];

impl Pages {
    /// Connects, or sends the browser to the provider. From here on the link is this browser's.
    pub(super) async fn begin(&self, visit: &Visit, token: &str, connection: String) -> Reply {
        let (session, item) = match self.item(token, &connection).await {
            Ok(found) => found,
            Err(instead) => return instead,
        };
        if item.state == ItemState::Connected {
            return Reply::see_link(token);
        }
        let form = Form::read(&visit.body);
        let framed = form.field(OF_FRAME).filter(|_| visit.is_from_here);
        let framed = framed.and_then(|it| Browser::of_frame(token, it));
        let browser = framed.unwrap_or_else(|| visit.browser_or_new(token));
        let body = json!({
            "connection": connection,
            "credentials": form.members(&item, Place::Credentials),
            "variables": form.members(&item, Place::Variables),
            "browser": browser.hash(),
        });
        let answered = self.ask(Asked::post(path(token, "/begin"), body)).await;
        let own = For { token, browser: &browser };
        let reply = self.begun(own, (&session, &item), &form, &answered).await;
        // Whatever came of it: the session may be this browser's from here on.
        reply.knowing(&browser)
    }

    async fn begun(
        &self,
        own: For<'_>,
        (session, item): (&Session, &Item),
        form: &Form,
        answered: &Answered,
    ) -> Reply {
        match answered.read::<Begun>() {
            Some(Begun { redirect: Some(url) }) => Reply::see(&url),
            Some(Begun { redirect: None }) => self.finish_if_all(own.token, own.browser).await,
            None if answered.status == StatusCode::UNPROCESSABLE_ENTITY => {
                let faults = match answered.code() {
                    "invalid" => Faults::of(&answered.body),
                    code => {
                        let words = words::of(code, &item.name, &[]);
                        Faults::of_credentials(item, &format!("{}. {}", words.title, words.text))
                    }
                };
                self.again(own, (session, item), form, faults)
            }
            // Whatever else came of it, the session has it.
            None if SHOWN_BY_LINK.contains(&answered.code()) => Reply::see_link(own.token),
            None => self.instead(answered),
        }
    }

    /// Takes the other account, or leaves things as they were.
    pub(super) async fn account(&self, visit: &Visit, token: &str, connection: String) -> Reply {
        let Some(browser) = visit.browser(token) else { return Reply::see_link(token) };
        let take = Form::read(&visit.body).field("take") == Some("yes");
        let body = json!({ "connection": connection, "take": take, "browser": browser.hash() });
        let answered = self.ask(Asked::post(path(token, "/account"), body)).await;
        match answered.status.is_success() || answered.code() == "connect_session_over" {
            true => self.finish_if_all(token, browser).await,
            false => self.instead(&answered),
        }
    }

    /// The customer has nothing more to connect, or wants to know whether all is.
    pub(super) async fn finish(&self, visit: &Visit, token: &str) -> Reply {
        let Some(browser) = visit.browser(token) else { return Reply::see_link(token) };
        if Form::read(&visit.body).field("once") == Some("all") {
            return self.finish_if_all(token, browser).await;
        }
        let body = json!({ "browser": browser.hash() });
        let answered = self.ask(Asked::post(path(token, "/finish"), body)).await;
        match answered.status.is_success() || answered.code() == "connect_session_over" {
            true => Reply::see_link(token),
            false => self.instead(&answered),
        }
    }

    /// Ends a session in which nothing is left to be connected.
    pub(super) async fn finish_if_all(&self, token: &str, browser: &Browser) -> Reply {
        let is_all = self.session(token).await.is_ok_and(|it: Session| it.is_all_connected());
        if is_all {
            let body = json!({ "browser": browser.hash() });
            // Where it did not end, the page has a button for it.
            let _ = self.ask(Asked::post(path(token, "/finish"), body)).await;
        }
        Reply::see_link(token)
    }
}
