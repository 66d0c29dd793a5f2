//! An access key, as the credential has it, checked.
use super::AuthError;
use crate::model::Credential;
use crate::model::Secret;
use http::HeaderValue;

pub(super) const ACCESS_KEY_ID: &str = "access_key_id";
pub(super) const SECRET_ACCESS_KEY: &str = "secret_access_key";
pub(super) const SESSION_TOKEN: &str = "session_token";

/// The credential fields; only the last may be absent.
pub(super) const FIELDS: [&str; 3] = [ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN];

/// Who signs, and with what.
pub(super) struct AccessKey {
    pub id: Box<str>,
    pub secret: Secret,
    /// Of keys that somebody was lent. Marked sensitive; its bytes are ASCII.
    pub session_token: Option<HeaderValue>,
}

impl AccessKey {
    pub fn read(credential: &Credential) -> Result<Self, Vec<AuthError>> {
        let text = |field| credential.field(field).map_or("", |it| it.expose());
        let faults: Vec<AuthError> = FIELDS
            .into_iter()
            .filter(|it| credential.field(it).is_some())
            .filter_map(|it| fault(it, text(it)))
            .collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        let session_token = credential.field(SESSION_TOKEN).map(|it| {
            let mut value = HeaderValue::from_str(it.expose()).expect("a token was checked");
            value.set_sensitive(true);
            value
        });
        Ok(Self {
            id: text(ACCESS_KEY_ID).into(),
            secret: Secret::new(text(SECRET_ACCESS_KEY)),
            session_token,
        })
    }

    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_ref().and_then(|it| it.to_str().ok())
    }
}

/// The id stands between marks in Authorization; the token is a field's whole value; the secret is never sent.
fn fault(field: &str, text: &str) -> Option<AuthError> {
    let unsendable = |what| Some(AuthError::Unsendable { field: field.to_owned(), what });
    if text.is_empty() {
        return Some(AuthError::Empty { field: field.to_owned() });
    }
    if field == SECRET_ACCESS_KEY {
        let what = "has a space or a line break at an end";
        let is_spaced = text.trim() != text;
        return is_spaced.then(|| AuthError::Unusable { field: field.to_owned(), what });
    }
    if !text.bytes().all(|it| it.is_ascii_graphic()) {
        return unsendable("a space, a line break or a character beyond ASCII");
    }
    if field == ACCESS_KEY_ID && text.contains(['/', ',']) {
        return unsendable("a slash or a comma");
    }
    None
}
