//! What a customer typed.
use super::view::Fault;
use super::view::Field;
use super::view::Item;
use super::view::Place;
use serde_json::Map;
use serde_json::Value;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Fields of one form that are looked at.
const FIELDS_MAX: usize = 64;

/// A form's fields by their names. Of two of a name the first counts.
#[derive(Default)]
pub(super) struct Form(BTreeMap<String, Zeroizing<String>>);

impl Form {
    /// `application/x-www-form-urlencoded`.
    pub(super) fn read(body: &[u8]) -> Self {
        let mut fields = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(body).take(FIELDS_MAX) {
            fields.entry(name.into_owned()).or_insert(Zeroizing::new(value.into_owned()));
        }
        Self(fields)
    }

    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|it| it.as_str())
    }

    /// The item's own fields in one place, as the API takes them: what was left empty is not there.
    pub(super) fn members(&self, item: &Item, place: Place) -> Value {
        let own = item.fields.iter().filter(|it| it.r#in == place);
        let filled = own.filter_map(|it| {
            let typed = self.field(&it.input())?;
            // Nobody means the space that was copied along.
            let typed = if it.secret { typed.trim() } else { typed };
            (!typed.is_empty()).then(|| (it.name.clone(), Value::from(typed)))
        });
        Value::Object(filled.collect::<Map<_, _>>())
    }
}

/// What was wrong with a form, by the field's pointer; what belongs to no field stands under the empty one.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(pub(super) Vec<Fault>);

impl Faults {
    /// Of the API's problem.
    pub(super) fn of(problem: &Value) -> Self {
        let errors = problem.get("errors").cloned().unwrap_or_default();
        let faults: Vec<Fault> = serde_json::from_value(errors).unwrap_or_default();
        Self(faults.into_iter().map(Fault::in_plain_words).collect())
    }

    /// What was filled in is not taken: told where the credential is, which of its fields it may be.
    pub(super) fn of_credentials(item: &Item, problem: &str) -> Self {
        let own = item.fields.iter().filter(|it| it.r#in == Place::Credentials);
        let last = own.clone().rfind(|it| it.secret).or_else(|| own.clone().last());
        let pointer = last.map(Field::pointer).unwrap_or_default();
        Self(vec![Fault { pointer, problem: problem.to_owned(), ..Fault::default() }])
    }

    pub(super) fn at(&self, pointer: &str) -> Option<&str> {
        self.0.iter().find(|it| it.pointer == pointer).map(|it| it.problem.as_str())
    }

    /// Those of none of this item's fields.
    pub(super) fn elsewhere<'f>(&'f self, item: &'f Item) -> impl Iterator<Item = &'f str> {
        let is_own = |it: &Fault| item.fields.iter().any(|field| field.pointer() == it.pointer);
        self.0.iter().filter(move |it| !is_own(it)).map(|it| it.problem.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_typed_is_what_the_api_takes() {
        let field = |place: &str, name: &str, secret: bool| json!({ "in": place, "name": name, "label": name, "secret": secret });
        let item: Item = serde_json::from_value(json!({
            "connection": "crm", "name": "CRM", "way": "form", "state": "waiting",
            "fields": [field("variables", "subdomain", false), field("credentials", "key", true), field("credentials", "note", false)],
        }))
        .unwrap();
        let form = Form::read(b"variables.subdomain=acme&credentials.key=+k%2B1%0A&credentials.note=&credentials.other=x&credentials.key=2");
        assert_eq!(form.members(&item, Place::Variables), json!({ "subdomain": "acme" }));
        assert_eq!(form.members(&item, Place::Credentials), json!({ "key": "k+1" }));
        let faults = Faults::of(&json!({ "errors": [
            { "pointer": "/credentials/key", "problem": "it is too short", "hint": "" },
            { "pointer": "/variables/x~1y", "problem": "it is unknown", "hint": "" },
        ] }));
        assert_eq!(faults.at("/credentials/key"), Some("it is too short"));
        assert_eq!(faults.elsewhere(&item).collect::<Vec<_>>(), ["it is unknown"]);
    }
}
