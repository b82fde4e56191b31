//! The languages that are read.

/// A language of which the calls that write files are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hook::shell) enum Language {
    Python,
    JavaScript,
    Ruby,
    Perl,
    Php,
    Lua,
    Elixir,
}

impl Language {
    /// The language of a name; nothing for that of a shell.
    pub(in crate::hook::shell) fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "bash" | "sh" | "shell" | "zsh" => None,
            "javascript" | "js" | "typescript" | "ts" | "node" => Some(Self::JavaScript),
            "ruby" => Some(Self::Ruby),
            "perl" => Some(Self::Perl),
            "php" => Some(Self::Php),
            "lua" => Some(Self::Lua),
            "elixir" => Some(Self::Elixir),
            _ => Some(Self::Python),
        }
    }
}
