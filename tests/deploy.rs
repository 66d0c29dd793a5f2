//! What is shipped for Prometheus and Grafana, and the page about metrics, speak of metrics that exist.
use attache::model::Code;
use attache::telemetry::metrics::list::ALL;
use attache::telemetry::metrics::list::Definition;
use attache::telemetry::metrics::list::Kind;
use std::fmt::Write;

const ALERTS: &str = include_str!("../deploy/prometheus/alerts.yaml");
const DASHBOARD: &str = include_str!("../deploy/grafana/attache.json");
const UNIT: &str = include_str!("../deploy/systemd/attache.service");
const COMPOSE: &str = include_str!("../deploy/compose.yaml");
const PAGE: &str = include_str!("../docs/metrics.md");

/// Every expression of the alerts and of the dashboard.
fn expressions() -> Vec<String> {
    let alerts: serde_json::Value = serde_yaml::from_str(ALERTS).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut found = Vec::new();
    for tree in [&alerts, &dashboard] {
        collect(tree, &mut found);
    }
    found
}

fn collect(tree: &serde_json::Value, found: &mut Vec<String>) {
    match tree {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value.as_str()) {
                    ("expr" | "definition", Some(text)) => found.push(text.to_owned()),
                    _ => collect(value, found),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|it| collect(it, found)),
        _ => {}
    }
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// Each metric that an expression names, with the label matchers behind it.
fn selectors(expression: &str) -> impl Iterator<Item = (&str, &str)> {
    expression.match_indices("attache_").map(|(at, _)| {
        let rest = &expression[at..];
        let end = rest.find(|it| !is_word(it)).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        let matchers = rest.strip_prefix('{').and_then(|it| it.split_once('}'));
        (name, matchers.map_or("", |it| it.0))
    })
}

fn definition(name: &str) -> Option<&'static Definition> {
    let exact = ALL.iter().find(|it| it.name == name);
    let series = || {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|it| name.strip_suffix(it))?;
        ALL.iter().find(|it| it.name == base && it.kind == Kind::Histogram)
    };
    exact.filter(|it| it.kind != Kind::Histogram).or_else(series)
}

#[test]
fn alerts_and_dashboard_name_metrics_and_labels_that_exist() {
    let expressions = expressions();
    let mut seen = 0;
    for (name, matchers) in expressions.iter().flat_map(|it| selectors(it)) {
        seen += 1;
        let definition = definition(name).unwrap_or_else(|| panic!("no metric is called {name}"));
        for matcher in matchers.split(',').map(str::trim).filter(|it| !it.is_empty()) {
            let label = &matcher[..matcher.find(|it| !is_word(it)).unwrap()];
            // Prometheus adds the instance.
            assert!(
                label == "instance" || definition.labels.contains(&label),
                "{name} has no label {label}"
            );
        }
    }
    assert!(seen > 40, "only {seen} names were found: is this still what is shipped?");
}

#[test]
fn grouping_labels_and_error_codes_exist() {
    for expression in expressions() {
        for (_, rest) in expression.match_indices("by (").map(|it| expression.split_at(it.0 + 4)) {
            let labels = rest.split_once(')').unwrap().0;
            for label in labels.split(',').map(str::trim) {
                let known = ALL.iter().any(|it| it.labels.contains(&label));
                assert!(known || matches!(label, "le" | "instance"), "no label is called {label}");
            }
        }
        for (_, rest) in expression.match_indices("code=\"").map(|it| expression.split_at(it.0 + 6))
        {
            let code = rest.split_once('"').unwrap().0;
            assert!(Code::ALL.iter().any(|it| it.as_str() == code), "no code is called {code}");
        }
    }
}

#[test]
fn every_metric_is_on_the_dashboard() {
    let expressions = expressions().join("\n");
    let missing: Vec<&str> =
        ALL.iter().map(|it| it.name).filter(|it| !expressions.contains(it)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn the_page_about_metrics_has_the_list_as_it_is() {
    let mut table = "| metric | kind | labels | series at most | what it counts |\n".to_owned();
    table.push_str("|---|---|---|---|---|\n");
    for Definition { name, kind, labels, series_max, help } in ALL {
        let kind = format!("{kind:?}").to_lowercase();
        let labels: Vec<String> = labels.iter().map(|it| format!("`{it}`")).collect();
        let labels = labels.join(", ");
        writeln!(table, "| `{name}` | {kind} | {labels} | {series_max} | {help} |").unwrap();
    }
    assert!(PAGE.contains(&table), "docs/metrics.md should have this table:\n{table}");
}

/// A token that is on its way when attache is stopped is waited for: 2 s, the drain, a minute and 5 s for what may use up
/// the only token, and a moment.
#[test]
fn whoever_stops_attache_gives_it_the_time_that_a_token_takes() {
    assert!(UNIT.lines().any(|it| it == "TimeoutStopSec=130"));
    assert!(COMPOSE.lines().any(|it| it.trim() == "stop_grace_period: 130s"));
}
