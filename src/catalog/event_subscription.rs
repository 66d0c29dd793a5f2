//! Who is told of events by requests of ours: where they go, and which.
use super::problem::At;
use super::problem::Problem;
use super::problem::unsaid;
use super::upstream_settings::UpstreamSettings;
use crate::model::EventType;
use crate::model::ReceiverUrl;
use crate::model::address;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::net::IpAddr;

/// An event subscription as written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawEventSubscription {
    /// For people. Default: the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where events are sent: `https://…`. Plain `http://` goes to no public address.
    pub url: String,
    /// The types of events that are sent. Default: all.
    #[serde(default, skip_serializing_if = "unsaid")]
    #[schemars(with = "Vec<TypeName>")]
    pub types: Vec<String>,
    /// Whether anything is sent. Default: true.
    #[serde(default = "default_enabled", skip_serializing_if = "is_default_enabled")]
    pub enabled: bool,
}

fn default_enabled() -> bool {
    true
}

fn is_default_enabled(enabled: &bool) -> bool {
    *enabled
}

/// The name of a type of event, for schemas.
struct TypeName;

impl JsonSchema for TypeName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EventType".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let all: Vec<&str> = EventType::ALL.iter().map(|it| it.as_str()).collect();
        schemars::json_schema!({ "type": "string", "enum": all, "description": "What may happen." })
    }
}

/// An event subscription as it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSubscription {
    pub url: ReceiverUrl,
    /// None for all; an empty list for none: of those that were asked for this attache knows nothing.
    pub types: Option<Vec<EventType>>,
    pub enabled: bool,
}

impl EventSubscription {
    /// `settings`: what everything outward goes by. An address that they refuse is refused here where the URL has
    /// it for its host, and at each dial whatever the host. None where that is not to be judged. `known`: names of
    /// types that are as good as those that this attache knows, though nothing is sent of them.
    pub fn build(
        key: &str,
        raw: &RawEventSubscription,
        settings: Option<&UpstreamSettings>,
        known: &[String],
    ) -> Result<Self, Vec<Problem>> {
        let section = At::section("event_subscriptions");
        let at = section.key(key);
        let mut problems = Vec::new();
        let url = ReceiverUrl::parse(&raw.url)
            .map_err(|it| {
                let hint = "write it as in https://events.example.com/attache";
                problems.push(at.key("url").problem(format!("the URL {it}"), hint));
            })
            .ok();
        if let Some((url, settings)) = url.as_ref().zip(settings) {
            problems.extend(refused(url, settings).map(|it| at.key("url").problem(it.0, it.1)));
        }
        let mut types = Vec::with_capacity(raw.types.len());
        for (index, name) in raw.types.iter().enumerate() {
            match EventType::named(name) {
                Some(it) if !types.contains(&it) => types.push(it),
                Some(_) => {}
                None if known.contains(name) => {}
                None => problems.push(at.key("types").index(index).problem(
                    format!("`{}` is no type of event", name.escape_debug()),
                    "the `EventType` of the API's document has all of them",
                )),
            }
        }
        let types = Some(types).filter(|_| !raw.types.is_empty());
        match url {
            Some(url) if problems.is_empty() => Ok(Self { url, types, enabled: raw.enabled }),
            _ => Err(problems),
        }
    }

    /// What was checked when it was stored. None where it is not sound any more.
    pub fn stored(definition: &str, enabled: bool) -> Option<Self> {
        let raw: RawEventSubscription = serde_json::from_str(definition).ok()?;
        let mut types = Vec::with_capacity(raw.types.len());
        for it in raw.types.iter().filter_map(|it| EventType::named(it)) {
            if !types.contains(&it) {
                types.push(it);
            }
        }
        let types = Some(types).filter(|_| !raw.types.is_empty());
        Some(Self { url: ReceiverUrl::parse(&raw.url).ok()?, types, enabled })
    }
}

