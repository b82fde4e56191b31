//! The programs. Sources are their manuals; a verb of several words is read by the program's own reader.

use super::Operands::{Below, Files, Final, First, Here, Last, Named, Nothing, Pairs, Second, Trees};
use super::{Spec, puts, reads, writes};

/// All programs, by kinds.
pub(super) static SPECS: [&[Spec]; 6] = [FILES, FORMATTERS, PACKAGES, COMPILERS, OUTPUTS, READERS];

const CHECKS: &str = "check diff dry-run";

/// Programs that write the files they are called with.
static FILES: &[Spec] = &[
    writes("tee", Files),
    writes("unlink", Files).entries(),
    writes("sponge", Files),
    writes("touch", Files).valued("d r t date reference time"),
    writes("shred", Files).valued("n s iterations size random-source"),
    writes("truncate fallocate", Files).valued("s r size reference l o length offset"),
    writes("rm rmdir trash trash-put gio-trash", Trees).unless("dry-run").entries(),
    writes("rimraf del-cli del", Named("")).unless("dry-run").entries(),
    writes("rpl", Trees).valued("x d").skip(2, "").unless("dry-run s simulate"),
    writes("ruplacer", Below("")).skip(2, "").when("go"),
    writes("venv virtualenv", Trees).valued("p python prompt"),
    writes("rename prename", Files).skip(1, "e").valued("e").unless("n nono no-act").entries(),
    writes("sed gsed", Files)
        .valued("e f l expression file line-length")
        .attached("i")
        .when("i in-place")
        .skip(1, "e f expression file")
        .entries_unless("follow-symlinks"),
    writes("yq yq-go jaq", Files)
        .valued("o p I f output-format input-format indent from-file arg argjson expression from")
        .when("i in-place inplace")
        .skip(1, "from-file expression"),
    writes("sd", Files).valued("n f max-replacements flags").unless("p preview").skip(2, ""),
    writes("mlr", Files).valued("ifs ofs from").when("I"),
    writes("mogrify", Files)
        .single()
        .valued("resize quality format crop rotate density background gravity extent depth type colorspace define")
        .within("path")
        .spares("path"),
    writes("exiftool", Trees).single().when("overwrite_original overwrite_original_in_place"),
    writes("jpegoptim", Files).valued("m max S size T threshold").within("d dest").spares("d dest stdout n noaction"),
    writes("optipng", Files).single().valued("o f i zc zm zs zw").outputs("out").within("dir").spares("out dir simulate"),
    writes("svgo", Trees).valued("i o input output config p f folder").outputs("o output").spares("o output"),
    writes("strip", Files).valued("K N R keep-symbol strip-symbol remove-section F target").outputs("o").spares("o"),
    writes("patchelf", Files)
        .single()
        .valued("set-rpath set-interpreter add-rpath add-needed remove-needed set-soname page-size")
        .outputs("output")
        .spares("output print-rpath print-needed print-interpreter print-soname"),
    writes("uniq", Second).valued("f s w skip-fields skip-chars check-chars"),
    puts("iconv", "o output").valued("f t from-code to-code"),
    puts("sort gsort", "o output").valued("k t S T key field-separator buffer-size temporary-directory"),
    writes("xmlstarlet xml", Final).verbs("ed edit").when("L inplace").valued("u v d a i s t n r m x subnode insert update delete"),
    writes("crudini", First).when("set del merge"),
    puts("dasel", "f file").verbs("put delete").valued("v t r w s"),
    writes("split", Second).valued("l b n a C lines bytes number suffix-length"),
    writes("ast-grep sg", Below("")).valued("p r l c pattern rewrite lang selector rule inline-rules config globs").when("U update-all"),
    writes("comby", Nothing)
        .single()
        .when("i in-place")
        .unless("stdout diff")
        .skip(2, "")
        .valued("d f directory extensions matcher config templates"),
    writes("fastmod codemod", Below("")).valued("d e dir extensions glob").skip(2, ""),
    writes("jscodeshift", Trees).valued("t transform cpus c extensions parser ignore-pattern parser-config").unless("d dry"),
    writes("indent", Files).single().outputs("o").spares("o st").valued("i l ts"),
    writes("astyle", Files).valued("s A").unless("dry-run stdin"),
    writes("uncrustify", Files).when("replace no-backup").valued("c l f F").outputs("o"),
    writes("set-content add-content out-file clear-content tee-object", First)
        .single()
        .outputs("path Path filepath FilePath literalpath LiteralPath")
        .valued("value Value encoding Encoding inputobject InputObject"),
    writes("remove-item", Trees).single().outputs("path Path literalpath LiteralPath").entries(),
    writes("move-item rename-item", Trees).single().outputs("path Path literalpath LiteralPath destination Destination").entries(),
    writes("copy-item", Last).single().outputs("destination Destination").valued("path Path literalpath LiteralPath"),
    writes("new-item", First).single().outputs("path Path").valued("itemtype ItemType type Type value Value name Name").unless("Directory"),
];

