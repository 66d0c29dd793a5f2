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
use route::Route;
use tokio::sync::Semaphore;
use visit::Visit;

/// Visits that are answered at the same time, of all workers together; further ones are told to come again.
const VISITS_MAX: usize = 256;

/// The pages. Shared by all workers.
pub struct Pages {
    api: Api,
    /// Whether browsers reach the pages by https.
    is_secure: bool,
    visits: Semaphore,
}

impl Pages {
    pub fn new(api: Api, is_secure: bool) -> Self {
        Self { api, is_secure, visits: Semaphore::new(VISITS_MAX) }
    }

    /// One visit, from the path to the page.
    async fn answer(&self, visit: &Visit) -> Response<Bytes> {
        let Ok(_place) = self.visits.try_acquire() else { return self.page(html::busy()) };
        let Some(route) = Route::of(&visit.path) else { return self.page(html::no_such_page()) };
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
