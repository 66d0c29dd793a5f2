//! A signature of AWS's version 4, computed a second time from what arrived.
use super::Received;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha2::Digest;
use sha2::Sha256;

/// AWS's own example keys.
pub const KEY_ID: &str = "AKIDEXAMPLE";
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// What a request says that it was signed with, and what it should have been.
#[derive(Debug)]
pub struct Signed {
    pub key_id: String,
    pub scope: String,
    pub date: String,
    pub signature: String,
    expected: String,
    secret: String,
}

impl Signed {
    /// Of a request whose path and query are in canonical form as they stand.
    pub fn of(line: &str, field: impl Fn(&str) -> Option<String>, secret: &str) -> Self {
        let authorization = field("authorization").expect("a signature");
        let part = |name: &str| {
            let rest = authorization.split_once(name).expect(name).1;
            rest.split([',', ' ']).next().expect("split yields a first").to_owned()
        };
        let (credential, names) = (part("Credential="), part("SignedHeaders="));
        let (key_id, scope) = credential.split_once('/').expect("a scope");
        let mut words = line.split(' ');
        let (method, target) = (words.next().expect("a method"), words.next().expect("a target"));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let fields: String = names
            .split(';')
            .map(|name| format!("{name}:{}\n", field(name).expect("a signed field").trim()))
            .collect();
        let payload = field("x-amz-content-sha256").expect("what stands for the body");
        let request = format!("{method}\n{path}\n{query}\n{fields}\n{names}\n{payload}");
        let date = field("x-amz-date").expect("a time");
        let hash = hex::encode(Sha256::digest(request));
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hash}");
        Self {
            expected: hex::encode(mac(&day_key(secret, scope), text.as_bytes())),
            signature: part("Signature="),
            key_id: key_id.to_owned(),
            scope: scope.to_owned(),
            date,
            secret: secret.to_owned(),
        }
    }

    pub fn received(received: &Received, secret: &str) -> Self {
        Self::of(received.line(), |it| received.field(it).map(str::to_owned), secret)
    }

    pub fn is_right(&self) -> bool {
        self.signature == self.expected
    }

    /// The body that pieces hold, each of which has to be signed upon the one before.
    pub fn unpacked(&self, mut sent: &[u8]) -> Vec<u8> {
        let key = day_key(&self.secret, &self.scope);
        let (mut body, mut last) = (Vec::new(), self.signature.clone());
        loop {
            let end = sent.windows(2).position(|it| it == b"\r\n").expect("a piece's head");
            let head = std::str::from_utf8(&sent[..end]).expect("ASCII");
            let (length, signature) = head.split_once(";chunk-signature=").expect("a signature");
            let length = usize::from_str_radix(length, 16).expect("a length in hex");
            let (piece, rest) = sent[end + 2..].split_at(length);
            let (date, scope) = (&self.date, &self.scope);
            let [nothing, hash] = [&b""[..], piece].map(|it| hex::encode(Sha256::digest(it)));
            let text =
                format!("AWS4-HMAC-SHA256-PAYLOAD\n{date}\n{scope}\n{last}\n{nothing}\n{hash}");
            assert_eq!(
                hex::encode(mac(&key, text.as_bytes())),
                signature,
                "a piece of {length} bytes"
            );
            sent = rest.strip_prefix(b"\r\n").expect("a piece's end");
            last = signature.to_owned();
            body.extend_from_slice(piece);
            if length == 0 {
                assert!(sent.is_empty(), "nothing comes behind the last piece");
                return body;
            }
        }
    }
}

fn day_key(secret: &str, scope: &str) -> Vec<u8> {
    let first = format!("AWS4{secret}").into_bytes();
    scope.split('/').fold(first, |key, part| mac(&key, part.as_bytes()))
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}
