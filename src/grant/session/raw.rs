//! A session login as it is written.
use crate::grant::raw::RawAuthFailure;
use crate::grant::raw::RawExpiry;
use crate::grant::raw::TokenPlace;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

/// One or more calls whose answers feed the next and yield what goes on each request. Texts are
/// templates over credential fields, variables and what earlier calls yielded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawSessionLogin {
    /// The calls, in their order.
    pub steps: Vec<RawStep>,
    /// What goes on each request: `{ in: header, name: X-Session, value: "{session}" }`.
    pub inject: Vec<RawSessionInjection>,
    /// Which of the values that were taken says how long the session lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<String>,
    /// How long a session lives where nothing says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry: Option<RawExpiry>,
    /// What ends a session when its holder is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logout: Option<RawStep>,
    /// Which answers of the API mean that the session is over. Default: status 401.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub auth_failure: Vec<RawAuthFailure>,
}

/// One call. At most one of `form`, `json`, `xml` and `text` is its body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawStep {
    /// Default: `POST`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<StepMethod>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub headers: IndexMap<String, String>,
    /// User and password of RFC 7617: `{username}:{password}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic: Option<String>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub query: IndexMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<IndexMap<String, String>>,
    /// Any JSON; its texts are templates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// What is filled in is escaped for XML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xml: Option<String>,
    /// What is filled in stands as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Statuses of an answer that is good. Default: 200 to 299.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<u16>,
    /// Statuses that mean that the credentials were refused, so that a person has to give others.
    /// Default: 401.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<u16>,
    /// What is taken from the answer, by the name that templates use.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub take: IndexMap<String, RawTake>,
}

/// Where a value stands in an answer: one of `json`, `header` and `cookie`, or `pattern` alone, which
/// is then looked for in the body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawTake {
    /// JSON pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// A cookie that the answer sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
    /// A regular expression; its first group is the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Whether it may be absent. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum StepMethod {
    Get,
    Post,
    Put,
    Delete,
}

/// One thing that goes on each request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSessionInjection {
    pub r#in: TokenPlace,
    pub name: String,
    pub value: String,
}
