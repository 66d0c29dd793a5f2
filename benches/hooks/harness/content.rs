//! Bodies that are known from their number alone, and how they are signed.
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha2::Sha256;
use std::io::Write;
use std::sync::LazyLock;

pub const SECRET: &str = "the-flood-s-own-secret";

/// How long a request's body is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// 1 KiB, another for each number.
    Small,
    /// 1 MiB, all alike.
    Large,
    /// 10 MB, all alike.
    Huge,
}

const SMALL: usize = 1 << 10;
const LARGE: usize = 1 << 20;
const HUGE: usize = 10_000_000;

/// A body that does not depend on a number, with its signature.
struct Signed {
    body: Vec<u8>,
    signature: String,
}

static LARGE_BODY: LazyLock<Signed> = LazyLock::new(|| Signed::of(LARGE));
static HUGE_BODY: LazyLock<Signed> = LazyLock::new(|| Signed::of(HUGE));

impl Signed {
    fn of(length: usize) -> Self {
        let body: Vec<u8> = (0..length).map(|it| b'a' + (it % 23) as u8).collect();
        let signature = signature(&body);
        Self { body, signature }
    }
}

/// As GitHub writes it.
fn signature(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any key does");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// Puts the body of this number into `body`, and gives its signature.
pub fn signed(id: usize, size: Size, body: &mut Vec<u8>) -> String {
    match size {
        Size::Small => {
            small(id, body);
            signature(body)
        }
        Size::Large => LARGE_BODY.signature.clone(),
        Size::Huge => HUGE_BODY.signature.clone(),
    }
}

/// What is to be sent: the body of this number, made in `room` where it is one of its own.
pub fn body(id: usize, size: Size, room: &mut Vec<u8>) -> &[u8] {
    match size {
        Size::Small => {
            small(id, room);
            room
        }
        Size::Large => &LARGE_BODY.body,
        Size::Huge => &HUGE_BODY.body,
    }
}

/// Whether these are the bytes that were sent under this number.
pub fn is_sent(id: usize, body: &[u8], room: &mut Vec<u8>) -> bool {
    match body.len() {
        LARGE => body == LARGE_BODY.body,
        HUGE => body == HUGE_BODY.body,
        _ => {
            small(id, room);
            body == *room
        }
    }
}

fn small(id: usize, body: &mut Vec<u8>) {
    body.clear();
    write!(body, r#"{{"id":"{id}","zen":""#).expect("a vector takes bytes");
    body.resize(SMALL - 2, b'z');
    body.extend_from_slice(b"\"}");
}
