//! The web console's files, embedded: a client of the API like any other, so that nothing of the API is known here.
//!
//! Nothing is read at run time but the program itself, and nothing outside the embedded set can be asked for.
mod embedded;
mod encoding;
mod files;
mod guard;
mod wanted;

use bytes::Bytes;
use files::Files;
use http::Response;
use http::request::Parts;
use wanted::Wanted;

/// What is served in the place of a console that was not built.
const UNBUILT: &str = include_str!("unbuilt.html");

/// The answer to a request for a file of the console, or for one of its pages; none where it is for neither.
///
/// `generation`: of the configuration that is served, for whoever comes to a gateway without a console.
pub fn serve(head: &Parts, generation: u64) -> Option<Response<Bytes>> {
    answer(embedded::find, head, generation)
}

fn answer(files: Files, head: &Parts, generation: u64) -> Option<Response<Bytes>> {
    let mut response = match Wanted::of(head)? {
        Wanted::File(path) => files::asset(files, path, &head.headers)?,
        Wanted::Page => match files::page(files, &head.headers) {
            Some(page) => page,
            None => files::unbuilt(UNBUILT, generation),
        },
    };
    guard::put(response.headers_mut());
    files::cut(&mut response, &head.method);
    Some(response)
}

#[cfg(test)]
mod tests;
