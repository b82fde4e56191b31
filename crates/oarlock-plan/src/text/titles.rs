//! What the title of a step says: its role in the work, what it makes, what kind of look, check or document it is.
//! Only English is known; a title in another language is ordinary building work with no special order.

use crate::text::List;
use crate::text::words::{
    DESIGN, FINISH, FOUNDATION, INSPECT, INTEGRATE, MAKE, PREPOSITIONS, VERIFY, each_token, naming_stems, split, stem, tokens,
    without_parentheses,
};

/// Words that phases are labelled with: they run one after the other.
pub(crate) const PHASES: [&str; 9] = ["phase", "stage", "milestone", "part", "iteration", "wave", "sprint", "increment", "day"];

/// What a step does, as far as it bears on the order of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Looks at things and changes none: later work rests on what it finds.
    Inspect,
    /// Decides how later work is done.
    Design,
    /// Makes what later work stands on: structure, models, interfaces, configuration.
    Foundation,
    /// Ordinary work.
    Build,
    /// Joins what other steps made.
    Integrate,
    /// Checks what other steps made.
    Verify,
    /// Describes what other steps made.
    Document,
    /// Gives away, or tidies up after, what other steps made.
    Finish,
}

/// Looks that find out which things there are.
static LISTS: List = List::new("list, find, locate, inventory, gather, enumerate, discover, map, catalog, catalogue, count, survey");
/// Words for what looks have found, and for weighing it.
static WEIGHS: List = List::new(
    "finding, findings, result, results, compare, comparison, categorize, categorise, classify, rank, prioritize, prioritise, \
     synthesize, summarize, summarise, summary, recommendation, recommendations, conclusion, conclusions, gap, gaps, cause, causes, \
     pattern, patterns, duplicate, duplicates, difference, differences, identify, decide, assess, evaluate, determine",
);
/// Those that also name a feature of a program: "Search".
static FEATURES: List = List::new("search, list, scan, compare");
/// Nouns that make a built thing one that others stand on.
static BASES: List = List::new(
    "interface, interfaces, schema, schemas, model, models, types, config, configuration, \
     structure, base, abc, contract, protocol, core, foundation, skeleton, scaffold, framework, \
     library, infrastructure, constants, common, shared, settings, traits, trait, migration, \
     migrations, boilerplate",
);
/// What tests stand on.
static TEST_GROUNDS: List = List::new(
    "infrastructure, framework, harness, utilities, utils, helpers, fixtures, runner, environment, setup, structure, tools, data",
);
/// Documents, each of which is a file of its own.
static DOCUMENTS: List = List::new("readme, guide, changelog, tutorial, handbook, manual, reference, faq, cookbook, quickstart");
static DOCUMENT: List = List::new(
    "document, documentation, docs, readme, guide, changelog, report, tutorial, handbook, \
     summarize, summary, manual, writeup",
);
/// Verbs of work that tell no role.
static DEEDS: List = List::new(
    "render, save, protect, sync, handle, move, remove, delete, rename, replace, support, show, hide, allow, improve, optimize, optimise, clean, \
     fix, harden, expand, preserve, normalise, normalize, keep, resolve, draw, display, store, load, send, use, convert, migrate, port, split",
);

/// Nouns of titles that name no thing by themselves.
static FORMS: List = List::new(
    "engine, endpoint, endpoints, service, services, page, pages, layer, api, client, server, ui, machine, manager, helper, helpers, utility, utilities, \
     support, functionality, integration, web, cli, backend, frontend, app, application, update, creation, changes",
);

/// Whether a word of a title, in either case, names only the form of a thing.
pub(crate) fn is_form(word: &str) -> bool {
    FORMS.has(word.to_lowercase().as_str())
}

/// Whether a title begins with the making of something.
pub(crate) fn makes_something(title: &str) -> bool {
    each_token(title).next().is_some_and(|w| is_make_verb(&w) || INTEGRATE.has(&w))
}

/// Whether the title of a phase tells a story of a user, as in plans that are made from specifications: "US1, a reader books a seat".
pub(crate) fn is_story(phase: &str) -> bool {
    let lower = phase.to_lowercase();
    lower.contains("user story") || split(&lower, false).iter().any(|word| story_number(word).is_some())
}

