//! The Bearer scheme: `Authorization: Bearer token`.
//!
//! Source: RFC 6750 §2.1. Its `b64token` is not enforced: real tokens have other visible characters.
use super::AuthError;
use super::Prepared;
use super::slot::Slot;
use crate::model::Credential;
use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

/// The credential field that it takes.
pub(super) const FIELD: &str = "token";

/// The settings as written: `bearer: {}`.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Deserialize,
    serde::Serialize,
    schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct RawBearer {}

pub(super) fn prepare(credential: &Credential) -> Result<Prepared, Vec<AuthError>> {
    let token = credential.field(FIELD).map_or("", |it| it.expose());
    let unsendable = |what| vec![AuthError::Unsendable { field: FIELD.to_owned(), what }];
    if token.is_empty() {
        return Err(vec![AuthError::Empty { field: FIELD.to_owned() }]);
    }
    if token.contains(['\r', '\n']) {
        return Err(unsendable("a line break"));
    }
    if !token.bytes().all(|it| it.is_ascii_graphic()) {
        return Err(unsendable("a space, a control character or one beyond ASCII"));
    }
    let value = Zeroizing::new(["Bearer ", token].concat());
    let mut prepared = Prepared::default();
    prepared.put(&Slot::Header(AUTHORIZATION), &value);
    prepared.watch(credential, FIELD);
    Ok(prepared)
}

#[cfg(test)]
mod tests {
    use super::super::Scheme;
    use super::*;

    fn prepared(token: &str) -> Result<Prepared, Vec<AuthError>> {
        Scheme::Bearer.prepare(&Credential::from_iter([("token", token)]))
    }

    #[test]
    fn sends_the_example_of_rfc_6750_section_2_1() {
        let prepared = prepared("mF_9.B5f-4.1JqM").unwrap();
        let [(name, value)] = prepared.headers() else { panic!("one header") };
        assert_eq!(
            (name, value.as_bytes()),
            (&AUTHORIZATION, b"Bearer mF_9.B5f-4.1JqM".as_slice())
        );
        assert!(value.is_sensitive());
    }

    #[test]
    fn refuses_what_is_not_one_visible_word() {
        for bad in ["", "a b", " a", "a\n", "a\0", "é"] {
            assert!(prepared(bad).is_err(), "{bad:?}");
        }
    }
}