/// Formatters and programs that mend what they find.
pub(super) static FORMATTERS: &[Spec] = &[
    writes("rustfmt", Named("rs")).valued("edition config config-path emit color print-config style-edition").unless("check emit=stdout emit=json emit=checkstyle emit=coverage print-config"),
    writes("cargo", Here("rs")).verbs("fmt").valued(CARGO_FMT).unless("check"),
    writes("cargo-fmt", Here("rs")).valued(CARGO_FMT).unless("check"),
    writes("cargo", Here("rs")).verbs("fix").valued(CARGO).unless("help"),
    writes("cargo", Here("rs")).verbs("clippy").valued(CARGO).when("fix"),
    writes("prettier prettierd prettier-eslint", Named(""))
        .valued("config ignore-path plugin parser print-width tab-width trailing-comma log-level loglevel end-of-line stdin-filepath cache-location \
                 prose-wrap arrow-parens quote-props config-precedence")
        .when("w write"),
    writes("black", Named("py pyi ipynb"))
        .valued("l line-length t target-version config c code include exclude extend-exclude W workers required-version")
        .unless("check diff c code"),
    writes("ruff", Below("py pyi ipynb")).verbs("format").valued(RUFF).unless(CHECKS),
    writes("ruff", Below("py pyi ipynb")).verbs("check").valued(RUFF).outputs("o output-file").when("fix fix-only").unless("diff"),
    writes("ruff", Named("py pyi ipynb")).valued(RUFF).when("fix"),
    writes("isort", Named("py pyi")).valued("l line-length profile p sp settings-path settings-file src skip s skip-glob sg extend-skip extend-skip-glob m j jobs").unless("c check check-only diff d stdout"),
    writes("autopep8", Named("py")).valued("max-line-length select ignore j jobs p indent-size exclude global-config").when("i in-place"),
    writes("yapf", Named("py")).valued("style e exclude l lines").when("i in-place"),
    writes("autoflake", Named("py")).valued("imports exclude j").when("i in-place"),
    writes("pyupgrade", Files).unless("help"),
    writes("docformatter", Named("py")).valued("wrap-summaries wrap-descriptions").when("i in-place"),
    writes("add-trailing-comma reorder-python-imports unify pycln ssort absolufy-imports", Named("py")),
    writes("djlint", Named("html")).valued("profile extension e indent").when("reformat"),
    writes("blackdoc flynt", Named("py")),
    writes("gofmt goimports gofumpt golines", Below("go")).single().valued("r local m max-len cpuprofile").when("w").unless("d"),
    writes("go", Below("go")).verbs("fmt").unless("n"),
    writes("go", Below("go")).verbs("fix"),
    writes("golangci-lint", Below("go")).verbs("run").valued("c config timeout E D").when("fix"),
    writes("golangci-lint", Below("go")).verbs("fmt").unless("d diff"),
    writes("clang-format git-clang-format", Files).valued("style assume-filename lines offset length fallback-style files").single().when("i").unless("n dry-run"),
    writes("clang-tidy", Files).valued("p checks config config-file header-filter export-fixes").single().when("fix fix-errors fix-notes"),
    writes("eslint eslint_d", Named("")).valued(ESLINT).outputs("o output-file").when("fix"),
    writes("tslint", Named("")).valued("c config p project o r s t").when("fix"),
    writes("oxlint", Below("")).valued("c config f format A D W tsconfig").when("fix fix-suggestions fix-dangerously"),
    writes("oxfmt", Below("")).valued("c config").unless("check list-different"),
    writes("standard ts-standard semistandard xo", Below("")).valued("env global plugin parser ext").when("fix"),
    writes("stylelint", Named("")).valued("config f formatter ignore-path customSyntax custom-syntax").outputs("o output-file").when("fix"),
    writes("biome", Below("")).verbs("format check lint").valued("config-path changed since max-diagnostics log-level indent-style indent-width line-width").when("write apply apply-unsafe fix"),
    writes("dprint", Below("")).verbs("fmt").valued("c config plugins excludes config-discovery").unless("diff-only stdin"),
    writes("deno", Below("")).verbs("fmt").valued("c config ext line-width indent-width ignore").unless("check"),
    writes("deno", Below("")).verbs("lint").valued("c config ignore rules-include rules-exclude").when("fix"),
    writes("shfmt", Named("")).single().valued("i indent ln language-dialect filename").when("w write").unless("d diff"),
    writes("terraform tofu", Below("tf tfvars")).verbs("fmt").single().valued("var-file").dir("chdir").unless("check write=false"),
    writes("terragrunt", Below("hcl")).verbs("hclfmt fmt hcl").single().unless("check terragrunt-check write=false"),
    writes("packer hclfmt", Below("hcl")).verbs("fmt").single().unless("check write=false"),
    writes("hclfmt", Named("hcl tf")).single().when("w write").unless("check"),
    writes("rubocop", Below("")).valued("c config f format only except o out fail-level L").when("a A autocorrect auto-correct autocorrect-all auto-correct-all x fix-layout").outputs("o out"),
    writes("standardrb erblint haml-lint", Below("rb")).when("fix fix-unsafely a autocorrect auto-correct").unless("check"),
    writes("swiftformat", Named("swift")).valued("config rules disable enable swiftversion exclude indent cache").unless("lint dryrun").outputs("output").spares("output"),
    writes("swiftlint", Below("swift")).valued("config path reporter").when("fix autocorrect format"),
    writes("swift-format", Named("swift")).valued("configuration assume-filename").when("i in-place"),
    writes("ktlint", Below("kt kts")).valued("reporter editorconfig code-style").when("F format"),
    writes("google-java-format", Named("")).valued("lines offset length").when("i r replace").unless("n dry-run"),
    writes("ktfmt", Named("kt")).unless("n dry-run"),
    writes("dotnet", Below("")).verbs("format").skip_verb("whitespace style analyzers").valued("v verbosity severity diagnostics include exclude report binarylog").unless("verify-no-changes"),
    writes("csharpier dotnet-csharpier", Below("cs")).verbs("format").unless("check write-stdout"),
    writes("csharpier", Nothing).verbs("check server pipe-files"),
    writes("csharpier dotnet-csharpier", Below("cs")).unless("check write-stdout"),
    writes("mix", Below("ex exs heex")).verbs("format").unless("check-formatted dry-run"),
    writes("zig", Named("zig zon")).verbs("fmt").valued("color exclude").unless("check"),
    writes("nixpkgs-fmt nixfmt", Named("nix")).unless("check c"),
    writes("alejandra", Below("nix")).unless("c check"),
    writes("statix", Below("nix")).verbs("fix").unless("d dry-run"),
    writes("taplo", Below("toml")).verbs("fmt format").valued("o option c config").unless("check diff"),
    writes("buf", Below("proto")).verbs("format").valued("path config").outputs("o output").when("w write"),
    puts("buf", "o output").verbs("generate").valued("template path config"),
    writes("buildifier", Named("")).single().valued("mode lint type path").unless("d mode=check mode=diff mode=print_if_changed"),
    writes("stylua", Named("lua luau")).valued("config-path f g glob").unless("check"),
    writes("ormolu fourmolu", Named("hs")).valued("mode m o ghc-opt").when("i mode=inplace m=inplace"),
    writes("stylish-haskell", Named("hs")).valued("c config").when("i inplace"),
    writes("hindent", Files).unless("validate"),
    writes("brittany", Files).when("i write-mode=inplace"),
    writes("elm-format", Named("elm")).valued("elm-version").unless("validate stdin").outputs("output").spares("output"),
    writes("scalafmt scalafix", Below("scala sbt sc")).valued("c config").unless("test check list stdin stdout"),
    writes("dart", Named("dart")).verbs("format").valued("l line-length o output").unless("o=none o=show o=json output=none output=show output=json"),
    writes("dart", Below("dart")).verbs("fix").when("apply"),
    writes("flutter", Named("dart")).verbs("format").valued("l line-length o output").unless("o=none o=show output=none output=show dry-run n"),
    writes("php-cs-fixer", Below("php")).verbs("fix").valued("config rules path-mode format").unless("dry-run"),
    writes("phpcbf", Below("php inc")).valued("standard extensions ignore"),
    writes("pint", Below("php")).valued("config preset").unless("test"),
    writes("rector", Below("php")).verbs("process").unless("dry-run n"),
    writes("markdownlint markdownlint-cli2", Named("")).valued("c config p ignore ignore-path r").outputs("o output").when("f fix"),
    writes("mdformat", Named("md")).valued("wrap number exclude").unless("check"),
    writes("remark", Below("md")).valued("u use").when("o output").attached("o").unless(""),
    writes("codespell", Below("")).valued("L S I ignore-words-list skip ignore-words x").when("w write-changes"),
    writes("typos", Below("")).valued("config format exclude c").when("w write-changes"),
    writes("pre-commit prek", Below("")).verbs("run").valued("hook-stage from-ref to-ref c config").outputs("files").when("a all-files"),
    writes("sqlfluff", Named("sql")).verbs("fix format").valued("dialect d templater t rules r config e exclude-rules p processes"),
    writes("sql-formatter", Files).valued("l language c config").outputs("o output").when("fix"),
    writes("pg_format", Files).valued("s w f u spaces").outputs("o output").when("i inplace").spares("o output"),
    writes("sqlfmt", Named("sql")).valued("l line-length d dialect exclude").unless("check diff"),
    writes("cmake-format gersemi", Named("")).valued("c config line-length l").when("i in-place inplace").unless("check"),
    writes("fprettify", Named("")).valued("c config i indent l line-length w whitespace e exclude").unless("s stdout d diff check"),
    writes("nginxfmt", Files),
    writes("rufo", Named("rb")).unless("check c"),
    writes("next ng vue-cli-service nx", Below("")).verbs("lint").when("fix"),
    writes("nx", Below("")).verbs("format:write format").unless("check"),
    writes("rome", Below("")).verbs("format check").when("write apply"),
    writes("gci", Named("go")).verbs("write"),
    writes("mvn mvnw", Below("")).verbs("spotless:apply fmt:format formatter:format").valued("pl f P"),
    writes("sbt", Below("scala sbt sc")).verbs("scalafmtAll scalafmt scalafixAll"),
    writes("tflint", Below("tf")).when("fix"),
    writes("latexindent", Files).single().valued("l c g m").when("w wd overwrite overwriteIfDifferent").outputs("o outputfile").spares("o outputfile"),
    writes("bibtex-tidy", Files).when("m modify"),
    writes("doctoc", Named("md")).valued("title maxlevel minlevel entryprefix").unless("dryrun d s stdout check"),
    writes("nbstripout", Files).unless("dry-run t textconv verify is-installed install uninstall status"),
    writes("htmlbeautifier djhtml", Files).valued("t tabwidth").unless("check c l stdout"),
    writes("prettier-package-json rustywind", Named("")).when("write"),
    writes("treefmt", Below("")).unless("ci fail-on-change"),
    writes("fish_indent", Files).when("w write"),
    writes("tidy", Files).single().valued("config w wrap indent-spaces f file e").when("m modify im mi").outputs("o output").spares("o output"),
    writes("xmllint", Nothing).single().outputs("o output").valued("schema xpath encode maxmem path relaxng dtdvalid"),
    writes("js-beautify html-beautify css-beautify cssbeautify", Files).valued("f file s indent-size").when("r replace").outputs("o outfile").spares("o outfile"),
    writes("organize-imports-cli import-sort", Named("")).unless("list-different check"),
    writes("semgrep", Below("")).when("autofix a").valued("config f e lang l severity include exclude").outputs("o output json-output sarif-output").unless("dryrun"),
    writes("perltidy", Files).single().when("b").valued("pro").outputs("o").spares("o st"),
    writes("fantomas", Named("")).unless("check"),
    writes("cljfmt", Below("clj cljs cljc edn")).verbs("fix"),
    writes("ocamlformat", Files).when("i inplace"),
    writes("purs-tidy", Named("purs")).verbs("format-in-place"),
    writes("prisma", Nothing).verbs("format").outputs("schema"),
    writes("2to3 lib2to3 futurize", Named("py")).valued("f x j fix nofix processes o output-dir").when("w write"),
    writes("hatch", Below("py")).verbs("fmt").unless("check f"),
    writes("addlicense", Below("")).single().valued("c l y f ignore s").unless("check"),
    writes("erlfmt", Files).when("w write").unless("c check"),
    writes("rebar3", Below("erl hrl")).verbs("fmt").unless("check c"),
    writes("zprint", Files).single().when("w lw sw cw fw sfw lfw"),
    writes("cljstyle", Below("clj cljs cljc edn")).verbs("fix"),
    writes("clojure-lsp", Below("clj cljs cljc edn")).verbs("format clean-ns").unless("dry"),
    writes("lua-format", Files).valued("c config").when("i in-place"),
    writes("nimpretty", Files).outputs("out o").spares("out o"),
    writes("dfmt", Named("d")).when("i inplace"),
    writes("dune", Below("")).verbs("fmt promote promotion").unless("preview"),
    writes("dune", Here("")).verbs("build b").when("auto-promote"),
    writes("swift", Named("swift")).verbs("format").skip_verb("format").valued("configuration").when("i in-place"),
    writes("tex-fmt", Files).unless("check c p print stdin s").valued("l wraplen t tabsize"),
    writes("typstyle", Named("typ")).valued("c column l t").when("i inplace").unless("check"),
    writes("gdformat", Named("gd")).unless("c check d diff"),
    writes("forge", Below("sol")).verbs("fmt").valued("root").unless("check r raw"),
    writes("solhint", Named("")).when("fix").valued("c config f"),
    writes("wgslfmt sleek textlint-fix", Files).unless("check c"),
    writes("gn", Files).verbs("format").unless("dry-run stdin"),
    writes("muon meson", Files).verbs("fmt format").valued("c configuration").when("i inplace in-place").unless("q check-only"),
    writes("puppet-lint", Below("pp")).when("fix"),
    writes("textlint", Named("")).valued("c config rule plugin f").when("fix").unless("dry-run"),
    writes("vp", Below("")).verbs("fmt format").unless("check"),
    writes("erb-format", Files).when("write w"),
    writes("air", Named("R r")).verbs("format").unless("check"),
    writes("gleam", Below("gleam")).verbs("format").unless("check"),
    writes("crystal", Below("cr")).verbs("tool").skip_verb("format").unless("check"),
    writes("odinfmt vfmt", Named("")).when("w"),
    writes("v", Named("v vsh")).verbs("fmt").single().when("w"),
    writes("nph", Named("nim")).unless("check diff"),
    writes("ocp-indent", Files).when("i inplace"),
    writes("raco", Files).verbs("fmt").when("i"),
    writes("cue", Below("cue")).verbs("fmt fix").unless("check d diff"),
    writes("opa", Files).verbs("fmt").when("w write"),
    writes("jsonnetfmt", Files).when("i in-place"),
    writes("nomad", Below("hcl nomad")).verbs("fmt").single().unless("check write=false"),
    writes("regal", Below("rego")).verbs("fix").unless("dry-run"),
    writes("beautysh", Files).unless("check c"),
    writes("pyink pyupgrade-directories", Named("py")).unless("check diff"),
    writes("ember-template-lint", Named("")).when("fix"),
    writes("snakefmt", Named("")).unless("check d diff"),
    writes("verible-verilog-format", Files).when("inplace i"),
    writes("ansible-lint", Below("yml yaml")).when("fix write"),
    writes("yamlfmt yamlfix", Below("yml yaml")).single().valued("conf formatter").unless("dry lint d check"),
    writes("yamlfixer", Files),
    writes("just", Nothing).fixed("justfile").when("fmt").unless("check"),
];

