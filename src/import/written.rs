//! An imported connector as files hold it, and as the API takes it.
use super::Imported;
use crate::catalog::drop_nulls;
use crate::config::keep_plain;
use serde_json::Value;
use serde_json::json;

impl Imported {
    /// As the API takes it: the connector's members, and its key.
    pub fn to_json(&self) -> Value {
        let mut members = self.members();
        members["key"] = self.key.as_str().into();
        members
    }

    /// As a configuration file holds it.
    ///
    /// Values in files are filled in: what looks like that in a document (`${file:…}`) is written so that it stays the text
    /// that it is. Otherwise whoever wrote the document could read the settings of whoever imports it.
    pub fn to_yaml(&self) -> String {
        let mut members = self.members();
        keep_plain(&mut members);
        let file = json!({ "connectors": { self.key.as_str(): members } });
        serde_yaml::to_string(&file)
            .expect("a tree of texts, lists and maps can be written as YAML")
    }

    fn members(&self) -> Value {
        let mut members = serde_json::to_value(&self.connector).unwrap_or_default();
        drop_nulls(&mut members);
        members
    }
}
