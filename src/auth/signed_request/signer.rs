//! A recipe with a credential's keys, ready to sign.
use super::recipe::BodyPlan;
use super::recipe::PutPlace;
use super::recipe::Recipe;
use super::source::Source;
use super::template::Slot;
use super::work::Body;
use super::work::Done;
use super::work::Work;
use crate::auth::AuthError;
use crate::auth::BodyUse;
use crate::auth::Draft;
use crate::auth::Moment;
use crate::auth::Place;
use crate::auth::Placed;
use crate::auth::SignError;
use crate::auth::cookie;
use crate::auth::slot;
use crate::crypto::Feed;
use crate::crypto::Hash;
use crate::crypto::MacKey;
use crate::crypto::SigningKey;
use crate::model::Credential;
use crate::model::Origin;
use crate::model::Secret;
use crate::model::UnixTime;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::header::COOKIE;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use zeroize::Zeroizing;

/// Settings and keys, ready to sign.
pub struct SignedRequestSigner {
    pub(super) recipe: Arc<Recipe>,
    /// In the recipe's order.
    pub(super) fields: Vec<Option<Secret>>,
    /// The values that are the same on every request.
    pub(super) constants: Vec<Option<Zeroizing<Vec<u8>>>>,
    pub(super) key: Key,
    /// The query parameters that it puts on.
    pub(super) query_names: Box<[Box<str>]>,
    /// The form parameters that it puts on.
    pub(super) form_names: Box<[Box<str>]>,
    /// The last of the numbers that only grow.
    number: AtomicU64,
}

pub(super) enum Key {
    Fixed(MacKey),
    /// Made anew for each request.
    Varying(Hash),
    /// The content has the secret in it.
    None(Hash),
    Private(SigningKey),
}

impl SignedRequestSigner {
    pub(super) fn new(
        recipe: Arc<Recipe>,
        credential: &Credential,
    ) -> Result<Self, Vec<AuthError>> {
        let faults = faults(&recipe, credential);
        if !faults.is_empty() {
            return Err(faults);
        }
        let fields = recipe.fields.iter().map(|it| credential.field(&it.0).cloned()).collect();
        let query_names = recipe.put.iter().filter_map(|it| match &it.place {
            PutPlace::Slot(slot::Slot::Query(name)) => Some(name.clone()),
            PutPlace::Slot(_) | PutPlace::Form(_) => None,
        });
        let form_names = recipe.put.iter().filter_map(|it| match &it.place {
            PutPlace::Form(name) => Some(name.clone()),
            PutPlace::Slot(_) => None,
        });
        let key = match (recipe.algorithm.mac(), recipe.algorithm.private()) {
            (Some(hash), _) => Key::Varying(hash),
            (None, Some(algorithm)) => {
                let field = recipe.key.slots().find_map(|it| recipe.field(it));
                let field = field.unwrap_or_default();
                let pem = credential.field(field);
                let missing = || vec![AuthError::Missing { field: field.to_owned() }];
                let key = SigningKey::private(algorithm, "private_key", pem.ok_or_else(missing)?);
                Key::Private(key.map_err(|it| {
                    vec![AuthError::Unusable { field: field.to_owned(), what: it.what }]
                })?)
            }
            (None, None) => Key::None(recipe.algorithm.plain().unwrap_or(Hash::Sha256)),
        };
        let mut signer = Self {
            query_names: query_names.collect(),
            form_names: form_names.collect(),
            constants: vec![None; recipe.values.len()],
            number: AtomicU64::new(0),
            recipe,
            fields,
            key,
        };
        signer.fold();
        Ok(signer)
    }

    /// Works out what is the same on every request.
    fn fold(&mut self) {
        let origin = Origin::parse("https://nowhere.invalid").expect("a URL's origin");
        let moment = Moment { now: UnixTime::from_s(0), random: [0; 16] };
        let draft = Draft::new(&Method::GET, &origin, "/", None, Vec::new());
        for index in 0..self.constants.len() {
            if self.recipe.constants[index] {
                let mut work = Work::new(self, &draft, &moment, Body::Unseen);
                self.constants[index] = work.constant(index);
            }
        }
        if let (Key::Varying(hash), true) = (&self.key, self.recipe.fixed_key) {
            let key = Work::new(self, &draft, &moment, Body::Unseen).mac_key(*hash);
            // Where it fails, it fails in the caller's sight, request by request.
            if let Ok(key) = key {
                self.key = Key::Fixed(key);
            }
        }
    }

    pub(in crate::auth) fn body_use(&self, method: &Method, _headers: &HeaderMap) -> BodyUse {
        match &self.recipe.body {
            _ if !self.recipe.wants_body(method.as_str()) => BodyUse::Untouched,
            BodyPlan::Untouched => BodyUse::Untouched,
            BodyPlan::Fed { .. } => BodyUse::Fed,
            BodyPlan::Whole => BodyUse::Whole,
        }
    }

    pub(in crate::auth) fn begin(
        &self,
        draft: &Draft<'_>,
        moment: &Moment,
    ) -> Result<Vec<Feed>, SignError> {
        let BodyPlan::Fed { hashes, .. } = &self.recipe.body else { return Ok(Vec::new()) };
        let method = draft.method.as_str();
        if !self.recipe.wants_body(method) {
            return Ok(Vec::new());
        }
        let feed = |(hash, first): &(Hash, Option<usize>)| match first {
            Some(first) => hash.feed().first(*first as u64),
            None => hash.feed(),
        };
        let mut feeds: Vec<Feed> = hashes.iter().map(feed).collect();
        if let Some(at) = self.recipe.streamed(method) {
            feeds.push(Work::new(self, draft, moment, Body::Unseen).begun(at)?);
        }
        Ok(feeds)
    }