/// Why nothing could ever be sent there, and the way out.
fn refused(url: &ReceiverUrl, settings: &UpstreamSettings) -> Option<(String, String)> {
    let host = url.origin().bare_host();
    let Ok(address) = host.parse::<IpAddr>() else {
        // A name may lead to a private address, where one is allowed at all.
        let is_lost = !url.origin().is_https() && settings.egress_allow.is_empty();
        return is_lost.then(plain);
    };
    let class = address::refusal(address);
    if !address::is_allowed(address, &settings.egress_allow) {
        let class = class.unwrap_or(address::METADATA);
        return Some((
            format!("the egress guard refuses this address ({class})"),
            format!("add it to egress.allow in attache's configuration: [{host}]"),
        ));
    }
    (!url.origin().is_https() && class.is_none()).then(plain)
}

fn plain() -> (String, String) {
    let problem = "plain http goes to private addresses alone, where egress.allow has them";
    (problem.to_owned(), "write https://".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipnet::IpNet;
    use std::sync::Arc;

    fn raw(url: &str) -> RawEventSubscription {
        serde_json::from_value(serde_json::json!({ "url": url })).unwrap()
    }

    fn allowing(networks: &[&str]) -> UpstreamSettings {
        let networks: Vec<IpNet> = networks.iter().map(|it| it.parse().unwrap()).collect();
        UpstreamSettings { egress_allow: Arc::from(networks), ..UpstreamSettings::default() }
    }

    #[test]
    fn where_nothing_could_ever_be_sent_is_refused_when_it_is_written() {
        let private = &["10.0.0.0/8"][..];
        for (url, allow, is_good) in [
            ("https://events.example.com/x?k=1", &[][..], true),
            ("https://8.8.8.8/", &[], true),
            ("https://10.1.2.3/", &[], false),
            ("https://10.1.2.3/", private, true),
            ("http://10.1.2.3/", private, true),
            ("http://8.8.8.8/", private, false),
            ("http://events.internal/", &[], false),
            ("http://events.internal/", private, true),
            ("https://169.254.169.254/", private, false),
            ("ftp://a/", &[], false),
        ] {
            let built = EventSubscription::build("ops", &raw(url), Some(&allowing(allow)), &[]);
            assert_eq!(built.is_ok(), is_good, "{url} {allow:?} {built:?}");
            // Whatever is allowed: what is no URL for events never was one.
            let unjudged = EventSubscription::build("ops", &raw(url), None, &[]);
            assert_eq!(unjudged.is_ok(), !url.starts_with("ftp:"), "{url}");
        }
    }

    #[test]
    fn types_are_those_that_there_are_and_each_once() {
        let types = vec!["connection.failing".to_owned(), "connection.failing".to_owned()];
        let mut raw = RawEventSubscription { types, ..raw("https://a.example/") };
        let built = EventSubscription::build("ops", &raw, Some(&allowing(&[])), &[]).unwrap();
        assert_eq!(built.types, Some(vec![EventType::ConnectionFailing]));
        raw.types.push("connection.exploded".to_owned());
        let problems =
            EventSubscription::build("ops", &raw, Some(&allowing(&[])), &[]).unwrap_err();
        assert!(problems[0].problem.contains("connection.exploded"), "{problems:?}");
        let known = raw.types.clone();
        let built = EventSubscription::build("ops", &raw, None, &known).unwrap();
        assert_eq!(built.types, Some(vec![EventType::ConnectionFailing]));
        let stored = EventSubscription::stored(&serde_json::to_string(&raw).unwrap(), true);
        assert_eq!(stored.unwrap().types, Some(vec![EventType::ConnectionFailing]));
    }

    #[test]
    fn a_subscription_to_types_that_this_attache_does_not_know_is_told_of_nothing_rather_than_of_all()
     {
        let of = |types: &str| {
            let definition = format!(r#"{{"url":"https://a.example/","types":[{types}]}}"#);
            EventSubscription::stored(&definition, true).unwrap().types
        };
        assert_eq!(of(r#""vault.opened""#), Some(vec![]));
        assert_eq!(of(""), None);
    }
}
