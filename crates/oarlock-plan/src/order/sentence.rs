//! One line about order: its pieces are names and relations, and pairs of steps come of them.

use crate::order::names::Names;
use crate::order::spoken::Spoken;
use crate::step_info::ordering::Piece;

/// What a line said.
#[derive(Default)]
pub(crate) struct Read {
    /// Whether it names several single steps and an order, and no pair came of it.
    pub(crate) unclear: bool,
    /// All steps that it names.
    pub(crate) named: Vec<usize>,
    /// Those that it names one by one, where it orders them.
    pub(crate) alone: Vec<usize>,
    /// Those that it names last.
    pub(crate) last: Vec<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    Needs,
    Before,
    Beside,
}

/// Names of a sentence that stand together: each a step or a group. Those behind the last comma are apart, as they may begin a statement.
#[derive(Clone, Default)]
struct Listed {
    head: Vec<Vec<usize>>,
    tail: Vec<Vec<usize>>,
}

impl Listed {
    fn of(steps: &[usize]) -> Self {
        Self { head: Vec::new(), tail: if steps.is_empty() { Vec::new() } else { vec![steps.to_vec()] } }
    }

    fn comma(&mut self) {
        self.head.append(&mut self.tail);
    }

    fn is_empty(&self) -> bool {
        self.head.is_empty() && self.tail.is_empty()
    }

    fn steps(&self) -> Vec<usize> {
        flat(self.head.iter().chain(&self.tail))
    }
}

fn flat<'s>(parts: impl Iterator<Item = &'s Vec<usize>>) -> Vec<usize> {
    let mut out: Vec<usize> = parts.flatten().copied().collect();
    out.sort_unstable();
    out.dedup();
    out
}

/// Reads the sentences of one line.
pub(crate) struct Reader<'a, 'b> {
    /// What its names may mean.
    pub(crate) names: &'a Names<'a>,
    /// What all lines say.
    pub(crate) spoken: &'b mut Spoken,
    /// Of whom the sentence speaks.
    pub(crate) subject: Vec<usize>,
    /// Who is meant where the line names none.
    pub(crate) implied: Vec<usize>,
    /// The step that the line is in.
    pub(crate) at: Option<usize>,
}

impl Reader<'_, '_> {
    /// Takes what the pieces of the line say.
    pub(crate) fn read(&mut self, pieces: &[Piece]) -> Read {
        let mut out = Read::default();
        let (mut set, mut left, mut previous) = (Listed::of(&self.implied), Listed::default(), Listed::default());
        let mut relation: Option<Relation> = None;
        // Whether no name came since the last relation or sentence, and whether the subject of this sentence may still be named.
        let (mut fresh, mut opens) = (true, true);
        let (mut denied, mut ordered, mut pairs, mut names) = (false, false, 0, 0);
        let reversed = self.is_reversed(pieces);
        for piece in pieces.iter().chain([&Piece::Stop]) {
            let found = self.parts(piece, &set);
            if !found.is_empty() {
                names += found.iter().filter(|part| self.at.is_none_or(|at| **part != [at])).count();
                if std::mem::take(&mut fresh) {
                    set = Listed::default();
                }
                out.named.extend(found.iter().flatten());
                out.alone.extend(found.iter().filter(|part| part.len() == 1).flatten());
                set.tail.extend(found);
                if relation.is_none() && (opens || !self.subject.is_empty()) && self.at.is_none() {
                    self.subject = set.steps();
                    opens = false;
                }
                continue;
            }
            match piece {
                Piece::Comma => set.comma(),
                Piece::Not => denied = true,
                Piece::Nothing if relation == Some(Relation::Needs) || !self.subject.is_empty() => self.declare(),
                Piece::Needs | Piece::Before | Piece::Beside | Piece::Arrow | Piece::Then => {
                    let next = match piece {
                        Piece::Needs => Relation::Needs,
                        Piece::Beside => Relation::Beside,
                        Piece::Arrow if reversed => Relation::Needs,
                        _ => Relation::Before,
                    };
                    ordered |= next != Relation::Beside;
                    match relation {
                        Some(done) if !fresh => {
                            // "US3 depends on US1, US4 depends on US2": behind the comma begins the next statement.
                            let begins = matches!(piece, Piece::Needs | Piece::Before)
                                && done != Relation::Beside
                                && !set.head.is_empty()
                                && !set.tail.is_empty();
                            // "Once phase 2 is done, phases 3 and 4 run in parallel".
                            let leads = done == Relation::Needs && left.is_empty() && !set.head.is_empty() && !set.tail.is_empty();
                            let right = if begins || leads { flat(set.head.iter()) } else { set.steps() };
                            let who = if leads { flat(set.tail.iter()) } else { left.steps() };
                            pairs += self.relate(done, &who, &right, denied);
                            denied = false;
                            if begins || leads {
                                left = Listed { head: Vec::new(), tail: std::mem::take(&mut set.tail) };
                                self.subject = left.steps();
                            } else if matches!(piece, Piece::Arrow | Piece::Then) {
                                left = set;
                            } else {
                                left = Listed::of(&self.subject);
                            }
                        }
                        Some(done) => {
                            if done == Relation::Beside {
                                pairs += self.among(&left, denied);
                            }
                            if !matches!(piece, Piece::Arrow | Piece::Then) && !self.subject.is_empty() {
                                left = Listed::of(&self.subject);
                            }
                        }
                        None => left = std::mem::take(&mut set),
                    }
                    if *piece == Piece::Then && left.is_empty() {
                        left.clone_from(&previous);
                    }
                    relation = Some(next);
                    fresh = true;
                    set = Listed::default();
                }
                Piece::Stop => {
                    match relation {
                        Some(Relation::Beside) if fresh => pairs += self.among(&left, denied),
                        // "After phase 2, phase 3": first what is needed, then who needs it.
                        Some(Relation::Needs) if !fresh && left.is_empty() && !set.head.is_empty() && !set.tail.is_empty() => {
                            pairs += self.relate(Relation::Needs, &flat(set.tail.iter()), &flat(set.head.iter()), denied);
                        }
                        Some(done) if !fresh => pairs += self.relate(done, &left.steps(), &set.steps(), denied),
                        _ => {}
                    }
                    if !(set.is_empty() && left.is_empty()) {
                        previous = if set.is_empty() { std::mem::take(&mut left) } else { std::mem::take(&mut set) };
                        out.last = previous.steps();
                    }
                    relation = None;
                    left = Listed::default();
                    // The next sentence speaks of the same steps until it names others.
                    set = Listed::of(if self.implied.is_empty() { &self.subject } else { &self.implied });
                    (fresh, opens, denied) = (true, true, false);
                }
                _ => {}
            }
        }
        out.named.sort_unstable();
        out.named.dedup();
        if !ordered || pairs == 0 || self.at.is_some() {
            out.alone.clear();
        }
        out.unclear = ordered && pairs == 0 && names >= 2 && out.named.len() == names && self.at.is_none();
        out
    }

