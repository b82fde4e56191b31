//! The meaning of a program's names: imported under other names, given several at once, or its own arguments.

use super::language::Language;
use super::reader::{ARGUMENTS_MAX, Reader};
use super::tokens::Token;
use super::values::Values;
use crate::hook::shell::word::ANY;

/// The most names that are imported of which another name is looked up.
const IMPORTS_MAX: usize = 256;

impl<'t> Reader<'t> {
    /// Gives the program its own arguments, as its language counts them.
    pub(super) fn give_arguments(&mut self, args: &[String], is_script: bool) {
        let counted = |before: usize| {
            let texts = std::iter::repeat_n(ANY.to_string(), before).chain(args.iter().cloned()).collect();
            Values { texts, is_list: true, ..Values::default() }
        };
        let (name, before) = match self.language {
            Language::Python => ("sys.argv", 1),
            Language::JavaScript => ("process.argv", 1 + usize::from(is_script)),
            Language::Php => ("argv", 1),
            Language::Lua => ("arg", 1),
            Language::Ruby | Language::Perl => ("ARGV", 0),
            Language::Elixir => return,
        };
        self.names.insert(name, counted(before));
        if self.language == Language::JavaScript {
            self.names.insert("Deno.args", counted(0));
            self.names.insert("Bun.argv", counted(2));
        }
    }

    /// Notes `import MODULE as NAME` and `from MODULE import A, B as C` of Python.
    pub(super) fn import(&mut self, at: usize) {
        let end = (at..(at + ARGUMENTS_MAX).min(self.tokens.len()))
            .find(|at| matches!(self.tokens[*at], Token::Line))
            .unwrap_or(self.tokens.len());
        let end = end.min(at + ARGUMENTS_MAX);
        let begin = match (self.name(at), self.name(at + 1), self.name(at + 2)) {
            (Some("from"), Some(module), Some("import")) => {
                for place in at + 3..end {
                    if let Token::Name(name) = &self.tokens[place] {
                        self.imported.insert((module, name));
                    }
                }
                at + 3
            }
            (Some("from"), ..) => (at..end).find(|at| self.name(*at) == Some("import")).map_or(end, |at| at + 1),
            _ => at + 1,
        };
        for place in begin..end {
            if let (Some("as"), Some(real), Some(name)) = (self.name(place), self.name(place.wrapping_sub(1)), self.name(place + 1)) {
                self.renamed.insert(name, real);
                if self.imported.len() > IMPORTS_MAX {
                    return;
                }
                let modules: Vec<&str> = self.imported.iter().filter(|(_, one)| *one == real).map(|(module, _)| *module).collect();
                self.imported.extend(modules.into_iter().map(|module| (module, name)));
            }
        }
    }

    /// Notes `import { A, B as C } from 'MODULE'`, `import NAME from 'MODULE'`, and the same with `require`, which is at a place.
    pub(super) fn import_script(&mut self, at: usize) {
        let module = match (self.name(at), self.tokens.get(at + 1), self.tokens.get(at + 2)) {
            (Some("from"), Some(Token::Text(module)), _) => module,
            (Some("require"), _, Some(Token::Text(module))) => module,
            _ => return,
        };
        let module = module.trim_start_matches("node:");
        let parts = || module.split('/').filter(|part| !part.is_empty());
        let mut place = at;
        // Back over `=`, and the text between them.
        while place > 0 && at - place < ARGUMENTS_MAX {
            place -= 1;
            match &self.tokens[place] {
                Token::Name("import" | "const" | "let" | "var") | Token::Line | Token::Sign(';' | '(') => return,
                Token::Name("as" | "await") | Token::Text(_) => {}
                Token::Name(name) => {
                    let real = match self.name(place.wrapping_sub(1)) {
                        Some("as") => self.name(place.wrapping_sub(2)),
                        _ if self.is(place.wrapping_sub(1), ':') => self.name(place.wrapping_sub(2)),
                        _ => None,
                    };
                    if let Some(real) = real {
                        self.renamed.insert(name, real);
                    }
                    self.imported.extend(parts().map(|part| (part, *name)));
                    if let Some(last) = parts().next() {
                        self.modules.insert(name, last);
                    }
                }
                _ => {}
            }
        }
    }

