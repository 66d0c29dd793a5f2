//! A checked session login.
use super::body::Body;
use super::body::JsonTemplate;
use super::raw::RawSessionInjection;
use super::raw::RawSessionLogin;
use super::raw::RawStep;
use super::raw::RawTake;
use super::raw::StepMethod;
use crate::grant::check::Check;
use crate::grant::check::below;
use crate::grant::credential::Field;
use crate::grant::credential::Need;
use crate::grant::credential::faults;
use crate::grant::error::GrantError;
use crate::grant::error::SettingsError;
use crate::grant::error::Step as PathStep;
use crate::grant::settings::ExpiryRule;
use crate::grant::settings::Failure;
use crate::grant::settings::Params;
use crate::grant::target::UrlTemplate;
use crate::grant::template::Template;
use crate::model::Credential;
use http::HeaderName;
use http::Method;
use regex::Regex;
use regex::RegexBuilder;
use std::sync::Arc;

/// Most calls of one login.
pub const STEPS_MAX: usize = 8;

/// Most memory that a pattern may take once compiled, in bytes.
const PATTERN_SIZE_MAX: usize = 1 << 20;

/// Calls that yield a session, checked. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SessionLogin(pub(super) Arc<Rules>);

#[derive(Debug)]
pub(super) struct Rules {
    pub(super) steps: Box<[Step]>,
    inject: Box<[RawSessionInjection]>,
    injected: Box<[Template]>,
    pub(super) expires_in: Option<Box<str>>,
    pub(super) expiry: ExpiryRule,
    pub(super) logout: Option<Step>,
    pub(super) auth_failure: Box<[Failure]>,
}

#[derive(Debug)]
pub(super) struct Step {
    pub(super) method: Method,
    pub(super) url: UrlTemplate,
    pub(super) headers: Box<[(HeaderName, Template)]>,
    pub(super) basic: Option<Template>,
    pub(super) query: Params,
    pub(super) body: Body,
    /// Empty: 200 to 299.
    pub(super) expect: Box<[u16]>,
    pub(super) refused: Box<[u16]>,
    pub(super) take: Box<[Take]>,
}

#[derive(Debug)]
pub(super) struct Take {
    pub(super) name: Box<str>,
    pub(super) from: Source,
    pub(super) pattern: Option<Regex>,
    pub(super) optional: bool,
}

#[derive(Debug)]
pub(super) enum Source {
    Json(Box<str>),
    Header(HeaderName),
    Cookie(Box<str>),
    Body,
}

impl SessionLogin {
    /// What goes on each request: what a `custom` method would be given, the session's values being the
    /// fields.
    pub fn injections(&self) -> &[RawSessionInjection] {
        &self.0.inject
    }

    /// The credential fields that it takes, each once. `is_variable` tells of a name in a template
    /// whether the connector declares it as a variable.
    pub fn fields(&self, is_variable: impl Fn(&str) -> bool) -> Vec<Field<'_>> {
        let rules = &*self.0;
        let mut taken: Vec<&str> = Vec::new();
        let mut names: Vec<(&str, bool)> = Vec::new();
        for step in &rules.steps {
            names.extend(step.names().into_iter().filter(|it| !taken.contains(&it.0)));
            taken.extend(step.take.iter().map(|it| &*it.name));
        }
        let later = rules.injected.iter().flat_map(Template::names);
        let later = later.chain(rules.logout.iter().flat_map(Step::names));
        names.extend(later.filter(|it| !taken.contains(&it.0)));
        let mut fields: Vec<Field<'_>> = Vec::new();
        for (name, optional) in names.into_iter().filter(|it| !is_variable(it.0)) {
            let need = if optional { Need::Optional } else { Need::Required };
            match fields.iter_mut().find(|it| it.name == name) {
                Some(field) if need == Need::Required => field.need = need,
                Some(_) => {}
                None => fields.push(Field { name, need }),
            }
        }
        fields
    }

    /// Everything that is wrong with a holder's credential, before anything is sent.
    pub fn check_credential(
        &self,
        credential: &Credential,
        is_variable: impl Fn(&str) -> bool,
    ) -> Vec<GrantError> {
        faults(&self.fields(is_variable), credential, |_| 1)
    }

    pub(in crate::grant) fn urls(&self) -> impl Iterator<Item = &UrlTemplate> {
        self.0.steps.iter().map(|it| &it.url)
    }
}

impl Step {
    fn names(&self) -> Vec<(&str, bool)> {
        let url = self.url.names().map(|it| (it, false));
        let texts = self.headers.iter().map(|it| &it.1).chain(self.query.iter().map(|it| &it.1));
        let texts = texts.chain(&self.basic).flat_map(Template::names);
        url.chain(texts).chain(self.body.names()).collect()
    }
}

impl TryFrom<RawSessionLogin> for SessionLogin {
    type Error = Vec<SettingsError>;

