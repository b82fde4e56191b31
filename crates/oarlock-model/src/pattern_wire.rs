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

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Pattern::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
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
