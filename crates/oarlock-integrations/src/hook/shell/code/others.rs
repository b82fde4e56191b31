//! Programs in languages of which only the calls that write are looked for: by what they are called, and which text names the file.

use crate::hook::Written;
use crate::hook::shell::options::{Options, is_among};
use crate::hook::shell::word::Word;

/// Which text of a call names a file that it writes.
#[derive(Clone, Copy)]
enum Names {
    /// The first, which is right behind the call's name.
    First,
    /// The last.
    Last,
    /// The first, where the arguments have this in them, too.
    With(&'static str),
    /// The first, where one of these follows the call.
    Before(&'static [&'static str]),
    /// The text right before.
    Behind,
}

/// A language: its programs, their options whose value is a text in it, and its calls, with `|` between them.
struct Other {
    programs: &'static str,
    texts: &'static str,
    calls: &'static [(&'static str, Names)],
}

/// The effect on a file of Java and its relatives.
const OF_FILES: &[&str] = &[
    ".text =",
    ".text=",
    " <<",
    "<<",
    ".write",
    ".append",
    ".delete",
    ".setText(",
    ".withWriter",
    ".createNewFile(",
    ".renameTo(",
    ".setExecutable(",
];

static OTHERS: &[Other] = &[
    Other {
        programs: "Rscript R",
        texts: "e",
        calls: &[
            (
                "style_file(|style_dir(|unlink(|file.remove(|file.create(|sink(|png(|pdf(|svg(|jpeg(|output_file=|output_file = ",
                Names::First,
            ),
            (
                "write.csv(|writeLines(|write_csv(|saveRDS(|ggsave(|write.table(|write_json(|file.copy(|fwrite(|write_lines(|write_rds(|dput(",
                Names::Last,
            ),
            ("file.rename(", Names::First),
            ("file.rename(", Names::Last),
            ("cat(", Names::With("file")),
        ],
    },
    Other {
        programs: "julia",
        texts: "e eval E print",
        calls: &[
            ("format_file(|format(|rm(|write(|touch(|savefig(|CSV.write(", Names::First),
            ("mv(", Names::First),
            ("mv(|cp(|download(", Names::Last),
            ("open(", Names::With("\"w\"")),
            ("open(", Names::With("\"a\"")),
        ],
    },
    Other {
        programs: "octave octave-cli matlab",
        texts: "eval batch r",
        calls: &[("fopen(", Names::With("w")), ("delete(|save(|writematrix(", Names::Last)],
    },
    Other { programs: "clojure clj bb", texts: "e eval", calls: &[("(spit |io/delete-file |fs/delete ", Names::First)] },
    Other {
        programs: "groovy kotlin kotlinc scala scala-cli jshell",
        texts: "e",
        calls: &[
            ("File(", Names::Before(OF_FILES)),
            (
                "writeString(Path.of(|Files.write(Path.of(|Files.delete(Path.of(|Files.writeString(Paths.get(|Files.write(Paths.get(",
                Names::First,
            ),
            ("FileWriter(|PrintWriter(|FileOutputStream(", Names::First),
        ],
    },
    Other { programs: "ghc runghc runhaskell", texts: "e", calls: &[("writeFile |appendFile |removeFile ", Names::First)] },
    Other { programs: "raku perl6", texts: "e", calls: &[("spurt |unlink ", Names::First), (".IO.spurt|.IO.unlink", Names::Behind)] },
    Other {
        programs: "racket guile sbcl scheme ecl clisp",
        texts: "e eval c",
        calls: &[
            ("call-with-output-file |delete-file |with-output-to-file ", Names::First),
            ("display-to-file |write-to-file ", Names::Last),
            ("with-open-file (", Names::With(":output")),
        ],
    },
    Other { programs: "erl", texts: "eval", calls: &[("file:write_file(|file:delete(", Names::First)] },
    Other { programs: "swift", texts: "e", calls: &[("toFile: |fileURLWithPath: ", Names::First)] },
    Other {
        programs: "pwsh powershell",
        texts: "c Command command",
        calls: &[
            ("WriteAllText(|WriteAllLines(|AppendAllText(|WriteAllBytes(|AppendAllLines(|File]::Delete(|File]::Create(", Names::First),
            ("File]::Copy(|File]::Move(", Names::Last),
        ],
    },
];

