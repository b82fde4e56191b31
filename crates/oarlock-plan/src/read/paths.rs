//! File paths in prose: which words of a line are paths, and the pattern that each stands for.
//! Whether a step writes or only reads the file is decided in `step_info/files.rs`.

use oarlock_model::pattern::{self, KNOWN_FILE_NAMES, Pattern, is_file_extension, is_known_file_name};

use crate::text::name_of;

/// A path found in a line.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The pattern it stands for.
    pub(crate) pattern: Pattern,
    /// Byte offset in the line where it begins, marks included.
    pub(crate) start: usize,
    /// Byte offset behind it.
    pub(crate) end: usize,
}

/// Documents that prose names without their extension.
pub(crate) const DOCUMENTS_IN_CAPITALS: [(&str, &str); 3] =
    [("README", "README.md"), ("CHANGELOG", "CHANGELOG.md"), ("CONTRIBUTING", "CONTRIBUTING.md")];
/// What the names of servers end in, as packages are called after them.
const DOMAINS: [&str; 8] = ["com", "org", "io", "net", "dev", "in", "ai", "app"];
/// "Node.js" is no file.
const PRODUCTS: [&str; 9] = ["Node", "Vue", "Next", "Express", "React", "D3", "Three", "Chart", "Nuxt"];
/// Nor is `console.log`.
const IN_CODE: [&str; 8] = ["console", "process", "math", "Math", "np", "logger", "this", "self"];

/// Longest word that is looked at.
const WORD_BYTES_MAX: usize = 300;

/// What "Python files" means.
pub(crate) const LANGUAGES: &[(&str, &str)] = &[
    ("markdown", "md"),
    ("python", "py"),
    ("rust", "rs"),
    ("typescript", "ts"),
    ("javascript", "js"),
    ("yaml", "yaml"),
    ("yml", "yml"),
    ("json", "json"),
    ("toml", "toml"),
    ("shell", "sh"),
    ("bash", "sh"),
    ("sql", "sql"),
    ("html", "html"),
    ("css", "css"),
    ("go", "go"),
    ("java", "java"),
];

/// What follows it then.
pub(crate) const FILES_BEHIND: [&str; 4] = ["file", "script", "template", "document"];

/// The paths of a line, from left to right; at most `limit`.
pub(crate) fn find(line: &str, limit: usize) -> Vec<Found> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < line.len() && out.len() < limit {
        let rest = &line[at..];
        let c = rest.chars().next().expect("at is inside the line");
        if c == '`' {
            // A code span; several back-ticks in a row open one that holds back-ticks.
            let ticks = rest.bytes().take_while(|b| *b == b'`').count();
            let mark = &rest[..ticks];
            if let Some(length) = rest[ticks..].find(mark) {
                let end = at + ticks + length + ticks;
                let inner = &rest[ticks..ticks + length];
                // A link in a code span shows as it was written.
                let inner = link(inner).filter(|(_, whole)| *whole == inner.len()).map_or(inner, |(text, _)| text);
                push(inner, true, at, end, line, &mut out);
                at = end;
                continue;
            }
            at += ticks;
        } else if let Some((text, length)) = link(rest) {
            push(text, false, at, at + length, line, &mut out);
            at += length;
        } else if is_separator(c) {
            at += c.len_utf8();
        } else {
            let length = word_length(rest);
            push(&rest[..length], false, at, at + length, line, &mut out);
            at += length;
        }
    }
    out
}

/// The text of a link that begins `rest`, with the length of the whole, when its text is one word: `[a.rs](file:///x/a.rs)`.
fn link(rest: &str) -> Option<(&str, usize)> {
    let (text, _) = rest.strip_prefix('[')?.split_once("](")?;
    let inside = text.len() + "[](".len();
    let close = rest[inside..].find(')')?;
    (!text.contains([' ', '[', '`']) && paths_are_alike(text, &rest[inside..inside + close])).then_some((text, inside + close + 1))
}

/// Whether the target of a link ends in the name that its text is.
fn paths_are_alike(text: &str, target: &str) -> bool {
    let name = name_of(text);
    !name.is_empty() && target.split('#').next().unwrap_or(target).ends_with(name)
}

