//! Tables of patterns that are read, matched and shared, and the comparison of overlap with its definition.

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
        ("a[{]b[}]", "a[{]b[}]"),
        ("[{}]", "[{}]"),
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
        ("src/{a,b}.rs", E::Brace { at: 5, instead: vec!["src/a.rs".into(), "src/b.rs".into()] }),
        ("a/{b}", E::Brace { at: 3, instead: vec![] }),
        ("a}", E::Brace { at: 2, instead: vec![] }),
        (&format!("{long}a"), E::TooLong),
        (&directory, E::TooLong),
        (&format!("{deep}/"), E::TooManyComponents),
    ] {
        assert_eq!(Pattern::parse(given).expect_err(given), error, "of {given:?}");
    }
}

#[test]
fn braces_are_refused_with_the_patterns_to_write_instead() {
    let refused = |text: &str| Pattern::parse(text).expect_err(text).to_string();
    assert_eq!(refused("src/{a,b}.rs"), "brace at character 5; patterns have no braces; write 2 patterns: `src/a.rs`, `src/b.rs`");
    assert!(refused("{1,2,3,4,5}").ends_with("write 5 patterns: `1`, `2`, `3`, `4` and so on"));
    assert!(refused("a{b").contains("`[{]`"));
}

#[test]
fn stored_braces_are_characters() {
    let stored = Pattern::parse_stored("app/{id,n}/*").expect("an old pattern");
    assert_eq!(stored.as_str(), "app/{id,n}/*", "a replay of the log gives the same text");
    assert_eq!(Pattern::parse_stored("[{]").expect("a pattern").as_str(), "[{]");
    assert!(stored.matches("app/{id,n}/a") && !stored.matches("app/id/a"));
    assert_eq!(Pattern::parse_stored(stored.as_str()).expect("its text"), stored);
    assert!(Pattern::parse_stored("/a").is_err() && Pattern::parse_stored("[z-a]").is_err());
}

#[test]
fn a_path_that_is_asked_about_meets_what_covers_it_and_what_lies_below_it() {
    for (path, held, meets) in [
        ("src/a.rs", "src", true),
        ("src/a.rs", "src/*", true),
        ("src", "src/a.rs", true),
        ("src", "src/*.rs", true),
        ("src", "sr*/a.rs", false),
        ("src", "**/a.rs", false),
        ("src/a", "src/ab", false),
        ("Makefile", "**/*.css", false),
        ("a{b}", "a[{]b[}]", true),
    ] {
        let asked = Pattern::of_path(path).expect("a path");
        assert_eq!(asked.overlaps(&pattern(held)), meets, "{path} and {held}");
        assert_eq!(pattern(held).overlaps(&asked), meets, "{held} and {path}");
    }
    assert!(!Pattern::of_path("src").expect("a path").matches("src/a"));
}

#[test]
fn odd_names_are_covered_like_any_others() {
    for name in ["a\tb", "a\nb", "a\u{7f}b", "a\\b"] {
        let path = format!("src/{name}");
        let asked = Pattern::of_path(&path).expect("a path");
        for held in ["src", "src/**", "src/*", "src/a?b"] {
            assert!(asked.overlaps(&pattern(held)) && pattern(held).matches(&path), "{path:?} and {held}");
        }
        assert!(asked.matches(&path) && !asked.overlaps(&pattern("src/ab")));
        let reserved = Pattern::covering_path(&path).expect("a path");
        assert_eq!((reserved.as_str(), pattern(reserved.as_str()).matches(&path)), ("src/a?b", true));
        assert_eq!(pattern("x/*.rs").with_literal_prefix(&path), Ok(pattern("src/a?b/*.rs")));
    }
}

#[test]
fn one_set_of_paths_may_have_two_texts() {
    for (a, b, same) in
        [("src", "src/**", true), ("src/", "src", true), ("src/*", "src/*/**", false), ("**", "**", true), ("a", "b", false)]
    {
        assert_eq!(pattern(a).essence() == pattern(b).essence(), same, "{a} and {b}");
    }
}

