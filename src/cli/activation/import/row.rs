//! A row of what is brought along: an activation, as far as it can be read.
use serde_json::Value;

/// As it stands in the input.
#[derive(Debug)]
pub(super) struct Row {
    /// From 1 on.
    pub(super) number: u64,
    /// The line of the input that it begins in; 0 where there are none.
    pub(super) line: u64,
    /// How much of the input there is up to its end, in bytes.
    pub(super) end: u64,
    /// Empty where it says none.
    pub(super) tenant: String,
    pub(super) connection: String,
    /// As the API takes it.
    pub(super) entry: Result<Value, Fault>,
}

/// Why a row is none: never with a value that stands in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fault {
    /// Empty for the whole row.
    pub(super) column: String,
    pub(super) why: String,
    /// It is left as it is, as was said: no fault.
    pub(super) is_skip: bool,
}

impl Fault {
    pub(super) fn new(column: impl Into<String>, why: impl Into<String>) -> Self {
        Self { column: column.into(), why: why.into(), is_skip: false }
    }

    pub(super) fn skip() -> Self {
        Self { is_skip: true, ..Self::default() }
    }
}

impl Row {
    /// Of a JSON object, or what else was written in its place.
    pub(super) fn of_entry(
        (number, line, end): (u64, u64, u64),
        entry: Result<Value, Fault>,
        connection: Option<&str>,
    ) -> Self {
        let text = |name: &str| {
            let found = entry.as_ref().ok().and_then(|it| it[name].as_str());
            found.unwrap_or_default().to_owned()
        };
        let (tenant, mut of) = (text("tenant"), text("connection"));
        let entry = entry.and_then(|mut it| {
            let members = it.as_object_mut().ok_or(Fault::new("", "expected an object"))?;
            if of.is_empty() {
                let of_all = connection.ok_or_else(|| {
                    Fault::new("connection", "it is missing, and --connection names none for all")
                })?;
                of = of_all.to_owned();
                members.insert("connection".to_owned(), of_all.into());
            }
            Ok(it)
        });
        Self { number, line, end, tenant, connection: of, entry }
    }

    /// For people: where it stands.
    pub(super) fn place(&self, column: &str) -> String {
        let line = if self.line > 0 { format!(" (line {})", self.line) } else { String::new() };
        let column = if column.is_empty() { String::new() } else { format!(", column {column}") };
        format!("row {}{line}{column}", self.number)
    }
}

/// The column that a pointer of the API's is about.
pub(super) fn column_of(pointer: &str) -> String {
    let steps: Vec<&str> = pointer.split('/').skip(1).collect();
    match steps[..] {
        ["credentials", field] => format!("credential.{field}"),
        ["variables", name] => format!("variable.{name}"),
        _ => steps.join("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pointers_are_columns() {
        for (pointer, column) in [
            ("", ""),
            ("/tenant", "tenant"),
            ("/credentials/key", "credential.key"),
            ("/variables/region", "variable.region"),
        ] {
            assert_eq!(column_of(pointer), column);
        }
    }

    #[test]
    fn a_connection_for_all_is_for_those_that_name_none() {
        let row = |entry: Value| Row::of_entry((1, 2, 3), Ok(entry), Some("crm"));
        let named = row(json!({ "connection": "other", "tenant": "t" }));
        assert_eq!((&*named.connection, &*named.tenant), ("other", "t"));
        assert_eq!(row(json!({ "tenant": "t" })).entry.unwrap()["connection"], "crm");
        let none = Row::of_entry((1, 2, 3), Ok(json!({ "tenant": "t" })), None);
        assert_eq!(none.entry.unwrap_err().column, "connection");
        assert_eq!(none.tenant, "t");
    }
}
