//! Programs that are given a program: interpreters with a text, editors with commands, and the small languages of `sed`, `awk` and `sqlite3`.

mod calls;
mod databases;
mod effects;
mod imports;
mod language;
mod others;
mod reader;
mod tokens;
mod values;

pub(super) use language::Language;
pub(super) use others::written as written_by_others;
pub(super) use reader::writes;

use super::options::{Options, is_among};
use super::word::{ANY, Word, is_assignment};
use crate::hook::Written;

/// An interpreter: its options that take a value, those whose value is a program, and those that only look at one.
struct Interpreter {
    names: &'static str,
    language: Language,
    valued: &'static str,
    text: &'static str,
    checks: &'static str,
    /// Verbs before a text or a script.
    verbs: &'static str,
}

static INTERPRETERS: &[Interpreter] = &[
    Interpreter {
        names: "python python3 python2 py pypy pypy3 ipython",
        language: Language::Python,
        valued: "W X",
        text: "c",
        checks: "",
        verbs: "",
    },
    Interpreter {
        names: "node nodejs tsx ts-node",
        language: Language::JavaScript,
        valued: "r require import loader input-type env-file C conditions",
        text: "e eval p print pe",
        checks: "check c test",
        verbs: "",
    },
    Interpreter { names: "zx", language: Language::JavaScript, valued: "cwd shell prefix", text: "eval e", checks: "", verbs: "" },
    Interpreter { names: "lua luajit texlua", language: Language::Lua, valued: "l", text: "e", checks: "v", verbs: "" },
    Interpreter { names: "elixir", language: Language::Elixir, valued: "r S pr pa", text: "e eval", checks: "", verbs: "" },
    Interpreter { names: "mix", language: Language::Elixir, valued: "r", text: "e eval", checks: "", verbs: "run" },
    Interpreter { names: "crystal", language: Language::Ruby, valued: "", text: "", checks: "", verbs: "eval" },
    Interpreter { names: "bun", language: Language::JavaScript, valued: "r preload cwd", text: "e eval p print", checks: "", verbs: "run" },
    Interpreter { names: "deno", language: Language::JavaScript, valued: "c config", text: "", checks: "", verbs: "run eval" },
    Interpreter { names: "ruby jruby", language: Language::Ruby, valued: "I r C E", text: "e", checks: "c", verbs: "" },
    Interpreter { names: "perl", language: Language::Perl, valued: "", text: "e E", checks: "c", verbs: "" },
    Interpreter { names: "php", language: Language::Php, valued: "d c f z", text: "r", checks: "l", verbs: "" },
];

/// The arguments of an interpreter.
pub(super) struct Call {
    pub(super) language: Language,
    /// Programs on the command line.
    pub(super) texts: Vec<String>,
    /// A file with the program.
    pub(super) script: Option<Word>,
    /// The program's own arguments.
    pub(super) args: Vec<Word>,
    /// A module or package that is run like a program of its name.
    pub(super) module: Option<Vec<Word>>,
    /// Files that the interpreter itself writes over.
    pub(super) edited: Vec<Written>,
    /// Whether it reads its program, where there is none.
    pub(super) reads_input: bool,
}

fn interpreter(name: &str) -> Option<&'static Interpreter> {
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    INTERPRETERS.iter().find(|one| is_among(one.names, name) || is_among(one.names, plain))
}

/// Whether a program runs programs of a language that is read.
pub(super) fn is_interpreter(name: &str) -> bool {
    interpreter(name).is_some() && !matches!(name, "bun" | "deno" | "mix" | "crystal")
}

/// The same for those that have verbs, of which one is given.
pub(super) fn is_interpreter_with(name: &str, args: &[Word]) -> bool {
    let runs = |arg: &Word| matches!(arg.known(), Some("run" | "eval" | "-e" | "--eval" | "-p" | "--print" | "-"));
    let has_text = args.iter().any(|arg| arg.is("-e") || arg.is("--eval"));
    match name {
        "bun" | "deno" => args.first().is_some_and(runs),
        "mix" => args.first().is_some_and(|arg| arg.is("run")) && has_text,
        "crystal" => args.first().is_some_and(|arg| arg.is("eval")),
        _ => false,
    }
}

