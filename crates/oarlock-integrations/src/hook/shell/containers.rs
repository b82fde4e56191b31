//! Containers: what a program in one writes of the directories that it shares with this machine, and what their builders put out.

use super::options::Options;
use super::paths::is_file_name;
use super::specs::{verb_at, within};
use super::word::Word;
use crate::hook::Written;

/// A program in a container.
pub(super) struct Contained {
    pub(super) words: Vec<Word>,
    /// The directory that it starts in.
    pub(super) dir: String,
    /// Directories of this machine, and what they are called there.
    pub(super) mounts: Vec<(String, String)>,
    /// The paths outside of the container that are written.
    pub(super) written: Vec<Written>,
}

/// Options of `run` that take a value.
const RUN_VALUED: &str = "v volume mount w workdir e env name p publish u user entrypoint network net platform env-file h hostname cpus m memory gpus \
     add-host l label restart pull security-opt cap-add cap-drop device shm-size tmpfs ulimit log-driver userns ipc pid cidfile volumes-from dns";

/// Options before the verb that take one.
const OWN_VALUED: &str = "context H host l log-level config f file p project-name profile env-file project-directory c connection";

/// Images that run a program of which the words behind them are the arguments: how their names end, and the program.
static ENTRYPOINTS: &[(&str, &str)] = &[
    ("pandoc/core pandoc/latex pandoc/extra pandoc/minimal", "pandoc"),
    ("mikefarah/yq", "yq"),
    ("alpine/git bitnami/git", "git"),
    ("mvdan/shfmt", "shfmt"),
    ("astral-sh/ruff", "ruff"),
    ("hashicorp/terraform opentofu/opentofu", "terraform"),
    ("hashicorp/packer", "packer"),
    ("tmknom/prettier jauderho/prettier", "prettier"),
    ("cytopia/black pyfound/black", "black"),
    ("linuxserver/ffmpeg jrottenberg/ffmpeg", "ffmpeg"),
    ("curlimages/curl", "curl"),
    ("bufbuild/buf", "buf"),
    ("minlag/mermaid-cli mermaid-js/mermaid-cli", "mmdc"),
    ("openapitools/openapi-generator-cli openapitools/openapi-generator", "openapi-generator-cli"),
    ("swaggerapi/swagger-codegen-cli swaggerapi/swagger-codegen-cli-v3", "swagger-codegen-cli"),
    ("sqlfluff/sqlfluff", "sqlfluff"),
    ("rclone/rclone", "rclone"),
    ("amazon/aws-cli", "aws"),
    ("plantuml/plantuml", "plantuml"),
    ("anchore/syft", "syft"),
    ("aquasec/trivy", "trivy"),
    ("alpine/helm", "helm"),
    ("davidanson/markdownlint-cli2", "markdownlint-cli2"),
    ("sqlc/sqlc", "sqlc"),
    ("biomejs/biome", "biome"),
    ("quay.io/terraform-docs/terraform-docs terraform-docs/terraform-docs", "terraform-docs"),
];

