//! Which files a shell command is going to write, as far as its text tells: redirections and the common commands that write. It is a
//! guard rail and no wall: what a program does by itself, or what only the run tells, is found when it is committed.

use super::Written;
use super::patch;

/// How deep commands inside commands are looked into.
const DEPTH_MAX: usize = 4;

/// What a command is going to write, seen from `dir` where that is given.
pub(super) fn writes(command: &str, dir: Option<&str>) -> Vec<Written> {
    let mut found = Vec::new();
    look(command, dir.unwrap_or(""), 0, &mut found);
    found.retain(|written| !written.path.starts_with("/dev/"));
    found
}

/// Whether one of the commands is `oarlock` with neither `--as` nor `--session`.
pub(super) fn calls_oarlock(command: &str) -> bool {
    let says_who = |word: &String| ["--as", "--session"].iter().any(|flag| word == flag || word.starts_with(&format!("{flag}=")));
    let runs_it = |word: &String| word == "oarlock" || word.ends_with("/oarlock");
    commands(command).iter().any(|simple| {
        let words = simple.program();
        words.first().is_some_and(|first| first.as_ref().is_some_and(runs_it))
            && !words.iter().flatten().any(says_who)
            && !simple.assigns("OARLOCK_AGENT")
            && words.len() > 1
            && !words.iter().flatten().any(|word| word == "--help" || word == "--version")
    })
}

/// Words as a command line.
pub(super) fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect::<Vec<_>>().join(" ")
}

/// A simple command. A word that only the run tells is `None`.
#[derive(Debug, Default)]
struct Simple {
    words: Vec<Option<String>>,
    /// Files it writes by redirection.
    outputs: Vec<String>,
    /// What it reads from the command line itself.
    here: String,
    /// Commands that run inside its words.
    inner: Vec<String>,
}

impl Simple {
    /// Its words from the program's name on.
    fn program(&self) -> &[Option<String>] {
        const BEFORE: [&str; 17] = [
            "sudo", "env", "command", "exec", "nohup", "time", "builtin", "then", "do", "else", "if", "elif", "while", "until", "!", "{",
            "nice",
        ];
        let mut words = self.words.as_slice();
        while let [Some(first), rest @ ..] = words {
            let is_assignment = first
                .split_once('=')
                .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
            if !is_assignment && !BEFORE.contains(&first.as_str()) {
                break;
            }
            words = rest;
        }
        words
    }

    fn assigns(&self, name: &str) -> bool {
        self.words.iter().flatten().any(|word| word.split_once('=').is_some_and(|(left, _)| left == name))
    }
}

fn look(command: &str, dir: &str, depth: usize, found: &mut Vec<Written>) {
    if depth > DEPTH_MAX {
        return;
    }
    let mut dir = dir.to_owned();
    for simple in commands(command) {
        let from_dir = |written: Written| Written { path: joined(&dir, &written.path), ..written };
        found.extend(simple.outputs.iter().map(|path| from_dir(Written::file(path.as_str()))));
        for inner in &simple.inner {
            look(inner, &dir, depth + 1, found);
        }
        let words = simple.program();
        let Some(Some(program)) = words.first() else { continue };
        let program = program.rsplit('/').next().unwrap_or(program);
        let args: Vec<&str> = words[1..].iter().flatten().map(String::as_str).collect();
        match program {
            "cd" | "pushd" => {
                if let Some(to) = args.iter().find(|arg| !arg.starts_with('-')) {
                    dir = joined(&dir, to);
                }
            }
            "sh" | "bash" | "zsh" | "dash" | "ksh" => {
                let script = args.iter().position(|arg| arg.starts_with('-') && !arg.starts_with("--") && arg.contains('c'));
                if let Some(script) = script.and_then(|at| args.get(at + 1)) {
                    look(script, &dir, depth + 1, found);
                }
            }
            "eval" => look(&args.join(" "), &dir, depth + 1, found),
            "apply_patch" | "applypatch" => {
                let text = if simple.here.is_empty() { args.join("\n") } else { simple.here.clone() };
                found.extend(patch::paths(&text).map(Written::file).map(from_dir));
            }
            _ => found.extend(program_writes(program, &args).into_iter().map(from_dir)),
        }
    }
}

