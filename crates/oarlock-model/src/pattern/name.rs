//! One component of a pattern: its tokens, the sets of characters in it, matching a name, and whether
//! two of them have a name in common.

use super::PatternError;

/// The meaning of a brace outside a class.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Braces {
    /// A mistake: elsewhere it means alternatives.
    Refused,
    /// A character like any other.
    Literal,
}

#[derive(Clone)]
pub(super) enum Component {
    /// `**`: zero or more names.
    AnyDepth,
    Name(NamePattern),
}

/// A pattern of one name. At least one name matches it: the parser refuses others.
#[derive(Clone)]
pub(super) struct NamePattern {
    text: String,
    tokens: Vec<Token>,
}

#[derive(Clone)]
enum Token {
    Star,
    Any,
    Char(char),
    /// Sorted, disjoint, inclusive ranges of scalar values, all within `NAME_CHARS`.
    Set(Vec<(u32, u32)>),
}

/// The characters a name can have: no NUL, no `/`, no surrogates. A pattern's text has fewer: see `split`.
const NAME_CHARS: [(u32, u32); 3] = [(0x1, 0x2e), (0x30, 0xd7ff), (0xe000, 0x10_ffff)];

/// Whether a normal path can have this component.
pub(super) fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && name.chars().all(|c| Token::Any.accepts(c))
}

impl Component {
    /// The characters of a name with wildcards.
    pub(super) fn work(&self) -> u64 {
        match self {
            Component::Name(name) if !self.is_literal() => name.tokens.len() as u64,
            Component::Name(_) | Component::AnyDepth => 0,
        }
    }

    /// `at` is the position of its first character, for messages.
    pub(super) fn parse(at: usize, name: &str, braces: Braces) -> Result<Self, PatternError> {
        NamePattern::parse(at, name, braces).map(Self::Name)
    }

    /// The component that matches this name alone; where `typed`, with `?` for each character that no pattern can hold.
    pub(super) fn of_name(name: &str, typed: bool) -> Self {
        let is_odd = |c: char| typed && (c.is_control() || c == '\\');
        let text = name.chars().map(|c| if is_odd(c) { "?".to_owned() } else { escaped(c) }).collect();
        Self::Name(NamePattern { text, tokens: name.chars().map(|c| if is_odd(c) { Token::Any } else { Token::Char(c) }).collect() })
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Self::AnyDepth => "**",
            Self::Name(name) => &name.text,
        }
    }

    pub(super) fn is_literal(&self) -> bool {
        matches!(self, Self::Name(name) if name.tokens.iter().all(|token| matches!(token, Token::Char(_))))
    }

    /// The one name it matches, if it matches exactly one.
    pub(super) fn literal(&self) -> Option<String> {
        let Self::Name(name) = self else { return None };
        name.tokens.iter().map(Token::literal).collect()
    }
}

impl NamePattern {
    fn parse(at: usize, name: &str, braces: Braces) -> Result<Self, PatternError> {
        // Most names have no character with a meaning, and match themselves.
        if !name.contains(['*', '?', '[', '{', '}']) {
            let is_matched = is_name(name);
            let own = || Self { text: name.to_owned(), tokens: name.chars().map(Token::Char).collect() };
            return is_matched.then(own).ok_or(PatternError::MatchesNothing { at });
        }
        let chars: Vec<char> = name.chars().collect();
        let (mut text, mut tokens) = (String::new(), Vec::new());
        let mut i = 0;
        while let Some(&c) = chars.get(i) {
            let (token, next) = match c {
                '*' if chars.get(i + 1) == Some(&'*') => {
                    return Err(PatternError::PartialDoubleStar { at: at + i });
                }
                '*' => (Token::Star, i + 1),
                '?' => (Token::Any, i + 1),
                '[' => parse_class(at, &chars, i)?,
                '{' | '}' if braces == Braces::Refused => {
                    return Err(PatternError::Brace { at: at + i, instead: Vec::new() });
                }
                _ => (Token::Char(c), i + 1),
            };
            match token {
                // It keeps the text that it was stored with.
                Token::Char(_) if matches!(c, '{' | '}') => text.push(c),
                Token::Char(c) => text.push_str(&escaped(c)),
                _ => text.extend(&chars[i..next]),
            }
            tokens.push(token);
            i = next;
        }
        // So that "skip a name" may always be read as "some name is there".
        if !names_overlap(&tokens, &[Token::Star]) {
            return Err(PatternError::MatchesNothing { at });
        }
        Ok(Self { text, tokens })
    }

