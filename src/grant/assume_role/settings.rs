//! What is asked for, and the message that asks for it. It is signed by whoever sends it.
use crate::grant::check::Check;
use crate::grant::credential::Field;
use crate::grant::credential::Need;
use crate::grant::credential::faults;
use crate::grant::error::GrantError;
use crate::grant::error::SettingsError;
use crate::grant::occasion::Occasion;
use crate::grant::pairs::Pairs;
use crate::grant::raw::BodyFormat;
use crate::grant::request::TokenRequest;
use crate::grant::target::UrlTemplate;
use crate::grant::template::Template;
use crate::model::Credential;
use crate::model::Secret;
use crate::model::TimeSpan;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header::ACCEPT;
use http::header::CONTENT_TYPE;
use http::header::USER_AGENT;
use std::sync::Arc;

/// The version of the API, which every message names.
const VERSION: &str = "2011-06-15";
/// How long lent keys are good, in seconds: 15 minutes to 12 hours. The role may set a shorter bound of its own.
const DURATION_S: (u64, u64) = (900, 43_200);

/// A role that is assumed, checked. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AssumeRole(Arc<Rules>);

#[derive(Debug)]
struct Rules {
    url: UrlTemplate,
    role_arn: Template,
    external_id: Option<Template>,
    session_name: Template,
    duration_s: u64,
    policy: Option<Box<str>>,
    /// The fields of the keys that ask; the last may be absent.
    keys: [&'static str; 3],
}

/// The settings as written, which stand among those of the signature.
#[derive(Clone, Copy, Debug)]
pub struct RoleSettings<'r> {
    pub sts_url: &'r str,
    pub role_arn: &'r str,
    pub external_id: Option<&'r str>,
    pub session_name: &'r str,
    pub duration: &'r str,
    /// A session policy in JSON, as it is.
    pub policy: Option<&'r str>,
    /// The fields of the keys that ask; the last may be absent.
    pub keys: [&'static str; 3],
}

impl AssumeRole {
    /// Paths of what is wrong begin below `assume_role`.
    pub fn new(raw: RoleSettings<'_>) -> Result<Self, Vec<SettingsError>> {
        let mut check = Check::default();
        if raw.role_arn.is_empty() {
            let hint = "write it as in `arn:aws:iam::123456789012:role/attache`, or as a field: `\"{role_arn}\"`";
            check.wrong(vec!["role_arn".into()], "is missing", hint);
        }
        let url = check.url_at(vec!["sts_url".into()], raw.sts_url);
        let role_arn = check.template(vec!["role_arn".into()], raw.role_arn);
        let session_name = check.template(vec!["session_name".into()], raw.session_name);
        let external_id =
            raw.external_id.and_then(|it| check.template(vec!["external_id".into()], it));
        let duration_s = duration(&mut check, raw.duration);
        let is_json = |it: &str| serde_json::from_str::<serde_json::Map<_, _>>(it).is_ok();
        if raw.policy.is_some_and(|it| !is_json(it)) {
            let hint = "write the policy as JSON in one text; it is sent as it is";
            check.wrong(vec!["policy".into()], "is no JSON object", hint);
        }
        let problems = std::mem::take(&mut check.problems);
        match (url, role_arn, session_name, duration_s) {
            (Some(url), Some(role_arn), Some(session_name), Some(duration_s))
                if problems.is_empty() =>
            {
                let policy = raw.policy.map(Into::into);
                let keys = raw.keys;
                let rules =
                    Rules { url, role_arn, external_id, session_name, duration_s, policy, keys };
                Ok(Self(Arc::new(rules)))
            }
            _ => Err(problems),
        }
    }

    /// The credential fields that it takes, each once. `is_variable` tells of a name in a template whether the
    /// connector declares it as a variable.
    pub fn fields(&self, is_variable: impl Fn(&str) -> bool) -> Vec<Field<'_>> {
        let rules = &*self.0;
        let [id, secret, token] = rules.keys;
        let mut fields = vec![
            Field { name: id, need: Need::Required },
            Field { name: secret, need: Need::Required },
            Field { name: token, need: Need::Optional },
        ];
        let texts = [Some(&rules.role_arn), rules.external_id.as_ref(), Some(&rules.session_name)];
        let names = texts.into_iter().flatten().flat_map(Template::names);
        let names = names.chain(rules.url.names().map(|it| (it, false)));
        for (name, is_optional) in names.filter(|it| !is_variable(it.0)) {
            let need = if is_optional { Need::Optional } else { Need::Required };
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

    /// The keys that ask, of all that the holder has.
    pub fn keys(&self, credential: &Credential) -> Credential {
        let mut keys = Credential::default();
        for name in self.0.keys.into_iter().filter(|it| credential.field(it).is_some()) {
            keys.insert(name, credential.values(name).to_vec());
        }
        keys
    }

    /// The message, without its signature.
    pub fn request(&self, occasion: &Occasion<'_>) -> Result<TokenRequest, GrantError> {
        let rules = &*self.0;
        let target = rules.url.expand("sts_url", |name| occasion.find(name))?;
        let mut pairs = Pairs::default();
        pairs.add("Action", "AssumeRole");
        pairs.add("Version", VERSION);
        let texts = [
            ("RoleArn", Some(&rules.role_arn)),
            ("RoleSessionName", Some(&rules.session_name)),
            ("ExternalId", rules.external_id.as_ref()),
        ];
        for (name, template) in texts {
            let Some(template) = template else { continue };
            if let Some(text) = template.render(occasion)? {
                pairs.add_secret(name, &Secret::new(text.as_str()));
            }
        }
        pairs.add("DurationSeconds", rules.duration_s.to_string());
        if let Some(policy) = &rules.policy {
            pairs.add("Policy", &**policy);
        }
        let mut headers = HeaderMap::new();
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(form));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(USER_AGENT, HeaderValue::from_static("attache"));
        let body = pairs.encoded(BodyFormat::Form);
        Ok(TokenRequest { method: Method::POST, target, headers, body })
    }

    pub(in crate::grant) fn url(&self) -> &UrlTemplate {
        &self.0.url
    }

    /// What of a session is one of the keys: under which field they are lent.
    pub(super) fn key_fields(&self) -> [&'static str; 3] {
        self.0.keys
    }
}

/// In seconds.
fn duration(check: &mut Check, text: &str) -> Option<u64> {
    let path = || vec!["duration".into()];
    let span = match TimeSpan::try_from(text) {
        Ok(TimeSpan(span)) => span,
        Err(error) => {
            let text = error.to_string();
            let (problem, hint) = text.split_once('\n').unwrap_or((&text, ""));
            check.wrong(path(), problem, hint);
            return None;
        }
    };
    let is_whole = span.subsec_nanos() == 0;
    if !is_whole || !(DURATION_S.0..=DURATION_S.1).contains(&span.as_secs()) {
        let hint = "AWS lends keys for no other time; a role may have a shorter bound of its own";
        check.wrong(path(), format!("`{text}` is not between 15m and 12h"), hint);
        return None;
    }
    Some(span.as_secs())
}
