//! Words as their shell expands them: braces, variables, the output of commands, and what only the run decides.

use std::rc::Rc;

use super::Shell;
use super::syntax::{Change, Part, Spelled, Variable};
use super::word::{ANY, ONE, STAR, is_open};

/// The most words that are made of one by braces; of more, those with braces stay as they are.
const WORDS_MAX: usize = 64;

/// The most parts of a word whose braces are looked at.
const PARTS_MAX: usize = 256;

/// The longest value of which a part is cut off by a pattern, in bytes.
const CUT_BYTES_MAX: usize = 512;

/// The most values that a variable may have, of which only the run decides which one it is.
pub(super) const CHOICES_MAX: usize = 4;

/// The value of a variable: one list of values, or several of which only the run decides which.
pub(super) type Value = Vec<Vec<String>>;

impl Shell<'_> {
    /// The words that one means.
    pub(super) fn expand(&mut self, word: &Spelled) -> Vec<String> {
        let mut fields = Vec::new();
        // Of many parts, looking for braces again and again takes time.
        if !self.spend(word.len() * 8) {
            return fields;
        }
        for parts in braces(word) {
            self.fields(&parts, &mut fields);
        }
        fields
    }

    /// The value of a word where it is not split.
    pub(super) fn expand_whole(&mut self, word: &Spelled) -> String {
        let mut fields = Vec::new();
        self.fields(word, &mut fields);
        fields.join(" ")
    }

    /// The text of a here-document: nothing in it is split.
    pub(super) fn expand_text(&mut self, word: &Spelled) -> String {
        word.iter().fold(String::new(), |mut text, part| {
            match part {
                Part::Plain(plain) | Part::Quoted(plain) => text.push_str(plain),
                Part::Variable(variable) => text.push_str(&self.variable(variable).join(" ")),
                Part::Output(script, _) => text.push_str(&self.output_of(script)),
                _ => text.push(ANY),
            }
            text
        })
    }

    fn fields(&mut self, parts: &[Part], fields: &mut Vec<String>) {
        let mut now: Option<String> = None;
        for (at, part) in parts.iter().enumerate() {
            match part {
                Part::Plain(text) => {
                    let text = if at == 0 { self.with_home(text) } else { text.clone() };
                    now.get_or_insert_default().push_str(&text);
                }
                Part::Quoted(text) => now.get_or_insert_default().push_str(text),
                Part::Open => now.get_or_insert_default().push('{'),
                Part::Comma => now.get_or_insert_default().push(','),
                Part::Close => now.get_or_insert_default().push('}'),
                Part::Unknown => now.get_or_insert_default().push(ANY),
                Part::Process(script) => {
                    let name = self.process(script);
                    now.get_or_insert_default().push_str(&name);
                }
                Part::Output(script, true) => {
                    let text = self.output_of(script);
                    now.get_or_insert_default().push_str(&text);
                }
                Part::Output(script, false) => {
                    let text = self.output_of(script);
                    split(&text, &mut now, fields);
                }
                Part::Variable(variable) => {
                    let values = self.variable(variable);
                    if !variable.is_quoted {
                        let texts: Vec<String> = values.iter().map(|value| opened(value)).collect();
                        split(&texts.join(" "), &mut now, fields);
                    } else if variable.index.as_deref() == Some("@") {
                        for (at, value) in values.into_iter().enumerate() {
                            fields.extend(if at > 0 { now.take() } else { None });
                            now.get_or_insert_default().push_str(&value);
                        }
                    } else {
                        now.get_or_insert_default().push_str(&values.join(" "));
                    }
                }
            }
        }
        if let Some(last) = now {
            self.spend(last.len());
            fields.push(last);
        }
    }

    fn with_home(&self, text: &str) -> String {
        if let Some(rest) = text.strip_prefix("~+").filter(|rest| rest.is_empty() || rest.starts_with('/')) {
            return self.here_absolute().map_or_else(|| text.to_owned(), |here| format!("{here}{rest}"));
        }
        // `~ada` is the home of a user of that name.
        let own = self.around.home.and_then(|home| home.trim_end_matches('/').rsplit('/').next());
        let text = match own.and_then(|own| text.strip_prefix('~')?.strip_prefix(own)) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("~{rest}"),
            _ => text.to_owned(),
        };
        match (text.strip_prefix('~'), self.around.home) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => format!("{}{rest}", home.trim_end_matches('/')),
            _ => text,
        }
    }

    /// The values of a variable, changed as it is spelled.
    fn variable(&mut self, variable: &Variable) -> Vec<String> {
        let unknown = || vec![ANY.to_string()];
        let values = self.values_of(variable);
        let is_set = values.as_ref().is_some_and(|values| values.iter().any(|value| !value.is_empty()));
        let values = match &variable.change {
            Change::Default(other) if !is_set => vec![self.expand_whole(other)],
            Change::Default(_) | Change::None => values.unwrap_or_else(unknown),
            Change::Instead(other) if is_set => vec![self.expand_whole(other)],
            Change::Instead(_) | Change::Unknown => unknown(),
            Change::Slice(from, length) => {
                let values = values.unwrap_or_else(unknown);
                let of_args = matches!(variable.name.as_str(), "@" | "*");
                let length = length.unwrap_or(usize::MAX);
                match variable.index.as_deref() {
                    Some("@" | "*") => values.into_iter().skip(from.saturating_sub(usize::from(of_args))).take(length).collect(),
                    _ if values.iter().any(|value| value.contains(is_open)) => unknown(),
                    _ => values.iter().map(|value| value.chars().skip(*from).take(length).collect()).collect(),
                }
            }
            Change::CutStart(pattern, most) => {
                let pattern = self.expand_whole(pattern);
                values.unwrap_or_else(unknown).iter().map(|value| cut_start(value, &pattern, *most)).collect()
            }
            Change::CutEnd(pattern, most) => {
                let pattern = self.expand_whole(pattern);
                values.unwrap_or_else(unknown).iter().map(|value| cut_end(value, &pattern, *most)).collect()
            }
            Change::Replace(from, to, all) => {
                let (from, to) = (self.expand_whole(from), self.expand_whole(to));
                let is_plain = !from.is_empty() && !from.contains(is_open) && !from.starts_with(['#', '%']);
                let put = |value: &String| match is_plain {
                    true if *all => value.replace(&from, &to),
                    true => value.replacen(&from, &to, 1),
                    false => ANY.to_string(),
                };
                values.unwrap_or_else(unknown).iter().map(put).collect()
            }
        };
        match self.spend(values.iter().map(String::len).sum()) {
            true => values,
            false => unknown(),
        }
    }

    /// The values of a variable; nothing where the text does not say.
    fn values_of(&mut self, variable: &Variable) -> Option<Vec<String>> {
        let one = |text: Option<String>| text.map(|text| vec![text]);
        let all = match variable.name.as_str() {
            // The value of the variable that it names, or the keys of an array.
            name if name.len() > 1 && name.starts_with('!') => {
                let keys = self.state.values.get(name).and_then(|choices| choices.first()).cloned();
                match (keys, variable.index.is_some()) {
                    (keys, true) => keys,
                    _ => {
                        let named = self.state.values.get(&name[1..])?.first()?.first()?.clone();
                        self.state.values.get(&named)?.first().cloned()
                    }
                }
            }
            "PWD" if !self.state.values.contains_key("PWD") => one(self.here_absolute()),
            "OLDPWD" => one(self.state.before.as_deref().and_then(|dir| self.absolute(dir))),
            "@" | "*" => self.state.args.as_ref().map(|args| args.to_vec()),
            name if name != "0" && name.bytes().all(|b| b.is_ascii_digit()) => {
                let at: usize = name.parse().ok()?;
                let args = self.state.args.as_ref()?;
                Some(vec![args.get(at - 1).cloned().unwrap_or_default()])
            }
            name => match self.state.values.get(name) {
                Some(choices) => {
                    self.picks = self.picks.max(choices.len());
                    choices.get(self.pick.min(choices.len().saturating_sub(1))).cloned()
                }
                None => one(self.around.variable(name)),
            },
        }?;
        match variable.index.as_deref() {
            Some("@" | "*") => Some(all),
            None if !matches!(variable.name.as_str(), "@" | "*") => Some(vec![all.first().cloned().unwrap_or_default()]),
            None => Some(all),
            Some(index) => match index.parse::<usize>() {
                Ok(at) => Some(vec![all.get(at).cloned().unwrap_or_default()]),
                // Any of them.
                Err(_) => Some(all),
            },
        }
    }

    /// The name of a `<(…)` or `>(…)`, with its output in it.
    fn process(&mut self, script: &Rc<super::syntax::Script>) -> String {
        let name = format!("/dev/fd/oarlock-{}", self.files.len());
        let text = self.captured(script);
        if let Some(text) = text {
            self.files.insert(name.clone(), text.into());
        }
        name
    }

    /// The output of commands, without the line ends behind it.
    fn output_of(&mut self, script: &Rc<super::syntax::Script>) -> String {
        let mut text = self.captured(script).unwrap_or_else(|| ANY.to_string());
        text.truncate(text.trim_end_matches('\n').len());
        text
    }
}

