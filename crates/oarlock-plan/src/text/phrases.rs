//! Phrases that are looked for all at once: one pass over a text tells which groups of them occur in it, however many there are.
//! It is the automaton of Aho and Corasick over classes of bytes: letters without their case, digits, and the marks that phrases have.

use std::collections::VecDeque;

/// Groups of phrases, one bit each.
pub(crate) type Groups = u32;

/// States are numbered in steps of this, so that the next one is found by an addition.
const STRIDE: usize = OF_CLASS.len();

/// How a phrase says "some digit".
pub(crate) const DIGIT: u8 = b'0';
/// How a phrase says "an opening bracket, round or square".
pub(crate) const BRACKET: u8 = b'(';

/// One byte of each class, in the order of the classes. The last five begin and end the two characters outside of ASCII whose small letters
/// are of ASCII, or begin with one: the Kelvin sign and the capital I with a dot.
pub(crate) const OF_CLASS: &[u8; 40] = b"\tabcdefghijklmnopqrstuvwxyz0 -/.({'\xe2\x84\xaa\xc4\xb0";

/// The class of each byte.
const CLASS: [u8; 256] = {
    let mut classes = [0; 256];
    let mut class = 1;
    while class < OF_CLASS.len() {
        let byte = OF_CLASS[class];
        classes[byte as usize] = class as u8;
        classes[byte.to_ascii_uppercase() as usize] = class as u8;
        class += 1;
    }
    let mut digit = b'0';
    while digit <= b'9' {
        classes[digit as usize] = classes[DIGIT as usize];
        digit += 1;
    }
    classes[b'[' as usize] = classes[BRACKET as usize];
    classes
};

/// Groups of phrases, made ready for being looked for.
#[derive(Debug)]
pub(crate) struct Phrases {
    /// The next state, by state and class.
    next: Vec<u16>,
    /// The groups whose phrases end in each state.
    ends: Vec<Groups>,
}

impl Phrases {
    /// Of these phrases, each with the groups that it is of. A phrase is found whatever the case of its letters; [`DIGIT`] and [`BRACKET`]
    /// stand for all of their class.
    pub(crate) fn new<P: AsRef<[u8]>>(phrases: impl IntoIterator<Item = (P, Groups)>) -> Self {
        let mut made = Self { next: vec![0; STRIDE], ends: vec![0] };
        for (phrase, groups) in phrases {
            let mut state = 0;
            for byte in phrase.as_ref() {
                let at = state * STRIDE + usize::from(CLASS[usize::from(*byte)]);
                if made.next[at] == 0 {
                    made.next[at] = u16::try_from(made.ends.len() * STRIDE).expect("phrases are written in this program, and are few");
                    made.ends.push(0);
                    made.next.resize(made.ends.len() * STRIDE, 0);
                }
                state = usize::from(made.next[at]) / STRIDE;
            }
            made.ends[state] |= groups;
        }
        made.close();
        made
    }

    /// Gives every state a next one for every class: that of the longest end of what was read that begins a phrase.
    fn close(&mut self) {
        let mut falls_to = vec![0; self.ends.len()];
        let mut queue: VecDeque<usize> =
            (0..STRIDE).map(|class| usize::from(self.next[class]) / STRIDE).filter(|state| *state > 0).collect();
        while let Some(state) = queue.pop_front() {
            let fall: usize = falls_to[state];
            self.ends[state] |= self.ends[fall];
            for class in 0..STRIDE {
                let (at, shorter) = (state * STRIDE + class, self.next[fall * STRIDE + class]);
                if self.next[at] == 0 {
                    self.next[at] = shorter;
                } else {
                    let child = usize::from(self.next[at]) / STRIDE;
                    falls_to[child] = usize::from(shorter) / STRIDE;
                    queue.push_back(child);
                }
            }
        }
    }

    /// The groups of the phrases that occur in `text`.
    pub(crate) fn in_text(&self, text: &str) -> Groups {
        let mut lane = [Lane { rest: text.as_bytes(), ..Lane::default() }];
        self.go_on(&mut lane, text.len());
        lane[0].found
    }

