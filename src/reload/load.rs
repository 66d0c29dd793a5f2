//! One load: files in, settings and a snapshot out, or everything that is wrong with them.
use super::files;
use super::files::Fingerprints;
use super::in_force;
use super::in_force::Told;
use crate::catalog::Filled;
use crate::catalog::Line;
use crate::catalog::Lines;
use crate::catalog::PathSegment;
use crate::catalog::Problem;
use crate::catalog::RawActivation;
use crate::catalog::RawCatalog;
use crate::catalog::Section;
use crate::catalog::Snapshot;
use crate::config::ConfigError;
use crate::config::Document;
use crate::config::File;
use crate::config::FilledIn;
use crate::config::Node;
use crate::config::Settings;
use crate::config::Sources;
use crate::config::Step;
use crate::model::Secret;
use indexmap::IndexMap;
use serde::de::DeserializeOwned;
use serde::de::IgnoredAny;
use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::HashSet;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

/// A configuration that is sound as a whole.
#[derive(Debug)]
pub struct Loaded {
    pub settings: Settings,
    pub snapshot: Snapshot,
    /// Sound, but surely not meant.
    pub warnings: Vec<ConfigError>,
    /// Wrong where there is no store.
    pub unstored: Vec<ConfigError>,
    /// What it says, and where.
    pub told: Told,
}

impl Loaded {
    /// Refused where it needs a store and has none. `has_store`: there is one, whatever the files say.
    pub fn with_store(mut self, has_store: bool) -> Result<Self, Vec<ConfigError>> {
        let has_store = has_store || self.settings.store.is_some();
        match std::mem::take(&mut self.unstored) {
            unstored if !has_store && !unstored.is_empty() => Err(unstored),
            _ => Ok(self),
        }
    }
}