/// The number of a story in a mark such as "US1" or "Story 2", in either case and with its brackets or without.
pub(crate) fn story_number(mark: &str) -> Option<&str> {
    let mark = mark.trim_start_matches('[').trim_end_matches(']');
    let behind = |word: &str| mark.get(..word.len()).filter(|head| head.eq_ignore_ascii_case(word)).map(|_| mark[word.len()..].trim());
    let number = behind("us").or_else(|| behind("story"))?;
    (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(number)
}

/// What a step says that begins when all others are done.
pub(crate) const WHEN_ALL: [&str; 16] = [
    "when all ",
    "once all ",
    "after all ",
    "when every",
    "once every",
    "after every",
    "with all ",
    "the others ",
    "all of them",
    "all of the above",
    "both of them",
    "all three",
    "all four",
    "all five",
    "are done",
    "is green",
];
/// And what it says unless more follows: "at the end of the file".
pub(crate) const AT_THE_END: &str = "at the end";

/// Whether a step says that it begins when others are done: by how its title begins, or by what it says of all of them.
pub(crate) fn says_wait<'a>(title: &str, mut prose: impl Iterator<Item = &'a str>) -> bool {
    let words = tokens(title);
    let begins = |phrase: &[&str]| words.len() >= phrase.len() && words.iter().zip(phrase).all(|(word, wanted)| word == wanted);
    let openings: [&[&str]; 8] =
        [&["after"], &["once"], &["when"], &["finally"], &["lastly"], &["then"], &["as", "soon"], &["at", "the", "end"]];
    if openings.iter().any(|phrase| begins(phrase)) {
        return true;
    }
    let at_the_end = |text: &str| text.contains(AT_THE_END) && !text.contains("at the end of");
    prose.any(|text| {
        let text = text.to_lowercase();
        at_the_end(&text) || WHEN_ALL.iter().any(|phrase| text.contains(phrase))
    })
}

/// Whether a title is the name of a feature and not an order to look at something: "Search", "Word search".
pub(crate) fn is_feature(title: &str) -> bool {
    let words = tokens(&without_parentheses(title));
    let looks: Vec<usize> = (0..words.len()).filter(|k| INSPECT.has(&words[*k])).collect();
    let leads = words.len() > 1 && looks.first() == Some(&0);
    !leads && !looks.is_empty() && looks.iter().all(|k| FEATURES.has(&words[*k]))
}

/// Whether a look makes the list of things that later looks go through: "List all projects", "Inventory".
pub(crate) fn lists_all(title: &str) -> bool {
    let words = tokens(&without_parentheses(title));
    let opens = words.first().is_some_and(|w| LISTS.has(w));
    opens && (words.len() < 3 || words.iter().any(|w| ["all", "every", "each", "inventory"].contains(&w.as_str())))
}

/// Whether a check may be a look at what is there: "Check the runs", "Confirm which ones are used", and no "Run the tests".
pub(crate) fn begins_a_look(title: &str) -> bool {
    each_token(title).next().is_some_and(|w| ["check", "verify", "confirm", "measure", "validate", "monitor"].contains(&&*w))
}

/// Whether a title is about checking from its first word on, or is about tests: "Verify the result", "Tests of the parser".
pub(crate) fn begins_a_check(title: &str) -> bool {
    let words = tokens(&without_parentheses(title));
    let names_a_thing = words.iter().any(|w| ["verification", "validation", "monitoring"].contains(&w.as_str()));
    let is_test = words.iter().any(|w| ["test", "tests", "testing", "final"].contains(&w.as_str()));
    words.first().is_some_and(|w| VERIFY.has(w) || MAKE.has(w)) || is_test || !names_a_thing
}

/// Whether a title is about the tests of something in particular: "Write tests for the parser", and not "Integration tests".
pub(crate) fn tests_one_thing(title: &str) -> bool {
    if begins_with_path(title) {
        return false;
    }
    // "playAll" is one name.
    let words = split(&without_parentheses(title), false);
    let is_wide = |w: &String| {
        [
            "integration",
            "e2e",
            "end-to-end",
            "final",
            "full",
            "all",
            "comprehensive",
            "whole",
            "suite",
            "smoke",
            "system",
            "acceptance",
            "regression",
        ]
        .contains(&w.as_str())
    };
    words.iter().any(|w| w == "test" || w == "tests") && !words.iter().any(is_wide) && !naming_stems(title).is_empty()
}

/// Whether a title is about the entry of a program, which joins its parts: "Update the main application entry".
pub(crate) fn is_main_entry(title: &str) -> bool {
    let words = tokens(&without_parentheses(title));
    let has = |word: &str| words.iter().any(|w| w == word);
    (has("entry") || has("entrypoint")) && (has("main") || has("application") || has("app") || has("point"))
}

/// Whether a title sets up what all else stands on.
pub(crate) fn lays_ground(title: &str) -> bool {
    let words = tokens(title);
    let is_ground = |word: &String| GROUNDS.iter().any(|start| word.starts_with(start));
    words.iter().any(is_ground) || words.windows(2).any(|pair| pair[0] == "set" && pair[1] == "up")
}

