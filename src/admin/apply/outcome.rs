//! What came of a bundle, as the audit trail tells it: the plan, or what was done.
use super::affected::Broken;
use super::leaning::Leaned;
use crate::admin::origin::Moved;
use crate::admin::uses::Uses;
use crate::store::Act;
use crate::store::Done;
use crate::store::Kind;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;
use std::collections::BTreeSet;

/// Bytes of the digest that a plan is known by.
const PLAN_LEN: usize = 16;

/// What would be, or is: the same in both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::admin) struct Outcome {
    /// Whether it is so now; false for a plan.
    pub applied: bool,
    /// What it is known by: sent back as `plan`, this is done and nothing else.
    pub plan: String,
    pub create: Vec<Named>,
    pub change: Vec<Changed>,
    pub repin: Vec<Repinned>,
    pub delete: Vec<Deleted>,
    /// How many resources are as the bundle has them already.
    pub unchanged: usize,
    /// What works now, and would not any more: for these it is refused, unless forced.
    pub breaks: Vec<Broken>,
    /// Whose credentials would go elsewhere: for these it is refused, unless confirmed.
    pub moves: Vec<Moved>,
    /// New callers that have no key: nothing can be sent as one of them until its key is rotated.
    pub keyless: Vec<String>,
    /// New event subscriptions: nobody is told the secrets that verify what they are sent, until these are rotated.
    pub untold: Vec<String>,
}

/// A resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub(in crate::admin) struct Named {
    pub kind: &'static str,
    /// Of an activation the connection's.
    pub key: String,
    /// Of an activation: whose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

/// A resource that is there, and is to be another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::admin) struct Changed {
    #[serde(flatten)]
    pub what: Named,
    /// The members that differ, as in `base_url` or `auth.token`.
    pub fields: Vec<String>,
    /// Who uses it as it is now.
    pub uses: Uses,
}

/// A connection that is to have another revision of its auth method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::admin) struct Repinned {
    pub connection: String,
    pub connector: String,
    pub method: String,
    pub from: i64,
    pub to: i64,
    /// Who uses it as it is now.
    pub uses: Uses,
}

/// A resource that is to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::admin) struct Deleted {
    #[serde(flatten)]
    pub what: Named,
    /// Who uses it as it is now.
    pub uses: Uses,
}

type Object = Map<String, Value>;

/// A resource as it was, and as it is in the end; none where it is not there.
#[derive(Clone, Debug)]
pub(super) struct Passage {
    pub what: Named,
    pub was: Option<Object>,
    pub became: Option<Object>,
}

/// From the first thing that was done to each resource, to the last.
pub(super) fn passages(done: Vec<Done>) -> Vec<Passage> {
    let mut all: IndexMap<Named, Passage> = IndexMap::new();
    for it in done {
        // Where credentials may go is no definition; a revision shows in its connector.
        if it.act == Act::Bound || it.kind == Kind::AuthMethod.as_str() {
            continue;
        }
        let tenant = Some(it.tenant).filter(|it| !it.is_empty());
        let what = Named { kind: it.kind, key: it.key, tenant };
        let first = Passage { what: what.clone(), was: it.was, became: None };
        all.entry(what).or_insert(first).became = it.became;
    }
    all.into_values().filter(|it| it.was != it.became).collect()
}

impl Passage {
    fn pin(&self) -> Option<(i64, i64, &str, &str)> {
        let text = |of: &'_ Object, name: &str| of.get(name).and_then(Value::as_str).map(str::len);
        let (was, became) = (self.was.as_ref()?, self.became.as_ref()?);
        let same = ["connector", "method"].iter().all(|it| was.get(*it) == became.get(*it));
        text(was, "connector").filter(|_| same && self.what.kind == Kind::Connection.as_str())?;
        let number = |of: &Object| of.get("revision").and_then(Value::as_i64);
        let (from, to) = (number(was)?, number(became)?);
        let named = |name: &str| became.get(name).and_then(Value::as_str).unwrap_or_default();
        (from != to).then(|| (from, to, named("connector"), named("method")))
    }

    /// Puts it where it belongs.
    pub(super) fn into_outcome(self, uses: Uses, outcome: &mut Outcome) {
        let Self { what, was, became } = &self;
        let (Some(was), Some(became)) = (was, became) else {
            match was {
                None => outcome.create.push(what.clone()),
                Some(_) => outcome.delete.push(Deleted { what: what.clone(), uses }),
            }
            return;
        };
        let mut fields = fields(was, became);
        if let Some((from, to, connector, method)) = self.pin() {
            fields.retain(|it| it != "revision");
            let (connector, method) = (connector.to_owned(), method.to_owned());
            let (connection, uses) = (what.key.clone(), uses.clone());
            outcome.repin.push(Repinned { connection, connector, method, from, to, uses });
        }
        if !fields.is_empty() {
            outcome.change.push(Changed { what: what.clone(), fields, uses });
        }
    }
}

