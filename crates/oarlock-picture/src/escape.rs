//! Texts of others in pictures: whatever a title says, it stays a title.

use oarlock_model::text::escaped_line;

use crate::width::cut;

/// A text on one line of at most this many columns of a fixed-width face, with an ellipsis where it is cut. Control characters, direction marks
/// and characters that cannot be seen are written as escapes.
pub(crate) fn line(text: &str, columns_max: usize) -> String {
    cut(&escaped_line(text), columns_max)
}

/// The same for XML (Extensible Markup Language 1.0, sections 2.2 and 2.4). What XML cannot have at all is a control character, and so an
/// escape by now, or one of two that are no characters.
pub(crate) fn xml(text: &str, columns_max: usize) -> String {
    let mut out = String::new();
    for c in line(text, columns_max).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_stays_a_title() {
        assert_eq!(xml("</text><script>alert('1')</script> & \"more\"", 100), {
            "&lt;/text&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;more&quot;"
        });
        assert_eq!(xml("a\u{1b}[31m\u{202e}b\u{0}\u{FFFE}\n", 100), "a\\u{1b}[31m\\u{202e}b\\u{0}\u{FFFD}\\u{a}");
        assert_eq!(line("write the login page", 10), "write the…");
        assert_eq!(line("日本語の計画", 7), "日本語…");
        assert_eq!(line("", 5), "");
    }
}