#[test]
fn paths_are_normalised_without_a_meaning_as_patterns() {
    assert_eq!(normalise_path("./a//[id]/"), Ok("a/[id]".to_owned()));
    assert_eq!(normalise_path("!a*"), Ok("!a*".to_owned()));
    assert_eq!(normalise_path("."), Err(PatternError::WholeRepository));
    assert_eq!(normalise_path("a/.."), Err(PatternError::Parent { at: 3 }));
    assert_eq!(normalise_path("a\0"), Err(PatternError::Control { at: 2, character: '\0' }));
    assert_eq!(normalise_path("a\tb\n\\/c"), Ok("a\tb\n\\/c".to_owned()));
    let deep = vec!["long-name"; PATTERN_COMPONENTS_MAX * 4].join("/");
    assert!(pattern("long-name/**").overlaps(&Pattern::of_path(&deep).expect("a path may be deeper than a pattern")));
    assert_eq!(normalise_path(&"a".repeat(PATH_CHARS_MAX + 1)), Err(PatternError::TooLong));
    for path in ["a/[id]/*.rs", "!a", "[", "a**?", "**", "a/{id}"] {
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
        ("src", &["src", "src/a", "src/a/b"][..], &["sr", "srca", "a/src"][..]),
        ("crates/*/src", &["crates/a/src", "crates/a/src/x.rs"], &["crates/a", "crates/src", "crates/a/b/src"]),
        ("a/*", &["a/b"], &["a", "a/b/c"]),
        ("**/a", &["a", "b/a", "b/c/a", "a/b", "b/a/c"], &["b", "ba"]),
        ("src/**", &["src", "src/a", "src/a/b"], &["srca", "a/src"]),
        ("**", &["a", "a/b/c", ".x"], &["", ".", "..", "a/../b", "a//b", "/a"]),
        ("a/**/b", &["a/b", "a/x/b", "a/x/y/b", "a/b/c"], &["ab", "a/x"]),
        ("*.rs", &["a.rs", ".rs"], &["a.rsx", "d/a.rs"]),
        ("?", &["a", "ä", "\u{7}", "\\"], &["ab", ".", "\0"]),
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
        ("src", "src/a", true),
        ("src", "src/a/b/*", true),
        ("crates/*/src", "crates/a/src/lib.rs", true),
        ("crates/*/src", "crates/a/tests", false),
        ("src/a", "src/ab", false),
        ("src/*", "src/a/b", false),
        ("src/*", "src/a", true),
        ("src", "**/*.css", true),
        ("src/a.rs", "**/*.css", false),
        ("**/a.rs", "**/b.rs", false),
        ("**/a.rs", "src/a.rs/b.rs", true),
        ("src/a.rs", "src/a.rs/b.rs", true),
        ("src/a.rs", "src/*/b.rs", true),
        ("vendor/lodash.merge", "**/*.js", true),
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

/// The definition of a match, in the naive way: the ways in which a pattern can match the first names of `names`. Each has
/// the number of the names, and for each of them whether a `**` has taken it.
fn ways(components: &[Component], names: &[&str]) -> Vec<Vec<bool>> {
    let Some((first, rest)) = components.split_first() else { return vec![Vec::new()] };
    let behind = |components: &[Component], taken: bool| -> Vec<Vec<bool>> {
        let more = if names.is_empty() { Vec::new() } else { ways(components, &names[1..]) };
        more.into_iter().map(|way| [vec![taken], way].concat()).collect()
    };
    match first {
        Component::AnyDepth => [ways(rest, names), behind(components, true)].concat(),
        Component::Name(pattern) if names.first().is_some_and(|name| pattern.matches(name)) => behind(rest, false),
        Component::Name(_) => Vec::new(),
    }
}

/// The ways in which a pattern covers the path with these names: it matches it, or, where its last name is literal, something above it.
fn covering(pattern: &Pattern, names: &[&str]) -> Vec<Vec<bool>> {
    let is_literal = pattern.components.last().is_some_and(Component::is_literal);
    ways(&pattern.components, names).into_iter().filter(|way| way.len() == names.len() || is_literal).collect()
}

/// Whether a way to cover a path leads below a name that is a file's, over which a `**` of the other has run.
fn runs_into_file(way: &[bool], other: &[bool], names: &[&str]) -> bool {
    way.len() < names.len() && is_file_name(names[way.len() - 1]) && other.get(way.len() - 1).is_none_or(|taken| *taken)
}

/// Matches and overlap are compared with their definition: one of `paths`, which hold a witness for every overlapping pair.
fn check_against_all_paths(patterns: &[String], paths: &[String]) {
    let parsed: Vec<Pattern> = patterns.iter().filter_map(|text| Pattern::parse(text).ok()).collect();
    let paths: Vec<Vec<&str>> = paths.iter().map(|path| path.split('/').collect()).collect();
    let lawful: Vec<&Vec<&str>> = paths.iter().filter(|names| names.iter().all(|name| name::is_name(name))).collect();
    let covered: Vec<Vec<Vec<Vec<bool>>>> =
        parsed.iter().map(|pattern| lawful.iter().map(|names| covering(pattern, names)).collect()).collect();
    for (pattern, covered) in parsed.iter().zip(&covered) {
        for (names, ways) in lawful.iter().zip(covered) {
            assert_eq!(pattern.matches(&names.join("/")), !ways.is_empty(), "{pattern} and {names:?}");
        }
    }
    for (a, in_a) in parsed.iter().zip(&covered) {
        for (b, in_b) in parsed.iter().zip(&covered) {
            let meet = |names: &[&str], of_a: &[Vec<bool>], of_b: &[Vec<bool>]| {
                of_a.iter().any(|x| of_b.iter().any(|y| !runs_into_file(x, y, names) && !runs_into_file(y, x, names)))
            };
            let witness = lawful.iter().zip(in_a.iter().zip(in_b)).find(|(names, (x, y))| meet(names, x, y)).map(|(names, _)| names);
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
    check_against_all_paths(&patterns, &sequences(&["a", "b", "c"], "/", 5));
}

#[test]
fn overlap_with_files_is_exact_for_all_short_ones() {
    let patterns = sequences(&["a", "b.rs", "c.rs", "*", "**", "*.rs"], "/", 2);
    check_against_all_paths(&patterns, &sequences(&["a", "b.rs", "c.rs"], "/", 4));
}

#[test]
fn hostile_patterns_cost_no_more_than_their_size() {
    let stars = "*a".repeat(PATTERN_CHARS_MAX / 2);
    let other = format!("{}b", "a*".repeat(PATTERN_CHARS_MAX / 2 - 1));
    assert!(!pattern(&stars).overlaps(&pattern(&other)));
    assert!(!pattern(&stars).matches(&"a".repeat(100_000).replace("aaaaaaa", "aabaaab")[..99_999].replace('a', "b")));
    let deep = ["**/a"; PATTERN_COMPONENTS_MAX / 2].join("/");
    assert!(pattern(&deep).overlaps(&pattern(&["**/*"; PATTERN_COMPONENTS_MAX / 2].join("/"))));
    let ending = |name: &str| pattern(&format!("{}/?{name}", vec![format!("**/{name}"); PATTERN_COMPONENTS_MAX / 2 - 1].join("/")));
    assert!(!ending("a").overlaps(&ending("b")));
}
