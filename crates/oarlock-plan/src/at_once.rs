//! Both halves of something large at once, on two processors. What comes of it is the same as one after the other.

use std::thread;

/// The results of both; the first of them is worked out beside the second, if the system has a thread for it.
pub(crate) fn both<A: Send, B>(one: impl Fn() -> A + Sync, two: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| {
        let beside = thread::Builder::new().spawn_scoped(scope, &one);
        let two = two();
        let one = match beside {
            Ok(beside) => beside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => one(),
        };
        (one, two)
    })
}

/// What `work` makes of the items of a list, in their order: of its halves at once where that is `worth` a thread.
pub(crate) fn of_halves<T: Sync, R: Send>(items: &[T], worth: bool, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if !worth || items.len() < 2 {
        return items.iter().map(work).collect();
    }
    let (front, back) = items.split_at(items.len() / 2);
    let (mut made, more) = both(|| front.iter().map(&work).collect::<Vec<R>>(), || back.iter().map(&work).collect::<Vec<R>>());
    made.extend(more);
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_come_to_the_same_as_the_whole() {
        for count in 0..5 {
            let items: Vec<usize> = (0..count).collect();
            let want: Vec<usize> = items.iter().map(|n| n * n).collect();
            assert_eq!([true, false].map(|worth| of_halves(&items, worth, |n| n * n)), [want.clone(), want]);
        }
    }
}
