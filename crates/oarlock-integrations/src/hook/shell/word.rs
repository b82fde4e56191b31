//! Words of a command after their expansion, as far as a text reports them.

use crate::hook::Written;

/// Means text that only the run decides; it may have slashes in it.
pub(super) const ANY: char = '\u{FDD1}';

/// A `*` that is a wildcard; two of them are a `**`.
pub(super) const STAR: char = '\u{FDD2}';

/// A `?` or a class in brackets.
pub(super) const ONE: char = '\u{FDD3}';

/// Whether a character means something that only the run decides. A text has none of them before it is read.
pub(super) fn is_open(c: char) -> bool {
    matches!(c, ANY | STAR | ONE)
}

/// A text without the characters that have a meaning of their own here. They are no characters of Unicode, and in no name of a file.
pub(super) fn cleaned(text: &str) -> String {
    text.replace(is_open, "\u{FFFD}")
}

/// A word. What a wildcard, a variable or a command means only the run decides: it splits the word into a beginning and a tail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// The whole word, or its beginning, up to what only the run decides.
    pub(super) text: String,
    /// The whole word, with [`ANY`], [`STAR`] and [`ONE`] for unknown parts.
    pub(super) value: String,
    /// Whether the text is the whole word.
    pub(super) is_known: bool,
}

impl Word {
    /// A word of this value.
    pub(super) fn of(value: impl Into<String>) -> Self {
        let value = value.into();
        let known = value.find(is_open);
        Self { text: known.map_or(value.as_str(), |end| &value[..end]).to_owned(), is_known: known.is_none(), value }
    }

    /// The whole word, where it is known.
    pub(super) fn known(&self) -> Option<&str> {
        self.is_known.then_some(self.text.as_str())
    }

    /// Whether it is this very word.
    pub(super) fn is(&self, text: &str) -> bool {
        self.known() == Some(text)
    }

    /// The word without this many bytes at its beginning, which end with a character.
    pub(super) fn after(&self, bytes: usize) -> Self {
        Self::of(self.value.get(bytes..).unwrap_or_default())
    }

    /// The text behind the last unknown part.
    pub(super) fn tail(&self) -> &str {
        self.value.rsplit(is_open).next().unwrap_or_default()
    }

    /// Of a path of which only the beginning is known: the directory that it is below, and the pattern of the files there. None where
    /// it could be anywhere.
    pub(super) fn in_directory(&self) -> Option<(&str, String)> {
        if self.is_known || self.value.starts_with(ANY) {
            return None;
        }
        let dir = self.text.rsplit_once('/').map(|(dir, _)| dir);
        let below = self.value.get(dir.map_or(0, |dir| dir.len() + 1)..).unwrap_or_default();
        let mut parts: Vec<String> = below.split('/').filter(|part| !matches!(*part, "" | ".")).map(pattern_of_part).collect();
        parts.dedup_by(|a, b| a == "**" && b == "**");
        if parts.is_empty() || parts.iter().any(|part| part == "..") {
            return None;
        }
        match dir {
            Some("") => None,
            dir => Some((dir.unwrap_or("."), parts.join("/"))),
        }
    }

    /// The last name of a path as a pattern.
    pub(super) fn name_pattern(&self) -> Option<String> {
        let last = self.value.trim_end_matches('/').rsplit('/').next().filter(|last| !last.is_empty() && !self.is_known)?;
        let last = pattern_of_part(last);
        Some(if last == "**" { "*".into() } else { last })
    }

    /// The last name of a path.
    pub(super) fn name(&self) -> Option<&str> {
        let path = if self.is_known { self.text.as_str() } else { self.tail() };
        let path = path.trim_end_matches('/');
        let name = match path.rsplit_once('/') {
            Some((_, name)) => name,
            None if self.is_known => path,
            None => return None,
        };
        (!matches!(name, "" | "." | "..")).then_some(name)
    }

    /// The file of this path as something written; all that it may be where it is not known as a whole.
    pub(super) fn as_file(&self) -> Option<Written> {
        self.written(false)
    }

    /// As [`Word::as_file`], with all that is below the path.
    pub(super) fn as_tree(&self) -> Option<Written> {
        self.written(true)
    }

    /// The word as a pattern that its program reads itself: `"src/**/*.{ts,tsx}"`.
    pub(super) fn globbed(&self) -> Self {
        if !self.is_known || !self.text.contains(['*', '?', '{']) {
            return self.clone();
        }
        let (mut out, mut depth) = (String::new(), 0_usize);
        for c in self.text.chars() {
            match c {
                '{' => {
                    depth += 1;
                    out.push(STAR);
                }
                '}' => depth = depth.saturating_sub(1),
                _ if depth > 0 => {}
                '*' => out.push(STAR),
                '?' => out.push(ONE),
                c => out.push(c),
            }
        }
        Self::of(out)
    }

    /// Everything below this path with one of these endings, or a file of this path that has one; without endings, everything.
    pub(super) fn as_files_below(&self, endings: &str) -> Vec<Written> {
        if endings.is_empty() {
            return self.as_tree().into_iter().collect();
        }
        let Some(path) = self.known() else {
            // A pattern of names, or a folder of such a name.
            let has_ending = self.value.rsplit('/').next().is_some_and(|name| name.contains('.') && !name.ends_with(is_open));
            return if has_ending { self.as_file() } else { self.as_tree() }.into_iter().collect();
        };
        let name = path.rsplit('/').next().unwrap_or(path);
        if name.trim_start_matches('.').contains('.') {
            return self.as_tree().into_iter().collect();
        }
        let dir = if path.is_empty() { "." } else { path };
        endings.split(' ').map(|ending| Written::below(dir, format!("**/*.{ending}"))).chain([Written::file(dir)]).collect()
    }

    fn written(&self, tree: bool) -> Option<Written> {
        match self.known() {
            Some("") => None,
            Some(path) => Some(if tree { Written::tree(path) } else { Written::file(path) }),
            None => self.in_directory().map(|(dir, below)| {
                let is_whole = below.ends_with("**");
                if below == "**" {
                    Written::tree(dir)
                } else {
                    Written::below(dir, if tree && !is_whole { format!("{below}/**") } else { below })
                }
            }),
        }
    }
}

/// One part of a path as a part of a pattern: what only the run decides may be several parts where it is a whole one.
fn pattern_of_part(part: &str) -> String {
    if !part.is_empty() && part.chars().all(|c| c == ANY || c == STAR) && (part.contains(ANY) || part.chars().count() > 1) {
        return "**".to_owned();
    }
    let mut out = String::new();
    let mut was_star = false;
    for c in part.chars() {
        let is_star = matches!(c, ANY | STAR);
        match c {
            _ if is_star && was_star => {}
            _ if is_star => out.push('*'),
            ONE => out.push('?'),
            '*' | '?' | '[' | '{' | '}' => out.extend(['[', c, ']']),
            // Patterns cannot hold these.
            c if c.is_control() || c == '\\' => out.push('?'),
            c => out.push(c),
        }
        was_star = is_star;
    }
    out
}

/// Whether a path names anything, and does not only lead up or stay.
pub(super) fn has_name(path: &str) -> bool {
    let deep = path.split('/').fold(0_usize, |deep, part| match part {
        "" | "." => deep,
        ".." => deep.saturating_sub(1),
        _ => deep + 1,
    });
    deep > 0
}

/// Whether a word gives a variable a value, or adds to it. What the value is does not matter.
pub(super) fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| is_name(name.strip_suffix('+').unwrap_or(name)))
}

/// Whether a text is the name of a variable.
pub(super) fn is_name(name: &str) -> bool {
    let begins = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    begins && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