fn joined(dir: &str, path: &str) -> String {
    if dir.is_empty() || path.starts_with('/') || path.starts_with('~') {
        path.to_owned()
    } else {
        format!("{}/{path}", dir.trim_end_matches('/'))
    }
}

/// The operands: what is neither an option nor the value of one of these options.
fn operands<'a>(args: &[&'a str], with_value: &[&str]) -> Vec<&'a str> {
    let mut out = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if *arg == "--" {
            out.extend(rest.by_ref().copied());
        } else if with_value.contains(arg) {
            rest.next();
        } else if !arg.starts_with('-') || *arg == "-" {
            out.push(*arg);
        }
    }
    out
}

fn has_short(args: &[&str], letter: char) -> bool {
    args.iter().any(|arg| arg.starts_with('-') && !arg.starts_with("--") && arg.contains(letter))
}

fn program_writes(program: &str, args: &[&str]) -> Vec<Written> {
    let files = |paths: Vec<&str>| paths.into_iter().map(Written::file).collect();
    let trees = |paths: Vec<&str>| paths.into_iter().map(Written::tree).collect();
    match program {
        "tee" | "touch" | "unlink" | "shred" => files(operands(args, &["-d", "-r", "-t", "-n", "-s"])),
        "truncate" => files(operands(args, &["-s", "--size", "-r", "--reference"])),
        "rm" | "rmdir" => trees(operands(args, &[])),
        "sed" => {
            let in_place = args.iter().any(|arg| arg.starts_with("--in-place")) || has_short_in_place(args);
            let with_script =
                args.iter().any(|arg| matches!(*arg, "-e" | "-f" | "--expression" | "--file") || arg.starts_with("--expression="));
            let found = operands(args, &["-e", "-f", "--expression", "--file", "-l"]);
            if in_place { files(found.into_iter().skip(usize::from(!with_script)).collect()) } else { Vec::new() }
        }
        "perl" | "ruby" if has_short(args, 'i') => {
            let takes_script = |arg: &&str| arg.starts_with('-') && !arg.starts_with("--") && arg.ends_with('e');
            let scripts: Vec<&str> = args.iter().copied().filter(takes_script).collect();
            files(operands(args, &scripts))
        }
        "mv" => onto(args, true),
        "cp" | "install" | "ln" | "rsync" => onto(args, false),
        "dd" => files(args.iter().filter_map(|arg| arg.strip_prefix("of=")).collect()),
        "git" => git_writes(args),
        _ => Vec::new(),
    }
}

/// Whether `sed` writes its files: `-i`, alone, with a suffix, or behind other letters.
fn has_short_in_place(args: &[&str]) -> bool {
    args.iter().any(|arg| {
        let letters = arg.strip_prefix('-').filter(|rest| !rest.starts_with('-')).unwrap_or("");
        letters.chars().take_while(|c| "inErszu".contains(*c)).any(|c| c == 'i')
    })
}

/// Of a command with sources and a destination: the destination, what would stand in it were it a directory, and, of a move, the sources.
fn onto(args: &[&str], moves: bool) -> Vec<Written> {
    let named = args.iter().position(|arg| matches!(*arg, "-t" | "--target-directory")).and_then(|at| args.get(at + 1)).copied();
    let mut sources = operands(args, &["-t", "--target-directory", "-m", "-o", "-g", "-S"]);
    let Some(target) = named.or_else(|| if sources.len() > 1 { sources.pop() } else { None }) else { return Vec::new() };
    let inside = |source: &&str| {
        let base = source.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        Written::tree(format!("{}/{base}", target.trim_end_matches('/')))
    };
    let mut found: Vec<Written> = sources.iter().map(inside).collect();
    found.push(Written::file(target.trim_end_matches('/')));
    if moves {
        found.extend(sources.iter().map(|source| Written::tree(*source)));
    }
    found
}

