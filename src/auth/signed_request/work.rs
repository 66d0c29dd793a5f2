//! One request on its way through a recipe: what is asked of it is found once, what is put on is kept together.
use super::filter::Filter;
use super::list::Pair;
use super::raw::Encoding;
use super::raw::Listed;
use super::raw::Sort;
use super::recipe::BodyHash;
use super::recipe::PutPlace;
use super::recipe::Value;
use super::signer::Key;
use super::signer::SignedRequestSigner;
use super::source::Nonce;
use super::source::Source;
use super::template::Part;
use super::template::Slot;
use super::template::Template;
use crate::auth::Draft;
use crate::auth::Moment;
use crate::auth::SignError;
use crate::auth::query;
use crate::auth::slot;
use crate::crypto::Digested;
use crate::crypto::Feed;
use crate::crypto::Hash;
use crate::crypto::MacKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderName;
use http::header::CONTENT_TYPE;
use http::header::HOST;
use std::borrow::Cow;
use zeroize::Zeroizing;

pub(super) struct Work<'w> {
    signer: &'w SignedRequestSigner,
    draft: &'w Draft<'w>,
    moment: &'w Moment,
    body: Body<'w>,
    /// The caller's, less what is put on.
    query: Cow<'w, str>,
    pub put: Done,
    values: Vec<Option<Vec<u8>>>,
    signature: Option<Vec<u8>>,
    number: Option<u64>,
    /// The list's entry that is written now.
    pair: Option<Pair>,
}

/// What comes of it.
#[derive(Default)]
pub(super) struct Done {
    pub headers: Vec<(HeaderName, Vec<u8>)>,
    /// `a=b&c=d`, percent-encoded.
    pub query: String,
    pub cookies: Vec<(Box<str>, String)>,
    pub form: Option<Vec<u8>>,
}

pub(super) enum Body<'w> {
    /// Not yet there, or not asked for.
    Unseen,
    Fed {
        digests: Vec<(BodyHash, Digested)>,
        content: Option<Feed>,
    },
    Whole(&'w [u8]),
}

impl<'w> Work<'w> {
    pub fn new(
        signer: &'w SignedRequestSigner,
        draft: &'w Draft<'w>,
        moment: &'w Moment,
        body: Body<'w>,
    ) -> Self {
        let query = draft.query().unwrap_or_default();
        let names = &signer.query_names;
        let is_ours = |it: (_, &str)| names.iter().any(|name| query::spells(it.1, name));
        let query = if query::pieces(query).any(is_ours) {
            query::replaced(query, names, "").into()
        } else {
            query.into()
        };
        let form = match &body {
            Body::Whole(body) if !signer.form_names.is_empty() && is_form(draft) => {
                let body = String::from_utf8_lossy(body);
                Some(query::replaced(&body, &signer.form_names, "").into_bytes())
            }
            _ => None,
        };
        Self {
            signer,
            draft,
            moment,
            body,
            query,
            put: Done { form, ..Done::default() },
            values: signer.constants.iter().map(|it| it.as_deref().cloned()).collect(),
            signature: None,
            number: None,
            pair: None,
        }
    }

    /// Puts everything on.
    pub fn run(&mut self) -> Result<(), SignError> {
        let signer = self.signer;
        signer.recipe.put.iter().try_for_each(|it| self.put(&it.place, &it.value))
    }

    /// A value that is the same on every request; `None` where it can't be made.
    pub fn constant(&mut self, index: usize) -> Option<Zeroizing<Vec<u8>>> {
        self.value(index).ok().map(|it| Zeroizing::new(it.to_vec()))
    }

    /// Whether the caller's query has something in it that is not theirs to send.
    pub fn drops_query(&self) -> bool {
        matches!(self.query, Cow::Owned(_))
    }

