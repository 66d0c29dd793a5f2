//! What a template can name: parts of the request, of the credential and of the moment, and values of the recipe.
use super::clock;
use super::clock::TimeFormat;
use http::HeaderName;
use std::cell::RefCell;

/// For whoever wrote another.
const SOURCES: &str = "method, scheme, host, hostname, port, path, query, target, url, header.<name>, query.<name>, \
    form.<name>, body, body.length, timestamp.<format>, nonce.<form>, credential.<field> and signature";
const NONCES: &str = "hex, base64, base64url, uuid, bytes and number";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Method,
    /// `https` or `http`.
    Scheme,
    /// As the Host field has it: with a port where that is not the scheme's own.
    Host,
    /// Less the port.
    Hostname,
    Port,
    Path,
    /// As it is sent, without the `?`; empty where there is none.
    Query,
    /// The path, and `?` and the query where there is one, if an empty one.
    Target,
    Url,
    Header(HeaderName),
    /// Decoded.
    QueryParameter(Box<str>),
    /// Decoded.
    FormParameter(Box<str>),
    Body,
    /// In decimal.
    BodyLength,
    Timestamp(TimeFormat),
    Nonce(Nonce),
    /// Index into the recipe's credential fields.
    Credential(usize),
    /// Index into the recipe's values.
    Value(usize),
    Signature,
    /// Within a list's pair.
    PairName,
    PairValue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nonce {
    Hex,
    Base64,
    Base64url,
    Uuid,
    Bytes,
    /// Of 16 digits, greater than every one before it.
    Number,
}

/// What names stand for while a recipe is read.
pub(super) struct Names<'r> {
    /// The recipe's values, `let` first, then lists.
    pub values: Vec<&'r str>,
    /// Credential fields, as they turn up.
    pub fields: RefCell<Vec<Box<str>>>,
    /// Whether `{name}` and `{value}` are a pair's.
    pub in_pair: bool,
}

impl Names<'_> {
    /// The value's index.
    pub fn value(&self, name: &str) -> Result<usize, String> {
        self.values.iter().position(|it| *it == name).ok_or_else(|| self.unknown(name))
    }

    pub fn parse(&self, name: &str) -> Result<Source, String> {
        if self.in_pair {
            match name {
                "name" => return Ok(Source::PairName),
                "value" => return Ok(Source::PairValue),
                _ => {
                    return Err(format!(
                        "there is no `{name}` in a pair; there are name and value"
                    ));
                }
            }
        }
        let source = match name {
            "method" => Source::Method,
            "scheme" => Source::Scheme,
            "host" => Source::Host,
            "hostname" => Source::Hostname,
            "port" => Source::Port,
            "path" => Source::Path,
            "query" => Source::Query,
            "target" => Source::Target,
            "url" => Source::Url,
            "body" => Source::Body,
            "body.length" => Source::BodyLength,
            "signature" => Source::Signature,
            _ => match name.split_once('.') {
                Some(("header", header)) => {
                    let header = HeaderName::try_from(header);
                    Source::Header(header.map_err(|_| format!("`{name}` names no header"))?)
                }
                Some(("query", parameter)) => Source::QueryParameter(parameter.into()),
                Some(("form", parameter)) => Source::FormParameter(parameter.into()),
                Some(("timestamp", format)) => {
                    let format = TimeFormat::parse(format);
                    Source::Timestamp(format.ok_or_else(|| {
                        format!("`{name}` is no format of the time; there are {}", clock::FORMATS)
                    })?)
                }
                Some(("nonce", form)) => Source::Nonce(Nonce::parse(form).ok_or_else(|| {
                    format!("`{name}` is no form of the nonce; there are {NONCES}")
                })?),
                Some(("credential", field)) if is_name(field) => {
                    Source::Credential(self.field(field))
                }
                _ => Source::Value(self.value(name)?),
            },
        };
        Ok(source)
    }

    fn field(&self, name: &str) -> usize {
        let mut fields = self.fields.borrow_mut();
        fields.iter().position(|it| **it == *name).unwrap_or_else(|| {
            fields.push(name.into());
            fields.len() - 1
        })
    }

    fn unknown(&self, name: &str) -> String {
        let own = match &self.values[..] {
            [] => "it has no values of its own".to_owned(),
            values => format!("its own values are {}", values.join(", ")),
        };
        format!("there is no `{name}`; there are {SOURCES}, and {own}")
    }
}

impl Nonce {
    fn parse(form: &str) -> Option<Self> {
        Some(match form {
            "hex" => Self::Hex,
            "base64" => Self::Base64,
            "base64url" => Self::Base64url,
            "uuid" => Self::Uuid,
            "bytes" => Self::Bytes,
            "number" => Self::Number,
            _ => return None,
        })
    }
}

impl Source {
    /// Whether it is the same on every request.
    pub fn is_constant(&self) -> bool {
        matches!(self, Self::Credential(_))
    }

    /// The words for it, where a request lacks it.
    pub fn words(&self) -> String {
        match self {
            Self::Header(name) => format!("the field `{name}`"),
            Self::QueryParameter(name) => format!("the query parameter `{name}`"),
            Self::FormParameter(name) => format!("the form parameter `{name}`"),
            Self::BodyLength => "the body's length".into(),
            _ => "a part".into(),
        }
    }
}

/// A name of a value or of a credential field: letters, digits, `_` and `-`.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | '-'))
}

/// Whether the recipe's own values may not be called so.
pub(super) fn is_taken(name: &str) -> bool {
    let names = Names { values: Vec::new(), fields: RefCell::default(), in_pair: false };
    names.parse(name).is_ok() || matches!(name, "name" | "value")
}
