//! Programs that write the files they are called with.

use super::super::spec::Operands::{Below, Files, Final, First, Last, Named, Nothing, Second, Trees};
use super::super::spec::{Spec, puts, writes};

/// Programs that write the files they are called with.
pub(super) static FILES: &[Spec] = &[
    writes("tee", Files),
    writes("unlink", Files).entries(),
    writes("sponge", Files),
    writes("touch", Files).valued("d r t date reference time").entries_when("h no-dereference"),
    // A mode of their own letters, `-x`, is none of their options.
    writes("chmod", Trees).valued("reference").skip(1, "reference x w r X s t g o u a"),
    writes("chown chgrp", Trees).valued("reference from").skip(1, "reference").entries_when("h no-dereference"),
    writes("setfattr", Files).valued("n v x name value remove").entries_when("h no-dereference").unless("test"),
    writes("setfacl", Trees).valued("m x M X n modify remove set").unless("test"),
    writes("chattr", Trees).skip(1, "i a u c d e s"),
    writes("chflags", Trees).skip(1, ""),
    writes("attrib", Trees),
    writes("xattr", Trees).when("w d c cr cs r").skip(1, "c cr cs"),
    writes("mkfifo", Files).valued("m mode"),
    writes("mktemp", Files).valued("suffix").unless("d directory u dry-run").within("p tmpdir").spares("p tmpdir t"),
    writes("mknod", First).valued("m mode"),
    writes("wipe srm rip", Trees).unless("help"),
    writes("gio", Trees).verbs("trash remove").entries(),
    writes("gio", Last).verbs("copy"),
    writes("gio", Trees).verbs("move"),
    writes("mcopy", Last),
    writes("vidir", Trees),
    writes("pax", Last).when("w").valued("p f x s"),
    writes("shred", Files).valued("n s iterations size random-source"),
    writes("truncate fallocate", Files).valued("s r size reference l o length offset"),
    writes("rm rmdir trash trash-put gio-trash", Trees).unless("dry-run").entries(),
    writes("rimraf del-cli del trash-cli", Named("")).unless("dry-run").entries(),
    writes("rpl", Trees).valued("x d").skip(2, "").unless("dry-run s simulate"),
    writes("ruplacer", Below("")).skip(2, "").when("go"),
    writes("venv virtualenv", Trees).valued("p python prompt"),
    writes("rename prename rename.ul perl-rename file-rename", Files).skip(1, "e").valued("e").unless("n nono no-act").entries(),
    writes("sed gsed ssed", Files)
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
    writes("exiftool", Trees).single().when("overwrite_original overwrite_original_in_place all").outputs("o").valued("tagsfromfile ext"),
    writes("jpegoptim", Files).valued("m max S size T threshold").within("d dest").spares("d dest stdout n noaction"),
    writes("optipng", Files).single().valued("o f i zc zm zs zw").outputs("out").within("dir").spares("out dir simulate"),
    writes("svgo", Trees).valued("i o input output config p").edits("f folder").outputs("o output").spares("o output"),
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
    writes("ast-grep sg", Below("")).verbs("run scan").valued("p r l c pattern rewrite lang selector rule inline-rules config globs").when("U update-all"),
    writes("ast-grep sg", Below("")).valued("p r l c pattern rewrite lang selector rule inline-rules config globs").when("U update-all"),
    writes("fastmod codemod", Below("")).valued("d e dir extensions glob").skip(2, ""),
    writes("jscodeshift", Trees).valued("t transform cpus c extensions parser ignore-pattern parser-config").unless("d dry"),
    writes("indent", Files).single().outputs("o").spares("o st").valued("i l ts"),
    writes("astyle", Files).valued("s A").unless("dry-run stdin"),
    writes("uncrustify", Files).when("replace no-backup").valued("c l f F").outputs("o"),
    writes("set-content add-content out-file clear-content export-csv export-clixml start-transcript", First)
        .single()
        .outputs("path Path filepath FilePath literalpath LiteralPath")
        .valued("value Value encoding Encoding inputobject InputObject delimiter Delimiter width Width"),
    writes("tee-object", First).single().outputs("filepath FilePath path Path").valued("variable Variable"),
    writes("invoke-webrequest invoke-restmethod", Nothing).single().outputs("outfile OutFile"),
    writes("expand-archive", Second).single().outputs("destinationpath DestinationPath").valued("path Path literalpath LiteralPath"),
    writes("compress-archive", Second).single().outputs("destinationpath DestinationPath").valued("path Path literalpath LiteralPath"),
    writes("remove-item", Trees).single().outputs("path Path literalpath LiteralPath").entries(),
    writes("move-item rename-item", Trees).single().outputs("path Path literalpath LiteralPath destination Destination").entries(),
    writes("copy-item", Last).single().outputs("destination Destination").valued("path Path literalpath LiteralPath"),
    writes("new-item", First).single().outputs("path Path").valued("itemtype ItemType type Type value Value name Name").unless("Directory"),
    writes("wiggle", First).valued("p strip").when("r replace").outputs("o output"),
    writes("eslint jest gts", Nothing).when("init").only().fixed("package.json"),
    writes("unifdef", Files).valued("D U I").when("m").outputs("o"),
    writes("spatch", Trees).valued("sp-file cocci-file D I").edits("dir").when("in-place"),
    writes("tomlq xq", Files).valued("arg argjson").when("i in-place").skip(1, ""),
    writes("plutil", Files).single().when("convert replace insert remove extract").valued("convert o r s").outputs("o").spares("o"),
    writes("defaults", First).verbs("write delete"),
    writes("PlistBuddy", Files).valued("c"),
    writes("replace-in-file", Named("")).valued("configFile encoding").skip(2, "").unless("dry"),
    writes("rexreplace", Named("")).valued("encoding X exclude-re exclude-glob").skip(2, "").unless("s simulate o output"),
    writes("replace", Named("")).valued("include exclude n").skip(2, "").unless("preview p"),
    writes("replace-in-files replace-in-files-cli", Named("")).valued("string regex replacement").unless("dry"),
    writes("renamer", Named("")).valued("find f replace r path-element e").unless("d dry-run"),
    writes("lebab", Named("")).valued("t transform o out-file").edits("replace").outputs("o out-file"),
    writes("cjs-to-es6 ts-migrate touch-cli", Named("")).unless("dry-run verify"),
    writes("move-cli", Trees),
    writes("aider", Files).valued("m message f message-file read model weak-model editor-model edit-format test-cmd lint-cmd env-file c config map-tokens encoding api-key openai-api-key anthropic-api-key chat-mode")
        .edits("file")
        .unless("dry-run show-repo-map show-prompts lint commit list-models models exit"),
    writes("htpasswd", First).unless("n v"),
    writes("ansible-vault", Files).verbs("encrypt decrypt edit create rekey").valued("vault-password-file vault-id encrypt-vault-id new-vault-id").outputs("output").spares("output"),
    writes("sops", First).verbs("updatekeys set unset edit"),
    writes("sops", Files).valued("k kms p pgp a age input-type output-type config").when("i in-place").outputs("output"),
    writes("dvc", Trees).verbs("checkout add move remove unprotect").valued("f file o out"),
    puts("dvc", "o out").verbs("get import import-url get-url").valued("rev"),
    writes("markdown-toc", Files).when("i"),
    writes("conventional-changelog", Nothing).valued("p preset r release-count k").edits("i infile").when("s same-file").outputs("o outfile"),
    writes("git-cliff", Nothing).outputs("o output prepend p").valued("c config t tag w workdir r repository"),
    writes("documentation", Nothing).verbs("readme").outputs("readme-file").valued("s section c config"),
    writes("embedme markdown-table-formatter markdownlint-cli2-fix", Named("")).unless("verify check dry-run"),
    writes("sad", Trees).valued("f flags u unified pager").when("k commit").skip(2, ""),
    writes("amber ambr", Trees).skip(2, "").when("no-interactive"),
    writes("repren", Trees).valued("p patterns from to include exclude").unless("n dry-run"),
    writes("dot", Files).valued("T K G N E").when("O").outputs("o"),
    writes("woff2_compress", Files),
    writes("nbdev_clean", Nothing).edits("fname"),
    writes("recode", Files).skip(1, ""),
    writes("fromdos todos", Files),
    writes("convmv", Trees).valued("f t").when("notest"),
    writes("detox", Trees).unless("n dry-run"),
    writes("mmv zmv", Named("")).unless("n"),
    writes("robocopy xcopy native2ascii bspatch", Second),
    writes("xdelta3", Final).valued("s").when("d"),
    writes("merge", First).unless("p"),
    puts("sdiff bbe uconv uudecode axel", "o output").valued("f t s"),
    writes("history", First).when("w a"),
    writes("bump2version bumpversion", Files).skip(1, "").valued("config-file current-version new-version").unless("n dry-run l list"),
    writes("bump-my-version", Files).verbs("bump").skip(1, "").valued("config-file current-version new-version").unless("n dry-run"),
];