/// Reads the words behind an interpreter: what follows its script is none of its options.
pub(super) fn read(name: &str, args: &[Word]) -> Call {
    let known = interpreter(name).unwrap_or(&INTERPRETERS[0]);
    let mut call = Call {
        language: known.language,
        texts: Vec::new(),
        script: None,
        args: Vec::new(),
        module: None,
        edited: Vec::new(),
        reads_input: true,
    };
    let (mut edits, mut evals) = (false, false);
    let mut at = 0;
    while let Some(arg) = args.get(at) {
        at += 1;
        let takes_text = |option: &str| is_among(known.text, option);
        if arg.is("-") || arg.is("--") {
            break;
        }
        if let Some(long) = arg.text.strip_prefix("--") {
            let (option, own) = match long.split_once('=') {
                Some((option, value)) => (option, Some(arg.after(arg.text.len() - value.len()))),
                None => (long, None),
            };
            call.reads_input &= !is_among(known.checks, option);
            if takes_text(option) {
                let value = own.or_else(|| args.get(at).cloned());
                at += usize::from(!long.contains('='));
                call.texts.extend(value.map(|text| text.value));
            } else if own.is_none() && is_among(known.valued, option) {
                at += 1;
            }
            continue;
        }
        if !arg.text.starts_with('-') {
            if is_among(known.verbs, &arg.text) && arg.is_known {
                evals |= arg.is("eval");
                continue;
            }
            if evals {
                call.texts.push(arg.value.clone());
                call.args = args[at..].to_vec();
                return call;
            }
            if call.texts.is_empty() {
                call.script = Some(arg.clone()).filter(|_| call.reads_input);
                call.args = args[at..].to_vec();
                if edits {
                    call.edited = call.args.iter().filter_map(Word::as_file).map(Written::entry).collect();
                }
                return call;
            }
            at -= 1;
            break;
        }
        // Letters.
        for (begin, letter) in arg.text.char_indices().skip(1) {
            let end = begin + letter.len_utf8();
            let option = &arg.text[begin..end];
            let own = Some(arg.after(end)).filter(|own| !own.value.is_empty());
            call.reads_input &= !is_among(known.checks, option);
            if known.language == Language::Python && option == "m" {
                let mut words: Vec<Word> = own.into_iter().chain(args[at..].iter().cloned()).collect();
                if let Some(first) = words.first_mut() {
                    // `ruff.__main__`, `json.tool`.
                    *first = Word::of(if first.is("json.tool") { "python-json-tool".to_owned() } else { first.value.clone() });
                }
                call.module = Some(words);
                return call;
            }
            if takes_text(option) {
                let text = own.or_else(|| {
                    at += 1;
                    args.get(at - 1).cloned()
                });
                call.texts.extend(text.map(|text| text.value));
                break;
            }
            let of_ruby_or_perl = matches!(known.language, Language::Perl | Language::Ruby);
            if of_ruby_or_perl && option == "i" {
                edits = true;
                break;
            }
            if of_ruby_or_perl && matches!(option, "M" | "m" | "I" | "F" | "d" | "D" | "C" | "x" | "r" | "E") {
                if own.is_none() && is_among(known.valued, option) {
                    at += 1;
                }
                break;
            }
            if is_among(known.valued, option) {
                at += usize::from(own.is_none());
                break;
            }
        }
    }
    call.args = args.get(at..).unwrap_or_default().to_vec();
    if edits {
        let files = if call.texts.is_empty() { call.args.get(1..).unwrap_or_default() } else { &call.args };
        call.edited = files.iter().filter_map(Word::as_file).map(Written::entry).collect();
        call.args.clear();
    }
    if !call.reads_input {
        call.texts.clear();
    }
    call
}

