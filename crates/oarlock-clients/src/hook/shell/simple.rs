//! Simple commands and their words, as far as a text tells them.

use crate::hook::Written;

/// A word. What a wildcard, a variable or a command stands for only the run tells: it splits the word into a beginning and a tail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// The whole word, or its beginning, up to what only the run tells.
    pub(super) text: String,
    /// Whether the text is the whole word.
    pub(super) is_known: bool,
    /// What follows the last part that only the run tells.
    pub(super) tail: String,
    /// The word as a pattern, where it is not known as a whole: wildcards of the shell stand for what they mean there, and what only the run
    /// tells for anything.
    pub(super) pattern: String,
    /// How it is spelled, where it is not known as a whole.
    pub(super) spelled: String,
}

impl Word {
    /// A word that is known as a whole.
    pub(super) fn of(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_known: true, ..Self::default() }
    }

    /// A word of which only the beginning is known.
    pub(super) fn beginning(text: impl Into<String>) -> Self {
        let text = text.into();
        let rest = if text.is_empty() || text.ends_with('/') { "**" } else { "*" };
        Self { pattern: format!("{}{rest}", escaped(&text)), text, ..Self::default() }
    }

    /// What is found anywhere below a directory, by names that match a pattern.
    pub(super) fn anywhere_below(dir: &str, name: &str) -> Self {
        let text = format!("{}/", dir.trim_end_matches('/'));
        Self { pattern: format!("{}**/{name}", escaped(&text)), text, ..Self::default() }
    }

    /// The whole word, where it is known.
    pub(super) fn known(&self) -> Option<&str> {
        self.is_known.then_some(self.text.as_str())
    }

    /// Whether it is this very word.
    pub(super) fn is(&self, text: &str) -> bool {
        self.known() == Some(text)
    }

    /// The word without so many bytes at its beginning, which end with a character.
    pub(super) fn after(&self, bytes: usize) -> Self {
        let behind = |text: &str| text.get(bytes..).unwrap_or_default().to_owned();
        Self { text: behind(&self.text), pattern: behind(&self.pattern), ..self.clone() }
    }

    /// Of a path of which only the beginning is known: the directory that it is below, and the pattern of what is meant there. None where no name
    /// is known of either: then it could be anything.
    pub(super) fn in_directory(&self) -> Option<(&str, String)> {
        if self.is_known {
            return None;
        }
        let dir = self.text.rsplit_once('/').map(|(dir, _)| dir);
        let below: Vec<&str> = self.pattern.split('/').skip(dir.map_or(0, |dir| dir.matches('/').count() + 1)).collect();
        let mut below: Vec<&str> = below.into_iter().filter(|part| !matches!(*part, "" | ".")).collect();
        below.dedup_by(|a, b| *a == "**" && *b == "**");
        let dir = match dir {
            Some("") => return None,
            Some(dir) if has_name(dir) => dir,
            // The name has to be right here, or everything could be meant.
            dir => dir.or(Some(".")).filter(|_| below.first().is_some_and(|first| *first != "**"))?,
        };
        (!below.is_empty() && !below.contains(&"..")).then(|| (dir, below.join("/")))
    }

    /// The last name of a path as a pattern.
    pub(super) fn name_pattern(&self) -> Option<String> {
        let last = self.pattern.trim_end_matches('/').rsplit('/').next().filter(|last| !last.is_empty() && !self.is_known)?;
        Some(if last == "**" { "*".into() } else { last.into() })
    }

    /// The last name of a path.
    pub(super) fn name(&self) -> Option<&str> {
        let path = if self.is_known { self.text.as_str() } else { self.tail.as_str() };
        let path = path.trim_end_matches('/');
        let name = match path.rsplit_once('/') {
            Some((_, name)) => name,
            None if self.is_known => path,
            None => return None,
        };
        (!matches!(name, "" | "..")).then_some(name)
    }

    /// The file of this path as something written; all that it may be where it is not known as a whole.
    pub(super) fn as_file(&self) -> Option<Written> {
        self.written(false)
    }

    /// As [`Word::as_file`], with all that is below the path.
    pub(super) fn as_tree(&self) -> Option<Written> {
        self.written(true)
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

/// A text as a pattern that matches it alone; a character that patterns cannot hold, such as a tab, is any.
pub(super) fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '*' | '?' | '[' | '{' | '}' => out.extend(['[', c, ']']),
            // This one stands for what only the run tells.
            '\0' => out.push(c),
            c if c.is_control() || c == '\\' => out.push('?'),
            c => out.push(c),
        }
        out
    })
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