/// Reads the files, checks everything, and tells all problems at once. Blocks on the file system.
///
/// `env` is asked for the settings that `${NAME}` stands for.
pub fn load(
    paths: &[PathBuf],
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Loaded, Vec<ConfigError>> {
    attempt(paths, env, &files::value).0
}

/// As [`load`]; also says what it depends on, as it was before it was read, whether it went well or
/// not. `value` reads what `${file:…}` names.
pub(super) fn attempt(
    paths: &[PathBuf],
    env: &dyn Fn(&str) -> Option<String>,
    value: &dyn Fn(&Path) -> Result<String, String>,
) -> (Result<Loaded, Vec<ConfigError>>, Fingerprints) {
    let mut errors = Vec::new();
    let print = |it: &Path| (it.to_owned(), files::fingerprint(it));
    let mut prints: Fingerprints = paths.iter().map(|it| print(it)).collect();
    let listed = files::listed(paths, &mut errors);
    prints.extend(listed.iter().map(|it| print(it)));
    let prints = RefCell::new(prints);
    let mut texts = Vec::new();
    for path in &listed {
        match files::config_file(path) {
            Ok(file) => texts.push(file),
            Err(error) => errors.push(error),
        }
    }
    let noted = |path: &Path| {
        prints.borrow_mut().extend([print(path)]);
        value(path)
    };
    let sources = Sources { setting: env, file: &noted };
    let inputs: Vec<File<'_>> =
        texts.iter().map(|it| File { name: &it.name, text: &it.text }).collect();
    (read(&inputs, sources, errors), prints.into_inner())
}

/// As [`load`], of texts that are there already: nothing but `sources` is asked for anything.
pub fn load_texts(files: &[File<'_>], sources: Sources<'_>) -> Result<Loaded, Vec<ConfigError>> {
    read(files, sources, Vec::new())
}

/// What the texts say, unless something is wrong: with them, or before (`errors`).
fn read(
    files: &[File<'_>],
    sources: Sources<'_>,
    mut errors: Vec<ConfigError>,
) -> Result<Loaded, Vec<ConfigError>> {
    let document = Document::parse(files, sources, &mut errors);
    let known = [Settings::SECTIONS, RawCatalog::SECTIONS].concat();
    document.refuse_unknown_sections(&known, &mut errors);
    refuse_filled_methods(&document, &mut errors);
    let settings = Settings::read(&document, &mut errors);
    let (snapshot, mut warnings, unstored) =
        Reading { document: &document, errors: &mut errors }.snapshot();
    errors.iter_mut().filter(|it| it.problem.starts_with(PINNED)).for_each(|it| {
        PINS.clone_into(&mut it.hint);
    });
    document.conceal(&mut warnings);
    document.conceal(&mut errors);
    match snapshot {
        Some(snapshot) if errors.is_empty() => {
            let told = in_force::told(&document, &settings, sources.setting);
            Ok(Loaded { settings, snapshot, warnings, unstored, told })
        }
        _ => {
            // As one reads the files, top to bottom.
            let file = |error: &ConfigError| files.iter().position(|it| it.name == error.file);
            errors.sort_by_key(|it| (file(it), it.line, it.column));
            Err(errors)
        }
    }
}

/// How an error about what only exports have begins.
const PINNED: &str = "unknown field `auth_method`";

/// What to do with it.
const PINS: &str = "a connection in a file has its connector's auth method as it is: leave this out, or put these \
                    settings under a key of their own into the connector's `auth`, and name that as `auth` here; \
                    `attache apply` takes it as it stands";

/// Auth methods are shown, and each revision is kept: what is filled in would be as well.
pub fn refuse_filled_methods(document: &Document, errors: &mut Vec<ConfigError>) {
    // What a connection pins is one too.
    for (section, member) in [("connectors", "auth"), ("connections", "auth_method")] {
        for (key, node) in document.section(section).into_iter().flat_map(Node::entries) {
            for (member, node) in node.entries().filter(|it| it.0 == member) {
                let start = [section, key, member].map(Step::Key);
                let filled = node.filled().into_iter().filter(|it| !is_plain(it.written));
                for FilledIn { path, written, .. } in filled {
                    let problem = format!(
                        "an auth method takes no `{written}`: it is shown as it is, and kept"
                    );
                    let at = start.iter().copied().chain(path);
                    errors.push(document.error(at, problem, NO_SECRETS));
                }
            }
        }
    }
}

/// True where nothing is filled in: `$${` stands for a plain `${`.
fn is_plain(written: &str) -> bool {
    !written.replace("$${", "").contains("${")
}

const NO_SECRETS: &str = "name a credential's field here, as in `value: \"{key}\"`, and set it where credentials \
                          are set: `credentials: { key: \"${KEY}\" }` on each connection";

struct Reading<'d, 'e> {
    document: &'d Document,
    errors: &'e mut Vec<ConfigError>,
}

impl Reading<'_, '_> {
    /// The snapshot, where it could be made, the warnings, and what is wrong without a store.
    fn snapshot(mut self) -> (Option<Snapshot>, Vec<ConfigError>, Vec<ConfigError>) {
        let mut raw = RawCatalog {
            egress: self.section("egress").unwrap_or_default(),
            upstream: self.section("upstream").unwrap_or_default(),
            ..RawCatalog::default()
        };
        let mut unread = HashSet::new();
        let all_there = [
            self.entries("callers", &mut raw.callers, &mut unread),
            self.entries("connectors", &mut raw.connectors, &mut unread),
            self.entries("connections", &mut raw.connections, &mut unread),
            self.entries("integrations", &mut raw.integrations, &mut unread),
            self.entries("environments", &mut raw.environments, &mut unread),
        ];
        raw.unread = unread;
        let (activations, indices) = self.items("activations");
        raw.lines = self.lines(&indices, &activations);
        raw.activations = activations;
        if all_there.contains(&false) {
            // With a whole section gone, whatever refers to it would be called wrong.
            return (None, Vec::new(), Vec::new());
        }
        let mut warnings = Vec::new();
        let snapshot = Snapshot::build(raw, &mut warnings);
        let warnings = warnings.iter().filter_map(|it| self.placed(it, &indices)).collect();
        match snapshot {
            Ok(snapshot) => {
                let unstored = snapshot.unstored();
                let unstored = unstored.iter().filter_map(|it| self.placed(it, &indices)).collect();
                (Some(snapshot), warnings, unstored)
            }
            Err(problems) => {
                let placed = problems.iter().filter_map(|it| self.placed(it, &indices));
                let placed: Vec<ConfigError> = placed.collect();
                self.errors.extend(placed);
                (None, warnings, Vec::new())
            }
        }
    }

    /// Where everything stands; of the activations those that could be read.
    fn lines(&self, indices: &[usize], activations: &[RawActivation]) -> Lines {
        let mut files: HashMap<&str, Arc<str>> = HashMap::new();
        let mut line = |(file, line)| {
            let file = Arc::clone(files.entry(file).or_insert_with(|| file.into()));
            Line { file, line }
        };
        let mut lines = Lines::default();
        for section in Section::ALL {
            for (key, file, number) in self.document.lines(section.as_str()) {
                lines.entries.insert((section, key.to_owned()), line((file, number)));
            }
            let entries = self.document.section(section.as_str()).into_iter();
            for (key, node) in entries.flat_map(Node::entries) {
                let filled: Vec<_> = node.filled().iter().map(written).collect();
                if !filled.is_empty() {
                    lines.filled.insert((section, key.to_owned()), filled);
                }
            }
        }
        let items = self.document.section("activations").map_or(&[][..], |it| it.items());
        for (index, raw) in indices.iter().zip(activations) {
            let Some(node) = items.get(*index) else { continue };
            lines.activations.push(line(self.document.line(node)));
            let filled: Vec<_> = node.filled().iter().map(written).collect();
            if !filled.is_empty() {
                // Seen with its connection, in whose definition it does not stand.
                let of = lines.filled.entry((Section::Connections, raw.connection.clone()));
                of.or_default()
                    .extend(filled.into_iter().map(|it| Filled { path: Vec::new(), ..it }));
            }
        }
        lines
    }

    fn section<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        self.document.read(&[Step::Key(name)], self.errors)
    }

    /// Reads the entries of a section one by one, so that a wrong one costs no other. False where
    /// the section is not a map.
    fn entries<T: DeserializeOwned>(
        &mut self,
        section: &str,
        into: &mut IndexMap<String, T>,
        unread: &mut HashSet<(String, String)>,
    ) -> bool {
        let Some(node) = self.document.section(section) else { return true };
        if self.section::<IndexMap<String, IgnoredAny>>(section).is_none() {
            return false;
        }
        for (key, node) in node.entries() {
            let before = self.errors.len();
            let path = [Step::Key(section), Step::Key(key)];
            let value = self.document.read_node(node, &path, self.errors);
            match value.filter(|_| self.errors.len() == before) {
                Some(value) => {
                    into.insert(key.to_owned(), value);
                }
                None => {
                    unread.insert((section.to_owned(), key.to_owned()));
                }
            }
        }
        true
    }

    /// Reads the items of a list one by one, and says which ones could be read.
    fn items<T: DeserializeOwned>(&mut self, section: &str) -> (Vec<T>, Vec<usize>) {
        let (mut values, mut indices) = (Vec::new(), Vec::new());
        let Some(node) = self.document.section(section) else { return (values, indices) };
        if self.section::<Vec<IgnoredAny>>(section).is_none() {
            return (values, indices);
        }
        for (index, node) in node.items().iter().enumerate() {
            let before = self.errors.len();
            let path = [Step::Key(section), Step::Index(index)];
            let value = self.document.read_node(node, &path, self.errors);
            if let Some(value) = value.filter(|_| self.errors.len() == before) {
                values.push(value);
                indices.push(index);
            }
        }
        (values, indices)
    }

    /// The problem with its place in a file, unless it only follows from an interpolation that
    /// failed. `indices` are the places of the activations that could be read.
    fn placed(&self, problem: &Problem, indices: &[usize]) -> Option<ConfigError> {
        let in_activations = matches!(&problem.path[..], [PathSegment::Key(section), ..] if section == "activations");
        let step = |segment| match segment {
            &PathSegment::Index(index) if in_activations => {
                Step::Index(indices.get(index).copied().unwrap_or(index))
            }
            &PathSegment::Index(index) => Step::Index(index),
            PathSegment::Key(key) => Step::Key(key),
        };
        let steps: Vec<Step<'_>> = problem.path.iter().map(step).collect();
        if self.document.is_missing(steps.iter().copied()) {
            return None;
        }
        Some(self.document.error(steps.iter().copied(), &*problem.problem, &*problem.hint))
    }
}

fn written(it: &FilledIn<'_>) -> Filled {
    let segment = |step: &Step<'_>| match step {
        Step::Key(key) => PathSegment::Key((*key).to_owned()),
        Step::Index(index) => PathSegment::Index(*index),
    };
    let values =
        it.values.iter().map(|(value, written)| (Secret::new(*value), (*written).to_owned()));
    Filled {
        path: it.path.iter().map(segment).collect(),
        written: it.written.to_owned(),
        values: values.collect(),
    }
}

#[cfg(test)]
mod tests;