    /// The groups of the phrases that occur in each of `texts`, told with the number of the text in any order.
    ///
    /// Each step of one text waits for the step before it, so that the processor is idle for most of the time: several texts go on at once.
    pub(crate) fn in_each<'t>(&self, texts: impl Iterator<Item = &'t str>, mut tell: impl FnMut(usize, Groups)) {
        let mut texts = texts.enumerate();
        let mut lanes = [Lane::default(); LANES];
        loop {
            for lane in &mut lanes {
                while lane.rest.is_empty() {
                    if let Some(at) = lane.at.take() {
                        tell(at, lane.found);
                    }
                    let Some((at, text)) = texts.next() else { break };
                    *lane = Lane { at: Some(at), rest: text.as_bytes(), ..Lane::default() };
                }
            }
            let steps = lanes.iter().map(|lane| lane.rest.len()).min().unwrap_or(0);
            if steps == 0 {
                break;
            }
            self.go_on(&mut lanes, steps);
        }
        // The last ones, which fill no more than some of the lanes.
        for lane in lanes {
            if let Some(at) = lane.at {
                let mut alone = [lane];
                self.go_on(&mut alone, lane.rest.len());
                tell(at, alone[0].found);
            }
        }
    }

    /// So many steps in all lanes.
    fn go_on<const N: usize>(&self, lanes: &mut [Lane<'_>; N], steps: usize) {
        let mut states = lanes.map(|lane| lane.state);
        let mut found = lanes.map(|lane| lane.found);
        let texts = lanes.map(|lane| &lane.rest[..steps]);
        for at in 0..steps {
            for lane in 0..N {
                states[lane] = usize::from(self.next[states[lane] + usize::from(CLASS[usize::from(texts[lane][at])])]);
                found[lane] |= self.ends[states[lane] / STRIDE];
            }
        }
        for (at, lane) in lanes.iter_mut().enumerate() {
            *lane = Lane { rest: &lane.rest[steps..], state: states[at], found: found[at], ..*lane };
        }
    }
}

/// Texts that go on at once.
const LANES: usize = 4;

/// A text that is looked at.
#[derive(Clone, Copy, Default)]
struct Lane<'t> {
    /// Its number.
    at: Option<usize>,
    rest: &'t [u8],
    state: usize,
    found: Groups,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_is_found_wherever_it_stands_and_no_other() {
        let phrases = ["task", "ask", "a sk", "subtask", "blocked by", "by", "b0", "(x"];
        let all = Phrases::new(phrases.iter().enumerate().map(|(at, phrase)| (phrase, 1 << at)));
        for text in
            ["", "a task", "A TASK", "sub-task", "subtasks", "unblocked bypass", "blocked  by", "ab7", "[x]", "(X", "a ska sk", "é task é"]
        {
            let folded = text.to_lowercase().replace('[', "(").replace(|c: char| c.is_ascii_digit(), "0");
            let want =
                phrases.iter().enumerate().filter(|(_, phrase)| folded.contains(**phrase)).fold(0, |groups, (at, _)| groups | 1 << at);
            assert_eq!(all.in_text(text), want, "{text}");
        }
    }

    #[test]
    fn texts_of_any_lengths_go_on_beside_each_other() {
        let phrases = Phrases::new([("ab", 1), ("cd", 2), ("bb", 4)]);
        let parts = ["", "ab", "xcdx", "a", "b", "abbcd", "zzzzzzzzzzzzzzzzzzzzab"];
        for count in 0..40 {
            let texts: Vec<&str> = (0..count).map(|n| parts[n * n % parts.len()]).collect();
            let mut told = vec![None; count];
            phrases.in_each(texts.iter().copied(), |at, groups| assert_eq!(told[at].replace(groups), None, "told once"));
            let want: Vec<Option<Groups>> = texts.iter().map(|text| Some(phrases.in_text(text))).collect();
            assert_eq!(told, want, "{count}");
        }
    }

    #[test]
    fn each_class_has_its_byte() {
        for (class, byte) in OF_CLASS.iter().enumerate() {
            assert_eq!(usize::from(CLASS[usize::from(*byte)]), class);
        }
    }
}