const CARGO: &str =
    "p package manifest-path features F target j jobs profile bin example test bench color message-format Z target-dir exclude config";
const CARGO_FMT: &str = "p package manifest-path message-format Z edition config";
const RUFF: &str = "config line-length target-version select ignore extend-select exclude extend-exclude output-format per-file-ignores cache-dir fixable \
                    unfixable extension stdin-filename range";
const ESLINT: &str = "c config ext f format rulesdir plugin parser parser-options env global ignore-path ignore-pattern rule max-warnings cache-location \
                      resolve-plugins-relative-to cache-strategy fix-type flag";

/// Package managers, whose names of files are their own.
static PACKAGES: &[Spec] = &[
    writes("npm", Nothing)
        .verbs("install i add uninstall un remove rm r unlink version")
        .valued(NPM)
        .dir("prefix C w workspace")
        .unless("g global no-save dry-run")
        .with_operands()
        .fixed("package.json package-lock.json"),
    writes("npm", Nothing)
        .verbs("update up upgrade")
        .valued(NPM)
        .dir("prefix C w workspace")
        .when("save S D save-dev")
        .unless("g global dry-run")
        .fixed("package.json package-lock.json"),
    writes("npm", Nothing)
        .verbs("dedupe ddp shrinkwrap")
        .valued(NPM)
        .dir("prefix C w workspace")
        .unless("dry-run")
        .fixed("package-lock.json"),
    writes("yarn", Nothing).verbs("add remove up upgrade-interactive init version").dir("cwd").fixed("package.json yarn.lock"),
    writes("yarn", Nothing).verbs("upgrade").dir("cwd").when("latest L").fixed("package.json yarn.lock"),
    writes("corepack", Nothing).verbs("use up").fixed("package.json"),
    writes("volta", Nothing).verbs("pin").fixed("package.json"),
    writes("uv", Trees).verbs("init").dir("directory project").valued("name python p build-backend description").fixed("pyproject.toml"),
    writes("yarn", Nothing).verbs("install upgrade dedupe import").dir("cwd").unless("frozen-lockfile immutable").fixed("yarn.lock"),
    writes("pnpm", Nothing)
        .verbs("add remove rm uninstall un update up upgrade init")
        .valued("filter F store-dir registry")
        .dir("C dir")
        .unless("g global no-save")
        .fixed("package.json pnpm-lock.yaml"),
    writes("pnpm", Nothing)
        .verbs("install i dedupe import")
        .valued("filter F")
        .dir("C dir")
        .unless("frozen-lockfile")
        .fixed("pnpm-lock.yaml"),
    writes("bun", Nothing)
        .verbs("add a remove rm update init")
        .dir("cwd")
        .unless("g global no-save dry-run")
        .fixed("package.json bun.lock bun.lockb"),
    writes("bun", Nothing).verbs("install i").dir("cwd").unless("frozen-lockfile g global").fixed("bun.lock bun.lockb"),
    writes("ncu npm-check-updates", Nothing).valued("f filter x reject t target").when("u upgrade").dir("cwd").fixed("package.json"),
    writes("sort-package-json", Files).unless("check c").fixed("package.json"),
    writes("syncpack", Nothing).verbs("fix fix-mismatches format").fixed("package.json"),
    writes("json", Files).when("I in-place").valued("e f c").outputs("f"),
    writes("changeset", Nothing).verbs("version").fixed("package.json CHANGELOG.md"),
    writes("standard-version", Nothing).unless("dry-run").fixed("package.json CHANGELOG.md package-lock.json"),
    writes("npm-pkg-set", Nothing).dir("prefix C w workspace").fixed("package.json"),
    writes("husky", Nothing).verbs("init").fixed("package.json"),
    writes("storybook", Nothing).verbs("init").fixed("package.json"),
    writes("cargo", Nothing)
        .verbs("add rm remove upgrade set-version")
        .valued("features F p package path git branch tag rev rename target vers registry color")
        .outputs("manifest-path")
        .unless("dry-run n")
        .fixed("Cargo.toml Cargo.lock"),
    writes("cargo", Nothing).verbs("update generate-lockfile").unless("dry-run locked").fixed("Cargo.lock"),
    writes("cargo", Trees).verbs("new").valued("name edition vcs registry color"),
    writes("cargo", Trees).verbs("init").valued("name edition vcs registry color"),
    writes("go", Nothing).verbs("get").fixed("go.mod go.sum"),
    writes("poetry", Nothing)
        .verbs("add remove version init lock update")
        .dir("C directory P project")
        .valued("group G extras E source")
        .unless("dry-run")
        .fixed("pyproject.toml poetry.lock"),
    writes("uv", Nothing)
        .verbs("add remove version")
        .dir("directory project")
        .valued("group extra optional index python p script")
        .unless("dry-run")
        .fixed("pyproject.toml uv.lock"),
    writes("uv", Trees).verbs("venv").valued("p python"),
    writes("uv", Nothing).verbs("lock sync").dir("directory project").unless("check locked frozen dry-run").fixed("uv.lock"),
    writes("pdm", Nothing).verbs("add remove update lock init").fixed("pyproject.toml pdm.lock"),
    writes("pipenv", Nothing).verbs("install uninstall update lock").fixed("Pipfile Pipfile.lock"),
    writes("bundle bundler", Nothing).verbs("add remove update lock install").fixed("Gemfile.lock"),
    writes("composer", Nothing)
        .verbs("require remove update init")
        .dir("d working-dir")
        .unless("dry-run")
        .fixed("composer.json composer.lock"),
    writes("deno", Nothing).verbs("add remove install").fixed("deno.json deno.lock"),
    writes("pod", Nothing).verbs("install update").fixed("Podfile.lock"),
    writes("gradle gradlew", Below("")).verbs("spotlessApply ktlintFormat"),
    writes("dotnet", Nothing).verbs("new").outputs("o output").valued("n name"),
];

