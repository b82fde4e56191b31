//! The question "could one path match both?", exactly.

use super::name::{Component, NamePattern};
use super::{Extent, Pattern};

/// The steps of a look at the names that two patterns end with.
const LOOK_STEPS: u64 = 4;

/// The end of a pattern that covers all below what it matches.
static BELOW: Component = Component::AnyDepth;

impl Pattern {
    /// Whether some path is covered by both. Exact for paths of any length: it errs on the side of "yes" only
    /// where the shortest common path would itself be over the limits of a path.
    ///
    /// One thing is taken for granted: `**` does not lead into a file. Where the last name of a pattern without a
    /// wildcard there is the name of a file ([`Pattern::names_file`]: `src/a.rs`), a `**` of the other that runs over that name
    /// goes no further. So `src/a.rs` and `**/*.css` do not overlap, while `src` and `**/*.css` do.
    ///
    /// Time is bounded by the product of the two lengths, whatever the patterns: each pair of components
    /// and each pair of positions in them is looked at once (an intersection of automata by dynamic programming).
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        if let Some((a, b)) = self.last_names(other) {
            return a.overlaps(b);
        }
        self.is_asked_above(other) || other.is_asked_above(self) || self.meets(other)
    }

    /// The steps that [`Pattern::overlaps`] takes at most for these two, a step being some nanoseconds: one for each pair of components,
    /// and one for each character of a name with wildcards and each character of the other pattern. Where a look at two names is
    /// enough, it is the few steps of that.
    #[must_use]
    pub fn steps_against(&self, other: &Self) -> u64 {
        fn wild(pattern: &Pattern) -> u64 {
            pattern.components.iter().map(Component::work).sum()
        }
        match self.last_names(other) {
            Some((a, b)) if a.is_apart(b) => LOOK_STEPS,
            Some((a, b)) => LOOK_STEPS + a.steps_against(b),
            None => {
                let pairs = (self.components.len() as u64 + 1) * (other.components.len() as u64 + 1);
                pairs + wild(self) * other.text.len() as u64 + wild(other) * self.text.len() as u64
            }
        }
    }

    /// The names that decide it alone: those of `**/NAME`, whose name has a wildcard, and the last one of a pattern that covers nothing
    /// below it as far as a `**` leads. Some path is covered by both just when one name matches both.
    fn last_names<'p>(&'p self, other: &'p Self) -> Option<(&'p NamePattern, &'p NamePattern)> {
        let names = |a: &'p Self, b: &'p Self| Some((a.anywhere()?, b.last_name()?));
        names(self, other).or_else(|| names(other, self))
    }

    /// The name of a pattern `**/NAME` that has a wildcard: it covers whatever has such a name, and nothing below that.
    pub(super) fn anywhere(&self) -> Option<&NamePattern> {
        match self.components.as_slice() {
            [Component::AnyDepth, Component::Name(name)] if self.extent == Extent::Matched => Some(name),
            _ => None,
        }
    }

    fn last_name(&self) -> Option<&NamePattern> {
        match self.components.last() {
            Some(Component::Name(name)) if self.is_file || !self.reaches_below() => Some(name),
            _ => None,
        }
    }

    /// Whether this is a path that is asked about, and everything that the other covers is it or lies below it.
    fn is_asked_above(&self, other: &Self) -> bool {
        let named = |(own, others): (&Component, &Component)| others.is_literal() && own.text() == others.text();
        self.extent == Extent::Path
            && self.components.len() <= other.components.len()
            && self.components.iter().zip(&other.components).all(named)
    }

    fn meets(&self, other: &Self) -> bool {
        let (a, b) = (Steps::of(self), Steps::of(other));
        let width = b.len() + 1;
        // `reached[i * width + j]`: some names lead behind the first `i` steps of one and the first `j` of the other.
        let mut reached = vec![false; (a.len() + 1) * width];
        reached[0] = true;
        for i in 0..=a.len() {
            for j in 0..width {
                if !reached[i * width + j] {
                    continue;
                }
                let mut reach = |i: usize, j: usize| reached[i * width + j] = true;
                // `**` may stand for nothing, or take one more name; every name can be matched (checked at
                // parsing), so taking a name means skipping it.
                match (a.get(i), b.get(j)) {
                    (None, None) => return true,
                    (Some(Component::AnyDepth), None) => reach(i + 1, j),
                    (None, Some(Component::AnyDepth)) => reach(i, j + 1),
                    (Some(Component::AnyDepth), Some(Component::AnyDepth)) => {
                        reach(i + 1, j);
                        reach(i, j + 1);
                    }
                    (Some(Component::AnyDepth), Some(Component::Name(_))) => {
                        reach(i + 1, j);
                        reach(i, b.behind_swallowed(j));
                    }
                    (Some(Component::Name(_)), Some(Component::AnyDepth)) => {
                        reach(i, j + 1);
                        reach(a.behind_swallowed(i), j);
                    }
                    (Some(Component::Name(x)), Some(Component::Name(y))) => {
                        if x.overlaps(y) {
                            reach(i + 1, j + 1);
                        }
                    }
                    (None, Some(Component::Name(_))) | (Some(Component::Name(_)), None) => {}
                }
            }
        }
        false
    }
}

/// The components of a pattern, and one more for all below.
struct Steps<'a> {
    components: &'a [Component],
    below: bool,
    is_file: bool,
}

impl<'a> Steps<'a> {
    fn of(pattern: &'a Pattern) -> Self {
        Self { components: &pattern.components, below: pattern.reaches_below(), is_file: pattern.names_file() }
    }

    fn len(&self) -> usize {
        self.components.len() + usize::from(self.below)
    }

    fn get(&self, at: usize) -> Option<&'a Component> {
        self.components.get(at).or_else(|| (self.below && at == self.components.len()).then_some(&BELOW))
    }

    /// The step behind the name at `at`, which a `**` of the other pattern has taken: nothing is below a file.
    fn behind_swallowed(&self, at: usize) -> usize {
        let is_last = at + 1 == self.components.len();
        if is_last && self.is_file { self.len() } else { at + 1 }
    }
}
