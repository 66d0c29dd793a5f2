//! Where a server is: `http://127.0.0.1:8081`, `https://attache.internal/admin`.
use http::Uri;
use std::net::IpAddr;

/// A server's scheme, host and port, and what its paths begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct ServerUrl {
    pub is_https: bool,
    /// Without brackets.
    pub host: String,
    pub port: u16,
    /// `host`, or `host:port` where it is not the scheme's own: the Host field (RFC 9110 §7.2).
    pub authority: String,
    /// Without a slash at its end; empty for none.
    pub base: String,
}

/// Why a text is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::cli) enum ServerUrlError {
    #[error("write it with its scheme, as in http://127.0.0.1:8081")]
    NoUrl,
    #[error("its scheme is http or https")]
    Scheme,
    #[error("it takes no user or password: a token stands in ATTACHE_TOKEN or in a file")]
    UserInfo,
    #[error("it takes no query")]
    Query,
}

impl ServerUrl {
    /// For clap.
    pub(in crate::cli) fn parse(text: &str) -> Result<Self, ServerUrlError> {
        use ServerUrlError as E;
        let uri: Uri = text.parse().map_err(|_| E::NoUrl)?;
        let is_https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) => return Err(E::Scheme),
            None => return Err(E::NoUrl),
        };
        let authority = uri.authority().ok_or(E::NoUrl)?;
        if authority.as_str().contains('@') {
            return Err(E::UserInfo);
        }
        if uri.query().is_some() {
            return Err(E::Query);
        }
        let port = authority.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let base = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { is_https, host, port, authority: authority.to_string(), base })
    }
}

impl ServerUrl {
    /// True where others could read what is sent: no TLS, and not on this machine.
    fn is_exposed(&self) -> bool {
        let is_here = match self.host.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => self.host == "localhost",
        };
        !self.is_https && !is_here
    }

    /// Says so on standard error: `what` is the secret that is sent with each request.
    pub(in crate::cli) fn warn_of(&self, what: &str) {
        if self.is_exposed() {
            eprintln!("attache: {self} is asked without TLS: whoever is in between reads {what}");
        }
    }
}

impl std::fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_s_url_says_all_that_is_dialled() {
        for (text, host, port, base) in [
            ("http://127.0.0.1:8081", "127.0.0.1", 8081, ""),
            ("https://attache.internal/", "attache.internal", 443, ""),
            ("https://attache.internal/admin/", "attache.internal", 443, "/admin"),
            ("http://[::1]:1", "::1", 1, ""),
        ] {
            let url = ServerUrl::parse(text).unwrap();
            assert_eq!((&*url.host, url.port, &*url.base), (host, port, base), "{text}");
        }
    }

    #[test]
    fn what_others_could_read_is_told_apart() {
        for (text, exposed) in [
            ("http://attache.internal:8081", true),
            ("http://10.0.0.1", true),
            ("http://localhost.example.com", true),
            ("https://attache.internal", false),
            ("http://localhost:8081", false),
            ("http://127.0.0.1:8081", false),
            ("http://127.9.9.9", false),
            ("http://[::1]", false),
        ] {
            assert_eq!(ServerUrl::parse(text).unwrap().is_exposed(), exposed, "{text}");
        }
    }

    #[test]
    fn what_is_none_says_how_to_write_one() {
        use ServerUrlError as E;
        for (text, error) in [
            ("127.0.0.1:8081", E::NoUrl),
            ("", E::NoUrl),
            ("ftp://a", E::Scheme),
            ("http://admin:secret@a", E::UserInfo),
            ("http://a/?x=1", E::Query),
        ] {
            assert_eq!(ServerUrl::parse(text), Err(error), "{text}");
        }
    }
}
