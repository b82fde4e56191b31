//! Programs that start another one, as data: their options that take a value, and how many operands stand before the program.

use super::options::{Options, is_among};
use super::programs::short_name;
use super::specs::verb_at;
use super::word::{Word, is_assignment};

/// What is started.
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

static STARTERS: [Starter; 45] = [
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
    starts("entr", "n"),
    with_verbs("perf", "record stat trace", "e o p F g output event"),
    starts("cross-env cross-env-shell", ""),
    starts("dotenv dotenvx env-cmd", "e f v c p"),
    Starter { operands: 1, ..with_verbs("direnv", "exec", "") },
    with_verbs("mise rtx asdf volta rbenv pyenv nodenv proto fnm", "exec x run", "using C cd env E"),
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
const OWN_VERBS: &str = "add a remove rm uninstall un install i update up upgrade link unlink init exec dlx run test t start build audit why list ls outdated \
                         publish pack store prune dedupe import version config set get create patch rebuild root bin fetch deploy workspaces workspace info \
                         cache node plugin constraints npm search help";

/// What a program with these arguments starts; nothing when it starts none.
pub(super) fn read(name: &str, args: &[Word]) -> Option<Started> {
    match name {
        "command" if args.first().is_some_and(|arg| arg.is("-v") || arg.is("-V")) => return Some(Started::Elsewhere),
        "ssh" | "mosh" | "chroot" | "nsenter" | "adb" | "vagrant" => return Some(Started::Elsewhere),
        "kubectl" | "oc" if args.iter().any(|arg| arg.is("exec") || arg.is("run")) => return Some(Started::Elsewhere),
        "dotnet" if args.first().is_some_and(|arg| arg.is("csharpier")) => return Some(words(args.to_vec())),
        "su" | "script" | "runuser"
            if name != "runuser" || args.iter().any(|arg| arg.text.starts_with("-c") || arg.text.starts_with("--command")) =>
        {
            let options = Options::read(args, "c command s shell g G u T E I O B", "");
            return options.values(&["c", "command"]).last().map(|text| Started::Text(text.value.clone(), None));
        }
        "nix-shell" => {
            let options = Options::read(args, "p packages A attr I run command arg argstr", "");
            return options.values(&["run", "command"]).last().map(|text| Started::Text(text.value.clone(), None));
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
        "shx" | "shelljs" => return Some(words(args.to_vec())),
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
                *first = Word::of(short_name(&first.text).to_owned());
            }
        }
        Some(Started::Words(words, dir))
    }
}

/// A program in a container.
pub(super) struct Contained {
    pub(super) words: Vec<Word>,
    /// The directory that it starts in.
    pub(super) dir: String,
    /// Directories of this machine, and what they are called there.
    pub(super) mounts: Vec<(String, String)>,
}

/// What `docker run` starts, with the directories that it may write.
pub(super) fn container(args: &[Word]) -> Option<Contained> {
    let valued = "v volume mount w workdir e env name p publish u user entrypoint network net platform env-file h hostname cpus m memory gpus add-host l label \
                  restart pull security-opt cap-add cap-drop device shm-size tmpfs ulimit log-driver userns ipc pid";
    let at = args
        .iter()
        .position(|arg| arg.is("run"))
        .filter(|at| args[..*at].iter().all(|arg| arg.text.starts_with('-') || arg.is("container")))?;
    let rest = &args[at + 1..];
    let image = verb_at(rest, valued)?;
    let options = Options::read(&rest[..image], valued, "");
    let mut mounts = Vec::new();
    for volume in options.values(&["v", "volume"]) {
        let mut parts = volume.known()?.split(':');
        if let (Some(from), Some(to), mode) = (parts.next(), parts.next(), parts.next())
            && mode.is_none_or(|mode| !mode.split(',').any(|part| part == "ro"))
            && from.contains(['/', '.', '~'])
        {
            mounts.push((from.to_owned(), to.to_owned()));
        }
    }
    for mount in options.values(&["mount"]) {
        let field = |names: &[&str]| {
            let fields = mount.text.split(',').filter_map(|field| field.split_once('='));
            fields.filter(|(name, _)| names.contains(name)).map(|(_, value)| value.to_owned()).next_back()
        };
        if let (Some(from), Some(to)) = (field(&["source", "src"]), field(&["target", "dst", "destination"]))
            && !mount.text.contains("readonly")
        {
            mounts.push((from, to));
        }
    }
    let dir = options.values(&["w", "workdir"]).last().and_then(|dir| dir.known()).unwrap_or("/").to_owned();
    let mut words = rest[image + 1..].to_vec();
    if let Some(program) = options.values(&["entrypoint"]).last() {
        words.insert(0, (*program).clone());
    }
    Some(Contained { words, dir, mounts })
}
