//! Which messages make a page of an inbox (semantics 16, 20). One sender, with its helpers, gets at most half of a page while messages of
//! others wait: a loop that sends hides nobody's message. Pages lead from one to the next, and each message is on exactly one of them.
//!
//! The list is walked from one end. Where a sender would take more than its half, the page has the next messages of the others
//! instead, and the list goes on from two places: one in the messages of that sender, one in those of all others.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::ident::AgentName;
use crate::message::Message;
use crate::seeded;

/// Whose messages to read. A sender is the name by which an agent and its helpers are counted (`Message::counts_as`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Senders<'a> {
    /// Everybody's.
    Any,
    /// Those of one sender.
    Only(&'a str),
    /// All but those of one sender.
    Except(&'a str),
}

impl Senders<'_> {
    /// Whether this message is among them.
    pub fn admits(self, message: &Message) -> bool {
        match self {
            Senders::Any => true,
            Senders::Only(sender) => message.counts_as.as_str() == sender,
            Senders::Except(sender) => message.counts_as.as_str() != sender,
        }
    }
}

/// From which end a list is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the newest message back.
    NewestFirst,
    /// From the oldest message on.
    OldestFirst,
}

impl Order {
    /// Whether the message with the number `seq` comes after that with the number `from` on the way.
    pub fn is_beyond(self, seq: u64, from: u64) -> bool {
        match self {
            Order::NewestFirst => seq < from,
            Order::OldestFirst => seq > from,
        }
    }
}

/// How much a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Messages.
    pub items: usize,
    /// Bytes of them; the first message always fits.
    pub bytes: usize,
}

impl Room {
    /// The share of one sender while others wait, rounded up.
    fn half(self) -> Self {
        Self { items: self.items.div_ceil(2), bytes: self.bytes.div_ceil(2) }
    }

    /// How many of these fit; the first always does.
    pub fn fits(self, sizes: &[usize]) -> usize {
        let mut bytes = 0_usize;
        let does_not_fit = |(n, size): (usize, &usize)| {
            bytes = bytes.saturating_add(*size);
            n >= self.items || (bytes > self.bytes && n > 0)
        };
        sizes.iter().enumerate().position(does_not_fit).unwrap_or(sizes.len())
    }

    /// The rest beside these.
    fn beside(self, sizes: &[usize]) -> Self {
        let bytes = sizes.iter().fold(0_usize, |sum, size| sum.saturating_add(*size));
        Self { items: self.items.saturating_sub(sizes.len()), bytes: self.bytes.saturating_sub(bytes) }
    }
}

/// Where a list goes on: beyond a message, and for one sender beyond another message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of the last message of all senders but one.
    pub others: u64,
    /// The one sender, and the number of its last message.
    pub own: Option<(String, u64)>,
}

impl Place {
    /// The same place for all senders.
    pub fn at(seq: u64) -> Self {
        Self { others: seq, own: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.own {
            None => write!(f, "{}", self.others),
            Some((sender, seq)) => write!(f, "{}/{seq}/{sender}", self.others),
        }
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number = |text: &str| text.parse().map_err(|_| ());
        let mut parts = text.splitn(3, '/');
        let others = number(parts.next().unwrap_or_default())?;
        let own = match (parts.next(), parts.next()) {
            (None, _) => None,
            (Some(seq), Some(sender)) if AgentName::parse(sender).is_ok() => Some((sender.to_owned(), number(seq)?)),
            _ => return Err(()),
        };
        Ok(Self { others, own })
    }
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its messages, in the order of the way.
    pub messages: Vec<Message>,
    /// Where the list goes on, if it does.
    pub next: Option<Place>,
}

/// The messages beyond a place, and whether more of them come after these.
struct Run {
    messages: Vec<Message>,
    goes_on: bool,
}

/// Reads messages: whose, beyond which number, and at most how many. It may give fewer, but none only at the end.
pub type Read<'r, E> = dyn FnMut(Senders<'_>, Option<u64>, usize) -> Result<Vec<Message>, E> + 'r;

