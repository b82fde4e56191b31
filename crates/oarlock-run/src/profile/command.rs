//! Which client a command starts, and how it is asked for its stream of events.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::str::FromStr;

use oarlock_model::Rejection;
use oarlock_model::ident::shown;

use super::fact::Line;
use super::text::text;

/// A client whose stream is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Claude Code.
    Claude,
    /// Codex.
    Codex,
    /// Gemini CLI.
    Gemini,
    /// OpenCode.
    OpenCode,
}

impl Client {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Claude, Self::Codex, Self::Gemini, Self::OpenCode];

    /// The name of its program.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::OpenCode => "opencode",
        }
    }

    /// Whether its stream says what an attempt costs.
    pub fn reports_cost(self) -> bool {
        matches!(self, Self::Claude | Self::OpenCode)
    }

    /// The client that this program is, by its name.
    pub(crate) fn of_program(program: &OsStr) -> Option<Self> {
        let name = Path::new(program).file_name()?.to_str()?;
        let name = name.strip_suffix(".exe").or_else(|| name.strip_suffix(".cmd")).unwrap_or(name);
        Self::ALL.into_iter().find(|client| client.as_str() == name)
    }
}

/// How the output of a command is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// As a stream of the client that the command starts, or that the output itself shows.
    #[default]
    Auto,
    /// As it is.
    None,
    /// As a stream of this client.
    Client(Client),
}

impl Profile {
    /// The word for it on a command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::None => "none",
            Self::Client(client) => client.as_str(),
        }
    }
}

impl FromStr for Profile {
    type Err = Rejection;

    fn from_str(word: &str) -> Result<Self, Rejection> {
        match word {
            "auto" => Ok(Self::Auto),
            "none" => Ok(Self::None),
            _ => Client::ALL.into_iter().find(|client| client.as_str() == word).map(Self::Client).ok_or_else(|| {
                Rejection::invalid(format!("there is no profile \"{}\"", shown(word)), "auto, none, claude, codex, gemini or opencode")
            }),
        }
    }
}

/// How one client is asked for its stream.
struct Streaming {
    /// The words that make it headless: a subcommand, or flags of which one is enough.
    headless: &'static [&'static str],
    /// Whether they are a subcommand.
    is_subcommand: bool,
    /// The flags of the output format, in all spellings.
    format: &'static [&'static str],
    /// Values of these flags with which the output is a stream that can be read.
    readable: &'static [&'static str],
    /// The flags that are added where no format is chosen.
    added: &'static [&'static str],
}

fn streaming(client: Client) -> Streaming {
    match client {
        Client::Claude => Streaming {
            headless: &["-p", "--print"],
            is_subcommand: false,
            format: &["--output-format"],
            readable: &["stream-json", "json"],
            added: &["--output-format", "stream-json", "--verbose"],
        },
        Client::Codex => {
            Streaming { headless: &["exec", "e"], is_subcommand: true, format: &["--json"], readable: &[], added: &["--json"] }
        }
        Client::Gemini => Streaming {
            headless: &["-p", "--prompt"],
            is_subcommand: false,
            format: &["--output-format", "-o"],
            readable: &["stream-json", "json"],
            added: &["--output-format", "stream-json"],
        },
        Client::OpenCode => {
            Streaming { headless: &["run"], is_subcommand: true, format: &["--format"], readable: &["json"], added: &["--format", "json"] }
        }
    }
}

