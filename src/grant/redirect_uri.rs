//! Where a person's browser comes back to (RFC 6749 §3.1.2): checked before it is sent anywhere, and compared as it is
//! written (RFC 9700 §2.1).
use url::Host;
use url::Url;

/// Longest, in bytes.
const LEN_MAX: usize = 2048;

/// A checked one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri(String);

/// Why it is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    #[error("it is no absolute URL")]
    NoUrl,
    #[error("it is longer than {LEN_MAX} bytes")]
    TooLong,
    #[error("it is not https, and does not lead to this machine")]
    NotHttps,
    #[error("it has a user name or an `@`")]
    UserInfo,
    #[error("it has a fragment")]
    Fragment,
    #[error("it has a character that two programs may read differently")]
    Ambiguous,
}

impl RedirectUri {
    pub fn parse(text: &str) -> Result<Self, RedirectUriError> {
        use RedirectUriError as E;
        if text.len() > LEN_MAX {
            return Err(E::TooLong);
        }
        // What URL parsers drop, fold or mend: tabs, line ends, spaces, backslashes, whatever is not ASCII.
        let is_plain = |it: u8| it.is_ascii_graphic() && !b"\\\"<>^`{|}".contains(&it);
        if !text.bytes().all(is_plain) || has_encoded_control(text) {
            return Err(E::Ambiguous);
        }
        let url = Url::parse(text).map_err(|_| E::NoUrl)?;
        let is_here = match url.host().ok_or(E::NoUrl)? {
            Host::Domain(name) => name.eq_ignore_ascii_case("localhost"),
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        match url.scheme() {
            "https" => {}
            "http" if is_here => {}
            _ => return Err(E::NotHttps),
        }
        let (_, rest) = text.split_once("://").ok_or(E::NoUrl)?;
        let (before, _) = rest.split_once('?').unwrap_or((rest, ""));
        if !url.username().is_empty() || url.password().is_some() || before.contains('@') {
            return Err(E::UserInfo);
        }
        if text.contains('#') {
            return Err(E::Fragment);
        }
        let path = before.find('/').map_or("", |at| &before[at..]);
        let is_dots = |it: &str| matches!(it, "." | "..");
        if path.contains("//")
            || path.split('/').any(is_dots)
            || before.contains('%') && has_encoded_dots(path)
        {
            return Err(E::Ambiguous);
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The query of a redirect that came back to exactly this; `None` where it came to anywhere else.
    pub fn query_of<'u>(&self, url: &'u str) -> Option<&'u str> {
        let url = url.split_once('#').map_or(url, |it| it.0);
        let (own, own_query) = self.0.split_once('?').unwrap_or((&self.0, ""));
        let (given, query) = url.split_once('?')?;
        let is_own =
            own_query.split('&').all(|it| it.is_empty() || query.split('&').any(|q| q == it));
        (given == own && is_own).then_some(query)
    }
}

/// NUL to US, and DEL, by their escapes.
fn has_encoded_control(text: &str) -> bool {
    let decoded = percent_encoding::percent_decode_str(text);
    decoded.into_iter().any(|it| it.is_ascii_control())
}

fn has_encoded_dots(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ["%2e", "%2f", "%5c", "%40"].iter().any(|it| path.contains(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts() {
        use RedirectUriError as E;
        for good in [
            "https://app.example/oauth/callback",
            "https://app.example:8443/cb?app=1&x=%C3%A9",
            "https://app.example",
            "http://127.0.0.1:49152/cb",
            "http://localhost/cb",
            "http://[::1]:9/cb",
        ] {
            assert_eq!(RedirectUri::parse(good).map(|it| it.0), Ok(good.to_owned()));
        }
        for (bad, why) in [
            ("", E::NoUrl),
            ("/oauth/callback", E::NoUrl),
            ("app.example/cb", E::NoUrl),
            ("https:///cb@x", E::UserInfo),
            ("http://app.example/cb", E::NotHttps),
            ("http://127.0.0.1.evil.example/cb", E::NotHttps),
            ("http://localhost.evil.example/cb", E::NotHttps),
            ("javascript:alert(1)", E::NoUrl),
            ("myapp://cb", E::NotHttps),
            ("https://app.example@evil.example/cb", E::UserInfo),
            ("https://user:word@app.example/cb", E::UserInfo),
            ("https://@app.example/cb", E::UserInfo),
            ("https://app.example/cb/@evil.example", E::UserInfo),
            ("https://app.example/cb/%40evil.example", E::Ambiguous),
            ("https://app.example//evil.example/cb", E::Ambiguous),
            ("https://app.example/a/../cb", E::Ambiguous),
            ("https://app.example/a/%2e%2e/cb", E::Ambiguous),
            ("https://app.example/cb#x", E::Fragment),
            ("https://app.example/cb%0d%0aX: y", E::Ambiguous),
            ("https://app.example/cb%0d%0aX", E::Ambiguous),
            ("https://app.example/cb?x=%00", E::Ambiguous),
            ("https://app.example/cb\r\nX", E::Ambiguous),
            ("https://app.example/c b", E::Ambiguous),
            ("https://app.example\\@evil.example/cb", E::Ambiguous),
            ("https://аpp.example/cb", E::Ambiguous),
        ] {
            assert_eq!(RedirectUri::parse(bad), Err(why), "{bad:?}");
        }
        let long = format!("https://app.example/{}", "a".repeat(LEN_MAX));
        assert_eq!(RedirectUri::parse(&long), Err(E::TooLong));
    }

    #[test]
    fn a_redirect_comes_back_to_exactly_what_was_named() {
        let uri = RedirectUri::parse("https://app.example/cb?app=1").unwrap();
        let query = |url| uri.query_of(url);
        assert_eq!(query("https://app.example/cb?app=1&code=c"), Some("app=1&code=c"));
        assert_eq!(query("https://app.example/cb?code=c&app=1#_=_"), Some("code=c&app=1"));
        for other in [
            "https://app.example/cb?code=c",
            "https://app.example/cb?app=12&code=c",
            "https://app.example/cb/?app=1&code=c",
            "https://App.example/cb?app=1&code=c",
            "https://app.example.evil.example/cb?app=1&code=c",
            "http://app.example/cb?app=1&code=c",
            "https://app.example/cb",
            "",
        ] {
            assert_eq!(query(other), None, "{other}");
        }
    }
}