/// The page beyond `place`. `size` is what a message takes of the room's bytes.
///
/// # Errors
/// Those of `read`.
pub fn page<E>(
    place: Option<&Place>,
    room: Room,
    order: Order,
    size: &dyn Fn(&Message) -> usize,
    read: &mut Read<'_, E>,
) -> Result<Page, E> {
    let mut run = |senders: Senders<'_>, beyond: Option<u64>| -> Result<Run, E> {
        let messages = read(senders, beyond, room.items)?;
        let goes_on = match messages.last() {
            Some(last) => !read(senders, Some(last.seq), 1)?.is_empty(),
            None => false,
        };
        Ok(Run { messages, goes_on })
    };
    let start = place.map(|place| place.others);
    let lane = place.and_then(|place| place.own.as_ref());
    let mut found = match lane {
        None => run(Senders::Any, start)?,
        Some((sender, at)) => merged(order, run(Senders::Only(sender), Some(*at))?, run(Senders::Except(sender), start)?),
    };
    let sizes: Vec<usize> = found.messages.iter().map(size).collect();
    let fits = room.fits(&sizes);
    let crowding = crowding(&found.messages[..fits], &sizes[..fits], room).map(str::to_owned);
    if let Some(sender) = crowding.filter(|_| !seeded::is(seeded::ONE_SENDER_FILLS_THE_PAGE)) {
        let is_own = |message: &Message| message.counts_as.as_str() == sender;
        let own = run(Senders::Only(&sender), lane.filter(|(of, _)| *of == sender).map_or(start, |(_, at)| Some(*at)))?;
        let mut others = run(Senders::Except(&sender), start)?;
        // What the last sender that was held back still has before that place has come into this page by then: all of it is there.
        if let (Some((of, _)), Some(start)) = (lane, start)
            && *of != sender
        {
            let gap = found.messages.iter().filter(|message| !is_own(message) && order.is_beyond(start, message.seq));
            others.messages.splice(0..0, gap.cloned());
        }
        if !others.messages.is_empty() {
            return Ok(shared(&sender, own, others, room, order, size));
        }
    }
    let goes_on = found.goes_on || fits < found.messages.len();
    found.messages.truncate(fits);
    let next = found.messages.last().filter(|_| goes_on).map(|last| match (lane, start) {
        (Some((sender, _)), Some(start)) if order.is_beyond(start, last.seq) => {
            Place { others: start, own: Some((sender.clone(), last.seq)) }
        }
        _ => Place::at(last.seq),
    });
    Ok(Page { messages: found.messages, next })
}

/// Two runs in one. It ends where one of them was cut, or what comes after that would be passed over.
fn merged(order: Order, one: Run, other: Run) -> Run {
    let ends: Vec<u64> =
        [&one, &other].iter().filter(|run| run.goes_on).filter_map(|run| run.messages.last()).map(|last| last.seq).collect();
    let goes_on = !ends.is_empty();
    let mut messages = one.messages;
    messages.extend(other.messages);
    walk(order, &mut messages);
    messages.retain(|message| ends.iter().all(|end| !order.is_beyond(message.seq, *end)));
    Run { messages, goes_on }
}

fn walk(order: Order, messages: &mut [Message]) {
    messages.sort_by_key(|message| message.seq);
    if order == Order::NewestFirst {
        messages.reverse();
    }
}

/// The sender that has more than half of a page, if there is one.
fn crowding<'m>(page: &'m [Message], sizes: &[usize], room: Room) -> Option<&'m str> {
    // A page of one message cannot be shared.
    if room.items <= 1 {
        return None;
    }
    let mut taken: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (message, size) in page.iter().zip(sizes) {
        let (items, bytes) = taken.entry(message.counts_as.as_str()).or_default();
        *items += 1;
        *bytes = bytes.saturating_add(*size);
    }
    let half = room.half();
    let most =
        |by: fn(&(usize, usize)) -> usize, half: usize| taken.iter().find(move |(_, taken)| by(taken) > half).map(|(sender, _)| *sender);
    most(|taken| taken.0, half.items).or_else(|| most(|taken| taken.1, half.bytes))
}

/// How many messages come before one sender of these would have more than half of a page. The page ends there.
fn before_another_crowds(messages: &[Message], room: Room) -> usize {
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    for (n, message) in messages.iter().enumerate() {
        let taken = taken.entry(message.counts_as.as_str()).or_default();
        *taken += 1;
        if *taken > room.half().items {
            return n;
        }
    }
    messages.len()
}

/// A page of a sender that is held back to its half, and of others. What others do not need, it gets.
fn shared(sender: &str, mut own: Run, mut others: Run, room: Room, order: Order, size: &dyn Fn(&Message) -> usize) -> Page {
    let sizes = |run: &Run| run.messages.iter().map(size).collect::<Vec<usize>>();
    let (own_sizes, others_sizes) = (sizes(&own), sizes(&others));
    let mut own_fit = room.half().fits(&own_sizes);
    let mut others_fit = room.beside(&own_sizes[..own_fit]).fits(&others_sizes);
    if own_fit < own_sizes.len() || own.goes_on {
        others_fit = others_fit.min(before_another_crowds(&others.messages, room));
    }
    if others_fit == others_sizes.len() && !others.goes_on {
        own_fit = own_fit.max(room.beside(&others_sizes).fits(&own_sizes));
    }
    let goes_on = own.goes_on || others.goes_on || own_fit < own_sizes.len() || others_fit < others_sizes.len();
    own.messages.truncate(own_fit);
    others.messages.truncate(others_fit);
    let next = match (own.messages.last(), others.messages.last()) {
        // All that others have before that place is on this page.
        (Some(own), Some(others)) if order.is_beyond(own.seq, others.seq) => Some(Place::at(own.seq)),
        (Some(own), Some(others)) => Some(Place { others: others.seq, own: Some((sender.to_owned(), own.seq)) }),
        _ => None,
    };
    let mut messages = own.messages;
    messages.append(&mut others.messages);
    walk(order, &mut messages);
    Page { messages, next: next.filter(|_| goes_on) }
}

#[cfg(test)]
mod tests;
