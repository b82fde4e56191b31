use super::*;
use crate::hook::Reach;

fn of(command: &str) -> Vec<String> {
    seen_from(command, None)
}

fn seen_from(command: &str, cwd: Option<&str>) -> Vec<String> {
    let shown = |w: Written| {
        let reach = match w.reach {
            Reach::File => String::new(),
            Reach::Tree => "/**".into(),
            Reach::Below(pattern) => format!("/{pattern}"),
        };
        format!("{}{reach}{}", w.path, if w.only_if_there { "?" } else { "" })
    };
    let mut paths: Vec<String> = writes(command, None, &Surroundings { cwd, ..Surroundings::default() }).into_iter().map(shown).collect();
    paths.sort();
    paths.dedup();
    paths
}

#[test]
fn common_writes_are_seen() {
    let cases: &[(&str, &[&str])] = &[
        ("echo hi > a.txt", &["a.txt"]),
        ("echo hi >>a.txt 2>&1", &["a.txt"]),
        ("make 2> err.log >/dev/null", &["err.log"]),
        ("cmd &> all.log; cmd >| b", &["all.log", "b"]),
        ("cat > 'my file' <<'EOF'\nx > y\nEOF\necho done > z", &["my file", "z"]),
        ("cat <<-EOF > f\n\tx\n\tEOF\n", &["f"]),
        ("cat a | tee -a b c", &["b", "c"]),
        ("sed -i 's/a/b/' src/a.rs", &["src/a.rs"]),
        ("sed -i.bak -e s/a/b/ -e s/c/d/ x y", &["x", "y"]),
        ("sed -Ei s/a/b/ x", &["x"]),
        ("sed --in-place s/a/b/ x", &["x"]),
        ("sed -n 1,3p x", &[]),
        ("perl -pi -e 's/a/b/' x; perl -0pi -e 1 y; perl -0777 -lpi.bak -e 1 z", &["x", "y", "z"]),
        ("rm -rf src target", &["src/**", "target/**"]),
        ("mv a b", &["a/**", "b", "b/a/**"]),
        ("cp -r a/x b/", &["b", "b/x/**"]),
        ("cp -t d a b", &["d", "d/a/**", "d/b/**"]),
        ("dd if=/dev/zero of=disk bs=1", &["disk"]),
        ("touch a && truncate -s 0 b", &["a", "b"]),
        ("cd sub; echo > x; (cd deeper && echo > y)", &["sub/deeper/y", "sub/x"]),
        ("bash -lc 'echo > x'", &["x"]),
        ("FOO=1 sudo env A=b tee x", &["x"]),
        ("x=$(echo hi > inner)", &["inner"]),
        ("if true; then echo > x; fi", &["x"]),
        ("for f in a b; do sed -i s/x/y/ c; done", &["c"]),
        ("git checkout -- src/a.rs", &["src/a.rs/**"]),
        ("git checkout main", &["main/**?"]),
        ("git checkout src/a.rs b", &["b/**", "src/a.rs/**?"]),
        ("git checkout -f main; git switch --force main", &["./**"]),
        ("env -C src -u X rm a.rs; env --chdir=src rm b; rm c; env -Csrc A=b rm d", &["c/**", "src/a.rs/**", "src/b/**", "src/d/**"]),
        ("git reset --hard HEAD~1", &["./**"]),
        ("git -C x rm a", &["x/a/**"]),
        ("git -C /tmp/y -c a.b=c reset --hard", &["/tmp/y/**"]),
        ("git restore -S a; git rm --cached b; git clean -nfd", &[]),
        ("git checkout HEAD src/a", &["HEAD/**?", "src/a/**"]),
        ("git checkout -b new main", &[]),
        ("cd \"$(mktemp -d)\" && rm -rf src && echo > top.txt && echo > /abs", &["/abs"]),
        ("cd; echo > x", &[]),
        ("perl -Mstrict -e1 x; ruby -Ilib t.rb", &[]),
        ("[[ $a > src/a ]] && true", &[]),
        ("git commit -m \"$(cat <<'EOF'\n1) say \\\"a > src/b\\\" :) (x > y)\nEOF\n)\"", &[]),
        ("timeout -k 2 5 tee a; env -u B -i nice -n 5 tee b; sudo -u x tee c; A=$(x) tee d", &["a", "b", "c", "d"]),
        ("bash <<'EOF'\necho > x\nEOF", &["x"]),
        ("ls | xargs -I{} sed -i s/a/b/ z", &["z"]),
        ("echo \"a > b\" '> c' \\> d # > e", &[]),
        ("echo > \"$HOME/x\"; echo > $FILE; rm *.rs", &["./*.rs/**", "~/x"]),
        ("diff <(ls a) <(ls b) > d", &["d"]),
        ("cat < in > out", &["out"]),
        ("cat <<< 'x' > out", &["out"]),
        ("rm src/{a,b}.rs; cp a.rs{,.bak}; touch '{a,b}'", &["a.rs.bak", "a.rs.bak/a.rs/**", "src/a.rs/**", "src/b.rs/**", "{a,b}"]),
        ("cat > notes.md <<'EOF' && bash check.sh\n`rm -rf src`\necho > y\nEOF\n", &["notes.md"]),
        ("cat <<EOF | sort | bash\necho > y\nEOF\necho > z", &["y", "z"]),
        ("bash deploy.sh <<EOF\necho > y\nEOF\nbash -s a <<EOF\necho > z\nEOF\n", &["z"]),
        ("apply_patch <<'EOF' && cargo fmt\n*** Begin Patch\n*** Update File: a b.rs\n*** End Patch\nEOF\n", &[".", "./**/*.rs", "a b.rs"]),
        ("git commit -m $'don\\'t do that' -m 'see > src/a.rs'; rm $'a\\tb'", &["a\tb/**"]),
        ("ls -la; cargo test --workspace", &[]),
        ("echo 'unclosed > x", &[]),
        ("echo $(", &[]),
        ("", &[]),
    ];
    assert_writes(cases);
}

