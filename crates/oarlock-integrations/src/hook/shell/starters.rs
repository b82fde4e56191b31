//! Programs that start another one, as data: their options that take a value, and how many operands stand before the program.

use super::names::short_name;
use super::options::{Options, is_among};
use super::specs::verb_at;
use super::word::{Word, is_assignment};

/// The started command.
pub(super) enum Started {
    /// A program with its arguments, and the directory that it runs in.
    Words(Vec<Word>, Option<Word>),
    /// A text for a shell, and its directory.
    Text(String, Option<Word>),
    /// Several of these.
    Texts(Vec<String>),
    /// Something on another machine, or below another root.
    Elsewhere,
}

/// A program that starts one.
struct Starter {
    names: &'static str,
    /// Verbs of which one has to stand before the program.
    verbs: &'static str,
    /// Options that take a value.
    valued: &'static str,
    /// Options whose value is a text for a shell.
    text: &'static str,
    /// Options that name the directory.
    dir: &'static str,
    /// Operands before the program.
    operands: usize,
}

const fn starts(names: &'static str, valued: &'static str) -> Starter {
    Starter { names, verbs: "", valued, text: "", dir: "", operands: 0 }
}

const fn with_verbs(names: &'static str, verbs: &'static str, valued: &'static str) -> Starter {
    Starter { verbs, ..starts(names, valued) }
}

static STARTERS: &[Starter] = &[
    starts("runuser", "u g G user group supp-group w whitelist-environment"),
    Starter { operands: 1, ..starts("faketime", "exclude-monotonic m date-prog") },
    with_verbs("devbox", "run", "e env env-file c config"),
    starts("screen", "S c"),
    starts("fakeroot eatmydata numactl cpulimit prlimit setarch linux32 linux64 trickle", "C N m l p d u"),
    Starter { dir: "D chdir", ..starts("sudo doas", "u g h p C T R U r t user group host prompt close-from role type") },
    Starter { dir: "C chdir", text: "S split-string", ..starts("env", "u unset") },
    starts("nice", "n adjustment"),
    starts("ionice", "c n p class classdata"),
    starts(
        "nohup command builtin busybox toybox setsid unbuffer chronic dbus-run-session firejail winpty rlwrap ccache distcc sccache torsocks",
        "",
    ),
    starts("exec", "a"),
    starts("time gtime", "f o format output"),
    starts("stdbuf", "i o e input output error"),
    Starter { operands: 1, ..starts("timeout gtimeout", "k s signal kill-after") },
    Starter { operands: 1, text: "c command", ..starts("flock", "w E timeout conflict-exit-code") },
    starts("xvfb-run", "n e f s p server-num error-file auth-file server-args"),
    Starter { operands: 1, ..starts("taskset chrt", "p") },
    starts("strace ltrace", "e o p s u a E S P"),
    starts("caffeinate", "t w"),
    starts("systemd-run", "p u E M property unit slice description uid gid setenv"),
    starts("systemd-inhibit", "what who why mode"),
    starts("proxychains proxychains4 tsocks", "f"),
    starts("unshare", "S G R w wd map-user map-group root"),
    starts("valgrind", ""),
    Starter { text: "s", ..starts("entr", "") },
    starts("watchexec", "w e i f d s watch exts ignore filter debounce signal shell"),
    with_verbs("perf", "record stat trace", "e o p F g output event"),
    starts("cross-env", ""),
    with_verbs("dotenvx", "run", "e f fk env env-file"),
    starts("dotenv env-cmd", "e f v c p"),
    starts("xcrun", "sdk toolchain"),
    starts("ssh-agent dumb-init tini catchsegv ifne retry multitime setpriv proot", "t r reuid regid n d"),
    Starter { operands: 1, ..starts("envdir gosu su-exec chpst", "u e") },
    with_verbs("foreman honcho toolbox", "run", "e env c container"),
    starts("corepack c8 nyc nbqa", "o r reporter report-dir reports-dir temp-dir x n exclude include"),
    with_verbs("pixi", "run", "e environment manifest-path"),
    with_verbs("rr heaptrack samply", "record", "o"),
    Starter { operands: 1, ..with_verbs("direnv", "exec", "") },
    with_verbs("mise rtx asdf volta rbenv pyenv nodenv proto fnm", "exec x run", "using C cd env E node npm yarn"),
    Starter { operands: 1, ..with_verbs("nvm aws-vault", "exec run", "") },
    with_verbs("conda mamba micromamba", "run", "n name p prefix cwd"),
    with_verbs("poetry pdm rye pipenv hatch", "run", "e env C directory P project p"),
    with_verbs("uv", "run", "with with-requirements with-editable p python extra group env-file index-url package directory project"),
    starts("uvx", "from with p python index-url"),
    with_verbs("pipx", "run", "spec python index-url"),
    with_verbs("bundle bundler", "exec", ""),
    Starter { text: "c call", ..starts("npx pnpx", "p package w workspace") },
    Starter { text: "c call", ..with_verbs("npm", "exec x", "p package w workspace prefix") },
    with_verbs("pnpm", "exec dlx", "package filter F C dir"),
    with_verbs("yarn yarnpkg", "exec dlx run", "p package cwd"),
    starts("bunx", "p package"),
    with_verbs("bun", "x run", ""),
    Starter { text: "c command", ..with_verbs("nix", "develop shell", "p package") },
    with_verbs("doppler op infisical composer dotnet-tool chezmoi teller", "run exec", "p project c config env-file e env"),
];

