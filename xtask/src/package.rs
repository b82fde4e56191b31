//! `cargo xtask package`: the released files: a program that needs no library of the system, alone and as packages of Debian, PyPI and npm.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::node::Node;
use crate::output::{Outcome, say, warn};
use crate::python;
use crate::workspace::{self, DIST, finish};

/// Build the release archives, below target/package.
///
/// An archive with the static program, a .deb, a wheel with the program and the modules for Python, and packages of npm.
#[derive(clap::Args)]
pub(crate) struct Arguments {}

/// Builds everything, and runs each program that it has packed.
///
/// # Errors
/// A build or a tool that fails.
pub(crate) fn run() -> Outcome<()> {
    let out = workspace::target_dir()?.join("package");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir_all(&out)?;
    let version = version()?;
    let program = build()?;
    told(&program, &version)?;
    let beside = Beside::make(&out, &program)?;
    let made = [
        ("archive", archive(&out, &program, &beside, &version)),
        ("package of Debian", deb(&out, &program, &beside, &version)),
        ("wheel", wheel(&out, &program, &version)),
        ("packages of npm", npm(&out, &program, &version)),
    ];
    let mut faults = Vec::new();
    for (what, made) in made {
        match made {
            Ok(files) => files.iter().for_each(|file| say(format_args!("{what}: {} ({} bytes)", file.display(), size(file)))),
            Err(error) => faults.push(format!("{what}: {error}")),
        }
    }
    fs::remove_dir_all(&beside.0)?;
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n  ").into()) }
}

/// The companions of the program: pages of the manual and scripts for shells, as it makes them itself.
struct Beside(PathBuf);

/// Shells, what a script for each is called, and where Debian's look for it.
const SHELLS: [(&str, &str, &str); 3] = [
    ("bash", "oarlock.bash", "usr/share/bash-completion/completions/oarlock"),
    ("zsh", "_oarlock", "usr/share/zsh/vendor-completions/_oarlock"),
    ("fish", "oarlock.fish", "usr/share/fish/vendor_completions.d/oarlock.fish"),
];

impl Beside {
    fn make(out: &Path, program: &Path) -> Outcome<Self> {
        let dir = out.join("beside");
        finish(Command::new(program).args(["man", "--out"]).arg(dir.join("man")))?;
        for (shell, file, _) in SHELLS {
            let output = Command::new(program).args(["completions", shell]).output()?;
            if !output.status.success() {
                return Err(format!("there is no script for {shell}: {}", String::from_utf8_lossy(&output.stderr)).into());
            }
            fs::write(dir.join(file), output.stdout)?;
        }
        Ok(Self(dir))
    }

    /// The pages of the manual.
    fn pages(&self) -> Outcome<Vec<PathBuf>> {
        let mut pages = fs::read_dir(self.0.join("man"))?.map(|page| Ok(page?.path())).collect::<Outcome<Vec<_>>>()?;
        pages.sort();
        Ok(pages)
    }
}

fn size(file: &Path) -> u64 {
    fs::metadata(file).map(|meta| meta.len()).unwrap_or(0)
}

fn version() -> Outcome<String> {
    let metadata = workspace::metadata()?;
    let packages = metadata["packages"].as_array().map_or(&[] as &[_], Vec::as_slice);
    let found = packages.iter().find(|package| package["name"] == "oarlock").and_then(|package| package["version"].as_str());
    Ok(found.ok_or("the program has no version")?.to_owned())
}

/// The target whose C library can be linked in.
fn target() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

/// The program with the C library in it: it runs on any Linux of this kind of processor, however old its own library is.
fn build() -> Outcome<PathBuf> {
    warn(format_args!("building the static program"));
    let mut command = workspace::cargo();
    command.args(["build", "--profile", DIST, "--quiet", "--package", "oarlock", "--target", &target()]);
    finish(command.env("RUSTFLAGS", "-C target-feature=+crt-static -C relocation-model=static").current_dir(workspace::root()))?;
    Ok(workspace::target_dir()?.join(target()).join(DIST).join("oarlock"))
}

/// Runs a packed program.
fn told(program: &Path, version: &str) -> Outcome<()> {
    let output = Command::new(program).arg("--version").output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if said.trim() == format!("oarlock {version}") { Ok(()) } else { Err(format!("{} says \"{}\"", program.display(), said.trim()).into()) }
}

/// Copies a file into a folder that is made for it.
fn put(from: &Path, to: &Path, mode: u32) -> Outcome<()> {
    fs::create_dir_all(to.parent().ok_or("a file in no folder")?)?;
    fs::copy(from, to)?;
    Ok(fs::set_permissions(to, fs::Permissions::from_mode(mode))?)
}

const LICENSES: [&str; 2] = ["LICENSE-MIT", "LICENSE-APACHE"];

fn archive(out: &Path, program: &Path, beside: &Beside, version: &str) -> Outcome<Vec<PathBuf>> {
    let name = format!("oarlock-{version}-{}-linux", std::env::consts::ARCH);
    let dir = out.join(&name);
    put(program, &dir.join("oarlock"), 0o755)?;
    for file in LICENSES.iter().chain(&["README.md"]) {
        put(&workspace::root().join(file), &dir.join(file), 0o644)?;
    }
    for (_, file, _) in SHELLS {
        put(&beside.0.join(file), &dir.join("completions").join(file), 0o644)?;
    }
    for page in beside.pages()? {
        put(&page, &dir.join("man").join(page.file_name().unwrap_or_default()), 0o644)?;
    }
    let file = out.join(format!("{name}.tar.gz"));
    finish(Command::new("tar").arg("-C").arg(out).arg("-czf").arg(&file).args(["--owner=0", "--group=0"]).arg(&name))?;
    fs::remove_dir_all(dir)?;
    Ok(vec![file])
}

