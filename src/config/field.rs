//! Fields of settings that have a bound: read, checked, and refused with what to write instead.
use crate::model::ByteSize;
use crate::model::Key;
use crate::model::Secret;
use crate::model::TimeSpan;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

/// Longest duration that means anything here: more is a slip of the unit.
const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Longest time that something is kept for: more is a slip of the unit.
const KEEPING_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Shortest admin token, in bytes: a shorter one can be guessed.
const TOKEN_LEN_MIN: usize = 16;

/// More workers than any machine has cores.
const WORKERS_MAX: usize = 1024;

/// A duration of more than nothing and at most a day.
pub(super) fn wait<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let span = TimeSpan::deserialize(deserializer)?;
    match span.0 {
        Duration::ZERO => Err(Error::custom("no time at all\nwrite a duration such as 10s")),
        wait if wait > WAIT_MAX => Err(Error::custom(format!("{span} is longer than a day"))),
        wait => Ok(wait),
    }
}

/// How long something is kept: at most a year, or not at all.
pub(super) fn keeping<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let span = TimeSpan::deserialize(deserializer)?;
    if span.0 > KEEPING_MAX {
        return Err(Error::custom(format!("{span} is longer than a year")));
    }
    Ok(span.0)
}

/// A duration of at most a day.
pub(super) fn pause<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let span = TimeSpan::deserialize(deserializer)?;
    if span.0 > WAIT_MAX {
        return Err(Error::custom(format!("{span} is longer than a day")));
    }
    Ok(span.0)
}

/// Keys, each of which may be one.
pub(super) fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Key>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let key = |it: String| {
        Key::try_from(&*it).map_err(|error| {
            let name = it.escape_debug();
            Error::custom(format!("`{name}`: {error}\nwrite the names of operators' tokens"))
        })
    };
    texts.into_iter().map(key).collect()
}

/// The bound on a request's head. Under 8 KiB real requests fail; over 1 MiB it is no bound.
pub(super) fn head_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    size_within(deserializer, 8 << 10, 1 << 20)
}

/// The bound on a webhook's body, which is read whole before it is verified.
pub(super) fn body_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    size_within(deserializer, 1 << 10, 1 << 30)
}

/// The bound on a body that is kept: with its headers it is one value in the store.
pub(super) fn kept_body<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    size_within(deserializer, 0, 2 << 20)
}

/// The bound on all bodies that are held, or kept. Over 1 TiB it is no bound.
pub(super) fn memory<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    size_within(deserializer, 1 << 10, 1 << 40)
}

fn size_within<'de, D: Deserializer<'de>>(
    deserializer: D,
    least: u64,
    most: u64,
) -> Result<usize, D::Error> {
    let size = ByteSize::deserialize(deserializer)?;
    let fitting = usize::try_from(size.0).ok().filter(|_| (least..=most).contains(&size.0));
    fitting.ok_or_else(|| {
        let (least, most) = (ByteSize(least), ByteSize(most));
        Error::custom(format!("{size} is out of range\nwrite a size from {least} to {most}"))
    })
}

/// From 1 to `u32::MAX`.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    std::num::NonZeroU32::deserialize(deserializer)
        .map(std::num::NonZeroU32::get)
        .map_err(|_| Error::custom("expected a whole number of at least 1"))
}

pub(super) fn workers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<NonZeroUsize>, D::Error> {
    let Some(number) = Option::<u64>::deserialize(deserializer)? else { return Ok(None) };
    let number = usize::try_from(number).ok().filter(|it| *it <= WORKERS_MAX);
    number.and_then(NonZeroUsize::new).map(Some).ok_or_else(|| {
        let hint = "leave it out for one per core";
        Error::custom(format!("the number of workers is from 1 to {WORKERS_MAX}\n{hint}"))
    })
}

pub(super) fn listen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        Error::custom(format!(
            "`{text}` is not an address to listen on\n\
             write an IP address and a port: 127.0.0.1:8080, 0.0.0.0:8080 or [::]:8080"
        ))
    })
}

pub(super) fn token<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Secret>, D::Error> {
    let token = Option::<Secret>::deserialize(deserializer)?;
    let sound = |it: &Secret| {
        it.expose().len() >= TOKEN_LEN_MIN && it.expose().bytes().all(|it| it.is_ascii_graphic())
    };
    if token.as_ref().is_some_and(|it| !sound(it)) {
        return Err(Error::custom(format!(
            "an admin token has at least {TOKEN_LEN_MIN} visible ASCII characters\n\
             make one: openssl rand -hex 24"
        )));
    }
    Ok(token)
}

/// The URL that a listener is known by: no query, no final slash kept.
pub(super) fn public_url<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    match crate::model::BaseUrl::parse(&text) {
        Ok(_) => Ok(Some(text.trim_end_matches('/').to_owned())),
        Err(problem) => Err(Error::custom(format!(
            "the URL {problem}\nwrite the one that others are given: https://hooks.example.com"
        ))),
    }
}