    pub(in crate::auth) fn sign(
        &self,
        draft: &mut Draft<'_>,
        moment: &Moment,
        fed: Vec<Feed>,
    ) -> Result<(), SignError> {
        let body = match &self.recipe.body {
            BodyPlan::Untouched => Body::Unseen,
            BodyPlan::Fed { .. } if fed.is_empty() => Body::Unseen,
            BodyPlan::Fed { hashes, .. } => {
                let mut fed = fed.into_iter();
                let digests = fed.by_ref().take(hashes.len()).map(Feed::finish);
                let digests = hashes.iter().copied().zip(digests).collect();
                Body::Fed { digests, content: fed.next() }
            }
            BodyPlan::Whole => Body::Whole(draft.body.unwrap_or_default()),
        };
        let mut work = Work::new(self, draft, moment, body);
        work.run()?;
        let drops_query = work.drops_query();
        let done = work.put;
        self.put(draft, done, drops_query)
    }

    fn put(&self, draft: &mut Draft<'_>, done: Done, drops_query: bool) -> Result<(), SignError> {
        for (name, value) in done.headers {
            let value = HeaderValue::from_maybe_shared(value).map_err(|_| SignError::Unsignable {
                what: format!(
                    "the value of `{name}` would have a character that no field can have"
                ),
            });
            draft.set(&name, sensitive(value?));
        }
        if !done.query.is_empty() || drops_query {
            draft.put_query(&self.query_names, &done.query);
        }
        if !done.cookies.is_empty() {
            let names: Vec<Box<str>> = done.cookies.iter().map(|it| it.0.clone()).collect();
            let ours: Vec<String> =
                done.cookies.iter().map(|it| format!("{}={}", it.0, it.1)).collect();
            let mut line = ours.join("; ").into_bytes();
            for sent in draft.values(&COOKIE) {
                cookie::keep_others(sent.as_bytes(), &names, &mut line);
            }
            let line = HeaderValue::from_maybe_shared(line).map_err(|_| SignError::Unsignable {
                what: "a cookie would have a character that none can have".into(),
            });
            draft.set(&COOKIE, sensitive(line?));
        }
        if let Some(form) = done.form {
            draft.new_body = Some(form.into());
        }
        Ok(())
    }

    /// Microseconds since 1970, or one more than the last, whichever is more.
    pub(super) fn next_number(&self, now: UnixTime) -> u64 {
        let us = now.as_ms().saturating_mul(1000);
        let next = |last: u64| Some(us.max(last.saturating_add(1)));
        let last = self.number.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        next(last.unwrap_or_default()).unwrap_or(us)
    }

    pub(in crate::auth) fn changes_body(&self) -> bool {
        self.recipe.put.iter().any(|it| matches!(it.place, PutPlace::Form(_)))
    }

    pub(in crate::auth) fn has_clock(&self) -> bool {
        self.recipe.has_clock
    }

    pub(in crate::auth) fn headers(&self) -> Vec<HeaderName> {
        let headers = self.recipe.put.iter().filter_map(|it| match &it.place {
            PutPlace::Slot(slot::Slot::Header(name)) => Some(name.clone()),
            PutPlace::Slot(_) | PutPlace::Form(_) => None,
        });
        headers.collect()
    }

    pub(in crate::auth) fn describe(&self) -> Vec<Placed> {
        let placed = self.recipe.put.iter().map(|it| match &it.place {
            PutPlace::Slot(slot) => Placed { place: slot.place(), name: slot.name().to_owned() },
            // The nearest that there is a word for: a form's parameters are like a query's.
            PutPlace::Form(name) => Placed { place: Place::Query, name: name.to_string() },
        });
        placed.collect()
    }
}

impl Recipe {
    /// The credential field that a slot stands for.
    pub(super) fn field(&self, slot: &Slot) -> Option<&str> {
        match slot.source {
            Source::Credential(index) => Some(&self.fields[index].0),
            _ => None,
        }
    }
}

/// What is empty, can't be decoded, or can't be sent where it goes.
fn faults(recipe: &Recipe, credential: &Credential) -> Vec<AuthError> {
    let mut faults = Vec::new();
    for (field, optional) in &recipe.fields {
        if !optional && credential.field(field).is_none_or(Secret::is_empty) {
            faults.push(AuthError::Empty { field: field.to_string() });
        }
    }
    let everything = vec![true; recipe.values.len()];
    for slot in recipe.slots(&everything) {
        let Some(field) = recipe.field(slot) else { continue };
        let Some(value) = credential.field(field) else { continue };
        let mut value = std::borrow::Cow::Borrowed(value.expose().as_bytes());
        for filter in &slot.filters {
            match filter.apply(value) {
                Ok(made) => value = made,
                Err(what) => {
                    faults.push(AuthError::Unusable { field: field.to_owned(), what });
                    break;
                }
            }
        }
    }
    for put in &recipe.put {
        for slot in put.value.slots().filter(|it| it.filters.is_empty()) {
            let Some(field) = recipe.field(slot) else { continue };
            let value = credential.field(field).map_or("", |it| it.expose());
            if let Some(what) = put.place.unsendable(value) {
                faults.push(AuthError::Unsendable { field: field.to_owned(), what });
            }
        }
    }
    faults.dedup();
    faults
}

fn sensitive(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

impl fmt::Debug for SignedRequestSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[signer]")
    }
}
