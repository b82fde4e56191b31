//! `man`: the pages of the manual, made of what `--help` says.

use clap::Command;
use clap_mangen::Man;
use oarlock_ops::OpError;
use oarlock_ops::reply::Reply;
use oarlock_ops::store::StoreError;
use std::ffi::OsString;
use std::io;
use std::path::Path;

use super::args;
use super::output::Output;
use super::own_args::ManArgs;
use crate::replies::Help;

impl ManArgs {
    /// Prints the page, or writes all.
    ///
    /// # Errors
    /// `usage` for another word; the folder cannot be written.
    pub(crate) fn run(&self, output: &Output) -> Result<u8, OpError> {
        let text = match &self.out {
            Some(dir) => {
                let pages = write_all(dir).map_err(|error| StoreError::Unavailable {
                    message: format!("failed to write {}: {error}", dir.display()),
                    hint: "check the folder and its permissions, then try again".into(),
                })?;
                format!("{pages} pages in {}\n", dir.display())
            }
            None => page(self.verb.as_deref())?,
        };
        Ok(output.reply("man", &Reply::new(Help { text })))
    }
}

fn page(verb: Option<&str>) -> Result<String, OpError> {
    let line: Vec<OsString> = ["oarlock"].into_iter().chain(verb).map(OsString::from).collect();
    let mut command = args::command(&line);
    command.build();
    let command = match verb {
        None => command,
        Some(verb) => command.find_subcommand(verb).cloned().ok_or_else(|| args::no_verb(verb))?,
    };
    let mut page = Vec::new();
    Man::new(command).render(&mut page).map_err(|error| OpError::Internal(format!("the page cannot be made: {error}")))?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// Writes the page of the program, of every verb, and of the verbs below a verb; how many they are.
fn write_all(dir: &Path) -> io::Result<usize> {
    fn write(command: &Command, dir: &Path) -> io::Result<usize> {
        Man::new(command.clone()).generate_to(dir)?;
        let below = command.get_subcommands().filter(|below| !below.is_hide_set());
        below.map(|below| write(below, dir)).sum::<io::Result<usize>>().map(|pages| pages + 1)
    }
    std::fs::create_dir_all(dir)?;
    let mut command = args::command(&args::every_verb());
    command.build();
    write(&command, dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_a_page_with_its_flags() {
        let dir = tempfile::tempdir().expect("a folder");
        let pages = write_all(dir.path()).expect("it can be written");
        assert!(pages > 40, "{pages}");
        for (file, word) in
            [("oarlock.1", "oarlock\\-claim"), ("oarlock-claim.1", "reserve"), ("oarlock-ralf.1", "attach"), ("oarlock-man.1", "out")]
        {
            let page = std::fs::read_to_string(dir.path().join(file)).unwrap_or_default();
            assert!(page.contains(word), "{file}: {page}");
        }
        assert_eq!(page(Some("claim")).ok(), std::fs::read_to_string(dir.path().join("oarlock-claim.1")).ok());
        assert!(matches!(page(Some("fly")), Err(OpError::Usage { .. })));
    }
}
