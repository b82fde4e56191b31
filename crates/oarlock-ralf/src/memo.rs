//! The results of the last few texts. An editor of a file reads its text several times, the result once, and the next edit begins with that; a
//! text that is the same to the byte says the same.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// The smallest and the largest text that is remembered, in bytes: a short one is read as fast as it is found.
const BYTES: std::ops::RangeInclusive<usize> = 1_024..=(1 << 18);
/// Texts that are remembered.
const TEXTS_MAX: usize = 4;

/// The texts that were read last, and their results, the newest first.
pub(crate) struct Memo<T>(Mutex<VecDeque<(String, Arc<T>)>>);

impl<T> Memo<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(VecDeque::new()))
    }

    /// The earlier result for this text, or a new one.
    ///
    /// # Errors
    /// The result of `make`, which is not remembered.
    pub(crate) fn of<E>(&self, text: &str, make: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        if !BYTES.contains(&text.len()) {
            return make().map(Arc::new);
        }
        if let Some(known) = self.known(text) {
            return Ok(known);
        }
        let made = Arc::new(make()?);
        self.keep(text, &made);
        Ok(made)
    }

    /// One text has become another: the result for the first is that for the second, except for `change`. Where the first is not remembered,
    /// neither is the second.
    pub(crate) fn change(&self, before: &str, after: &str, change: impl FnOnce(&mut T))
    where
        T: Clone,
    {
        if let Some(mut made) = self.take(before) {
            change(Arc::make_mut(&mut made));
            self.keep(after, &made);
        }
    }

    /// The remembered result of a text, which becomes the newest.
    fn known(&self, text: &str) -> Option<Arc<T>> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = last.iter().position(|(known, _)| known == text)?;
        let found = last.remove(at)?;
        let made = Arc::clone(&found.1);
        last.push_front(found);
        Some(made)
    }

    /// The remembered result of a text, which is forgotten.
    fn take(&self, text: &str) -> Option<Arc<T>> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = last.iter().position(|(known, _)| known == text)?;
        last.remove(at).map(|(_, made)| made)
    }

    fn keep(&self, text: &str, made: &Arc<T>) {
        if BYTES.contains(&text.len()) {
            let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Another thread may have read the same meanwhile.
            last.retain(|(known, _)| known != text);
            last.truncate(TEXTS_MAX - 1);
            last.push_front((text.to_owned(), Arc::clone(made)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_was_read_before_says_the_same_and_one_that_differs_in_a_byte_does_not() {
        let memo = Memo::new();
        let text = |n: usize| format!("{n}{}", "x".repeat(2_000));
        let of = |text: &str, n: usize| memo.of(text, || Ok::<_, ()>(n)).map(|made| *made);
        for round in 0..3 {
            // More than are remembered.
            for n in 0..TEXTS_MAX + 2 {
                assert_eq!(of(&text(n), n), Ok(n), "{round}");
                assert_eq!(of(&text(n), 99), Ok(n), "at once again");
            }
        }
        assert_eq!(memo.0.lock().expect("no panic").len(), TEXTS_MAX);
        assert_eq!((of("short", 1), of("short", 2)), (Ok(1), Ok(2)));
        assert_eq!(memo.of(&text(50), || Err::<usize, _>("no")), Err("no"));
        assert_eq!(of(&text(50), 50), Ok(50), "a failure is not remembered");
    }

    #[test]
    fn what_was_made_of_a_text_is_changed_with_it() {
        let memo = Memo::new();
        let (before, after) = ("a".repeat(2_000), "b".repeat(2_000));
        let of = |text: &str, n: usize| memo.of(text, || Ok::<_, ()>(n)).map(|made| *made);
        memo.change(&before, &after, |_| unreachable!("nothing is remembered"));
        assert_eq!(of(&before, 1), Ok(1));
        memo.change(&before, &after, |n| *n += 1);
        assert_eq!((of(&after, 9), of(&before, 9)), (Ok(2), Ok(9)));
    }
}
