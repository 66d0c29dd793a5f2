//! serde's deserializer over nodes.
use super::document::EVERY_KEY;
use super::node::Node;
use super::node::Scalar;
use super::node::Style;
use super::node::Value;
use super::read::Reading;
use super::suggest::OneOf;
use super::suggest::closest;
use serde::de;
use serde::de::DeserializeSeed;
use serde::de::Deserializer;
use serde::de::IntoDeserializer;
use serde::de::Unexpected;
use serde::de::Visitor;
use std::fmt;

/// A problem on its way up to [`Document::read_node`].
#[derive(Debug)]
pub(super) struct ReadError {
    /// Address of the node that it is about; the nearest one around it says so.
    pub(super) at: Option<usize>,
    pub(super) message: String,
    /// The field that is missing, where that is the problem.
    pub(super) missing: Option<&'static str>,
}

impl ReadError {
    fn new(message: impl Into<String>) -> Self {
        Self { at: None, message: message.into(), missing: None }
    }
}

impl std::error::Error for ReadError {}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    /// Says of texts only that they are: they may be secrets in the wrong place.
    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = match unexpected {
            Unexpected::Bool(_) => "a boolean",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
            Unexpected::Seq => "a list",
            Unexpected::Map | Unexpected::StructVariant | Unexpected::NewtypeVariant => "a map",
            Unexpected::Unit | Unexpected::Option => "nothing",
            _ => "a text",
        };
        Self::new(format!("expected {expected}, found {found}"))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        match unexpected {
            Unexpected::Str(_) => Self::invalid_type(unexpected, expected),
            _ => Self::new(format!("{unexpected} is out of range, expected {expected}")),
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let hint = closest(variant, expected).map(|it| format!("\ndid you mean `{it}`?"));
        let hint = hint.unwrap_or_default();
        Self::new(format!("unknown value `{variant}`, expected {}{hint}", OneOf(expected)))
    }

    fn missing_field(field: &'static str) -> Self {
        let message = format!("`{field}` is missing\n{EVERY_KEY}");
        Self { missing: Some(field), ..Self::new(message) }
    }
}

/// Reads one node.
#[derive(Clone, Copy)]
pub(super) struct Reader<'n> {
    pub(super) node: &'n Node,
    pub(super) reading: &'n Reading,
}

impl<'n> Reader<'n> {
    /// The result, its error placed here unless it is placed deeper.
    fn placed<T>(self, result: Result<T, ReadError>) -> Result<T, ReadError> {
        let node = self.node;
        result.map_err(|it| ReadError { at: it.at.or_else(|| Some(node.address())), ..it })
    }

    fn wrong<T>(self, expected: &dyn de::Expected) -> Result<T, ReadError> {
        let message = format!("expected {expected}, found {}", self.node.kind());
        self.placed(Err(ReadError::new(message)))
    }

    /// The text that a number or a boolean can be read from.
    fn unquoted(self) -> Option<&'n str> {
        match &self.node.value {
            Value::Scalar(scalar) if scalar.style != Style::Quoted => Some(&scalar.text),
            _ => None,
        }
    }

    fn map<V: Visitor<'n>>(
        self,
        fields: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let entries: Box<dyn Iterator<Item = (&'n str, &'n Node)>> = match &self.node.value {
            Value::Map(_) => Box::new(self.node.entries()),
            // `key:` with nothing behind it is an empty map where a map is due.
            Value::Null => Box::new(std::iter::empty()),
            Value::Scalar(_) | Value::List(_) => return self.wrong(&visitor),
        };
        let known = entries.filter(|(key, value)| {
            if self.reading.is_left_out(value) {
                return false;
            }
            let known = fields.is_none_or(|it| it.contains(key));
            if !known {
                self.reading.unknown(self.node, key, value, fields.unwrap_or_default());
            }
            known
        });
        self.placed(visitor.visit_map(Entries { known, value: None, reading: self.reading }))
    }
}

macro_rules! from_unquoted {
    ($($deserialize:ident => $visit:ident: $type:ty;)*) => {$(
        fn $deserialize<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
            match self.unquoted().and_then(|it| it.parse::<$type>().ok()) {
                Some(value) => self.placed(visitor.$visit(value)),
                None => self.wrong(&visitor),
            }
        }
    )*};
}