/// Verbs of `pnpm` and `yarn` that start no program of their name.
const OWN_VERBS: &str = "pkg add a remove rm uninstall un install i update up upgrade link unlink init exec dlx run test t start build audit why list ls outdated \
                         publish pack store prune dedupe import version config set get create patch rebuild root bin fetch deploy workspaces workspace info \
                         cache plugin constraints npm search help";

/// Programs that start the command behind their `--`.
const BEHIND_DASHES: &str = "guix flox devenv tox mise rtx onchange cs coursier flamegraph py-spy clinic austin op doppler infisical teller chezmoi devbox \
     envconsul consul-template aws-vault chamber sops direnv watchexec reflex modd fnm";

/// The short names that PowerShell and `cmd` have for what writes.
const SHORT_NAMES: &str =
    "ri() { remove-item \"$@\"; }; del() { remove-item \"$@\"; }; erase() { remove-item \"$@\"; }; rd() { remove-item \"$@\"; }
sc() { set-content \"$@\"; }; ac() { add-content \"$@\"; }; clc() { clear-content \"$@\"; }; ni() { new-item \"$@\"; }
copy() { copy-item \"$@\"; }; cpi() { copy-item \"$@\"; }; move() { move-item \"$@\"; }; mi() { move-item \"$@\"; }
ren() { rename-item \"$@\"; }; rni() { rename-item \"$@\"; }; iwr() { invoke-webrequest \"$@\"; }
";

/// The command that a program with these arguments starts; none when it starts none.
pub(super) fn read(name: &str, args: &[Word]) -> Option<Started> {
    match name {
        "command" if args.first().is_some_and(|arg| arg.is("-v") || arg.is("-V")) => return Some(Started::Elsewhere),
        "ssh" => return Some(at_host(args)),
        "pwsh" | "powershell" | "cmd" => {
            let is_command = |arg: &Word| matches!(arg.text.to_ascii_lowercase().as_str(), "-command" | "-c" | "/c" | "//c" | "/k");
            let at = args.iter().position(is_command)?;
            let text = text_of(&args[at + 1..]);
            let text = if name == "cmd" { text.replace('\\', "/") } else { text };
            return Some(Started::Text(format!("{SHORT_NAMES}{text}"), None));
        }
        "mosh" | "chroot" | "nsenter" | "adb" | "vagrant" => return Some(Started::Elsewhere),
        "kubectl" | "oc" if args.iter().any(|arg| arg.is("exec") || arg.is("run")) => return Some(Started::Elsewhere),
        "dotnet" if args.first().is_some_and(|arg| arg.is("csharpier")) => return Some(words(args.to_vec())),
        "su" | "script" | "runuser"
            if name != "runuser" || args.iter().any(|arg| arg.text.starts_with("-c") || arg.text.starts_with("--command")) =>
        {
            let options = Options::read(args, "c command s shell g G u T E I O B", "");
            // A login begins at home.
            let is_login = name == "su" && args.iter().any(|arg| matches!(arg.known(), Some("-" | "-l" | "--login")));
            let dir = is_login.then(|| Word::of("~"));
            return options.values(&["c", "command"]).last().map(|text| Started::Text(text.value.clone(), dir));
        }
        "nix-shell" => {
            let options = Options::read(args, "p packages A attr I run command arg argstr", "");
            return options.values(&["run", "command"]).last().map(|text| Started::Text(text.value.clone(), None));
        }
        "nix" if args.first().is_some_and(|arg| arg.is("shell") || arg.is("develop")) => {
            let at = args.iter().position(|arg| matches!(arg.known(), Some("-c" | "--command")))?;
            return Some(words(args[at + 1..].to_vec()));
        }
        "nix" if args.first().is_some_and(|arg| arg.is("run")) => {
            let package = args.iter().skip(1).find(|arg| !arg.text.starts_with('-'))?;
            let name = package.text.rsplit(['#', '/', ':']).next().unwrap_or_default().to_owned();
            let behind = args.iter().position(|arg| arg.is("--")).map_or(args.len(), |at| at + 1);
            return Some(words([Word::of(name)].into_iter().chain(args[behind..].iter().cloned()).collect()));
        }
        "watch" => {
            let at = verb_at(args, "n d interval").unwrap_or(args.len());
            return Some(Started::Text(text_of(&args[at..]), None));
        }
        "hyperfine" => {
            let valued = "w r m M p s c n N warmup runs min-runs max-runs prepare setup cleanup conclude shell style export-json export-csv export-markdown \
                          export-asciidoc export-orgmode command-name parameter-list parameter-scan output input time-unit";
            let options = Options::read(args, valued, "");
            let texts = options.operands.iter().copied().chain(options.values(&["p", "prepare", "s", "setup", "c", "cleanup"]));
            return Some(Started::Texts(texts.map(|text| text.value.clone()).collect()));
        }
        "cmake" if args.first().is_some_and(|arg| arg.is("-E")) => {
            let program = match args.get(1)?.known()? {
                "copy" | "copy_if_different" | "copy_directory" => "cp",
                "remove" | "rm" | "remove_directory" => "rm",
                "rename" => "mv",
                "create_symlink" => "ln",
                program => program,
            };
            return Some(words([Word::of(program)].into_iter().chain(args[2..].iter().cloned()).collect()));
        }
        "shx" | "shelljs" => return Some(words(args.to_vec())),
        "cross-env-shell" => {
            let at = args.iter().take_while(|arg| is_assignment(&arg.text)).count();
            return Some(Started::Text(text_of(&args[at..]), None));
        }
        "dotnet" if args.first().is_some_and(|arg| arg.is("tool")) && args.get(1).is_some_and(|arg| arg.is("run")) => {
            return Some(words(args[2..].to_vec()));
        }
        "pee" | "mispipe" => return Some(Started::Texts(args.iter().map(|text| text.value.clone()).collect())),
        "expect" => {
            let text = Options::read(args, "c", "").values(&["c"]).last().map(|text| text.value.clone())?;
            let spawned = text.split([';', '\n']).filter_map(|line| line.trim().strip_prefix("spawn "));
            return Some(Started::Texts(spawned.map(str::to_owned).collect()));
        }
        "concurrently" | "start-server-and-test" => {
            let options = Options::read(args, "n names c prefix-colors m max-processes p prefix s success l prefix-length i", "");
            return Some(Started::Texts(options.operands.iter().map(|text| text.value.clone()).collect()));
        }
        "nodemon" | "chokidar" | "watchman-make" => {
            let options = Options::read(args, "x exec w watch e ext i ignore d delay c command signal", "");
            let named: &[&str] = if name == "nodemon" { &["x", "exec"] } else { &["c", "command"] };
            return options.values(named).last().map(|text| Started::Text(text.value.clone(), None));
        }
        "osascript" => {
            // `do shell script "TEXT"`
            let options = Options::read(args, "e l", "");
            let shell = |text: &&Word| Some(text.value.split_once("do shell script \"")?.1.rsplit_once('"')?.0.replace("\\\"", "\""));
            return Some(Started::Texts(options.values(&["e"]).iter().filter_map(shell).collect()));
        }
        "ansible" => {
            let options = Options::read(args, super::fetches::ANSIBLE_VALUED, "");
            let module = options.values(&["m", "module-name"]).last().map_or("command", |module| module.text.as_str());
            if !super::fetches::is_local(&options) || !matches!(module.rsplit('.').next(), Some("shell" | "command" | "raw")) {
                return None;
            }
            return options.values(&["a", "args"]).last().map(|text| Started::Text(text.value.clone(), None));
        }
        "uv" if args.first().is_some_and(|arg| arg.is("run")) && args.get(1).is_some_and(|arg| arg.is("-m") || arg.is("--module")) => {
            return Some(words([Word::of("python")].into_iter().chain(args[1..].iter().cloned()).collect()));
        }
        _ if is_among(BEHIND_DASHES, name) && args.iter().any(|arg| arg.is("--")) => {
            let at = args.iter().position(|arg| arg.is("--"))?;
            // `cs launch NAME -- ARGUMENTS`
            let program = args[..at].last().filter(|_| matches!(name, "cs" | "coursier"));
            return Some(words(program.into_iter().chain(&args[at + 1..]).cloned().collect()));
        }
        "tmux" => {
            let at = verb_at(args, "S L f")?;
            let options = Options::read(&args[at + 1..], "t s n c x y F e", "");
            let keys = |word: &&Word| !matches!(word.known(), Some("Enter" | "C-m" | "ENTER"));
            let text: Vec<&str> = options.operands.iter().copied().filter(keys).map(|word| word.value.as_str()).collect();
            let runs = is_among(
                "new-session new new-window neww split-window splitw run-shell run send-keys send respawn-pane",
                args[at].known()?,
            );
            return (runs && !text.is_empty()).then(|| Started::Text(text.join(" "), None));
        }
        "java" => {
            let at = args.iter().position(|arg| arg.is("-jar"))?;
            let stem = short_name(args.get(at + 1)?.known()?.trim_end_matches(".jar"));
            // What follows the name is its version.
            let version =
                stem.match_indices('-').find(|(at, _)| stem[at + 1..].starts_with(|c: char| c.is_ascii_digit())).map(|(at, _)| at);
            let name = Word::of(&stem[..version.unwrap_or(stem.len())]);
            return Some(words([name].into_iter().chain(args[at + 2..].iter().cloned()).collect()));
        }
        "uv" if args.first().is_some_and(|arg| arg.is("tool")) => {
            let rest = args.strip_prefix(args.get(..2)?)?;
            return args.get(1).is_some_and(|verb| verb.is("run")).then(|| words(from_program(rest, "from with python p")));
        }
        "go" if args.first().is_some_and(|arg| arg.is("run")) && args.get(1).is_some_and(|arg| arg.text.contains('@')) => {
            return Some(words(args[1..].to_vec()));
        }
        "go" if args.first().is_some_and(|arg| arg.is("tool")) => return Some(words(args[1..].to_vec())),
        "yarn" | "pnpm" => {
            let at = verb_at(args, "cwd C dir filter F")?;
            let verb = args[at].known()?;
            if !is_among(OWN_VERBS, verb) {
                let dir =
                    Options::read(&args[..at], "cwd C dir filter F", "").values(&["cwd", "C", "dir"]).last().map(|dir| (*dir).clone());
                return Some(Started::Words(args[at..].to_vec(), dir));
            }
        }
        _ => {}
    }
    STARTERS.iter().filter(|starter| is_among(starter.names, name)).find_map(|starter| starter.read(name, args))
}

/// The command that `ssh` starts: on this machine a text in the user's home, otherwise something elsewhere.
fn at_host(args: &[Word]) -> Started {
    let valued = "b B c D E e F I i J L l m O o p P Q R S W w";
    let Some(at) = verb_at(args, valued) else { return Started::Elsewhere };
    let host = args[at].text.rsplit('@').next().unwrap_or_default();
    match host {
        "localhost" | "127.0.0.1" | "::1" if args[at].is_known => Started::Text(text_of(&args[at + 1..]), Some(Word::of("~"))),
        _ => Started::Elsewhere,
    }
}

fn words(words: Vec<Word>) -> Started {
    Started::Words(words, None)
}

/// The program's words behind options.
fn from_program(args: &[Word], valued: &str) -> Vec<Word> {
    let at = verb_at(args, valued).unwrap_or(args.len());
    args[at..].to_vec()
}

fn text_of(args: &[Word]) -> String {
    args.iter().map(|arg| arg.value.as_str()).collect::<Vec<_>>().join(" ")
}

impl Starter {
    fn read(&self, name: &str, args: &[Word]) -> Option<Started> {
        let mut rest = args;
        let (mut dir, mut given_text) = (None, None);
        let mut verb = self.verbs.is_empty();
        let mut left = self.operands;
        loop {
            let Some((word, behind)) = rest.split_first() else {
                given_text.as_ref()?;
                break;
            };
            if word.is("--") {
                rest = behind;
                if verb && left == 0 {
                    break;
                }
                continue;
            }
            if word.text.starts_with('-') && (word.text.len() > 1 || name == "env") {
                rest = behind;
                let is_long = word.text.starts_with("--");
                let plain = word.text.trim_start_matches('-');
                let (option, own) = match (plain.split_once('='), is_long) {
                    (Some((option, value)), true) => (option, Some(word.after(word.text.len() - value.len()))),
                    (_, true) => (plain, None),
                    // The last of several letters, or one with its value.
                    _ => {
                        let first = plain.char_indices().nth(1).map_or(plain.len(), |(end, _)| end);
                        let takes = |option: &str| [self.valued, self.text, self.dir].iter().any(|all| is_among(all, option));
                        if takes(&plain[..first]) && first < plain.len() {
                            (&plain[..first], Some(word.after(1 + first)))
                        } else {
                            let last = plain.char_indices().last().map_or(0, |(at, _)| at);
                            (&plain[last..], None)
                        }
                    }
                };
                let takes = [self.valued, self.text, self.dir].iter().any(|all| is_among(all, option));
                let value = match own {
                    Some(value) => Some(value),
                    None if takes => {
                        let (value, behind) = rest.split_first()?;
                        rest = behind;
                        Some(value.clone())
                    }
                    None => None,
                };
                if is_among(self.dir, option) {
                    dir = value;
                } else if is_among(self.text, option) {
                    given_text = value;
                }
                continue;
            }
            if !verb {
                if !is_among(self.verbs, word.known()?) {
                    return None;
                }
                verb = true;
                rest = behind;
                continue;
            }
            if is_assignment(&word.text) && !word.text.starts_with('/') {
                rest = behind;
                continue;
            }
            if left > 0 {
                left -= 1;
                rest = behind;
                // Its options may follow: `flock FILE -c TEXT`.
                continue;
            }
            break;
        }
        if let Some(text) = given_text {
            let text = format!("{} {}", text.value, text_of(rest));
            return Some(Started::Text(text, dir));
        }
        let mut words = rest.to_vec();
        if let Some(first) = words.first_mut() {
            // Of `@scope/name` the program is the name, and a version is none of it.
            let starts_packages = matches!(name, "npx" | "pnpx" | "bunx" | "uvx" | "pipx" | "pnpm" | "yarn" | "bun" | "npm" | "uv");
            if starts_packages && first.is_known {
                let short = short_name(&first.text).split("==").next().unwrap_or_default();
                // Of `@scope/cli` it is the scope.
                let scope = first.text.strip_prefix('@').and_then(|scoped| scoped.split_once('/')).filter(|_| short == "cli");
                *first = Word::of(scope.map_or(short, |(scope, _)| scope).to_owned());
            }
            if name == "npm" && words.get(1).is_some_and(|word| word.is("--")) {
                words.remove(1);
            }
        }
        Some(Started::Words(words, dir))
    }
}