impl Outcome {
    /// What it is known by: what was sent, what there was before, and what that refers to. Where one of them is
    /// another, this is another plan. `asked`: a digest of what was sent.
    pub(super) fn seal(&mut self, asked: &[u8; 32], passages: &[Passage], leaned: &[Leaned]) {
        let mut digest = Sha256::new();
        digest.update(asked);
        digest.update(serde_json::to_vec(leaned).unwrap_or_default());
        digest.update(serde_json::to_vec(self).unwrap_or_default());
        for it in passages {
            let pinned = it.became.as_ref().and_then(|it| it.get("revision"));
            digest.update(serde_json::to_vec(&(&it.what, &it.was, pinned)).unwrap_or_default());
        }
        self.plan = hex::encode(&digest.finalize()[..PLAN_LEN]);
    }
}

/// The members that differ, by the names that files have for them.
fn fields(was: &Object, became: &Object) -> Vec<String> {
    let (was, became) = (as_in_files(was), as_in_files(became));
    let mut fields = BTreeSet::new();
    for name in was.keys().chain(became.keys()) {
        let (before, after) = (was.get(name), became.get(name));
        if before == after {
            continue;
        }
        let none = Object::new();
        let members =
            |it: Option<&Value>| it.map_or(Some(none.clone()), |it| it.as_object().cloned());
        match (members(before), members(after)) {
            (Some(before), Some(after)) if !(before.is_empty() && after.is_empty()) => {
                let all = before.keys().chain(after.keys());
                let differing = all.filter(|it| before.get(*it) != after.get(*it));
                fields.extend(differing.map(|it| format!("{name}.{it}")));
            }
            _ => {
                fields.insert(name.clone());
            }
        }
    }
    fields.into_iter().collect()
}

/// A row's columns as the members that they are in files. Of credentials the fingerprints, without dates.
fn as_in_files(row: &Object) -> Object {
    let mut members = Object::new();
    for (column, value) in row {
        match (&**column, value) {
            ("definition", Value::Object(own)) => members.extend(own.clone()),
            ("id", _) => {}
            ("methods" | "method", it) => drop(members.insert("auth".to_owned(), it.clone())),
            ("credentials", Value::Object(slots)) => {
                for (slot, fields) in slots {
                    let name = if slot == "test" { "test_credentials" } else { "credentials" };
                    members.insert(name.to_owned(), fingerprints(fields));
                }
            }
            (name, it) => drop(members.insert(name.to_owned(), it.clone())),
        }
    }
    members
}

fn fingerprints(fields: &Value) -> Value {
    let Value::Object(fields) = fields else { return Value::Null };
    fields.iter().map(|(name, it)| (name.clone(), it["fingerprint"].clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Object {
        let Value::Object(object) = value else { panic!("an object") };
        object
    }

    #[test]
    fn what_differs_is_named_as_files_name_it() {
        let row = |definition: Value, revision: i64, fingerprint: &str| {
            object(json!({
                "id": "1", "connector": "crm", "method": "token", "revision": revision,
                "definition": definition,
                "credentials": { "own": { "key": { "fingerprint": fingerprint, "set_at_ms": revision } } },
            }))
        };
        let before = row(
            json!({ "base_url": "https://a.test", "variables": { "a": "1", "b": "1" } }),
            1,
            "f",
        );
        let after = row(json!({ "name": "CRM", "variables": { "a": "1", "b": "2" } }), 1, "g");
        assert_eq!(fields(&before, &after), ["base_url", "credentials.key", "name", "variables.b"]);
        assert_eq!(
            fields(
                &before,
                &row(
                    json!({ "base_url": "https://a.test", "variables": { "a": "1", "b": "1" } }),
                    1,
                    "f"
                )
            ),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_resource_goes_from_the_first_to_the_last() {
        let done = |act, was: Option<Value>, became: Option<Value>| Done {
            act,
            kind: "connector",
            key: "crm".to_owned(),
            tenant: String::new(),
            was: was.map(object),
            became: became.map(object),
        };
        let (a, b) =
            (json!({ "definition": { "name": "a" } }), json!({ "definition": { "name": "b" } }));
        let there_and_back = vec![
            done(Act::Updated, Some(a.clone()), Some(b.clone())),
            done(Act::Updated, Some(b.clone()), Some(a.clone())),
        ];
        assert!(passages(there_and_back).is_empty());
        let made_and_changed =
            vec![done(Act::Created, None, Some(a)), done(Act::Updated, None, Some(b))];
        let [passage] = &passages(made_and_changed)[..] else { panic!("one") };
        assert!(passage.was.is_none() && passage.became.is_some());
    }
}
