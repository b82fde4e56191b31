//! The tokens of programs: names, strings and signs. Only as much is read as distinguishes strings, comments and code.

use super::language::Language;
use crate::hook::shell::word::{ANY, STAR};

/// Marks the beginning and the end of a name in a text whose value the text has there.
pub(super) const INSERTED: char = '\u{FDD4}';

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    Name(&'t str),
    /// Its text, with [`ANY`] for what only the run decides, and a name that it inserts between two [`INSERTED`].
    Text(String),
    Sign(char),
    /// The end of a line.
    Line,
}

/// The tokens of a text.
pub(super) fn tokens(language: Language, text: &str) -> Vec<Token<'_>> {
    let mut reader = Reader { language, text, at: 0, out: Vec::new() };
    reader.all();
    reader.out
}

struct Reader<'t> {
    language: Language,
    text: &'t str,
    at: usize,
    out: Vec<Token<'t>>,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// A list of words without quotes: `%w[a b]`, `qw(a b)`.
    fn words(&mut self, begin: usize) {
        let rest = self.rest();
        let closing = match rest.as_bytes().get(begin - 1) {
            Some(b'[') => ']',
            Some(b'(') => ')',
            _ => '/',
        };
        let end = rest.get(begin..).and_then(|rest| rest.find(closing)).unwrap_or(0);
        self.out.push(Token::Sign('['));
        for word in rest.get(begin..begin + end).unwrap_or_default().split_whitespace() {
            self.out.push(Token::Text(word.to_owned()));
            self.out.push(Token::Sign(','));
        }
        self.out.push(Token::Sign(']'));
        self.at += (begin + end + 1).min(rest.len());
    }

    /// Reads a literal that runs as a command, as an argument of `system` does: it begins after `begin` bytes and ends at `closing`.
    fn command(&mut self, begin: usize, closing: char) {
        let rest = self.rest();
        let behind = rest.get(begin..).unwrap_or_default();
        let end = behind.find(closing).unwrap_or(behind.len());
        let text = behind[..end].to_owned();
        self.out.extend([Token::Name("system"), Token::Sign('('), Token::Text(text), Token::Sign(')')]);
        self.at = (self.at + begin + end + closing.len_utf8()).min(self.text.len());
    }

    /// `qx(…)`, `%x{…}`
    fn command_between(&mut self, begin: usize) {
        match self.rest().get(begin..).and_then(|behind| behind.chars().next()) {
            Some('(') => self.command(begin + 1, ')'),
            Some('{') => self.command(begin + 1, '}'),
            Some('[') => self.command(begin + 1, ']'),
            Some(c @ ('/' | '!' | '|')) => self.command(begin + 1, c),
            _ => {
                self.out.push(Token::Sign('%'));
                self.at += 1;
            }
        }
    }

    /// `<src/*.txt>` of Perl: the names of files. Whether there is one here.
    fn glob(&mut self) -> bool {
        let rest = self.rest();
        let end = rest.bytes().take(200).position(|b| b == b'>' || b.is_ascii_whitespace()).filter(|end| rest.as_bytes()[*end] == b'>');
        let Some(pattern) = end.and_then(|end| rest.get(1..end)).filter(|pattern| pattern.contains(['*', '/', '.'])) else { return false };
        self.out.push(Token::Text(pattern.replace('*', &STAR.to_string())));
        self.at += pattern.len() + 2;
        true
    }

    fn skip_line(&mut self) {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    fn all(&mut self) {
        use Language::{Elixir, JavaScript, Lua, Perl, Php, Python, Ruby};
        while let Some(c) = self.rest().chars().next() {
            let rest = self.rest();
            match c {
                '\n' => {
                    self.out.push(Token::Line);
                    self.at += 1;
                }
                c if c.is_whitespace() => self.at += c.len_utf8(),
                '#' if !matches!(self.language, JavaScript | Lua) => self.skip_line(),
                '-' if self.language == Lua && rest.starts_with("--") => self.skip_line(),
                '[' if self.language == Lua && rest.starts_with("[[") => {
                    let end = rest.find("]]").unwrap_or(rest.len());
                    self.out.push(Token::Text(rest[2..end.max(2)].to_owned()));
                    self.at = (self.at + end + 2).min(self.text.len());
                }
                // `File.write!`
                '!' if self.language == Elixir && rest.starts_with("!(") => self.at += 1,
                '/' if matches!(self.language, JavaScript | Php) && rest.starts_with("//") => self.skip_line(),
                '/' if matches!(self.language, JavaScript | Php) && rest.starts_with("/*") => {
                    self.at += rest.find("*/").map_or(rest.len(), |end| end + 2);
                }
                '/' if self.language == JavaScript && self.begins_pattern() => self.pattern(),
                '%' if self.language == Ruby && (rest.starts_with("%w[") || rest.starts_with("%w(")) => self.words(3),
                'q' if self.language == Perl && (rest.starts_with("qw(") || rest.starts_with("qw/") || rest.starts_with("qw[")) => {
                    self.words(3)
                }
                '"' | '\'' => self.string(false),
                '`' if self.language == JavaScript => self.string(false),
                '`' if matches!(self.language, Perl | Php | Ruby) => self.command(1, '`'),
                'q' if self.language == Perl && rest.starts_with("qx") => self.command_between(2),
                '%' if self.language == Ruby && rest.starts_with("%x") => self.command_between(2),
                '<' if self.language == Perl && self.glob() => {}
                '$' | '@' if matches!(self.language, Perl | Php | Ruby) => self.at += 1,
                c if c.is_alphabetic() || c == '_' => {
                    let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                    let name = &rest[..length];
                    let is_prefix = self.language == Python && length <= 2 && name.chars().all(|c| "rbfuRBFU".contains(c));
                    self.at += length;
                    if is_prefix && self.rest().starts_with(['"', '\'']) {
                        self.string(name.to_ascii_lowercase().contains('f'));
                    } else {
                        self.out.push(Token::Name(name));
                    }
                }
                c => {
                    self.out.push(Token::Sign(c));
                    self.at += c.len_utf8();
                }
            }
        }
    }

    /// Whether a `/` begins a pattern, and divides nothing.
    fn begins_pattern(&self) -> bool {
        matches!(
            self.out.last(),
            None | Some(Token::Sign('(' | ',' | '=' | ':' | '[' | '!' | '&' | '|' | '?' | '{' | '}' | ';') | Token::Line)
        )
    }

    fn pattern(&mut self) {
        let rest = self.rest();
        let (mut escaped, mut in_class) = (false, false);
        for (at, c) in rest.char_indices().skip(1) {
            match c {
                '\n' => break,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '[' => in_class = true,
                ']' => in_class = false,
                '/' if !in_class => {
                    self.at += at + 1;
                    return;
                }
                _ => {}
            }
        }
        self.at += 1;
    }

    /// A string, and what it is put together with.
    fn string(&mut self, is_format: bool) {
        use Language::{JavaScript, Perl, Php, Ruby};
        let rest = self.rest();
        let quote = rest.chars().next().unwrap_or('"');
        let triple = [quote; 3].iter().collect::<String>();
        let end: &str = if self.language == Language::Python && rest.starts_with(&triple) { &triple } else { &triple[..quote.len_utf8()] };
        self.at += end.len();
        let mut out = String::new();
        while let Some(c) = self.rest().chars().next() {
            let rest = self.rest();
            if rest.starts_with(end) {
                self.at += end.len();
                break;
            }
            // A string that does not end with its line is none.
            if c == '\n' && end.len() == 1 && matches!(self.language, Language::Python | JavaScript) && quote != '`' {
                break;
            }
            let inserts = match self.language {
                Language::Python => is_format && c == '{' && !rest.starts_with("{{"),
                JavaScript => quote == '`' && rest.starts_with("${"),
                Ruby | Language::Elixir => quote == '"' && rest.starts_with("#{"),
                Language::Lua => false,
                Perl | Php => quote == '"' && c == '$',
            };
            if inserts {
                let length = match rest.find('{').filter(|at| *at < 2) {
                    Some(open) => rest.get(open..).and_then(|inner| inner.find('}')).map_or(rest.len(), |end| open + end + 1),
                    None => rest.char_indices().skip(1).find(|(_, c)| !c.is_alphanumeric() && *c != '_').map_or(rest.len(), |(at, _)| at),
                };
                let length = length.max(1);
                let name = rest.get(..length).unwrap_or_default().trim_matches(|c| matches!(c, '$' | '#' | '{' | '}' | ' '));
                match name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.is_empty() {
                    true => out.extend([INSERTED.to_string(), name.to_owned(), INSERTED.to_string()]),
                    false => out.push(ANY),
                }
                self.at += length;
                continue;
            }
            if c == '\\' {
                let next = rest.chars().nth(1);
                self.at += 1 + next.map_or(0, char::len_utf8);
                match next {
                    Some('n') => out.push('\n'),
                    Some('t') => out.push('\t'),
                    Some('\n') | None => {}
                    Some(c) => out.push(c),
                }
                continue;
            }
            out.push(c);
            self.at += c.len_utf8();
        }
        // Strings side by side are one.
        match self.out.last_mut() {
            Some(Token::Text(before)) if self.language == Language::Python => before.push_str(&out),
            _ => self.out.push(Token::Text(out)),
        }
    }
}
