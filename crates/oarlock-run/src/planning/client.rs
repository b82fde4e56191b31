//! Clients that Oarlock knows how to ask: which flags let them answer one prompt from standard input and read only.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// One client.
struct Client {
    /// The name of its program.
    program: &'static str,
    /// The words of one question, after the program.
    question: &'static [&'static str],
    /// Flags that let it read only, each with its value if it has one.
    read_only: &'static [&'static [&'static str]],
    /// Flags with a value that say which model answers: a run's own are kept.
    kept: &'static [&'static str],
}

/// Flags as of the versions that `docs/clients.md` names.
const CLIENTS: [Client; 4] = [
    Client {
        program: "claude",
        question: &["-p"],
        read_only: &[&["--permission-mode", "dontAsk"], &["--disallowedTools", "Bash,Edit,Write,NotebookEdit,Task,WebFetch"]],
        kept: &["--model"],
    },
    Client {
        program: "codex",
        question: &["exec", "--skip-git-repo-check", "--ephemeral"],
        read_only: &[&["-s", "read-only"]],
        kept: &["-m", "--model", "-p", "--profile"],
    },
    Client {
        program: "gemini",
        question: &["-p", "Answer with the JSON object that is asked for.", "--skip-trust"],
        read_only: &[&["--approval-mode", "default"]],
        kept: &["-m", "--model"],
    },
    Client { program: "opencode", question: &["run"], read_only: &[&["--agent", "plan"]], kept: &["-m", "--model"] },
];

/// Other spellings of a flag: who gives one of them has chosen for himself.
const SAME: [&[&str]; 3] = [
    &["-s", "--sandbox", "--dangerously-bypass-approvals-and-sandbox", "--full-auto"],
    &["--permission-mode", "--dangerously-skip-permissions"],
    &["--approval-mode", "-y", "--yolo"],
];

fn client(program: &OsStr) -> Option<&'static Client> {
    let name = Path::new(program).file_name()?.to_str()?;
    let name = name.strip_suffix(".exe").or_else(|| name.strip_suffix(".cmd")).unwrap_or(name);
    CLIENTS.iter().find(|client| client.program == name)
}

/// The name of the client that `command` starts, and the command that asks it one question; none for what is not a known client.
pub(super) fn asked(command: &[OsString]) -> Option<(&'static str, Vec<OsString>)> {
    let (program, arguments) = command.split_first()?;
    let client = client(program)?;
    // A path is meant from the directory of the run, and what is asked runs in another one.
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
    Some((client.program, out))
}

/// The words of a shell, with the flags that let a client read only where they are plain words that start one: a name, flags and values without
/// anything that a shell reads otherwise. What the operator has chosen himself stays.
pub(super) fn with_flags(words: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " -_./:=,@+".contains(c);
    let given: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
    let Some(client) = given.first().and_then(|program| client(OsStr::new(program))).filter(|_| words.chars().all(is_plain)) else {
        return words.to_owned();
    };
    let is_given = |flag: &str| {
        let same = SAME.iter().find(|same| same.contains(&flag)).copied();
        given.iter().any(|word| {
            let word = word.split('=').next().unwrap_or(word);
            word == flag || same.is_some_and(|same| same.contains(&word))
        })
    };
    let mut out = words.trim_end().to_owned();
    for flag in client.read_only.iter().filter(|flag| !is_given(flag[0])) {
        out.push(' ');
        out.push_str(&flag.join(" "));
    }
    out
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
            Some("/opt/bin/claude -p --permission-mode dontAsk --disallowedTools Bash,Edit,Write,NotebookEdit,Task,WebFetch --model opus")
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
        assert_eq!(with_flags("codex exec --model o5"), "codex exec --model o5 -s read-only");
        assert_eq!(with_flags("opencode run --agent mine"), "opencode run --agent mine");
        let own = "claude -p --dangerously-skip-permissions --disallowedTools=Bash";
        assert_eq!(with_flags(own), own);
        for words in ["claude -p \"$(cat head.txt)\"", "cat answer.json", "claude -p | tee x", ""] {
            assert_eq!(with_flags(words), words);
        }
    }
}