/// The most places of one call in a text that are looked at.
const MANY: usize = 16;

/// The paths that the texts given to a program write.
pub(in crate::hook::shell) fn written(name: &str, args: &[Word], input: Option<&str>) -> Vec<Written> {
    if name == "tclsh" {
        return input.map(tcl).unwrap_or_default();
    }
    let Some(other) = OTHERS.iter().find(|other| is_among(other.programs, name)) else { return Vec::new() };
    let options = Options::read_single(args, other.texts);
    let given = options.values_of_any(other.texts);
    let has_script = options.operands.iter().any(|word| !word.is("-"));
    let read = input.filter(|_| given.is_empty() && !has_script);
    let texts = given.into_iter().map(|text| text.value.as_str()).chain(read);
    texts
        .flat_map(|text| {
            other.calls.iter().flat_map(move |(calls, names)| calls.split('|').flat_map(move |call| of_call(text, call, *names)))
        })
        .collect()
}

fn of_call(text: &str, call: &str, names: Names) -> Vec<Written> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(call).take(MANY) {
        // `reformat(` is another one.
        let is_part =
            call.starts_with(char::is_alphanumeric) && text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
        let is_method = call.contains(['.', ']']) || matches!(names, Names::Before(_));
        if is_part && !is_method {
            continue;
        }
        let behind = &text[at + call.len()..];
        let args = behind.split([')', '\n']).next().unwrap_or_default();
        let texts = |text: &'_ str| -> Vec<String> { text.split(['"', '\'']).skip(1).step_by(2).map(str::to_owned).collect() };
        let begins = args.trim_start().starts_with(['"', '\'']);
        let file = match names {
            Names::First if begins => texts(args).into_iter().next(),
            Names::Last => texts(args).pop(),
            Names::With(other) if args.contains(other) => {
                let texts = texts(args);
                if other == "file" { texts.into_iter().next_back() } else { texts.into_iter().next() }
            }
            Names::Before(follow) if begins => {
                let rest = behind.get(args.len() + 1..).unwrap_or_default();
                texts(args).into_iter().next().filter(|_| follow.iter().any(|one| rest.starts_with(one)))
            }
            Names::Behind => text[..at].strip_suffix(['"', '\'']).and_then(|before| before.rsplit(['"', '\'']).next()).map(str::to_owned),
            _ => None,
        };
        found.extend(file.filter(|file| !file.is_empty() && !file.contains('\n') && file.len() < 4_096).map(Written::tree));
    }
    found
}

/// `open FILE w`, `file delete FILE`, `file rename A B` of Tcl.
fn tcl(text: &str) -> Vec<Written> {
    let mut found = Vec::new();
    for statement in text.split([';', '\n', '[', ']']).take(500) {
        let words: Vec<&str> = statement.split_whitespace().map(|word| word.trim_matches(['"', '{', '}'])).collect();
        match words.as_slice() {
            ["open", file, mode, ..] if mode.starts_with(['w', 'a']) || mode.contains('+') => found.push(Written::file(*file)),
            ["file", "delete", files @ ..] => {
                found.extend(
                    files.iter().filter(|file| !file.starts_with('-') && !file.is_empty()).map(|file| Written::tree(*file).entry()),
                );
            }
            ["file", "rename" | "copy", .., from, to] => {
                let from = Some(from).filter(|_| words[1] == "rename").map(|from| Written::tree(*from).entry());
                found.extend(from.into_iter().chain([Written::tree(*to)]));
            }
            _ => {}
        }
    }
    found.retain(|written| !written.path.contains('$'));
    found
}
