//! `GET /v1/configuration`: what is in force, and where each value comes from.
use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;
use crate::config::InForce;
use crate::config::OriginKind;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// The configuration of this process.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Configuration {
    /// Counts the configurations served since the start.
    generation: u64,
    /// By path: settings of the process as it was started, then what is served with, and how much files declare.
    items: Vec<Item>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename = "ConfigurationItem")]
struct Item {
    /// As in `server.proxy.listen`. Sections of which files declare something stand once for each file.
    path: String,
    /// Null where there is none, or where it is not told. Of a section, `{"count": 7}`.
    value: Value,
    /// It is never told, for what it is or may be.
    is_secret: bool,
    origin: Origin,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename = "ConfigurationOrigin")]
struct Origin {
    kind: Kind,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    /// The setting of the environment, the flag, or `file:` and the path that was written for a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    setting: Option<String>,
}

/// Who said it.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename = "ConfigurationOriginKind", rename_all = "lowercase")]
enum Kind {
    /// Nobody.
    Default,
    /// A configuration file.
    File,
    /// A setting of the environment.
    Environment,
    /// A flag of the command line.
    Flag,
    /// attache made it, because it was missing.
    Made,
}

impl From<InForce> for Item {
    fn from(it: InForce) -> Self {
        let kind = match it.origin.kind {
            OriginKind::Default => Kind::Default,
            OriginKind::File => Kind::File,
            OriginKind::Environment => Kind::Environment,
            OriginKind::Flag => Kind::Flag,
            OriginKind::Made => Kind::Made,
        };
        let (file, line, setting) = (it.origin.file, it.origin.line, it.origin.setting);
        let origin = Origin { kind, file, line, setting };
        Self { path: it.path, value: it.value, is_secret: it.is_secret, origin }
    }
}

/// `GET /v1/configuration`
pub(super) async fn read(call: Call) -> Result<Answer, ApiError> {
    let told = call.api.live.in_force();
    let items = told.settings.into_iter().chain(told.served).map(Item::from).collect();
    Answer::of(&Configuration { generation: call.api.live.status().generation, items })
}
