//! A plan for people: what is created, changed, re-pinned and deleted, and for whom.
use crate::cli::text::plain;
use serde_json::Value;

const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

/// Lines of at most 80 columns, as far as keys allow it.
pub(super) fn shown(outcome: &Value, coloured: bool) -> String {
    let mut text = Text { text: String::new(), coloured };
    let all = |name: &str| outcome[name].as_array().cloned().unwrap_or_default();
    let [create, change, repin, delete] = ["create", "change", "repin", "delete"].map(all);
    for it in &create {
        text.line(GREEN, &format!("+ {}", named(it)));
    }
    for it in &change {
        text.line(YELLOW, &format!("~ {}", named(it)));
        text.listed("  ", &texts(&it["fields"]));
        text.affected(&it["uses"]);
    }
    for it in &repin {
        let of = |name: &str| it[name].as_str().unwrap_or_default();
        let from = format!("{}@{} -> {}", of("method"), it["from"], it["to"]);
        let told = format!("> connection {}: {} of {}", of("connection"), from, of("connector"));
        text.line(YELLOW, &plain(&told));
        text.affected(&it["uses"]);
    }
    for it in &delete {
        text.line(RED, &format!("- {}", named(it)));
        text.affected(&it["uses"]);
    }
    let breaks = all("breaks");
    if !breaks.is_empty() {
        text.line(RED, "These work now, and would not any more:");
        for it in &breaks {
            let problem = it["problem"].as_str().unwrap_or_default();
            text.line("", &plain(&format!("  {}: {problem}", named(it))));
        }
    }
    let moves = all("moves");
    if !moves.is_empty() {
        text.line(RED, "Stored credentials would go elsewhere than where they were entered for:");
        for it in &moves {
            let (from, to) = (texts(&it["from"]["origins"]), texts(&it["to"]["origins"]));
            let key = it["connection"].as_str().unwrap_or_default();
            let told = format!("  {key}: {} -> {}", from.join(", "), to.join(", "));
            text.line("", &plain(&told));
        }
    }
    for it in texts(&outcome["keyless"]) {
        let told = format!("The caller {it} gets no key: `attache caller rotate {it}` makes one.");
        text.line("", &plain(&told));
    }
    for it in texts(&outcome["untold"]) {
        let told = format!(
            "Nobody is told the secret of the event subscription {it}: \
             `attache event-subscription rotate {it}` makes one."
        );
        text.line("", &plain(&told));
    }
    if !text.text.is_empty() {
        text.text.push('\n');
    }
    let unchanged = &outcome["unchanged"];
    if [&create, &change, &repin, &delete].iter().all(|it| it.is_empty()) {
        text.line("", &format!("Nothing to do: {unchanged} are so already."));
    } else {
        let (create, change, repin) = (create.len(), change.len(), repin.len());
        let told = format!(
            "{create} to create, {change} to change, {repin} to re-pin, {} to delete; {unchanged} unchanged.",
            delete.len()
        );
        text.line("", &told);
    }
    text.text
}

struct Text {
    text: String,
    coloured: bool,
}

impl Text {
    fn line(&mut self, colour: &str, line: &str) {
        if self.coloured && !colour.is_empty() {
            self.text.push_str(&format!("{colour}{line}{PLAIN}\n"));
        } else {
            self.text.push_str(&format!("{line}\n"));
        }
    }

    /// With commas between, in as many lines as it takes.
    fn listed(&mut self, before: &str, words: &[String]) {
        let mut line = String::new();
        for (index, word) in words.iter().enumerate() {
            let comma = if index + 1 < words.len() { "," } else { "" };
            if !line.is_empty() && before.len() + line.len() + word.len() + 2 > 78 {
                self.line("", &format!("{before}  {line}"));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&plain(&format!("{word}{comma}")));
        }
        if !line.is_empty() {
            self.line("", &format!("{before}  {line}"));
        }
    }

    /// Who uses it now.
    fn affected(&mut self, uses: &Value) {
        let named =
            uses["uses"].as_array().into_iter().flatten().filter(|it| it["key"].is_string());
        let mut words: Vec<String> = named
            .map(|it| {
                let deployed = if it["deployed"] == true { " (deployed)" } else { "" };
                format!("{}{deployed}", self::named(it))
            })
            .collect();
        words.dedup();
        match uses["activations"].as_i64() {
            None | Some(0) => {}
            Some(1) => words.push("1 activation".to_owned()),
            Some(count) => words.push(format!("{count} activations")),
        }
        if !words.is_empty() {
            self.line("", "    affects");
            self.listed("    ", &words);
        }
    }
}

/// `activation of acme under crm`, `connector crm`.
fn named(it: &Value) -> String {
    let of = |name: &str| it[name].as_str().unwrap_or_default();
    plain(&match it["tenant"].as_str() {
        Some(tenant) => format!("{} of {tenant} under {}", of("kind"), of("key")),
        None => format!("{} {}", of("kind"), of("key")),
    })
}

fn texts(value: &Value) -> Vec<String> {
    let all = value.as_array().into_iter().flatten();
    all.filter_map(|it| it.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_plan_names_what_would_be_and_for_whom() {
        let uses = json!({ "uses": [
            { "kind": "environment", "key": "production", "alias": "crm", "deployed": true },
            { "kind": "activations", "count": 3 },
        ], "activations": 3 });
        let outcome = json!({
            "create": [{ "kind": "connector", "key": "crm" }],
            "change": [{ "kind": "connection", "key": "prod", "fields": ["base_url", "credentials.key"], "uses": uses }],
            "repin": [{ "connection": "prod", "connector": "crm", "method": "token", "from": 1, "to": 2, "uses": {} }],
            "delete": [{ "kind": "activation", "key": "old", "tenant": "acme\x1b[2J", "uses": {} }],
            "unchanged": 4,
            "breaks": [{ "kind": "environment", "key": "e", "problem": "nothing is assigned" }],
            "moves": [{ "connection": "prod", "from": { "origins": ["https://a"] }, "to": { "origins": ["https://b"] } }],
            "keyless": ["runtime"],
            "untold": ["ops"],
        });
        let told = shown(&outcome, false);
        assert_eq!(
            told,
            "\
+ connector crm
~ connection prod
    base_url, credentials.key
    affects
      environment production (deployed), 3 activations
> connection prod: token@1 -> 2 of crm
- activation of acme\u{fffd}[2J under old
These work now, and would not any more:
  environment e: nothing is assigned
Stored credentials would go elsewhere than where they were entered for:
  prod: https://a -> https://b
The caller runtime gets no key: `attache caller rotate runtime` makes one.
Nobody is told the secret of the event subscription ops: `attache event-subscription rotate ops` makes one.

1 to create, 1 to change, 1 to re-pin, 1 to delete; 4 unchanged.
"
        );
        assert!(shown(&outcome, true).starts_with("\x1b[32m+ connector crm\x1b[0m\n"));
        assert_eq!(shown(&json!({ "unchanged": 2 }), true), "Nothing to do: 2 are so already.\n");
    }

    #[test]
    fn long_lists_are_broken_at_eighty_columns() {
        let fields: Vec<String> = (0..40).map(|it| format!("variables.{it}")).collect();
        let change = json!({ "change": [{ "kind": "connector", "key": "a", "fields": fields, "uses": {} }] });
        assert!(shown(&change, false).lines().all(|it| it.len() <= 80));
    }
}
