//! What a server asks for: challenges of any scheme side by side, in one field or several (RFC 9110 §11.6.1).
use super::settings::Digest;
use super::settings::DigestAlgorithm;
use super::settings::Qop;
use std::borrow::Cow;

/// Longest parameter that is kept of a challenge, in bytes: it goes out with every request.
const PARAMETER_LEN_MAX: usize = 4096;

/// A parameter's value. Bytes, since a realm may be written in any character set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    /// As it was written between its quotes, or would have been: goes back the same.
    pub raw: Box<[u8]>,
    /// What it means: what is hashed.
    pub plain: Box<[u8]>,
}

/// A Digest challenge (RFC 7616 §3.3) that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    pub realm: Text,
    pub nonce: Text,
    pub opaque: Option<Text>,
    /// Where it is asked for the same, as it is written; empty where nothing is said of that.
    pub domain: Box<[u8]>,
    pub algorithm: DigestAlgorithm,
    pub is_session: bool,
    /// As the server writes it; `None` where it left it to be MD5.
    pub algorithm_name: Option<Box<[u8]>>,
    pub qop: Qop,
    /// The nonce was good once, and what it was answered with still is.
    pub is_stale: bool,
    /// The server wants a hash of the user name.
    pub is_user_hashed: bool,
    /// What is hashed is UTF-8 in Normalization Form C.
    pub is_utf8: bool,
}

/// What an answer says of the challenge that it is to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub realm: Box<[u8]>,
    pub nonce: Box<[u8]>,
    /// Of the request, without its query.
    pub path: Box<[u8]>,
}

type Parameters = Vec<(Box<[u8]>, Text)>;

/// The strongest Digest challenge in these fields that the settings allow; of equals the first.
pub(super) fn strongest<'v>(
    fields: impl Iterator<Item = &'v [u8]>,
    settings: &Digest,
) -> Option<Challenge> {
    let challenges = fields.flat_map(challenges).filter(|it| it.0.eq_ignore_ascii_case(b"digest"));
    let known = challenges.filter_map(|it| Challenge::read(it.1, settings));
    known.reduce(
        |best, it| if it.algorithm.strength() > best.algorithm.strength() { it } else { best },
    )
}

/// A parameter of an Authentication-Info field (RFC 7615 §3).
pub(super) fn info(field: &[u8], name: &str) -> Option<Text> {
    let mut scanner = Scanner { rest: field };
    let mut found = None;
    while let Some(item) = scanner.next() {
        if let Item::Parameter(own, text) = item
            && own.eq_ignore_ascii_case(name.as_bytes())
            && found.is_none()
        {
            found = Some(text);
        }
    }
    found.filter(|it| it.raw.len() <= PARAMETER_LEN_MAX)
}

/// Reads an Authorization field that a session made.
pub(super) fn said(field: &[u8]) -> Option<Said> {
    let mut all = challenges(field).into_iter();
    let (_, parameters) = all.find(|it| it.0.eq_ignore_ascii_case(b"digest"))?;
    let find = |name: &[u8]| parameters.iter().find(|it| *it.0 == *name).map(|it| &*it.1.plain);
    let path = find(b"uri")?.split(|it| *it == b'?').next()?;
    Some(Said { realm: find(b"realm")?.into(), nonce: find(b"nonce")?.into(), path: path.into() })
}

impl Challenge {
    fn read(parameters: Parameters, settings: &Digest) -> Option<Self> {
        let find = |name: &str| {
            let mut all = parameters.iter();
            all.find(|it| it.0.eq_ignore_ascii_case(name.as_bytes())).map(|it| &it.1)
        };
        let is =
            |name, value: &[u8]| find(name).is_some_and(|it| it.plain.eq_ignore_ascii_case(value));
        if parameters.iter().any(|it| it.1.raw.len() > PARAMETER_LEN_MAX) {
            return None;
        }
        let written = find("algorithm").map(|it| it.plain.clone());
        let (algorithm, is_session) = match &written {
            None => (DigestAlgorithm::Md5, false),
            Some(name) => algorithm(name)?,
        };
        let offered = find("qop").map_or(&[][..], |it| &it.plain);
        let offered: Vec<Qop> = offered.split(|it| *it == b',').filter_map(qop).collect();
        // A server that offers none that is known here has offered something all the same.
        if find("qop").is_some_and(|it| !it.plain.trim_ascii().is_empty()) && offered.is_empty() {
            return None;
        }
        let qop = settings.qop(&offered)?;
        // Without a qop nothing says the client's number, of which a session's key is made (RFC 2617 §3.2.2).
        if !settings.allows(algorithm) || is_session && qop == Qop::None {
            return None;
        }
        Some(Self {
            realm: find("realm")?.clone(),
            nonce: find("nonce")?.clone(),
            opaque: find("opaque").cloned(),
            domain: find("domain").map(|it| it.plain.clone()).unwrap_or_default(),
            algorithm,
            is_session,
            algorithm_name: written,
            qop,
            is_stale: is("stale", b"true"),
            is_user_hashed: is("userhash", b"true"),
            is_utf8: is("charset", b"utf-8"),
        })
    }
}

