//! Texts with values in them.
//!
//! `{x}` is a value, `{x|f|g}` what two filters make of it, `{x?}` one that may be absent, `[..{x}..]` a group that
//! is left out where a value in it is absent or empty; `{{`, `}}`, `[[` and `]]` are the characters themselves.
use super::bounds::FILTERS_MAX;
use super::bounds::TEMPLATE_LEN_MAX;
use super::filter::FILTERS;
use super::filter::Filter;
use super::source::Names;
use super::source::Source;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Template(pub Box<[Part]>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Literal(Box<str>),
    Slot(Slot),
    Group(Box<[Part]>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub source: Source,
    pub optional: bool,
    pub filters: Box<[Filter]>,
}

/// Why a text is no template, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TemplateFault {
    pub problem: String,
    pub hint: String,
}

impl Template {
    pub fn parse(text: &str, names: &Names<'_>) -> Result<Self, TemplateFault> {
        if text.len() > TEMPLATE_LEN_MAX {
            let problem = format!("is longer than {TEMPLATE_LEN_MAX} bytes");
            return Err(fault(&problem, "write less"));
        }
        let mut rest = text;
        let parts = parts(&mut rest, names, false)?;
        Ok(Self(parts.into()))
    }

    /// All of them, those in groups too.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        let parts = self.0.iter().flat_map(|part| match part {
            Part::Group(inner) => &inner[..],
            Part::Slot(_) | Part::Literal(_) => std::slice::from_ref(part),
        });
        parts.filter_map(|part| match part {
            Part::Slot(slot) => Some(slot),
            Part::Literal(_) | Part::Group(_) => None,
        })
    }

    /// Those that an absent value is no fault in: optional ones and those in groups.
    pub fn certain(&self) -> impl Iterator<Item = &Slot> {
        self.0.iter().filter_map(|part| match part {
            Part::Slot(slot) if !slot.optional => Some(slot),
            Part::Slot(_) | Part::Literal(_) | Part::Group(_) => None,
        })
    }

    /// The fixed texts.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        let parts = self.0.iter().flat_map(|part| match part {
            Part::Group(inner) => &inner[..],
            Part::Slot(_) | Part::Literal(_) => std::slice::from_ref(part),
        });
        parts.filter_map(|part| match part {
            Part::Literal(text) => Some(&**text),
            Part::Slot(_) | Part::Group(_) => None,
        })
    }
}

/// What stands up to the end, or to the group's `]`.
fn parts(rest: &mut &str, names: &Names<'_>, in_group: bool) -> Result<Vec<Part>, TemplateFault> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    while let Some(at) = rest.find(['{', '}', '[', ']']) {
        literal.push_str(&rest[..at]);
        let (mark, after) = (&rest[at..=at], &rest[at + 1..]);
        if let Some(after) = after.strip_prefix(mark) {
            literal.push_str(mark);
            *rest = after;
            continue;
        }
        *rest = after;
        if !literal.is_empty() {
            parts.push(Part::Literal(std::mem::take(&mut literal).into()));
        }
        match mark {
            "{" => {
                let end = closing(after).ok_or_else(|| unpaired('{'))?;
                parts.push(Part::Slot(slot(&after[..end], names)?));
                *rest = &after[end + 1..];
            }
            "[" if in_group => {
                return Err(fault("a group stands in a group", "write one behind the other"));
            }
            "[" => parts.push(Part::Group(self::parts(rest, names, true)?.into())),
            "]" if in_group => return closed(parts),
            _ => return Err(unpaired(mark.chars().next().unwrap_or(']'))),
        }
    }
    if in_group {
        return Err(unpaired('['));
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Literal(literal.into()));
    }
    Ok(parts)
}

/// Where the slot ends: at the first `}` that is in no filter's argument.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    text.char_indices().find_map(|(at, it)| {
        match it {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        (it == '}' && depth == 0).then_some(at)
    })
}

fn closed(parts: Vec<Part>) -> Result<Vec<Part>, TemplateFault> {
    if parts.iter().any(|it| matches!(it, Part::Slot(_))) {
        return Ok(parts);
    }
    Err(fault(
        "a group has no value that could be absent",
        "a `[` that is meant as such is written twice: `[[`",
    ))
}

fn slot(text: &str, names: &Names<'_>) -> Result<Slot, TemplateFault> {
    let mut pieces = split(text).into_iter();
    let source = pieces.next().unwrap_or_default();
    let (source, optional) = source.strip_suffix('?').map_or((source, false), |it| (it, true));
    let source = names.parse(source).map_err(|it| match it.split_once("; ") {
        Some((problem, hint)) => fault(problem, hint),
        None => fault(&it, "write letters, digits and dashes, as `header.x-date`"),
    })?;
    let filter = |text: &str| {
        let there = format!("there are {FILTERS}");
        Filter::parse(text, names).map_err(|it| match it.split_once("; ") {
            Some((problem, hint)) => fault(problem, hint),
            None => fault(&it, &there),
        })
    };
    let filters: Vec<Filter> = pieces.map(filter).collect::<Result<_, _>>()?;
    if filters.len() > FILTERS_MAX {
        let problem = format!("a value goes through more than {FILTERS_MAX} filters");
        return Err(fault(&problem, "make a value under `let` of the first ones"));
    }
    Ok(Slot { source, optional, filters: filters.into() })
}

/// At each `|` that is in no filter's argument.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    text.split(|it| {
        match it {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        it == '|' && depth == 0
    })
    .collect()
}

fn unpaired(mark: char) -> TemplateFault {
    fault(
        &format!("a `{mark}` has no counterpart"),
        &format!("one that is meant as such is written twice: `{mark}{mark}`"),
    )
}

fn fault(problem: &str, hint: &str) -> TemplateFault {
    TemplateFault { problem: problem.to_owned(), hint: hint.to_owned() }
}
