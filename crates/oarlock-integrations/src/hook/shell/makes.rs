//! Programs that make files beside others, or where they run: compilers and packers.

use super::options::Options;
use super::paths::{is_file_name, joined};
use super::word::{STAR, Word};
use crate::hook::{By, Written};

/// The output of a C compiler, in its working directory or where `-o` says.
pub(super) fn compiled(args: &[Word]) -> Vec<Written> {
    let has = |names: &[&str]| args.iter().any(|arg| arg.known().is_some_and(|arg| names.contains(&arg)));
    let valued = "I L l D U include isystem x MF MT MQ target arch framework Xlinker Xclang T u z std o";
    let options = Options::read(args, valued, "f m W g O");
    let named = options.values(&["o", "MF"]);
    let found: Vec<Written> =
        named.iter().filter(|word| !word.is_known || is_file_name(&word.text)).filter_map(|word| word.as_tree()).collect();
    let found: Vec<Written> = found.into_iter().map(|written| written.by(By::Output)).collect();
    if !found.is_empty() || has(&["-E", "-fsyntax-only", "-M", "-MM", "--version", "-v", "--help", "-o"]) || options.operands.is_empty() {
        return found;
    }
    let ending = if has(&["-S"]) { "s" } else { "o" };
    if !has(&["-c", "-S"]) {
        return vec![Written::file("a.out")];
    }
    let stem = |word: &&Word| Some(word.name()?.rsplit_once('.')?.0.to_owned());
    options.operands.iter().filter_map(stem).map(|stem| Written::file(format!("{stem}.{ending}"))).collect()
}

/// The outputs beside files with these endings.
pub(super) fn beside(operands: &[&Word], from: &[&str], to: &[&str]) -> Vec<Written> {
    let made = |word: &&Word| {
        let (stem, ending) = word.value.rsplit_once('.')?;
        from.contains(&ending).then(|| to.iter().map(|end| Word::of(format!("{stem}.{end}"))).collect::<Vec<_>>())
    };
    operands.iter().filter_map(made).flatten().filter_map(|word| word.as_file()).collect()
}

/// `--NAME_out=DIR`: the directory, and the outputs in it for each file.
pub(super) fn protoc(args: &[Word]) -> Vec<Written> {
    if args.iter().any(|arg| matches!(arg.known(), Some("--version" | "--help" | "-h"))) {
        return Vec::new();
    }
    let options = Options::read(args, "I proto_path plugin python_out java_out cpp_out go_out", "");
    let roots: Vec<&str> = options.values(&["I", "proto_path"]).iter().filter_map(|root| root.known()).collect();
    let is_relative = args.iter().any(|arg| arg.text.contains("paths=source_relative"));
    let mut found = Vec::new();
    for (name, dir) in args.iter().filter_map(|arg| {
        let (name, dir) = arg.text.strip_prefix("--")?.split_once("_out=")?;
        Some((name, arg.after(arg.text.len() - dir.len())))
    }) {
        // `--go_out=OPTIONS:DIR`
        let dir = match dir.text.rsplit_once(':') {
            Some((before, _)) => dir.after(before.len() + 1),
            None => dir,
        };
        let Some(path) = dir.known() else {
            found.extend(dir.as_tree());
            continue;
        };
        if is_file_name(path) {
            found.extend(dir.as_tree());
        }
        if name.starts_with("go") && !is_relative {
            continue;
        }
        for proto in &options.operands {
            let from_root = roots.iter().find_map(|root| proto.value.strip_prefix(root.trim_end_matches('/'))?.strip_prefix('/'));
            let Some(stem) = from_root.unwrap_or(&proto.value).strip_suffix(".proto") else { continue };
            found.extend(Word::of(joined(path, &format!("{stem}{}", STAR))).as_file());
        }
    }
    found.into_iter().map(|written| written.by(By::Output)).collect()
}

/// Files that are packed or unpacked: the outputs beside each, and the file itself where it goes away.
pub(super) fn packed(program: &str, options: &Options<'_>) -> Vec<Written> {
    if options.has_any("c stdout to-stdout t test l list help version") {
        return Vec::new();
    }
    let keeps = match program {
        "zstd" | "unzstd" | "lz4" | "unlz4" => !options.has(&["rm"]),
        "brotli" => !options.has(&["j", "rm"]),
        _ => options.has(&["k", "keep"]),
    };
    let named = options.values(&["o", "output"]);
    let is_pair = matches!(program, "lz4" | "unlz4") && !options.has(&["m", "multiple"]) && options.operands.len() == 2;
    let (sources, outputs) = match options.operands.as_slice() {
        [source, output] if is_pair => (vec![*source], vec![*output]),
        operands => (operands.to_vec(), named),
    };
    let mut found: Vec<Written> =
        outputs.iter().filter(|word| !word.is_known || is_file_name(&word.text)).filter_map(|word| word.as_file()).collect();
    for source in sources {
        if !keeps {
            found.extend(source.as_tree());
        }
        if !outputs.is_empty() {
            continue;
        }
        const ENDINGS: [&str; 10] = ["gz", "bz2", "xz", "zst", "lz4", "lzma", "Z", "br", "lz", "lzo"];
        let ending = match program {
            "bzip2" | "bunzip2" | "pbzip2" => "bz2",
            "lzip" | "plzip" => "lz",
            "lzop" => "lzo",
            "pixz" => "xz",
            "xz" | "unxz" => "xz",
            "lzma" => "lzma",
            "zstd" | "unzstd" => "zst",
            "lz4" | "unlz4" => "lz4",
            "brotli" => "br",
            "compress" | "uncompress" => "Z",
            _ => "gz",
        };
        let made = match source.value.rsplit_once('.') {
            Some((stem, end)) if ENDINGS.contains(&end) => stem.to_owned(),
            _ => format!("{}.{ending}", source.value),
        };
        found.extend(Word::of(made).as_file());
    }
    found
}
