//! Patterns in JSON (as their text), and refused patterns as rejections.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Rejection;
use crate::pattern::{Pattern, PatternError};

crate::schema::text_schema!(Pattern, "pattern");

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Reads a stored value, also by older versions. Requests read theirs with [`asked`].
impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Pattern::parse_stored(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The patterns of a request, `#[serde(deserialize_with = "asked::list")]`: the strict reading, without braces.
pub mod asked {
    use super::{Deserialize, Deserializer, Pattern};

    /// A list.
    ///
    /// # Errors
    /// Something that is no pattern.
    pub fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Pattern>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| Pattern::parse(text).map_err(serde::de::Error::custom)).collect()
    }

    /// A list that may be absent.
    ///
    /// # Errors
    /// As [`list`].
    pub fn list_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Pattern>>, D::Error> {
        list(deserializer).map(Some)
    }
}

impl From<PatternError> for Rejection {
    fn from(error: PatternError) -> Self {
        Rejection::invalid(
            error.to_string(),
            "patterns are paths from the repository's root with *, **, ? and [...], for example src/**/*.rs",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::SpecChange;

    #[test]
    fn braces_of_old_logs_are_read_as_characters_and_requests_have_none() {
        let old: SpecChange = serde_json::from_str(r#"{"writes":["app/{id}/*","src"]}"#).expect("an old event");
        let texts: Vec<String> = old.writes.expect("given").iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["app/{id}/*", "src"]);
        let mut request = serde_json::Deserializer::from_str(r#"["app/{id}"]"#);
        assert!(asked::list(&mut request).is_err());
    }
}
