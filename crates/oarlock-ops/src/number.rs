//! Integers that 64 bits cannot hold. A reader of JSON takes them for floating-point numbers and rounds them, so they are refused
//! where JSON comes in: nothing is changed in silence.

use oarlock_model::Rejection;
use serde_json::Value;

const HINT: &str = "write it as a text, in quotes: numbers from -9223372036854775808 to 18446744073709551615 are kept exactly";

/// Refuses an integer in JSON text that 64 bits cannot hold. `what` names the text.
///
/// # Errors
/// `invalid_request` with line and column, from 1.
pub fn check_text(what: &str, json: &str) -> Result<(), Rejection> {
    let mut rest = json.char_indices().peekable();
    let (mut line, mut line_starts) = (1, 0);
    while let Some((at, c)) = rest.next() {
        match c {
            '\n' => (line, line_starts) = (line + 1, at + 1),
            '"' => {
                while let Some((_, c)) = rest.next_if(|(_, c)| *c != '"') {
                    if c == '\\' {
                        rest.next();
                    }
                }
                rest.next();
            }
            '-' | '0'..='9' => {
                let mut end = at + 1;
                while let Some((last, _)) = rest.next_if(|(_, c)| matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')) {
                    end = last + 1;
                }
                let number = &json[at..end];
                if is_too_large(number) {
                    let column = json[line_starts..at].chars().count() + 1;
                    return Err(refused(what, number, &format!(" in line {line}, column {column},")));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether it is an integer that 64 bits cannot hold.
fn is_too_large(number: &str) -> bool {
    let is_integer = number.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    is_integer && number.len() > 1 && number.parse::<i64>().is_err() && number.parse::<u64>().is_err()
}

/// The same for JSON whose text is not at hand. A number read as floating-point without a fraction, beyond 64 bits, was
/// written as an integer, or means one.
///
/// # Errors
/// `invalid_request` with the path to the number.
pub fn check_value(what: &str, value: &Value) -> Result<(), Rejection> {
    match too_large_in(value) {
        Some((path, number)) => Err(refused(what, &number, &format!(" at {}", if path.is_empty() { "/" } else { &path }))),
        None => Ok(()),
    }
}

fn too_large_in(value: &Value) -> Option<(String, String)> {
    match value {
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().filter(|float| float.fract() == 0.0 && !(-9.3e18..1.8e19).contains(float))?;
            Some((String::new(), float.to_string()))
        }
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(n, item)| too_large_in(item).map(|(path, it)| (format!("/{n}{path}"), it)))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, item)| too_large_in(item).map(|(path, it)| (format!("/{name}{path}"), it))),
        _ => None,
    }
}

fn refused(what: &str, number: &str, place: &str) -> Rejection {
    let shown = oarlock_model::ident::shown(number);
    Rejection::invalid(format!("{what} has the integer {shown}{place} which does not fit into 64 bits"), HINT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_integers_beyond_64_bits_are_refused() {
        for fine in [
            "0",
            "-0",
            "18446744073709551615",
            "-9223372036854775808",
            "1e30",
            "12345678901234567890123.5",
            "-1.5E+300",
            r#"{"99999999999999999999": "99999999999999999999", "a\"99999999999999999999": [1, true, null]}"#,
            r#""\\""#,
            "[]",
        ] {
            serde_json::from_str::<Value>(fine).expect("JSON");
            assert_eq!(check_text("it", fine), Ok(()), "{fine}");
        }
        for (bad, place) in [
            ("18446744073709551616", "line 1, column 1,"),
            ("-9223372036854775809", "line 1, column 1,"),
            ("{\"é\": \"\\\"\",\n \"b\": [1,\n 123456789012345678901234567890]}", "line 3, column 2,"),
        ] {
            serde_json::from_str::<Value>(bad).expect("JSON");
            let error = check_text("the value", bad).expect_err(bad).to_string();
            assert!(error.contains(place) && error.starts_with("the value has the integer "), "{error}");
        }
    }

    #[test]
    fn values_without_text_are_refused_too() {
        for fine in [json!(1.5), json!(u64::MAX), json!(i64::MIN), json!({"a": [1e15, -2.0]})] {
            assert_eq!(check_value("it", &fine), Ok(()), "{fine}");
        }
        let read: Value = serde_json::from_str(r#"{"merge": {"n": [0, 123456789012345678901234567890]}}"#).expect("JSON");
        let error = check_value("the request", &read).expect_err("refused").to_string();
        assert!(error.contains(" at /merge/n/1 "), "{error}");
    }
}
