//! A place in a request that a value is read from, and requests known by what is there.
use super::delivery::Delivery;
use super::delivery::Document;
use super::delivery::Facts;
use super::json::Json;
use super::pointer::Pointer;
use super::refusal::Refusal;
use super::refusal::What;
use http::HeaderName;
use http::Method;
use regex::Regex;
use std::borrow::Cow;
use std::str;

/// Longest body that is looked into to see which alternative it is for: 256 KiB. It is parsed, once
/// for each of them, before anybody proved who sent it.
const SHAPED_BODY_MAX: usize = 256 << 10;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    Header(HeaderName),
    /// A query parameter's name, decoded.
    Query(Box<str>),
    /// A form field's name, decoded.
    Form(Box<str>),
    Json(Pointer),
}

/// A request's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct When {
    pub(super) method: Method,
    pub(super) spot: Option<Spot>,
    pub(super) has: Has,
}

/// What a place has to have in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Has {
    Anything,
    Exactly(Box<str>),
    Matching(Pattern),
}

/// A regular expression for a whole text.
#[derive(Clone, Debug)]
pub(super) struct Pattern(pub(super) Regex);

impl Spot {
    /// The text that is there, exactly once; None where nothing is.
    pub(super) fn text<'d>(&self, facts: &Facts<'d>) -> Result<Option<Cow<'d, str>>, Refusal> {
        match self {
            Self::Query(name) => facts.delivery.query_value(name),
            Self::Form(name) => facts.delivery.form_value(name),
            Self::Json(pointer) => facts.document.text(pointer),
            Self::Header(name) => {
                let text = facts.delivery.header(name)?.map(str::from_utf8).transpose();
                text.map(|it| it.map(Cow::Borrowed)).map_err(|_| Refusal::Malformed(What::Value))
            }
        }
    }

    fn is_in_body(&self) -> bool {
        matches!(self, Self::Form(_) | Self::Json(_))
    }
}

impl When {
    pub(super) fn fits(&self, delivery: &Delivery<'_>) -> bool {
        if delivery.method != self.method.as_str() {
            return false;
        }
        let Some(spot) = &self.spot else {
            return true;
        };
        if spot.is_in_body() && delivery.body.len() > SHAPED_BODY_MAX {
            return false;
        }
        let Ok(facts) = shaped(spot, delivery) else {
            return false;
        };
        match (spot.text(&facts), &self.has) {
            (Ok(Some(_)), Has::Anything) => true,
            (Ok(Some(text)), Has::Exactly(wanted)) => *text == **wanted,
            (Ok(Some(text)), Has::Matching(pattern)) => pattern.0.is_match(&text),
            // An object, a list or null is there as well.
            (Ok(None), Has::Anything) => match (spot, facts.document) {
                (Spot::Json(pointer), Document::Strict(json)) => {
                    json.at(pointer).is_ok_and(|it| it.is_some())
                }
                _ => false,
            },
            (Ok(None), Has::Exactly(_) | Has::Matching(_)) | (Err(_), _) => false,
        }
    }
}

fn shaped<'d>(spot: &Spot, delivery: &'d Delivery<'d>) -> Result<Facts<'d>, Refusal> {
    let facts = Facts::of(delivery);
    Ok(match spot {
        Spot::Json(_) => Facts { document: Document::Strict(Json::read(delivery.body)?), ..facts },
        Spot::Header(_) | Spot::Query(_) | Spot::Form(_) => facts,
    })
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}
