//! What files say, as the API takes it; and where in the files it stands.
use crate::catalog::RawActivation;
use crate::catalog::RawAuthMethod;
use crate::catalog::RawConnection;
use crate::catalog::RawConnector;
use crate::catalog::RawCredentials;
use crate::catalog::RawEnvironment;
use crate::catalog::RawEventSubscription;
use crate::catalog::RawField;
use crate::catalog::RawGrants;
use crate::catalog::RawIntegration;
use crate::catalog::drop_nulls;
use crate::cli::api::Fault;
use crate::cli::stopped::Stopped;
use crate::cli::text::plain;
use crate::config::ConfigError;
use crate::config::Document;
use crate::config::File;
use crate::config::Node;
use crate::config::Sources;
use crate::config::Step;
use crate::config::Unset;
use crate::model::Secret;
use crate::reload;
use crate::reload::ConfigFile;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use std::io;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

/// How messages name what comes on standard input.
const INPUT: &str = "(standard input)";

/// Longest standard input, in bytes: as the API's longest body.
const INPUT_LEN_MAX: u64 = 16 << 20;

/// What is not of a definition itself.
const CREDENTIALS: &[&str] = &["credentials", "test_credentials"];

/// The settings that a connection pins, where they are not its connector's.
const METHOD: &str = "auth_method";

/// Definitions in files.
pub(super) struct Files {
    names: Vec<String>,
    document: Document,
    body: Value,
}

impl Files {
    /// Reads all of them, and tells everything that is wrong with them.
    pub(super) fn read(paths: &[PathBuf]) -> Result<Self, Stopped> {
        let mut errors = Vec::new();
        let texts = texts(paths, &mut errors);
        let files: Vec<File<'_>> =
            texts.iter().map(|it| File { name: &it.name, text: &it.text }).collect();
        let names: Vec<String> = texts.iter().map(|it| it.name.clone()).collect();
        let setting = |it: &str| std::env::var(it).ok();
        let sources = Sources { setting: &setting, file: &reload::value };
        let document = Document::parse(&files, sources, &mut errors);
        // Of a credential that nobody has here, what is stored may be kept: the API says where there is nothing.
        let unset: Vec<Unset<'_>> =
            document.unset().into_iter().filter(|it| is_credential(&it.path)).collect();
        errors.retain(|error| !unset.iter().any(|it| it.is_told_by(error)));
        reload::refuse_filled_methods(&document, &mut errors);
        let body = Reading { document: &document, errors: &mut errors, unset: &unset }.body();
        document.conceal(&mut errors);
        drop(unset);
        let own = Self { names, document, body };
        if errors.is_empty() {
            return Ok(own);
        }
        own.sort(&mut errors);
        Err(Stopped::from(errors))
    }

    pub(super) fn body(&self) -> Value {
        self.body.clone()
    }

    /// What the API finds wrong, where it stands in the files.
    pub(super) fn error(&self, fault: &Fault) -> ConfigError {
        let mut steps = Vec::new();
        let tokens: Vec<String> = fault
            .pointer
            .split('/')
            .skip(1)
            .map(|it| it.replace("~1", "/").replace("~0", "~"))
            .collect();
        let mut node = Some(self.document.root());
        for token in &tokens {
            let index =
                token.parse().ok().filter(|_| node.is_some_and(|it| !it.items().is_empty()));
            steps.push(index.map_or(Step::Key(token), Step::Index));
            node = node.and_then(|it| match index {
                Some(index) => it.items().get(index),
                None => it.entries().find(|it| it.0 == token).map(|it| it.1),
            });
        }
        self.document.error(steps.iter().copied(), plain(&fault.problem), plain(&fault.hint))
    }

    /// Puts `${NAME}` back where the API quotes what was filled in.
    pub(super) fn conceal(&self, errors: &mut [ConfigError]) {
        self.document.conceal(errors);
    }

    /// As one reads the files, top to bottom.
    pub(super) fn sort(&self, errors: &mut [ConfigError]) {
        let file = |error: &ConfigError| self.names.iter().position(|it| *it == error.file);
        errors.sort_by_key(|it| (file(it), it.line, it.column));
    }
}

fn texts(paths: &[PathBuf], errors: &mut Vec<ConfigError>) -> Vec<ConfigFile> {
    let mut texts = Vec::new();
    for path in paths {
        if path == Path::new("-") {
            match input() {
                Ok(text) => texts.push(ConfigFile { name: INPUT.to_owned(), text }),
                Err(error) => {
                    let (problem, hint) = match error.kind() {
                        io::ErrorKind::FileTooLarge => {
                            ("more than 16 MiB".to_owned(), "apply it in several parts")
                        }
                        kind => (format!("can't be read: {kind}"), ""),
                    };
                    errors.push(ConfigError::in_file(INPUT, problem, hint));
                }
            }
            continue;
        }
        for file in reload::listed(std::slice::from_ref(path), errors) {
            match reload::config_file(&file) {
                Ok(file) => texts.push(file),
                Err(error) => errors.push(error),
            }
        }
    }
    texts
}

