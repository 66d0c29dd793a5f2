//! Which page a path is.
use super::files;
use super::seat::Seat;
use crate::model::ConnectSessionId;
use percent_encoding::percent_decode_str;

/// Where forms and links lead.
const CONNECT: &str = "/connect/";

/// Where providers send browsers back to.
const CALLBACK: &str = "/oauth/callback";

/// What a link may say of where it is shown: `popup` or `frame`, …
pub(super) const IN: &str = "in";

/// … in a page of which origin, …
pub(super) const ORIGIN: &str = "origin";

/// … and that a cookie was set, which is there or is not.
pub(super) const TRIED: &str = "tried";

/// A page, or what one of its forms does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route<'p> {
    /// The link itself.
    Link {
        token: &'p str,
    },
    /// A connection is to be made.
    Begin {
        token: &'p str,
        connection: String,
    },
    /// Another account than before came back: whether it is taken.
    Account {
        token: &'p str,
        connection: String,
    },
    /// Nothing more is to be connected.
    Finish {
        token: &'p str,
    },
    Callback,
    /// What opens the pages from an application's own.
    Script,
    /// The operator's picture, by its name.
    Logo {
        name: &'p str,
    },
}

impl<'p> Route<'p> {
    pub(super) fn of(path: &'p str) -> Option<Self> {
        if path == CALLBACK {
            return Some(Self::Callback);
        }
        let below = path.strip_prefix(CONNECT)?;
        if below == files::SCRIPT {
            return Some(Self::Script);
        }
        if files::is_logo(below) {
            return Some(Self::Logo { name: below });
        }
        let mut segments = below.split('/');
        let token = segments.next().filter(|it| is_token(it))?;
        let route = match (segments.next(), segments.next()) {
            (None, _) => Self::Link { token },
            (Some("finish"), None) => Self::Finish { token },
            (Some("with"), Some(key)) => {
                let connection = percent_decode_str(key).decode_utf8().ok()?.into_owned();
                match segments.next() {
                    None => Self::Begin { token, connection },
                    Some("account") => Self::Account { token, connection },
                    Some(_) => return None,
                }
            }
            _ => return None,
        };
        segments.next().is_none().then_some(route)
    }

    /// Of the link that it belongs to; empty where it belongs to none.
    pub(super) fn token(&self) -> &'p str {
        match self {
            Self::Link { token }
            | Self::Begin { token, .. }
            | Self::Account { token, .. }
            | Self::Finish { token } => token,
            Self::Callback | Self::Script | Self::Logo { .. } => "",
        }
    }
}

/// Whether this could be a link's own secret.
pub(super) fn is_token(text: &str) -> bool {
    ConnectSessionId::of_token(text).is_some()
}

pub(super) fn file(name: &str) -> String {
    format!("{CONNECT}{name}")
}

pub(super) fn link(token: &str) -> String {
    format!("{CONNECT}{token}")
}

/// The same, as it was asked for, to be shown there.
pub(super) fn link_in(token: &str, seat: &Seat, is_tried: bool) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(name) = seat.name() {
        query.append_pair(IN, name);
    }
    if let Some(origin) = seat.origin() {
        query.append_pair(ORIGIN, origin);
    }
    if is_tried {
        query.append_pair(TRIED, "1");
    }
    format!("{CONNECT}{token}?{}", query.finish())
}

pub(super) fn begin(token: &str, connection: &str) -> String {
    format!("{CONNECT}{token}/with/{connection}")
}

pub(super) fn account(token: &str, connection: &str) -> String {
    format!("{CONNECT}{token}/with/{connection}/account")
}

pub(super) fn finish(token: &str) -> String {
    format!("{CONNECT}{token}/finish")
}

pub(super) fn callback(query: &str) -> String {
    format!("{CALLBACK}?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-A";

    #[test]
    fn each_path_is_read_as_it_is_written() {
        let (token, connection) = (TOKEN, "crm".to_owned());
        for (path, route) in [
            (link(TOKEN), Some(Route::Link { token })),
            (begin(TOKEN, "crm"), Some(Route::Begin { token, connection: connection.clone() })),
            (account(TOKEN, "crm"), Some(Route::Account { token, connection })),
            (finish(TOKEN), Some(Route::Finish { token })),
            ("/oauth/callback".to_owned(), Some(Route::Callback)),
            ("/connect/connect.js".to_owned(), Some(Route::Script)),
            (file("logo-ab.png"), Some(Route::Logo { name: "logo-ab.png" })),
            ("/connect/".to_owned(), None),
            ("/connect/short".to_owned(), None),
            (format!("/connect/{}", TOKEN.replace('A', "%")), None),
            (format!("/connect/{TOKEN}/"), None),
            (format!("/connect/{TOKEN}/crm"), None),
            (format!("/connect/{TOKEN}/with"), None),
            (format!("/connect/{TOKEN}/with/crm/account/x"), None),
            (format!("/connect/{TOKEN}/finish/x"), None),
            ("/oauth/callback/".to_owned(), None),
            ("/".to_owned(), None),
        ] {
            assert_eq!(Route::of(&path), route, "{path}");
        }
    }
}
