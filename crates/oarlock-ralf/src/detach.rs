//! Writes that a pass could not make: why, and whether waiting helps.

use std::path::Path;

use serde::Serialize;

use crate::write::WriteError;

/// Something that the store says and a file does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The file, from the project's root where it lies there.
    pub file: String,
    /// Why it was not written.
    pub reason: String,
    /// Whether another try would end the same way, because of what the file is and not of what others do with it.
    #[serde(skip)]
    pub is_lasting: bool,
}

impl Left {
    pub(crate) fn of(error: &WriteError, root: &Path) -> Self {
        let (file, reason) = match error {
            WriteError::Edit { file, error } => (file, error.to_string()),
            WriteError::Locked { lock, waited_ms } => (lock, format!("another process has held this lock for {waited_ms} ms")),
            WriteError::Contended { file } => (file, "others change it all the time".to_owned()),
            WriteError::Refused { file, why } => (file, format!("it {why}")),
            WriteError::Io { file, error } => (file, error.to_string()),
        };
        let shown = Path::new(file).strip_prefix(root).unwrap_or(Path::new(file)).to_string_lossy().into_owned();
        Self { file: shown, reason, is_lasting: matches!(error, WriteError::Edit { .. } | WriteError::Refused { .. }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::EditError;

    #[test]
    fn what_waiting_does_not_mend_is_told_apart() {
        let root = Path::new("/p");
        let form = WriteError::Edit { file: "/p/q.yaml".into(), error: EditError::Form { line: 3, form: "an item in brackets" } };
        let left = Left::of(&form, root);
        assert_eq!((left.file.as_str(), left.is_lasting), ("q.yaml", true));
        assert!(left.reason.contains("line 3"), "{}", left.reason);
        let held = Left::of(&WriteError::Locked { lock: "/p/.q.lock".into(), waited_ms: 5_000 }, root);
        assert_eq!((held.file.as_str(), held.is_lasting), (".q.lock", false));
    }
}