const NPM: &str = "registry tag otp loglevel cache userconfig";

/// Compilers and builders.
static COMPILERS: &[Spec] = &[
    puts("gcc g++ cc c++ clang clang++ ld lld gold as tcc nvcc emcc em++ gfortran dmd ldc2 gdc icc icx x86_64-linux-gnu-gcc aarch64-linux-gnu-gcc", "o")
        .valued("I L l D U include isystem x MF MT MQ target arch framework Xlinker Xclang T u z std"),
    puts("rustc", "o out-dir").valued("L l C cfg crate-name crate-type edition emit extern target"),
    puts("rustdoc", "o out-dir output").valued("L extern"),
    puts("go", "o").verbs("build test").single().valued("ldflags tags gcflags mod run timeout C p coverprofile").outputs("o coverprofile cpuprofile memprofile"),
    puts("tsc vue-tsc tsgo", "outDir outFile declarationDir tsBuildInfoFile").valued("p project target module lib rootDir"),
    puts("esbuild", "outfile outdir metafile"),
    puts("swc", "d out-dir o out-file").valued("C config-file"),
    puts("babel", "d out-dir o out-file").valued("presets plugins config-file x extensions"),
    puts("rollup", "o file d dir").valued("f format i input n name p plugin"),
    puts("webpack webpack-cli", "o output-path").valued("c config mode entry"),
    puts("vite", "outDir").verbs("build").valued("c config base mode"),
    puts("parcel", "dist-dir d").verbs("build"),
    puts("ncc pkg", "o out out-path output"),
    puts("bun", "outfile outdir").verbs("build"),
    puts("deno", "o output").verbs("compile"),
    writes("deno", Last).verbs("bundle").outputs("o output"),
    puts("terser uglifyjs uglify-js cleancss csso google-closure-compiler", "o output js_output_file").valued("c m b config-file"),
    writes("lessc", Last),
    writes("sass node-sass sassc grass", Pairs).valued("I load-path style s t").outputs("o output"),
    writes("postcss", Files).outputs("o output").within("d dir").valued("u use c config").when("r replace"),
    puts("tailwindcss cli", "o output").valued("i input c config content postcss"),
    puts("pug stylus", "o out"),
    puts("protoc grpc_tools.protoc", "*_out").valued("I proto_path plugin"),
    puts("flatc thrift capnp capnpc", "o out"),
    puts("bison yacc byacc flex lex antlr antlr4 ragel re2c lemon gperf m4", "o output output-file output-dir").valued("D I d"),
    puts("bindgen cbindgen", "o output").valued("config c crate l lang"),
    puts("javac", "d s h").single().valued("cp classpath classpath sourcepath target source processor"),
    puts("kotlinc scalac scala-cli ghc ocamlopt ocamlc ocamlfind swiftc dmcs mcs nasm yasm", "d o outputdir output"),
    puts("wasm-pack", "d out-dir").verbs("build").valued("t target out-name"),
    puts("wasm-bindgen wasm-opt wasm2wat wat2wasm wasm-strip", "o output out-dir").valued("target out-name"),
    puts("cargo", "target-dir out-dir artifact-dir").verbs("build b check c test t doc bench").valued("p package features F bin example manifest-path j profile target"),
    puts("cargo", "root").verbs("install").valued("path git version features"),
    writes("zig", Nothing).verbs("build-exe build-lib build-obj").outputs("femit-bin"),
    puts("dart", "o output").verbs("compile"),
    puts("nim", "o out outdir nimcache"),
    puts("dotnet", "o output").verbs("build publish pack"),
    puts("cmake", "B").valued("S G D"),
    puts("ctags", "f o").valued("languages exclude L"),
    puts("cscope", "f"),
    writes("objcopy", Last).valued("O I j R only-section"),
    puts("typst", "").verbs("compile c").operands(Second),
    puts("pdflatex xelatex lualatex latexmk tectonic", "output-directory outdir o").single(),
];

