//! `cargo xtask targets`: what can be known here of other systems. The program's tests run with the portable answers of
//! `oarlock-host`, and the program is checked, not run, for Windows and macOS.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::output::{Outcome, say, warn};
use crate::workspace::{self, finish};

/// Each with what Zig calls it.
const TARGETS: [(&str, &str); 3] =
    [("x86_64-pc-windows-gnu", "x86_64-windows-gnu"), ("x86_64-apple-darwin", "x86_64-macos"), ("aarch64-apple-darwin", "aarch64-macos")];

/// The features with which the program takes the portable answers.
pub(crate) const PORTABLE: &str = "oarlock/portable,oarlock-host/portable,oarlock-run/portable";

/// The package of Python that brings Zig, which has the headers of all systems with it.
const ZIG_WHEEL: &str = "ziglang>=0.14";

/// How the standard library of a target is had.
enum Library {
    Installed,
    /// The component of the toolchain.
    Source,
    /// In this folder.
    Named(PathBuf),
}

/// Test the program with the portable answers of oarlock-host, and check it for Windows and macOS.
///
/// A target that is not installed (`rustup target add TARGET`) is checked with a standard library from source: of the component
/// rust-src, or of the folder `library` of the source of this very version of Rust, which RUST_LIBRARY names. C is compiled by
/// Zig, which pip installs below target/zig the first time.
#[derive(clap::Args)]
pub(crate) struct Arguments {}

/// Tests and checks.
///
/// # Errors
/// A test that fails, a target that does not compile. A target without a library is reported and passed over.
pub(crate) fn run() -> Outcome<()> {
    say("== the program's tests, with portable answers");
    let tested = workspace::cargo()
        .args(["nextest", "run", "-p", "oarlock", "-p", "oarlock-host", "-p", "oarlock-run", "--no-fail-fast", "--status-level", "fail"])
        .args(["--features", PORTABLE])
        .status()?;
    let mut faults = Vec::new();
    if !tested.success() {
        faults.push("the tests".to_owned());
    }
    let dir = workspace::target_dir()?.join("targets");
    for (target, of_zig) in TARGETS {
        let Some(library) = library(target)? else {
            say(format!("== {target}: not checked: there is no standard library for it"));
            continue;
        };
        say(format!("== {target}"));
        match check(target, of_zig, &library, &dir) {
            Ok(()) => say("  it compiles"),
            Err(error) => {
                warn(format_args!("{error}"));
                faults.push(target.to_owned());
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(format!("failed: {}", faults.join(", ")).into()) }
}

fn library(target: &str) -> Outcome<Option<Library>> {
    let rustc = |what: &[&str]| -> Outcome<PathBuf> {
        let output = Command::new("rustc").current_dir(workspace::root()).args(["--print"]).args(what).output()?;
        Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
    };
    if rustc(&["target-libdir", "--target", target])?.is_dir() {
        return Ok(Some(Library::Installed));
    }
    if rustc(&["sysroot"])?.join("lib/rustlib/src/rust/library/Cargo.lock").is_file() {
        return Ok(Some(Library::Source));
    }
    Ok(std::env::var_os("RUST_LIBRARY").map(|dir| Library::Named(dir.into())))
}

fn check(target: &str, of_zig: &str, library: &Library, dir: &Path) -> Outcome<()> {
    let (cc, ar) = compilers(of_zig)?;
    let variable = |name: &str| format!("{name}_{}", target.replace('-', "_"));
    let mut cargo = workspace::cargo();
    cargo.args(["check", "--quiet", "-p", "oarlock", "--target", target]).env("CARGO_TARGET_DIR", dir);
    cargo.env(variable("CC"), cc).env(variable("AR"), ar).env("RUSTFLAGS", "--deny warnings");
    if !matches!(library, Library::Installed) {
        // Building the standard library is a feature of nightly Rust that this one has as well.
        cargo.arg("-Zbuild-std=std,panic_abort").env("RUSTC_BOOTSTRAP", "1");
    }
    if let Library::Named(dir) = library {
        cargo.env("__CARGO_TESTS_ONLY_SRC_ROOT", dir);
    }
    finish(&mut cargo)
}

/// Scripts that are a C compiler and an archiver for a target.
fn compilers(of_zig: &str) -> Outcome<(PathBuf, PathBuf)> {
    let dir = workspace::target_dir()?.join("zig");
    let python = dir.join("bin/python");
    if !dir.join("done").is_file() {
        warn(format_args!("installing Zig in {}", dir.display()));
        finish(Command::new("python3").args(["-m", "venv"]).arg(&dir))?;
        finish(Command::new(&python).args(["-m", "pip", "install", "--quiet", ZIG_WHEEL]))?;
        fs::write(dir.join("done"), "")?;
    }
    let script = |name: &str, text: String| -> Outcome<PathBuf> {
        let file = dir.join(name);
        fs::write(&file, text)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
        Ok(file)
    };
    let zig = format!("'{}' -m ziglang", python.display());
    // What Rust's builders say of the target, Zig says in other words.
    let cc = format!(
        "#!/bin/bash\nargs=()\nwhile [ $# -gt 0 ]; do\n  case \"$1\" in\n    --target=* | -m*os-version-min=*) ;;\n    -arch) shift ;;\n    \
         *) args+=(\"$1\") ;;\n  esac\n  shift\ndone\nexec {zig} cc -target {of_zig} \"${{args[@]}}\"\n"
    );
    Ok((script(&format!("cc-{of_zig}"), cc)?, script("ar", format!("#!/bin/bash\nexec {zig} ar \"$@\"\n"))?))
}
