//! Bells and those who listen, on every form of them.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;
use crate::process::ProcessId;
use crate::testing::Helper;

const AT_ONCE: Option<Duration> = Some(Duration::ZERO);
const LONG: Option<Duration> = Some(Duration::from_secs(60));
const TOPICS: [&str; 2] = ["mail", "work"];

fn notifiers() -> (tempfile::TempDir, PathBuf, Notifiers) {
    let temporary = tempfile::tempdir().expect("a temporary directory");
    let dir = temporary.path().join("bells");
    std::fs::create_dir(&dir).expect("it is ours");
    let notifiers = Notifiers::new(&dir, &TOPICS, shared_state(&dir)).expect("they are names");
    TOPICS.iter().for_each(|topic| strike(&dir.join(topic), true).expect("makes"));
    (temporary, dir, notifiers)
}

fn shared_state(notifiers: &Path) -> Option<SharedState> {
    SharedState::open(&notifiers.with_extension("board"), true).expect("opens")
}

fn listener(notifiers: &Notifiers, topics: &[&str]) -> Listener {
    Listener::new(notifiers, topics, shared_state(&notifiers.dir)).expect("listens")
}

#[track_caller]
fn check(listener: &mut Listener, timeout: Option<Duration>, woken: Woken) {
    assert_eq!(wait(listener, timeout, &[]), woken);
}

/// Waits on where a wait ended only because waits are short on this system.
fn wait(listener: &mut Listener, timeout: Option<Duration>, deaths: &[ProcessId]) -> Woken {
    loop {
        let woken = listener.wait(timeout, deaths).expect("waits");
        if woken != Woken::Interrupted {
            return woken;
        }
    }
}

#[test]
fn a_ring_before_the_wait_is_kept_and_all_rings_are_one() {
    let (_temporary, _dir, notifiers) = notifiers();
    let mut listener = listener(&notifiers, &["work"]);
    check(&mut listener, AT_ONCE, Woken::TimedOut);
    (0..100).for_each(|_| notifiers.ring("work").expect("rings"));
    check(&mut listener, LONG, Woken::Rung);
    check(&mut listener, AT_ONCE, Woken::TimedOut);
}

#[test]
fn other_topics_do_not_wake() {
    let (_temporary, dir, notifiers) = notifiers();
    let (mut mail, mut both) = (listener(&notifiers, &["mail"]), listener(&notifiers, &TOPICS));
    notifiers.ring("work").expect("rings");
    check(&mut mail, AT_ONCE, Woken::TimedOut);
    check(&mut both, AT_ONCE, Woken::Rung);
    std::fs::write(dir.join("other"), "").expect("writes");
    check(&mut both, Some(Duration::from_millis(5)), Woken::TimedOut);
    assert!(notifiers.ring("other").is_err(), "not a bell");
}

#[test]
#[cfg(all(target_os = "linux", not(feature = "portable")))]
fn ringing_writes_nothing() {
    let (_temporary, dir, notifiers) = notifiers();
    let before = std::fs::metadata(dir.join("work")).expect("it is there");
    notifiers.ring("work").expect("rings");
    let after = std::fs::metadata(dir.join("work")).expect("it is there");
    assert_eq!((before.modified().ok(), before.len()), (after.modified().ok(), after.len()));
}

#[test]
fn another_process_is_woken_each_time() {
    let (_temporary, dir, notifiers) = notifiers();
    let mut helper = Helper::start("bell", &dir);
    for _ in 0..50 {
        notifiers.ring("work").expect("rings");
        assert_eq!(helper.line(), "Rung");
    }
}

#[test]
#[cfg(all(target_os = "linux", not(feature = "portable")))]
fn where_nobody_listens_no_bell_is_touched() {
    let (_temporary, dir, notifiers) = notifiers();
    std::fs::remove_file(dir.join("work")).expect("it is there");
    let mail = listener(&notifiers, &["mail"]);
    notifiers.ring("work").expect("rings");
    assert!(!dir.join("work").exists());
    drop(mail);
    let _work = listener(&notifiers, &["work"]);
    notifiers.ring("work").expect("rings");
    assert!(dir.join("work").exists());
}

#[test]
fn deleted_files_are_made_again_and_heard() {
    let (_temporary, dir, notifiers) = notifiers();
    let mut early = listener(&notifiers, &["work"]);
    std::fs::remove_file(dir.join("work")).expect("it is there");
    let mut late = listener(&notifiers, &["work"]);
    check(&mut late, AT_ONCE, Woken::TimedOut);
    for _ in 0..2 {
        notifiers.ring("work").expect("rings");
        check(&mut early, LONG, Woken::Rung);
        check(&mut late, LONG, Woken::Rung);
    }
}

#[test]
fn the_end_of_the_directory_is_noticed_and_stays() {
    for end in [|dir: &Path| std::fs::remove_dir_all(dir), |dir: &Path| std::fs::rename(dir, dir.with_extension("x"))] {
        let (_temporary, dir, notifiers) = notifiers();
        let mut listener = listener(&notifiers, &TOPICS);
        end(&dir).expect("it is ours");
        check(&mut listener, LONG, Woken::Gone);
        check(&mut listener, LONG, Woken::Gone);
        assert!(notifiers.ring("work").is_err());
        assert!(Listener::new(&notifiers, &TOPICS, None).is_err());
    }
}

#[test]
fn deaths_wake_also_those_who_hear_no_bells() {
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("cat starts");
    let process = ProcessId::of(child.id()).expect("proc is ours").expect("it lives");
    let stranger = ProcessId { pid_namespace: "7".to_owned(), ..process.clone() };
    let (_temporary, _dir, notifiers) = notifiers();
    let (mut hears, mut deaf) = (listener(&notifiers, &TOPICS), Listener::deaf());
    let deaths = [stranger, process.clone()];
    assert_eq!(wait(&mut hears, AT_ONCE, &deaths), Woken::TimedOut);
    assert_eq!(wait(&mut deaf, AT_ONCE, &deaths), Woken::TimedOut);
    child.kill().expect("it is ours");
    assert_eq!(wait(&mut hears, LONG, &deaths), Woken::Died);
    child.wait().expect("it is ours");
    assert_eq!(wait(&mut deaf, LONG, &deaths), Woken::Died, "as long as it is asked about");
    assert_eq!(Listener::deaf().wait(LONG, &deaths).expect("waits"), Woken::Died, "dead before");
    assert_eq!(wait(&mut hears, AT_ONCE, &deaths[..1]), Woken::TimedOut);
    let of_old = ProcessId { boot_id: "old".to_owned(), ..process };
    assert_eq!(Listener::deaf().wait(None, &[of_old]).expect("waits"), Woken::Died);
}

#[test]
fn many_processes_are_watched_up_to_the_limit() {
    let own = ProcessId::current().expect("Linux has /proc");
    let many: Vec<ProcessId> = (0..u64::try_from(DEATHS_MAX).expect("small") * 2)
        .map(|number| ProcessId { pid_namespace: number.to_string(), ..own.clone() })
        .collect();
    assert_eq!(Listener::deaf().wait(AT_ONCE, &many).expect("waits"), Woken::TimedOut);
}
