//! Tables of what is read, matched and shared, and the comparison of overlap with its definition.

use super::*;

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap_or_else(|error| unreachable!("{text}: {error}"))
}

#[test]
fn normal_form_says_the_same_in_one_way() {
    for (given, normal) in [
        ("src/lib.rs", "src/lib.rs"),
        ("./a", "a"),
        ("a//b", "a/b"),
        ("a/./b", "a/b"),
        ("src/", "src/**"),
        ("src/.", "src/**"),
        ("src/**/", "src/**"),
        (".", "**"),
        ("./", "**"),
        ("a/**/**/b", "a/**/b"),
        ("[*][a]", "[*]a"),
        ("[]a-]x", "[]a-]x"),
        ("./!x", "./!x"),
        ("a!b", "a!b"),
        ("...", "..."),
        ("größe/*.rs", "größe/*.rs"),
    ] {
        let parsed = pattern(given);
        assert_eq!(parsed.as_str(), normal, "of {given}");
        assert_eq!(pattern(parsed.as_str()), parsed, "normal form of {given} is a fixed point");
    }
}

#[test]
fn refusals_say_where() {
    use PatternError as E;
    let long = "a".repeat(PATTERN_CHARS_MAX);
    let directory = format!("{}/", &long[1..]);
    let deep = ["a"; PATTERN_COMPONENTS_MAX].join("/");
    assert!(Pattern::parse(&long).is_ok() && Pattern::parse(&deep).is_ok());
    for (given, error) in [
        ("", E::Empty),
        ("/a", E::Absolute),
        ("/", E::Absolute),
        ("!a", E::Negated),
        ("a/../b", E::Parent { at: 3 }),
        ("..", E::Parent { at: 1 }),
        ("a\0", E::Control { at: 2, character: '\0' }),
        ("ä\nb", E::Control { at: 2, character: '\n' }),
        ("a\\b", E::Backslash { at: 2 }),
        ("ab/c[d/e]", E::UnclosedClass { at: 5 }),
        ("[]", E::UnclosedClass { at: 1 }),
        ("[!]", E::UnclosedClass { at: 1 }),
        ("x[^a]", E::CaretClass { at: 2 }),
        ("x[a-cz-b]", E::ReversedRange { at: 6 }),
        ("src/a**", E::PartialDoubleStar { at: 6 }),
        ("***", E::PartialDoubleStar { at: 1 }),
        ("a/[.]", E::MatchesNothing { at: 3 }),
        ("[!\u{20}-\u{10ffff}]", E::MatchesNothing { at: 1 }),
        (&format!("{long}a"), E::TooLong),
        (&directory, E::TooLong),
        (&format!("{deep}/"), E::TooManyComponents),
    ] {
        assert_eq!(Pattern::parse(given).expect_err(given), error, "of {given:?}");
    }
}

#[test]
fn paths_are_normalised_without_a_meaning_as_patterns() {
    assert_eq!(normalise_path("./a//[id]/"), Ok("a/[id]".to_owned()));
    assert_eq!(normalise_path("!a*"), Ok("!a*".to_owned()));
    assert_eq!(normalise_path("."), Err(PatternError::WholeRepository));
    assert_eq!(normalise_path("a/.."), Err(PatternError::Parent { at: 3 }));
    for path in ["a/[id]/*.rs", "!a", "[", "a**?", "**"] {
        let plain = Pattern::of_path(path).expect("a valid path");
        assert_eq!(plain.literal_path().as_deref(), Some(path));
        assert_eq!(pattern(plain.as_str()), plain);
        assert!(plain.matches(path) && pattern("**").overlaps(&plain), "{path}");
    }
}

#[test]
fn literal_prefix_can_be_replaced() {
    for (given, prefix, moved) in
        [("src/*/a", "src", "real/dir/*/a"), ("src/a", "src/a", "real/dir"), ("**/a", "", "real/dir/**/a"), ("a[*]/?", "a*", "real/dir/?")]
    {
        assert_eq!(pattern(given).literal_prefix(), prefix);
        assert_eq!(pattern(given).with_literal_prefix("real/dir"), Ok(pattern(moved)));
    }
    assert_eq!(pattern("a/*/b").with_literal_prefix(""), Ok(pattern("*/b")));
    assert!(pattern("a").with_literal_prefix("..").is_err());
}