    /// What the content has before its part `at`, in the signature's feed.
    pub fn begun(&mut self, at: usize) -> Result<Feed, SignError> {
        let recipe = &self.signer.recipe;
        for put in recipe.put.iter().take_while(|it| !it.is_signed) {
            self.put(&put.place, &put.value)?;
        }
        let mut feed = match &self.signer.key {
            Key::Fixed(key) => key.feed(),
            Key::Varying(hash) => self.mac_key(*hash)?.feed(),
            Key::None(hash) => hash.feed(),
            Key::Private(_) => unreachable!("a private key signs the whole content"),
        };
        let mut before = Zeroizing::new(Vec::with_capacity(256));
        self.parts(&recipe.content.0[..at], &mut before)?;
        feed.update(&before);
        Ok(feed)
    }

    fn put(&mut self, place: &'w PutPlace, value: &'w Template) -> Result<(), SignError> {
        let mut text = Vec::with_capacity(128);
        self.parts(&value.0, &mut text)?;
        if text.is_empty() {
            return Ok(());
        }
        match place {
            PutPlace::Slot(slot::Slot::Header(name)) => self.put.headers.push((name.clone(), text)),
            PutPlace::Slot(slot::Slot::Query(name)) => {
                let pair = query::pair(name, &utf8(text, name)?);
                if !self.put.query.is_empty() {
                    self.put.query.push('&');
                }
                self.put.query.push_str(&pair);
            }
            PutPlace::Slot(slot @ slot::Slot::Cookie(name)) => {
                let text = utf8(text, name)?;
                if let Some(what) = slot.unsendable(&text, false) {
                    return Err(SignError::Unsignable {
                        what: format!("the cookie `{name}` would have {what}"),
                    });
                }
                self.put.cookies.push((name.clone(), text));
            }
            PutPlace::Form(name) => {
                let Some(form) = self.put.form.take() else {
                    return Err(SignError::Lacks {
                        what: "a body of the type application/x-www-form-urlencoded".into(),
                    });
                };
                let pair = query::pair(name, &utf8(text, name)?);
                let form = query::replaced(&utf8(form, name)?, &[], &pair);
                self.put.form = Some(form.into_bytes());
            }
        }
        Ok(())
    }

    fn parts(&mut self, parts: &'w [Part], out: &mut Vec<u8>) -> Result<(), SignError> {
        for part in parts {
            match part {
                Part::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Part::Slot(slot) => match self.slot(slot, false)? {
                    Some(value) => out.extend_from_slice(&value),
                    None if slot.optional => {}
                    None => return Err(SignError::Lacks { what: slot.source.words() }),
                },
                Part::Group(inner) => self.group(inner, out)?,
            }
        }
        Ok(())
    }

    fn group(&mut self, inner: &'w [Part], out: &mut Vec<u8>) -> Result<(), SignError> {
        let start = out.len();
        for part in inner {
            match part {
                Part::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Part::Slot(slot) => match self.slot(slot, true)?.filter(|it| !it.is_empty()) {
                    Some(value) => out.extend_from_slice(&value),
                    None => {
                        out.truncate(start);
                        return Ok(());
                    }
                },
                Part::Group(_) => {}
            }
        }
        Ok(())
    }

