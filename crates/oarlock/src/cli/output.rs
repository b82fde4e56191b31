//! Standard output and standard error.

use anstream::{AutoStream, ColorChoice};
use oarlock_model::seeded;
use oarlock_ops::OpError;
use oarlock_ops::reply::Reply;
use std::io::{ErrorKind, StdoutLock, Write};
use terminal_size::{Width, terminal_size_of};

use crate::view::{self, Page, Paint, View as _};

/// How to print.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    /// Whether text has what the caller knows already, too.
    pub(crate) full: bool,
    /// How text for people is painted.
    pub(crate) paint: Paint,
}

impl Output {
    /// For a command line that was understood. Text is coloured on a terminal that can show it; the environment may forbid colours
    /// (`NO_COLOR`, `CLICOLOR=0`, `TERM=dumb`) or demand them elsewhere too (`CLICOLOR_FORCE=1`).
    pub(crate) fn new(json: bool, quiet: bool, full: bool) -> Self {
        let stdout = std::io::stdout();
        let paint = match json {
            true => Paint::plain(),
            false => {
                Paint::new(AutoStream::choice(&stdout) != ColorChoice::Never, terminal_size_of(&stdout).map(|(Width(columns), _)| columns))
            }
        };
        Self { json, quiet, full, paint }
    }

    /// For one that was not.
    pub(crate) fn plain(json: bool) -> Self {
        Self { json, quiet: false, full: false, paint: Paint::plain() }
    }

    /// Prints a reply: one JSON object, or text for people.
    pub(crate) fn reply(&self, verb: &str, reply: &Reply) -> u8 {
        if self.json {
            return match reply.to_text() {
                Ok(text) => self.text(&(text + "\n")),
                Err(error) => self.fail(&error),
            };
        }
        let code = if self.quiet {
            self.text(&reply.ids().iter().fold(String::new(), |out, id| out + id + "\n"))
        } else {
            let mut page = Page::new(self.paint, self.full);
            reply.show(verb, &mut page);
            self.text(&page.out)
        };
        if let Some(line) = reply.rest(verb) {
            note(&line);
        }
        code
    }

    /// Prints text. A reader that has gone away is no error.
    pub(crate) fn text(&self, text: &str) -> u8 {
        let mut out = self.stdout();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => 0,
            Err(error) if error.kind() == ErrorKind::BrokenPipe => 0,
            Err(error) => self.fail(&OpError::ReplyLost {
                message: format!("the operation succeeded, but its output cannot be written: {error}"),
                hint: "check its effect before calling again; with --idempotency-key the same call gives the same reply".into(),
            }),
        }
    }

    /// Whether standard output still has a reader after this text.
    pub(crate) fn line(&self, text: &str) -> bool {
        let mut out = self.stdout();
        writeln!(out, "{text}").and_then(|()| out.flush()).is_ok()
    }

    /// Standard output. Of coloured text a console that knows no escape sequences gets the colours by its own calls; all else passes as
    /// it is.
    fn stdout(&self) -> AutoStream<StdoutLock<'static>> {
        let choice = if self.paint.has_colour() { ColorChoice::Always } else { ColorChoice::AlwaysAnsi };
        AutoStream::new(std::io::stdout().lock(), choice)
    }

    /// Reports an error and returns its exit code.
    pub(crate) fn fail(&self, error: &OpError) -> u8 {
        if self.json {
            error_line(&error.json().to_string());
        } else if !(self.quiet && *error == OpError::Interrupted) {
            let shown = view::messages_of(error);
            note(&format!("{shown}error: {error}\n  hint: {} ({})", error.hint(), error.code()));
        }
        error.code().exit()
    }
}

/// Text for people on standard error. Some of it may be another program's words: nothing of it steers a terminal.
pub(crate) fn note(text: &str) {
    match seeded::is(seeded::TERMINAL_STEERED) {
        true => error_line(text),
        false => error_line(&view::safe(text)),
    }
}

/// A line on standard error; nobody reading it is no error.
fn error_line(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
