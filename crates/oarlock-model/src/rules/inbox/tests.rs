use super::*;
use crate::ident::MessageId;
use crate::time::WallTime;
use std::collections::BTreeSet;
use std::convert::Infallible;

fn message(seq: u64, from: &str, bytes: usize) -> Message {
    let id = MessageId::of(seq);
    Message {
        seq,
        thread: id.clone(),
        id,
        from: AgentName::parse(from).expect("valid"),
        counts_as: AgentName::parse(from.split('.').next().expect("a part")).expect("valid"),
        to: Vec::new(),
        subject: None,
        text: "x".repeat(bytes),
        sent_at: WallTime(0),
        reply_to: None,
        ack_required: false,
        outside: false,
        acked_by: BTreeSet::new(),
        shown_to: BTreeSet::new(),
    }
}

/// All pages of an inbox. One read is bounded by the bytes of `cut`, as a store does.
fn pages(inbox: &[Message], room: Room, order: Order, cut: usize) -> Vec<Vec<Message>> {
    let (mut pages, mut place) = (Vec::new(), None);
    loop {
        let mut read = |senders: Senders<'_>, beyond: Option<u64>, limit: usize| -> Result<Vec<Message>, Infallible> {
            let mut found: Vec<Message> =
                inbox.iter().filter(|m| senders.admits(m) && beyond.is_none_or(|beyond| order.is_beyond(m.seq, beyond))).cloned().collect();
            walk(order, &mut found);
            let sizes: Vec<usize> = found.iter().map(|m| m.text.len()).collect();
            found.truncate(Room { items: limit, bytes: cut }.fits(&sizes));
            Ok(found)
        };
        let Ok(page) = page(place.as_ref(), room, order, &|m| m.text.len(), &mut read);
        pages.push(page.messages);
        assert!(pages.len() <= inbox.len() + 1, "there is no end");
        match page.next {
            // A place is handed out as text.
            Some(next) => place = Some(next.to_string().parse().expect("it reads what it writes")),
            None => return pages,
        }
    }
}

fn seqs(page: &[Message]) -> Vec<u64> {
    page.iter().map(|m| m.seq).collect()
}

const ITEMS: Room = Room { items: 4, bytes: usize::MAX };

#[test]
fn a_flood_leaves_half_of_each_page_to_others() {
    let mut inbox = vec![message(1, "bob", 1), message(2, "cy", 1), message(3, "bob", 1)];
    inbox.extend((4..=12).map(|seq| message(seq, if seq % 2 == 0 { "ada" } else { "ada.tests" }, 1)));
    let newest = pages(&inbox, ITEMS, Order::NewestFirst, usize::MAX);
    let expected: [&[u64]; 3] = [&[12, 11, 3, 2], &[10, 9, 8, 1], &[7, 6, 5, 4]];
    assert_eq!(newest.iter().map(|page| seqs(page)).collect::<Vec<_>>(), expected);
    // From the other end a flood that comes first.
    let mut inbox: Vec<Message> = (1..=9).map(|seq| message(seq, "ada", 1)).collect();
    inbox.extend([message(10, "bob", 1), message(11, "bob", 1), message(12, "cy", 1)]);
    let oldest = pages(&inbox, ITEMS, Order::OldestFirst, usize::MAX);
    let expected: [&[u64]; 3] = [&[1, 2, 10, 11], &[3, 4, 5, 12], &[6, 7, 8, 9]];
    assert_eq!(oldest.iter().map(|page| seqs(page)).collect::<Vec<_>>(), expected);
}

#[test]
fn bytes_are_shared_as_well() {
    let inbox = [message(1, "bob", 10), message(2, "ada", 50), message(3, "ada", 50), message(4, "ada", 50)];
    let found = pages(&inbox, Room { items: 100, bytes: 100 }, Order::NewestFirst, usize::MAX);
    assert_eq!(found.iter().map(|page| seqs(page)).collect::<Vec<_>>(), [vec![4, 1], vec![3, 2]]);
}

#[test]
fn alone_a_sender_has_whole_pages_and_a_page_of_one_is_the_next_message() {
    let inbox: Vec<Message> = (1..=9).map(|seq| message(seq, "ada", 1)).collect();
    let lengths = |inbox: &[Message], items| {
        let found = pages(inbox, Room { items, bytes: 100 }, Order::NewestFirst, usize::MAX);
        found.iter().map(Vec::len).collect::<Vec<_>>()
    };
    assert_eq!(lengths(&inbox, 4), [4, 4, 1]);
    assert_eq!(lengths(&inbox, 1), [1; 9]);
    assert_eq!(lengths(&[], 4), [0]);
}

#[test]
fn a_place_is_read_as_it_is_written() {
    for place in [Place::at(7), Place { others: 0, own: Some(("ada-1".into(), 12)) }, Place { others: 1, own: Some(("gpt-4.1".into(), 2)) }]
    {
        assert_eq!(place.to_string().parse(), Ok(place));
    }
    for bad in ["", "x", "1/2", "1/x/ada", "1/2/a b", "1/2/", "-1"] {
        assert_eq!(bad.parse::<Place>(), Err(()), "{bad}");
    }
}

/// Numbers that look random, and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % end
    }
}

#[test]
fn pages_are_complete_have_nothing_twice_and_keep_the_half() {
    let mut dice = Dice(1);
    for round in 0..3_000 {
        let senders = ["ada", "ada.x", "bob", "cy", "dee"];
        let weights = [1 + dice.below(9), 1 + dice.below(3), 1 + dice.below(4), 1 + dice.below(2)];
        let mut seq = 0;
        let inbox: Vec<Message> = (0..dice.below(60))
            .map(|_| {
                seq += 1 + dice.below(3) as u64;
                let run = dice.below(weights.iter().sum());
                let which = if run < weights[0] { dice.below(2) } else { 2 + dice.below(3) };
                message(seq, senders[which], dice.below(30))
            })
            .collect();
        let room = Room { items: 1 + dice.below(9), bytes: 40 + dice.below(100) };
        let cut = room.bytes + dice.below(60);
        for order in [Order::NewestFirst, Order::OldestFirst] {
            let pages = pages(&inbox, room, order, cut);
            let mut all: Vec<u64> = pages.iter().flat_map(|page| seqs(page)).collect();
            all.sort_unstable();
            assert_eq!(all, seqs(&inbox), "round {round}, {order:?}, {room:?}");
            for (n, page) in pages.iter().enumerate() {
                assert!(page.len() <= room.items && (n == 0 || !page.is_empty()), "round {round}");
                let later: Vec<&Message> = pages[n + 1..].iter().flatten().collect();
                for sender in senders.map(|sender| sender.split('.').next().unwrap_or_default()) {
                    let own = page.iter().filter(|m| m.counts_as.as_str() == sender).count();
                    let others_wait = later.iter().any(|m| m.counts_as.as_str() != sender);
                    assert!(
                        own <= room.items.div_ceil(2) || !others_wait,
                        "round {round}, {order:?}, {room:?}, page {n}: {own} of {sender}"
                    );
                }
            }
        }
    }
}
