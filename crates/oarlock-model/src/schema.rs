//! JSON Schema of types whose JSON is one text.

/// The schema of a type that is written as one text: a plain `string`, where it is. Its form is checked when it is
/// read, with a message that says more than a failed `pattern`.
macro_rules! text_schema {
    ($type:ty, $name:literal) => {
        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string"})
            }
        }
    };
}

pub(crate) use text_schema;