/// The paths that a scripted editor writes.
pub(super) fn edited(name: &str, args: &[Word], input: Option<&str>) -> Vec<Written> {
    if name == "emacs" && args.iter().any(|arg| arg.is("batch-byte-compile")) {
        let compiled = args.iter().filter(|arg| arg.text.ends_with(".el")).map(|arg| Written::file(format!("{}c", arg.text)));
        return compiled.collect();
    }
    if name == "emacs" {
        let saves = args.iter().any(|arg| arg.value.contains("save-buffer") || arg.value.contains("write-file"));
        let options = Options::read(args, "eval f l load funcall u user", "");
        let opened = args.iter().flat_map(|arg| {
            let text = arg.value.as_str();
            text.match_indices("find-file \"")
                .chain(text.match_indices("write-file \""))
                .filter_map(|(at, call)| text[at + call.len()..].split('"').next())
        });
        let mut opened: Vec<Written> = opened.filter(|path| saves && !path.is_empty()).map(Written::file).collect();
        let texts = |arg: &Word, call: &str| -> Vec<String> {
            let behind = arg.value.split_once(call).map_or("", |(_, behind)| behind);
            behind.split(')').next().unwrap_or_default().split('"').skip(1).step_by(2).map(str::to_owned).collect()
        };
        opened.extend(args.iter().filter_map(|arg| texts(arg, "with-temp-file ").into_iter().next()).map(Written::file));
        opened.extend(args.iter().filter_map(|arg| texts(arg, "write-region ").pop()).map(Written::file));
        if !opened.is_empty() {
            return opened;
        }
        return options.operands.iter().filter(|_| saves).filter_map(|word| word.as_file()).collect();
    }
    // In `-es` the letter `s` is one of its own, which takes no value.
    let plain: Vec<Word> = args.iter().filter(|arg| !matches!(arg.known(), Some("-es" | "-Es"))).cloned().collect();
    let is_ed = matches!(name, "ed" | "red");
    let is_vim = matches!(name, "vim" | "nvim" | "vi");
    let options = Options::read(&plain, if is_vim { "c S u U i p cmd s W T" } else { "c p" }, "");
    let mut commands: Vec<String> = options.values(&["c", "cmd"]).iter().map(|word| word.value.clone()).collect();
    commands.extend(args.iter().filter(|arg| arg.text.starts_with('+')).map(|arg| arg.value[1..].to_owned()));
    // Only what reads its commands, and no text, from its input.
    let reads = is_ed || name == "ex" || options.has(&["e", "es"]) || args.iter().any(|arg| arg.text.starts_with("-e"));
    let joined = commands.into_iter().chain(input.filter(|_| reads).map(without_text)).collect::<Vec<_>>().join("\n");
    let saves = |line: &str| {
        let line = line.trim().trim_start_matches(':').trim_start_matches("silent! ").trim_start_matches("silent ").trim_end_matches('!');
        matches!(line, "w" | "wq" | "x" | "wa" | "wqa" | "wqall" | "xa" | "xall" | "wall" | "update" | "up" | "W")
            || line.starts_with("bufdo")
            || line.starts_with("argdo") && line.contains(['w', 'u'])
    };
    let writes = joined.split(['\n', '|']).any(saves) || joined.lines().any(|line| line.trim_start_matches(':').ends_with("|x"));
    // `w FILE`
    let others = joined.split(['\n', '|']).filter_map(|line| {
        let line = line.trim().trim_start_matches(':');
        let file = line
            .strip_prefix("w ")
            .or_else(|| line.strip_prefix("w! "))
            .or_else(|| line.strip_prefix("saveas "))
            .or_else(|| line.strip_prefix("saveas! "))?;
        Some(Written::file(file.trim()))
    });
    let is_edit = |line: &str| {
        ["e ", "e! ", "edit "].iter().find_map(|verb| line.trim().trim_start_matches(':').strip_prefix(verb)).map(str::to_owned)
    };
    let edited: Vec<String> = joined.split(['\n', '|']).filter(|_| writes && is_vim).filter_map(is_edit).collect();
    let mut found: Vec<Written> = others.filter(|written| !written.path.contains([ANY, '!'])).collect();
    found.extend(edited.into_iter().filter(|file| !file.contains([ANY, '#', '%'])).map(|file| Written::file(file.trim())));
    if writes {
        found.extend(options.operands.iter().filter(|word| !word.text.starts_with('+')).filter_map(|word| word.as_file()));
    }
    found
}

