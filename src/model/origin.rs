//! Where a credential may be sent.
use std::fmt;
use url::Host;
use url::Url;

/// URL scheme, host and port: the unit that a credential is bound to.
///
/// Two URLs share an origin if all three are equal; the host is kept in lower case, without a
/// final dot, an IP address in its one canonical spelling, and a missing port is the scheme's default.
/// Source: RFC 6454 §4, RFC 9110 §4.3.1.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    https: bool,
    /// An IPv6 address stands in brackets, as in a URL.
    host: Box<str>,
    port: u16,
}

/// Why a text is not the URL of a place that attache can send to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("is not an absolute URL: {0}")]
    Malformed(url::ParseError),
    #[error("begins with neither `https://` nor `http://`")]
    NotHttp,
    #[error("has a user name or password in it")]
    UserInfo,
    #[error("has a query or a fragment")]
    QueryOrFragment,
    #[error("has a dot segment, a backslash or a control character in its path")]
    Path,
    #[error("has a character in its path that no request may have there")]
    PathCharacter,
    #[error("has a path where only an origin is due")]
    PathInOrigin,
    #[error("has no usable host name")]
    Host,
}

impl Origin {
    /// Reads `https://host[:port]`, a final slash allowed.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let url = checked_url(text)?;
        if !matches!(url.path(), "" | "/") {
            return Err(UrlError::PathInOrigin);
        }
        Self::of(&url)
    }

    pub(super) fn of(url: &Url) -> Result<Self, UrlError> {
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(UrlError::NotHttp),
        };
        let host = match url.host().ok_or(UrlError::Host)? {
            // A URL's host may have almost any character; the name of one has these alone
            // (RFC 952, RFC 1123 §2.1, and `_`, which real ones have).
            Host::Domain(name) if !name.bytes().all(is_name_byte) => return Err(UrlError::Host),
            Host::Domain(name) => name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => format!("[{address}]"),
        };
        // A second final dot would be the name's own, and shown without it another name's.
        if host.is_empty() || host.ends_with('.') {
            return Err(UrlError::Host);
        }
        let port = url.port_or_known_default().ok_or(UrlError::Host)?;
        Ok(Self { https, host: host.into(), port })
    }

    pub fn is_https(&self) -> bool {
        self.https
    }

    /// The host as in a URL: a name in lower case, an IPv4 address, an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host as a resolver and TLS take it: an IPv6 address without its brackets.
    pub fn bare_host(&self) -> &str {
        self.host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(&self.host)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// `host` or `host:port`: the value of the Host field (RFC 9110 §7.2).
    pub fn authority(&self) -> String {
        let default = if self.https { 443 } else { 80 };
        if self.port == default {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// Parses, and refuses what a URL parser would quietly mend.
pub(super) fn checked_url(text: &str) -> Result<Url, UrlError> {
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    if !lower.starts_with("https://") && !lower.starts_with("http://") {
        return Err(match Url::parse(text) {
            Err(problem) => UrlError::Malformed(problem),
            Ok(_) => UrlError::NotHttp,
        });
    }
    if text.contains('\\') || text.chars().any(|it| it.is_control() || it == ' ') {
        return Err(UrlError::Path);
    }
    // A parser of URLs takes the first segment of the path for a host that is missing.
    if text.split_once("://").is_some_and(|it| it.1.starts_with('/')) {
        return Err(UrlError::Host);
    }
    let url = Url::parse(text).map_err(UrlError::Malformed)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::UserInfo);
    }
    let authority = text.split_once("://").map_or("", |it| it.1).split(['/', '?', '#']).next();
    if authority.is_some_and(|it| it.contains('@')) {
        return Err(UrlError::UserInfo);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(UrlError::QueryOrFragment);
    }
    Ok(url)
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_origins_are_equal_however_spelled() {
        let canonical = Origin::parse("https://api.example.com").unwrap();
        for same in
            ["HTTPS://API.example.com", "https://api.example.com:443/", "https://api.example.com."]
        {
            assert_eq!(Origin::parse(same).unwrap(), canonical, "{same}");
        }
        for other in
            ["http://api.example.com", "https://api.example.com:444", "https://api.example.co"]
        {
            assert_ne!(Origin::parse(other).unwrap(), canonical, "{other}");
        }
    }

    #[test]
    fn odd_spellings_of_addresses_become_the_address() {
        for loopback in [
            "http://2130706433",
            "http://0x7f.1",
            "http://0177.0.0.1",
            "http://127.1",
            "http://127.0.0.1.",
        ] {
            assert_eq!(Origin::parse(loopback).unwrap().host(), "127.0.0.1", "{loopback}");
        }
        assert_eq!(
            Origin::parse("http://[::ffff:127.0.0.1]:81").unwrap().bare_host(),
            "::ffff:127.0.0.1"
        );
    }

    #[test]
    fn refuses_what_is_not_an_origin() {
        for bad in [
            "",
            "api.example.com",
            "//api.example.com",
            "ftp://a",
            "https://",
            "https://u@a",
            "https://u:p@a",
            "https://@a",
            "https://a/b",
            "https://a?b",
            "https://a#b",
            "https:\\\\a",
            "https://a b",
            "https:a",
            "https://a\n",
            "https://[::1%25lo]",
            "https://*.example.com",
            "https://a:99999",
            "https://a..",
            "https://.",
            "https://a%2e%2e",
            "https://a%7bb%7d.example",
            "https://a,b",
            "https://a!",
            "https://a\"b",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad:?}");
        }
    }
}
