//! What is applied: the sections of a configuration file that are kept in a store, as JSON.
use crate::admin::activations;
use crate::admin::callers;
use crate::admin::connections;
use crate::admin::connectors;
use crate::admin::environments;
use crate::admin::error::ApiError;
use crate::admin::error::Fault;
use crate::admin::event_subscriptions;
use crate::admin::integrations;
use crate::admin::sent::Members;
use crate::admin::shape;
use crate::admin::tenants;
use crate::config::Step;
use crate::config::pointer;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde_json::Value;
use serde_json::json;
use std::collections::HashSet;

/// Most resources of one bundle.
const ITEMS_MAX: usize = 10_000;

/// Sections of files that say how a process runs.
const OF_THE_PROCESS: &[&str] = &["server", "log", "store", "seal", "egress", "upstream", "events"];

/// A section, in the order in which they refer to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Part {
    Connectors,
    Tenants,
    Connections,
    Integrations,
    Environments,
    Callers,
    Activations,
    EventSubscriptions,
}

impl Part {
    pub(super) const ALL: [Self; 8] = [
        Self::Connectors,
        Self::Tenants,
        Self::Connections,
        Self::Integrations,
        Self::Environments,
        Self::Callers,
        Self::Activations,
        Self::EventSubscriptions,
    ];

    /// As files have it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Connectors => "connectors",
            Self::Tenants => "tenants",
            Self::Connections => "connections",
            Self::Integrations => "integrations",
            Self::Environments => "environments",
            Self::Callers => "callers",
            Self::Activations => "activations",
            Self::EventSubscriptions => "event_subscriptions",
        }
    }
}

/// A resource that is to be. Its credentials are in it.
#[derive(Clone)]
pub(super) struct Item {
    pub part: Part,
    /// Of an activation the connection's.
    pub key: String,
    /// Of an activation; else empty.
    pub tenant: String,
    pub members: Members,
    /// Where it stands in the body: a JSON pointer.
    pub at: String,
}

/// What is to be.
#[derive(Default)]
pub(super) struct Bundle {
    /// In the order in which they refer to each other.
    pub items: Vec<Item>,
    /// The sections that there are, also where they are empty.
    pub parts: Vec<Part>,
    pub faults: Vec<Fault>,
}

impl Bundle {
    /// What is wrong with single items is kept beside those that can be read. `prune`: what is not in a section
    /// is to go, so that one which says nothing is none.
    pub(super) fn of(mut body: Members, prune: bool) -> Result<Self, ApiError> {
        let mut bundle = Self::default();
        for part in Part::ALL {
            let Some(section) = body.shift_remove(part.as_str()) else { continue };
            bundle.parts.push(part);
            match (part, section) {
                (_, Value::Null) if prune => bundle.nothing(part),
                (_, Value::Null) => {}
                (Part::Activations, Value::Array(items)) => bundle.activations(items),
                (Part::Activations, _) => bundle.fault(part.as_str(), "expected a list", ""),
                (_, Value::Object(items)) => bundle.definitions(part, items),
                (_, _) => bundle.fault(part.as_str(), "expected a map of definitions by key", ""),
            }
        }
        for section in body.keys() {
            if OF_THE_PROCESS.contains(&&**section) {
                let hint =
                    "leave it out here: it belongs into the files of `attache serve --config`";
                bundle.fault(section, "this is of the process, and of no store", hint);
            } else {
                let known = Part::ALL.map(Part::as_str).join(", ");
                let hint = format!("there are {known}; {}", newer());
                bundle.fault(section, "unknown section", &hint);
            }
        }
        if bundle.items.len() > ITEMS_MAX {
            let problem = format!("more than {ITEMS_MAX} resources");
            return Err(ApiError::invalid("", problem, "apply them in several parts"));
        }
        Ok(bundle)
    }