/// Text that is split at blanks into words.
fn split(text: &str, now: &mut Option<String>, fields: &mut Vec<String>) {
    let mut is_first = true;
    if text.starts_with(char::is_whitespace) {
        fields.extend(now.take());
    }
    for piece in text.split_whitespace() {
        if !is_first {
            fields.extend(now.take());
        }
        now.get_or_insert_default().push_str(piece);
        is_first = false;
    }
    if !is_first && text.ends_with(char::is_whitespace) {
        fields.extend(now.take());
    }
}

/// A value outside of quotes: its wildcards are some.
fn opened(value: &str) -> String {
    if !value.contains(['*', '?', '[']) {
        return value.to_owned();
    }
    value
        .chars()
        .map(|c| {
            if c == '*' {
                STAR
            } else if c == '?' {
                ONE
            } else {
                c
            }
        })
        .collect()
}

/// The words that braces make of one.
fn braces(word: &Spelled) -> Vec<Spelled> {
    let whole = || vec![word.clone()];
    if word.len() > PARTS_MAX || !word.iter().any(|part| matches!(part, Part::Open)) {
        return whole();
    }
    let mut words = vec![word.clone()];
    // Braces before this part of each word are no choices.
    let mut from = 0;
    while words.len() <= WORDS_MAX {
        let Some((at, start, end, commas)) = words.iter().enumerate().find_map(|(at, word)| {
            let (start, end, commas) = first_choice(word, if words.len() == 1 { from } else { 0 })?;
            Some((at, start, end, commas))
        }) else {
            return words;
        };
        let word = words[at].clone();
        let inner = match commas.as_slice() {
            [] => match range(&word[start + 1..end]) {
                Some(range) => range,
                None => {
                    // It stays as it is.
                    words[at][start] = Part::Quoted("{".into());
                    words[at][end] = Part::Quoted("}".into());
                    from = 0;
                    continue;
                }
            },
            commas => {
                let bounds: Vec<usize> = [start].into_iter().chain(commas.iter().copied()).chain([end]).collect();
                bounds.windows(2).map(|pair| word[pair[0] + 1..pair[1]].to_vec()).collect()
            }
        };
        let made = inner.into_iter().map(|inner| [&word[..start], &inner, &word[end + 1..]].concat());
        words.splice(at..=at, made);
    }
    whole()
}

