//! Links the program statically where the machine can: a one-shot command is over in a millisecond or two, and the
//! dynamic loader would take a third of one at each start. The same program then runs on any Linux of its kind.
//!
//! The flag `+crt-static` does not serve: it applies to procedural macros too, which cannot be static, unless a
//! target is named, and then every path of a build changes. So the linker is named for the programs alone, and the
//! names that Rust's standard library asks for as shared libraries lead to the archives instead: files such as
//! `libc.so` may be linker scripts (GNU ld manual, "Implicit Linker Scripts"). A machine without the archives links
//! as usual.
//!
//! The program lies at a fixed address. A program that may lie anywhere rewrites each pointer in its constant tables when it starts, and
//! so copies two hundred pages: half of the processor time that `--version` takes. What that gives up is in docs/security.md.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// The libraries that the standard library links, and the archives with the same content.
const LIBRARIES: [(&str, &[&str]); 3] = [("c", &["libc.a"]), ("m", &["libm.a"]), ("gcc_s", &["libgcc_eh.a", "libgcc.a"])];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let is_native = env::var("HOST").ok() == env::var("TARGET").ok();
    if !is_native || !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ENV", "gnu") {
        return Ok(());
    }
    let Some(archives) =
        LIBRARIES.iter().map(|(_, names)| names.iter().map(|name| archive(name)).collect()).collect::<Option<Vec<Vec<_>>>>()
    else {
        return Ok(());
    };
    let dir = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?).join("static");
    fs::create_dir_all(&dir)?;
    for ((library, _), archives) in LIBRARIES.iter().zip(archives) {
        fs::write(dir.join(format!("lib{library}.so")), format!("INPUT({})\n", archives.join(" ")))?;
    }
    // Not `rustc-link-search`, which tests and examples would follow too.
    println!("cargo::rustc-link-arg-bins=-L{}", dir.display());
    println!("cargo::rustc-link-arg-bins=-static");
    println!("cargo::rustc-link-arg-bins=-no-pie");
    Ok(())
}

/// Where the C compiler finds this archive; it answers with the bare name when it has none.
fn archive(name: &str) -> Option<String> {
    let output = Command::new("cc").arg(format!("-print-file-name={name}")).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    Path::new(&path).is_absolute().then_some(path)
}
