//! What differs between kinds of resources: where they are, and what a table shows of them.
use super::table::Column;
use serde_json::Value;

/// A kind of resource that has a key of its own.
pub(in crate::cli) struct Kind {
    /// Where lists of it are, behind `/v1`.
    pub segment: &'static str,
    pub columns: &'static [Column],
}

const KEY: Column = Column { head: "KEY", cell: |it| text(it, "/key") };
const NAME: Column = Column { head: "NAME", cell: name };
const SOURCE: Column = Column { head: "IN", cell: source };

pub(in crate::cli) const CONNECTORS: Kind = Kind {
    segment: "connectors",
    columns: &[
        KEY,
        Column { head: "BASE URL", cell: |it| text(it, "/base_url") },
        Column { head: "AUTH", cell: |it| names(&it["auth"]) },
        SOURCE,
    ],
};

pub(in crate::cli) const CATALOGUE: Kind = Kind {
    segment: "catalogue",
    columns: &[
        KEY,
        NAME,
        Column { head: "AUTH", cell: |it| names(&it["auth"]) },
        Column { head: "BASE URL", cell: |it| text(it, "/base_url") },
    ],
};

pub(in crate::cli) const CONNECTIONS: Kind = Kind {
    segment: "connections",
    columns: &[
        KEY,
        Column { head: "CONNECTOR", cell: |it| text(it, "/connector") },
        Column { head: "AUTH", cell: pinned },
        Column { head: "HELD BY", cell: held_by },
        Column { head: "STATUS", cell: |it| text(it, "/status") },
        SOURCE,
    ],
};

pub(in crate::cli) const INTEGRATIONS: Kind = Kind {
    segment: "integrations",
    columns: &[
        KEY,
        NAME,
        Column { head: "CONNECTORS", cell: |it| names(&it["connectors"]) },
        SOURCE,
    ],
};

pub(in crate::cli) const ENVIRONMENTS: Kind = Kind {
    segment: "environments",
    columns: &[
        KEY,
        Column { head: "INTEGRATION", cell: |it| text(it, "/integration") },
        Column { head: "DEPLOYED", cell: |it| text(it, "/deployed") },
        Column { head: "ASSIGNS", cell: |it| names(&it["assign"]) },
        SOURCE,
    ],
};

pub(in crate::cli) const TENANTS: Kind = Kind {
    segment: "tenants",
    columns: &[KEY, NAME, Column { head: "UPDATED", cell: |it| when(&it["updated_at"]) }],
};

pub(in crate::cli) const CALLERS: Kind = Kind {
    segment: "callers",
    columns: &[
        KEY,
        Column { head: "CONNECTIONS", cell: |it| any(&it["connections"]) },
        Column { head: "TENANTS", cell: |it| any(&it["tenants"]) },
        Column { head: "KEYS", cell: |it| count(&it["keys"]) },
        SOURCE,
    ],
};

pub(in crate::cli) const TOKENS: Kind = Kind {
    segment: "tokens",
    columns: &[
        KEY,
        Column { head: "ROLE", cell: |it| text(it, "/role") },
        Column { head: "BEGINS", cell: |it| text(it, "/prefix") },
        Column { head: "EXPIRES", cell: |it| when(&it["expires_at"]) },
    ],
};

pub(in crate::cli) const SESSIONS: Kind = Kind {
    segment: "sessions",
    columns: &[
        Column { head: "ID", cell: |it| text(it, "/id") },
        Column { head: "NAME", cell: |it| text(it, "/name") },
        Column { head: "ROLE", cell: |it| text(it, "/role") },
        Column { head: "BY", cell: |it| text(it, "/via") },
        Column { head: "SINCE", cell: |it| when(&it["created_at"]) },
        Column { head: "SEEN", cell: |it| when(&it["seen_at"]) },
        Column { head: "EXPIRES", cell: |it| when(&it["expires_at"]) },
    ],
};

pub(in crate::cli) const AUTH_METHODS: Kind = Kind {
    segment: "auth",
    columns: &[
        KEY,
        NAME,
        Column { head: "SCHEME", cell: scheme },
        Column { head: "REVISION", cell: |it| text(it, "/revision") },
    ],
};

pub(in crate::cli) const ACTIVATIONS: Kind = Kind {
    segment: "activations",
    columns: &[
        Column { head: "CONNECTION", cell: |it| text(it, "/connection") },
        Column { head: "TENANT", cell: |it| text(it, "/tenant") },
        Column { head: "ENABLED", cell: |it| text(it, "/enabled") },
        Column { head: "UPDATED", cell: |it| when(&it["updated_at"]) },
        SOURCE,
    ],
};

/// What an API offers.
pub(in crate::cli) const ENDPOINTS: Kind = Kind {
    segment: "endpoints",
    columns: &[
        KEY,
        Column { head: "METHOD", cell: |it| text(it, "/method") },
        Column { head: "PATH", cell: |it| text(it, "/path") },
        NAME,
    ],
};

