//! Modules: by which name code may use a file that a step writes, and which names the code of a step uses.

use crate::read::document::{Document, Kind};
use crate::read::draft::Draft;
use crate::text::{clip, name_of};

/// Names of one step that are kept.
const NAMES_MAX: usize = 100;
/// Files that are no modules of their own: they stand for their folder, or are found by another way.
const NO_MODULES: [&str; 9] = ["mod", "index", "lib", "main", "init", "__init__", "types", "utils", "package"];

/// The name by which code uses the module in the file at `path`, in lower case.
pub(crate) fn provided_by(path: &str) -> Option<String> {
    let (stem, extension) = name_of(path).split_once('.')?;
    let is_code = ["rs", "py", "ts", "tsx", "js", "jsx", "mjs", "go", "rb", "kt", "swift", "cs", "java", "php", "vue", "svelte", "dart"];
    let counts = is_code.contains(&extension) && stem.len() > 1 && !NO_MODULES.contains(&stem.to_lowercase().as_str());
    counts.then(|| stem.to_lowercase())
}

/// The modules that the fenced code of a step uses: in lines that import, and before `::`.
pub(crate) fn of_code(document: &Document<'_>, draft: &Draft) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for line in (draft.line..=draft.last).filter(|line| document.lines[*line].kind == Kind::Code) {
        let text = clip(document.text(line));
        let imports = ["import ", "from ", "use ", "pub use ", "require(", "export "].iter().any(|word| text.starts_with(word))
            || text.contains("require(")
            || text.contains(" from ");
        if !imports && !text.contains("::") {
            continue;
        }
        let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        let mut from = 0;
        while let Some(start) = text[from..].find(is_name).map(|at| from + at) {
            let end = text[start..].find(|c| !is_name(c)).map_or(text.len(), |length| start + length);
            let name = &text[start..end];
            if name.len() > 1 && out.len() < NAMES_MAX && (imports || text[end..].starts_with("::")) {
                let name = name.to_lowercase();
                if !out.contains(&name) {
                    out.push(name);
                }
            }
            from = end;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_uses_modules_by_the_names_of_their_files() {
        let names = |source: &str| {
            let document = Document::read(source).expect("small");
            of_code(&document, &Draft { last: document.lines.len() - 1, ..Draft::default() })
        };
        assert!(names("1. Do it\n```rust\nlet x = db::find(1);\n```\n").contains(&"db".to_owned()));
        assert!(names("1. Do it\n```ts\nimport { x } from '../store/pier-store';\n```\n").contains(&"pier-store".to_owned()));
        assert_eq!(names("1. Use db::find\n```rust\nlet db = 1;\n```\n"), Vec::<String>::new());
        assert_eq!(provided_by("crates/x/src/db.rs").as_deref(), Some("db"));
        assert_eq!((provided_by("src/mod.rs"), provided_by("docs/db.md"), provided_by("Makefile")), (None, None, None));
    }
}