fn git_writes(args: &[&str]) -> Vec<Written> {
    let args = match args {
        ["-C", _, rest @ ..] | ["--no-pager", rest @ ..] => rest,
        args => args,
    };
    let Some((verb, rest)) = args.split_first() else { return Vec::new() };
    let behind_dashes = rest.iter().position(|arg| *arg == "--").map(|at| rest[at + 1..].to_vec());
    match *verb {
        "rm" | "mv" => operands(rest, &[]).into_iter().map(Written::tree).collect(),
        "restore" if !rest.contains(&"--staged") => operands(rest, &["-s", "--source"]).into_iter().map(Written::tree).collect(),
        "checkout" => match behind_dashes {
            Some(paths) => paths.into_iter().map(Written::tree).collect(),
            None => rest.iter().filter(|arg| **arg == ".").map(|_| Written::tree(".")).collect(),
        },
        "reset" if rest.contains(&"--hard") => vec![Written::tree(".")],
        "clean" if has_short(rest, 'f') || rest.contains(&"--force") => vec![Written::tree(".")],
        _ => Vec::new(),
    }
}

/// The simple commands of a text, in their order. Text that no shell would take gives what was understood of it.
fn commands(text: &str) -> Vec<Simple> {
    Lexer { chars: text.chars().collect(), at: 0, out: Vec::new(), now: Simple::default(), waiting: Vec::new() }.run()
}

