//! What senders sign, as far as they agree.
use super::Axis;
use super::Change;
use super::Variant;
use serde_json::json;

/// What is signed at most senders.
const CONTENTS: [&str; 10] = [
    "{body}",
    "{timestamp}.{body}",
    "{timestamp}{body}",
    "{timestamp}:{body}",
    "{body}{timestamp}",
    "v0:{timestamp}:{body}",
    "{url}{body}",
    "{body}{url}",
    "{method}{url}{body}{timestamp}",
    "{url}{form.sorted}",
];

pub(super) fn variants() -> impl Iterator<Item = Variant> {
    CONTENTS.iter().map(|content| {
        // A clock that is not signed is refused, so it goes where it is not in the content.
        let over = if content.contains("{timestamp}") {
            json!({ "content": content })
        } else {
            json!({ "content": content, "timestamp": null })
        };
        let said = format!("`content: \"{content}\"`");
        Variant { axis: Axis::Content, said, change: Change::Description(over) }
    })
}
