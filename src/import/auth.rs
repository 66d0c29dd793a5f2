//! Security schemes to auth methods (OpenAPI 3.1.0 §4.8.27, Swagger 2.0 §5.2.25).
use super::combined;
use super::combined::Together;
use super::flows;
use super::flows::FLOWS_MAX;
use super::format::Format;
use super::names::Names;
use super::names::clipped;
use super::names::first_paragraph;
use super::names::head;
use super::operations::Operations;
use super::reference::References;
use super::report::Reporter;
use super::report::Subject;
use super::requirements;
use super::server::Place;
use super::tree::Pointer;
use super::tree::text;
use crate::catalog::AuthMethod;
use crate::catalog::RawAuthMethod;
use crate::model::Key;
use indexmap::IndexMap;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;

/// Most schemes that are read. Well-known documents have fewer than 20.
const SCHEMES_MAX: usize = 100;

/// Longest text of a scheme that a method takes over, in bytes: names and URLs. Descriptions are cut.
const TEXT_LEN_MAX: usize = 2048;

/// Most sets of schemes that become a method each.
const SETS_MAX: usize = 20;

/// Longest description of a method, in bytes.
const DESCRIPTION_LEN_MAX: usize = 300;

/// Longest list of scopes in a hint, in bytes.
const SCOPES_LEN_MAX: usize = 200;

/// A scheme of the document.
pub(super) struct Scheme<'v> {
    pub(super) name: &'v str,
    pub(super) at: Pointer,
    pub(super) value: &'v Value,
}

impl Scheme<'_> {
    /// Its beginning, where it is a long one: of descriptions no more is told.
    pub(super) fn member(&self, name: &str) -> String {
        let member = self.value.get(name).and_then(text);
        member.map(|it| head(&it).trim().to_owned()).unwrap_or_default()
    }

    /// Whether what it obtains is an access token, so that several of them are a choice of ways to one.
    fn is_token(&self) -> bool {
        matches!(&*self.member("type"), "oauth2" | "openIdConnect")
    }
}

/// The methods that are made, by key.
struct Methods<'r> {
    made: IndexMap<String, RawAuthMethod>,
    names: Names,
    reporter: &'r mut Reporter,
}

/// What a scheme, or a part of one, would be.
struct Draft<'a> {
    at: Pointer,
    name: &'a str,
    description: String,
    /// The type and its settings.
    kind: &'static str,
    settings: Value,
    /// What its credentials' fields are called, where that says more than the type.
    fields: Value,
}

pub(super) fn methods(
    operations: &Operations<'_>,
    format: Format,
    place: &Place,
    reporter: &mut Reporter,
) -> IndexMap<String, RawAuthMethod> {
    let schemes = schemes(operations.root, format, reporter);
    let mut methods = Methods { made: IndexMap::new(), names: Names::default(), reporter };
    if schemes.is_empty() {
        let at = Pointer::root().child(if format == Format::Swagger2 {
            "securityDefinitions"
        } else {
            "components"
        });
        let settings = json!({});
        let problem = "the document says of no authentication at all";
        let hint = "if the API needs any, write a method for it: its documentation says how";
        methods.reporter.noted(Subject::Auth, at.clone(), problem, hint);
        methods.make(Draft {
            at,
            name: "none",
            description: String::new(),
            kind: "none",
            settings,
            fields: Value::Null,
        });
        return methods.made;
    }
    let sets = requirements::sets(operations);
    let by_name = |name: &str| schemes.iter().find(|it| it.name == name);
    for name in sets.iter().flatten().collect::<BTreeSet<_>>() {
        if by_name(name).is_none() {
            let problem = format!("operations ask for the scheme `{name}`, which is not defined");
            let at = Pointer::root().child("security");
            methods.reporter.skipped(Subject::Auth, at, problem, "write a method for it");
        }
    }
    let together: Vec<Vec<&Scheme<'_>>> = sets
        .iter()
        .filter_map(|set| set.iter().map(|it| by_name(it)).collect::<Option<Vec<_>>>())
        .filter(|it| it.len() > 1 && !it.iter().all(|it| it.is_token()))
        .collect();
    let mut parts = BTreeSet::new();
    for (index, set) in together.iter().enumerate() {
        if index >= SETS_MAX {
            let problem =
                format!("{} more sets of schemes that are needed together", together.len() - index);
            let at = Pointer::root().child("security");
            let hint = "write methods for those that you need";
            methods.reporter.skipped(Subject::Auth, at, problem, hint);
            break;
        }
        if methods.set(set) {
            parts.extend(set.iter().map(|it| it.name));
        }
    }
    let combined = methods.made.len();
    for scheme in &schemes {
        let is_alone = sets.iter().any(|it| it.len() == 1 && it.contains(scheme.name));
        // Of a set that is no method each is one alone: who calls sends the others.
        if is_alone || !parts.contains(scheme.name) {
            methods.scheme(scheme, format, place.base_url.as_deref());
        }
    }
    // In the order in which they are chosen from: first what is one scheme.
    let mut made = methods.made.split_off(combined);
    made.append(&mut methods.made);
    methods.reporter.mapped_last(combined);
    made
}

