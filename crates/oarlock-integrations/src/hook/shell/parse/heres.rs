//! Texts that a command line announces with `<<`, and that follow it.

use std::cell::OnceCell;
use std::rc::Rc;

use super::Parser;
use crate::hook::shell::syntax::{Part, Spelled};

/// How such a text ends.
pub(super) struct Mark {
    word: String,
    /// Whether tabs at the beginning of its lines are passed over.
    strips: bool,
    /// Whether nothing in it is expanded.
    is_plain: bool,
}

impl Parser<'_> {
    /// Behind a `<<`: the text, once it has been read.
    pub(super) fn here(&mut self) -> Rc<OnceCell<Spelled>> {
        let strips = self.byte(0) == Some(b'-');
        self.at += usize::from(strips);
        self.skip_blanks();
        let rest = self.rest();
        let (mut quote, mut word, mut is_plain) = (None, String::new(), false);
        let mut length = rest.len();
        for (at, c) in rest.char_indices() {
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (None, '\'' | '"') => (quote, is_plain) = (Some(c), true),
                (None, '\\') => is_plain = true,
                (None, c) if c.is_whitespace() || ";&|()<>".contains(c) => {
                    length = at;
                    break;
                }
                (_, c) => word.push(c),
            }
        }
        self.at += length;
        let text = Rc::new(OnceCell::new());
        self.waiting.push((Rc::clone(&text), Mark { word, strips, is_plain }));
        text
    }

    /// The texts that begin with this line.
    pub(super) fn take_heres(&mut self) {
        for (text, mark) in std::mem::take(&mut self.waiting) {
            let body = self.body_until(&mark);
            let is_plain = mark.is_plain || !body.contains(['$', '`', '\\']);
            let spelled = if is_plain { vec![Part::Quoted(body)] } else { Parser::new(&body, self.depth + 1).quoted_text() };
            // Nobody else fills it.
            let _ = text.set(spelled);
        }
    }

    fn body_until(&mut self, mark: &Mark) -> String {
        let mut body = String::new();
        while !self.is_at_end() {
            let rest = self.rest();
            let (line, length) = rest.find('\n').map_or((rest, rest.len()), |end| (&rest[..end], end + 1));
            self.at += length;
            let shown = if mark.strips { line.trim_start_matches('\t') } else { line };
            if shown.trim_end_matches('\r') == mark.word {
                break;
            }
            body.push_str(shown);
            body.push('\n');
        }
        body
    }
}
