//! The documents: links lead somewhere, every page is in the book, and the examples of consoles do what the pages show.
//!
//! A `console` block is run in a scratch project, line by line from `$ `, and what follows a command is compared with its output. `…` is
//! for any text: alone in a line for any lines. A block that cannot run has a comment above it, `<!-- not run: WHY -->`; in the first lines
//! of a page, `<!-- consoles not run: WHY -->` is for all of its blocks.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Project, workspace};

fn markdown_below(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a folder of pages") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            markdown_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// The pages of the book, in order.
fn pages() -> Vec<PathBuf> {
    let mut found = Vec::new();
    markdown_below(&workspace().join("docs"), &mut found);
    found.sort();
    found
}

fn text(path: &Path) -> String {
    let Ok(text) = fs::read_to_string(path) else { unreachable!("{} is a document", path.display()) };
    text
}

/// The lines of a page outside of fenced code.
fn prose(markdown: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    markdown.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// The anchors of a page: its headings as GitHub and mdBook name them.
fn anchors(markdown: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for heading in prose(markdown).filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#'))) {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let slug: String = kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect();
        let again = (1..).map(|n| format!("{slug}-{n}")).find(|name| !found.contains(name)).expect("there is a number");
        found.insert(if found.contains(&slug) { again } else { slug });
    }
    found
}

/// The targets of the links of a line.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

#[test]
fn every_link_leads_somewhere() {
    let root = workspace();
    let mut files = pages();
    files.extend(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "python/README.md"].map(|name| root.join(name)));
    let mut broken = Vec::new();
    for file in &files {
        let markdown = text(file);
        for target in prose(&markdown).flat_map(links).filter(|target| !target.contains("://")) {
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let aim = if path.is_empty() { file.clone() } else { file.parent().expect("a folder").join(path) };
            let has_anchor = || anchor.is_empty() || anchors(&text(&aim)).contains(anchor);
            if !aim.exists() || !has_anchor() {
                broken.push(format!("{}: {target}", file.strip_prefix(&root).unwrap_or(file).display()));
            }
        }
    }
    assert!(broken.is_empty(), "these links lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn every_page_is_in_the_book() {
    let docs = workspace().join("docs");
    let summary = text(&docs.join("SUMMARY.md"));
    let listed: BTreeSet<PathBuf> = summary.lines().flat_map(links).map(|target| docs.join(target)).collect();
    let found: BTreeSet<PathBuf> = pages().into_iter().filter(|page| !page.ends_with("SUMMARY.md")).collect();
    assert_eq!(listed, found);
}

/// A command of a block, with the lines that it is to print.
struct Step {
    line: usize,
    command: String,
    printed: Vec<String>,
}

/// The steps of the `console` blocks of a page that are to run.
fn steps(markdown: &str) -> Vec<Step> {
    let lines: Vec<&str> = markdown.lines().collect();
    if lines.iter().take(10).any(|line| line.starts_with("<!-- consoles not run: ")) {
        return Vec::new();
    }
    let mut found: Vec<Step> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if lines[at].trim() != "```console" {
            at += 1;
            continue;
        }
        let above = lines[..at].iter().rev().find(|line| !line.trim().is_empty());
        let is_run = !above.is_some_and(|line| line.trim().starts_with("<!-- not run: "));
        at += 1;
        while at < lines.len() && lines[at].trim() != "```" {
            let line = lines[at].trim_end();
            match line.trim_start().strip_prefix("$ ") {
                Some(command) if is_run => found.push(Step { line: at + 1, command: command.to_owned(), printed: Vec::new() }),
                None if is_run => found.last_mut().expect("a block begins with a command").printed.push(line.to_owned()),
                _ => {}
            }
            at += 1;
        }
    }
    found
}