    /// `A, B = X, Y` and `[A, B] = LIST`: gives each name its value. Whether this is one.
    pub(super) fn unpack(&mut self, at: usize) -> bool {
        // `const [, , FILE] = …`
        let mut places: Vec<Option<&'t str>> = Vec::new();
        let (mut place, mut back) = (at, at);
        while back > 0 && self.is(back - 1, ',') && places.len() < 8 {
            back -= 1;
            places.push(None);
        }
        let begins =
            back == 0 || matches!(self.tokens[back - 1], Token::Line | Token::Sign(';' | '[') | Token::Name("const" | "let" | "var"));
        if !begins || (places.is_empty() && !self.is(at + 1, ',')) {
            return false;
        }
        while let Some(name) = self.name(place).filter(|_| places.len() < 8) {
            places.push(Some(name));
            place += 1;
            while self.is(place, ',') && self.is(place + 1, ',') {
                places.push(None);
                place += 1;
            }
            if !self.is(place, ',') {
                break;
            }
            place += 1;
        }
        while self.is(place, ']') || self.is(place, ')') {
            place += 1;
        }
        if !self.is(place, '=') || self.is(place + 1, '=') {
            return false;
        }
        self.unpacked = place;
        self.give(&places, place + 1);
        true
    }

    /// Gives names the values from a place on: one for each, or those of one list.
    pub(super) fn give(&mut self, places: &[Option<&'t str>], from: usize) {
        let mut at = from;
        let mut values: Vec<Option<Values>> = Vec::new();
        while values.len() < places.len() {
            match self.expression(at, 0) {
                Some((value, behind)) => {
                    values.push(Some(value));
                    at = behind;
                }
                None => {
                    values.push(None);
                    while at < self.tokens.len()
                        && at < from + ARGUMENTS_MAX
                        && !self.is(at, ',')
                        && !matches!(self.tokens[at], Token::Line)
                    {
                        at += 1;
                    }
                }
            }
            if !self.is(at, ',') {
                break;
            }
            at += 1;
        }
        let parts: Vec<Option<Values>> = match values.as_slice() {
            [Some(list)] if list.is_list => list.texts.iter().map(|text| Some(Values::of(text.clone()))).collect(),
            _ => values,
        };
        for (place, name) in places.iter().enumerate() {
            let Some(name) = *name else { continue };
            match parts.get(place).cloned().flatten() {
                Some(value) => drop(self.names.insert(name, value)),
                None => drop(self.names.remove(name)),
            }
        }
    }

    /// `[… for NAME in LIST]`: the expression before has the list's values, too.
    pub(super) fn comprehension(&mut self, at: usize) {
        let mut open = 0_usize;
        for place in at..(at + ARGUMENTS_MAX).min(self.tokens.len()) {
            match &self.tokens[place] {
                Token::Sign('(' | '[' | '{') => open += 1,
                Token::Sign(')' | ']' | '}') if open <= 1 => return,
                Token::Sign(')' | ']' | '}') => open -= 1,
                Token::Name("for") if open == 1 => return self.for_loop(place + 1),
                _ => {}
            }
        }
    }

    /// `… for LIST` of Perl: the expression before has the list's values in `$_`.
    pub(super) fn loop_behind(&mut self, at: usize) {
        for place in at + 1..(at + 24).min(self.tokens.len()) {
            match &self.tokens[place] {
                Token::Sign(';' | '{' | '}') => return,
                Token::Name("for" | "foreach") => {
                    if let Some((values, _)) = self.expression(place + 1, 0) {
                        self.names.insert("_", Values { is_list: false, ..values });
                    }
                    return;
                }
                _ => {}
            }
        }
    }
}
