use super::*;

fn hunk(first: u32, last: u32) -> ConflictHunk {
    ConflictHunk { base: (first, last).into(), ours: (first, last).into(), theirs: (first + 10, last + 10).into() }
}

fn file(path: &str, hunks: &[(u32, u32)]) -> ConflictFile {
    ConflictFile { path: path.into(), hunks: hunks.iter().map(|(first, last)| hunk(*first, *last)).collect() }
}

fn task(text: &str) -> TaskId {
    TaskId::parse(text).expect("an id")
}

#[test]
fn only_what_is_new_is_told() {
    let a = |hunks: &[(u32, u32)]| vec![file("a", hunks)];
    for (known, now, expected) in [
        (vec![], vec![], News::None),
        (vec![], a(&[(5, 7)]), News::Conflict),
        (a(&[(5, 7)]), a(&[(5, 7)]), News::None),
        // It grows where it is, moves a little, or shrinks.
        (a(&[(5, 7)]), a(&[(4, 11)]), News::None),
        (a(&[(5, 7)]), a(&[(11, 12)]), News::None),
        (a(&[(5, 7), (30, 31)]), a(&[(30, 31)]), News::None),
        // An insertion has no line of its own.
        (a(&[(8, 7)]), a(&[(9, 9)]), News::None),
        (a(&[(5, 7)]), a(&[(12, 12)]), News::Conflict),
        (a(&[(5, 7)]), a(&[(5, 7), (40, 41)]), News::Conflict),
        (a(&[(5, 7)]), vec![file("a", &[(5, 7)]), file("b", &[])], News::Conflict),
        (a(&[]), a(&[(5, 7)]), News::None),
        (a(&[(5, 7)]), a(&[]), News::None),
        (a(&[(5, 7)]), vec![file("b", &[(5, 7)])], News::Conflict),
        (a(&[(5, 7)]), vec![], News::Gone),
    ] {
        assert_eq!(news(&known, &now), expected, "{known:?} {now:?}");
    }
}

#[test]
fn pairs_are_compared_once_and_only_where_somebody_works() {
    let ada = AgentName::parse("ada").expect("a name");
    let live = [("1", true), ("2", false), ("3", false), ("4", true)];
    let live = live.map(|(commit, is_held)| Candidate { commit, target: "main", holder: is_held.then_some(&ada) });
    assert_eq!(pairs(&live, |_, _| None), [(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)]);
    let as_it_is = |a: usize, b: usize| Some((live[a], live[b]));
    assert_eq!(pairs(&live, as_it_is), []);
    assert_eq!(pairs(&live, |a, b| as_it_is(a, b).filter(|_| (a, b) != (0, 2))), [(0, 2)]);
    for before in [Candidate { commit: "0", ..live[0] }, Candidate { holder: None, ..live[0] }] {
        assert_eq!(pairs(&live, |a, b| if a == 0 { Some((before, live[b])) } else { as_it_is(a, b) }), [(0, 1), (0, 2), (0, 3)]);
    }
    let other = Candidate { target: "next", ..live[0] };
    assert_eq!(pairs(&[live[0], other, live[1]], |_, _| None), [(0, 2)]);
    assert_eq!(pairs(&live[1..3], |_, _| None), []);
    assert_eq!(pairs(&[], |_, _| None), []);
}

#[test]
fn a_notice_says_who_where_and_what() {
    let (bob, files) = (AgentName::parse("bob").expect("a name"), [file("src/mux.go", &[(12, 20), (31, 30)]), file("README.md", &[])]);
    let notice = Notice {
        task: &task("T-1"),
        other: &task("T-2"),
        title: "Add timeouts",
        agent: Some(&bob),
        files: &files,
        side: Side::Ours,
        sample: "\n\tfunc (mx *Mux) Timeout() {\n",
    };
    assert_eq!(
        notice.text(),
        "Your work on T-1 conflicts with T-2 \"Add timeouts\" by bob in src/mux.go lines 22-30 (yours 12-20), before 41 (yours before 31); \
         README.md, which has \"func (mx *Mux) Timeout() {\". Nothing is blocked: keep out of these lines, or agree with `oarlock send bob \
         --text '…'`. `oarlock conflicts` checks it."
    );
    let theirs = Notice { side: Side::Theirs, agent: None, title: "", sample: "", files: &files[..1], ..notice };
    assert_eq!(
        theirs.text(),
        "Your work on T-1 conflicts with T-2 in src/mux.go lines 12-20 (yours 22-30), before 31 (yours before 41). Nothing is blocked: keep \
         out of these lines, or see `oarlock task T-2`. `oarlock conflicts` checks it."
    );
}

#[test]
fn no_notice_is_longer_than_its_limit_and_none_is_cut_within_a_character() {
    let long = task(&"x".repeat(64));
    let agent = AgentName::parse(&"a".repeat(64)).expect("a name");
    for unit in ["<", "é", "€", "𝄞", "\u{202e}", "\n", "a"] {
        for n in [0, 1, 7, 63, 200, 5_000] {
            let text = unit.repeat(n);
            let files: Vec<ConflictFile> =
                (0..n.min(150)).map(|at| file(&format!("{at}{text}"), &[(1, 2), (9, 9), (20, 30), (50, 60)])).collect();
            for (task, agent) in [(&long, Some(&agent)), (&task("T-1"), None)] {
                let notice = Notice { task, other: task, title: &text, agent, files: &files, side: Side::Ours, sample: &text };
                let shown = notice.text();
                assert!(cost(&shown) <= limits::NOTICE_BYTES_MAX, "{} bytes: {shown}", cost(&shown));
                assert!(!shown.contains(['\n', '\u{202e}']) && shown.ends_with("checks it."), "{shown}");
            }
        }
    }
}
