//! The body of a login's call, with everything filled in.
use super::login::Find;
use crate::grant::check::Check;
use crate::grant::check::below;
use crate::grant::error::GrantError;
use crate::grant::error::Step as PathStep;
use crate::grant::pairs::Pairs;
use crate::grant::raw::BodyFormat;
use crate::grant::reply::wipe;
use crate::grant::settings::Params;
use crate::grant::template::Part;
use crate::grant::template::Template;
use crate::model::Secret;
use serde_json::Map;
use serde_json::Value;
use zeroize::Zeroizing;

#[derive(Debug)]
pub(super) enum Body {
    None,
    Form(Params),
    Json(JsonTemplate),
    Xml(Template),
    Text(Template),
}

/// JSON whose texts are templates.
#[derive(Debug)]
pub(super) enum JsonTemplate {
    Text(Template),
    List(Box<[JsonTemplate]>),
    Object(Box<[(String, JsonTemplate)]>),
    /// A number, a truth value or null.
    Plain(Value),
}

impl Body {
    pub(super) fn names(&self) -> Vec<(&str, bool)> {
        match self {
            Self::None => Vec::new(),
            Self::Form(params) => params.iter().flat_map(|it| it.1.names()).collect(),
            Self::Json(json) => json.names(),
            Self::Xml(text) | Self::Text(text) => text.names().collect(),
        }
    }

    /// Its media type and its bytes.
    pub(super) fn render(
        &self,
        find: Find<'_>,
    ) -> Result<(Option<&'static str>, Zeroizing<Vec<u8>>), GrantError> {
        let bytes = |text: &str| Zeroizing::new(text.as_bytes().to_vec());
        Ok(match self {
            Self::None => (None, Zeroizing::default()),
            Self::Form(params) => {
                let form = pairs(params, find)?.encoded(BodyFormat::Form);
                (Some("application/x-www-form-urlencoded"), form)
            }
            Self::Json(json) => {
                let mut value = json.render(find)?.unwrap_or(Value::Null);
                let text = Zeroizing::new(value.to_string());
                wipe(&mut value);
                (Some("application/json"), bytes(&text))
            }
            Self::Xml(template) => (Some("text/xml; charset=utf-8"), bytes(&xml(template, find)?)),
            Self::Text(template) => {
                let text = template.render_by(|name| find(name))?.unwrap_or_default();
                (Some("text/plain; charset=utf-8"), bytes(&text))
            }
        })
    }
}

/// Parameters with everything filled in; one that lacks an optional name is left out.
pub(super) fn pairs(params: &Params, find: Find<'_>) -> Result<Pairs, GrantError> {
    let mut pairs = Pairs::default();
    for (name, template) in params {
        if let Some(value) = template.render_by(|name| find(name))? {
            pairs.add_secret(name, &Secret::new(value.as_str()));
        }
    }
    Ok(pairs)
}

/// The template with what is filled in escaped (XML 1.0 §2.4).
fn xml(template: &Template, find: Find<'_>) -> Result<Zeroizing<String>, GrantError> {
    let mut text = Zeroizing::new(String::new());
    for part in template.parts() {
        match part {
            Part::Literal(literal) => text.push_str(literal),
            Part::Name { name, optional } => match find(name) {
                Some(value) => value.chars().for_each(|it| push_escaped(&mut text, it)),
                None if *optional => {}
                None => return Err(GrantError::Missing { name: name.to_string() }),
            },
        }
    }
    Ok(text)
}

fn push_escaped(text: &mut String, it: char) {
    match it {
        '&' => text.push_str("&amp;"),
        '<' => text.push_str("&lt;"),
        '>' => text.push_str("&gt;"),
        '"' => text.push_str("&quot;"),
        '\'' => text.push_str("&apos;"),
        it => text.push(it),
    }
}

impl JsonTemplate {
    pub(super) fn build(check: &mut Check, path: Vec<PathStep>, json: &Value) -> Option<Self> {
        Some(match json {
            Value::String(text) => Self::Text(check.template(path, text)?),
            Value::Array(list) => {
                let each = list.iter().enumerate();
                let built: Option<Vec<Self>> = each
                    .map(|(at, it)| Self::build(check, below(&path, PathStep::Index(at)), it))
                    .collect();
                Self::List(built?.into())
            }
            Value::Object(members) => {
                let mut built = Vec::with_capacity(members.len());
                for (name, it) in members {
                    let it = Self::build(check, below(&path, PathStep::named(name)), it)?;
                    built.push((name.clone(), it));
                }
                Self::Object(built.into())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Plain(json.clone()),
        })
    }

    fn names(&self) -> Vec<(&str, bool)> {
        match self {
            Self::Text(template) => template.names().collect(),
            Self::List(list) => list.iter().flat_map(Self::names).collect(),
            Self::Object(members) => members.iter().flat_map(|it| it.1.names()).collect(),
            Self::Plain(_) => Vec::new(),
        }
    }

    /// `None` where an optional name is absent: the member or entry is left out.
    fn render(&self, find: Find<'_>) -> Result<Option<Value>, GrantError> {
        Ok(match self {
            Self::Text(template) => {
                let text = template.render_by(|name| find(name))?;
                text.map(|it| Value::String(it.to_string()))
            }
            Self::List(list) => {
                let mut values = Vec::with_capacity(list.len());
                for it in list {
                    values.extend(it.render(find)?);
                }
                Some(Value::Array(values))
            }
            Self::Object(members) => {
                let mut values = Map::new();
                for (name, it) in members {
                    if let Some(value) = it.render(find)? {
                        values.insert(name.clone(), value);
                    }
                }
                Some(Value::Object(values))
            }
            Self::Plain(value) => Some(value.clone()),
        })
    }
}