    /// The steps that a piece names, each step or group for itself.
    fn parts(&mut self, piece: &Piece, set: &Listed) -> Vec<Vec<usize>> {
        // Before names are looked up, which takes time too.
        if !self.spoken.spend(1) {
            return Vec::new();
        }
        let found = match piece {
            Piece::Name(kind, id) => vec![self.names.of(kind, id)],
            Piece::Range(kind, low, high) => self.names.between(kind, low, high),
            Piece::All(kind) => {
                let subject = if self.subject.is_empty() { set.steps() } else { self.subject.clone() };
                vec![self.names.all(kind, &subject)]
            }
            _ => Vec::new(),
        };
        let cost = found.iter().map(|part| part.len() + 1).sum::<usize>() + set.head.len() + set.tail.len();
        if !self.spoken.spend(cost) {
            return Vec::new();
        }
        found.into_iter().filter(|part| !part.is_empty()).collect()
    }

    /// "Depends on: T004 → T001" draws who depends on whom, not what comes first.
    fn is_reversed(&self, pieces: &[Piece]) -> bool {
        self.implied.is_empty() && pieces.first() == Some(&Piece::Needs) && pieces.contains(&Piece::Arrow)
    }

    /// Takes a relation; how many pairs it is of.
    fn relate(&mut self, relation: Relation, left: &[usize], right: &[usize], denied: bool) -> usize {
        if !self.spoken.spend(left.len() * right.len()) {
            return 0;
        }
        let mut known = 0;
        for a in left {
            for b in right.iter().filter(|b| *b != a) {
                known += 1;
                match (relation, denied) {
                    (Relation::Needs, false) => self.spoken.need(*b, *a),
                    (Relation::Before, false) => self.spoken.need(*a, *b),
                    (Relation::Beside, false) | (Relation::Needs | Relation::Before, true) => self.spoken.beside(*a, *b),
                    // "Not in parallel with".
                    (Relation::Beside, true) => self.spoken.need(*a.min(b), *a.max(b)),
                }
            }
        }
        if relation == Relation::Needs && !denied && known > 0 && (*left == *self.subject || *left == *self.implied) {
            self.declare();
        }
        known
    }

    /// The names of one sentence may run beside each other. A group by itself says nothing about its own steps.
    fn among(&mut self, members: &Listed, denied: bool) -> usize {
        let parts: Vec<&Vec<usize>> = members.head.iter().chain(&members.tail).collect();
        let total: usize = parts.iter().map(|part| part.len()).sum();
        if denied || parts.len() < 2 || !self.spoken.spend(total * total) {
            return 0;
        }
        for (k, one) in parts.iter().enumerate() {
            for two in &parts[k + 1..] {
                one.iter().for_each(|a| two.iter().for_each(|b| self.spoken.beside(*a, *b)));
            }
        }
        total
    }

    /// All that the subject waits for is said, where it is a group, or a step that says it in a field.
    pub(crate) fn declare(&mut self) {
        let subject = if self.implied.is_empty() { &self.subject } else { &self.implied };
        let is_group = self.names.groups.iter().any(|group| group.members == *subject);
        if subject.is_empty() || !(is_group || self.at.is_some()) {
            return;
        }
        for at in subject {
            self.spoken.declared[*at] = Some(subject[0]);
        }
    }
}
