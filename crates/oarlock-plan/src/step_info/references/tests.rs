//! What lines say of other steps.

use super::*;
use crate::step_info::independence::side_by_side;

fn said(line: &str) -> Statements {
    statements_of_line(line, Marks::ALL)
}

fn step(n: &str) -> Target {
    Target::Labelled("step".to_owned(), n.to_owned())
}

fn bare(n: &str) -> Target {
    Target::Labelled(String::new(), n.to_owned())
}

#[test]
fn statements_are_read() {
    use Statement::{Before, Beside, Mentions, Needs};
    for (line, want) in [
        ("Use the output of step 2", vec![Needs(step("2"))]),
        ("After steps 1, 2 and 3.", vec![Needs(step("1")), Needs(step("2")), Needs(step("3"))]),
        ("Needs steps 2-4", vec![Needs(step("2")), Needs(step("3")), Needs(step("4"))]),
        ("Must be done before step 5", vec![Before(step("5"))]),
        ("Can run in parallel with step 3", vec![Beside(step("3"))]),
        ("Not in parallel with step 3", vec![Mentions(step("3"))]),
        ("After all previous work", vec![Needs(Target::All)]),
        ("A step-by-step guide to 3 things", vec![]),
        ("Write it, needs 1 and 2", vec![Needs(bare("1")), Needs(bare("2"))]),
        ("Write it (needs 2 GB of memory), after 5 minutes", vec![]),
        ("Depends on the parser", vec![Needs(Target::Named("the parser".to_owned()))]),
        ("Depends on the output of step 2", vec![Needs(step("2"))]),
    ] {
        assert_eq!(said(line).list, want, "{line}");
    }
}

#[test]
fn fields_are_complete() {
    let none = said("**Depends on:** none");
    assert!(none.declared && none.list.is_empty());
    let two = said("Build the API (depends on 1, 2)");
    assert!(two.declared);
    let needs = |n: &str| Statement::Needs(bare(n));
    assert!(two.list.starts_with(&[needs("1"), needs("2")]), "{two:?}");
    let named = said("Dependencies: Parser, Lexer");
    let name = |n: &str| Statement::Needs(Target::Named(n.to_owned()));
    assert_eq!(named.list, [name("parser"), name("lexer")]);
}

#[test]
fn groups_that_run_side_by_side_are_read() {
    assert_eq!(side_by_side("Steps 2-4 can run in parallel.").len(), 3);
    assert_eq!(side_by_side("Steps 2 and 3 cannot run in parallel.").len(), 0);
    assert_eq!(side_by_side("Step 2 is independent.").len(), 0);
}

#[test]
fn hostile_lines_are_bounded() {
    assert!(said("steps 1-999999999").list.len() <= 1 + RANGE_MAX as usize);
    let _ = said("step , , & – to to step");
    let _ = said("((((((((depends on");
}