/// Programs that write where an option says, or their last operand.
static OUTPUTS: &[Spec] = &[
    puts("pandoc", "o output extract-media").valued("f t from to template css H M V metadata variable"),
    puts("dot neato fdp sfdp circo twopi", "o").valued("K G N E"),
    writes("magick", Nothing).verbs("identify compare"),
    writes("convert magick composite montage import", Last)
        .single()
        .valued("resize quality density background gravity crop rotate extent depth type colorspace define fill font pointsize annotate blur format thumbnail"),
    writes("ffmpeg", Final).single().valued(
        "i f c vf af b r s t ss to map codec vcodec acodec crf preset pix_fmt filter_complex vframes frames loglevel threads c:v c:a b:v b:a metadata ar ac q:v",
    ),
    writes("sox", Last).valued("r c b t"),
    puts("openssl", "out keyout").single().valued("in days newkey subj key passout passin config CA CAkey"),
    puts("ssh-keygen", "f").valued("t b N C").unless("l F R y"),
    puts("pytest py.test", "junitxml junit-xml cov-report log-file html json-report-file resultlog").valued("k m n c p W cov rootdir maxfail tb"),
    puts("coverage", "o d directory data-file").verbs("html xml json lcov").valued("rcfile include omit"),
    puts("mypy", "html-report xml-report txt-report junit-xml any-exprs-report cobertura-xml-report"),
    puts("openapi-generator openapi-generator-cli swagger-codegen swagger-codegen-cli", "o output").valued("i g c t"),
    puts("openapi-typescript quicktype json2ts datamodel-codegen swagger-cli redocly orval", "o output outfile out").valued("i input l lang t type"),
    puts("jest vitest mocha", "outputFile output-file coverageDirectory").valued("c config t testNamePattern reporter w maxWorkers"),
    puts("typedoc jsdoc", "out d destination json"),
    writes("sphinx-build", Second).valued("b d c D A j w"),
    puts("asciidoctor asciidoctor-pdf", "o out-file D destination-dir").valued("b a"),
    puts("hugo jekyll mkdocs eleventy zola mdbook", "d destination site-dir o output-dir output dest-dir").valued("s source f c config"),
    writes("qpdf pdftotext pdftohtml ps2pdf wkhtmltopdf wkhtmltoimage html2text", Second).valued("f l r"),
    puts("gs", "o sOutputFile").single(),
    puts("inkscape", "o export-filename").valued("w h export-type"),
    puts("rsvg-convert cwebp dwebp avifenc mmdc plantuml d2 svgexport", "o output").valued("w h f i q input"),
    puts("pip-compile", "o output-file").valued("extra"),
    writes("pip pip3", Nothing).verbs("install download wheel").outputs("t target d dest w wheel-dir report").valued("r c e i f requirement index-url"),
    puts("uv", "o output-file").verbs("export build").valued("format extra group"),
    puts("poetry", "o output").verbs("export build").valued("f format"),
    puts("jupyter", "output-dir").verbs("nbconvert notebook").valued("to template").operands(Files).when("inplace"),
    puts("jupyter-nbconvert nbconvert", "output-dir").valued("to template").operands(Files).when("inplace"),
    puts("jupytext", "o output").valued("to from").operands(Files).when("sync update"),
    writes("papermill", Second).valued("p f k"),
    writes("zip", First).valued("x i P n t").unless("sf T"),
    puts("hf huggingface-cli", "local-dir").verbs("download").valued("include exclude revision repo-type token"),
    writes("vercel vc", Last).verbs("env").valued("environment git-branch t token S scope"),
    writes("ditto", Last).valued("arch"),
    puts("gpg gpg2 age rage", "o output").valued("r u recipient local-user"),
    puts("base64 basenc", "o output"),
    writes("xxd", Second).valued("c g l s o n"),
    puts("psql", "o output L log-file").valued("c f d h p U v"),
    puts("keytool", "keystore").single(),
    puts("nmap", "oN oX oG oA").single(),
    puts("c8 nyc", "o report-dir reports-dir temp-dir"),
    puts("asciinema", "").verbs("rec").operands(First),
    writes("tesseract", Second),
    writes("pdfunite pdfjam", Final).outputs("o outfile"),
    writes("dpkg-deb dpkg", Final).when("x extract X"),
    puts("pg_dump pg_dumpall pg_restore", "f file").valued("h p U d n t F schema table"),
    puts("mysqldump mariadb-dump", "r result-file"),
    puts("mongodump mongoexport", "o out"),
    puts("helm", "output-dir d destination").verbs("template pull package"),
    puts("kustomize", "o output").verbs("build"),
    puts("terraform tofu", "out state-out").verbs("plan").single().dir("chdir"),
    puts("strace ltrace", "o").valued("e p s"),
    puts("perf", "o output").verbs("record stat trace"),
    puts("tree", "o").valued("L I P"),
    puts("tcpdump tshark dumpcap", "w"),
    puts("trivy grype", "o output file").valued("f format severity"),
    puts("syft cyclonedx cyclonedx-py cyclonedx-npm bandit gitleaks checkov license-checker", "o output output-file r report-path out file").valued("f format"),
    puts("hyperfine", "export-json export-csv export-markdown export-asciidoc export-orgmode"),
    puts("lighthouse", "output-path"),
    puts("cloc scc", "out o output report-file"),
    puts("curlie xh http https", "o output").valued("a A"),
    puts("aria2c", "o out").within("d dir").valued("s x j"),
    puts("yt-dlp youtube-dl", "o output").within("P paths").valued("f"),
    puts("cookiecutter copier", "o output-dir"),
    puts("protoc-gen sqlc xcodebuild", "o derivedDataPath output"),
    puts("shuf", "o output").valued("n i"),
    puts("csplit", "f prefix"),
    puts("script", "").operands(First).valued("c E").unless("help"),
    puts("valgrind", "log-file xml-file"),
    puts("time gtime", "o output"),
    puts("diff2html", "F file o").valued("i s"),
    puts("screencapture scrot", "").operands(First),
    puts("playwright", "").verbs("screenshot pdf").operands(Second),
];

