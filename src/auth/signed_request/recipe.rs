//! A recipe, read and checked: what each request is asked for, and how much of its body.
use super::bounds::DEPTH_MAX;
use super::filter::Filter;
use super::list::List;
use super::raw::Algorithm;
use super::raw::Encoding;
use super::source::Nonce;
use super::source::Source;
use super::template::Part;
use super::template::Slot;
use super::template::Template;
use crate::auth::slot;
use crate::crypto::Hash;
use crate::crypto::JwsAlgorithm;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recipe {
    /// The credential fields that it names, and whether each may be absent.
    pub fields: Box<[(Box<str>, bool)]>,
    pub names: Box<[Box<str>]>,
    pub values: Box<[Value]>,
    /// Whether each value is the same on every request.
    pub constants: Box<[bool]>,
    pub key: Template,
    /// Whether the key is the same on every request.
    pub fixed_key: bool,
    pub algorithm: Algorithm,
    pub encoding: Encoding,
    pub content: Template,
    pub put: Box<[Put]>,
    /// How a form comes by.
    pub form: BodyPlan,
    /// How any other body does.
    pub body: BodyPlan,
    /// Whether each value is made of what is put on, and so of what stands there when it is asked for.
    pub passing: Box<[bool]>,
    /// Whether each value has the body in it.
    pub bodied: Box<[bool]>,
    pub has_clock: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(Template),
    List(List),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Put {
    pub place: PutPlace,
    pub value: Template,
    /// Whether it needs the signature.
    pub is_signed: bool,
    /// Whether there is something secret in it.
    pub is_secret: bool,
    /// A field that the caller sent stays.
    pub unless_sent: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PutPlace {
    Slot(slot::Slot),
    Form(Box<str>),
}

/// How the body comes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BodyPlan {
    Untouched,
    /// Through these hashes, of all of it or of its first bytes; and through the signature's own, where the
    /// content's part at this index is the body.
    Fed {
        hashes: Box<[BodyHash]>,
        content: Option<usize>,
    },
    Whole,
}

pub(super) type BodyHash = (Hash, Option<usize>);

/// What a template asks for, the values that it names included.
#[derive(Clone, Copy, Debug, Default)]
struct Needs {
    /// Something that differs between requests.
    request: bool,
    /// Something that a value put on changes.
    sent: bool,
    /// A credential's field.
    secret: bool,
    /// The body's bytes.
    body: bool,
    /// Only a hash of the body.
    hash: bool,
    /// Parameters of a form.
    form: bool,
    /// The number that only grows.
    number: bool,
    signature: bool,
    clock: bool,
}

impl Needs {
    fn and(self, other: Self) -> Self {
        Self {
            request: self.request || other.request,
            sent: self.sent || other.sent,
            secret: self.secret || other.secret,
            body: self.body || other.body,
            hash: self.hash || other.hash,
            form: self.form || other.form,
            number: self.number || other.number,
            signature: self.signature || other.signature,
            clock: self.clock || other.clock,
        }
    }

    /// Nothing that is known only once the body has gone by, or that a second look would change.
    fn is_known_before_the_body(self) -> bool {
        !(self.body || self.hash || self.form || self.number || self.signature)
    }
}

/// Why a recipe can't be run, with a value's name.
pub(super) enum Unmade {
    OfItself(String),
    TooDeep(String),
}

/// What follows from a recipe for one kind of body.
struct Surveyed {
    body: BodyPlan,
    values: Vec<Needs>,
    puts: Vec<Needs>,
    key: Needs,
}

/// What each value, the key and the content ask for.
struct Survey<'r> {
    recipe: &'r Recipe,
    /// Whether the body is a form.
    is_form: bool,
    values: Vec<Option<Needs>>,
    /// Which of them something is made of that is put on.
    used: Vec<bool>,
    open: Vec<usize>,
    signature: Option<Needs>,
    /// The content's part that goes through the signature's own feed.
    streamed: Option<usize>,
}

impl Recipe {
    /// Fills in what follows from the rest.
    pub fn surveyed(mut self) -> Result<Self, Unmade> {
        let (form, other) = (self.survey(true)?, self.survey(false)?);
        let all = |of: fn(&Needs) -> bool| form.values.iter().map(of).collect::<Box<[bool]>>();
        self.constants = all(|it| !it.request);
        self.passing = all(|it| it.sent);
        self.bodied = all(|it| it.body || it.form);
        self.fixed_key = !form.key.request;
        self.has_clock = form.puts.iter().any(|it| it.clock);
        for (put, needs) in self.put.iter_mut().zip(&form.puts) {
            put.is_signed = needs.signature;
            put.is_secret = needs.secret || needs.signature;
        }
        (self.form, self.body) = (form.body, other.body);
        Ok(self)
    }