fn schemes<'v>(root: &'v Value, format: Format, reporter: &mut Reporter) -> Vec<Scheme<'v>> {
    let (holder, at) = match format {
        Format::Swagger2 => (Some(root), Pointer::root().child("securityDefinitions")),
        Format::OpenApi3 { .. } => {
            (root.get("components"), Pointer::root().child("components").child("securitySchemes"))
        }
    };
    let member = if format == Format::Swagger2 { "securityDefinitions" } else { "securitySchemes" };
    let (mut schemes, references) = (Vec::new(), References::of(root));
    let listed = holder.into_iter().flat_map(|it| super::members(it, member));
    for (name, value) in listed.filter(|it| !it.0.starts_with("x-")) {
        if schemes.len() >= SCHEMES_MAX {
            let problem = format!("there are more than {SCHEMES_MAX} schemes");
            reporter.skipped(
                Subject::Auth,
                at.clone(),
                problem,
                "write methods for those that you need",
            );
            break;
        }
        match references.followed(value, &at.child(name)) {
            Ok((value, at)) => match too_long(value) {
                Some(len) => {
                    let problem = format!("a text of {len} bytes, of {TEXT_LEN_MAX} at most");
                    let hint = "write a method for it";
                    reporter.skipped(Subject::Auth, (*at).clone(), problem, hint);
                }
                None => schemes.push(Scheme { name, at: (*at).clone(), value }),
            },
            Err(error) => {
                reporter.skipped(Subject::Auth, at.child(name), error.to_string(), error.hint());
            }
        }
    }
    schemes
}

