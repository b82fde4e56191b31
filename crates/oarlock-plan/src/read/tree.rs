//! Drawn folder trees: `├── parser.rs  # reads it` in a block of code names a file, its place, and what it is for.

use crate::read::document::{Document, Kind};
use crate::read::paths;
use crate::read::sections::{Listed, Section};
use crate::text::clip;

/// Most files that are taken from trees.
const FILES_MAX: usize = 200;
/// Deeper folders are taken for the one above.
const DEPTH_MAX: usize = 32;

/// The files that the trees of `document` show, but for those of a state that is to change.
pub(crate) fn files(document: &Document<'_>, sections: &[Section]) -> Vec<Listed> {
    let mut out = Vec::new();
    // The column at which a name begins, and the folder.
    let mut above: Vec<(usize, String)> = Vec::new();
    for i in 0..document.lines.len() {
        if document.lines[i].kind != Kind::Code {
            above.clear();
            continue;
        }
        let text = clip(document.raw(i));
        let column = margin(text);
        let rest: String = text.chars().skip(column).collect();
        let Some(name) = rest.split_whitespace().next().filter(|name| !name.starts_with('#')) else {
            continue;
        };
        let is_branch = text.contains("── ");
        if !is_branch {
            above.clear();
            if name.ends_with('/') && rest.split_whitespace().count() == 1 {
                above.push((0, name.to_owned()));
            }
            continue;
        }
        above.retain(|(at, _)| *at < column);
        // A name under which deeper ones stand is a folder, whatever it ends in.
        let below = document.lines.get(i + 1).filter(|next| next.kind == Kind::Code).map_or(0, |_| margin(clip(document.raw(i + 1))));
        if name.ends_with('/') || below > column {
            let slash = if name.ends_with('/') { "" } else { "/" };
            above.truncate(DEPTH_MAX);
            above.push((column, format!("{name}{slash}")));
            continue;
        }
        if out.len() == FILES_MAX || is_past(document, sections, i) {
            continue;
        }
        let folder: String = above.iter().map(|(_, folder)| folder.as_str()).collect();
        let path = if folder.is_empty() { format!("./{name}") } else { format!("{folder}{name}") };
        let about = rest
            .trim_start()
            .strip_prefix(name)
            .unwrap_or_default()
            .trim_start_matches(|c: char| c.is_whitespace() || "#-–—←".contains(c))
            .to_owned();
        out.extend(paths::pattern_of(&path, true).map(|pattern| Listed { pattern, line: i, about, drawn: true }));
    }
    out
}

/// Columns of what a tree draws before a name.
fn margin(text: &str) -> usize {
    text.chars().take_while(|c| " \t│├└─|`".contains(*c)).count()
}

/// Whether the section that line `i` stands in shows what is there now.
fn is_past(document: &Document<'_>, sections: &[Section], i: usize) -> bool {
    // The last heading above is the innermost section.
    let section = sections.partition_point(|s| s.line <= i).checked_sub(1).map(|at| &sections[at]);
    section.is_some_and(|s| {
        let title = document.text(s.line).to_lowercase();
        ["current", "existing", "before", "today", "as is"].iter().any(|word| title.contains(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::sections;

    fn found(source: &str) -> Vec<(String, String)> {
        let document = Document::read(source).expect("small");
        let sections = sections::sections(&document);
        files(&document, &sections).into_iter().map(|l| (l.pattern.as_str().to_owned(), l.about)).collect()
    }

    #[test]
    fn trees_name_files() {
        let tree =
            "## Layout\n```\napp/\n├── bin/\n│   ├── tide-show    # prints it\n│   └── lib/\n│       └── tides.py\n└── main.rs\n```\n";
        let pair = |path: &str, about: &str| (path.to_owned(), about.to_owned());
        assert_eq!(found(tree), [pair("app/bin/tide-show", "prints it"), pair("app/bin/lib/tides.py", ""), pair("app/main.rs", "")]);
        assert!(found(&tree.replace("Layout", "Current layout")).is_empty());
    }

    #[test]
    fn odd_trees_do_not_panic() {
        for source in [
            "```\napp\n├── src\n│   └── a.rs\n",
            "```\n├──\u{a0}─ é\n",
            "```\n├── \n└── é/\n    └── ü\n",
            "```\n── ── ──\n",
            "├── a.rs\n",
            "```\n│   │   │   ├── x/\n├── y",
        ] {
            let _ = found(source);
        }
    }
}
