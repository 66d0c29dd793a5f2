//! How the client proves itself to the authorization server (RFC 6749 §2.3, RFC 7523 §2.2, RFC 8705).
use super::error::GrantError;
use super::occasion::Occasion;
use super::pairs::Pairs;
use super::raw::BasicEncoding;
use super::raw::ClientAuthMethod;
use super::settings::Oauth2;
use super::target::Target;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl Oauth2 {
    /// Adds the proof to a message to `target`. `audience` is what an assertion is for.
    pub(super) fn authenticate(
        &self,
        method: ClientAuthMethod,
        audience: &Target,
        occasion: &Occasion<'_>,
        pairs: &mut Pairs,
        headers: &mut HeaderMap,
    ) -> Result<(), GrantError> {
        match method {
            ClientAuthMethod::Basic => {
                let id = occasion.field("client_id")?.expose();
                let secret = occasion.client_secret()?.expose();
                headers.insert(AUTHORIZATION, basic(id, secret, self.0.basic_encoding));
            }
            ClientAuthMethod::Body => {
                pairs.add_secret("client_id", occasion.field("client_id")?);
                pairs.add_secret("client_secret", occasion.client_secret()?);
            }
            ClientAuthMethod::PrivateKeyJwt | ClientAuthMethod::ClientSecretJwt => {
                let assertion = self.client_assertion(audience, occasion)?;
                // Its `sub` says it already (RFC 7521 §4.2), and many servers ask for it all the same.
                pairs.add_secret("client_id", occasion.field("client_id")?);
                pairs.add("client_assertion_type", ASSERTION_TYPE);
                pairs.add("client_assertion", assertion.as_str());
            }
            // RFC 8705 §2: the certificate is the proof, and the id says whose it should be.
            ClientAuthMethod::Tls => pairs.add_secret("client_id", occasion.field("client_id")?),
            ClientAuthMethod::None => {
                if let Some(id) = occasion.credential.field("client_id") {
                    pairs.add_secret("client_id", id);
                }
            }
        }
        Ok(())
    }
}

/// RFC 6749 §2.3.1: both halves are form-encoded first, so that a colon in the id is no separator.
fn basic(id: &str, secret: &str, encoding: BasicEncoding) -> HeaderValue {
    let mut pair = Zeroizing::new(String::with_capacity(3 * (id.len() + secret.len()) + 1));
    match encoding {
        BasicEncoding::Form => {
            pair.extend(url::form_urlencoded::byte_serialize(id.as_bytes()));
            pair.push(':');
            pair.extend(url::form_urlencoded::byte_serialize(secret.as_bytes()));
        }
        BasicEncoding::Raw => {
            pair.push_str(id);
            pair.push(':');
            pair.push_str(secret);
        }
    }
    basic_value(&pair)
}

/// The field value of a user and a password (RFC 7617 §2).
pub(super) fn basic_value(pair: &str) -> HeaderValue {
    let mut text = Zeroizing::new(String::from("Basic "));
    text.reserve_exact(pair.len().div_ceil(3) * 4);
    STANDARD.encode_string(pair, &mut text);
    let mut value = HeaderValue::try_from(text.as_str()).expect("Base64 can stand in a header");
    value.set_sensitive(true);
    value
}