fn algorithm(name: &[u8]) -> Option<(DigestAlgorithm, bool)> {
    let session = name.len().checked_sub(5).map(|at| name.split_at(at));
    let session = session.filter(|it| it.1.eq_ignore_ascii_case(b"-sess"));
    let (name, is_session) = session.map_or((name, false), |it| (it.0, true));
    let mut all = DigestAlgorithm::ALL.into_iter();
    let known = all.find(|it| it.name().as_bytes().eq_ignore_ascii_case(name))?;
    Some((known, is_session))
}

fn qop(name: &[u8]) -> Option<Qop> {
    let name = name.trim_ascii();
    if name.eq_ignore_ascii_case(b"auth") {
        Some(Qop::Auth)
    } else if name.eq_ignore_ascii_case(b"auth-int") {
        Some(Qop::AuthInt)
    } else {
        None
    }
}

/// Each challenge's scheme and parameters.
fn challenges(field: &[u8]) -> Vec<(Box<[u8]>, Parameters)> {
    let mut found: Vec<(Box<[u8]>, Parameters)> = Vec::new();
    let mut scanner = Scanner { rest: field };
    while let Some(item) = scanner.next() {
        match item {
            Item::Scheme(name) => found.push((name, Vec::new())),
            Item::Parameter(name, value) => {
                if let Some(challenge) = found.last_mut() {
                    challenge.1.push((name, value));
                }
            }
            Item::Other => {}
        }
    }
    found
}

/// Goes through a field's list, item by item.
struct Scanner<'v> {
    rest: &'v [u8],
}

enum Item {
    Scheme(Box<[u8]>),
    Parameter(Box<[u8]>, Text),
    /// A token68 (RFC 9110 §11.2), and whatever is written wrongly.
    Other,
}

impl Scanner<'_> {
    fn next(&mut self) -> Option<Item> {
        self.skip(|it| matches!(it, b' ' | b'\t' | b','));
        if self.rest.is_empty() {
            return None;
        }
        let name = self.take(is_token_byte);
        if name.is_empty() {
            self.skip(|it| it != b',');
            return Some(Item::Other);
        }
        let before = self.rest;
        self.skip(is_space);
        if self.rest.first() != Some(&b'=') {
            // A token68 may have bytes that no token has.
            if before.first().is_some_and(|it| !is_space(*it) && *it != b',') {
                self.skip(|it| it != b',');
                return Some(Item::Other);
            }
            return Some(Item::Scheme(name));
        }
        self.rest = &self.rest[1..];
        self.skip(is_space);
        match self.rest.first() {
            Some(b'"') => {
                self.rest = &self.rest[1..];
                Some(self.quoted().map_or(Item::Other, |it| Item::Parameter(name, it)))
            }
            // The padding of a token68, or nothing.
            None | Some(b'=' | b',') => {
                self.skip(|it| it != b',');
                Some(Item::Other)
            }
            Some(_) => {
                let plain = self.take(|it| !is_space(it) && it != b',');
                let raw = escaped(&plain).into();
                Some(Item::Parameter(name, Text { raw, plain }))
            }
        }
    }

    /// Behind the opening quote (RFC 9110 §5.6.4). `None` where nothing closes it.
    fn quoted(&mut self) -> Option<Text> {
        let mut plain = Vec::new();
        let mut at = 0;
        loop {
            let byte = *self.rest.get(at)?;
            match byte {
                b'"' => break,
                b'\\' => {
                    plain.push(*self.rest.get(at + 1)?);
                    at += 2;
                }
                _ => {
                    plain.push(byte);
                    at += 1;
                }
            }
        }
        let raw = self.rest[..at].into();
        self.rest = &self.rest[at + 1..];
        Some(Text { raw, plain: plain.into() })
    }

    fn skip(&mut self, test: impl Fn(u8) -> bool) {
        let end = self.rest.iter().position(|it| !test(*it)).unwrap_or(self.rest.len());
        self.rest = &self.rest[end..];
    }

    fn take(&mut self, test: impl Fn(u8) -> bool) -> Box<[u8]> {
        let all = self.rest;
        self.skip(test);
        all[..all.len() - self.rest.len()].into()
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// RFC 9110 §5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Between quotes (RFC 9110 §5.6.4).
pub(super) fn escaped(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.iter().any(|it| matches!(it, b'"' | b'\\')) {
        return text.into();
    }
    let each = text.iter().flat_map(|it| {
        let escape = matches!(it, b'"' | b'\\').then_some(b'\\');
        escape.into_iter().chain([*it])
    });
    each.collect::<Vec<u8>>().into()
}