/// Everything below a named directory is meant, where more is not known; without a directory, nothing is.
#[test]
fn of_a_path_that_only_the_run_tells_the_directory_is_meant() {
    assert_writes(&[
        ("rm -rf src/*", &["src/*/**"]),
        ("echo > src/$f", &["src/**"]),
        ("echo > \"src/deep/$f\"; echo >> 'src/$f'", &["src/$f", "src/deep/**"]),
        ("sed -i s/a/b/ src/*.rs", &["src/*.rs"]),
        ("sed -i \"s/$a/b/\" src/a.rs lib/[ab].rs", &["lib/?.rs", "src/a.rs"]),
        ("sed -i -e \"s/$a/b/\" x", &["x"]),
        ("rm -rf build/$x/y; rm -r /abs/$(date)/x", &["/abs/**/x/**", "build/**/y/**"]),
        ("cd sub && rm a/*.o", &["sub/a/*.o/**"]),
        ("rm $f; rm -rf \"$d\"/*; rm /*; rm -rf ${T}src", &[]),
        ("rm *; rm ./* ../*; rm -rf $HOME/x", &["../*/**", "./*/**", "~/x/**"]),
        ("cd sub && rm -rf *; cd .. && rm *", &["sub/.././*/**", "sub/./*/**"]),
        ("git checkout -- :/; git stash --help", &["./**"]),
        ("rm src*; rm src?/a; rm -f ./*.log ../*.log", &["../*.log/**", "./*.log/**", "./src*/**", "./src?/a/**"]),
        ("rm -rf packages/*/node_modules crates/*/target", &["crates/*/target/**", "packages/*/node_modules/**"]),
        ("cp a.rs \"src/a.rs.$(date +%s)\"; rm -f src/*.orig src/a[0-9].o", &["src/*.orig/**", "src/a.rs.*/**", "src/a?.o/**"]),
        ("echo > 'src/[id]/'$x; echo > src/[/$x", &["src/[/**", "src/[id]/**"]),
        (
            "echo > src/'a*'$x; echo > src/$a$b; echo > src/x$a-$b.rs; echo > a/../$x.rs",
            &["a/../*.rs", "src/**", "src/a[*]*", "src/x*-*.rs"],
        ),
        ("rm ''; echo > \"\"", &[]),
        ("cp $x lib/a.rs", &["lib/a.rs"]),
        ("cp src/*.rs lib/", &["lib", "lib/*.rs/**"]),
        ("cp \"$tmp/a.rs\" lib/", &["lib", "lib/a.rs/**"]),
        ("cp $x .; cp a/b .", &["./b/**"]),
        ("mv src/*.rs \"$d\"", &["src/*.rs/**"]),
        ("truncate -s $n x; touch -r $ref y", &["x", "y"]),
        ("git checkout $branch src/a", &["src/a/**"]),
        ("git -C $d rm a; git $verb a", &[]),
        ("dd of=img/$x if=y; tee --output-error=$x z", &["img/**", "z"]),
        ("bash -c \"echo > $x\"; eval \"$x\" rm a; $sudo rm b", &[]),
        ("echo > /dev/$tty", &[]),
    ]);
}

