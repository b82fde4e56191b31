//! Which files a shell command is going to write, as far as its text tells: redirections and the common commands that write. It is a
//! guard rail and no wall: what a program does by itself, or what only the run tells, is found when it is committed.

mod lexer;

use super::Written;
use super::patch;
use lexer::commands;

/// How deep commands inside commands are looked into.
const DEPTH_MAX: usize = 4;

/// What a command is going to write, seen from `dir` where that is given.
pub(super) fn writes(command: &str, dir: Option<&str>) -> Vec<Written> {
    let mut found = Vec::new();
    look(command, Some(dir.unwrap_or("")), 0, &mut found);
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

/// `dir` is where it runs; nothing when only the run tells, and then relative paths could be anywhere.
fn look(command: &str, dir: Option<&str>, depth: usize, found: &mut Vec<Written>) {
    if depth > DEPTH_MAX {
        return;
    }
    let mut dir = dir.map(str::to_owned);
    for simple in commands(command) {
        let from_dir = |written: Written| match &dir {
            Some(dir) => Some(Written { path: joined(dir, &written.path), ..written }),
            None => Some(written).filter(|written| written.path.starts_with(['/', '~'])),
        };
        // In a test, `>` compares.
        if simple.words.first() != Some(&Some("[[".to_owned())) {
            found.extend(simple.outputs.iter().filter_map(|path| from_dir(Written::file(path.as_str()))));
        }
        for inner in &simple.inner {
            look(inner, dir.as_deref(), depth + 1, found);
        }
        let words = simple.program();
        let Some(Some(program)) = words.first() else { continue };
        let program = program.rsplit('/').next().unwrap_or(program);
        let args: Vec<&str> = words[1..].iter().flatten().map(String::as_str).collect();
        match program {
            "cd" | "pushd" => {
                let to = words[1..].iter().find(|word| word.as_ref().is_none_or(|word| !word.starts_with('-') || word == "-"));
                dir = match (to, &dir) {
                    (Some(Some(to)), _) if to.starts_with(['/', '~']) => Some(to.clone()),
                    (Some(Some(to)), Some(dir)) if to != "-" => Some(joined(dir, to)),
                    _ => None,
                };
            }
            "sh" | "bash" | "zsh" | "dash" | "ksh" => {
                let script = args.iter().position(|arg| arg.starts_with('-') && !arg.starts_with("--") && arg.contains('c'));
                if let Some(script) = script.and_then(|at| args.get(at + 1)) {
                    look(script, dir.as_deref(), depth + 1, found);
                } else if !simple.here.is_empty() {
                    look(&simple.here, dir.as_deref(), depth + 1, found);
                }
            }
            "eval" => look(&args.join(" "), dir.as_deref(), depth + 1, found),
            "apply_patch" | "applypatch" => {
                let text = if simple.here.is_empty() { args.join("\n") } else { simple.here.clone() };
                found.extend(patch::paths(&text).map(Written::file).filter_map(from_dir));
            }
            _ => found.extend(program_writes(program, &args).into_iter().filter_map(from_dir)),
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
            let in_place = args.iter().any(|arg| arg.starts_with("--in-place")) || has_in_place(args, "nErszu");
            let with_script =
                args.iter().any(|arg| matches!(*arg, "-e" | "-f" | "--expression" | "--file") || arg.starts_with("--expression="));
            let found = operands(args, &["-e", "-f", "--expression", "--file", "-l"]);
            if in_place { files(found.into_iter().skip(usize::from(!with_script)).collect()) } else { Vec::new() }
        }
        "perl" | "ruby" if has_in_place(args, "pnlaewsE0") => {
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

/// Whether a program writes the files that it reads: `-i`, alone, with a suffix, or behind these other letters.
fn has_in_place(args: &[&str], others: &str) -> bool {
    args.iter().any(|arg| {
        let letters = arg.strip_prefix('-').filter(|rest| !rest.starts_with('-')).unwrap_or("");
        letters.trim_start_matches(|c| others.contains(c)).starts_with('i')
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
    let (mut args, mut at) = (args, String::new());
    loop {
        args = match args {
            ["-C", dir, rest @ ..] => {
                at = joined(&at, dir);
                rest
            }
            ["-c", _, rest @ ..] | ["--no-pager", rest @ ..] => rest,
            _ => break,
        };
    }
    let found = git_writes_here(args).into_iter();
    let moved = |written: Written| Written {
        path: if written.path == "." && !at.is_empty() { at.clone() } else { joined(&at, &written.path) },
        ..written
    };
    found.map(moved).collect()
}

fn git_writes_here(args: &[&str]) -> Vec<Written> {
    let Some((verb, rest)) = args.split_first() else { return Vec::new() };
    let spares_files = rest.iter().any(|arg| matches!(*arg, "--cached" | "--staged" | "-S" | "-n" | "--dry-run"));
    if spares_files && !rest.contains(&"--worktree") || *verb == "clean" && has_short(rest, 'n') {
        return Vec::new();
    }
    let behind_dashes = rest.iter().position(|arg| *arg == "--").map(|at| rest[at + 1..].to_vec());
    match *verb {
        "rm" | "mv" => operands(rest, &[]).into_iter().map(Written::tree).collect(),
        "restore" => operands(rest, &["-s", "--source"]).into_iter().map(Written::tree).collect(),
        "checkout" => match behind_dashes {
            Some(paths) => paths.into_iter().map(Written::tree).collect(),
            None if rest.contains(&".") => vec![Written::tree(".")],
            // A branch, or a commit and paths: paths of a branch's name are nobody's.
            None => operands(rest, &["-b", "-B"]).into_iter().skip(1).map(Written::tree).collect(),
        },
        "reset" if rest.contains(&"--hard") => vec![Written::tree(".")],
        "clean" if has_short(rest, 'f') || rest.contains(&"--force") => vec![Written::tree(".")],
        _ => Vec::new(),
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
            ("git -C x rm a", &["x/a/**"]),
            ("git -C /tmp/y -c a.b=c reset --hard", &["/tmp/y/**"]),
            ("git restore -S a; git rm --cached b; git clean -nfd", &[]),
            ("git checkout HEAD src/a", &["src/a/**"]),
            ("git checkout -b new main", &[]),
            ("cd \"$(mktemp -d)\" && rm -rf src && echo > top.txt && echo > /abs", &["/abs"]),
            ("cd; echo > x", &[]),
            ("perl -Mstrict -e1 x; ruby -Ilib t.rb", &[]),
            ("[[ $a > src/a ]] && true", &[]),
            ("git commit -m \"$(cat <<'EOF'\n1) say \\\"a > src/b\\\" :) (x > y)\nEOF\n)\"", &[]),
            ("timeout -k 2 5 tee a; env -u B -i nice -n 5 tee b; sudo -u x tee c; A=$(x) tee d", &["a", "b", "c", "d"]),
            ("bash <<'EOF'\necho > x\nEOF", &["x"]),
            ("ls | xargs -I{} sed -i s/a/b/ z", &["z"]),
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