impl<'n> Deserializer<'n> for Reader<'n> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let Value::Scalar(Scalar { text, style }) = &self.node.value else {
            return match &self.node.value {
                Value::Null => self.placed(visitor.visit_unit()),
                Value::List(_) => self.deserialize_seq(visitor),
                Value::Map(_) | Value::Scalar(_) => self.deserialize_map(visitor),
            };
        };
        // YAML 1.2.2 §10.3, the core schema, without its octal and hexadecimal numbers.
        if matches!(style, Style::Plain | Style::Bare) {
            if let Ok(value) = text.parse::<bool>() {
                return self.placed(visitor.visit_bool(value));
            }
            if let Ok(value) = text.parse::<u64>() {
                return self.placed(visitor.visit_u64(value));
            }
            if let Ok(value) = text.parse::<i64>() {
                return self.placed(visitor.visit_i64(value));
            }
            if text.starts_with(|it: char| it.is_ascii_digit() || "+-.".contains(it))
                && let Ok(value) = text.parse::<f64>()
            {
                return self.placed(visitor.visit_f64(value));
            }
        }
        self.placed(visitor.visit_str(text))
    }

    from_unquoted! {
        deserialize_bool => visit_bool: bool;
        deserialize_i8 => visit_i64: i64;
        deserialize_i16 => visit_i64: i64;
        deserialize_i32 => visit_i64: i64;
        deserialize_i64 => visit_i64: i64;
        deserialize_u8 => visit_u64: u64;
        deserialize_u16 => visit_u64: u64;
        deserialize_u32 => visit_u64: u64;
        deserialize_u64 => visit_u64: u64;
        deserialize_f32 => visit_f64: f64;
        deserialize_f64 => visit_f64: f64;
    }

    /// A text is what stands there, whatever it looks like: `version: 2.10` is "2.10".
    fn deserialize_str<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Scalar(scalar) if scalar.style != Style::Bare => {
                self.placed(visitor.visit_str(&scalar.text))
            }
            Value::Scalar(_) | Value::Null | Value::List(_) | Value::Map(_) => self.wrong(&visitor),
        }
    }

    fn deserialize_string<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Null => visitor.visit_none(),
            Value::Scalar(_) | Value::List(_) | Value::Map(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Scalar(_) | Value::List(_) | Value::Map(_) => self.wrong(&visitor),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'n>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'n>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if let Value::Scalar(_) | Value::Map(_) = &self.node.value {
            return self.wrong(&visitor);
        }
        let reading = self.reading;
        let items = self.node.items().iter().filter(move |it| !reading.is_left_out(it));
        self.placed(visitor.visit_seq(Items { items, reading }))
    }

    fn deserialize_tuple<V: Visitor<'n>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'n>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.map(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'n>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.map(Some(fields), visitor)
    }

    /// A text names a variant without content; a map of one entry names one with it.
    fn deserialize_enum<V: Visitor<'n>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Scalar(scalar) => {
                let variant: de::value::StrDeserializer<'_, ReadError> =
                    (*scalar.text).into_deserializer();
                self.placed(visitor.visit_enum(variant))
            }
            Value::Map(fields) if fields.len() == 1 => {
                let entries =
                    Entries { known: self.node.entries(), value: None, reading: self.reading };
                let variant = de::value::MapAccessDeserializer::new(entries);
                self.placed(visitor.visit_enum(variant))
            }
            Value::Null | Value::List(_) | Value::Map(_) => self.wrong(&visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }
}

struct Items<'n, I> {
    items: I,
    reading: &'n Reading,
}

impl<'n, I: Iterator<Item = &'n Node>> de::SeqAccess<'n> for Items<'n, I> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'n>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        let Some(node) = self.items.next() else { return Ok(None) };
        let reader = Reader { node, reading: self.reading };
        reader.placed(seed.deserialize(reader)).map(Some)
    }
}

struct Entries<'n, I> {
    known: I,
    value: Option<&'n Node>,
    reading: &'n Reading,
}

impl<'n, I: Iterator<Item = (&'n str, &'n Node)>> de::MapAccess<'n> for Entries<'n, I> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'n>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        let Some((key, node)) = self.known.next() else { return Ok(None) };
        self.value = Some(node);
        let key: de::value::StrDeserializer<'_, ReadError> = key.into_deserializer();
        // A key that is not sound is a problem of the entry.
        Reader { node, reading: self.reading }.placed(seed.deserialize(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'n>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let node = self.value.take().expect("serde asks for a value after its key");
        let reader = Reader { node, reading: self.reading };
        reader.placed(seed.deserialize(reader))
    }
}
