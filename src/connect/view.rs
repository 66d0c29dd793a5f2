//! A connect session, as the API shows it.
use crate::model::ConnectSessionId;
use serde::Deserialize;

/// Of a link: what the API knows the session by.
pub(super) fn session_id(token: &str) -> String {
    ConnectSessionId::of_token(token).map(|it| it.to_string()).unwrap_or_default()
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Session {
    pub(super) id: String,
    /// The operator's, for people.
    pub(super) name: Option<String>,
    pub(super) state: SessionState,
    /// The hash of the browser that it is bound to.
    pub(super) browser: Option<String>,
    pub(super) return_url: Option<String>,
    pub(super) items: Vec<Item>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SessionState {
    Open,
    Done,
    Expired,
    Ended,
}

/// One connection of a session.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Item {
    pub(super) connection: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) description: String,
    pub(super) way: Way,
    pub(super) state: ItemState,
    #[serde(default)]
    pub(super) reason: Option<String>,
    /// Whose it is at present, for people.
    #[serde(default)]
    pub(super) account: Option<Account>,
    /// Whose came back instead.
    #[serde(default)]
    pub(super) given_account: Option<Account>,
    #[serde(default)]
    pub(super) is_reconnect: bool,
    #[serde(default)]
    pub(super) missing_scopes: Vec<String>,
    #[serde(default)]
    pub(super) device: Option<Device>,
    #[serde(default)]
    pub(super) fields: Vec<Field>,
}

/// Somebody's account at the provider.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Account {
    id: String,
    #[serde(default)]
    name: Option<String>,
}

impl Account {
    /// What people know it by.
    pub(super) fn text(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }
}

/// How it is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Way {
    /// The credential is typed here.
    Form,
    /// The provider asks.
    Redirect,
    /// The provider asks on another device, or in another window.
    Device,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ItemState {
    Waiting,
    /// Another account came back than before: which one is to be used?
    Asking,
    Connected,
    Failed,
}

/// The code to type elsewhere.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Device {
    pub(super) user_code: String,
    pub(super) verification_uri: String,
    #[serde(default)]
    pub(super) verification_uri_complete: Option<String>,
}

/// What a customer fills in.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Field {
    pub(super) r#in: Place,
    pub(super) name: String,
    pub(super) label: String,
    #[serde(default)]
    pub(super) help: Option<String>,
    #[serde(default)]
    pub(super) example: Option<String>,
    #[serde(default)]
    pub(super) secret: bool,
    #[serde(default)]
    pub(super) required: bool,
    #[serde(default)]
    pub(super) value: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Place {
    Credentials,
    Variables,
}

impl Place {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Variables => "variables",
        }
    }
}

impl Field {
    /// Its name in the form.
    pub(super) fn input(&self) -> String {
        format!("{}.{}", self.r#in.as_str(), self.name)
    }

    /// As the API's problems point to it (RFC 6901).
    pub(super) fn pointer(&self) -> String {
        let name = self.name.replace('~', "~0").replace('/', "~1");
        format!("/{}/{name}", self.r#in.as_str())
    }
}

impl Session {
    pub(super) fn item(&self, connection: &str) -> Option<&Item> {
        self.items.iter().find(|it| it.connection == connection)
    }

    pub(super) fn is_all_connected(&self) -> bool {
        self.items.iter().all(|it| it.state == ItemState::Connected)
    }
}

/// What came of something that was begun.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Begun {
    /// Where the browser goes.
    #[serde(default)]
    pub(super) redirect: Option<String>,
}

/// What came of a browser that was sent back.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct CameBack {
    pub(super) session: Session,
}

/// What is wrong with what was sent.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Fault {
    #[serde(default)]
    pub(super) pointer: String,
    #[serde(default)]
    pub(super) problem: String,
    /// What to write instead.
    #[serde(default)]
    pub(super) hint: String,
}

impl Fault {
    /// Regular expressions say nothing to customers.
    pub(super) fn in_plain_words(self) -> Self {
        if !self.problem.contains("does not match its pattern") {
            return self;
        }
        let problem = match self.hint.strip_prefix("write it as in ") {
            Some(example) => format!("This does not look right: it looks like {example}."),
            None => "This does not look right. Check that all of it is there, and nothing else."
                .to_owned(),
        };
        Self { problem, ..self }
    }
}
