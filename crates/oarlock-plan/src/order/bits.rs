//! Sets of small numbers as bits: the pairs of two thousand steps fit into half a megabyte.

/// A set of numbers below a fixed size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// The empty set for numbers below `size`.
    pub(crate) fn new(size: usize) -> Self {
        Self { words: vec![0; size.div_ceil(64)] }
    }

    /// Adds `n`, which must be below the size.
    pub(crate) fn insert(&mut self, n: usize) {
        self.words[n / 64] |= 1 << (n % 64);
    }

    /// Whether `n` is in the set.
    pub(crate) fn has(&self, n: usize) -> bool {
        self.words[n / 64] >> (n % 64) & 1 == 1
    }

    /// Adds all of `other`, a set of the same size.
    pub(crate) fn add_all(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
    }
}

/// Ordered pairs of numbers below a fixed size: asking for one costs the same however many there are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pairs {
    /// For each first number the second ones; empty where there are no pairs.
    rows: Vec<Bits>,
}

impl Pairs {
    /// These pairs of numbers below `size`.
    pub(crate) fn of(size: usize, pairs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut rows = Vec::new();
        for (one, two) in pairs {
            if rows.is_empty() {
                rows = vec![Bits::new(size); size];
            }
            rows[one].insert(two);
        }
        Self { rows }
    }

    /// Whether this is one of them.
    pub(crate) fn has(&self, one: usize, two: usize) -> bool {
        self.rows.get(one).is_some_and(|row| row.has(two))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_there() {
        let mut a = Bits::new(130);
        let mut b = a.clone();
        a.insert(0);
        b.insert(129);
        a.add_all(&b);
        assert!(a.has(0) && a.has(129) && !a.has(64));
    }

    #[test]
    fn pairs_are_found_in_their_direction() {
        let pairs = Pairs::of(3, [(0, 2), (1, 0)]);
        assert!(pairs.has(0, 2) && pairs.has(1, 0) && !pairs.has(2, 0));
        assert!(!Pairs::of(3, []).has(0, 1));
    }
}
