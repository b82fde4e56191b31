//! The least that a document must have before it is split: some houses know from experience that handing out less costs more than it gains.

use oarlock_model::seeded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a document must have at least to be split; one that lacks any of it stays whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Floor {
    /// Characters of the document.
    pub chars: usize,
    /// Steps that are still to be done; one that lists items counts as these.
    pub steps: usize,
    /// Minutes of work for one agent, stated or assumed.
    pub minutes: u64,
}

impl Floor {
    /// Why a document is too small; nothing when it is not.
    pub(crate) fn refuses(self, document: &str, steps: usize, minutes: u64) -> Option<String> {
        if seeded::is(seeded::FLOOR_IGNORED) {
            return None;
        }
        let mut lacks = Vec::new();
        let chars = document.chars().count();
        if chars < self.chars {
            lacks.push(format!("it has {chars} characters of at least {}", self.chars));
        }
        if steps < self.steps {
            lacks.push(format!("{steps} steps of at least {}", self.steps));
        }
        if minutes < self.minutes {
            lacks.push(format!("about {minutes} minutes of work of at least {}", self.minutes));
        }
        (!lacks.is_empty()).then(|| format!("it is too small to be handed out in parts: {}", lacks.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::options::Options;
    use crate::task_text::split;

    const FLOOR: Floor = Floor { chars: 300, steps: 3, minutes: 30 };

    fn reason(document: &str) -> Option<String> {
        split(document, &Options { floor: Some(FLOOR), ..Options::new("T-1") }).expect("a document").reason
    }

    fn document(steps: usize, minutes: u64, chars: usize) -> String {
        let names = ["lexer", "mailer", "chart", "ledger"];
        let list = |n: usize| format!("{}. Create the {} in `src/{}.rs` ({minutes} minutes)\n", n + 1, names[n], names[n]);
        let text = format!("# T\n\n## Steps\n\n{}\n## Notes\n\n", (0..steps).map(list).collect::<String>());
        let missing = chars.saturating_sub(text.chars().count());
        text + &"ä".repeat(missing)
    }

    #[test]
    fn each_measure_is_a_floor_of_its_own_and_its_edge_is_above_it() {
        assert_eq!(reason(&document(3, 10, 300)), None);
        for (text, word) in [
            (document(3, 20, 299), "299 characters of at least 300"),
            (document(2, 20, 300), "2 steps of at least 3"),
            (document(3, 9, 300), "about 27 minutes of work of at least 30"),
        ] {
            let reason = reason(&text).expect("it is too small");
            assert!(reason.contains(word) && reason.matches("at least").count() == 1, "{reason}");
        }
    }

    #[test]
    fn a_component_counts_as_the_items_that_it_lists() {
        let part =
            |name: &str, items: &str| format!("### Component: Create the {name} (20 minutes)\n\n- Create `src/{name}.rs`\n{items}\n");
        let text =
            |items: &str| format!("# T\n\n## Implementation Plan\n\n{}{}\n{}", part("lexer", items), part("mailer", ""), "ä".repeat(300));
        assert_eq!(reason(&text("- Test it in `tests/lexer.rs`\n")), None);
        let nested = reason(&text("  - which has no more than this\n")).expect("it is too small");
        assert!(nested.contains("2 steps of at least 3"), "{nested}");
    }

    #[test]
    fn a_document_that_is_too_small_in_every_way_says_so_of_each() {
        let plan = split(&document(2, 1, 0), &Options { floor: Some(FLOOR), ..Options::new("T-1") }).expect("a document");
        assert!(!plan.parallelizable && plan.subtasks.len() == 1, "{plan:?}");
        assert_eq!(plan.reason.expect("a reason").matches("at least").count(), 3);
        assert_eq!(reason("").as_deref(), Some("the document is empty"), "what is wrong with the text itself comes first");
    }
}