    /// `None` where it is absent; where `filled` is asked for, also where it is empty, whatever is made of it.
    fn slot(&mut self, slot: &'w Slot, filled: bool) -> Result<Option<Cow<'w, [u8]>>, SignError> {
        if !slot.lets(self.draft.method.as_str()) {
            return Ok((!filled).then_some(Cow::Borrowed(b"")));
        }
        if let Some(hash) = slot.body_hash() {
            let digest = self.body_digest(hash);
            if filled && digest == hash.0.of(b"") {
                return Ok(None);
            }
            let digest = digest.bytes().to_vec().into();
            let at = slot.filters.iter().position(|it| matches!(it, Filter::Hash(_)));
            return self.filtered(digest, &slot.filters[at.map_or(0, |it| it + 1)..]).map(Some);
        }
        let value = self.source(&slot.source)?;
        let fallback = slot.filters.iter().position(|it| matches!(it, Filter::Or(_)));
        match (value.filter(|it| !(filled && it.is_empty())), fallback) {
            (Some(value), _) => self.filtered(value, &slot.filters).map(Some),
            (None, Some(at)) => self.filtered(Cow::Borrowed(b""), &slot.filters[at..]).map(Some),
            (None, None) => Ok(None),
        }
    }

    fn filtered(
        &mut self,
        mut value: Cow<'w, [u8]>,
        filters: &'w [Filter],
    ) -> Result<Cow<'w, [u8]>, SignError> {
        for filter in filters {
            value = match filter {
                Filter::Mac(hash, key) => {
                    let key = Zeroizing::new(self.value(*key)?.to_vec());
                    let key = MacKey::new(*hash, &key).expect("a filter is of a keyed hash");
                    key.of(&value).bytes().to_vec().into()
                }
                filter => filter.apply(value).map_err(|what| SignError::Unsignable {
                    what: format!("a value that the signature covers {what}"),
                })?,
            };
        }
        Ok(value)
    }