    /// `name` is one by [`is_name`]. Greedy matching with one point of return, the last `*`:
    /// at most length times length steps.
    pub(super) fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut i, mut j) = (0, 0);
        let mut retry = None;
        while let Some(&c) = name.get(j) {
            match (self.tokens.get(i), retry) {
                (Some(Token::Star), _) => {
                    i += 1;
                    retry = Some((i, j));
                }
                (Some(token), _) if token.accepts(c) => (i, j) = (i + 1, j + 1),
                (_, Some((after_star, from))) => {
                    // The star takes one more character.
                    (i, j) = (after_star, from + 1);
                    retry = Some((i, j));
                }
                (_, None) => return false,
            }
        }
        self.tokens[i..].iter().all(|token| matches!(token, Token::Star))
    }

    /// Whether some name matches both.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        !self.is_apart(other) && names_overlap(&self.tokens, &other.tokens)
    }

    /// Whether the characters that both begin with, or those that both end with, show that no name matches both. This
    /// decides about most names, at a fraction of the work.
    pub(super) fn is_apart(&self, other: &Self) -> bool {
        differ(self.tokens.iter(), other.tokens.iter()) || differ(self.tokens.iter().rev(), other.tokens.iter().rev())
    }

    /// The steps that [`NamePattern::overlaps`] takes at most.
    pub(super) fn steps_against(&self, other: &Self) -> u64 {
        (self.tokens.len() as u64 + 1) * (other.tokens.len() as u64 + 1)
    }

    /// The characters before the first wildcard.
    pub(super) fn head(&self) -> String {
        self.tokens.iter().map_while(Token::literal).collect()
    }
}

/// Whether two rows of tokens differ before one of them has a wildcard.
fn differ<'t>(a: impl Iterator<Item = &'t Token>, b: impl Iterator<Item = &'t Token>) -> bool {
    let mut pairs = a.zip(b).map_while(|(a, b)| Some((a.literal()?, b.literal()?)));
    pairs.any(|(a, b)| a != b)
}

/// Reads the class whose `[` is `chars[open]`; gives it and the index after its `]`. `at` is the position of the
/// component, for messages.
fn parse_class(at: usize, chars: &[char], open: usize) -> Result<(Token, usize), PatternError> {
    let negated = chars.get(open + 1) == Some(&'!');
    if chars.get(open + 1) == Some(&'^') {
        return Err(PatternError::CaretClass { at: at + open });
    }
    let first = open + 1 + usize::from(negated);
    let mut ranges = Vec::new();
    let mut i = first;
    loop {
        let Some(&low) = chars.get(i) else {
            return Err(PatternError::UnclosedClass { at: at + open });
        };
        match (chars.get(i + 1), chars.get(i + 2)) {
            _ if low == ']' && i > first => break,
            (Some('-'), Some(&high)) if high != ']' => {
                if high < low {
                    return Err(PatternError::ReversedRange { at: at + i });
                }
                ranges.push((u32::from(low), u32::from(high)));
                i += 3;
            }
            _ => {
                ranges.push((u32::from(low), u32::from(low)));
                i += 1;
            }
        }
    }
    let ranges = merged(ranges);
    let set = common_ranges(&if negated { complement(&ranges) } else { ranges }, &NAME_CHARS);
    let token = match set[..] {
        [(low, high)] if low == high => char::from_u32(low).map_or(Token::Set(Vec::new()), Token::Char),
        _ => Token::Set(set),
    };
    Ok((token, i + 1))
}

fn escaped(c: char) -> String {
    if matches!(c, '*' | '?' | '[' | '{' | '}') { format!("[{c}]") } else { c.to_string() }
}

fn merged(mut ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
    for (low, high) in ranges {
        match merged.last_mut() {
            Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
            _ => merged.push((low, high)),
        }
    }
    merged
}

fn complement(ranges: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut gaps = Vec::with_capacity(ranges.len() + 1);
    let mut next = 0;
    for &(low, high) in ranges {
        if low > next {
            gaps.push((next, low - 1));
        }
        next = high + 1;
    }
    gaps.push((next, u32::MAX));
    gaps
}

fn common_ranges(a: &[(u32, u32)], b: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let (mut i, mut j, mut common) = (0, 0, Vec::new());
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let (low, high) = (x.0.max(y.0), x.1.min(y.1));
        if low <= high {
            common.push((low, high));
        }
        if x.1 < y.1 { i += 1 } else { j += 1 }
    }
    common
}

