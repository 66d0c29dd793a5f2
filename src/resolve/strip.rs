//! Takes attache's own fields off a head, going out or coming back.
use super::tags::is_ours;
use http::HeaderMap;
use http::HeaderName;

/// Removes every `Attache-*` field, underscore spellings too: none goes to an upstream, and none of
/// an upstream's reaches a caller.
pub fn strip_tags(headers: &mut HeaderMap) {
    let ours = |it: &&HeaderName| is_ours(it.as_str());
    while let Some(name) = headers.keys().find(ours).cloned() {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn every_spelling_of_ours_goes_and_all_else_stays() {
        let mut headers = HeaderMap::new();
        let names = [
            "attache-key",
            "attache-x",
            "attache_connection",
            "attache.key",
            "attache-",
            "attaches",
            "x-attache-key",
            "attache",
            "host",
        ];
        for name in names {
            headers.append(name, HeaderValue::from_static("1"));
            headers.append(name, HeaderValue::from_static("2"));
        }
        strip_tags(&mut headers);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["attache", "attaches", "host", "x-attache-key"]);
        assert_eq!(headers.len(), 8);
    }
}