/// The length of the word that begins `rest`; commas in braces do not end it.
fn word_length(rest: &str) -> usize {
    let ends = |c: char| is_separator(c) || c == '`';
    let length = rest.find(ends).unwrap_or(rest.len());
    if !rest[..length].contains('{') {
        return length;
    }
    let whole = rest.find(|c| c != ',' && ends(c)).unwrap_or(rest.len());
    let listed = pattern::listed(&rest[..whole]).first().map_or(0, |item| item.len());
    if pattern::expanded(&rest[..listed]).is_some() { listed } else { length }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || "()\"'<>|,;=!".contains(c) || c == '“' || c == '”' || c == '→' || c == '—' || c == '–'
}

fn push(word: &str, ticked: bool, start: usize, end: usize, line: &str, out: &mut Vec<Found>) {
    let next = line[end..].trim_start();
    let is_followed_by_files = FILES_BEHIND.iter().any(|w| next.get(..w.len()).is_some_and(|head| head.eq_ignore_ascii_case(w)));
    let patterns = match if is_followed_by_files { kind_of_files(word) } else { None } {
        Some(kind) => vec![kind],
        None if is_plain(word) => return,
        None => patterns_of(word, ticked),
    };
    out.extend(patterns.into_iter().map(|pattern| Found { pattern, start, end }));
}

/// Whether a word has nothing that a path has: most words of a line do, even of one that names a file.
fn is_plain(word: &str) -> bool {
    !word.bytes().any(|byte| matches!(byte, b'.' | b'/' | b'{'))
        && !KNOWN_FILE_NAMES.iter().any(|name| word.contains(name))
        && !DOCUMENTS_IN_CAPITALS.iter().any(|(name, _)| word.contains(name))
}

/// The pattern of "Python files" and "`.template` files".
fn kind_of_files(word: &str) -> Option<Pattern> {
    let word = word.trim_matches(['*', ':']);
    let lower = word.to_ascii_lowercase();
    if let Some((_, extension)) = LANGUAGES.iter().find(|(name, _)| *name == lower) {
        return Pattern::parse(&format!("**/*.{extension}")).ok();
    }
    let extension = lower.strip_prefix('.').filter(|e| is_file_extension(e))?;
    Pattern::parse(&format!("**/*.{extension}")).ok()
}

/// The patterns that a word of prose or a code span stands for: several where it has alternatives in braces, `src/{a,b}.rs`.
pub(crate) fn patterns_of(word: &str, ticked: bool) -> Vec<Pattern> {
    let words = if word.len() > WORD_BYTES_MAX { None } else { pattern::expanded(word) };
    match words {
        Some(words) => words.iter().filter_map(|word| pattern_of(word, ticked)).collect(),
        None => pattern_of(word, ticked).into_iter().collect(),
    }
}

/// The pattern that a word of prose or a code span stands for, if it is a path at all.
pub(crate) fn pattern_of(word: &str, ticked: bool) -> Option<Pattern> {
    let word = word.trim().trim_end_matches(['.', ':', '?', '…']).trim_start_matches('"');
    let word = if ticked { word } else { without_emphasis(word) };
    if word.len() < 2 || word.len() > WORD_BYTES_MAX || word.contains("://") || word.contains(char::is_whitespace) {
        return None;
    }
    // `src/a.rs:42` and `a.md#part` name the file.
    let whole = word;
    let word = word.split(['#', ':']).next().unwrap_or(word);
    if is_route(whole, word) || !is_path(word, ticked) {
        return None;
    }
    if let Some(document) = document_in_capitals(word) {
        return Pattern::parse(document).ok();
    }
    Pattern::parse(&rooted(word)?).ok()
}

/// "The README" is a file that every repository has at its root.
fn document_in_capitals(word: &str) -> Option<&'static str> {
    DOCUMENTS_IN_CAPITALS.iter().find(|(name, _)| *name == word).map(|(_, file)| *file)
}

/// `/users/:id` and `/healthz` are addresses of a service, and `/review` is a command: what begins at the root and has no extension is no file
/// of a repository. `whole` is the word before what stands behind a colon was taken off.
fn is_route(whole: &str, word: &str) -> bool {
    word.starts_with('/') && !is_file_name(name_of(word.trim_end_matches('/'))) && (!word.ends_with('/') || whole.contains("/:"))
}