/// The first braces that close: where they begin, end, and have commas.
fn first_choice(word: &[Part], from: usize) -> Option<(usize, usize, Vec<usize>)> {
    let mut open: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut found: Option<(usize, usize, Vec<usize>)> = None;
    for (at, part) in word.iter().enumerate().skip(from) {
        match part {
            Part::Open => open.push((at, Vec::new())),
            Part::Comma => {
                if let Some((_, commas)) = open.last_mut() {
                    commas.push(at);
                }
            }
            Part::Close => {
                if let Some((start, commas)) = open.pop() {
                    // The outermost of those that begin first.
                    if found.as_ref().is_none_or(|(first, ..)| start < *first) {
                        found = Some((start, at, commas));
                    }
                    if open.is_empty() {
                        return found;
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// `1..3` and `a..c`.
fn range(inner: &[Part]) -> Option<Vec<Spelled>> {
    let [Part::Plain(text)] = inner else { return None };
    let (from, to) = text.split_once("..")?;
    let numbers: Vec<i64> = match (from.parse::<i64>(), to.parse::<i64>()) {
        (Ok(from), Ok(to)) => (from.min(to)..=from.max(to)).take(WORDS_MAX).collect(),
        _ => {
            let (mut from, mut to) = (from.chars(), to.chars());
            let (Some(first), Some(last), None, None) = (from.next(), to.next(), from.next(), to.next()) else { return None };
            let is_letter = first.is_ascii_alphabetic() && last.is_ascii_alphabetic();
            let letters = (first.min(last)..=first.max(last)).take(WORDS_MAX);
            return is_letter.then(|| letters.map(|c| vec![Part::Plain(c.to_string())]).collect());
        }
    };
    let width = if from.starts_with('0') && from.len() > 1 { from.len() } else { 0 };
    Some(numbers.iter().map(|number| vec![Part::Plain(format!("{number:0width$}"))]).collect())
}

/// A value without what a pattern matches at its beginning.
fn cut_start(value: &str, pattern: &str, most: bool) -> String {
    if !pattern.contains(is_open) {
        return value.strip_prefix(pattern).unwrap_or(value).to_owned();
    }
    if value.len() > CUT_BYTES_MAX || pattern.len() > CUT_BYTES_MAX {
        return ANY.to_string();
    }
    let mut ends = value.char_indices().map(|(at, _)| at).chain([value.len()]).filter(|end| matches(pattern, &value[..*end]));
    let end = if most { ends.next_back() } else { ends.next() };
    value[end.unwrap_or(0)..].to_owned()
}

/// A value without what a pattern matches at its end.
fn cut_end(value: &str, pattern: &str, most: bool) -> String {
    if !pattern.contains(is_open) {
        return value.strip_suffix(pattern).unwrap_or(value).to_owned();
    }
    if value.len() > CUT_BYTES_MAX || pattern.len() > CUT_BYTES_MAX {
        return ANY.to_string();
    }
    let mut starts = value.char_indices().map(|(at, _)| at).chain([value.len()]).filter(|start| matches(pattern, &value[*start..]));
    let start = if most { starts.next() } else { starts.next_back() };
    value[..start.unwrap_or(value.len())].to_owned()
}

/// Whether a pattern of the shell matches a whole text.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut back) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(&(STAR | ANY)) => {
                back = Some((p, t));
                p += 1;
            }
            Some(c) if *c == ONE || *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match back {
                Some((star, from)) => {
                    (p, t) = (star + 1, from + 1);
                    back = Some((star, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| matches!(*c, STAR | ANY))
}