    fn survey(&self, is_form: bool) -> Result<Surveyed, Unmade> {
        let unknown = || vec![None; self.values.len()];
        let mut survey = Survey {
            recipe: self,
            is_form,
            values: unknown(),
            used: vec![false; self.values.len()],
            open: Vec::new(),
            signature: None,
            streamed: None,
        };
        survey.streamed = survey.stream()?;
        (survey.used, survey.signature) = (vec![false; self.values.len()], None);
        survey.values = unknown();
        let puts: Result<Vec<Needs>, Unmade> =
            self.put.iter().map(|it| survey.template(&it.value)).collect();
        let puts = puts?;
        let key = survey.template(&self.key)?;
        let used = survey.used.clone();
        let values: Result<Vec<Needs>, Unmade> =
            (0..self.values.len()).map(|it| survey.value(it)).collect();
        let total = puts.iter().fold(Needs::default(), |sum, it| sum.and(*it));
        let hashes = self.hashes(&used);
        let body = match survey.streamed {
            _ if total.body || total.form || is_form && self.puts_form() => BodyPlan::Whole,
            None if hashes.is_empty() => BodyPlan::Untouched,
            content => BodyPlan::Fed { hashes, content },
        };
        Ok(Surveyed { body, values: values?, puts, key })
    }

    fn puts_form(&self) -> bool {
        self.put.iter().any(|it| matches!(it.place, PutPlace::Form(_)))
    }

    /// How the body comes by.
    pub fn plan(&self, is_form: bool) -> &BodyPlan {
        if is_form { &self.form } else { &self.body }
    }

    /// The body's hashes that something is made of, each once.
    fn hashes(&self, used: &[bool]) -> Box<[BodyHash]> {
        let mut hashes = Vec::new();
        for slot in self.slots(used) {
            if let Some(hash) = slot.body_hash().filter(|it| !hashes.contains(it)) {
                hashes.push(hash);
            }
        }
        hashes.into()
    }

    /// All slots but those of values that nothing is made of.
    pub fn slots<'r>(&'r self, used: &'r [bool]) -> impl Iterator<Item = &'r Slot> {
        let values = self.values.iter().zip(used).filter(|it| *it.1);
        let values = values.filter_map(|it| match it.0 {
            Value::Text(template) => Some(template),
            Value::List(_) => None,
        });
        let puts = self.put.iter().map(|it| &it.value);
        values.chain([&self.content, &self.key]).chain(puts).flat_map(Template::slots)
    }

    /// Whether a request with this method is signed over anything of its body.
    pub fn wants_body(&self, plan: &BodyPlan, method: &str) -> bool {
        let used = vec![true; self.values.len()];
        let mut bodies = self.slots(&used).filter(|it| it.source == Source::Body);
        match plan {
            BodyPlan::Untouched => false,
            BodyPlan::Fed { .. } => bodies.any(|it| it.lets(method)),
            BodyPlan::Whole => true,
        }
    }

    /// The content's part that goes through the signature's own feed, with this method.
    pub fn streamed(&self, plan: &BodyPlan, method: &str) -> Option<usize> {
        let BodyPlan::Fed { content, .. } = plan else { return None };
        content.filter(|at| match &self.content.0[*at] {
            Part::Slot(slot) => slot.lets(method),
            Part::Literal(_) | Part::Group(_) => false,
        })
    }
}

impl Slot {
    /// The hash of the body that it starts from, where it needs no more of it.
    pub fn body_hash(&self) -> Option<BodyHash> {
        if self.source != Source::Body {
            return None;
        }
        let mut first = None;
        for filter in &self.filters {
            match filter {
                Filter::Hash(hash) => return Some((*hash, first)),
                Filter::First(count) => first = Some(first.map_or(*count, |it| it.min(*count))),
                Filter::Only(_) | Filter::Except(_) => {}
                _ => return None,
            }
        }
        None
    }

    /// Whether it is there with this method.
    pub fn lets(&self, method: &str) -> bool {
        self.filters.iter().all(|it| it.lets(method))
    }
}