/// The same, under the alias of each link.
pub(in crate::cli) const LINK_ENDPOINTS: Kind = Kind {
    segment: "endpoints",
    columns: &[
        KEY,
        Column { head: "LINK", cell: |it| text(it, "/alias") },
        Column { head: "METHOD", cell: |it| text(it, "/method") },
        Column { head: "PATH", cell: |it| text(it, "/path") },
        Column { head: "OVERRIDDEN", cell: |it| names(&it["overridden"]) },
    ],
};

/// Who uses a connection.
pub(in crate::cli) const USES: Kind = Kind {
    segment: "uses",
    columns: &[
        KEY,
        Column { head: "KIND", cell: |it| text(it, "/kind") },
        Column { head: "LINK", cell: |it| text(it, "/alias") },
        Column { head: "DEPLOYED", cell: |it| text(it, "/deployed") },
        Column { head: "COUNT", cell: |it| text(it, "/count") },
    ],
};

/// What an auth method was, and is.
pub(in crate::cli) const REVISIONS: Kind = Kind {
    segment: "revisions",
    columns: &[
        Column { head: "REVISION", cell: |it| text(it, "/revision") },
        Column { head: "SCHEME", cell: scheme },
        Column { head: "MADE", cell: |it| when(&it["created_at"]) },
        Column { head: "BY", cell: |it| text(it, "/created_by") },
        Column { head: "PINNED BY", cell: |it| text(it, "/connections_total") },
    ],
};

/// Who did what.
pub(in crate::cli) const AUDIT: Kind = Kind {
    segment: "audit",
    columns: &[
        Column { head: "SEQ", cell: |it| text(it, "/seq") },
        Column { head: "AT", cell: |it| when(&it["at"]) },
        Column { head: "WHO", cell: |it| text(it, "/who") },
        Column { head: "ACT", cell: |it| text(it, "/act") },
        Column { head: "KIND", cell: |it| text(it, "/kind") },
        Column { head: "OF", cell: of },
    ],
};

pub(in crate::cli) const WEBHOOK_DELIVERIES: Kind = Kind {
    segment: "deliveries",
    columns: &[
        Column { head: "ID", cell: |it| text(it, "/id") },
        Column { head: "AT", cell: |it| when(&it["time"]) },
        Column { head: "CONNECTION", cell: |it| text(it, "/connection") },
        Column { head: "TENANT", cell: |it| text(it, "/tenant") },
        Column { head: "VERDICT", cell: |it| text(it, "/verdict") },
        Column { head: "CODE", cell: |it| text(it, "/code") },
        Column { head: "TARGET", cell: |it| text(it, "/target_status") },
    ],
};

pub(in crate::cli) const HOOKS: Kind = Kind {
    segment: "hooks",
    columns: &[
        Column { head: "CONNECTION", cell: |it| text(it, "/connection") },
        Column { head: "PRESET", cell: |it| text(it, "/preset") },
        Column { head: "ACCEPTED", cell: |it| text(it, "/counts/accepted") },
        Column { head: "REFUSED", cell: |it| text(it, "/counts/refused") },
        Column { head: "FAILED", cell: |it| text(it, "/counts/failed") },
        Column { head: "LAST", cell: |it| when(&it["last_at"]) },
        Column { head: "URL", cell: |it| text(it, "/url") },
    ],
};

pub(in crate::cli) const EVENT_SUBSCRIPTIONS: Kind = Kind {
    segment: "event_subscriptions",
    columns: &[
        KEY,
        Column { head: "URL", cell: |it| text(it, "/url") },
        Column { head: "TYPES", cell: |it| any(&it["types"]) },
        Column { head: "STATUS", cell: |it| text(it, "/status") },
        Column { head: "PENDING", cell: |it| text(it, "/pending") },
    ],
};

pub(in crate::cli) const CONNECT_SESSIONS: Kind = Kind {
    segment: "connect-sessions",
    columns: &[
        Column { head: "ID", cell: |it| text(it, "/id") },
        Column { head: "TENANT", cell: |it| text(it, "/tenant") },
        Column { head: "STATE", cell: |it| text(it, "/state") },
        Column { head: "CONNECTIONS", cell: |it| came(&it["items"]) },
        Column { head: "EXPIRES", cell: |it| when(&it["expires_at"]) },
    ],
};

/// What became of events that were sent.
pub(in crate::cli) const DELIVERIES: Kind = Kind {
    segment: "deliveries",
    columns: &[
        Column { head: "EVENT", cell: |it| text(it, "/event") },
        Column { head: "TYPE", cell: |it| text(it, "/type") },
        Column { head: "STATE", cell: |it| text(it, "/state") },
        Column { head: "TRIED", cell: |it| text(it, "/attempts") },
        Column { head: "PROBLEM", cell: |it| text(it, "/last_problem") },
    ],
};

/// What happened.
pub(in crate::cli) const EVENTS: Kind = Kind {
    segment: "events",
    columns: &[
        Column { head: "SEQ", cell: |it| text(it, "/seq") },
        Column { head: "AT", cell: |it| when(&it["at"]) },
        Column { head: "TYPE", cell: |it| text(it, "/type") },
        Column { head: "CONNECTION", cell: |it| text(it, "/connection") },
        Column { head: "TENANT", cell: |it| text(it, "/tenant") },
    ],
};