    fn try_from(raw: RawSessionLogin) -> Result<Self, Vec<SettingsError>> {
        let mut check = Check::default();
        if !(1..=STEPS_MAX).contains(&raw.steps.len()) {
            let hint = format!("write 1 to {STEPS_MAX} calls: `steps: [{{ url: https://… }}]`");
            check.wrong(vec!["steps".into()], format!("has {} calls", raw.steps.len()), hint);
        }
        if raw.inject.is_empty() {
            let hint = "write `inject: [{ in: header, name: …, value: \"{session}\" }]`";
            check.wrong(vec!["inject".into()], "puts nothing on a request", hint);
        }
        let steps = raw.steps.iter().enumerate();
        let steps: Vec<Step> = steps
            .filter_map(|(at, it)| step(&mut check, vec!["steps".into(), PathStep::Index(at)], it))
            .collect();
        let each = raw.inject.iter().enumerate();
        let injected = each.filter_map(|(at, it)| {
            let path = vec!["inject".into(), PathStep::Index(at), "value".into()];
            check.template(path, &it.value)
        });
        let injected = injected.collect();
        let logout = raw.logout.and_then(|it| step(&mut check, vec!["logout".into()], &it));
        let expires_in = raw.expires_in.map(Box::<str>::from);
        let is_taken =
            |name: &str| steps.iter().any(|it| it.take.iter().any(|it| &*it.name == name));
        if let Some(name) = expires_in.as_deref().filter(|it| !is_taken(it)) {
            let hint = "name an entry of a step's `take`";
            check.wrong(vec!["expires_in".into()], format!("`{name}` is taken nowhere"), hint);
        }
        let rules = Rules {
            steps: steps.into(),
            inject: raw.inject.into(),
            injected,
            expires_in,
            expiry: check.expiry(raw.expiry.unwrap_or_default()),
            logout,
            auth_failure: check.failures(&raw.auth_failure),
        };
        if check.problems.is_empty() { Ok(Self(Arc::new(rules))) } else { Err(check.problems) }
    }
}

fn step(check: &mut Check, path: Vec<PathStep>, raw: &RawStep) -> Option<Step> {
    let Some(url) = &raw.url else {
        check.wrong(below(&path, "url"), "is missing", "write `url: https://…`");
        return None;
    };
    let url = check.url_at(below(&path, "url"), url);
    let method = match raw.method.unwrap_or(StepMethod::Post) {
        StepMethod::Get => Method::GET,
        StepMethod::Post => Method::POST,
        StepMethod::Put => Method::PUT,
        StepMethod::Delete => Method::DELETE,
    };
    for (field, statuses) in [("expect", &raw.expect), ("refused", &raw.refused)] {
        if statuses.iter().any(|it| !(200..=599).contains(it)) {
            check.wrong(below(&path, field), "has no final status", "write 200 to 599");
        }
    }
    let take = raw.take.iter().filter_map(|(name, raw)| take(check, &path, name, raw)).collect();
    let body = body(check, &path, raw)?;
    let basic = raw.basic.as_ref().and_then(|it| check.template(below(&path, "basic"), it));
    Some(Step {
        method,
        url: url?,
        headers: check.headers_at(below(&path, "headers"), &raw.headers),
        basic,
        query: check.params(&below(&path, "query"), &raw.query),
        body,
        expect: raw.expect.as_slice().into(),
        refused: if raw.refused.is_empty() { [401].into() } else { raw.refused.as_slice().into() },
        take,
    })
}

fn body(check: &mut Check, path: &[PathStep], raw: &RawStep) -> Option<Body> {
    match (&raw.form, &raw.json, &raw.xml, &raw.text) {
        (None, None, None, None) => Some(Body::None),
        (Some(form), None, None, None) => {
            Some(Body::Form(check.params(&below(path, "form"), form)))
        }
        (None, Some(json), None, None) => {
            JsonTemplate::build(check, below(path, "json"), json).map(Body::Json)
        }
        (None, None, Some(text), None) => check.template(below(path, "xml"), text).map(Body::Xml),
        (None, None, None, Some(text)) => check.template(below(path, "text"), text).map(Body::Text),
        _ => {
            let hint = "keep one of `form`, `json`, `xml` and `text`";
            check.wrong(path.to_vec(), "has several bodies", hint);
            None
        }
    }
}

fn take(check: &mut Check, path: &[PathStep], name: &str, raw: &RawTake) -> Option<Take> {
    let path = below(&below(path, "take"), PathStep::named(name));
    check.variable(path.clone(), name);
    let from = match (&raw.json, &raw.header, &raw.cookie, &raw.pattern) {
        (Some(pointer), None, None, _) => {
            Source::Json(check.pointer(below(&path, "json"), pointer))
        }
        (None, Some(name), None, _) => {
            let hint = "write a header's name: `X-Auth-Token`";
            Source::Header(check.ok(below(&path, "header"), name.parse(), hint)?)
        }
        (None, None, Some(name), _) => Source::Cookie(name.as_str().into()),
        (None, None, None, Some(_)) => Source::Body,
        _ => {
            let hint =
                "write one: `json: /token`, `header: X-Token`, `cookie: sid`, or a `pattern`";
            check.wrong(path, "has not exactly one place in the answer", hint);
            return None;
        }
    };
    let pattern = match &raw.pattern {
        None => None,
        Some(text) => {
            let regex = RegexBuilder::new(text).size_limit(PATTERN_SIZE_MAX).build();
            let regex = regex.ok().filter(|it| it.captures_len() > 1);
            let regex = regex.ok_or("is not a regular expression with a group");
            Some(check.ok(
                below(&path, "pattern"),
                regex,
                "write one group around what is taken",
            )?)
        }
    };
    Some(Take { name: name.into(), from, pattern, optional: raw.optional.unwrap_or(false) })
}