/// Whether a title begins by setting something up: "Install the packages".
pub(crate) fn begins_ground(title: &str) -> bool {
    let words = tokens(title);
    let begins = |word: &String| GROUNDS.iter().any(|start| word.starts_with(start));
    words.first().is_some_and(begins) || words.len() > 1 && words[0] == "set" && words[1] == "up"
}

/// How words begin that name a set-up.
static GROUNDS: [&str; 8] = ["structure", "setup", "scaffold", "bootstrap", "initial", "init", "install", "foundation"];

/// Whether a title begins by giving the work away: "Publish to the registry".
pub(crate) fn gives_away(title: &str) -> bool {
    each_token(title).next().is_some_and(|w| ["publish", "release", "deploy", "announce", "ship"].contains(&&*w))
}

/// Whether a title begins by bringing all that is there to an end, or by giving it away.
pub(crate) fn closes_work(title: &str) -> bool {
    gives_away(title)
        || each_token(title)
            .next()
            .is_some_and(|w| ["commit", "push", "tag", "finalize", "finalise", "finish", "complete", "close", "wrap"].contains(&&*w))
}

/// Whether a title names a document by a word that tells it from others: "User guide", "Update the API reference".
pub(crate) fn names_document(title: &str) -> bool {
    each_token(title_object(title)).any(|w| DOCUMENTS.has(&w)) && !naming_stems(title_object(title)).is_empty()
}

/// A title up to its first preposition.
fn title_object(title: &str) -> &str {
    let end = title.match_indices(' ').find(|(at, _)| title[at + 1..].split(' ').next().is_some_and(|w| PREPOSITIONS.has(w)));
    end.map_or(title, |(at, _)| &title[..at])
}

/// Whether a step mends what is there: "Fix the absolute path".
pub(crate) fn mends(title: &str) -> bool {
    each_token(title).next().is_some_and(|w| ["fix", "correct", "repair", "mend"].contains(&&*w))
}

/// Whether a look weighs what other looks found: "Compare the findings", "Prioritize", "Identify the root cause".
pub(crate) fn weighs_findings(title: &str) -> bool {
    let words = tokens(&without_parentheses(title));
    // "Check the runs for patterns" looks at runs; "look for patterns" at what other looks showed.
    let object = words.iter().enumerate().take_while(|(k, w)| *k == 1 || !PREPOSITIONS.has(w));
    object.into_iter().any(|(_, w)| WEIGHS.has(w))
}

/// The role that a title shows.
pub(crate) fn role_of(title: &str) -> Role {
    let plain = without_parentheses(title);
    let words = tokens(&plain);
    let Some(first) = words.first() else {
        return Role::Build;
    };
    if is_main_entry(title) {
        return Role::Integrate;
    }
    if MAKE.has(first) {
        return role_of_object(&words[1..]);
    }
    // "Test infrastructure" is what tests stand on.
    if VERIFY.has(first) && words.len() == 2 && TEST_GROUNDS.has(&words[1]) {
        return Role::Foundation;
    }
    // "Integration tests" join nothing.
    if INTEGRATE.has(first) && words.iter().take(4).any(|w| ["test", "tests", "testing"].contains(&w.as_str())) {
        return Role::Verify;
    }
    if let Some(role) = verb_role(first) {
        return role;
    }
    // A title without a verb in front: "YAML syntax audit", "unit tests", "architecture design". What follows a name only describes it.
    let name = tokens(name_of(&plain));
    if name.iter().any(|w| BASES.has(w)) && !name.iter().any(|w| VERIFY.has(w)) {
        return Role::Foundation;
    }
    name.iter().rev().find_map(|w| verb_role(w)).unwrap_or(Role::Build)
}

/// The name that a title begins with, in lower case, when it is two to five words and no order: "Cleaned positions (`a.sql`)".
pub(crate) fn noun_name(title: &str) -> Option<String> {
    let plain = without_parentheses(title);
    let name = name_of(&plain).split(',').next().unwrap_or("").trim().to_lowercase();
    let words: Vec<String> = tokens(&name);
    let is_order = words.first().is_some_and(|w| is_make_verb(w) || verb_role(w).is_some());
    ((2..=5).contains(&words.len()) && !is_order && naming_stems(&name).len() >= 2).then_some(name)
}

/// The part of a title that names what is made: its beginning, where more sentences follow; all of it where that names nothing.
pub(crate) fn made_by(title: &str) -> &str {
    // A file that a title begins with is known by its own name.
    if begins_with_path(title) {
        return "";
    }
    let name = name_of(title);
    let name = if naming_stems(name).is_empty() { title } else { name };
    // What is read is made elsewhere: "the list reads from the local database".
    let end =
        [" from ", " using ", " via ", " against ", " on top of "].iter().filter_map(|mark| name.find(mark)).min().unwrap_or(name.len());
    if naming_stems(&name[..end]).is_empty() { name } else { &name[..end] }
}

