//! Credentials as written.
use crate::model::Credential;
use crate::model::Secret;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::SeqAccess;
use serde::de::Visitor;
use std::fmt;

/// Credential fields by name. Which ones there are, the auth type says.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RawCredentials(pub IndexMap<String, RawField>);

/// One value; a webhook's `secret` may have a list of them while rotating.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum RawField {
    One(Secret),
    Several(Vec<Secret>),
}

impl RawCredentials {
    /// The same as it is used.
    pub fn into_credential(self) -> Credential {
        let mut credential = Credential::default();
        for (name, field) in self.0 {
            let values = match field {
                RawField::One(secret) => vec![secret],
                RawField::Several(secrets) => secrets,
            };
            credential.insert(name, values);
        }
        credential
    }
}

impl<'de> Deserialize<'de> for RawField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrSeveral;
        impl<'de> Visitor<'de> for OneOrSeveral {
            type Value = RawField;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text (numbers go in quotes) or a list of texts")
            }

            fn visit_str<E>(self, text: &str) -> Result<RawField, E> {
                Ok(RawField::One(Secret::new(text)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<RawField, A::Error> {
                let mut secrets = Vec::new();
                while let Some(secret) = items.next_element()? {
                    secrets.push(secret);
                }
                Ok(RawField::Several(secrets))
            }
        }
        deserializer.deserialize_any(OneOrSeveral)
    }
}