/// The length of a text that would be in a method, where it is more than one may have.
fn too_long(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.len()).filter(|it| *it > TEXT_LEN_MAX),
        Value::Array(items) => items.iter().find_map(too_long),
        Value::Object(members) => {
            let in_methods =
                members.iter().filter(|it| !matches!(&**it.0, "description" | "scopes"));
            in_methods.map(|it| it.1).find_map(too_long)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

impl Methods<'_> {
    fn scheme(&mut self, scheme: &Scheme<'_>, format: Format, base_url: Option<&str>) {
        let (at, name) = (scheme.at.clone(), scheme.name);
        let description = first_paragraph(&scheme.member("description"), DESCRIPTION_LEN_MAX);
        let mut make = |kind, settings| {
            self.make(Draft {
                at: at.clone(),
                name,
                description: description.clone(),
                kind,
                settings,
                fields: Value::Null,
            });
        };
        match &*scheme.member("type") {
            "apiKey" => {
                let (place, field) = (scheme.member("in"), scheme.member("name"));
                make("api_key", json!({ "in": place, "name": field }));
                if place == "header" && field.eq_ignore_ascii_case("authorization") {
                    let problem =
                        "the key is the whole of the field, with the word in front if there is one";
                    let hint = "if it is always the same, set `format`, as in \"Bearer {key}\"";
                    self.reporter.noted(Subject::Auth, scheme.at.clone(), problem, hint);
                }
            }
            // Swagger 2.0.
            "basic" => make("basic", json!({})),
            // Names of schemes compare without case (RFC 9110 §11.1).
            "http" => match &*scheme.member("scheme").to_ascii_lowercase() {
                "basic" => make("basic", json!({})),
                "bearer" => make("bearer", json!({})),
                "digest" => make("digest", json!({})),
                other => {
                    let problem = format!("the scheme `{other}` has no auth type");
                    let hint = "where a fixed value will do, write an `api_key` in Authorization with a `format`";
                    self.reporter.skipped(Subject::Auth, at.child("scheme"), problem, hint);
                }
            },
            "mutualTLS" => make("mtls", json!({})),
            "openIdConnect" => match flows::discovered(scheme.value, base_url) {
                Some(settings) => make("oauth2", settings),
                None => {
                    let problem = "`openIdConnectUrl` is missing";
                    self.reporter.skipped(
                        Subject::Auth,
                        at,
                        problem,
                        "write a method with the issuer",
                    );
                }
            },
            "oauth2" => self.flows(scheme, format, base_url, &description),
            other => {
                let problem = format!("the type `{other}` is not known");
                self.reporter.skipped(
                    Subject::Auth,
                    at.child("type"),
                    problem,
                    "write a method for it",
                );
            }
        }
    }

    /// A method for each grant: which of them a connection uses is for whoever makes it to say.
    fn flows(
        &mut self,
        scheme: &Scheme<'_>,
        format: Format,
        base_url: Option<&str>,
        description: &str,
    ) {
        let flows = flows::flows(scheme.value, format, &scheme.at, base_url);
        let beyond = super::members(scheme.value, "flows").count().saturating_sub(FLOWS_MAX);
        if beyond > 0 {
            let problem = format!("{beyond} flows and extensions are more than {FLOWS_MAX}");
            let hint = "write methods for those that you need";
            self.reporter.skipped(Subject::Auth, scheme.at.child("flows"), problem, hint);
        }
        let several = flows.iter().filter(|it| it.grant.is_some()).count() > 1;
        for flow in flows {
            let Some(grant) = flow.grant else {
                let problem = format!("the flow `{}` has no grant", clipped(&flow.name, 60));
                let hint = if flow.name == flows::IMPLICIT {
                    "its tokens are for browsers alone (RFC 9700 §2.1.2): use the authorization code, if the API has it"
                } else {
                    ""
                };
                self.reporter.skipped(Subject::Auth, flow.at, problem, hint);
                continue;
            };
            if !flow.scopes.is_empty() {
                let problem = format!("the method asks for none of {} scopes", flow.scopes.len());
                let hint = format!("set `scopes` to what you need of: {}", flow.scopes.join(" "));
                self.reporter.noted(
                    Subject::Auth,
                    flow.at.child("scopes"),
                    problem,
                    clipped(&hint, SCOPES_LEN_MAX),
                );
            }
            let name =
                if several { format!("{}-{grant}", scheme.name) } else { scheme.name.to_owned() };
            let description = description.to_owned();
            self.make(Draft {
                at: flow.at,
                name: &name,
                description,
                kind: "oauth2",
                settings: flow.settings,
                fields: Value::Null,
            });
        }
    }

    /// Whether there is a method for all of these together.
    fn set(&mut self, set: &[&Scheme<'_>]) -> bool {
        let names: Vec<&str> = set.iter().map(|it| it.name).collect();
        let at = set.first().map_or_else(Pointer::root, |it| it.at.clone());
        match combined::together(set) {
            Ok(Together { settings, fields }) => {
                let description = format!("Needed together: {}.", names.join(", "));
                let description = clipped(&description, DESCRIPTION_LEN_MAX);
                self.make(Draft {
                    at,
                    name: &names.join("-"),
                    description,
                    kind: "custom",
                    settings,
                    fields,
                })
            }
            Err(problem) => {
                let problem = format!("{} are needed together: {problem}", names.join(" and "));
                let hint = "each is a method of its own, if it can be one: send the others with each request yourself";
                self.reporter.skipped(Subject::Auth, at, problem, hint);
                false
            }
        }
    }

    /// Asks the catalogue's own reader whether this attache has it, and whether it is sound: then it is a method.
    fn make(&mut self, draft: Draft<'_>) -> bool {
        let Draft { at, name, description, kind, settings, fields } = draft;
        let mut written = json!({ kind: settings });
        if !description.is_empty() {
            written["description"] = description.into();
        }
        if !fields.is_null() {
            written["fields"] = fields;
        }
        let raw = match serde_json::from_value::<RawAuthMethod>(written) {
            Ok(raw) => raw,
            Err(error) => {
                let hint = "write a method for it";
                self.reporter.skipped(Subject::Auth, at, error.to_string(), hint);
                return false;
            }
        };
        let key = self.names.take(name).or_else(|| self.names.take(kind));
        let Some(key) = key.and_then(|it| Key::try_from(&*it).ok()) else { return false };
        match AuthMethod::recorded(key.clone(), 1, raw.clone()) {
            Ok(_) => {
                self.reporter.mapped(&at, key.as_str(), kind);
                self.made.insert(key.to_string(), raw);
                true
            }
            Err(problems) => {
                for problem in problems {
                    self.reporter.skipped(
                        Subject::Auth,
                        at.clone(),
                        &problem.problem,
                        &problem.hint,
                    );
                }
                false
            }
        }
    }
}
