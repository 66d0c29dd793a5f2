//! Which description language a document is written in.
use super::error::ImportError;
use super::tree::text;
use serde_json::Value;
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// <https://spec.openapis.org/oas/v2.0>
    Swagger2,
    /// 3.0, 3.1, and what of 3.2 is the same. <https://spec.openapis.org/oas/v3.1.0>
    OpenApi3 { minor: u8 },
}

impl Format {
    pub(super) fn of(root: &Value) -> Result<Self, ImportError> {
        let hint = "OpenAPI 3.0, 3.1, 3.2 and Swagger 2.0 can be imported";
        if !root.is_object() {
            return Err(ImportError::whole("the document is not a map", hint));
        }
        let version = |name: &str| root.get(name).and_then(text);
        if let Some(version) = version("openapi") {
            let minor =
                version.strip_prefix("3.").and_then(|it| it.split('.').next()?.parse().ok());
            return match minor {
                Some(minor @ 0..=2) => Ok(Self::OpenApi3 { minor }),
                _ => Err(unknown("openapi", &version, hint)),
            };
        }
        match version("swagger").as_deref() {
            Some("2.0" | "2") => Ok(Self::Swagger2),
            Some(version) => Err(unknown("swagger", version, hint)),
            None => {
                let problem = "the document has neither `openapi` nor `swagger` at its top";
                Err(ImportError::whole(problem, hint))
            }
        }
    }
}

fn unknown(name: &str, version: &str, hint: &str) -> ImportError {
    let version: String = version.chars().take(20).collect();
    let problem = format!("`{name}: {}` is a version that is not known", version.escape_debug());
    ImportError { pointer: format!("/{name}"), ..ImportError::whole(problem, hint) }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Swagger2 => f.write_str("Swagger 2.0"),
            Self::OpenApi3 { minor } => write!(f, "OpenAPI 3.{minor}"),
        }
    }
}