    fn source(&mut self, source: &'w Source) -> Result<Option<Cow<'w, [u8]>>, SignError> {
        let draft = self.draft;
        Ok(Some(match source {
            Source::Method => draft.method.as_str().as_bytes().into(),
            Source::Scheme => self.scheme().as_bytes().into(),
            Source::Host => self.host(),
            Source::Hostname => {
                let host = self.host();
                let end = port_at(&host).unwrap_or(host.len());
                host[..end].to_vec().into()
            }
            Source::Port => {
                let host = self.host();
                match port_at(&host) {
                    Some(at) => host[at + 1..].to_vec().into(),
                    None if draft.origin.is_https() => Cow::Borrowed(b"443"),
                    None => Cow::Borrowed(b"80"),
                }
            }
            Source::Path => draft.path.as_bytes().into(),
            Source::Query => self.sent_query().into_bytes().into(),
            Source::Target => self.target().into_bytes().into(),
            Source::Url => {
                let front = [self.scheme().as_bytes(), b"://", &self.host()].concat();
                [&*front, self.target().as_bytes()].concat().into()
            }
            Source::Header(name) => return Ok(self.header(name)),
            Source::QueryParameter(name) => return Ok(parameter(&self.sent_query(), name)),
            Source::FormParameter(name) => {
                let body = String::from_utf8_lossy(self.form_bytes());
                return Ok(parameter(&body, name));
            }
            Source::Body => self.body_bytes().to_vec().into(),
            Source::BodyLength => {
                let length = match &self.put.form {
                    Some(form) => Some(form.len() as u64),
                    None => self.draft.body_len,
                };
                return Ok(length.map(|it| it.to_string().into_bytes().into()));
            }
            Source::Timestamp(format) => {
                let mut text = Vec::with_capacity(32);
                format.write(self.moment.now, &mut text);
                text.into()
            }
            Source::Nonce(form) => self.nonce(*form).into(),
            Source::Credential(index) => {
                let value = self.signer.fields[*index].as_ref();
                return Ok(value.map(|it| it.expose().as_bytes().into()));
            }
            Source::Value(index) => self.value(*index)?.to_vec().into(),
            Source::Signature => self.signature()?.to_vec().into(),
            Source::PairName => self.pair.as_ref().map_or(Vec::new(), |it| it.0.clone()).into(),
            Source::PairValue => self.pair.as_ref().map_or(Vec::new(), |it| it.1.clone()).into(),
        }))
    }

    fn value(&mut self, index: usize) -> Result<&[u8], SignError> {
        if self.values[index].is_none() {
            let signer = self.signer;
            let mut text = Vec::with_capacity(256);
            match &signer.recipe.values[index] {
                Value::Text(template) => self.parts(&template.0, &mut text)?,
                Value::List(list) => {
                    let pairs = list.chosen(self.pairs(&list.of, list.raw));
                    let mut written = Vec::with_capacity(pairs.len());
                    for pair in pairs {
                        self.pair = Some(pair);
                        let mut text = Vec::with_capacity(64);
                        self.parts(&list.pair.0, &mut text)?;
                        written.push(text);
                    }
                    self.pair = None;
                    if list.sort == Sort::Pair {
                        written.sort_unstable();
                    }
                    text = written.join(list.join.as_bytes());
                }
            }
            self.values[index] = Some(text);
        }
        Ok(self.values[index].as_deref().unwrap_or_default())
    }

    /// As it is written.
    fn signature(&mut self) -> Result<&[u8], SignError> {
        if self.signature.is_none() {
            let recipe = &self.signer.recipe;
            let streamed = recipe.streamed(self.draft.method.as_str());
            let feed = match &mut self.body {
                Body::Fed { content, .. } => content.take(),
                Body::Unseen | Body::Whole(_) => None,
            };
            let mut content = Zeroizing::new(Vec::with_capacity(512));
            let bytes = if let (Some(at), Some(mut feed)) = (streamed, feed) {
                self.parts(&recipe.content.0[at + 1..], &mut content)?;
                feed.update(&content);
                feed.finish().bytes().to_vec()
            } else {
                self.parts(&recipe.content.0, &mut content)?;
                match &self.signer.key {
                    Key::Fixed(key) => key.of(&content).bytes().to_vec(),
                    Key::Varying(hash) => self.mac_key(*hash)?.of(&content).bytes().to_vec(),
                    Key::None(hash) => hash.of(&content).bytes().to_vec(),
                    Key::Private(key) => key.sign(&content),
                }
            };
            self.signature = Some(match recipe.encoding {
                Encoding::Hex => hex::encode(bytes).into_bytes(),
                Encoding::HexUpper => hex::encode_upper(bytes).into_bytes(),
                Encoding::Base64 => STANDARD.encode(bytes).into_bytes(),
                Encoding::Base64url => URL_SAFE_NO_PAD.encode(bytes).into_bytes(),
                Encoding::None => bytes,
            });
        }
        Ok(self.signature.as_deref().unwrap_or_default())
    }

    pub fn mac_key(&mut self, hash: Hash) -> Result<MacKey, SignError> {
        let mut key = Zeroizing::new(Vec::with_capacity(128));
        let signer = self.signer;
        self.parts(&signer.recipe.key.0, &mut key)?;
        Ok(MacKey::new(hash, &key).expect("the algorithm is of a keyed hash"))
    }

    fn nonce(&mut self, form: Nonce) -> Vec<u8> {
        let random = &self.moment.random;
        match form {
            Nonce::Hex => hex::encode(random).into_bytes(),
            Nonce::Base64 => STANDARD.encode(random).into_bytes(),
            Nonce::Base64url => URL_SAFE_NO_PAD.encode(random).into_bytes(),
            Nonce::Uuid => {
                uuid::Builder::from_random_bytes(*random).into_uuid().to_string().into_bytes()
            }
            Nonce::Bytes => random.to_vec(),
            Nonce::Number => {
                let number = match self.number {
                    Some(number) => number,
                    None => *self.number.insert(self.signer.next_number(self.moment.now)),
                };
                number.to_string().into_bytes()
            }
        }
    }

    fn scheme(&self) -> &'static str {
        if self.draft.origin.is_https() { "https" } else { "http" }
    }