/// What the next word is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Word,
    Output,
    Input,
    HereWord,
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    out: Vec<Simple>,
    now: Simple,
    /// Words that end texts which begin with the next line, and whether tabs before them are passed over.
    waiting: Vec<(String, bool)>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn end_command(&mut self) {
        let done = std::mem::take(&mut self.now);
        if !done.words.is_empty() || !done.outputs.is_empty() || !done.inner.is_empty() {
            self.out.push(done);
        }
    }

    fn run(mut self) -> Vec<Simple> {
        let mut role = Role::Word;
        while let Some(c) = self.peek(0) {
            match c {
                '\n' => {
                    self.at += 1;
                    self.here_texts();
                    self.end_command();
                    role = Role::Word;
                }
                c if c.is_whitespace() => self.at += 1,
                '\\' if self.peek(1) == Some('\n') => self.at += 2,
                '#' => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                ';' | '|' | '(' | ')' => {
                    self.at += 1;
                    self.end_command();
                }
                '&' if self.peek(1) == Some('>') => {
                    self.at += 2;
                    role = self.output();
                }
                '&' => {
                    self.at += 1;
                    self.end_command();
                }
                '>' => {
                    self.at += 1;
                    role = self.output();
                }
                '<' => role = self.input(),
                c if c.is_ascii_digit() && self.is_descriptor() => self.at += 1,
                _ => {
                    let word = self.word();
                    self.take(word, role);
                    role = Role::Word;
                }
            }
        }
        self.here_texts();
        self.end_command();
        self.out
    }

    /// A digit right before a redirection.
    fn is_descriptor(&self) -> bool {
        let is_start = self.at == 0 || self.chars[self.at - 1].is_whitespace();
        is_start && matches!(self.peek(1), Some('>' | '<'))
    }

    /// Behind a `>`.
    fn output(&mut self) -> Role {
        while matches!(self.peek(0), Some('>' | '|')) {
            self.at += 1;
        }
        if self.peek(0) == Some('&') {
            self.at += 1;
            // Onto another descriptor, not a file.
            if self.peek(0).is_some_and(|c| c.is_ascii_digit() || c == '-') {
                while self.peek(0).is_some_and(|c| c.is_ascii_digit() || c == '-') {
                    self.at += 1;
                }
                return Role::Word;
            }
        }
        if self.peek(0) == Some('(') { Role::Word } else { Role::Output }
    }

    fn input(&mut self) -> Role {
        if self.peek(1) == Some('<') && self.peek(2) == Some('<') {
            self.at += 3;
            return Role::HereWord;
        }
        if self.peek(1) == Some('<') {
            self.at += 2;
            let strips = self.peek(0) == Some('-');
            self.at += usize::from(strips);
            while self.peek(0).is_some_and(|c| c == ' ' || c == '\t') {
                self.at += 1;
            }
            let (mark, _) = self.word();
            self.waiting.push((mark.unwrap_or_default(), strips));
            return Role::Word;
        }
        self.at += 1;
        if self.peek(0) == Some('(') { Role::Word } else { Role::Input }
    }

    fn take(&mut self, (word, inner): (Option<String>, Vec<String>), role: Role) {
        self.now.inner.extend(inner);
        match role {
            Role::Word => self.now.words.push(word),
            Role::Output => self.now.outputs.extend(word),
            Role::HereWord => self.now.here = word.unwrap_or_default(),
            Role::Input => {}
        }
    }

    /// The texts that begin with this line.
    fn here_texts(&mut self) {
        for (mark, strips) in std::mem::take(&mut self.waiting) {
            let mut text = String::new();
            while self.at < self.chars.len() {
                let end = self.chars[self.at..].iter().position(|c| *c == '\n').map_or(self.chars.len(), |length| self.at + length);
                let line: String = self.chars[self.at..end].iter().collect();
                self.at = (end + 1).min(self.chars.len());
                let shown = if strips { line.trim_start_matches('\t') } else { &line };
                if shown.trim_end_matches('\r') == mark {
                    break;
                }
                text.push_str(shown);
                text.push('\n');
            }
            self.now.here = text;
        }
    }

    /// A word, `None` when the run decides what it is, and the commands inside it.
    fn word(&mut self) -> (Option<String>, Vec<String>) {
        let (mut word, mut is_known, mut inner) = (String::new(), true, Vec::new());
        while let Some(c) = self.peek(0) {
            match c {
                c if c.is_whitespace() || matches!(c, ';' | '|' | '&' | '(' | ')' | '<' | '>') => break,
                '\'' => {
                    self.at += 1;
                    while let Some(c) = self.peek(0).filter(|c| *c != '\'') {
                        word.push(c);
                        self.at += 1;
                    }
                    self.at += 1;
                }
                '"' => {
                    self.at += 1;
                    while let Some(c) = self.peek(0).filter(|c| *c != '"') {
                        match c {
                            '\\' if matches!(self.peek(1), Some('"' | '\\' | '$' | '`')) => {
                                word.extend(self.peek(1));
                                self.at += 2;
                            }
                            '$' | '`' => is_known &= self.expansion(&mut word, &mut inner),
                            c => {
                                word.push(c);
                                self.at += 1;
                            }
                        }
                    }
                    self.at += 1;
                }
                '\\' => {
                    word.extend(self.peek(1).filter(|c| *c != '\n'));
                    self.at += 2;
                }
                '$' | '`' => is_known &= self.expansion(&mut word, &mut inner),
                '*' | '?' | '[' => {
                    is_known = false;
                    self.at += 1;
                }
                c => {
                    word.push(c);
                    self.at += 1;
                }
            }
        }
        (is_known.then_some(word), inner)
    }

    /// A `$` or a backtick: whether it is an ordinary character after all.
    fn expansion(&mut self, word: &mut String, inner: &mut Vec<String>) -> bool {
        let (open, close) = match (self.peek(0), self.peek(1)) {
            (Some('$'), Some('(')) => ('(', ')'),
            (Some('$'), Some('{')) => ('{', '}'),
            (Some('`'), _) => ('\0', '`'),
            (_, Some(c)) if c.is_alphanumeric() || matches!(c, '_' | '@' | '*' | '?' | '$' | '!' | '#') => {
                self.at += 2;
                while self.peek(0).is_some_and(|c| c.is_alphanumeric() || c == '_') {
                    self.at += 1;
                }
                return false;
            }
            _ => {
                word.push('$');
                self.at += 1;
                return true;
            }
        };
        self.at += if close == '`' { 1 } else { 2 };
        let start = self.at;
        let mut depth = 1;
        while let Some(c) = self.peek(0) {
            depth += i32::from(c == open);
            depth -= i32::from(c == close);
            if depth == 0 {
                break;
            }
            self.at += 1;
        }
        if close != '}' {
            inner.push(self.chars[start..self.at.min(self.chars.len())].iter().collect());
        }
        self.at += 1;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(command: &str) -> Vec<String> {
        let mut paths: Vec<String> =
            writes(command, None).into_iter().map(|w| format!("{}{}", w.path, if w.tree { "/**" } else { "" })).collect();
        paths.sort();
        paths
    }

    #[test]
    fn common_writes_are_seen() {
        let cases: &[(&str, &[&str])] = &[
            ("echo hi > a.txt", &["a.txt"]),
            ("echo hi >>a.txt 2>&1", &["a.txt"]),
            ("make 2> err.log >/dev/null", &["err.log"]),
            ("cmd &> all.log; cmd >| b", &["all.log", "b"]),
            ("cat > 'my file' <<'EOF'\nx > y\nEOF\necho done > z", &["my file", "z"]),
            ("cat <<-EOF > f\n\tx\n\tEOF\n", &["f"]),
            ("cat a | tee -a b c", &["b", "c"]),
            ("sed -i 's/a/b/' src/a.rs", &["src/a.rs"]),
            ("sed -i.bak -e s/a/b/ -e s/c/d/ x y", &["x", "y"]),
            ("sed -Ei s/a/b/ x", &["x"]),
            ("sed --in-place s/a/b/ x", &["x"]),
            ("sed -n 1,3p x", &[]),
            ("perl -pi -e 's/a/b/' x", &["x"]),
            ("rm -rf src target", &["src/**", "target/**"]),
            ("mv a b", &["a/**", "b", "b/a/**"]),
            ("cp -r a/x b/", &["b", "b/x/**"]),
            ("cp -t d a b", &["d", "d/a/**", "d/b/**"]),
            ("dd if=/dev/zero of=disk bs=1", &["disk"]),
            ("touch a && truncate -s 0 b", &["a", "b"]),
            ("cd sub; echo > x; (cd deeper && echo > y)", &["sub/deeper/y", "sub/x"]),
            ("bash -lc 'echo > x'", &["x"]),
            ("FOO=1 sudo env A=b tee x", &["x"]),
            ("x=$(echo hi > inner)", &["inner"]),
            ("if true; then echo > x; fi", &["x"]),
            ("for f in a b; do sed -i s/x/y/ c; done", &["c"]),
            ("git checkout -- src/a.rs", &["src/a.rs/**"]),
            ("git checkout main", &[]),
            ("git reset --hard HEAD~1", &["./**"]),
            ("git -C x rm a", &["a/**"]),
            ("echo \"a > b\" '> c' \\> d # > e", &[]),
            ("echo > \"$HOME/x\"; echo > $FILE; rm *.rs", &[]),
            ("diff <(ls a) <(ls b) > d", &["d"]),
            ("cat < in > out", &["out"]),
            ("cat <<< 'x' > out", &["out"]),
            ("ls -la; cargo test --workspace", &[]),
            ("echo 'unclosed > x", &[]),
            ("echo $(", &[]),
            ("", &[]),
        ];
        for (command, expected) in cases {
            assert_eq!(of(command), *expected, "{command}");
        }
    }

    #[test]
    fn a_call_of_oarlock_is_known() {
        for yes in ["oarlock claim", "cd x && oarlock done T-1", "/usr/bin/oarlock inbox", "echo $(true); oarlock claim --json"] {
            assert!(calls_oarlock(yes), "{yes}");
        }
        for no in [
            "oarlock claim --as a",
            "oarlock --session=s claim",
            "echo oarlock claim",
            "OARLOCK_AGENT=a oarlock claim",
            "oarlock --help",
            "ls",
        ] {
            assert!(!calls_oarlock(no), "{no}");
        }
    }
}
