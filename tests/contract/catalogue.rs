//! The catalogue that comes with attache: each file of `config/connectors/` is sound, whole and described,
//! the program holds what lies there, and `docs/catalogue.md` lists it.
use attache::catalog;
use attache::catalog::AuthMethod;
use attache::catalog::Connector;
use attache::catalog::Section;
use attache::config::File;
use attache::config::Sources;
use attache::reload;
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;

const FOLDER: &str = "config/connectors";
const PAGE: &str = include_str!("../../docs/catalogue.md");

#[test]
fn every_file_is_a_sound_connector_of_its_own_name_that_is_described() {
    let mut all = Vec::new();
    for (stem, text) in files() {
        all.extend(faults(&stem, &text));
    }
    assert!(all.is_empty(), "\n{}", all.join("\n"));
}

#[test]
fn the_program_holds_what_lies_in_the_folder() {
    let files = files();
    let there: BTreeSet<&str> = files.keys().map(String::as_str).collect();
    let shipped: BTreeSet<&str> = catalog::shipped_connectors().map(|it| it.0).collect();
    assert_eq!(shipped, there, "src/catalog/shipped.rs lists the files");
    assert!(shipped.len() >= 60, "{}", shipped.len());
    for (stem, text) in &files {
        // Read as a configuration, and read by the program: the same.
        let loaded = load(stem, text).expect("it is sound");
        let read = loaded.snapshot.declared().find(Section::Connectors, stem).expect("it is there");
        let raw = catalog::shipped_connector(stem).expect("it is shipped");
        assert_eq!(read.definition(), without_nulls(serde_json::to_value(raw).unwrap()), "{stem}");
        assert_eq!(raw.from, None, "{stem}");
    }
}

#[test]
fn no_two_are_the_same_api() {
    let (mut names, mut urls) = (BTreeMap::new(), BTreeMap::new());
    for (key, raw) in catalog::shipped_connectors() {
        let name = raw.name.as_deref().unwrap_or_default();
        assert_eq!(names.insert(name.to_lowercase(), key), None, "{key}");
        // Self-hosted ones have hosts of any name; where the host is fixed, the base URL tells them apart.
        let url = raw.base_url.as_deref().unwrap_or_default();
        let is_fixed = !url.contains('{');
        assert!(!is_fixed || urls.insert(url, key).is_none(), "{key}: {url}");
    }
}

#[test]
fn the_page_lists_them_as_they_are() {
    let written: BTreeSet<&str> = PAGE.lines().filter(|it| it.starts_with("| [")).collect();
    let rows: Vec<String> = catalog::shipped_connectors().map(|(key, it)| row(key, it)).collect();
    let expected: BTreeSet<&str> = rows.iter().map(String::as_str).collect();
    let missing: Vec<_> = expected.difference(&written).copied().collect();
    let stale: Vec<_> = written.difference(&expected).copied().collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "docs/catalogue.md lacks:\n{}\nand has in excess:\n{}",
        missing.join("\n"),
        stale.join("\n")
    );
    assert!(PAGE.contains(&format!(": {} well-known APIs", rows.len())), "it counts them");
    let in_order: Vec<&str> = PAGE.lines().filter(|it| it.starts_with("| [")).collect();
    assert!(in_order == rows, "in the order of keys");
}

#[test]
fn what_is_broken_is_named_with_its_place() {
    let good = fs::read_to_string(format!("{FOLDER}/gitlab.yaml")).expect("the file is there");
    assert_eq!(faults("gitlab", &good), <[String; 0]>::default());
    for (what, instead, told) in [
        (
            "api_key: { in: header, name: PRIVATE-TOKEN }",
            "api_key: { in: head, name: X }",
            "gitlab.yaml:20:",
        ),
        ("name: PRIVATE-TOKEN", "name: Host", "gitlab.yaml:20:"),
        ("base_url: https", "base_url: http", "gitlab.base_url"),
        ("    name: GitLab\n", "", "gitlab.name"),
        ("    docs: ", "    doc: ", "connectors.gitlab: unknown field `doc`"),
        ("docs: https://docs", "docs: javascript://docs", "connectors.gitlab.docs"),
        ("        default: gitlab.com\n", "", "gitlab.variables.host"),
        ("default: gitlab.com", "default: gitlab com", "connectors.gitlab.variables.host.default"),
        ("{host}", "{server}", "gitlab.variables.server"),
        (
            "        fields:\n          key: ",
            "        fields:\n          token: ",
            "connectors.gitlab.auth.token.fields.token: `token` is no field of these credentials",
        ),
        ("  gitlab:\n", "  gitlub:\n", "gitlab.yaml: it holds gitlub"),
        (
            "# The vendor's page on it: https",
            "# See https",
            "gitlab.yaml: it does not name the vendor's page",
        ),
        ("path: \"/user\"", "path: user", "connectors.gitlab.endpoints.get-user.path"),
        (
            ", description: \"The variable CI_JOB_TOKEN of a pipeline's job\"",
            "",
            "gitlab.auth.job.fields.key",
        ),
    ] {
        let broken = good.replacen(what, instead, 1);
        assert_ne!(broken, good, "{what}");
        let faults = faults("gitlab", &broken);
        assert!(faults.iter().any(|it| it.contains(told)), "{instead}: {faults:#?}");
        assert!(
            faults.iter().all(|it| it.starts_with("config/connectors/gitlab.yaml")),
            "{faults:#?}"
        );
    }
}