impl Survey<'_> {
    fn template(&mut self, template: &Template) -> Result<Needs, Unmade> {
        self.parts(template.slots())
    }

    fn parts<'s>(&mut self, slots: impl Iterator<Item = &'s Slot>) -> Result<Needs, Unmade> {
        let mut needs = Needs::default();
        for slot in slots {
            needs = needs.and(self.slot(slot)?);
        }
        Ok(needs)
    }

    fn slot(&mut self, slot: &Slot) -> Result<Needs, Unmade> {
        let mut needs = Needs { request: !slot.source.is_constant(), ..Needs::default() };
        match &slot.source {
            Source::Body => {
                (needs.hash, needs.body) = (slot.body_hash().is_some(), slot.body_hash().is_none());
                needs.sent = self.recipe.puts_form();
            }
            Source::FormParameter(_) => (needs.form, needs.sent) = (self.is_form, true),
            Source::Query | Source::Target | Source::Url => needs.sent = true,
            Source::Header(_) | Source::QueryParameter(_) | Source::BodyLength => needs.sent = true,
            Source::Credential(_) => needs.secret = true,
            Source::Nonce(Nonce::Number) => (needs.number, needs.clock) = (true, true),
            Source::Timestamp(_) => needs.clock = true,
            Source::Signature => needs = needs.and(self.signature()?),
            Source::Value(index) => needs = self.value(*index)?,
            _ => {}
        }
        for filter in &slot.filters {
            match filter {
                Filter::Mac(_, key) => needs = needs.and(self.value(*key)?),
                Filter::Only(_) | Filter::Except(_) => needs.request = true,
                _ => {}
            }
        }
        Ok(needs)
    }

    fn value(&mut self, index: usize) -> Result<Needs, Unmade> {
        self.used[index] = true;
        if let Some(needs) = self.values[index] {
            return Ok(needs);
        }
        if self.open.contains(&index) {
            return Err(Unmade::OfItself(self.recipe.names[index].to_string()));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(Unmade::TooDeep(self.recipe.names[index].to_string()));
        }
        self.open.push(index);
        let recipe = self.recipe;
        let needs = match &recipe.values[index] {
            Value::Text(template) => self.template(template)?,
            Value::List(list) => {
                let form = self.is_form && list.of.contains(&super::raw::Listed::Form);
                let pair = self.template(&list.pair)?;
                pair.and(Needs { request: true, sent: true, form, ..Needs::default() })
            }
        };
        self.open.pop();
        self.values[index] = Some(needs);
        Ok(needs)
    }

    fn signature(&mut self) -> Result<Needs, Unmade> {
        if let Some(needs) = self.signature {
            return Ok(needs);
        }
        let own = self.recipe.names.len();
        if self.open.contains(&own) {
            return Err(Unmade::OfItself("signature".into()));
        }
        self.open.push(own);
        let recipe = self.recipe;
        let mut needs = self.template(&recipe.key)?;
        for (index, part) in recipe.content.0.iter().enumerate() {
            if self.streamed != Some(index) {
                needs = needs.and(self.parts(slots(part))?);
            }
        }
        self.open.pop();
        let needs = Needs { signature: true, request: true, ..needs };
        self.signature = Some(needs);
        Ok(needs)
    }

    /// The content's part that can go through the signature's own feed: the body as it is, all before it and the
    /// key being known before it.
    fn stream(&mut self) -> Result<Option<usize>, Unmade> {
        let recipe = self.recipe;
        if recipe.algorithm.private().is_some() {
            return Ok(None);
        }
        let is_body = |part: &Part| match part {
            Part::Slot(slot) => {
                let mut filters = slot.filters.iter();
                slot.source == Source::Body
                    && filters.all(|it| matches!(it, Filter::Only(_) | Filter::Except(_)))
            }
            Part::Literal(_) | Part::Group(_) => false,
        };
        let Some(at) = recipe.content.0.iter().position(is_body) else { return Ok(None) };
        let mut before = self.template(&recipe.key)?;
        for part in &recipe.content.0[..at] {
            before = before.and(self.parts(slots(part))?);
        }
        // What is put on before the signature may be in the content, by way of a field or of the query.
        self.streamed = Some(at);
        for put in &recipe.put {
            let needs = self.template(&put.value)?;
            if needs.signature {
                break;
            }
            before = before.and(needs);
        }
        Ok(before.is_known_before_the_body().then_some(at))
    }
}

fn slots(part: &Part) -> impl Iterator<Item = &Slot> {
    let parts = match part {
        Part::Group(inner) => inner,
        Part::Slot(_) | Part::Literal(_) => std::slice::from_ref(part),
    };
    parts.iter().filter_map(|it| match it {
        Part::Slot(slot) => Some(slot),
        Part::Literal(_) | Part::Group(_) => None,
    })
}

impl Algorithm {
    /// The hash of a keyed hash.
    pub fn mac(self) -> Option<Hash> {
        match self {
            Self::HmacSha1 => Some(Hash::Sha1),
            Self::HmacSha256 => Some(Hash::Sha256),
            Self::HmacSha384 => Some(Hash::Sha384),
            Self::HmacSha512 => Some(Hash::Sha512),
            _ => None,
        }
    }

    /// A plain hash.
    pub fn plain(self) -> Option<Hash> {
        match self {
            Self::Md5 => Some(Hash::Md5),
            Self::Sha1 => Some(Hash::Sha1),
            Self::Sha256 => Some(Hash::Sha256),
            Self::Sha384 => Some(Hash::Sha384),
            Self::Sha512 => Some(Hash::Sha512),
            _ => None,
        }
    }

    /// The algorithm of a private key.
    pub fn private(self) -> Option<JwsAlgorithm> {
        match self {
            Self::RsaSha256 => Some(JwsAlgorithm::RS256),
            Self::RsaSha512 => Some(JwsAlgorithm::RS512),
            Self::RsaPssSha256 => Some(JwsAlgorithm::PS256),
            Self::EcdsaP256Sha256 => Some(JwsAlgorithm::ES256),
            Self::EcdsaP384Sha384 => Some(JwsAlgorithm::ES384),
            Self::Ed25519 => Some(JwsAlgorithm::EdDSA),
            _ => None,
        }
    }
}
