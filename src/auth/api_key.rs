//! One key in a header, a query parameter or a cookie, with a fixed text around it.
//!
//! Source: the OpenAPI Specification 3.1, security scheme type `apiKey`.
use super::AuthError;
use super::Prepared;
use super::SettingsError;
use super::SettingsFault;
use super::presented;
use super::slot::Place;
use super::slot::Slot;
use super::template::Template;
use crate::model::Credential;
use http::request::Parts;
use std::borrow::Cow;

/// The credential field that it takes.
pub(super) const FIELD: &str = "key";

/// Where the key stands, and in which form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    slot: Slot,
    /// Names `key` at least once and nothing else.
    format: Template,
}

/// The settings as written: `api_key: { in: header, name: Authorization, format: "Bearer {key}" }`.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct RawApiKey {
    /// Where the key goes.
    pub r#in: Place,
    /// The name of the header, the query parameter or the cookie.
    pub name: String,
    /// The value, `{key}` standing for the key.
    #[serde(default = "bare")]
    pub format: String,
}

fn bare() -> String {
    "{key}".into()
}

impl ApiKey {
    pub fn place(&self) -> Place {
        self.slot.place()
    }

    pub fn name(&self) -> &str {
        self.slot.name()
    }

    pub(super) fn prepare(&self, credential: &Credential) -> Result<Prepared, Vec<AuthError>> {
        let faults = faults(&self.slot, &self.format, credential);
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut prepared = Prepared::default();
        prepared.put(&self.slot, &self.format.render(credential));
        prepared.watch(credential, FIELD);
        Ok(prepared)
    }

    pub(super) fn presented_key<'h>(&self, head: &'h Parts) -> Option<Cow<'h, [u8]>> {
        presented::in_slot(&self.slot, &self.format, head)
    }
}

impl TryFrom<RawApiKey> for ApiKey {
    type Error = Vec<SettingsError>;