/// Programs whose `-o` and the like are no files that they write.
static READERS: &[Spec] = &[
    reads("echo printf cat less more head tail grep egrep fgrep zgrep rg ag ack ls dir ps pgrep kubectl oc ssh mount umount docker"),
    reads("podman make gmake ninja find test [ aws gcloud az terraform-docs journalctl systemctl ip ss netstat lsof lsblk findmnt"),
    reads("column od hexdump nl fold cut paste tr comm join diff cmp wc stat file du df date env printenv which type whereis man info"),
    reads("help apropos id who w top htop free uptime uname hostname jq gron fx bat delta tig vimdiff nm objdump readelf ldd size"),
    reads("strings sha1sum sha256sum md5sum b2sum cksum sum shellcheck hadolint actionlint yamllint flake8 pylint pyright mdl vale"),
    reads("mysql mariadb redis-cli mongosh sqlplus gdb lldb rust-gdb useradd usermod groupadd chown chmod chgrp mkdir mktemp kill pkill"),
    reads("killall nc ncat telnet ping dig nslookup host traceroute awk gawk mawk nawk sqlite3 python-json-tool tmux screen seq yes"),
    reads("sleep tput stty clear reset history jobs fg bg disown logger gh glab hub oarlock rustup ps2ascii"),
];