/// The command with the flags that make a known client print its stream, and how its output is read. A client that is not headless, or whose
/// output format the operator has chosen, gets no flags; neither does one that is started by another program, such as a shell.
pub(crate) fn with_stream(command: &[OsString], profile: Profile) -> (Vec<OsString>, Profile) {
    let unchanged = |profile| (command.to_vec(), profile);
    let Some((program, arguments)) = command.split_first().filter(|_| profile != Profile::None) else { return unchanged(profile) };
    let Some(client) = Client::of_program(program) else { return unchanged(profile) };
    if matches!(profile, Profile::Client(other) if other != client) {
        return unchanged(profile);
    }
    let Streaming { headless, is_subcommand, format, readable, added } = streaming(client);
    // After `--` a flag is an argument.
    let flags = arguments.iter().take_while(|argument| *argument != "--").map(|argument| argument.to_string_lossy()).collect::<Vec<_>>();
    let Some(at) = flags.iter().position(|flag| headless.contains(&&**flag)) else { return unchanged(profile) };
    let given = flags.iter().position(|flag| format.contains(&flag.split('=').next().unwrap_or_default()));
    if let Some(given) = given {
        let value =
            flags[given].split_once('=').map(|(_, value)| value.to_owned()).or_else(|| flags.get(given + 1).map(ToString::to_string));
        let is_read = readable.is_empty() || value.is_some_and(|value| readable.contains(&&*value));
        return unchanged(if is_read { Profile::Client(client) } else { profile });
    }
    let mut out = vec![program.clone()];
    let before = if is_subcommand { at + 1 } else { 0 };
    out.extend(arguments[..before].iter().cloned());
    out.extend(added.iter().map(OsString::from));
    out.extend(arguments[before..].iter().cloned());
    (out, Profile::Client(client))
}

/// Whose stream a line belongs to, as far as it shows: a client may be started by a script.
pub(super) fn sniff(line: &Line) -> Option<Client> {
    let has = |key: &str| line.contains_key(key);
    match text(line, &["type"])? {
        "system" if has("subtype") && has("session_id") => Some(Client::Claude),
        "result" if has("total_cost_usd") => Some(Client::Claude),
        "thread.started" if has("thread_id") => Some(Client::Codex),
        "init" if has("session_id") && has("model") => Some(Client::Gemini),
        "step_start" if has("sessionID") && has("part") => Some(Client::OpenCode),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &str, want: &str, profile: Profile) {
        let command: Vec<OsString> = words.split(' ').map(OsString::from).collect();
        let (command, read) = with_stream(&command, Profile::Auto);
        let got = command.join(OsStr::new(" "));
        assert_eq!((got.to_str(), read), (Some(want), profile), "{words}");
    }

    #[test]
    fn headless_clients_get_the_flags_of_their_stream() {
        let of = Profile::Client;
        for (words, want, client) in [
            ("/opt/claude -p --model opus", "/opt/claude --output-format stream-json --verbose -p --model opus", Client::Claude),
            ("claude --print -- -p", "claude --output-format stream-json --verbose --print -- -p", Client::Claude),
            ("codex -m o5 exec -", "codex -m o5 exec --json -", Client::Codex),
            ("gemini -p x", "gemini --output-format stream-json -p x", Client::Gemini),
            ("opencode run --agent build", "opencode run --format json --agent build", Client::OpenCode),
        ] {
            check(words, want, of(client));
        }
        for (words, client) in [
            ("claude -p --output-format=stream-json --verbose", Client::Claude),
            ("codex exec --json -", Client::Codex),
            ("gemini -o json -p x", Client::Gemini),
            ("opencode run --format json", Client::OpenCode),
        ] {
            check(words, words, of(client));
        }
    }

    #[test]
    fn what_the_operator_has_chosen_stays() {
        for words in [
            "claude -p --output-format text",
            "claude",
            "claude -- -p",
            "codex resume",
            "sh agent.sh",
            "gemini",
            "opencode run --format default",
        ] {
            check(words, words, Profile::Auto);
        }
        let command = ["claude", "-p"].map(OsString::from);
        assert_eq!(with_stream(&command, Profile::None), (command.to_vec(), Profile::None));
        let other = Profile::Client(Client::Codex);
        assert_eq!(with_stream(&command, other), (command.to_vec(), other));
        assert_eq!(with_stream(&[], Profile::Auto), (Vec::new(), Profile::Auto));
    }

    #[test]
    fn profiles_have_words() {
        for word in ["auto", "none", "claude", "codex", "gemini", "opencode"] {
            assert_eq!(word.parse::<Profile>().map(Profile::as_str).ok(), Some(word));
        }
        assert!("cursor".parse::<Profile>().is_err());
    }
}