/// A line without what differs from run to run: long numbers, tags of ids, moments, and the width of columns.
fn normal(line: &str, root: &str) -> String {
    let line = line.replace(root, "/home/you/app");
    let words = line.split_whitespace().map(|word| {
        let tagged = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_tagged = {
            let pieces: Vec<&str> = tagged.split('-').collect();
            pieces.len() == 3 && matches!(pieces[0], "M" | "P" | "R") && (1..=6).contains(&pieces[2].len())
        };
        if is_tagged {
            return word.replace(tagged, &tagged[..1]);
        }
        let mut text = String::new();
        let mut digits = String::new();
        for c in word.chars().chain(['\n']) {
            if c.is_ascii_digit() {
                digits.push(c);
                continue;
            }
            text.push_str(if digits.len() >= 6 { "N" } else { &digits });
            digits.clear();
            text.push(c);
        }
        text.trim_end().to_owned()
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether a line is as the page shows it, where `…` means any text.
fn fits(shown: &str, printed: &str) -> bool {
    let mut pieces = shown.split('…');
    let Some(mut rest) = pieces.next().and_then(|first| printed.strip_prefix(first)) else { return false };
    let mut last = None;
    for piece in pieces {
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
        last = Some(piece);
    }
    rest.is_empty() || last == Some("") || last.is_some_and(|last| printed.ends_with(last))
}

/// Whether lines are as the page shows them, where `…` alone means any lines.
fn all_fit(shown: &[String], printed: &[String]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first == "…" => (0..=printed.len()).any(|n| all_fit(rest, &printed[n..])),
        Some((first, rest)) => printed.split_first().is_some_and(|(line, others)| fits(first, line) && all_fit(rest, others)),
    }
}

/// The plan that pages mention as if it existed.
const PLAN: &str = "\
# Plan

1. Create the reader in `src/one.rs` (30 minutes)
2. Create the writer in `src/two.rs` (30 minutes)
3. Create the clock in `src/three.rs` (30 minutes)
";

#[test]
fn the_examples_of_consoles_run() {
    let program = Path::new(env!("CARGO_BIN_EXE_oarlock"));
    let path = format!("{}:{}", program.parent().expect("a folder").display(), std::env::var("PATH").unwrap_or_default());
    let mut ran = 0;
    let mut faults = Vec::new();
    let root = workspace();
    for page in pages().into_iter().chain([root.join("README.md")]) {
        let steps = steps(&text(&page));
        if steps.is_empty() {
            continue;
        }
        let project = Project::git();
        project.write("plan.md", PLAN);
        project.write("examples/notes-service.md", text(&root.join("examples/notes-service.md")));
        if !steps.iter().any(|step| step.command.starts_with("oarlock init")) {
            project.ok("init");
        }
        let place = fs::canonicalize(project.root()).expect("it is there").display().to_string();
        for step in steps {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("{{ {}\n}} 2>&1", step.command)]).current_dir(project.root());
            project.clean(&mut command);
            command.env("PATH", &path);
            let output = command.output().expect("sh is there");
            let printed: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(|line| normal(line, &place)).collect();
            let shown: Vec<String> = step.printed.iter().map(|line| normal(line, &place)).collect();
            ran += 1;
            if !all_fit(&shown, &printed) {
                let name = page.strip_prefix(&root).unwrap_or(&page).display().to_string();
                faults.push(format!(
                    "{name}:{}: {}\nshown:\n{}\nprinted:\n{}",
                    step.line,
                    step.command,
                    shown.join("\n"),
                    printed.join("\n")
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    assert!(ran >= 20, "{ran} commands of the pages were run");
}

#[test]
fn lines_are_compared_without_what_differs() {
    assert_eq!(normal("R-4-7c0kgz  token 2142837241519847, 15 min  /x/y", "/x/y"), "R token N, 15 min /home/you/app");
    assert!(fits("a … c", "a b c") && fits("a …", "a b") && !fits("a … d", "a b c") && !fits("a", "a b"));
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(all_fit(&lines("a\n…\nd"), &lines("a\nb\nc\nd")) && all_fit(&lines("…"), &[]) && !all_fit(&lines("a"), &lines("a\nb")));
    assert_eq!(steps("```console\n$ a\nb\n```\n<!-- not run: x -->\n```console\n$ c\n```\n").len(), 1);
}
