//! A captured request with the URL that its sender knows: some sign it.
use super::capture::Captured;
use super::delivery::Delivery;
use http::HeaderMap;
use http::Method;
use http::header;

/// A request with the URL that its sender knows.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub url: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// Whether nothing said the URL's scheme and host but the Host field.
    pub is_url_assumed: bool,
    /// What is odd about it, in whole sentences.
    pub oddities: Vec<String>,
}

impl Request {
    /// `public_url` is what senders know the listener by, without a final slash.
    pub fn of(captured: Captured, public_url: Option<&str>) -> Self {
        let Captured { method, target, headers, body, oddities } = captured;
        let (url, is_url_assumed) = url(&target, &headers, public_url);
        Self { method, url, headers, body, is_url_assumed, oddities }
    }

    pub fn delivery(&self) -> Delivery<'_> {
        Delivery {
            method: self.method.as_str(),
            url: &self.url,
            query: self.url.split_once('?').map_or("", |it| it.1),
            headers: &self.headers,
            body: &self.body,
        }
    }
}

/// The URL as the sender knows it, and whether that is no more than a guess.
fn url(target: &str, headers: &HeaderMap, public_url: Option<&str>) -> (String, bool) {
    let absolute = target.split_once("://").filter(|it| !it.0.contains('/'));
    let path = match absolute {
        None => target,
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
    };
    match (public_url, absolute) {
        (Some(public_url), _) => (format!("{}{path}", public_url.trim_end_matches('/')), false),
        (None, Some(_)) => (target.to_owned(), false),
        (None, None) => {
            let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
            let host = host.unwrap_or("localhost");
            (format!("https://{host}{path}"), true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn the_url_is_what_the_sender_knows() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("in.example.com"));
        for (target, public_url, expected, is_assumed) in [
            ("/a?b", None, "https://in.example.com/a?b", true),
            ("/a?b=%2F", Some("https://x.example/"), "https://x.example/a?b=%2F", false),
            ("http://y.example:80/a", None, "http://y.example:80/a", false),
            ("http://y.example:80/a", Some("https://x.example"), "https://x.example/a", false),
            ("http://y.example", Some("https://x.example"), "https://x.example/", false),
            (
                "/a?to=http://z.example/",
                None,
                "https://in.example.com/a?to=http://z.example/",
                true,
            ),
        ] {
            let (url, assumed) = url(target, &headers, public_url);
            assert_eq!((&*url, assumed), (expected, is_assumed), "{target}");
        }
    }
}