/// The files' texts, by their names without `.yaml`.
fn files() -> BTreeMap<String, String> {
    let entries = fs::read_dir(FOLDER).expect("the folder is there");
    let paths = entries.map(|it| it.expect("it can be listed").path());
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().and_then(|it| it.to_str()).expect("a name is text").to_owned();
        let stem = name.strip_suffix(".yaml").unwrap_or_else(|| panic!("{name} is no .yaml"));
        (stem.to_owned(), fs::read_to_string(&path).expect("it is text"))
    };
    paths.map(read).collect()
}

fn load(stem: &str, text: &str) -> Result<reload::Loaded, Vec<String>> {
    let file = File { name: &format!("{FOLDER}/{stem}.yaml"), text };
    let sources = Sources { setting: &|_| None, file: &|_| Err("none is read".to_owned()) };
    let loaded = reload::load_texts(&[file], sources);
    loaded.map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

/// Everything that is wrong with a file, each with the file and the place in it.
fn faults(stem: &str, text: &str) -> Vec<String> {
    let file = format!("{FOLDER}/{stem}.yaml");
    let loaded = match load(stem, text) {
        Ok(loaded) => loaded,
        Err(problems) => return problems,
    };
    let mut faults: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    if !text.lines().any(|it| it.starts_with("# The vendor's page on it: https://")) {
        faults.push(format!("{file}: it does not name the vendor's page"));
    }
    let declared: Vec<_> = loaded.snapshot.declared().all(Section::Connectors).collect();
    let [(key, declared)] = declared[..] else {
        faults.push(format!("{file}: it holds {} connectors", declared.len()));
        return faults;
    };
    if key.as_str() != stem {
        faults.push(format!("{file}: it holds {key}"));
    }
    let connector = loaded.snapshot.connector(key.as_str()).expect("what is declared is served");
    let written = declared.definition();
    faults.extend(
        undescribed(&written, connector).into_iter().map(|it| format!("{file}: {key}.{it}")),
    );
    faults
}

/// What is there and not said, or said and not there.
fn undescribed(written: &Value, connector: &Connector) -> Vec<String> {
    let mut faults = Vec::new();
    let mut due = |pointer: String| {
        let text = written.pointer(&pointer).and_then(Value::as_str).unwrap_or_default();
        if text.is_empty() {
            faults.push(format!("{} is missing", pointer[1..].replace('/', ".")));
        }
    };
    for member in ["name", "description", "docs", "base_url"] {
        due(format!("/{member}"));
    }
    for variable in connector.variables.names() {
        for member in ["name", "description", "pattern"] {
            due(format!("/variables/{variable}/{member}"));
        }
    }
    for endpoint in connector.endpoints.behind(None) {
        due(format!("/endpoints/{}/name", endpoint.key));
    }
    for (key, method) in &connector.methods {
        due(format!("/auth/{key}/name"));
        for field in method.auth.fields() {
            for member in ["name", "description"] {
                due(format!("/auth/{key}/fields/{field}/{member}"));
            }
        }
    }
    let url = connector.base_url.as_ref().map(ToString::to_string).unwrap_or_default();
    if !url.starts_with("https://") {
        faults.push("base_url is not https".to_owned());
    }
    let named: BTreeSet<&str> = connector.base_url.iter().flat_map(|it| it.variables()).collect();
    for variable in named.iter().copied().chain(connector.variables.names()) {
        let is_set = match connector.variables.rule(variable) {
            Some(rule) => named.contains(variable) && (rule.required != rule.default.is_some()),
            None => false,
        };
        if !is_set {
            faults.push(format!(
                "variables.{variable} is in the base URL, and required or has a default"
            ));
        }
    }
    if !connector.methods.values().any(|it| is_outbound(it)) {
        faults.push("auth has nothing to send requests with".to_owned());
    }
    faults
}

fn is_outbound(method: &AuthMethod) -> bool {
    !matches!(method.auth, catalog::Auth::Inbound(_))
}

fn row(key: &str, raw: &catalog::RawConnector) -> String {
    let text = |it: &Option<String>| it.clone().unwrap_or_default();
    let mut url = text(&raw.base_url);
    for (name, variable) in &raw.variables {
        if let Some(default) = &variable.default {
            url = url.replace(&format!("{{{name}}}"), default);
        }
    }
    let methods = raw
        .auth
        .iter()
        .map(|(name, it)| format!("`{name}` {}", it.type_name().unwrap_or_default()));
    format!(
        "| [`{key}`]({}) | {}: {} | `{}` | {} |",
        text(&raw.docs),
        text(&raw.name),
        text(&raw.description),
        url,
        methods.collect::<Vec<_>>().join(", "),
    )
}

fn without_nulls(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            members.retain(|_, it| !it.is_null());
            for member in members.values_mut() {
                *member = without_nulls(member.take());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| *it = without_nulls(it.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    value
}
