//! The text about branches and worktrees.

use super::{Cell, Page, View, joined, safe, texts};
use crate::replies::{Conflicts, Forgotten};

impl View for Conflicts {
    fn show(&self, _verb: &str, page: &mut Page) {
        let rows: Vec<Vec<Cell>> = self
            .pairs
            .iter()
            .filter(|pair| pair.conflict)
            .map(|pair| vec![Cell::new(safe(&pair.a)), Cell::new(safe(&pair.b)), Cell::new(safe(&joined(&pair.files)))])
            .collect();
        let (pairs, conflicts) = (self.pairs.len(), rows.len());
        if !rows.is_empty() {
            page.table(&["BRANCH", "CONFLICTS WITH", "IN"], rows.into_iter());
        }
        let s = |n: usize| if n == 1 { "" } else { "s" };
        page.line(format_args!("{pairs} pair{} compared, {conflicts} conflict{}", s(pairs), s(conflicts)));
    }

    fn ids(&self) -> Vec<String> {
        self.pairs.iter().filter(|pair| pair.conflict).map(|pair| format!("{} {}", safe(&pair.a), safe(&pair.b))).collect()
    }
}

impl View for Forgotten {
    fn show(&self, _verb: &str, page: &mut Page) {
        let gone = &self.forgotten;
        let s = if gone.worktrees == 1 { "" } else { "s" };
        page.line(format_args!("removed the project in {}, with {} worktree{s}", safe(&gone.root), gone.worktrees));
        page.ids("kept, because git tracks it", &gone.kept);
    }

    fn ids(&self) -> Vec<String> {
        texts([&self.forgotten.root])
    }
}