/// What is in force.
pub(in crate::cli) const CONFIGURATION: Kind = Kind {
    segment: "configuration",
    columns: &[
        Column { head: "PATH", cell: |it| text(it, "/path") },
        Column { head: "VALUE", cell: in_force },
        Column { head: "FROM", cell: |it| text(it, "/origin/kind") },
        Column { head: "WHERE", cell: said },
    ],
};

pub(in crate::cli) const EXCHANGES: Kind = Kind {
    segment: "exchanges",
    columns: &[
        Column { head: "TIME", cell: |it| when(&it["time"]) },
        Column { head: "STATUS", cell: |it| text(it, "/status") },
        Column { head: "MS", cell: |it| text(it, "/total") },
        Column { head: "CONNECTION", cell: |it| text(it, "/connection") },
        Column { head: "METHOD", cell: |it| text(it, "/method") },
        Column { head: "PATH", cell: |it| text(it, "/path") },
    ],
};

pub(in crate::cli) const FORECAST: Kind = Kind {
    segment: "forecast",
    columns: &[
        Column { head: "CONNECTION", cell: |it| text(it, "/connection") },
        Column { head: "TENANT", cell: |it| text(it, "/tenant") },
        Column {
            head: "STATE",
            cell: |it| match it["certificate"].is_object() {
                true => "certificate".to_owned(),
                false => text(it, "/grant/state"),
            },
        },
        Column { head: "FAILS AT", cell: |it| when(&it["fails_at"]) },
        Column {
            head: "WHY",
            cell: |it| match it["certificate"].is_object() {
                true => "its client certificate ends".to_owned(),
                false => text(it, "/grant/why"),
            },
        },
    ],
};

/// A member as a cell; empty where there is none.
fn text(item: &Value, pointer: &str) -> String {
    match item.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(other) => other.to_string(),
    }
}

/// By default the key.
fn name(item: &Value) -> String {
    text(item, if item["name"].is_string() { "/name" } else { "/key" })
}

/// The keys of a map, or the items of a list.
fn names(value: &Value) -> String {
    let names: Vec<&str> = match value {
        Value::Object(members) => members.keys().map(String::as_str).collect(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => return text(value, ""),
    };
    names.join(", ")
}

/// Patterns; none of them is no limit.
fn any(value: &Value) -> String {
    if value.is_null() { "*".to_owned() } else { names(value) }
}

/// A date to the second.
fn when(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    match text.split_once('.') {
        Some((whole, _)) => format!("{whole}Z"),
        None => text.to_owned(),
    }
}

/// `github-users@acme`.
fn of(item: &Value) -> String {
    let (key, tenant) = (text(item, "/key"), text(item, "/tenant"));
    if tenant.is_empty() { key } else { format!("{key}@{tenant}") }
}

/// A value, or that it is not told.
fn in_force(item: &Value) -> String {
    match item["is_secret"].as_bool() {
        Some(true) => "(not told)".to_owned(),
        Some(false) | None => text(item, "/value"),
    }
}

/// The setting, or the file with its line.
fn said(item: &Value) -> String {
    let (setting, file) = (text(item, "/origin/setting"), text(item, "/origin/file"));
    match (setting.is_empty(), file.is_empty()) {
        (false, _) => setting,
        (true, false) => format!("{file}:{}", text(item, "/origin/line")),
        (true, true) => String::new(),
    }
}

fn count(value: &Value) -> String {
    value.as_array().map_or(0, Vec::len).to_string()
}

/// `token@3`.
fn pinned(item: &Value) -> String {
    let (method, revision) = (text(item, "/auth"), text(item, "/revision"));
    if revision.is_empty() { method } else { format!("{method}@{revision}") }
}

fn held_by(item: &Value) -> String {
    let embedded = item["embedded"].as_bool() == Some(true);
    (if embedded { "tenants" } else { "itself" }).to_owned()
}

/// Where it is changed: in a file, or here.
fn source(item: &Value) -> String {
    let file = text(item, "/source/file");
    if file.is_empty() { "store".to_owned() } else { file }
}

/// An auth method is a map with its scheme as one member: the one that has settings of its own.
fn scheme(item: &Value) -> String {
    let members = item.as_object().into_iter().flatten();
    let mut schemes = members.filter(|it| it.1.is_object() && it.0 != "fields");
    schemes.next().map_or_else(String::new, |it| it.0.clone())
}

/// What came of each connection of a session.
fn came(items: &Value) -> String {
    let items = items.as_array().map_or(&[][..], Vec::as_slice);
    let one = |it: &Value| format!("{} {}", text(it, "/connection"), text(it, "/state"));
    items.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_scheme_is_not_what_its_fields_are_called() {
        let method = json!({"name": "T", "fields": {"token": {"name": "Token"}}, "bearer": {}, "revision": 1});
        assert_eq!(scheme(&method), "bearer");
        assert_eq!(scheme(&json!({"name": "T"})), "");
    }
}
