//! A caller's fields on their way past a finished credential, which takes the place of its copies.
use super::cookie;
use super::prepared::CookiePart;
use super::slot;
use http::HeaderName;
use http::HeaderValue;
use http::header::COOKIE;

/// Passes the caller's fields on to `put`, but for every copy of what is injected (underscore twins of
/// header names, cookies on any Cookie line); then ours. The caller's other cookies stay as sent, on
/// one line.
pub struct Onto<'p, P> {
    headers: &'p [(HeaderName, HeaderValue)],
    /// What signers will put on.
    signed: &'p [HeaderName],
    cookies: Option<&'p CookiePart>,
    /// Our cookies, and behind them what the caller's lines so far hold beside them; empty while it has
    /// sent none.
    line: Vec<u8>,
    put: P,
}

impl<'p, P: FnMut(&HeaderName, &HeaderValue)> Onto<'p, P> {
    pub(super) fn new(
        headers: &'p [(HeaderName, HeaderValue)],
        signed: &'p [HeaderName],
        cookies: Option<&'p CookiePart>,
        put: P,
    ) -> Self {
        Self { headers, signed, cookies, line: Vec::new(), put }
    }

    /// The caller's next field.
    pub fn field(&mut self, name: &HeaderName, value: &HeaderValue) {
        let is_signed = || self.signed.iter().any(|it| slot::are_twins(it.as_str(), name.as_str()));
        if is_replaced(self.headers, name) || is_signed() {
            return;
        }
        match self.cookies {
            Some(ours) if *name == COOKIE => {
                if self.line.is_empty() {
                    self.line.extend_from_slice(ours.line.as_bytes());
                }
                cookie::keep_others(value.as_bytes(), &ours.names, &mut self.line);
            }
            _ => (self.put)(name, value),
        }
    }

    /// Ours, once the caller's have passed.
    pub fn end(mut self) {
        for (name, value) in self.headers {
            (self.put)(name, value);
        }
        let Some(ours) = self.cookies else { return };
        if self.line.is_empty() {
            return (self.put)(&COOKIE, &ours.line);
        }
        let mut line = HeaderValue::from_maybe_shared(self.line)
            .expect("pieces of field values make a field value");
        line.set_sensitive(true);
        (self.put)(&COOKIE, &line);
    }
}

/// True where the field is ours to send: also `x_api_key` for `x-api-key`, one name to servers behind
/// CGI (RFC 3875 §4.1.18).
fn is_replaced(ours: &[(HeaderName, HeaderValue)], name: &HeaderName) -> bool {
    ours.iter().any(|it| slot::are_twins(it.0.as_str(), name.as_str()))
}
