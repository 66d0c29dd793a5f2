//! JSON to a tree of what is kept.
use super::error::ImportError;
use super::tree::Budget;
use super::tree::DEEP_HINT;
use super::tree::Part;
use super::tree::TOO_MUCH_HINT;
use serde::de::DeserializeSeed;
use serde::de::Deserializer;
use serde::de::Error;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_json::Map;
use serde_json::Value;
use std::fmt;

/// The parser's own bound on the nesting of what is kept.
const DEPTH_MAX: usize = 128;

/// What is read past takes no stack.
pub(super) fn read(document: &str) -> Result<Value, ImportError> {
    let mut budget = Budget::default();
    let mut deserializer = serde_json::Deserializer::from_str(document);
    let kept = Kept { part: Part::Root, budget: &mut budget };
    let tree = kept.deserialize(&mut deserializer);
    tree.and_then(|it| deserializer.end().map(|()| it)).map_err(|error| {
        let place = (error.line(), error.column());
        // Without the place, which stands at the end of serde_json's own text.
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default().to_owned();
        if error.is_data() {
            return ImportError::at(place, what, TOO_MUCH_HINT);
        }
        if what.starts_with("recursion limit") {
            let problem = format!("nested deeper than {DEPTH_MAX} levels");
            return ImportError::at(place, problem, DEEP_HINT);
        }
        let hint = "save the document again, whole; if it is YAML, not with a `{` in front";
        ImportError::at(place, format!("this is not JSON: {what}"), hint)
    })
}

/// A value, less what is not kept of it. Where a key stands twice the later one counts, as with most readers.
struct Kept<'b> {
    part: Part,
    budget: &'b mut Budget,
}

impl<'de> DeserializeSeed<'de> for Kept<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Kept<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.budget.spend(0).map_err(E::custom)?;
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Value, E> {
        self.budget.spend(0).map_err(E::custom)?;
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        self.budget.spend(0).map_err(E::custom)?;
        Ok(number.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        self.budget.spend(0).map_err(E::custom)?;
        Ok(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        self.budget.spend(0).map_err(E::custom)?;
        Ok(number.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        self.budget.spend(text.len()).map_err(E::custom)?;
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.budget.spend(0).map_err(A::Error::custom)?;
        let part = self.part.item();
        let mut list = Vec::new();
        if part == Part::Skipped {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Value::Array(list));
        }
        while let Some(item) = items.next_element_seed(Kept { part, budget: &mut *self.budget })? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.budget.spend(0).map_err(A::Error::custom)?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let part = self.part.child(&key);
            if part == Part::Skipped {
                entries.next_value::<IgnoredAny>()?;
                continue;
            }
            self.budget.spend_key(key.len()).map_err(A::Error::custom)?;
            let value = entries.next_value_seed(Kept { part, budget: &mut *self.budget })?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}