    fn host(&self) -> Cow<'w, [u8]> {
        match self.draft.value(&HOST) {
            Some(host) => host.as_bytes().into(),
            None => self.draft.origin.authority().into_bytes().into(),
        }
    }

    /// With what is put on so far.
    fn sent_query(&self) -> String {
        if self.put.query.is_empty() {
            return self.query.clone().into_owned();
        }
        query::replaced(&self.query, &[], &self.put.query)
    }

    fn target(&self) -> String {
        let query = self.sent_query();
        let has_one = self.draft.query().is_some() || !self.put.query.is_empty();
        let mark = if has_one { "?" } else { "" };
        [self.draft.path, mark, &query].concat()
    }

    fn header(&self, name: &HeaderName) -> Option<Cow<'w, [u8]>> {
        if let Some(ours) = self.put.headers.iter().find(|it| it.0 == *name) {
            return Some(ours.1.clone().into());
        }
        let mut values = self.draft.values(name);
        let first = values.next()?.as_bytes();
        let mut joined = Cow::Borrowed(first);
        for value in values {
            joined.to_mut().extend_from_slice(b", ");
            joined.to_mut().extend_from_slice(value.as_bytes());
        }
        Some(joined)
    }

    fn pairs(&self, of: &[Listed], raw: bool) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for listed in of {
            match listed {
                Listed::Query => parameters(self.sent_query().as_bytes(), raw, &mut pairs),
                Listed::Form => parameters(self.form_bytes(), raw, &mut pairs),
                Listed::Headers => {
                    let sent = self.draft.fields().iter();
                    let sent = sent.map(|it| (&it.0, it.1.as_bytes()));
                    let ours = self.put.headers.iter().map(|it| (&it.0, &*it.1));
                    let pair = |it: (&HeaderName, &[u8])| (it.0.as_str().into(), it.1.to_vec());
                    pairs.extend(sent.chain(ours).map(pair));
                }
            }
        }
        pairs
    }

    /// Nothing where the body is no form.
    fn form_bytes(&self) -> &[u8] {
        if is_form(self.draft) { self.body_bytes() } else { b"" }
    }

    fn body_bytes(&self) -> &[u8] {
        match (&self.put.form, &self.body) {
            (Some(form), _) => form,
            (None, Body::Whole(body)) => body,
            (None, Body::Unseen | Body::Fed { .. }) => b"",
        }
    }

    fn body_digest(&self, wanted: BodyHash) -> Digested {
        if let Body::Fed { digests, .. } = &self.body {
            let found = digests.iter().find(|it| it.0 == wanted);
            return found.map_or_else(|| wanted.0.of(b""), |it| it.1);
        }
        let body = self.body_bytes();
        let first = wanted.1.map_or(body.len(), |it| it.min(body.len()));
        wanted.0.of(&body[..first])
    }
}

fn is_form(draft: &Draft<'_>) -> bool {
    let kind =
        draft.value(&CONTENT_TYPE).and_then(|it| it.as_bytes().split(|it| *it == b';').next());
    kind.is_some_and(|it| {
        it.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    })
}

/// The decoded value of the first one called so.
fn parameter(query: &str, name: &str) -> Option<Cow<'static, [u8]>> {
    let mut pairs = Vec::new();
    parameters(query.as_bytes(), false, &mut pairs);
    pairs.into_iter().find(|it| it.0 == name.as_bytes()).map(|it| it.1.into())
}

fn parameters(query: &[u8], raw: bool, pairs: &mut Vec<Pair>) {
    for piece in query.split(|it| *it == b'&').filter(|it| !it.is_empty()) {
        let at = piece.iter().position(|it| *it == b'=');
        let (name, value) = at.map_or((piece, &b""[..]), |at| (&piece[..at], &piece[at + 1..]));
        let text = |it: &[u8]| if raw { it.to_vec() } else { query::decode(it).into_owned() };
        pairs.push((text(name), text(value)));
    }
}

/// Where the port's colon is; an IPv6 address has colons of its own within its brackets.
fn port_at(host: &[u8]) -> Option<usize> {
    let at = host.iter().rposition(|it| *it == b':')?;
    host[at + 1..].iter().all(u8::is_ascii_digit).then_some(at)
}

fn utf8(bytes: Vec<u8>, name: &str) -> Result<String, SignError> {
    String::from_utf8(bytes)
        .map_err(|_| SignError::Unsignable { what: format!("what goes into `{name}` is no text") })
}