#[test]
fn matching_follows_the_table() {
    for (given, yes, no) in [
        ("src", &["src"][..], &["src/a", "sr", "srca"][..]),
        ("src/**", &["src", "src/a", "src/a/b"], &["srca", "a/src"]),
        ("**", &["a", "a/b/c", ".x"], &["", ".", "..", "a/../b", "a//b", "/a"]),
        ("**/a", &["a", "b/a", "b/c/a"], &["a/b", "ba"]),
        ("a/**/b", &["a/b", "a/x/b", "a/x/y/b"], &["ab", "a/x"]),
        ("*.rs", &["a.rs", ".rs"], &["a.rsx", "d/a.rs"]),
        ("?", &["a", "ä"], &["ab", ".", "\u{7}"]),
        ("[a-c]x[!0-9]", &["axy", "bx."], &["dxy", "ax1", "ax"]),
        ("*a*a*b", &["aab", "xaxaxb"], &["ab", "aba"]),
        ("[]-]", &["]", "-"], &["a"]),
    ] {
        for path in yes {
            assert!(pattern(given).matches(path), "{given} matches {path}");
        }
        for path in no {
            assert!(!pattern(given).matches(path), "{given} does not match {path:?}");
        }
    }
}

#[test]
fn overlap_follows_the_table() {
    for (a, b, overlaps) in [
        ("src", "src/**", true),
        ("src", "src/a", false),
        ("src/a", "src/ab", false),
        ("src/*", "src/a/b", false),
        ("src/*.rs", "src/lib.*", true),
        ("src/*.rs", "src/*.md", false),
        ("**/a/**", "b/**/c", true),
        ("[a-m]*", "[n-z]*", false),
        ("[!a]", "[a-b]", true),
        (".?", "?.", false),
        (".*", "*.", true),
    ] {
        assert_eq!(pattern(a).overlaps(&pattern(b)), overlaps, "{a} and {b}");
        assert_eq!(pattern(b).overlaps(&pattern(a)), overlaps, "{b} and {a}");
    }
}

/// All sequences of 1 to `length_max` parts, joined.
fn sequences(parts: &[&str], joint: &str, length_max: usize) -> Vec<String> {
    let mut all: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
    let mut last = all.clone();
    for _ in 1..length_max {
        last = last.iter().flat_map(|s| parts.iter().map(move |part| format!("{s}{joint}{part}"))).collect();
        all.extend(last.iter().cloned());
    }
    all
}

/// Overlap is compared with its definition: one of `paths`, which hold a witness for every overlapping pair.
fn check_against_all_paths(patterns: &[String], paths: &[String]) {
    let parsed: Vec<Pattern> = patterns.iter().filter_map(|text| Pattern::parse(text).ok()).collect();
    let matched: Vec<Vec<bool>> = parsed.iter().map(|pattern| paths.iter().map(|path| pattern.matches(path)).collect()).collect();
    for (a, in_a) in parsed.iter().zip(&matched) {
        for (b, in_b) in parsed.iter().zip(&matched) {
            let witness = in_a.iter().zip(in_b).position(|(x, y)| *x && *y).map(|at| &paths[at]);
            assert_eq!(a.overlaps(b), witness.is_some(), "{a} and {b}: {witness:?}");
        }
    }
}

#[test]
fn overlap_of_names_is_exact_for_all_short_ones() {
    let patterns = sequences(&["a", ".", "*", "?", "[ab]", "[!a]"], "", 3);
    check_against_all_paths(&patterns, &sequences(&["a", "b", ".", "c"], "", 4));
}

#[test]
fn overlap_of_paths_is_exact_for_all_short_ones() {
    let patterns = sequences(&["a", "b", "*", "**", "a*"], "/", 3);
    check_against_all_paths(&patterns, &sequences(&["a", "b", "ab", "c"], "/", 4));
}

#[test]
fn hostile_patterns_cost_no_more_than_their_size() {
    let stars = "*a".repeat(PATTERN_CHARS_MAX / 2);
    let other = format!("{}b", "a*".repeat(PATTERN_CHARS_MAX / 2 - 1));
    assert!(!pattern(&stars).overlaps(&pattern(&other)));
    assert!(!pattern(&stars).matches(&"a".repeat(100_000).replace("aaaaaaa", "aabaaab")[..99_999].replace('a', "b")));
    let deep = ["**/a"; PATTERN_COMPONENTS_MAX / 2].join("/");
    assert!(pattern(&deep).overlaps(&pattern(&["**/*"; PATTERN_COMPONENTS_MAX / 2].join("/"))));
    assert!(!pattern(&deep).overlaps(&pattern(&["**/b"; PATTERN_COMPONENTS_MAX / 2].join("/"))));
}
