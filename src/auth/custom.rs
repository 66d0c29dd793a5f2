//! Several placements at once, each a template over the credential's fields.
use super::AuthError;
use super::Prepared;
use super::SettingsError;
use super::SettingsFault;
use super::api_key;
use super::presented;
use super::slot::Place;
use super::slot::Slot;
use super::template::Template;
use crate::model::Credential;
use http::request::Parts;
use std::borrow::Cow;

/// What is put on the request: at least one thing, no two in the same place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Custom {
    inject: Box<[Injection]>,
}

/// One placement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injection {
    slot: Slot,
    value: Template,
}

/// The settings as written: `custom: { inject: [{ in: header, name: X-App, value: "{app}" }] }`.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct RawCustom {
    /// What is put on each request.
    pub inject: Vec<RawInjection>,
}

/// One placement as written.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct RawInjection {
    /// Where the value goes.
    pub r#in: Place,
    /// The name of the header, the query parameter or the cookie.
    pub name: String,
    /// The value, `{field}` standing for a field of the credential, `{field|base64}` for its
    /// Base64 form, `{{` and `}}` for braces.
    pub value: String,
}

impl Custom {
    /// Every field that a template names, once, in order of first use.
    pub(super) fn fields(&self) -> Vec<&str> {
        let mut fields = Vec::new();
        for field in self.inject.iter().flat_map(|it| it.value.fields()) {
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
        fields
    }

    pub(super) fn prepare(&self, credential: &Credential) -> Result<Prepared, Vec<AuthError>> {
        let each = self.inject.iter();
        let mut faults: Vec<AuthError> =
            each.flat_map(|it| api_key::faults(&it.slot, &it.value, credential)).collect();
        faults.dedup();
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut prepared = Prepared::default();
        for injection in &self.inject {
            prepared.put(&injection.slot, &injection.value.render(credential));
        }
        for field in self.fields() {
            prepared.watch_queries(credential, field);
        }
        Ok(prepared)
    }

    /// The first placement with exactly one field where something stands.
    pub(super) fn presented_key<'h>(&self, head: &'h Parts) -> Option<Cow<'h, [u8]>> {
        self.inject.iter().find_map(|it| presented::in_slot(&it.slot, &it.value, head))
    }
}

impl TryFrom<RawCustom> for Custom {
    type Error = Vec<SettingsError>;

    fn try_from(raw: RawCustom) -> Result<Self, Self::Error> {
        let mut inject: Vec<Injection> = Vec::with_capacity(raw.inject.len());
        let mut faults = Vec::new();
        if raw.inject.is_empty() {
            let fault = SettingsFault::Nothing;
            faults.push(SettingsError { injection: None, setting: "inject", fault });
        }
        for (index, raw) in raw.inject.iter().enumerate() {
            let at =
                |setting| move |fault| SettingsError { injection: Some(index), setting, fault };
            let slot = Slot::new(raw.r#in, &raw.name).map_err(at("name"));
            let value = Template::parse(&raw.value).map_err(at("value"));
            match (slot, value) {
                (Ok(slot), Ok(value)) => match api_key::checked(&slot, value) {
                    Err(fault) => faults.push(at("value")(fault)),
                    Ok(_) if inject.iter().any(|it| it.slot.collides(&slot)) => {
                        faults.push(at("name")(SettingsFault::Twice { name: raw.name.clone() }));
                    }
                    Ok(value) => inject.push(Injection { slot, value }),
                },
                (slot, value) => faults.extend(slot.err().into_iter().chain(value.err())),
            }
        }
        if faults.is_empty() { Ok(Self { inject: inject.into() }) } else { Err(faults) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scheme;
    use super::*;
    use http::HeaderMap;

    fn custom(inject: &[(Place, &str, &str)]) -> Result<Scheme, Vec<SettingsError>> {
        let inject = inject.iter().map(|(place, name, value)| RawInjection {
            r#in: *place,
            name: (*name).into(),
            value: (*value).into(),
        });
        Custom::try_from(RawCustom { inject: inject.collect() }).map(Scheme::Custom)
    }

    #[test]
    fn every_placement_gets_its_value() {
        let scheme = custom(&[
            (Place::Header, "X-App", "{app}"),
            (Place::Header, "Authorization", "Token {app}:{key}"),
            (Place::Query, "sig", "{key|base64}"),
            (Place::Cookie, "session", "{key}"),
            (Place::Header, "X-Version", "2"),
        ])
        .unwrap();
        assert_eq!(scheme.fields(), ["app", "key"]);

        let credential = Credential::from_iter([("app", "a1"), ("key", "k3y")]);
        let prepared = scheme.prepare(&credential).unwrap();
        let mut headers = HeaderMap::new();
        prepared.onto(|name, value| _ = headers.append(name, value.clone())).end();
        assert_eq!(headers["x-app"], "a1");
        assert_eq!(headers["authorization"], "Token a1:k3y");
        assert_eq!(headers["cookie"], "session=k3y");
        assert_eq!(headers["x-version"], "2");
        assert_eq!(headers.len(), 4);
        assert_eq!(prepared.query(Some("q=1")).as_deref(), Some("q=1&sig=azN5"));
    }

    #[test]
    fn a_field_that_no_template_names_is_unknown() {
        let scheme = custom(&[(Place::Header, "X-App", "{app}")]).unwrap();
        let faults =
            scheme.prepare(&Credential::from_iter([("app", "a"), ("ap", "b")])).unwrap_err();
        assert!(matches!(&faults[..], [AuthError::Unknown { field, .. }] if field == "ap"));
    }

    #[test]
    fn two_placements_of_one_name_are_refused() {
        let twice = [
            [(Place::Header, "X-Api-Key", "{a}"), (Place::Header, "x_api_key", "{b}")],
            [(Place::Query, "key", "{a}"), (Place::Query, "Key", "{b}")],
            [(Place::Cookie, "s", "{a}"), (Place::Cookie, "s", "{b}")],
            [(Place::Header, "Cookie", "{a}"), (Place::Cookie, "s", "{b}")],
        ];
        for pair in twice {
            let faults = custom(&pair).unwrap_err();
            assert!(
                matches!(
                    &faults[..],
                    [SettingsError {
                        injection: Some(1),
                        setting: "name",
                        fault: SettingsFault::Twice { .. }
                    }]
                ),
                "{pair:?} {faults:?}"
            );
        }
        let apart = [
            (Place::Header, "key", "{a}"),
            (Place::Query, "key", "{a}"),
            (Place::Cookie, "key", "{a}"),
        ];
        assert!(custom(&apart).is_ok());
        assert_eq!(custom(&[]).unwrap_err()[0].setting, "inject");
    }
}