/// Whether a title begins with a file.
pub(crate) fn begins_with_path(title: &str) -> bool {
    let first = title.split(' ').next().unwrap_or(title);
    first.contains('/') || first.trim_end_matches(['.', ':', ',']).contains('.')
}

/// What a title names, before it goes on to describe it; a path that it begins with is no word of its language.
fn name_of(title: &str) -> &str {
    let end = [". ", ": ", "; "].iter().filter_map(|mark| title.find(mark)).min().unwrap_or(title.len());
    let name = &title[..end];
    if begins_with_path(name) { name.split_once(' ').map_or("", |(_, rest)| rest) } else { name }
}

/// The role of "make X": the last noun before a preposition decides.
fn role_of_object(words: &[String]) -> Role {
    let end = words.iter().position(|w| PREPOSITIONS.has(w)).unwrap_or(words.len());
    let object = &words[..end];
    let Some(head) = object.last().map(String::as_str) else {
        return Role::Build;
    };
    if DOCUMENT.has(head) {
        return Role::Document;
    }
    if ["test", "tests", "testing"].contains(&head) {
        return Role::Verify;
    }
    // To set the state of a piece of work is what comes at its end.
    if head == "status" {
        return Role::Finish;
    }
    if ["design", "specification", "spec", "plan", "proposal"].contains(&head) {
        return Role::Design;
    }
    if object.iter().any(|w| BASES.has(w)) || words[end..].iter().any(|w| w == "abc" || w == "interface") {
        return Role::Foundation;
    }
    Role::Build
}

fn verb_role(word: &str) -> Option<Role> {
    let table = [
        (&INSPECT, Role::Inspect),
        (&DESIGN, Role::Design),
        (&FOUNDATION, Role::Foundation),
        (&INTEGRATE, Role::Integrate),
        (&VERIFY, Role::Verify),
        (&DOCUMENT, Role::Document),
        (&FINISH, Role::Finish),
    ];
    table.iter().find(|(list, _)| list.has(word)).map(|(_, role)| *role)
}

/// Whether the stem of a file name is that of a thing that others stand on (`models.py`, `base.rs`).
pub(crate) fn is_base_name(file_stem: &str) -> bool {
    BASES.has(file_stem.to_ascii_lowercase().as_str())
}

/// Whether a text begins with a verb of work.
pub(crate) fn begins_with_deed(text: &str) -> bool {
    each_token(text.trim_start_matches(['*', '`'])).next().is_some_and(|w| is_make_verb(&w) || verb_role(&w).is_some() || DEEDS.has(&w))
}

/// Whether `word` begins the making of something.
pub(crate) fn is_make_verb(word: &str) -> bool {
    MAKE.has(word) || FOUNDATION.has(word)
}

/// Place in the flow of data: 1 gathers, 2 works out, 3 shows. A later place needs an earlier one.
pub(crate) fn flow_stage(title: &str) -> Option<u8> {
    tokens(&without_parentheses(title)).iter().find_map(|t| match stem(t) {
        "collect" | "ingest" | "gather" | "fetch" | "load" | "extract" => Some(1),
        "analy" | "detect" | "calculat" | "aggregat" | "classifi" | "transform" => Some(2),
        "alert" | "notifi" | "report" | "dashboard" | "visualiz" | "chart" | "export" => Some(3),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn titles_show_their_role() {
        for (title, role) in [
            ("Analysis of the logs (10 min)", Role::Inspect),
            ("Create feature specification", Role::Design),
            ("Project structure", Role::Foundation),
            ("Create base class with a storage interface", Role::Foundation),
            ("Build the report generator", Role::Build),
            ("Web page", Role::Build),
            ("Integrate into the planner", Role::Integrate),
            ("Add unit tests for the parser", Role::Verify),
            ("Test: paths resolve", Role::Verify),
            ("Integration tests", Role::Verify),
            ("Write documentation", Role::Document),
            ("Commit each file type separately", Role::Finish),
            ("", Role::Build),
        ] {
            assert_eq!(role_of(title), role, "{title}");
        }
    }

    #[test]
    fn data_flows_from_gathering_to_showing() {
        assert_eq!(flow_stage("Create metrics collector"), Some(1));
        assert_eq!(flow_stage("Add anomaly detection"), Some(2));
        assert_eq!(flow_stage("Extend the dashboard"), Some(3));
        assert_eq!(flow_stage("Rename things"), None);
    }
}
