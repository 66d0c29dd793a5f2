//! The two pages that somebody sees on the way back from the provider: plain, without scripts.
use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use maud::DOCTYPE;
use maud::Markup;
use maud::html;

/// Goes on from here: what leads on from another site's redirect brings no `Strict` cookie along, what leads on from a
/// page of ours does.
pub(super) fn signed_in(goes_on: &str) -> Response {
    let ahead = html! { meta http-equiv="refresh" content={ "0; url=" (goes_on) }; };
    let main = html! {
        h1 { "You are signed in" }
        p { a href=(goes_on) { "Go on to the console" } }
    };
    page(StatusCode::OK, "Signed in", &ahead, &main)
}

/// `words`: for whoever wanted to sign in.
pub(super) fn refused(status: StatusCode, words: &str, request_id: &str) -> Response {
    let main = html! {
        h1 { "You are not signed in" }
        p { (words) }
        p { a href="/" { "Back to the sign-in" } }
        p { small { "Request " (request_id) } }
    };
    page(status, "Not signed in", &html! {}, &main)
}

fn page(status: StatusCode, title: &str, ahead: &Markup, main: &Markup) -> Response {
    let text = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                meta name="color-scheme" content="light dark";
                (ahead)
                title { (title) " · attache" }
            }
            body { main { (main) } }
        }
    };
    let mut response = Response::new(Body::from(text.into_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
