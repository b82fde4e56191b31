//! Redirections.

use super::Parser;
use crate::hook::shell::syntax::Redirect;

impl Parser<'_> {
    /// The redirections that stand here.
    pub(super) fn redirects(&mut self, found: &mut Vec<Redirect>) {
        loop {
            self.skip_blanks();
            if self.byte(0) == Some(b'#') {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            }
            let digits = self.rest().bytes().take(4).take_while(u8::is_ascii_digit).count();
            let descriptor = &self.rest()[..digits];
            let is_output = |b: Option<u8>| matches!(b, Some(b'>'));
            match (self.byte(digits), self.byte(digits + 1)) {
                // A word that is a file's name to its command.
                (Some(b'<' | b'>'), Some(b'(')) => return,
                (Some(b'&'), next) if digits == 0 && is_output(next) => {
                    self.at += 2;
                    self.output(true, found);
                }
                (Some(b'>'), _) => {
                    let is_standard = matches!(descriptor, "" | "1");
                    self.at += digits + 1;
                    self.output(is_standard, found);
                }
                (Some(b'<'), _) => {
                    self.at += digits + 1;
                    self.input(found);
                }
                _ => return,
            }
        }
    }

    /// Behind a `>`.
    fn output(&mut self, is_standard: bool, found: &mut Vec<Redirect>) {
        while matches!(self.byte(0), Some(b'>' | b'|')) {
            self.at += 1;
        }
        if self.byte(0) == Some(b'&') {
            self.at += 1;
            // Onto another descriptor, not a file.
            let length = self.rest().bytes().take_while(|b| b.is_ascii_digit() || *b == b'-').count();
            if length > 0 {
                self.at += length;
                return;
            }
        }
        self.skip_blanks();
        found.extend(self.word().map(|to| Redirect::Output { to, is_standard }));
    }

    /// Behind a `<`.
    fn input(&mut self, found: &mut Vec<Redirect>) {
        match (self.byte(0), self.byte(1)) {
            (Some(b'<'), Some(b'<')) => {
                self.at += 2;
                self.skip_blanks();
                found.extend(self.word().map(Redirect::HereWord));
            }
            (Some(b'<'), _) => {
                self.at += 1;
                let text = self.here();
                found.push(Redirect::Here(text));
            }
            (Some(b'>'), _) => {
                self.at += 1;
                self.output(false, found);
            }
            (Some(b'&'), _) => {
                self.at += 1;
                self.word();
            }
            _ => {
                self.skip_blanks();
                found.extend(self.word().map(Redirect::Input));
            }
        }
    }
}
