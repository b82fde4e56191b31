//! Clients that Oarlock knows how to ask: which flags let them answer one prompt from standard input and read only.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::profile::Client;

/// How one client is asked.
struct Asking {
    /// The client.
    client: Client,
    /// The words of one question, after the program.
    question: &'static [&'static str],
    /// Flags that let it read only, each with its value if it has one.
    read_only: &'static [&'static [&'static str]],
    /// Flags with a value that say which model answers: a run's own are kept.
    kept: &'static [&'static str],
}

/// Flags as of the versions that `docs/clients.md` names.
const CLIENTS: [Asking; 4] = [
    Asking {
        client: Client::Claude,
        question: &["-p"],
        read_only: &[
            &["--permission-mode", "dontAsk"],
            &["--strict-mcp-config"],
            &["--disallowedTools", "Bash,Edit,Write,NotebookEdit,Task,WebFetch,WebSearch"],
        ],
        kept: &["--model"],
    },
    Asking {
        client: Client::Codex,
        question: &["exec", "--skip-git-repo-check", "--ephemeral"],
        read_only: &[&["-s", "read-only"]],
        kept: &["-m", "--model", "-p", "--profile"],
    },
    Asking {
        client: Client::Gemini,
        question: &["-p", "Answer with the JSON object that is asked for.", "--skip-trust"],
        read_only: &[&["--approval-mode", "default"]],
        kept: &["-m", "--model"],
    },
    Asking { client: Client::OpenCode, question: &["run"], read_only: &[&["--agent", "plan"]], kept: &["-m", "--model"] },
];

/// Other spellings of a flag: who gives one of them has chosen for himself.
const SAME: [&[&str]; 4] = [
    &["-s", "--sandbox", "--dangerously-bypass-approvals-and-sandbox", "--full-auto"],
    &["--permission-mode", "--dangerously-skip-permissions"],
    &["--approval-mode", "-y", "--yolo"],
    // Servers that the operator names are those that he wants.
    &["--strict-mcp-config", "--mcp-config"],
];

/// How the client that a program is would be asked.
fn asking(program: &OsStr) -> Option<&'static Asking> {
    let client = Client::of_program(program)?;
    CLIENTS.iter().find(|asking| asking.client == client)
}

/// The name of the client that `command` starts, and the command that asks it one question; none for an unknown client.
pub(super) fn asked(command: &[OsString]) -> Option<(&'static str, Vec<OsString>)> {
    let (program, arguments) = command.split_first()?;
    let client = asking(program)?;
    // A path is meant from the directory of the run, and the asked program runs in another one.
    let has_path = Path::new(program).components().nth(1).is_some();
    let found = if has_path { std::path::absolute(program).map(OsString::from).ok() } else { None };
    let mut out = vec![found.unwrap_or_else(|| program.clone())];
    out.extend(client.question.iter().chain(client.read_only.iter().copied().flatten()).map(OsString::from));
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        let (flag, value) = text.split_once('=').map_or((&*text, None), |(flag, value)| (flag, Some(value)));
        if flag.starts_with('-') && client.kept.contains(&flag) {
            match value {
                Some(_) => out.push(argument.clone()),
                None => out.extend([argument.clone()].into_iter().chain(arguments.next().cloned())),
            }
        }
    }
    Some((client.client.as_str(), out))
}

/// The words of a shell, with the flags that let a client read only where they are one command that starts one: `claude -p`, also with quoted
/// arguments, with variables before it, and after `env` or `timeout 60`. What the operator has chosen himself stays. Second is the name of a
/// client that may be started without such flags, because the words say more than that.
pub(super) fn with_flags(words: &str) -> (String, Option<&'static str>) {
    let plain = plain_words(words).unwrap_or_default();
    let started = plain.get(prefix(&plain)).and_then(|program| asking(OsStr::new(program)));
    // After `--` a flag is an argument.
    let Some(client) = started.filter(|_| !plain.iter().any(|word| word == "--")) else {
        let parts: Vec<&str> = words.split(|c: char| c.is_whitespace() || "|&;()<>{}`$\"'".contains(c)).collect();
        let named = parts.iter().find_map(|word| asking(OsStr::new(word)));
        let is_bare = |client: &&Asking| client.read_only.iter().any(|flag| !is_given(flag[0], &parts));
        return (words.to_owned(), named.filter(is_bare).map(|client| client.client.as_str()));
    };
    let mut out = words.trim_end().to_owned();
    for flag in client.read_only.iter().filter(|flag| !is_given(flag[0], &plain)) {
        out.push(' ');
        out.push_str(&flag.join(" "));
    }
    (out, None)
}