    fn try_from(raw: RawApiKey) -> Result<Self, Self::Error> {
        let at = |setting| move |fault| SettingsError { injection: None, setting, fault };
        let slot = Slot::new(raw.r#in, &raw.name).map_err(at("name"));
        let format = Template::parse(&raw.format).and_then(|it| {
            let unknown = it.fields().find(|it| *it != FIELD).map(str::to_owned);
            match unknown {
                Some(field) => Err(SettingsFault::UnknownField { field, expected: FIELD }),
                None if it.fields().next().is_none() => Err(SettingsFault::NoField),
                None => Ok(it),
            }
        });
        let format = match (&slot, format) {
            (Ok(slot), Ok(format)) => checked(slot, format),
            (_, format) => format,
        };
        match (slot, format.map_err(at("format"))) {
            (Ok(slot), Ok(format)) => Ok(Self { slot, format }),
            (slot, format) => Err(slot.err().into_iter().chain(format.err()).collect()),
        }
    }
}

/// The template, if its fixed texts can stand in the slot.
pub(super) fn checked(slot: &Slot, template: Template) -> Result<Template, SettingsFault> {
    let spaced = template.has_space_at_an_end() && slot.place() == Place::Header;
    let what = template.literals().find_map(|it| slot.unsendable(it, false));
    match what.or(spaced.then_some("a space at an end")) {
        Some(what) => Err(SettingsFault::Unsendable { what }),
        None => Ok(template),
    }
}

/// What keeps the credential's fields from standing in the slot.
pub(super) fn faults(slot: &Slot, template: &Template, credential: &Credential) -> Vec<AuthError> {
    let fault = |field: &str| {
        let value = credential.field(field)?.expose();
        if value.is_empty() {
            return Some(AuthError::Empty { field: field.to_owned() });
        }
        let what = slot.unsendable(value, true)?;
        Some(AuthError::Unsendable { field: field.to_owned(), what })
    };
    template.fields().filter_map(fault).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Scheme;
    use super::*;
    use http::HeaderMap;

    const GOOD: Case = Case {
        place: Place::Header,
        name: "X-Api-Key",
        format: "{key}",
        key: "k3y",
        header: Some(("x-api-key", "k3y")),
        query: None,
    };

    #[derive(Clone, Copy)]
    struct Case {
        place: Place,
        name: &'static str,
        format: &'static str,
        key: &'static str,
        header: Option<(&'static str, &'static str)>,
        query: Option<&'static str>,
    }

    fn scheme(place: Place, name: &str, format: &str) -> Result<Scheme, Vec<SettingsError>> {
        let raw = RawApiKey { r#in: place, name: name.into(), format: format.into() };
        ApiKey::try_from(raw).map(Scheme::ApiKey)
    }

    #[test]
    fn the_key_goes_where_the_settings_say() {
        let cases = [
            GOOD,
            Case {
                name: "Authorization",
                format: "Bearer {key}",
                header: Some(("authorization", "Bearer k3y")),
                ..GOOD
            },
            Case { format: "{key|base64}", header: Some(("x-api-key", "azN5")), ..GOOD },
            Case { key: "clé", header: Some(("x-api-key", "clé")), ..GOOD },
            Case { place: Place::Query, header: None, query: Some("X-Api-Key=k3y"), ..GOOD },
            Case {
                place: Place::Query,
                key: "a+b/c=&é ~",
                header: None,
                query: Some("X-Api-Key=a%2Bb%2Fc%3D%26%C3%A9%20~"),
                ..GOOD
            },
            Case {
                place: Place::Query,
                name: "api key",
                header: None,
                query: Some("api%20key=k3y"),
                ..GOOD
            },
            Case { place: Place::Cookie, header: Some(("cookie", "X-Api-Key=k3y")), ..GOOD },
        ];
        for case in cases {
            let credential = Credential::from_iter([("key", case.key)]);
            let prepared =
                scheme(case.place, case.name, case.format).unwrap().prepare(&credential).unwrap();
            let mut headers = HeaderMap::new();
            prepared.onto(|name, value| _ = headers.append(name, value.clone())).end();
            let sent = headers.iter().next();
            let sent = sent
                .map(|(name, value)| (name.as_str(), str::from_utf8(value.as_bytes()).unwrap()));
            assert_eq!(sent, case.header, "{} {}", case.name, case.format);
            assert_eq!(prepared.query(None).as_deref(), case.query, "{} {}", case.name, case.key);
            assert!(headers.values().all(http::HeaderValue::is_sensitive));
        }
    }

    #[test]
    fn a_key_that_can_not_be_sent_is_refused() {
        let long_break = "k3y\r\nX-Evil: 1";
        for (place, key, what) in [
            (Place::Header, "k3y\n", "a line break"),
            (Place::Header, long_break, "a line break"),
            (Place::Query, "k3y\n", "a line break"),
            (Place::Cookie, "k3y\n", "a line break"),
            (Place::Header, "k\0y", "a control character"),
            (Place::Header, "k\ty", "a control character"),
            (Place::Header, "k\u{7f}y", "a control character"),
            (Place::Header, " k3y", "a space at an end"),
            (Place::Header, "k3y ", "a space at an end"),
            (Place::Cookie, "k3y; admin=1", "a semicolon or a space"),
            (Place::Cookie, "clé", "a character beyond ASCII"),
        ] {
            let refused = scheme(place, "X-Key", "{key}")
                .unwrap()
                .prepare(&Credential::from_iter([("key", key)]));
            let fault = AuthError::Unsendable { field: "key".into(), what };
            assert_eq!(refused.unwrap_err(), [fault], "{place} {key:?}");
        }
    }

    #[test]
    fn broken_settings_name_the_setting() {
        use SettingsFault as F;
        let unknown = F::UnknownField { field: "token".into(), expected: "key" };
        for (place, name, format, setting, fault) in [
            (Place::Header, "X-Key", "Bearer {token}", "format", unknown),
            (Place::Header, "X-Key", "Bearer", "format", F::NoField),
            (Place::Header, "X-Key", "{key", "format", F::Unclosed),
            (Place::Header, "X-Key", "{key}\n", "format", F::Unsendable { what: "a line break" }),
            (
                Place::Header,
                "X-Key",
                " {key}",
                "format",
                F::Unsendable { what: "a space at an end" },
            ),
            (
                Place::Cookie,
                "s",
                "a; {key}",
                "format",
                F::Unsendable { what: "a semicolon or a space" },
            ),
            (Place::Header, "Host", "{key}", "name", F::Reserved { name: "Host".into() }),
            (
                Place::Query,
                "",
                "{key}",
                "name",
                F::Name { place: Place::Query, name: String::new() },
            ),
        ] {
            let refused = scheme(place, name, format).unwrap_err();
            assert_eq!(refused, [SettingsError { injection: None, setting, fault }]);
        }
    }

    #[test]
    fn two_broken_settings_are_both_named() {
        let refused = scheme(Place::Header, "a b", "{").unwrap_err();
        assert_eq!(refused.iter().map(|it| it.setting).collect::<Vec<_>>(), ["name", "format"]);
    }
}
