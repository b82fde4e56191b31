//! Which names are those of files, as far as a name shows it.

/// Whether a name is that of a file and not of a folder, by its extension (`a.rs`) or as one that is known (`Makefile`).
/// An unknown extension shows nothing: `conf.d` and `lodash.merge` are folders.
#[must_use]
pub fn is_file_name(name: &str) -> bool {
    is_known_file_name(name)
        || name.rsplit_once('.').is_some_and(|(stem, extension)| !stem.is_empty() && is_file_extension(&extension.to_ascii_lowercase()))
}

/// Whether this is the extension of files, in small letters and without its dot.
#[must_use]
pub fn is_file_extension(extension: &str) -> bool {
    matches!(
        extension,
        "py" | "rs"
            | "ts"
            | "tsx"
            | "js"
            | "jsx"
            | "mjs"
            | "cjs"
            | "go"
            | "java"
            | "kt"
            | "c"
            | "h"
            | "cc"
            | "cpp"
            | "hpp"
            | "cs"
            | "rb"
            | "php"
            | "swift"
            | "scala"
            | "ex"
            | "exs"
            | "erl"
            | "hs"
            | "ml"
            | "lua"
            | "pl"
            | "r"
            | "jl"
            | "zig"
            | "sh"
            | "bash"
            | "zsh"
            | "fish"
            | "ps1"
            | "bat"
            | "sql"
            | "md"
            | "mdx"
            | "rst"
            | "txt"
            | "adoc"
            | "yaml"
            | "yml"
            | "json"
            | "jsonl"
            | "ldjson"
            | "ndjson"
            | "toml"
            | "ini"
            | "cfg"
            | "conf"
            | "env"
            | "xml"
            | "html"
            | "htm"
            | "css"
            | "scss"
            | "sass"
            | "less"
            | "vue"
            | "svelte"
            | "proto"
            | "graphql"
            | "lock"
            | "template"
            | "tmpl"
            | "j2"
            | "db"
            | "sqlite"
            | "csv"
            | "tsv"
            | "ipynb"
            | "tf"
            | "gradle"
            | "svg"
            | "png"
            | "jpg"
            | "log"
            | "service"
            | "timer"
            | "example"
            | "dockerfile"
            | "cmake"
            | "mk"
            | "snap"
            | "feature"
            | "wasm"
            | "pdf"
            | "plist"
            | "properties"
            | "dart"
            | "kts"
            | "groovy"
            | "clj"
            | "cljs"
            | "elm"
            | "fs"
            | "fsx"
            | "vb"
            | "nim"
            | "m"
            | "mm"
            | "mts"
            | "cts"
            | "pyi"
            | "edn"
            | "nix"
            | "sol"
            | "gd"
            | "tscn"
            | "glsl"
            | "metal"
            | "cu"
            | "astro"
            | "razor"
            | "cshtml"
            | "csproj"
            | "sln"
            | "xaml"
            | "erb"
            | "twig"
            | "hbs"
            | "ejs"
            | "prisma"
            | "storyboard"
            | "xib"
            | "mdc"
            | "hcl"
            | "bicep"
            | "webp"
            | "jpeg"
            | "gif"
            | "ico"
            | "woff2"
            | "mp3"
            | "wav"
            | "hlsl"
            | "shader"
            | "fsproj"
            | "gql"
            | "tfvars"
            | "njk"
            | "liquid"
            | "jinja"
            | "jinja2"
            | "tpl"
            | "jsonc"
            | "json5"
            | "puml"
            | "tex"
            | "bib"
            | "podspec"
            | "xcconfig"
            | "pbxproj"
            | "entitlements"
            | "arb"
            | "ttf"
            | "xlsx"
            | "docx"
            | "zip"
            | "patch"
            | "po"
    )
}

/// The names of files that have no extension.
pub const KNOWN_FILE_NAMES: [&str; 27] = [
    "Makefile",
    "Dockerfile",
    "Justfile",
    "justfile",
    "Procfile",
    "LICENSE",
    "CODEOWNERS",
    "Gemfile",
    "Rakefile",
    "Vagrantfile",
    ".gitignore",
    ".gitattributes",
    ".dockerignore",
    ".editorconfig",
    ".env",
    ".npmrc",
    ".nvmrc",
    ".prettierrc",
    ".eslintrc",
    ".secrets.baseline",
    "go.mod",
    "go.sum",
    "Podfile",
    "Jenkinsfile",
    "Caddyfile",
    "Containerfile",
    "Brewfile",
];

/// Whether this is the name of a file that has no extension.
#[must_use]
pub fn is_known_file_name(name: &str) -> bool {
    KNOWN_FILE_NAMES.contains(&name)
}