/// The commands that `docker run` and `docker compose run` start, with the directories that they may write.
pub(super) fn run(args: &[Word]) -> Option<Contained> {
    let mut at = verb_at(args, OWN_VALUED)?;
    let is_compose = args[at].is("compose");
    if is_compose || args[at].is("container") {
        at += 1 + verb_at(&args[at + 1..], OWN_VALUED)?;
    }
    if !args[at].is("run") {
        return None;
    }
    let rest = &args[at + 1..];
    let image = verb_at(rest, RUN_VALUED)?;
    let options = Options::read(&rest[..image], RUN_VALUED, "");
    let mut mounts = Vec::new();
    for volume in options.values(&["v", "volume"]) {
        let mut parts = volume.known()?.split(':');
        if let (Some(from), Some(to), mode) = (parts.next(), parts.next(), parts.next())
            && mode.is_none_or(|mode| !mode.split(',').any(|part| part == "ro"))
            && from.contains(['/', '.', '~'])
        {
            mounts.push((from.to_owned(), to.to_owned()));
        }
    }
    for mount in options.values(&["mount"]) {
        if let (Some(from), Some(to)) = (field(mount, &["source", "src"]), field(mount, &["target", "dst", "destination"]))
            && !mount.text.contains("readonly")
        {
            mounts.push((from, to));
        }
    }
    let dir = options.values(&["w", "workdir"]).last().and_then(|dir| dir.known()).unwrap_or("/").to_owned();
    let mut words = rest[image + 1..].to_vec();
    let program = match options.values(&["entrypoint"]).last() {
        Some(program) => Some((*program).clone()),
        None => entrypoint(&rest[image]).map(Word::of),
    };
    if let Some(program) = program {
        words.insert(0, program);
    }
    let mut written: Vec<Written> = options.values(&["cidfile"]).into_iter().filter_map(Word::as_file).collect();
    // An image that runs a program of its own puts out what it makes.
    if words.first().is_none_or(|first| first.text.starts_with('-')) {
        let outputs = mounts.iter().filter(|(_, to)| matches!(to.trim_end_matches('/'), "/out" | "/output" | "/dist" | "/export"));
        written.extend(outputs.flat_map(|(from, _)| within(&Word::of(from.as_str()))));
    }
    Some(Contained { words, dir, mounts, written })
}

/// One of the fields in `NAME=VALUE,NAME=VALUE`.
fn field(word: &Word, names: &[&str]) -> Option<String> {
    let fields = word.value.split(',').filter_map(|field| field.split_once('='));
    fields.filter(|(name, _)| names.contains(name)).map(|(_, value)| value.to_owned()).next_back()
}

/// The program that an image runs with the words behind it.
fn entrypoint(image: &Word) -> Option<&'static str> {
    let name = image.known()?.split(['@']).next()?;
    let name = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    };
    let is_it = |known: &str| name.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with('/'));
    ENTRYPOINTS.iter().find(|(names, _)| names.split(' ').any(is_it)).map(|(_, program)| *program)
}

/// The writes of other verbs than `run`: copies, images, exports and build results.
pub(super) fn writes(args: &[Word]) -> Vec<Written> {
    let Some(mut at) = verb_at(args, OWN_VALUED) else { return Vec::new() };
    let is_group = |word: &Word| matches!(word.known(), Some("compose" | "container" | "image" | "buildx" | "builder" | "volume"));
    let is_compose = args[at].is("compose");
    if is_group(&args[at]) {
        match verb_at(&args[at + 1..], OWN_VALUED) {
            Some(next) => at += 1 + next,
            None => return Vec::new(),
        }
    }
    let rest = &args[at + 1..];
    let outputs = |valued: &str, names: &[&str]| -> Vec<Written> {
        let options = Options::read(rest, valued, "");
        let named: Vec<Word> = options.values(names).into_iter().cloned().collect();
        named.iter().filter(|word| !word.is_known || is_file_name(&word.text)).filter_map(Word::as_file).collect()
    };
    match args[at].known() {
        Some("save" | "export" | "sbom") => outputs("o output", &["o", "output"]),
        Some("config" | "convert") if is_compose => outputs("o output format", &["o", "output"]),
        Some("cp") => super::fetches::remote(&Options::read(rest, "", "").operands, |text| text.contains(':')),
        Some("build" | "b" | "bud") => {
            let valued = "t tag f file o output build-arg target platform secret ssh label cache-from cache-to iidfile metadata-file progress network \
                          add-host build-context builder sbom attest";
            let options = Options::read(rest, valued, "");
            let files = options.values(&["iidfile", "metadata-file"]);
            let mut found: Vec<Written> = files.into_iter().filter_map(Word::as_file).collect();
            for output in options.values(&["o", "output"]) {
                let dest = match output.value.contains('=') {
                    true => field(output, &["dest"]).map(Word::of),
                    false => Some(output.clone()),
                };
                if let Some(dest) = dest.filter(|dest| !dest.is_known || is_file_name(&dest.text)) {
                    found.extend(dest.as_tree().into_iter().chain(within(&dest)));
                }
            }
            found
        }
        _ => Vec::new(),
    }
}