/// The commands for `ed` and `ex` without the lines that they put in: those behind `a`, `i` and `c`, up to a `.`.
fn without_text(input: &str) -> String {
    let mut out = String::new();
    let mut is_text = false;
    for line in input.lines() {
        if is_text {
            is_text = line != ".";
            continue;
        }
        out.push_str(line);
        out.push('\n');
        let command = line.trim().trim_end_matches('!');
        // An address has no letters but in patterns and marks.
        let behind = command.rsplit(['/', '?', '\'']).next().unwrap_or_default();
        let letters: String = behind.chars().filter(char::is_ascii_alphabetic).collect();
        is_text = matches!(letters.as_str(), "a" | "i" | "c" | "append" | "insert" | "change")
            && command.ends_with(|c: char| c.is_ascii_alphabetic());
    }
    out
}

/// The paths that a script of `sed`, `awk` or a database's client writes by itself.
pub(super) fn written_in_script(name: &str, args: &[Word], input: Option<&str>) -> Vec<Written> {
    match name {
        "sed" | "gsed" => {
            let options = Options::read(args, "e f l expression file line-length", "i");
            let given = options.values(&["e", "expression"]);
            let scripts = if given.is_empty() { options.operands.iter().take(1).copied().collect() } else { given };
            scripts.iter().flat_map(|script| written_by_sed(&script.value)).map(Written::file).collect()
        }
        "awk" | "gawk" | "mawk" | "nawk" => awk(args),
        "sqlite3" | "duckdb" | "psql" | "clickhouse" | "clickhouse-local" | "clickhouse-client" | "cqlsh" => database(name, args, input),
        "python-json-tool" => {
            let options = Options::read(args, "indent", "");
            options.operands.get(1).and_then(|file| file.as_file()).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// `w FILE` as a command, or as a flag of `s`.
fn written_by_sed(script: &str) -> Vec<String> {
    script
        .split(['\n', ';'])
        .filter_map(|line| {
            let line = line.trim();
            let line = behind_address(line);
            let file = match line.find('s').filter(|at| *at == 0 || !line.starts_with("w ")) {
                // Behind the third of the characters that divide it.
                Some(at) if line[at + 1..].starts_with(['/', '#', '|', ',', '@']) => {
                    let divider = line[at + 1..].chars().next()?;
                    let (_, flags) = line.rsplit_once(divider).filter(|(before, _)| before.matches(divider).count() >= 2)?;
                    let at = flags.find(|c: char| !"gIiepM0123456789".contains(c)).unwrap_or(flags.len());
                    match flags.get(at..).and_then(|flags| flags.strip_prefix("w ")) {
                        Some(file) => Some(file.to_owned()),
                        // The file's name has the divider in it.
                        None => {
                            let sign = format!("{divider}w ");
                            let mut places = line.match_indices(&sign).map(|(at, _)| at);
                            let at = places.find(|at| line[..*at].matches(divider).count() == 2);
                            at.and_then(|at| line.get(at + divider.len_utf8() + 2..)).map(str::to_owned)
                        }
                    }
                }
                _ => behind_address(line).strip_prefix("w ").map(str::to_owned),
            };
            file.map(|file| file.trim().to_owned()).filter(|file| !file.is_empty() && !file.starts_with("/dev/"))
        })
        .collect()
}

/// A command of `sed` without the lines that it is for: `/a/`, `1,5`, `/x/,/y/`, `{`.
fn behind_address(line: &str) -> &str {
    let mut rest = line.trim();
    for _ in 0..8 {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c.is_whitespace() || ",$!{~+".contains(c));
        let Some(behind) = rest.strip_prefix('/') else { break };
        let mut is_escaped = false;
        let end = behind.find(|c: char| {
            let ends = c == '/' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            ends
        });
        let Some(end) = end else { break };
        rest = behind[end + 1..].trim_start_matches(['I', 'M']);
    }
    rest
}

fn awk(args: &[Word]) -> Vec<Written> {
    let options = Options::read(args, "F f v i e E l file field-separator assign include source exec load", "d D o p L");
    let scripts = usize::from(!options.has(&["f", "e", "E", "file", "source", "exec"]));
    let mut found = Vec::new();
    if options.values(&["i", "include"]).iter().any(|word| word.is("inplace")) {
        let operands = options.operands.get(scripts..).unwrap_or_default();
        found.extend(operands.iter().filter(|word| !is_assignment(&word.text)).filter_map(|word| word.as_file()));
    }
    let given = options.values(&["e", "source"]);
    let texts: Vec<&Word> = options.operands.iter().take(scripts).copied().chain(given).collect();
    for text in texts {
        // `print > "FILE"`: only behind `print` a `>` is no comparison.
        for statement in text.value.split(['\n', ';', '{', '}']) {
            let Some((_, behind)) = statement.split_once("print").filter(|(_, behind)| behind.contains('>')) else { continue };
            let Some((_, behind)) = behind.rsplit_once('>') else { continue };
            let behind = behind.trim_start_matches(['>', '(', ' ']);
            let assigned = options.values(&["v", "assign"]);
            let variable = assigned
                .iter()
                .filter_map(|assign| assign.value.split_once('='))
                .find(|(name, _)| *name == behind.trim_end_matches([' ', ')']));
            found.extend(variable.and_then(|(_, file)| Word::of(file).as_file()));
            let file = behind.strip_prefix('"').and_then(|behind| behind.split_once('"'));
            let Some((file, more)) = file.filter(|(file, _)| !file.is_empty() && !file.starts_with("/dev/")) else { continue };
            // Only the run decides about the joined text.
            let is_whole = more.trim_matches([' ', ')', '(']).is_empty();
            found.extend(if is_whole { Word::of(file) } else { Word::of(format!("{file}{ANY}")) }.as_file());
        }
    }
    found
}

/// Clients of databases: the files that their statements and their own commands write, and the database itself where it is a file.
fn database(name: &str, args: &[Word], input: Option<&str>) -> Vec<Written> {
    let is_file = matches!(name, "sqlite3" | "duckdb");
    let valued = if is_file {
        "cmd init separator nullvalue newline vfs c s f"
    } else {
        "c command q query e execute f h p U d u host port user dbname"
    };
    let options = if is_file { Options::read_single(args, valued) } else { Options::read(args, valued, "") };
    let given = options.values_of_any("cmd c s command q query e execute");
    let behind = if is_file { options.operands.get(1..).unwrap_or_default() } else { &[] };
    let mut texts: Vec<&str> = behind.iter().copied().chain(given).map(|text| text.value.as_str()).collect();
    if texts.is_empty() {
        texts.extend(input);
    }
    let mut found: Vec<Written> = texts.iter().flat_map(|text| databases::written(text, name != "psql")).collect();
    let file = options.operands.first().filter(|_| is_file && !options.has(&["readonly"]));
    found.extend(
        file.filter(|file| !file.is(":memory:") && texts.iter().any(|text| databases::changes(text))).and_then(|file| file.as_file()),
    );
    found
}

/// The commands that a script of `awk` runs: `system("…")`, `print | "…"`.
pub(super) fn run_in_script(name: &str, args: &[Word]) -> Vec<String> {
    if !matches!(name, "awk" | "gawk" | "mawk" | "nawk") {
        return Vec::new();
    }
    let text_behind =
        |text: &str| text.trim_start().strip_prefix('"').and_then(|text| text.split_once('"')).map(|(text, _)| text.to_owned());
    let of = |arg: &Word| -> Vec<String> {
        let text = arg.value.as_str();
        let calls = text.split("system(").skip(1).take(16).filter_map(text_behind);
        calls.chain(text.split('|').skip(1).take(16).filter_map(text_behind)).collect()
    };
    args.iter().flat_map(of).collect()
}
