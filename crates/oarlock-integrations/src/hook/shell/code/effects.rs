//! The effects of calls: the files that they write, and the commands that they run.

use super::calls::Effect;
use super::language::Language;
use super::reader::{ARGUMENTS_MAX, Reader};
use super::tokens::Token;
use super::values::{Values, join_paths};
use crate::hook::Written;
use crate::hook::shell::paths::moved;
use crate::hook::shell::word::{ANY, Word};

impl Reader<'_> {
    /// A call of the name at this place.
    pub(super) fn call(&mut self, at: usize, effect: Effect, is_qualified: bool) {
        let has_brackets = self.is(at + 1, '(');
        if !has_brackets && !matches!(self.language, Language::Ruby | Language::Perl | Language::Elixir) {
            return;
        }
        let is_method = at > 0 && (self.is(at - 1, '.') || self.is(at - 1, '>'));
        if matches!(effect, Effect::Itself | Effect::RemovesItself | Effect::Moves) {
            let Some(itself) = self.receiver(at) else { return };
            if effect == Effect::Moves && !itself.is_path {
                return;
            }
            if effect == Effect::Itself {
                self.write(&itself)
            } else {
                self.remove(&itself)
            }
            if effect == Effect::Moves {
                let args = self.arguments(at + 2);
                args.first().and_then(|arg| arg.1.clone()).into_iter().for_each(|to| self.write(&to));
            }
            return;
        }
        let args = self.arguments(at + 1 + usize::from(has_brackets));
        let plain: Vec<Option<Values>> = args.iter().filter(|(name, _)| name.is_none()).map(|(_, value)| value.clone()).collect();
        let named = |names: &[&str]| {
            args.iter().find(|(name, _)| name.is_some_and(|name| names.contains(&name))).and_then(|(_, value)| value.clone())
        };
        let arg = |at: usize| plain.get(at).cloned().flatten();
        match effect {
            Effect::First => {
                let names = ["path", "path_or_buf", "fname", "filename", "fp", "base_name", "file"];
                arg(0).or_else(|| named(&names)).into_iter().for_each(|file| self.write(&file));
            }
            Effect::All => plain.into_iter().flatten().for_each(|file| self.write(&file)),
            Effect::Last => plain.into_iter().next_back().flatten().into_iter().for_each(|file| self.write(&file)),
            Effect::Executes => self.run(&[arg(1).or_else(|| arg(0))], at),
            Effect::InDir => named(&["dir"]).into_iter().for_each(|dir| self.write(&dir.map(|dir| join_paths(dir, "some-file")))),
            Effect::Flags => {
                let end = (at..(at + 40).min(self.tokens.len())).find(|at| self.is(*at, ')')).unwrap_or(at);
                let flags = |at: usize| matches!(self.name(at), Some("O_WRONLY" | "O_RDWR" | "O_CREAT" | "O_APPEND" | "O_TRUNC"));
                arg(0).filter(|_| (at..end).any(flags)).into_iter().for_each(|file| self.write(&file));
            }
            Effect::Connects => {
                let says = |token: &Token<'_>| matches!(token, Token::Text(text) if super::databases::changes(text));
                let changes = *self.changes.get_or_insert_with(|| self.tokens.iter().any(says));
                arg(0).filter(|_| changes).into_iter().for_each(|file| self.write(&file));
            }
            Effect::Second => {
                arg(1).or_else(|| named(&["dst", "f", "filename", "extract_dir"])).into_iter().for_each(|file| self.write(&file))
            }
            Effect::Both => {
                arg(0).or_else(|| named(&["src"])).into_iter().for_each(|from| self.remove(&from));
                arg(1).or_else(|| named(&["dst"])).into_iter().for_each(|to| self.write(&to));
            }
            Effect::Removes => arg(0).or_else(|| named(&["path"])).into_iter().for_each(|file| self.remove(&file)),
            Effect::RemovesAll => {
                let itself = self.names.get("_").cloned().filter(|_| plain.iter().all(Option::is_none));
                plain.into_iter().chain([itself]).flatten().for_each(|file| self.remove(&file));
            }
            Effect::Opens => {
                // `Path(…).open("w")` is called on what it opens.
                let on_itself = is_method && !is_qualified && self.language == Language::Python;
                let itself = if on_itself { self.receiver(at) } else { None };
                let (file, mode) = match itself {
                    Some(itself) if itself.is_path => (Some(itself), arg(0)),
                    // The first is a handle.
                    _ if self.language == Language::Perl => match (arg(1), arg(2)) {
                        (mode, Some(file)) => (Some(file), mode),
                        (Some(both), None) => {
                            let file = both.texts.first().map(|text| text.trim_start_matches(['+', '>', '<', ' ']).to_owned());
                            (file.map(Values::of), Some(both))
                        }
                        _ => (None, None),
                    },
                    _ => (arg(0).or_else(|| named(&["file", "name"])), arg(1).or_else(|| named(&["mode"]))),
                };
                let signs: &[char] = if self.language == Language::Perl { &['>', '+'] } else { &['w', 'a', 'x', '+'] };
                let writes = mode.is_some_and(|mode| mode.texts.iter().any(|mode| mode.len() < 200 && mode.contains(signs)));
                file.filter(|_| writes).into_iter().for_each(|file| self.write(&file));
            }
            Effect::Runs => self.run(&plain, at),
            Effect::InPlace => {
                let is_in_place = args.iter().any(|(name, _)| *name == Some("inplace"));
                arg(0).or_else(|| named(&["files"])).filter(|_| is_in_place).into_iter().for_each(|file| self.write(&file));
            }
            Effect::Goes => {
                let to = arg(0).filter(|to| to.texts.len() == 1).map(|to| to.texts[0].clone());
                self.dir = to.and_then(|to| Some(join_paths(self.dir.as_deref()?, &to)));
            }
            Effect::Itself | Effect::RemovesItself | Effect::Moves => {}
        }
    }

    /// Runs a command. Where the call at this place says so, it runs in another directory, or has its arguments in a field.
    pub(super) fn run(&mut self, args: &[Option<Values>], at: usize) {
        let Some(Some(first)) = args.first() else { return };
        let end = (at + ARGUMENTS_MAX).min(self.tokens.len());
        let field = |wanted: &str| {
            let mut open = 0_usize;
            for place in at + 1..end {
                match self.tokens[place] {
                    Token::Sign('(' | '[' | '{') => open += 1,
                    Token::Sign(')' | ']' | '}') if open <= 1 => return None,
                    Token::Sign(')' | ']' | '}') => open -= 1,
                    Token::Name(name) if name == wanted && (self.is(place + 1, ':') || self.is(place + 1, '=')) => {
                        return self.expression(place + 2, 0).map(|(values, _)| values);
                    }
                    _ => {}
                }
            }
            None
        };
        let dir = match field("cwd").map(|dir| dir.texts) {
            Some(dirs) => dirs.first().and_then(|dir| Some(join_paths(self.dir.as_deref()?, dir))),
            None => self.dir.clone(),
        };
        let more = field("args");
        let quoted = |texts: &[String]| {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            crate::hook::shell::quoted(&texts)
        };
        let command = match args.get(1) {
            _ if first.is_list => quoted(&first.texts),
            _ if more.as_ref().is_some_and(|more| more.is_list) => {
                quoted(&[first.texts.clone(), more.map_or(Vec::new(), |more| more.texts)].concat())
            }
            Some(Some(more)) if more.is_list && !more.is_table => quoted(&[first.texts.clone(), more.texts.clone()].concat()),
            // `system("rm", FILE)`
            Some(Some(_)) if matches!(self.language, Language::Ruby | Language::Perl) => {
                let words = args.iter().map(|arg| arg.as_ref().and_then(|arg| arg.texts.first()).map_or(ANY.to_string(), String::clone));
                quoted(&words.collect::<Vec<_>>())
            }
            _ => first.texts.join("\n"),
        };
        let command = match dir.as_deref() {
            Some("") => command,
            Some(dir) => format!("cd {} && {command}", quoted(&[dir.to_owned()])),
            None => return,
        };
        self.found.commands.push(command);
    }

    fn write(&mut self, values: &Values) {
        let written = self.written(values);
        self.found.written.extend(written);
    }

    /// The names themselves are taken away, whatever a link among them leads to.
    fn remove(&mut self, values: &Values) {
        let written = self.written(values);
        self.found.written.extend(written.into_iter().map(Written::entry));
    }

    fn written(&self, values: &Values) -> Vec<Written> {
        let Some(dir) = &self.dir else { return Vec::new() };
        let files = values.texts.iter().map(Word::of).filter(|word| !word.text.contains('\n') && word.text.len() < 4_096);
        moved(dir, files.filter_map(|word| word.as_tree()).collect())
    }
}
