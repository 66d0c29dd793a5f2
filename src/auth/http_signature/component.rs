//! What a signature can cover (RFC 9421 §2).
use super::base;
use super::structured;
use super::structured::FieldType;
use crate::auth::query;
use http::HeaderName;
use sfv::BareItem;
use sfv::Item;
use sfv::Parser;

/// For whoever wrote another.
const DERIVED: &str = "@method, @target-uri, @authority, @scheme, @request-target, @path, @query and @query-param;name=\"…\"";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Component {
    /// As the signature names it: `"example-dict";key="a"`.
    pub identifier: Box<str>,
    pub source: Source,
    /// Left out where the request lacks it.
    pub optional: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Method,
    TargetUri,
    Authority,
    Scheme,
    RequestTarget,
    Path,
    Query,
    /// Its name percent-encoded, as RFC 9421 §2.2.8 does it.
    QueryParam(Box<str>),
    Field(HeaderName, Form),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// All values, joined (§2.1).
    Joined,
    /// The strict form of a structured field (§2.1.1).
    Strict(FieldType),
    /// One member of a dictionary (§2.1.2).
    Member(Box<str>),
    /// Each value wrapped (§2.1.3).
    Wrapped,
}

/// What is wrong, and what to write instead.
pub(super) type Fault = (String, String);

impl Component {
    /// `known`: what kind of structured field one is that is not known here.
    pub fn parse(text: &str, known: impl Fn(&str) -> Option<FieldType>) -> Result<Self, Fault> {
        let (written, optional) = text.strip_suffix('?').map_or((text, false), |it| (it, true));
        let quoted = match written.split_once(';') {
            _ if written.starts_with('"') => written.to_owned(),
            Some((name, parameters)) => format!("\"{name}\";{parameters}"),
            None => format!("\"{written}\""),
        };
        let item: Option<Item> = Parser::new(&quoted).parse().ok();
        let name = item.as_ref().and_then(|it| it.bare_item.as_string());
        let (Some(item), Some(name)) = (&item, name) else {
            return Err(fault(
                "is no component",
                "write a field's name or a derived component, as `@method` or `x;key=\"a\"`",
            ));
        };
        let name = name.as_str();
        let mut parameters = Parameters::default();
        for (key, value) in &item.params {
            parameters.take(key.as_str(), value)?;
        }
        let source = match name.strip_prefix('@') {
            Some(_) => derived(name, &parameters)?,
            None => field(name, parameters, known)?,
        };
        Ok(Self { identifier: sfv::FieldType::serialize(item).into(), source, optional })
    }

    pub fn is_content_digest(&self) -> bool {
        matches!(&self.source, Source::Field(name, _) if name.as_str() == "content-digest")
    }
}

#[derive(Default)]
struct Parameters {
    sf: bool,
    bs: bool,
    key: Option<Box<str>>,
    name: Option<Box<str>>,
}

impl Parameters {
    fn take(&mut self, key: &str, value: &BareItem) -> Result<(), Fault> {
        let flag = *value == BareItem::Boolean(true);
        let text = value.as_string().map(|it| it.as_str());
        match (key, flag, text) {
            ("sf", true, _) => self.sf = true,
            ("bs", true, _) => self.bs = true,
            ("key", _, Some(text)) if structured::is_key(text) => self.key = Some(text.into()),
            ("name", _, Some(text)) => self.name = Some(text.into()),
            ("tr", ..) => {
                return Err(fault(
                    "has `tr`: a trailer comes behind the head that the signature is in",
                    "cover the field, or the body by `content-digest`",
                ));
            }
            ("req", ..) => {
                return Err(fault(
                    "has `req`, which only the signature of a response can have",
                    "leave it out: it is the request that is signed",
                ));
            }
            ("sf" | "bs" | "key" | "name", ..) => {
                return Err((
                    format!("has a `{key}` that can't be"),
                    "write `;sf`, `;bs`, `;key=\"a\"` or `;name=\"a\"`".into(),
                ));
            }
            _ => {
                let hint = "there are `sf`, `bs` and `key`, and `name` for `@query-param`";
                return Err((format!("has an unknown parameter `{key}`"), hint.into()));
            }
        }
        Ok(())
    }
}

fn derived(name: &str, parameters: &Parameters) -> Result<Source, Fault> {
    if parameters.sf || parameters.bs || parameters.key.is_some() {
        return Err(fault("has a parameter that is for fields", "leave it out"));
    }
    let source = match (name, &parameters.name) {
        ("@query-param", Some(name)) => {
            // Another spelling would never be found, whatever the query has.
            let encoded = base::encoded(name.as_bytes());
            let is_text = std::str::from_utf8(&query::decode(name.as_bytes())).is_ok();
            if encoded != **name || !is_text {
                return Err((
                    "has a `name` that is not percent-encoded as RFC 9421 §2.2.8 has it".into(),
                    match is_text {
                        true => format!("write `@query-param;name=\"{encoded}\"`"),
                        false => "write the name in UTF-8, percent-encoded".into(),
                    },
                ));
            }
            return Ok(Source::QueryParam(name.clone()));
        }
        ("@query-param", None) => {
            return Err(fault("says no parameter's name", "write `@query-param;name=\"page\"`"));
        }
        (_, Some(_)) => {
            return Err(fault("has a `name`, which is for `@query-param`", "leave it out"));
        }
        ("@method", None) => Source::Method,
        ("@target-uri", None) => Source::TargetUri,
        ("@authority", None) => Source::Authority,
        ("@scheme", None) => Source::Scheme,
        ("@request-target", None) => Source::RequestTarget,
        ("@path", None) => Source::Path,
        ("@query", None) => Source::Query,
        ("@status", None) => {
            return Err(fault(
                "is of responses, and it is the request that is signed",
                "leave it out",
            ));
        }
        ("@signature-params", None) => {
            return Err(fault("is covered always", "leave it out"));
        }
        _ => {
            return Err((
                format!("is no derived component; there are {DERIVED}"),
                "write one of them".into(),
            ));
        }
    };
    Ok(source)
}

fn field(
    name: &str,
    parameters: Parameters,
    known: impl Fn(&str) -> Option<FieldType>,
) -> Result<Source, Fault> {
    if name.contains(|it: char| it.is_ascii_uppercase()) {
        return Err((
            "is not written in lower case, as RFC 9421 wants it".into(),
            format!("write `{}`", name.to_ascii_lowercase()),
        ));
    }
    let header = HeaderName::try_from(name);
    let header = header.map_err(|_| fault("is no field's name", "write it as `content-type`"))?;
    if parameters.name.is_some() {
        return Err(fault("has a `name`, which is for `@query-param`", "leave it out"));
    }
    let form = match parameters {
        Parameters { bs: true, sf, key, .. } if sf || key.is_some() => {
            return Err(fault(
                "has `bs` beside `sf` or `key`, which exclude each other",
                "keep one",
            ));
        }
        Parameters { bs: true, .. } => Form::Wrapped,
        Parameters { key: Some(key), .. } => Form::Member(key),
        Parameters { sf: true, .. } => {
            let kind = known(name).or_else(|| FieldType::of(name));
            let hint = || {
                format!("write what it is: `structured: {{ {name}: dictionary }}`, or list or item")
            };
            let unknown = || ("is no structured field that is known here".to_owned(), hint());
            Form::Strict(kind.ok_or_else(unknown)?)
        }
        Parameters { .. } => Form::Joined,
    };
    Ok(Source::Field(header, form))
}

fn fault(problem: &str, hint: &str) -> Fault {
    (problem.to_owned(), hint.to_owned())
}