fn deb(out: &Path, program: &Path, beside: &Beside, version: &str) -> Outcome<Vec<PathBuf>> {
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let dir = out.join("deb");
    put(program, &dir.join("usr/bin/oarlock"), 0o755)?;
    for file in LICENSES {
        put(&workspace::root().join(file), &dir.join("usr/share/doc/oarlock").join(file), 0o644)?;
    }
    for (_, file, place) in SHELLS {
        put(&beside.0.join(file), &dir.join(place), 0o644)?;
    }
    let pages = dir.join("usr/share/man/man1");
    for page in beside.pages()? {
        put(&page, &pages.join(page.file_name().unwrap_or_default()), 0o644)?;
    }
    // Debian keeps them so; without its name and time in it, the same page is the same file.
    let mut gzip = Command::new("gzip");
    for page in fs::read_dir(&pages)? {
        gzip.arg(page?.path());
    }
    finish(gzip.args(["-9", "-n"]))?;
    let kilobytes = size(program) / 1_024;
    let control = format!(
        "Package: oarlock\nVersion: {version}\nArchitecture: {arch}\nMaintainer: The Oarlock authors <oarlock@example.org>\nInstalled-Size: {kilobytes}\n\
         Section: devel\nPriority: optional\nDescription: coordination for coding agents that work on one repository\n \
         Agents find each other, split a task, claim its parts, keep out of each other's\n files, talk, and survive the death of any of them.\n"
    );
    fs::create_dir_all(dir.join("DEBIAN"))?;
    fs::write(dir.join("DEBIAN/control"), control)?;
    let file = out.join(format!("oarlock_{version}_{arch}.deb"));
    finish(Command::new("dpkg-deb").args(["--build", "--root-owner-group"]).arg(&dir).arg(&file))?;
    let unpacked = out.join("unpacked");
    finish(Command::new("dpkg-deb").arg("-x").arg(&file).arg(&unpacked))?;
    told(&unpacked.join("usr/bin/oarlock"), version)?;
    fs::remove_dir_all(dir)?;
    fs::remove_dir_all(unpacked)?;
    Ok(vec![file])
}

/// The wheel with the modules for Python and the program among its scripts.
fn wheel(out: &Path, program: &Path, version: &str) -> Outcome<Vec<PathBuf>> {
    let python = python::with_yaml()?.ok_or("there is no Python 3.9 with venv")?;
    finish(Command::new(&python).arg(workspace::root().join("python/build/oarlock_build.py")).arg(program))?;
    let made = out.join("wheel");
    let mut maturin = Command::new(python.with_file_name("maturin"));
    maturin.args(["build", "--quiet", "--interpreter"]).arg(&python).arg("--out").arg(&made).current_dir(workspace::root());
    finish(&mut maturin)?;
    let built = fs::read_dir(&made)?.next().ok_or("maturin has built no wheel")??;
    let file = out.join(built.file_name());
    fs::rename(built.path(), &file)?;
    fs::remove_dir(made)?;
    let venv = out.join("venv");
    finish(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    finish(Command::new(venv.join("bin/python")).args(["-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]).arg(&file))?;
    told(&venv.join("bin/oarlock"), version)?;
    finish(Command::new(venv.join("bin/python")).args(["-m", "state_sync"]).stdout(Stdio::null()))?;
    fs::remove_dir_all(venv)?;
    Ok(vec![file])
}

fn npm(out: &Path, program: &Path, version: &str) -> Outcome<Vec<PathBuf>> {
    let node = Node::find_or_install()?;
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let platform = format!("oarlock-linux-{arch}");
    let (dir, wrapper) = (out.join("npm").join(&platform), out.join("npm/oarlock"));
    put(program, &dir.join("oarlock"), 0o755)?;
    put(&workspace::root().join("packaging/npm/oarlock.js"), &wrapper.join("oarlock.js"), 0o755)?;
    let about = "Coordination for coding agents that work on one repository";
    let of_platform = json!({"name": platform, "version": version, "description": about, "license": "MIT OR Apache-2.0",
        "os": ["linux"], "cpu": [arch], "files": ["oarlock"]});
    let platforms = json!({"oarlock-linux-x64": version, "oarlock-linux-arm64": version});
    let of_wrapper = json!({"name": "oarlock", "version": version, "description": about, "license": "MIT OR Apache-2.0",
        "bin": {"oarlock": "oarlock.js"}, "files": ["oarlock.js"], "engines": {"node": ">=18"}, "optionalDependencies": platforms});
    let mut files = Vec::new();
    for (dir, manifest, name) in [(&dir, of_platform, platform.as_str()), (&wrapper, of_wrapper, "oarlock")] {
        fs::write(dir.join("package.json"), format!("{manifest:#}\n"))?;
        finish(node.npm()?.args(["pack", "--silent", "--pack-destination"]).arg(out).current_dir(dir))?;
        files.push(out.join(format!("{name}-{version}.tgz")));
    }
    // As npm would lay them out.
    let modules = out.join("npm/try/node_modules");
    for (name, file) in [(platform.as_str(), &files[0]), ("oarlock", &files[1])] {
        fs::create_dir_all(modules.join(name))?;
        finish(Command::new("tar").arg("-C").arg(modules.join(name)).args(["--strip-components=1", "-xzf"]).arg(file))?;
    }
    let said = node.command(&node.bin.join("node"))?.arg(modules.join("oarlock/oarlock.js")).arg("--version").output()?;
    if String::from_utf8_lossy(&said.stdout).trim() != format!("oarlock {version}") {
        return Err(format!("the wrapper says {}", String::from_utf8_lossy(&said.stderr)).into());
    }
    fs::remove_dir_all(out.join("npm"))?;
    Ok(files)
}