#[test]
fn variables_have_the_values_that_the_text_gives_them() {
    assert_writes(&[
        ("for f in src/*.rs lib/x.rs; do sed -i s/a/b/ \"$f\"; done", &["lib/x.rs", "src/*.rs"]),
        (
            "for f in a b; do\n  echo x > out/${f}.txt\n  cp t \"$f.bak\"\ndone",
            &["a.bak", "a.bak/t/**", "b.bak", "b.bak/t/**", "out/a.txt", "out/b.txt"],
        ),
        ("F=src/main.rs; sed -i s/a/b/ \"$F\"; export G=x && rm $G", &["src/main.rs", "x/**"]),
        ("F=a; F=$(pick); rm $F; for f in $(ls); do rm $f; done; for f in \"$@\"; do rm a/$f; done", &["./*/**", "a/**"]),
        ("F=src; read -r F; rm $F/x; F='a b'; rm $F/x; F=; rm $F/x", &["/x/**", "a/**", "b/x/**"]),
        ("F=a; rm '$F' \"$Fx/y\" ${F:-b}", &["$F/**", "a/**"]),
        ("F=a G=b; rm $F/$G $G; (G=c; rm $G); rm $G", &["a/b/**", "b/**", "c/**"]),
        ("F=x make; rm $F", &[]),
    ]);
}