/// Whether a flag is among `words`, in any of its spellings.
fn is_given(flag: &str, words: &[impl AsRef<str>]) -> bool {
    let same = SAME.iter().find(|same| same.contains(&flag)).copied();
    words.iter().any(|word| {
        let word = word.as_ref().split('=').next().unwrap_or_default();
        word == flag || same.is_some_and(|same| same.contains(&word))
    })
}

/// How many words stand before the program: variables, `env` with variables, `timeout` with a time.
fn prefix(words: &[String]) -> usize {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let is_variable = word.split_once('=').is_some_and(|(name, _)| !name.is_empty() && !name.contains(['/', '-', '.']));
        let is_timed = word == "timeout" && words.get(at + 1).is_some_and(|time| time.starts_with(|c: char| c.is_ascii_digit()));
        at += match word.as_str() {
            _ if is_timed => 2,
            "env" => 1,
            _ if is_variable => 1,
            _ => break,
        };
    }
    at
}

/// The words of one command, without their quotes; nothing where a shell reads more than words.
fn plain_words(text: &str) -> Option<Vec<String>> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+~%".contains(c);
    let (mut out, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in text.chars() {
        match (quote, c) {
            (Some(mark), c) if c == mark => quote = None,
            (Some('"'), '$' | '`' | '\\') => return None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t') => out.extend(word.take()),
            (None, c) if is_plain(c) => word.get_or_insert_default().push(c),
            _ => return None,
        }
    }
    out.extend(word);
    quote.is_none().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &str) -> Option<String> {
        let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
        asked(&words).map(|(_, command)| command.join(OsStr::new(" ")).into_string().expect("text"))
    }

    #[test]
    fn a_known_client_is_asked_with_its_model_and_reads_only() {
        assert_eq!(
            command("/opt/bin/claude -p --model opus --permission-mode acceptEdits --allowedTools Bash").as_deref(),
            Some(
                "/opt/bin/claude -p --permission-mode dontAsk --strict-mcp-config \
                 --disallowedTools Bash,Edit,Write,NotebookEdit,Task,WebFetch,WebSearch --model opus"
            )
        );
        assert_eq!(
            command("codex exec -s workspace-write -m=o5 -").as_deref(),
            Some("codex exec --skip-git-repo-check --ephemeral -s read-only -m=o5")
        );
        assert_eq!(command("opencode run").as_deref(), Some("opencode run --agent plan"));
        assert!(command("sh agent.sh").is_none() && command("./claude.sh").is_none());
    }

    #[test]
    fn the_operators_own_words_stay_and_flags_are_added_where_they_are_plain() {
        let codex = "codex exec --model o5 -s read-only".to_owned();
        assert_eq!(with_flags("codex exec --model o5"), (codex, None));
        let own = "claude -p --dangerously-skip-permissions --mcp-config=x --disallowedTools=Bash";
        for words in [
            "opencode run --agent mine",
            own,
            "cat answer.json",
            "cat claude.md",
            "claude -p --permission-mode plan --strict-mcp-config --disallowedTools Bash | cat",
            "",
        ] {
            assert_eq!(with_flags(words), (words.to_owned(), None));
        }
    }

    #[test]
    fn a_client_behind_other_words_gets_its_flags_or_is_named() {
        for words in [
            "~/bin/claude -p",
            "timeout 60 claude -p",
            "env A=1 claude -p",
            "A='b c' timeout 1m /opt/claude -p",
            "claude -p 'Plan it; all of it' --model \"opus\"",
        ] {
            let (out, unsure) = with_flags(words);
            assert!(out.starts_with(&format!("{words} --permission-mode dontAsk --strict-mcp-config ")), "{out}");
            assert_eq!(unsure, None, "{words}");
        }
        for words in [
            "claude -p \"$(cat head.txt)\"",
            "claude -p | tee x",
            "sh -c 'claude -p'",
            "nice ~/bin/claude -p",
            "cat|claude -p",
            "claude -p -- x",
        ] {
            assert_eq!(with_flags(words), (words.to_owned(), Some("claude")));
        }
    }
}
