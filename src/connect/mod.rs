//! Customers connect their accounts: the pages behind the links of connect sessions, and where providers send
//! browsers back to.
//!
//! A client of the API in the same process: whatever a page does, an operator's own application can do by itself.
//! The pages work without JavaScript; a `GET` changes nothing, so that whoever looks at a link first uses nothing up.
mod api;
mod begin;
mod browser;
mod callback;
mod desk;
mod files;
mod form;
mod html;
mod initials;
mod link;
mod logo;
mod look;
mod places;
mod reply;
mod route;
mod seat;
mod seated;
mod view;
mod visit;
mod words;

pub use api::Answered;
pub use api::Api;
pub use api::Asked;
pub use desk::Desk;
pub use logo::LOGO_LEN_MAX;
pub use logo::Logo;
pub use logo::LogoError;

use crate::config::ConnectSettings;
use bytes::Bytes;
use files::File;
use http::Method;
use http::Response;
use http::request::Parts;
use look::Look;
use places::Places;
use reply::Reply;
use route::Route;
use seat::Frames;
use visit::Visit;

/// The pages. Shared by all workers.
pub struct Pages {
    api: Api,
    /// Whether browsers reach the pages by https.
    is_secure: bool,
    places: Places,
    look: Look,
    logo: Option<File>,
    script: File,
    frames: Frames,
}

impl Pages {
    /// `public_url`: what the internet knows the pages by.
    pub fn new(
        api: Api,
        public_url: Option<&str>,
        settings: &ConnectSettings,
        logo: Option<Logo>,
    ) -> Self {
        let is_secure = public_url.is_some_and(|it| it.starts_with("https:"));
        let logo = logo.map(File::of_logo);
        let path = logo.as_ref().map(|it| route::file(&it.name));
        let look = Look::new(settings, path.as_deref());
        let frames = Frames::new(&settings.frame_origins, public_url);
        let script = File::of_script();
        Self { api, is_secure, places: Places::default(), look, logo, script, frames }
    }

    fn visit(&self, head: &Parts, body: &[u8]) -> Visit {
        Visit::of(head, body.to_vec(), self.is_secure, &self.frames)
    }

    /// One visit, from the path to the page.
    async fn answer(&self, visit: &Visit) -> Response<Bytes> {
        // Whoever comes back from a provider is in no frame.
        let may_be_framed = Route::of(&visit.path) != Some(Route::Callback);
        self.sent(self.reply(visit).await, may_be_framed)
    }

    async fn reply(&self, visit: &Visit) -> Reply {
        let Some(route) = Route::of(&visit.path) else { return html::no_such_page().into() };
        let Some(_place) = self.places.enter(&route, &visit.method) else {
            return html::busy().into();
        };
        match (route, visit.method == Method::POST) {
            (Route::Callback, _) => self.callback(visit).await,
            (Route::Script, _) => Reply::file(self.script.response(visit.known.as_deref())),
            (Route::Logo { name }, _) => match self.logo.as_ref().filter(|it| it.name == name) {
                Some(file) => Reply::file(file.response(visit.known.as_deref())),
                None => html::no_such_page().into(),
            },
            (Route::Link { token }, false) => self.link(visit, token).await,
            // Whoever reloads what a form led to, or was sent there, sees where things are.
            (route, false) => Reply::see_link(route.token()),
            // Another site sends nobody's form for them: whoever connects has seen with whom.
            (route, true) if visit.is_from_another_site => Reply::see_link(route.token()),
            (Route::Link { token }, true) => Reply::see_link(token),
            (Route::Begin { token, connection }, true) => {
                self.begin(visit, token, connection).await
            }
            (Route::Account { token, connection }, true) => {
                self.account(visit, token, connection).await
            }
            (Route::Finish { token }, true) => self.finish(visit, token).await,
        }
    }
}

#[cfg(test)]
mod tests;