/// A simple command.
#[derive(Clone, Debug, Default)]
pub(super) struct Simple {
    /// Its words, assignments and what only starts another program included.
    pub(super) words: Vec<Word>,
    /// Files it writes by redirection.
    pub(super) outputs: Vec<Word>,
    /// What it reads from the command line itself, or is piped from there.
    pub(super) here: String,
    /// Whether it reads what the one before it prints.
    pub(super) is_piped: bool,
    /// Commands that run inside its words.
    pub(super) inner: Vec<String>,
    /// How many shells of their own begin with it.
    pub(super) enters: usize,
    /// How many of them end behind it.
    pub(super) leaves: usize,
}

impl Simple {
    /// Its words from the program's name on.
    pub(super) fn program(&self) -> &[Word] {
        program(&self.words)
    }

    /// Whether it gives this variable a value.
    pub(super) fn assigns(&self, name: &str) -> bool {
        self.words.iter().any(|word| word.text.split_once('=').is_some_and(|(left, _)| left == name))
    }
}

/// Words from the program's name on: what only starts another program, with its options, goes before.
pub(super) fn program(mut words: &[Word]) -> &[Word] {
    /// Each with its options that take a value, and how many operands stand before the program.
    const BEFORE: [(&str, &[&str], usize); 22] = [
        ("sudo", &["-u", "-g", "-h", "-p", "-C", "-D"], 0),
        ("env", &["-u", "--unset", "-C", "--chdir"], 0),
        ("command", &[], 0),
        ("exec", &["-a"], 0),
        ("nohup", &[], 0),
        ("time", &["-f", "-o"], 0),
        ("builtin", &[], 0),
        ("nice", &["-n"], 0),
        ("ionice", &["-c", "-n"], 0),
        ("stdbuf", &["-i", "-o", "-e"], 0),
        ("timeout", &["-k", "-s", "--signal", "--kill-after"], 1),
        ("xargs", &["-I", "-n", "-P", "-L", "-d", "-E", "-s"], 0),
        ("busybox", &[], 0),
        ("then", &[], 0),
        ("do", &[], 0),
        ("else", &[], 0),
        ("if", &[], 0),
        ("elif", &[], 0),
        ("while", &[], 0),
        ("until", &[], 0),
        ("!", &[], 0),
        ("{", &[], 0),
    ];
    while let [first, rest @ ..] = words {
        if is_assignment(&first.text) {
            words = rest;
            continue;
        }
        if first.is("env") && env_dir(rest).is_some() {
            break;
        }
        let Some((_, with_value, operands)) = BEFORE.iter().find(|(name, ..)| first.is(name)) else { break };
        words = rest;
        while let [option, rest @ ..] = words {
            if !option.text.starts_with('-') || option.text.len() < 2 {
                break;
            }
            words = if with_value.contains(&option.text.as_str()) { rest.get(1..).unwrap_or_default() } else { rest };
        }
        words = words.get(*operands..).unwrap_or_default();
    }
    words
}

/// The directory in which `env` with these arguments starts a program, if it names one, and its arguments without it.
pub(super) fn env_dir(args: &[Word]) -> Option<(Word, Vec<Word>)> {
    let at = args
        .iter()
        .take_while(|arg| arg.text.starts_with('-'))
        .position(|arg| arg.text.starts_with("-C") || arg.text.starts_with("--chdir"))?;
    let option = args.get(at)?;
    let attached = ["--chdir=", "-C"].iter().find(|name| option.text.starts_with(**name) && option.text.len() > name.len());
    let (dir, taken) = match attached {
        Some(name) => (option.after(name.len()), 1),
        None => (args.get(at + 1)?.clone(), 2),
    };
    Some((dir, args.iter().take(at).chain(args.iter().skip(at + taken)).cloned().collect()))
}

/// Whether a word gives a variable a value, or adds to it. What the value is does not matter.
pub(super) fn is_assignment(word: &str) -> bool {
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    word.split_once('=').is_some_and(|(name, _)| is_name(name.strip_suffix('+').unwrap_or(name)))
}
