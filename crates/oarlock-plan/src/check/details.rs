//! The details of the steps of a given plan. Somebody who names a step by its first line means what is nested below it, too: the agent that
//! gets the step reads its lines and nothing else of the document.

use crate::plan::Step;
use crate::read::document::{Document, Kind};

/// Extends the lines of `steps` by what is nested below their last items, and a heading alone by the text of its section, as far as these lines are
/// in no other step and not in `left_out` (first and last lines, from 1). All lines must be those of the document.
pub(crate) fn add(steps: &mut [Step], left_out: impl Iterator<Item = [usize; 2]>, document: &Document<'_>) {
    let mut taken = vec![false; document.lines.len()];
    let ranges: Vec<[usize; 2]> = steps.iter().flat_map(|step| step.lines.iter().copied()).chain(left_out).collect();
    ranges.iter().for_each(|[first, last]| taken[first - 1..*last].fill(true));
    for step in steps.iter_mut() {
        for range in &mut step.lines {
            let end = end_of(*range, &taken, document);
            taken[range[1]..end].fill(true);
            range[1] = end;
        }
        if let Some([_, end]) = step.lines.first() {
            step.end = *end;
        }
    }
}

/// The last line, from 1, of what belongs to a range.
fn end_of([first, last]: [usize; 2], taken: &[bool], document: &Document<'_>) -> usize {
    let below = |at: &usize| !taken[*at];
    let lines = &document.lines;
    let mut end = last;
    match lines[first - 1].kind {
        Kind::Item(_) => {
            let base = lines[first - 1].indent;
            for at in (last..lines.len()).take_while(below) {
                match lines[at].kind {
                    Kind::Blank => {}
                    // A fence is as far to the left as its language likes.
                    Kind::Code if end == at && lines[at - 1].kind == Kind::Code => end = at + 1,
                    Kind::Code | Kind::Item(_) | Kind::Text if lines[at].indent > base => end = at + 1,
                    _ => break,
                }
            }
        }
        Kind::Heading(_) if first == last => {
            for at in (last..lines.len()).take_while(below) {
                match lines[at].kind {
                    Kind::Heading(_) | Kind::Rule | Kind::Meta => break,
                    Kind::Blank => {}
                    _ => end = at + 1,
                }
            }
        }
        _ => {}
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extended(text: &str, ranges: &[[usize; 2]], left_out: &[[usize; 2]]) -> Vec<[usize; 2]> {
        let document = Document::read(text).expect("a document");
        let mut steps: Vec<Step> = ranges.iter().map(|range| Step { lines: vec![*range], ..Step::default() }).collect();
        add(&mut steps, left_out.iter().copied(), &document);
        steps.iter().map(|step| step.lines[0]).collect()
    }

    #[test]
    fn what_is_nested_below_an_item_belongs_to_it() {
        let text = "1. One\n   - detail\n\n   more\n   ```\n   code\n   ```\n2. Two\n   - detail\n\nText.\n";
        assert_eq!(extended(text, &[[1, 1], [8, 8]], &[]), [[1, 7], [8, 9]]);
        // Unless it is in another step, or left out.
        assert_eq!(extended(text, &[[1, 1], [2, 2]], &[[9, 9]]), [[1, 1], [2, 2]]);
        assert_eq!(extended(text, &[[8, 8]], &[[9, 9]]), [[8, 8]]);
    }

    #[test]
    fn a_heading_alone_has_the_text_of_its_section() {
        let text = "## One\n\nDo it.\n\n- a\n\n## Two\nx\n### Below\ny\n";
        assert_eq!(extended(text, &[[1, 1], [7, 7]], &[]), [[1, 5], [7, 8]]);
        assert_eq!(extended(text, &[[1, 3]], &[]), [[1, 3]]);
    }
}