#[test]
fn programs_are_read_with_their_options() {
    assert_writes(&[
        ("tee --append a; touch -c -d 'now' b; shred -n 3 c", &["a", "b", "c"]),
        ("sed -i '' s/a/b/ x; sed -ni.bak p y; sed -i.b -f script z", &["x", "y", "z"]),
        ("sed --in-place=.bak --expression=p x", &["x"]),
        ("perl -i.bak -ne 'print' x; perl -i -p -e 's/a/b/' -e 's/c/d/' y; ruby -pi -e p z", &["x", "y", "z"]),
        ("perl -i script.pl x; perl -ne 'print' y", &["x"]),
        ("awk -i inplace '{print}' x; gawk -i inplace -v a=b -f s.awk c=d y; awk '{print > 1}' z", &["x", "y"]),
        ("cp --target-directory=d a; mv -td b", &["b/**", "d", "d/a/**", "d/b/**"]),
        ("cp -rT a b; install -m 644 a bin/x; install -d made", &["b/**", "bin/x", "bin/x/a/**"]),
        ("ln -s ../far/x; ln -sf y z", &["x", "z", "z/y/**"]),
        ("rsync -a -e ssh a b; rsync -a src/ dst; rsync -a x host:y; rsync -an x z", &["b", "b/a/**", "dst/**"]),
        ("rsync -a --delete a /abs/b/", &["/abs/b//**"]),
        ("curl -fsSLo a https://x/y; curl https://x/z --output b; curl --output=c u", &["a", "b", "c"]),
        ("curl -LO 'https://x/y/d.tgz?z=1'; curl -o - https://x; curl -s https://x/y; curl -OJ https://x/z", &["d.tgz", "some-file/**"]),
        ("curl --output-dir sub -o e https://x -e https://y/no -O", &["sub/e", "sub/some-file/**"]),
        (
            "wget -qO a https://x; wget --output-document=b https://x; wget -O - https://x; wget https://x/y",
            &["./some-file/**", "./y", "a", "b"],
        ),
        (
            "tar -xzf a.tgz -C d; tar xzf a.tgz -C e; tar --extract --file=a.tgz --directory f",
            &["d/**", "d/some-file/**", "e/**", "e/some-file/**", "f/**", "f/some-file/**"],
        ),
        ("tar -xf a.tgz; curl -s x | tar xz", &["some-file/**"]),
        ("tar -xf a.tgz src/a -C d; tar xf a.tgz b", &["b/**", "d/src/a/**"]),
        ("tar -czf a.tgz src; tar -tf a.tgz; tar -xOf a.tgz b; tar -xf a.tgz -C $d", &["a.tgz"]),
        ("unzip -qo a.zip -d d; unzip -l a.zip -d e; unzip a.zip", &["d/**", "d/some-file/**", "some-file/**"]),
        (
            "patch -p1 < x.patch; patch --dry-run a; patch -p1 -i x.patch b; patch -o c d; patch -d sub e",
            &["b", "c", "some-file/**", "sub/e"],
        ),
        ("dd if=a of=b; rm -- -c", &["-c/**", "b"]),
    ]);
}

#[test]
fn git_writes_over_files() {
    assert_writes(&[
        ("git stash", &["./**"]),
        ("git stash push -m 'a b'; git -C x stash pop", &["./**", "x/**"]),
        ("git stash push -m why -- a b; git stash -k -- c", &["a/**", "b/**", "c/**"]),
        ("git stash list; git stash show -p; git stash drop; git stash clear", &[]),
        ("git clean -fdx build; git clean -f -e keep", &["./**", "build/**"]),
        ("git clean -d; git checkout -b new origin/main; git checkout --orphan x", &[]),
        ("git mv a src/; git restore -s HEAD b", &["a/**", "b/**", "src", "src/a/**"]),
        ("git checkout HEAD~1 .", &["./**"]),
    ]);
}

#[test]
fn a_search_writes_where_it_looks() {
    assert_writes(&[
        ("find src -name '*.o' -delete; find lib/ -type d -name $x -delete", &["lib/**", "src/**/*.o/**"]),
        ("find a b/ -type f -exec rm -f {} +", &["a/**", "b/**"]),
        ("find src -name x -exec sed -i s/a/b/ {} \\; -o -exec grep y {} ';'", &["src/**", "src/**/x"]),
        ("find src -exec mv {} old/ \\;", &["old", "old/*/**", "src/**"]),
        ("find src -execdir mv {} new \\; -execdir touch other \\;", &["src/**"]),
        ("find src -exec sh -c 'echo > made' \\;", &["made"]),
        ("find src/* \\( -name a -o -name b \\) -delete; find lib ! -name a -delete", &["lib/**", "src/*/**/a/**", "src/*/**/b/**"]),
        ("find . -delete", &["./**"]),
        ("find . -name '*.pyc' -delete; find $d -delete; find . -name node_modules -exec rm -r {} +", &[]),
        ("find -name x -delete", &["./**/x/**"]),
        ("find . -mtime +7 -delete; find . -maxdepth 1 -exec rm {} +", &["./**", "./*/**"]),
        ("find src -name '*.rs' -exec grep -l x {} +; find src -print", &[]),
        ("find a -exec find b -delete \\;", &["b/**"]),
        ("find a -exec", &[]),
    ]);
}