/// `github.com/x/y` and `x/y/v5` are names of packages.
fn is_package(word: &str) -> bool {
    let first = word.split('/').next().unwrap_or(word);
    let ends_domain = |host: &str| host.rsplit_once('.').is_some_and(|(name, end)| !name.is_empty() && DOMAINS.contains(&end));
    let is_version =
        |part: &str| part.strip_prefix('v').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    ends_domain(first) || is_version(name_of(word))
}

/// A word of prose without the marks of bold type and the brackets of a link.
fn without_emphasis(word: &str) -> &str {
    let word = word.strip_prefix("**").filter(|rest| !rest.starts_with('/')).unwrap_or(word);
    word.strip_suffix("**").unwrap_or(word).trim_end_matches([':', ']', '}'])
}

fn is_path(word: &str, ticked: bool) -> bool {
    // Most words of a document are none: they are told by their marks before anything dear is done.
    if !word.bytes().any(|b| b == b'.' || b == b'/') {
        return is_known_file_name(word) || document_in_capitals(word).is_some();
    }
    let odd = |c: char| c.is_control() || "$`\"'<>|\\;,=()^%&!@".contains(c);
    if word.chars().any(odd) || word.starts_with(['-', '+']) {
        return false;
    }
    if is_media_type(word) {
        return false;
    }
    let name = name_of(word.trim_end_matches('/'));
    if is_file_name(name) {
        return true;
    }
    let slashes = word.matches('/').count();
    if word.ends_with('/') && (ticked || word.len() > 2) {
        // `lib/` is a folder; in prose "and/or/" is rare enough.
        return true;
    }
    // Without an extension only a code span is sure: "planner/executor" is prose.
    ticked && slashes > 0 && !is_package(word) && word.chars().any(char::is_alphanumeric) && !word.ends_with('/')
}

/// "image/jpeg" and "application/json" (RFC 6838) name no file.
fn is_media_type(word: &str) -> bool {
    let Some((kind, name)) = word.split_once('/').filter(|(_, name)| !name.is_empty() && !name.contains('/')) else {
        return false;
    };
    let texts = ["plain", "html", "css", "csv", "xml", "javascript", "markdown", "event-stream", "calendar"];
    let data = [
        "json",
        "xml",
        "pdf",
        "zip",
        "gzip",
        "octet-stream",
        "javascript",
        "yaml",
        "wasm",
        "x-www-form-urlencoded",
        "ndjson",
        "problem+json",
    ];
    match kind {
        "image" | "video" | "audio" | "font" | "multipart" => !name.contains('.'),
        "text" => texts.contains(&name),
        "application" => data.contains(&name) || name.starts_with("vnd.") || name.starts_with("x-"),
        _ => false,
    }
}

fn is_file_name(name: &str) -> bool {
    if is_known_file_name(name) {
        return true;
    }
    let Some((stem, extension)) = name.rsplit_once('.') else {
        return false;
    };
    // `sql.DB` is a name in code; `README.MD` is a file.
    let is_shouted = |text: &str| !text.chars().any(|c| c.is_ascii_lowercase());
    let cased = !extension.chars().any(|c| c.is_ascii_uppercase()) || (is_shouted(extension) && is_shouted(stem));
    let known = cased && is_file_extension(extension.to_ascii_lowercase().as_str());
    // "e.g.", "Node.js" and "v2.md" style words: a stem of letters, digits and the usual marks.
    let is_of_code = ["log", "env", "service"].contains(&extension) && IN_CODE.contains(&stem);
    known && !is_of_code && !stem.is_empty() && !PRODUCTS.contains(&stem)
}

/// The pattern text, rooted at the repository. What stands outside it, or at an unknown depth, becomes `**/NAME`.
fn rooted(word: &str) -> Option<String> {
    let directory = word.ends_with('/');
    let outside = word.starts_with(['/', '~']);
    let mut parts: Vec<String> = Vec::new();
    for part in word.split('/').filter(|p| !p.is_empty() && *p != "." && *p != "~") {
        match part {
            ".." => return last_only(word, directory),
            "..." | "…" => parts.push("**".to_owned()),
            _ => parts.push(without_placeholders(part)),
        }
    }
    if outside || parts.is_empty() {
        return last_only(word, directory);
    }
    if parts.iter().all(|p| p.chars().all(|c| c == '*')) {
        return None;
    }
    let mut text = parts.join("/");
    // A bare glob names a kind of file wherever it stands.
    if parts.len() == 1 && text.contains('*') {
        text = format!("**/{text}");
    }
    if directory {
        text.push_str("/**");
    }
    Some(text)
}