    fn definitions(&mut self, part: Part, items: Members) {
        for (key, value) in items {
            let at = pointer([Step::Key(part.as_str()), Step::Key(&key)]);
            let tenant = String::new();
            match value {
                Value::Object(members) => self.items.push(Item { part, key, tenant, members, at }),
                Value::Null => {
                    let members = Members::new();
                    self.items.push(Item { part, key, tenant, members, at });
                }
                _ => self.faults.push(expected(at, "a map")),
            }
        }
    }

    fn nothing(&mut self, part: Part) {
        let none = if part == Part::Activations { "[]" } else { "{}" };
        let hint = format!("write `{none}` if all of them are to go, or leave the section out");
        self.fault(
            part.as_str(),
            "nothing is said here, and what is not said would be pruned",
            &hint,
        );
    }

    fn activations(&mut self, items: Vec<Value>) {
        let mut seen = HashSet::new();
        for (index, value) in items.into_iter().enumerate() {
            let part = Part::Activations;
            let at = pointer([Step::Key(part.as_str()), Step::Index(index)]);
            let Value::Object(mut members) = value else {
                self.faults.push(expected(at, "a map"));
                continue;
            };
            let mut text = |name: &str| match members.shift_remove(name) {
                Some(Value::String(text)) => Some(text),
                _ => None,
            };
            match (text("connection"), text("tenant")) {
                (Some(key), Some(tenant)) => {
                    if !seen.insert((key.clone(), tenant.clone())) {
                        let problem = "this activation is in the list already".to_owned();
                        let hint = "leave one of them out".to_owned();
                        self.faults.push(Fault { pointer: at, problem, hint });
                        continue;
                    }
                    self.items.push(Item { part, key, tenant, members, at });
                }
                _ => self.faults.push(expected(at, "`connection` and `tenant`, both texts")),
            }
        }
    }

    fn fault(&mut self, section: &str, problem: &str, hint: &str) {
        let (pointer, problem) = (pointer([Step::Key(section)]), problem.to_owned());
        self.faults.push(Fault { pointer, problem, hint: hint.to_owned() });
    }
}

fn expected(pointer: String, what: &str) -> Fault {
    Fault { pointer, problem: format!("expected {what}"), hint: String::new() }
}

/// What to think of where something is unknown.
pub(super) fn newer() -> String {
    format!(
        "this attache is {}: what a later one has written takes a later one",
        env!("CARGO_PKG_VERSION")
    )
}

/// The schema of what is sent.
pub(in crate::admin) fn schema(generator: &mut SchemaGenerator) -> Schema {
    let by_key = |about: &str, schema: Schema| json!({ "description": about, "type": "object", "additionalProperties": schema });
    let connectors = by_key("Connectors, by key.", connectors::body(generator));
    let tenants = by_key("What is said of tenants, by their ids.", tenants::body(generator));
    let integrations = by_key("Integrations, by key.", integrations::body(generator));
    let environments = by_key("Environments, by key.", environments::body(generator));
    let about_connections = "Connections, by key. `auth_method`: the settings that it pins where those are not its \
                             connector's. A credential's field may be `{\"unset\": NAME}`: it is kept, and there \
                             has to be one.";
    let connections = by_key(about_connections, connections::body(generator));
    let about_callers = "Callers, by key. `key`: a caller key that it is to have, as a text.";
    let callers = by_key(about_callers, callers::body(generator));
    let about_subscriptions =
        "Event subscriptions, by key. A new one has a secret that nobody is told.";
    let subscriptions = by_key(about_subscriptions, event_subscriptions::body(generator));
    let activation = activations::body(generator);
    let activations = json!({
        "description": "Activations: as by themselves, with `connection` and `tenant`.",
        "type": "array", "items": activation,
    });
    shape::kept(
        generator,
        "Bundle",
        json!({
            "description": "Definitions as configuration files have them. A section that is left out is not looked at.",
            "type": "object", "additionalProperties": false,
            "properties": {
                "connectors": connectors, "tenants": tenants, "connections": connections,
                "integrations": integrations, "environments": environments, "callers": callers,
                "activations": activations, "event_subscriptions": subscriptions,
            },
        }),
    )
}
