//! Requests of OAuth 1.0a as a server checks them, by a reading of RFC 5849 §3.4 of its own: HMAC-SHA256 alone.
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::percent_decode_str;
use percent_encoding::percent_encode;
use sha2::Sha256;
use std::collections::BTreeMap;

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request as it came to a server that has no TLS.
pub struct Signed<'r> {
    /// `POST /token?a=b`.
    pub line: &'r str,
    pub host: &'r str,
    pub authorization: Option<&'r str>,
    /// The body, where it is a form.
    pub form: &'r [u8],
}

impl Signed<'_> {
    /// The protocol's parameters, once the signature is found to be that of these secrets.
    pub fn checked(&self, consumer_secret: &str, token_secret: &str) -> BTreeMap<String, String> {
        let line = self.line.trim_end_matches(" HTTP/1.1");
        let (method, target) = line.split_once(' ').expect("a request line");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut all: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        if let Some(field) = self.authorization {
            let field = field.strip_prefix("OAuth ").expect("the scheme is OAuth");
            for pair in field.split(", ") {
                let (name, value) = pair.split_once('=').expect("a name and a value");
                let value = value.trim_matches('"');
                if name != "realm" {
                    all.push((decoded(name), decoded(value)));
                }
            }
        }
        for form in [query.as_bytes(), self.form] {
            for pair in form.split(|it| *it == b'&').filter(|it| !it.is_empty()) {
                let text: String =
                    pair.iter().map(|it| if *it == b'+' { ' ' } else { char::from(*it) }).collect();
                let (name, value) = text.split_once('=').unwrap_or((&text, ""));
                all.push((latin(name), latin(value)));
            }
        }
        let own = |it: &&(Vec<u8>, Vec<u8>)| it.0.starts_with(b"oauth_");
        let text = |it: &[u8]| String::from_utf8(it.to_vec()).expect("it is text");
        let protocol: BTreeMap<String, String> =
            all.iter().filter(own).map(|it| (text(&it.0), text(&it.1))).collect();
        assert_eq!(protocol.len(), all.iter().filter(own).count(), "each of them once");
        let mut pairs: Vec<(String, String)> = all
            .iter()
            .filter(|it| it.0 != b"oauth_signature")
            .map(|it| (encoded(&it.0), encoded(&it.1)))
            .collect();
        pairs.sort();
        let pairs: Vec<String> = pairs.into_iter().map(|it| [it.0, it.1].join("=")).collect();
        let url = format!("http://{}{path}", self.host);
        let base =
            [method, &encoded(url.as_bytes()), &encoded(pairs.join("&").as_bytes())].join("&");
        let key = [encoded(consumer_secret.as_bytes()), encoded(token_secret.as_bytes())].join("&");
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key of any length");
        mac.update(base.as_bytes());
        let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
        assert_eq!(protocol.get("oauth_signature"), Some(&signature), "{base}");
        assert_eq!(protocol["oauth_signature_method"], "HMAC-SHA256");
        assert!(protocol["oauth_nonce"].len() >= 16 && protocol["oauth_timestamp"].len() == 10);
        protocol
    }
}

fn encoded(bytes: &[u8]) -> String {
    percent_encode(bytes, RESERVED).to_string()
}

fn decoded(text: &str) -> Vec<u8> {
    percent_decode_str(text).collect()
}

/// The octets of a text that has one character for each.
fn latin(text: &str) -> Vec<u8> {
    let bytes: Vec<u8> = text.chars().map(|it| u32::from(it) as u8).collect();
    percent_encoding::percent_decode(&bytes).collect()
}