#[test]
fn what_goes_elsewhere_in_a_shell_of_its_own_comes_back() {
    assert_writes(&[
        ("(cd sub && echo > a); echo > b", &["b", "sub/a"]),
        ("(cd sub; (cd deep; echo > a); echo > b) > c", &["c", "sub/b", "sub/deep/a"]),
        ("cd sub | cat; echo > a", &["a"]),
        ("cat x | cd sub; echo > a", &["a"]),
        ("cd sub & echo > a", &["a"]),
        ("cd sub && make > a & echo > b", &["b", "sub/a"]),
        ("{ cd sub; echo > a; } | cat; echo > b", &["b", "sub/a"]),
        ("{ cd sub; echo > a; }; echo > b", &["sub/a", "sub/b"]),
        ("ls | while read f; do cd sub; echo > a; done; echo > b", &["b", "sub/a"]),
        ("if cd sub; then echo > a; fi &\necho > b", &["b", "sub/a"]),
        ("cd sub || exit\necho > a", &["sub/a"]),
        ("cd sub &&\necho > a &\necho > b", &["b", "sub/a"]),
        ("cat x |\nwhile read f; do cd sub; done\necho > a", &["a"]),
        ("x=$(cd sub; echo > a); echo > b", &["b", "sub/a"]),
        ("(cd sub; case $x in a|b) echo > a;; (c) echo > b;; esac; echo > c); echo > d", &["d", "sub/a", "sub/b", "sub/c"]),
        ("x=$(case $y in a) echo > a;; esac); echo > b", &["a", "b"]),
        ("diff <(cd sub; ls) y > a; tee > >(cat) b", &["a", "b"]),
        ("pushd sub; echo > a; popd; echo > b; popd; echo > c", &["b", "sub/a"]),
        ("(pushd sub; pushd deep); echo > a; popd; echo > b", &["a"]),
        ("cd sub) ; echo > a", &["sub/a"]),
    ]);
}

#[test]
fn what_only_compares_or_lists_writes_nothing() {
    assert_writes(&[
        ("if [[ $a > src/a && b > c ]]; then echo > d; fi", &["d"]),
        ("if ((a > b)); then echo $((c > d)) > e; fi; for ((i = 0; i > f; i++)); do :; done", &["e"]),
        ("args=(rm -rf src '>' x); more+=(tee y); echo > z", &["z"]),
        ("((cd sub); echo > a)", &["a"]),
        ("[ -f a ] && echo > b", &["b"]),
    ]);
}

/// Neither of these ends in a panic, nor do their beginnings.
#[test]
fn torn_commands_are_read_as_far_as_they_go() {
    let whole = "cd a && { (find ü/* -exec mv {} \"$(x <<E\n$((1 > `y`))\nE\n)\" \\; | tar xf -C) & } >> ${b:-'c'} 2>&1; \
                 case $x in [[ab]]) a+=(b c);; esac; [[ a > b ]] |& curl -o- --output-dir= -t; git -C; patch -o >(d) $'e'";
    for (at, _) in whole.char_indices() {
        of(&whole[..at]);
        of(&whole[at..]);
    }
    for piece in ["(", ")", "((", "$((", "`", "${", "<(", "{ ", "case ", "a|", "a&", "<<", "[[ ", "a=(", "sed -i", "--", "find a -exec "] {
        of(&piece.repeat(2_000));
    }
}