fn input() -> io::Result<String> {
    let mut text = Vec::new();
    // One more tells that it is too long: the rest would be missing without a word.
    io::stdin().take(INPUT_LEN_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > INPUT_LEN_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    String::from_utf8(text).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Whether a value is a credential's, or a caller's key.
fn is_credential(path: &[Step<'_>]) -> bool {
    match path {
        [Step::Key("connections" | "activations"), _, Step::Key(slot), _, ..] => {
            CREDENTIALS.contains(slot)
        }
        [Step::Key("callers"), _, Step::Key("key")] => true,
        _ => false,
    }
}

struct Reading<'d, 'e> {
    document: &'d Document,
    errors: &'e mut Vec<ConfigError>,
    unset: &'e [Unset<'d>],
}

type Members = Map<String, Value>;

impl<'d> Reading<'d, '_> {
    fn body(mut self) -> Value {
        let mut body = Members::new();
        for (section, node) in self.document.root().entries() {
            let value = match section {
                "connectors" => self.entries::<RawConnector>(section, node),
                "integrations" => self.entries::<RawIntegration>(section, node),
                "environments" => self.entries::<RawEnvironment>(section, node),
                "connections" => self.entries::<RawConnection>(section, node),
                "callers" => self.entries::<RawGrants>(section, node),
                "event_subscriptions" => self.entries::<RawEventSubscription>(section, node),
                "activations" => self.activations(section, node),
                // What it is the API says: of tenants it knows the members, of all else that it takes none.
                "tenants" => self.untyped(section, node),
                _ => Value::Null,
            };
            body.insert(section.to_owned(), value);
        }
        Value::Object(body)
    }

    fn untyped(&mut self, section: &'d str, node: &Node) -> Value {
        self.document.read_node(node, &[Step::Key(section)], self.errors).unwrap_or_default()
    }

    /// By key; one that does not read is told of, and costs no other.
    fn entries<T: DeserializeOwned + Serialize>(
        &mut self,
        section: &'d str,
        node: &'d Node,
    ) -> Value {
        let mut entries = Members::new();
        for (key, node) in node.entries() {
            let path = [Step::Key(section), Step::Key(key)];
            if let Some(members) = self.entry::<T>(node, &path) {
                entries.insert(key.to_owned(), members);
            }
        }
        if entries.is_empty() && node.entries().next().is_none() {
            // Nothing in it, or no map at all: that is the API's to say.
            return self.untyped(section, node);
        }
        Value::Object(entries)
    }

    fn activations(&mut self, section: &'d str, node: &'d Node) -> Value {
        let mut items = Vec::new();
        for (index, node) in node.items().iter().enumerate() {
            let path = [Step::Key(section), Step::Index(index)];
            items.extend(self.entry::<RawActivation>(node, &path));
        }
        if items.is_empty() && node.items().is_empty() {
            return self.untyped(section, node);
        }
        Value::Array(items)
    }

    /// Typed, so that what is filled in is a number where one is due; what is secret beside it.
    fn entry<T: DeserializeOwned + Serialize>(
        &mut self,
        node: &'d Node,
        path: &[Step<'d>; 2],
    ) -> Option<Value> {
        let mut apart: Vec<&str> = CREDENTIALS.to_vec();
        apart.extend(match path[0] {
            Step::Key("connections") => Some(METHOD),
            Step::Key("callers") => Some("key"),
            _ => None,
        });
        let before = self.errors.len();
        let own: Option<T> = self.document.read_node(&node.without(&apart), path, self.errors);
        let mut value = serde_json::to_value(own?).ok()?;
        for (name, node) in node.entries().filter(|it| apart.contains(&it.0)) {
            let at = [path[0], path[1], Step::Key(name)];
            let apart = match name {
                METHOD => self
                    .document
                    .read_node::<RawAuthMethod>(node, &at, self.errors)
                    .and_then(|it| serde_json::to_value(it).ok()),
                "key" => Some(self.caller_key(node, &at)),
                _ => self.credentials(node, &at),
            };
            if let (Some(members), Some(apart)) = (value.as_object_mut(), apart) {
                members.insert(name.to_owned(), apart);
            }
        }
        drop_nulls(&mut value);
        (self.errors.len() == before).then_some(value)
    }

    fn credentials(&mut self, node: &'d Node, path: &[Step<'d>; 3]) -> Option<Value> {
        let read: RawCredentials = self.document.read_node(node, path, self.errors)?;
        let mut fields = Members::new();
        for (name, field) in read.0 {
            let value = match field {
                RawField::One(secret) => secret.expose().into(),
                RawField::Several(all) => all.iter().map(|it| Value::from(it.expose())).collect(),
            };
            fields.insert(name, value);
        }
        for it in self.unset.iter().filter(|it| it.path.starts_with(path)) {
            if let Some(Step::Key(field)) = it.path.get(3) {
                fields.insert((*field).to_owned(), json!({ "unset": it.name }));
            }
        }
        Some(Value::Object(fields))
    }

    fn caller_key(&mut self, node: &'d Node, path: &[Step<'d>; 3]) -> Value {
        if let Some(it) = self.unset.iter().find(|it| it.path == path) {
            return json!({ "unset": it.name });
        }
        let key: Option<Secret> = self.document.read_node(node, path, self.errors);
        key.map_or(Value::Null, |it| it.expose().into())
    }
}
