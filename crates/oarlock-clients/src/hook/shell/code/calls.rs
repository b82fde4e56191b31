//! The calls by which programs write files, as data.

use super::Language;

/// What a call does to its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Writes the file of its first argument.
    First,
    /// Writes what its second argument names.
    Second,
    /// Moves its first argument to the second.
    Both,
    /// Opens its first argument in the way that the second says.
    Opens,
    /// Writes the path that it is called on.
    Itself,
    /// Removes what its first argument names.
    Removes,
    /// Removes what each argument names.
    RemovesAll,
    /// Removes the path that it is called on.
    RemovesItself,
    /// Moves the path that it is called on to its argument.
    Moves,
    /// Runs its first argument as a command.
    Runs,
    /// Writes its first argument if another one says so.
    InPlace,
    /// Goes to the directory of its first argument.
    Goes,
}

/// Calls that write, in each language: what they are called, with what has to stand before where the name alone is too common.
pub(super) static CALLS: &[(Language, &str, &str, Effect)] = &[
    (Language::Python, "", "open", Effect::Opens),
    (Language::Python, "", "write_text write_bytes touch", Effect::Itself),
    (Language::Python, "", "unlink rmdir", Effect::RemovesItself),
    (Language::Python, "", "rename replace symlink_to hardlink_to", Effect::Moves),
    (Language::Python, "os", "truncate mkfifo", Effect::First),
    (Language::Python, "os", "remove unlink rmdir removedirs", Effect::Removes),
    (Language::Python, "os", "rename replace renames", Effect::Both),
    (Language::Python, "os", "symlink link", Effect::Second),
    (Language::Python, "os", "chdir", Effect::Goes),
    (Language::Python, "shutil", "copy copy2 copyfile copytree unpack_archive", Effect::Second),
    (Language::Python, "shutil", "move", Effect::Both),
    (Language::Python, "shutil", "rmtree", Effect::Removes),
    (Language::Python, "", "rmtree", Effect::Removes),
    (Language::Python, "os", "system popen", Effect::Runs),
    (Language::Python, "subprocess", "run call check_call check_output Popen getoutput getstatusoutput", Effect::Runs),
    (
        Language::Python,
        "",
        "to_csv to_json to_excel to_parquet to_pickle to_html to_markdown to_feather savefig imsave imwrite savetxt",
        Effect::First,
    ),
    (Language::Python, "np", "save savez savez_compressed", Effect::First),
    (Language::Python, "numpy", "save savez savez_compressed", Effect::First),
    (Language::Python, "torch", "save", Effect::Second),
    (Language::Python, "joblib", "dump", Effect::Second),
    (Language::Python, "urllib", "urlretrieve", Effect::Second),
    (Language::Python, "", "urlretrieve", Effect::Second),
    (Language::Python, "", "ZipFile TarFile", Effect::Opens),
    (Language::Python, "fileinput", "input FileInput", Effect::InPlace),
    (
        Language::JavaScript,
        "",
        "writeFileSync writeFile appendFileSync appendFile createWriteStream outputFile outputFileSync outputJson outputJsonSync writeJson writeJsonSync \
         writeJSON writeJSONSync truncateSync writeTextFile writeTextFileSync emptyDirSync emptyDir ensureFileSync",
        Effect::First,
    ),
    (Language::JavaScript, "", "unlinkSync unlink rmSync rmdirSync removeSync removeAsync", Effect::Removes),
    (Language::JavaScript, "fs", "truncate", Effect::First),
    (Language::JavaScript, "fsp", "truncate", Effect::First),
    (Language::JavaScript, "promises", "truncate", Effect::First),
    (Language::JavaScript, "fs", "rm rmdir remove", Effect::Removes),
    (Language::JavaScript, "fsp", "rm rmdir remove", Effect::Removes),
    (Language::JavaScript, "promises", "rm rmdir remove", Effect::Removes),
    (Language::JavaScript, "Deno", "truncate create createSync", Effect::First),
    (Language::JavaScript, "Deno", "remove removeSync", Effect::Removes),
    (Language::JavaScript, "Bun", "write", Effect::First),
    (Language::JavaScript, "", "renameSync moveSync", Effect::Both),
    (Language::JavaScript, "fs", "rename move", Effect::Both),
    (Language::JavaScript, "Deno", "rename", Effect::Both),
    (Language::JavaScript, "", "copyFileSync copyFile cpSync copySync symlinkSync linkSync", Effect::Second),
    (Language::JavaScript, "fs", "cp copy symlink link", Effect::Second),
    (Language::JavaScript, "", "openSync", Effect::Opens),
    (Language::JavaScript, "fs", "open", Effect::Opens),
    (Language::JavaScript, "", "execSync spawnSync execFileSync", Effect::Runs),
    (Language::JavaScript, "child_process", "exec spawn execFile", Effect::Runs),
    (Language::JavaScript, "process", "chdir", Effect::Goes),
    (Language::Ruby, "File", "write binwrite truncate", Effect::First),
    (Language::Ruby, "IO", "write binwrite", Effect::First),
    (Language::Ruby, "File", "open new", Effect::Opens),
    (Language::Ruby, "", "open", Effect::Opens),
    (Language::Ruby, "File", "delete unlink", Effect::RemovesAll),
    (Language::Ruby, "File", "rename", Effect::Both),
    (Language::Ruby, "FileUtils", "touch", Effect::First),
    (Language::Ruby, "FileUtils", "rm rm_f rm_rf rm_r remove remove_dir", Effect::Removes),
    (Language::Ruby, "FileUtils", "mv move", Effect::Both),
    (Language::Ruby, "FileUtils", "cp cp_r copy copy_file install ln_s ln_sf", Effect::Second),
    (Language::Ruby, "Dir", "chdir", Effect::Goes),
    (Language::Ruby, "", "system", Effect::Runs),
    (Language::Perl, "", "open", Effect::Opens),
    (Language::Perl, "", "unlink", Effect::RemovesAll),
    (Language::Perl, "", "rename", Effect::Both),
    (Language::Perl, "", "copy move", Effect::Second),
    (Language::Perl, "", "system exec", Effect::Runs),
    (Language::Perl, "", "write_file spew_file", Effect::First),
    (Language::Perl, "", "chdir", Effect::Goes),
    (Language::Php, "", "file_put_contents touch", Effect::First),
    (Language::Php, "", "unlink", Effect::Removes),
    (Language::Php, "", "fopen", Effect::Opens),
    (Language::Php, "", "rename", Effect::Both),
    (Language::Php, "", "copy symlink", Effect::Second),
    (Language::Php, "", "exec shell_exec system passthru", Effect::Runs),
    (Language::Php, "", "chdir", Effect::Goes),
];