fn last_only(word: &str, directory: bool) -> Option<String> {
    let name = Some(name_of(word.trim_end_matches('/'))).filter(|n| n.chars().any(char::is_alphanumeric))?;
    let name = without_placeholders(name);
    if name.chars().all(|c| c == '*') {
        return None;
    }
    Some(if directory { format!("**/{name}/**") } else { format!("**/{name}") })
}

/// `{id}` and `[name]` stand for any text: a wider pattern never hides an overlap.
fn without_placeholders(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    let mut close = None;
    for c in part.chars() {
        match (close, c) {
            (None, '{') => close = Some('}'),
            (None, '[') => close = Some(']'),
            (Some(end), _) if c == end => {
                close = None;
                out.push('*');
            }
            (Some(_), _) => {}
            (None, '}' | ']') => {}
            (None, _) => out.push(c),
        }
    }
    if close.is_some() {
        out.push('*');
    }
    while out.contains("**") {
        out = out.replace("**", "*");
    }
    if part == "**" { part.to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Vec<String> {
        find(line, 20).iter().map(|f| f.pattern.as_str().to_owned()).collect()
    }

    #[test]
    fn paths_are_told_from_prose() {
        for (line, want) in [
            ("Create `src/a.rs` and docs/guide.md.", vec!["src/a.rs", "docs/guide.md"]),
            ("Use and/or, planner/executor, v1.2, e.g. os.path, Node.js", vec![]),
            ("Call `store.load()` or `GET /v1/x?y=1`", vec![]),
            ("See https://example.org/a.md", vec![]),
            ("Send `image/jpeg`, `application/json` or `text/html` from `text/page.html`", vec!["text/page.html"]),
            ("Edit `bin/` and lib/", vec!["bin/**", "lib/**"]),
            ("Fix /home/x/repo/lib/a.py:12", vec!["**/a.py"]),
            ("Write ~/.app/CONFIG.md", vec!["**/CONFIG.md"]),
            ("Update runs/{id}/log.yaml", vec!["runs/*/log.yaml"]),
            ("All `.template` files, Python files and *.css", vec!["**/*.template", "**/*.py", "**/*.css"]),
            ("the `Makefile`, the `name[0]`", vec!["Makefile"]),
            ("**`src/b.ts`**: new", vec!["src/b.ts"]),
            ("`../other/x.rs` `**` `/` `~` `.`", vec!["**/x.rs"]),
            ("Edit `src/{a,b}.rs`, lib/{c,d/e}.py and {x,y}", vec!["src/a.rs", "src/b.rs", "lib/c.py", "lib/d/e.py"]),
            ("`{a,b.rs` {a, b}.rs `runs/{id,n}/{k}.yaml`", vec!["b.rs", "runs/id/*.yaml", "runs/n/*.yaml"]),
            ("[text](docs/a.md)", vec!["docs/a.md"]),
            ("New: `[.ai/a.md](.ai/a.md)`", vec![".ai/a.md"]),
            ("Route `/users/:id` and `/healthz` with `github.com/a/b`, `a/b/v5`, `sql.DB`, `console.log`, Next.js", vec![]),
            ("Tell it in the README and in lib/main.dart, go.mod", vec!["README.md", "lib/main.dart", "go.mod"]),
            ("[a.rs](file:///home/x/src/a.rs) and [b.md](b.md)", vec!["a.rs", "b.md"]),
        ] {
            assert_eq!(found(line), want, "{line}");
        }
    }

    #[test]
    fn odd_lines_do_not_panic() {
        for line in ["`", "{,", "a/{é,`b`}", "{,}", "``", "``a`", "é`é/é`é", "[", "{", "`[/`", "`{/}`", "///", "~/", "*/", "`a/**/b`"]
        {
            let _ = find(line, 5);
        }
    }
}
