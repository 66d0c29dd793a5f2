//! What is wrong with a description, where, and what to write instead.
use super::described;
use super::verifier;
use crate::webhook::RawDescription;

/// The problems as `place: problem`, in order.
fn problems(yaml: &str) -> Vec<String> {
    let errors = described(yaml).err().unwrap_or_default();
    assert!(errors.iter().all(|it| !it.hint.is_empty()), "{errors:?}");
    let shown = errors.iter().map(|it| it.to_string().replace(&format!("; {}", it.hint), ""));
    shown.collect()
}

const GOOD: &str = r#"{ signature: { header: X-Sig }, content: "{body}" }"#;

#[test]
fn each_mistake_is_named_with_its_place() {
    assert_eq!(problems(GOOD), [""; 0]);
    for (yaml, problem) in [
        ("preset: githup", "preset: no preset is called `githup`"),
        (r#"{ content: "{body}" }"#, "signature: is missing"),
        (r#"{ signatures: [], content: "{body}" }"#, "signature: is missing"),
        (
            r#"{ signature: { header: a }, signatures: [{ header: b }], content: "{body}" }"#,
            "signatures: stands beside `signature`",
        ),
        (
            r#"{ signature: {}, content: "{body}" }"#,
            "signature: has to have exactly one of `header`, `query`, `form`, `json` and `body`",
        ),
        (
            r#"{ signature: { header: a, query: b }, content: "{body}" }"#,
            "signature: has to have exactly one of `header`, `query`, `form`, `json` and `body`",
        ),
        (
            r#"{ signature: { header: "a b" }, content: "{body}" }"#,
            "signature.header: invalid HTTP header name",
        ),
        (
            r#"{ signature: { header: a, label: v1 }, content: "{body}" }"#,
            "signature.label: is for a list, and there is no `list`",
        ),
        (
            r#"{ signature: { header: a, trim: true }, content: "{body}" }"#,
            "signature.trim: is for a list, and there is no `list`",
        ),
        (
            r#"{ signature: { header: a, list: "" }, content: "{body}" }"#,
            "signature.list: is empty",
        ),
        (
            r#"{ signature: { header: a, list: ",", prefix: x }, content: "{body}" }"#,
            "signature.prefix: stands beside `list`",
        ),
        (
            r#"{ signatures: [{ header: a }, { header: b, secret: 8 }], content: "{body}" }"#,
            "signatures[1].secret: is no secret's number",
        ),
        ("signature: { header: a }", "content: is missing"),
        (r#"{ signature: { header: a }, content: "{bodi}" }"#, "content: there is no value `bodi`"),
        (
            r#"{ signature: { header: a }, content: "{timestamp}{body}" }"#,
            "content: has `{timestamp}`, and there is no `timestamp`",
        ),
        (
            r#"{ signature: { header: a }, content: "{label.t}{body}" }"#,
            "content: has a `{label.X}`, and there is no list",
        ),
        (r#"{ signature: { header: a }, content: "{key}{body}" }"#, "content: has `{key}` in it"),
        (
            r#"{ algorithm: sha256, signature: { header: a }, content: "{body}" }"#,
            "content: has no `{key}`: anybody could make this hash",
        ),
        (
            r#"{ algorithm: sha256, signature: { header: a }, content: "[{header.x}{key}]{body}" }"#,
            "content: has no `{key}`: anybody could make this hash",
        ),
        (
            r#"{ signature: { header: a }, content: "{header.x}" }"#,
            "content: does not cover the body",
        ),
        (r#"{ algorithm: token, signature: { header: a } }"#, "content: does not cover the body"),
        (
            r#"{ signature: { header: a }, timestamp: { header: b }, content: "{body}" }"#,
            "timestamp: is not signed: anybody could move it",
        ),
        (
            r#"{ signature: { header: a }, timestamp: {}, content: "{body}" }"#,
            "timestamp: has to have exactly one of `header`, `label`, `json`, `form`, `query` and `claim`",
        ),
        (
            r#"{ signature: { header: a }, timestamp: { json: at }, content: "{body}" }"#,
            "timestamp.json: is no JSON pointer",
        ),
        (
            r#"{ signature: { header: a }, timestamp: { json: /at }, content: "{timestamp}{body}" }"#,
            "content: has a `{timestamp}` that is read from the body",
        ),
        (
            r#"{ signature: { header: a }, timestamp: { label: t= }, content: "{timestamp}{body}" }"#,
            "timestamp.label: has no list to be in",
        ),
        (
            r#"{ signature: { header: a }, timestamp: { header: b, past: 0 }, content: "{timestamp}{body}" }"#,
            "timestamp.past: is 0: nothing would arrive in time",
        ),
        (
            r#"{ signature: { header: a }, content: "{body}", id: "{body}" }"#,
            "id: has the key or the whole body in it",
        ),
        (
            r#"{ signature: { header: a }, content: "{body}", replay_key: "{json.id}" }"#,
            "replay_key: there is no value `json.id`",
        ),
        (
            r#"{ signature: { header: a }, content: "{body}", max_signatures: 0 }"#,
            "max_signatures: is 0",
        ),
        (
            r#"{ signature: { header: a }, content: "{body}", require: { "a b": x } }"#,
            "require.a b: invalid HTTP header name",
        ),
    ] {
        assert_eq!(problems(yaml), [problem], "{yaml}");
    }
}

#[test]
fn all_mistakes_are_named_at_once() {
    let yaml =
        r#"{ signature: { query: "" }, timestamp: {}, content: "{bodi}", max_signatures: 0 }"#;
    let places: Vec<_> =
        problems(yaml).iter().map(|it| it.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(places, ["signature.query", "timestamp", "content", "max_signatures"]);
}

#[test]
fn unknown_fields_are_refused() {
    for yaml in ["{ presett: github }", "{ signature: { heder: x } }", "{ algorithm: md5 }"] {
        assert!(serde_yaml::from_str::<RawDescription>(yaml).is_err(), "{yaml}");
    }
}

#[test]
fn a_secret_that_is_wrong_is_named_and_not_shown() {
    for (yaml, secrets, message) in [
        (GOOD, &[][..], "secret: is missing; "),
        (GOOD, &[""], "secret: is empty: "),
        (GOOD, &["new", ""], "secret[1]: is empty: "),
        (GOOD, &["hunter2\n"], "secret: has a control character in it"),
        (GOOD, &["1", "2", "3", "4", "5", "6", "7", "8", "9"], "secret: has too many values; "),
        ("{ preset: svix, key: { encoding: hex } }", &["hunter2"], "secret: is not hex; "),
        ("preset: svix", &["whsec_hunter2!"], "secret: is not base64; "),
        (
            r#"{ signatures: [{ header: a, secret: 1 }], content: "{body}" }"#,
            &["hunter2"],
            "secret: is not what any signature is made with; ",
        ),
    ] {
        let error = verifier(yaml, secrets).unwrap_err();
        assert!(error.to_string().starts_with(message), "{yaml} {secrets:?}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{yaml}");
    }
    let verifier = verifier("preset: github", &["hunter2hunter2"]).unwrap();
    assert!(!format!("{verifier:?}").contains("hunter2"));
}

#[test]
fn a_description_has_a_schema() {
    let schema = schemars::schema_for!(RawDescription);
    let fields = schema.get("properties").and_then(|it| it.as_object()).unwrap();
    for field in
        ["preset", "key", "algorithm", "require", "signature", "signatures", "timestamp", "content"]
    {
        assert!(fields.contains_key(field), "{field}");
    }
    assert_eq!(schema.get("additionalProperties"), Some(&false.into()));
}
