//! Words: quotes, variables, commands inside of words, wildcards.

use std::rc::Rc;

use super::Parser;
use crate::hook::shell::escapes;
use crate::hook::shell::syntax::{Change, Part, Spelled, Variable};
use crate::hook::shell::word::{ONE, STAR};

/// How long a class of characters in brackets may be, in bytes.
const CLASS_MAX: usize = 64;

/// How long a choice of patterns in brackets may be, in bytes.
const CHOICE_MAX: usize = 256;

/// Where a word ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// At blanks and at what separates commands.
    Word,
    /// At the `}` of a variable.
    Brace,
    /// There, or at a `/`.
    Slash,
}

fn push(parts: &mut Spelled, c: char) {
    match parts.last_mut() {
        Some(Part::Plain(text)) => text.push(c),
        _ => parts.push(Part::Plain(c.to_string())),
    }
}

fn push_quoted(parts: &mut Spelled, c: char) {
    match parts.last_mut() {
        Some(Part::Quoted(text)) => text.push(c),
        _ => parts.push(Part::Quoted(c.to_string())),
    }
}

impl Parser<'_> {
    /// The word that begins here, if one does.
    pub(super) fn word(&mut self) -> Option<Spelled> {
        let start = self.at;
        let parts = self.parts(End::Word);
        self.at = self.at.min(self.text.len());
        (self.at > start).then_some(parts)
    }

    fn char(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn parts(&mut self, end: End) -> Spelled {
        let mut parts = Spelled::new();
        while let Some(c) = self.char() {
            match c {
                c if end == End::Word && (c.is_whitespace() || ";|&)".contains(c)) => break,
                '}' if end != End::Word => break,
                '/' if end == End::Slash => break,
                '<' | '>' if end == End::Word => {
                    if self.byte(1) != Some(b'(') || !parts.is_empty() {
                        break;
                    }
                    self.at += 2;
                    let script = self.script_in_brackets();
                    parts.push(Part::Process(Rc::new(script)));
                }
                '(' if end == End::Word => break,
                '\'' => self.single_quoted(&mut parts),
                '"' => {
                    self.at += 1;
                    parts.push(Part::Quoted(String::new()));
                    self.double_quoted(&mut parts, true);
                }
                '\\' => {
                    self.at += 1;
                    if let Some(c) = self.char() {
                        self.at += c.len_utf8();
                        if c != '\n' {
                            push_quoted(&mut parts, c);
                        }
                    }
                }
                '$' | '`' => self.dollar(&mut parts, false),
                '*' | '?' | '@' | '+' | '!' if self.byte(1) == Some(b'(') && self.choice_end().is_some() => {
                    self.at = self.choice_end().unwrap_or(self.at + 1);
                    push(&mut parts, STAR);
                }
                '*' | '?' => {
                    push(&mut parts, if c == '*' { STAR } else { ONE });
                    self.at += 1;
                }
                '[' => {
                    // One of those in the brackets, or a bracket.
                    let in_brackets = self.rest().bytes().take(CLASS_MAX).position(|b| matches!(b, b']' | b'/') || b.is_ascii_whitespace());
                    let closing = in_brackets.filter(|length| *length > 1 && self.byte(*length) == Some(b']'));
                    push(&mut parts, if closing.is_some() { ONE } else { '[' });
                    self.at += closing.map_or(1, |length| length + 1);
                }
                '{' | ',' | '}' => {
                    parts.push(match c {
                        '{' => Part::Open,
                        ',' => Part::Comma,
                        _ => Part::Close,
                    });
                    self.at += 1;
                }
                c => {
                    push(&mut parts, c);
                    self.at += c.len_utf8();
                }
            }
        }
        parts
    }

    /// Behind the brackets of a choice of patterns, such as `@(a|b)`.
    fn choice_end(&self) -> Option<usize> {
        let mut open = 0;
        for (at, byte) in self.rest().bytes().enumerate().take(CHOICE_MAX) {
            match byte {
                b'(' => open += 1,
                b')' if open == 1 => return Some(self.at + at + 1),
                b')' => open -= 1,
                b'\n' => return None,
                _ => {}
            }
        }
        None
    }

    fn single_quoted(&mut self, parts: &mut Spelled) {
        self.at += 1;
        let rest = self.rest();
        let length = rest.find('\'').unwrap_or(rest.len());
        parts.push(Part::Quoted(rest[..length].to_owned()));
        self.at += length + 1;
    }

    /// To the closing quote, or to the end of a text that has none.
    fn double_quoted(&mut self, parts: &mut Spelled, ends: bool) {
        while let Some(c) = self.char() {
            match c {
                '"' if ends => {
                    self.at += 1;
                    return;
                }
                '\\' => match self.byte(1) {
                    Some(next @ (b'"' | b'\\' | b'$' | b'`')) => {
                        push_quoted(parts, char::from(next));
                        self.at += 2;
                    }
                    Some(b'\n') => self.at += 2,
                    _ => {
                        push_quoted(parts, '\\');
                        self.at += 1;
                    }
                },
                '$' | '`' => self.dollar(parts, true),
                c => {
                    push_quoted(parts, c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    /// All of the text, as it is read in double quotes.
    pub(super) fn quoted_text(mut self) -> Spelled {
        let mut parts = Spelled::new();
        if self.depth < super::DEPTH_MAX {
            self.double_quoted(&mut parts, false);
        }
        parts
    }

    /// A `$` or a backtick, which may be an ordinary character after all.
    fn dollar(&mut self, parts: &mut Spelled, is_quoted: bool) {
        let next = self.rest().get(1..).and_then(|rest| rest.chars().next());
        if self.byte(0) == Some(b'`') {
            return self.backticks(parts, is_quoted);
        }
        match next {
            Some('(') => match self.sum_end(self.at + 1) {
                Some(end) => {
                    self.at = end;
                    parts.push(Part::Unknown);
                }
                None => {
                    self.at += 2;
                    let script = self.script_in_brackets();
                    parts.push(Part::Output(Rc::new(script), is_quoted));
                }
            },
            Some('{') => {
                self.at += 2;
                let part = self.nested(|parser| Some(parser.braced(is_quoted)));
                parts.push(part.unwrap_or(Part::Unknown));
            }
            Some('\'') if !is_quoted => self.escaped_quote(parts),
            Some('"') if !is_quoted => self.at += 1,
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                self.at += 1;
                let length = self.rest().bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
                let name = self.rest()[..length].to_owned();
                self.at += length;
                parts.push(Part::Variable(Rc::new(Variable { name, index: None, change: Change::None, is_quoted })));
            }
            Some(c) if c.is_ascii_digit() || "@*?$!#-".contains(c) => {
                self.at += 2;
                let index = matches!(c, '@' | '*').then(|| c.to_string());
                parts.push(Part::Variable(Rc::new(Variable { name: c.to_string(), index, change: Change::None, is_quoted })));
            }
            _ => {
                if is_quoted {
                    push_quoted(parts, '$');
                } else {
                    push(parts, '$');
                }
                self.at += 1;
            }
        }
    }

    fn backticks(&mut self, parts: &mut Spelled, is_quoted: bool) {
        self.at += 1;
        let mut inner = String::new();
        while let Some(c) = self.char().filter(|c| *c != '`') {
            self.at += c.len_utf8();
            match (c, self.byte(0)) {
                ('\\', Some(next @ (b'`' | b'\\' | b'$'))) => {
                    inner.push(char::from(next));
                    self.at += 1;
                }
                (c, _) => inner.push(c),
            }
        }
        self.at += 1;
        let script = self.nested(|parser| Some(Parser::new(&inner, parser.depth).whole()));
        parts.push(Part::Output(Rc::new(script.unwrap_or_default()), is_quoted));
    }

    /// `$'…'`, in which a backslash begins an escape.
    fn escaped_quote(&mut self, parts: &mut Spelled) {
        self.at += 2;
        parts.push(Part::Quoted(String::new()));
        while let Some(c) = self.char().filter(|c| *c != '\'') {
            if c != '\\' {
                push_quoted(parts, c);
                self.at += c.len_utf8();
                continue;
            }
            let chars: Vec<char> = self.rest().chars().take(10).collect();
            let (c, length) = escapes::read(&chars);
            c.into_iter().for_each(|c| push_quoted(parts, c));
            self.at += chars.iter().take(length).map(|c| c.len_utf8()).sum::<usize>();
        }
        self.at += 1;
    }

    /// Behind a `${`.
    fn braced(&mut self, is_quoted: bool) -> Part {
        if self.byte(0) == Some(b'!') {
            // `${!NAME}` and `${!NAME[@]}`
            let rest = self.rest();
            let end = rest.bytes().take(128).position(|b| b == b'}').unwrap_or(0);
            let name = rest.get(..end).unwrap_or_default().to_owned();
            let plain = name.trim_end_matches("[@]").trim_end_matches("[*]");
            if super::super::word::is_name(plain.get(1..).unwrap_or_default()) {
                let index = (plain.len() < name.len()).then(|| "@".to_owned());
                self.at += end + 1;
                return Part::Variable(Rc::new(Variable { name: plain.to_owned(), index, change: Change::None, is_quoted }));
            }
        }
        if matches!(self.byte(0), Some(b'#' | b'!')) && self.byte(1) != Some(b'}') {
            self.parts(End::Brace);
            self.at += 1;
            return Part::Unknown;
        }
        let rest = self.rest();
        let word = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        let length = if word == 0 { self.char().map_or(0, char::len_utf8) } else { word };
        let name = rest[..length].to_owned();
        self.at += length;
        let mut index = matches!(name.as_str(), "@" | "*").then(|| name.clone());
        if self.byte(0) == Some(b'[') {
            let end = self.rest().bytes().take(CLASS_MAX).position(|b| b == b']').unwrap_or(1);
            index = self.rest().get(1..end).map(str::to_owned);
            self.at = (self.at + end + 1).min(self.text.len());
            while !self.text.is_char_boundary(self.at) {
                self.at += 1;
            }
        }
        let change = self.change();
        // Whatever was not understood.
        self.parts(End::Brace);
        self.at += 1;
        Part::Variable(Rc::new(Variable { name, index, change, is_quoted }))
    }

    fn change(&mut self) -> Change {
        let begins = |sign: &str| self.rest().starts_with(sign);
        let (length, kind) = match () {
            () if begins("}") => return Change::None,
            () if begins(":-") || begins(":=") => (2, '-'),
            () if begins("-") || begins("=") => (1, '-'),
            () if begins(":+") => (2, '+'),
            () if begins("+") => (1, '+'),
            () if begins(":?") || begins("?") => (1, '?'),
            () if begins("##") => (2, 'S'),
            () if begins("#") => (1, 's'),
            () if begins("%%") => (2, 'E'),
            () if begins("%") => (1, 'e'),
            () if begins("//") => (2, 'R'),
            () if begins("/") => (1, 'r'),
            () if begins(":") => {
                let rest = self.rest()[1..].trim_start();
                let end = rest.bytes().position(|b| b == b'}').unwrap_or(0);
                let (from, length) = rest[..end].split_once(':').map_or((&rest[..end], None), |(from, length)| (from, Some(length)));
                let length = length.map(|length| length.trim().parse::<usize>());
                return match (from.trim().parse(), length) {
                    (Ok(from), None) => Change::Slice(from, None),
                    (Ok(from), Some(Ok(length))) => Change::Slice(from, Some(length)),
                    _ => Change::Unknown,
                };
            }
            () => (0, ' '),
        };
        self.at += length;
        match kind {
            '-' => Change::Default(self.parts(End::Brace)),
            '+' => Change::Instead(self.parts(End::Brace)),
            '?' => {
                self.parts(End::Brace);
                Change::None
            }
            's' | 'S' => Change::CutStart(self.parts(End::Brace), kind == 'S'),
            'e' | 'E' => Change::CutEnd(self.parts(End::Brace), kind == 'E'),
            'r' | 'R' => {
                let from = self.parts(End::Slash);
                let has_other = self.byte(0) == Some(b'/');
                self.at += usize::from(has_other);
                let to = if has_other { self.parts(End::Brace) } else { Spelled::new() };
                Change::Replace(from, to, kind == 'R')
            }
            _ => Change::Unknown,
        }
    }
}
