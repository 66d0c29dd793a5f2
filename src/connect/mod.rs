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
mod form;
mod html;
mod link;
mod places;
mod reply;
mod route;
mod view;
mod visit;
mod words;

pub use api::Answered;
pub use api::Api;
pub use api::Asked;
pub use desk::Desk;

use bytes::Bytes;
use http::Method;
use http::Response;
use http::request::Parts;
use places::Places;
use route::Route;
use visit::Visit;

/// The pages. Shared by all workers.
pub struct Pages {
    api: Api,
    /// Whether browsers reach the pages by https.
    is_secure: bool,
    places: Places,
}

impl Pages {
    pub fn new(api: Api, is_secure: bool) -> Self {
        Self { api, is_secure, places: Places::default() }
    }

    fn visit(&self, head: &Parts, body: &[u8]) -> Visit {
        Visit::of(head, body.to_vec(), self.is_secure)
    }

    /// One visit, from the path to the page.
    async fn answer(&self, visit: &Visit) -> Response<Bytes> {
        let Some(route) = Route::of(&visit.path) else { return self.page(html::no_such_page()) };
        let Some(_place) = self.places.enter(&route, &visit.method) else {
            return self.page(html::busy());
        };
        match (route, visit.method == Method::POST) {
            (Route::Callback, _) => self.callback(visit).await,
            (Route::Link { token }, false) => self.link(visit, token).await,
            // Whoever reloads what a form led to, or was sent there, sees where things are.
            (route, false) => self.see_link(route.token()),
            // Another site sends nobody's form for them: whoever connects has seen with whom.
            (route, true) if visit.is_from_another_site => self.see_link(route.token()),
            (Route::Link { token }, true) => self.see_link(token),
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