/// Texts that were made to take long: twice as much of one is twice the work, and the result has a limit.
#[test]
fn work_grows_with_the_text() {
    let around = Surroundings::default();
    let cost = |text: &str| {
        parse::STEPS.with(|steps| steps.set(0));
        let mut shell = Shell::new(&around, "");
        shell.run_text(&word::cleaned(text));
        let size: usize = shell.found.iter().map(|written| written.path.len()).sum();
        assert!(shell.found.len() <= FOUND_MAX && size <= 16 * WORK_MAX, "{} places of {size} bytes", shell.found.len());
        parse::STEPS.with(std::cell::Cell::get) + WORK_MAX - shell.work
    };
    for piece in [
        "{a,b}",
        "$(",
        "`",
        "(",
        "((",
        "$((",
        "${a:-",
        "\"$(",
        "<<E ",
        "<<E\n",
        "cat <<E > src/x; ",
        "a ",
        "a|",
        "a=b; ",
        "a=$a$a; ",
        "a+=x; ",
        "if a; then ",
        "case a in b) ",
        "f() { f; f; }; f; ",
        "for i in {1..64}; do ",
        "sudo ",
        "bash -c ",
        "eval ",
        "find . -exec ",
        "xargs ",
        "rm src/*.rs; ",
        "echo [",
        "@(",
        "<(",
        "cd a; (",
        "pushd a; ",
        "while read x; do ",
        "python3 -c 'open(open(open('; ",
        "\\",
        "'",
        "\"",
        "#",
        "[[ ",
        "function f ",
        "! ",
        "> ",
        "&",
    ] {
        let (once, twice) = (cost(&piece.repeat(1_500)), cost(&piece.repeat(3_000)));
        assert!(twice <= once * 5 / 2 + 20_000, "{piece:?}: {once} for 1,500 of them, {twice} for 3,000");
        assert!(twice <= 3_000 * piece.len() * 80 + WORK_MAX, "{piece:?}: {twice}");
    }
}

fn assert_writes(cases: &[(&str, &[&str])]) {
    let found = cases.iter().map(|(command, expected)| (*command, of(command), *expected));
    let wrong: Vec<_> = found.filter(|(_, found, expected)| found != expected).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_call_of_oarlock_is_known() {
    for yes in ["oarlock claim", "cd x && oarlock done T-1", "/usr/bin/oarlock inbox", "echo $(true); oarlock claim --json"] {
        assert!(calls_oarlock(yes), "{yes}");
    }
    for no in
        ["oarlock claim --as a", "oarlock --session=s claim", "echo oarlock claim", "OARLOCK_AGENT=a oarlock claim", "oarlock --help", "ls"]
    {
        assert!(!calls_oarlock(no), "{no}");
    }
}

#[test]
fn the_shells_own_directory_is_known() {
    let cases: &[(&str, &[&str])] = &[
        ("echo > \"$PWD/src/a.rs\"", &["/r/src/a.rs"]),
        ("echo > $PWD/a; echo > ${PWD}/b", &["/r/a", "/r/b"]),
        ("echo > $(pwd)/a; echo > \"$(pwd -P)/b\"; echo > `pwd`/c", &["/r/a", "/r/b", "/r/c"]),
        ("cd sub && echo > \"$PWD/x\"; (cd deep; echo > $PWD/y)", &["/r/sub/deep/y", "/r/sub/x"]),
        ("cd /else && echo > $PWD/x", &["/else/x"]),
        ("D=$PWD; cd sub; echo > \"$D/x\"", &["/r/x"]),
        ("D=$(pwd)/lib; cd sub; rm -r $D", &["/r/lib/**"]),
        ("cd sub; cd \"$OLD\"; echo > \"$PWD/x\"", &[]),
        ("rm $PWD/src/*.rs", &["/r/src/*.rs/**"]),
        ("bash -c 'echo > \"$PWD/x\"'", &["/r/x"]),
        ("echo > '$PWD'", &["$PWD"]),
    ];
    for (command, paths) in cases {
        assert_eq!(seen_from(command, Some("/r")), *paths, "{command}");
    }
    assert_eq!(of("cd sub; echo > \"$PWD/x\""), Vec::<String>::new(), "it could be anywhere");
    assert_eq!(of("D=$PWD; cd sub; echo > \"$D/x\""), Vec::<String>::new());
}

#[test]
fn escapes_in_quotes_are_read() {
    assert_eq!(of(r"echo > $'a\tb'; rm $'c\nd' $'\x65'"), ["a\tb", "c\nd/**", "e/**"]);
    assert_eq!(of("echo > $'it\\'s'; echo > 'a\tb'"), ["a\tb", "it's"]);
}
