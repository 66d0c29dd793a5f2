//! A whole configuration: one file or several, merged by section, every value with its place.
use super::error::ConfigError;
use super::interpolate::Sources;
use super::merge::Twice;
use super::merge::merge;
use super::node::Node;
use super::node::Place;
use super::node::Step;
use super::node::Value;
use super::node::dotted;
use super::parse::Input;
use super::parse::parse;

/// Where the operator finds every key.
pub(super) const EVERY_KEY: &str = "config/attache.yaml shows every key with its default";

/// The merged tree of all the files.
#[derive(Clone, Debug)]
pub struct Document {
    files: Vec<String>,
    root: Node,
}

/// A value that a setting was to fill in which is not set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unset<'d> {
    /// From the root.
    pub path: Vec<Step<'d>>,
    /// The setting.
    pub name: &'d str,
    file: &'d str,
    line: u32,
    column: u32,
}

impl Unset<'_> {
    /// Whether that is what an error says.
    pub fn is_told_by(&self, error: &ConfigError) -> bool {
        (self.file, self.line, self.column) == (&*error.file, error.line, error.column)
    }
}

/// A file's name, as messages show it and as relative paths in it are meant, and its text.
pub struct File<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

impl Document {
    /// Parses and merges. Everything wrong goes to `errors`; what could be read is returned all
    /// the same, so that the rest can be checked in the same run.
    ///
    /// Files merge by section: the same section may stand in several, the same entry of it may not.
    /// Lists (`activations`) are joined; `server`, `log` and `store` are put together key by key.
    pub fn parse(files: &[File<'_>], sources: Sources<'_>, errors: &mut Vec<ConfigError>) -> Self {
        let names = files.iter().map(|it| it.name.to_owned()).collect();
        let place = Place { file: 0, line: 0, column: 0 };
        let root = Node { place, value: Value::Map(Box::default()) };
        let mut document = Self { files: names, root };
        for (index, file) in (0..).zip(files) {
            let before = errors.len();
            let input = Input { name: file.name, text: file.text, index, sources };
            match parse(&input, errors) {
                Some(Node { value: Value::Map(sections), .. }) => {
                    let mut twice = Vec::new();
                    if let Value::Map(ours) = &mut document.root.value {
                        merge(ours, *sections, &mut twice);
                    }
                    errors.extend(twice.into_iter().map(|Twice { key, here, there }| {
                        let problem = format!("set twice: here and in {}", document.shown(there));
                        document.error_at(here, key, problem, "keep one of them")
                    }));
                }
                None if errors.len() > before => {}
                None | Some(Node { value: Value::Null, .. }) => {
                    errors.push(ConfigError::in_file(file.name, "the file is empty", EVERY_KEY));
                }
                Some(node) => {
                    let problem = format!("expected a map of sections, found {}", node.kind());
                    errors.push(document.error_at(node.place, String::new(), problem, EVERY_KEY));
                }
            }
        }
        document
    }

    pub fn root(&self) -> &Node {
        &self.root
    }

    /// A top-level section.
    pub fn section(&self, name: &str) -> Option<&Node> {
        self.root.child(Step::Key(name))
    }

    /// The keys of a section, each with its file and line.
    pub fn lines(&self, section: &str) -> impl Iterator<Item = (&str, &str, u32)> {
        let fields = self.section(section).and_then(Node::fields);
        let fields = fields.into_iter().flat_map(|it| it.iter());
        fields.map(|(key, it)| (&**key, self.file(it.place), it.place.line))
    }

    /// The file and line of a value.
    pub fn line(&self, node: &Node) -> (&str, u32) {
        (self.file(node.place), node.place.line)
    }

    /// True where an interpolation of the value at this path failed, which was said already: what
    /// else is wrong with it only follows.
    pub fn is_missing<'a>(&self, path: impl IntoIterator<Item = Step<'a>>) -> bool {
        let mut steps = path.into_iter();
        let node = steps.try_fold(&self.root, |node, step| node.child(step));
        node.is_some_and(Node::is_missing)
    }

    /// The values that settings were to fill in which are not set. [`Document::parse`] has told of each.
    pub fn unset(&self) -> Vec<Unset<'_>> {
        fn collect<'d>(
            document: &'d Document,
            node: &'d Node,
            path: &mut Vec<Step<'d>>,
            all: &mut Vec<Unset<'d>>,
        ) {
            if let Some(name) = node.unset() {
                let Place { line, column, .. } = node.place;
                let (path, file) = (path.clone(), document.file(node.place));
                all.push(Unset { path, name, file, line, column });
            }
            for (step, child) in node.children() {
                path.push(step);
                collect(document, child, path, all);
                path.pop();
            }
        }
        let mut all = Vec::new();
        collect(self, &self.root, &mut Vec::new(), &mut all);
        all
    }

    /// A problem at a path from the root, placed at the deepest step that is there.
    pub fn error<'a>(
        &self,
        path: impl IntoIterator<Item = Step<'a>> + Clone,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) -> ConfigError {
        let mut node = &self.root;
        let mut place = node.place;
        for step in path.clone() {
            let Some(child) = node.child(step) else { break };
            place = match (step, &node.value) {
                (Step::Key(key), Value::Map(fields)) => {
                    fields.get(key).map_or(place, |it| it.place)
                }
                _ => child.place,
            };
            node = child;
        }
        self.error_at(place, dotted(path), problem, hint)
    }

    pub(super) fn error_at(
        &self,
        place: Place,
        key: String,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) -> ConfigError {
        ConfigError {
            // The root of several files lies in none of them.
            file: if place.line == 0 { String::new() } else { self.file(place).to_owned() },
            line: place.line,
            column: place.column,
            key,
            problem: problem.into(),
            hint: hint.into(),
        }
    }

    pub(super) fn file(&self, place: Place) -> &str {
        usize::try_from(place.file).ok().and_then(|it| self.files.get(it)).map_or("", |it| it)
    }

    fn shown(&self, place: Place) -> String {
        format!("{}:{}", self.file(place), place.line)
    }
}

#[cfg(test)]
mod tests;