/// How the characters that a step can read change the amount of the name that was read: nothing yet, `.`, `..`, or a name.
/// A set of these is four bits, because a name is neither empty nor `.` nor `..`.
mod progress {
    pub(super) const NOTHING: u8 = 1;
    pub(super) const DOT: u8 = 2;
    pub(super) const DOT_DOT: u8 = 4;
    pub(super) const NAME: u8 = 8;
}

/// Whether a step can read a `.`, and whether it can read another character.
#[derive(Clone, Copy)]
struct Reads {
    dot: bool,
    other: bool,
}

impl Reads {
    fn advance(self, set: u8) -> u8 {
        use progress::{DOT, DOT_DOT, NAME, NOTHING};
        let mut next = if self.other && set != 0 { NAME } else { 0 };
        if self.dot {
            next |= (set & (NOTHING | DOT)) << 1;
            next |= if set & (DOT_DOT | NAME) != 0 { NAME } else { 0 };
        }
        next
    }
}

impl Token {
    fn literal(&self) -> Option<char> {
        if let Self::Char(c) = self { Some(*c) } else { None }
    }

    fn ranges(&self) -> Vec<(u32, u32)> {
        match self {
            Self::Char(c) => vec![(u32::from(*c), u32::from(*c))],
            Self::Set(ranges) => ranges.clone(),
            Self::Star | Self::Any => NAME_CHARS.to_vec(),
        }
    }

    fn accepts(&self, c: char) -> bool {
        let within = |ranges: &[(u32, u32)]| ranges.iter().any(|&(low, high)| (low..=high).contains(&u32::from(c)));
        match self {
            Self::Char(own) => *own == c,
            Self::Set(ranges) => within(ranges),
            Self::Star | Self::Any => within(&NAME_CHARS),
        }
    }

    fn reads(&self) -> Reads {
        let dot = (u32::from('.'), u32::from('.'));
        match self {
            Self::Char(c) => Reads { dot: *c == '.', other: *c != '.' },
            Self::Set(ranges) => Reads { dot: self.accepts('.'), other: ranges.iter().any(|range| *range != dot) },
            Self::Star | Self::Any => Reads { dot: true, other: true },
        }
    }

    /// The characters that both can read at once.
    fn reads_with(&self, other: &Self) -> Reads {
        match (self, other) {
            (Self::Star | Self::Any, token) | (token, Self::Star | Self::Any) => token.reads(),
            (Self::Char(c), token) | (token, Self::Char(c)) if token.accepts(*c) => Self::Char(*c).reads(),
            (Self::Char(_), _) | (_, Self::Char(_)) => Reads { dot: false, other: false },
            (a, b) => Self::Set(common_ranges(&a.ranges(), &b.ranges())).reads(),
        }
    }
}

/// Whether some name matches both: positions in both, row by row, with the set of `progress` at each.
fn names_overlap(a: &[Token], b: &[Token]) -> bool {
    let mut here = vec![0_u8; b.len() + 1];
    here[0] = progress::NOTHING;
    for i in 0..=a.len() {
        let mut below = vec![0_u8; b.len() + 1];
        for j in 0..=b.len() {
            let set = here[j];
            if set == 0 {
                continue;
            }
            match (a.get(i), b.get(j)) {
                (None, None) => return set & progress::NAME != 0,
                (Some(Token::Star), Some(Token::Star)) => {
                    // Both stars can take any character any number of times before either ends.
                    let reads = Token::Star.reads();
                    let all = (0..3).fold(set, |set, _| set | reads.advance(set));
                    below[j] |= all;
                    here[j + 1] |= all;
                }
                // The star ends here, or takes a character that the other side can read too.
                (Some(Token::Star), Some(token)) => {
                    below[j] |= set;
                    here[j + 1] |= token.reads().advance(set);
                }
                (Some(token), Some(Token::Star)) => {
                    here[j + 1] |= set;
                    below[j] |= token.reads().advance(set);
                }
                (Some(Token::Star), None) => below[j] |= set,
                (None, Some(Token::Star)) => here[j + 1] |= set,
                (Some(x), Some(y)) => below[j + 1] |= x.reads_with(y).advance(set),
                (None, Some(_)) | (Some(_), None) => {}
            }
        }
        if below.iter().all(|set| *set == 0) {
            return false;
        }
        here = below;
    }
    false
}
