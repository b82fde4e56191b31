//! The events of the store, for all who wait at this gateway: one thread listens to the notifiers, looks after deaths and
//! due times, and reads each new event once, no matter who wrote it.

use oarlock_model::limits;
use oarlock_ops::OpError;
use oarlock_ops::call;
use oarlock_ops::settings::Settings;
use oarlock_ops::shapes::EventShape;
use oarlock_ops::store::{EventFilter, ServedStore};
use oarlock_ops::topic::Topics;
use oarlock_ops::wait::Horizon;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{broadcast, watch};

use super::identity::Identity;

/// Events that a slow follower may be behind before it has to read the store itself.
const LOGGED_MAX: usize = 1_024;

/// The longest event that is kept for slow followers, in bytes.
const LOGGED_BYTES_MAX: usize = 4 << 10;

/// The longest sleep of the listening thread, in milliseconds: the net in case a notification is lost.
const RECHECK_MS: i64 = 5_000;

/// The shortest time between two looks: while much happens, what happens is read in larger pieces.
const PAUSE: Duration = Duration::from_millis(1);

/// After a failure of the store the thread looks again so much later.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// One event, ready to be sent.
#[derive(Debug)]
pub(super) struct Logged {
    /// Its number.
    pub(super) seq: u64,
    /// Its cursor.
    pub(super) cursor: String,
    /// Its kind.
    pub(super) kind: &'static str,
    /// EVENT as JSON; none when it is long: anyone who wants it reads the store.
    pub(super) json: Option<String>,
}

/// The number of the last event of each topic.
type Marks = [u64; Topics::NAMED.len()];

/// Where to hear what happens.
#[derive(Debug)]
pub(super) struct LogFollower {
    marks: watch::Receiver<Marks>,
    logged: broadcast::Sender<Arc<Logged>>,
}

impl LogFollower {
    /// Starts the thread on a handle of its own.
    pub(super) fn start(mut store: Box<dyn ServedStore>, settings: Settings, identity: Arc<Identity>) -> Result<Self, OpError> {
        let last = store.snapshot()?.last_seq()?;
        let (marks_out, marks) = watch::channel([last; Topics::NAMED.len()]);
        let logged = broadcast::Sender::new(LOGGED_MAX);
        let mut reader = Reader { store, settings, identity, seen: last, marks: marks_out, logged: logged.clone() };
        std::thread::Builder::new()
            .name("log follower".into())
            .spawn(move || reader.run())
            .map_err(|error| OpError::Internal(format!("no thread can be started: {error}")))?;
        Ok(Self { marks, logged })
    }

    /// Waits until something of these topics is logged after the event with this number.
    pub(super) async fn after(&self, seq: u64, topics: Topics) {
        let mut marks = self.marks.clone();
        let is_news = |marks: &Marks| Topics::NAMED.iter().zip(marks).any(|((topic, _), mark)| topic.meets(topics) && *mark > seq);
        // Without the thread nothing is reported any more; the waiter's own time limit is left.
        if marks.wait_for(is_news).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Every event from now on.
    pub(super) fn follow(&self) -> broadcast::Receiver<Arc<Logged>> {
        self.logged.subscribe()
    }

    /// How many follow.
    pub(super) fn followers(&self) -> usize {
        self.logged.receiver_count()
    }
}

struct Reader {
    store: Box<dyn ServedStore>,
    settings: Settings,
    identity: Arc<Identity>,
    seen: u64,
    marks: watch::Sender<Marks>,
    logged: broadcast::Sender<Arc<Logged>>,
}

impl Reader {
    fn run(&mut self) {
        // Until nobody can ask any more.
        while !self.marks.is_closed() {
            if self.listen().is_err() {
                // The store is gone or fails: a caller learns so by its own calls.
                std::thread::sleep(RETRY_AFTER);
            }
        }
    }

    fn listen(&mut self) -> Result<(), OpError> {
        let all = Topics::NAMED.iter().fold(Topics::NONE, |all, (topic, _)| all.union(*topic));
        let mut listening = self.store.listen(all)?;
        let mut looked = Instant::now();
        loop {
            std::thread::sleep(PAUSE.saturating_sub(looked.elapsed()));
            looked = Instant::now();
            call::reap_if_due(&mut *self.store, &self.settings)?;
            let horizon = Horizon::of(&mut *self.store)?;
            self.identity.note(self.store.identity());
            if horizon.seq > self.seen {
                self.read_on()?;
            } else {
                listening.wait(horizon.due_ms.unwrap_or(RECHECK_MS).clamp(1, RECHECK_MS), &horizon.owners)?;
            }
        }
    }

    fn read_on(&mut self) -> Result<(), OpError> {
        let filter = EventFilter {
            after_seq: self.seen,
            limit: limits::PAGE_ITEMS_DEFAULT,
            bytes_max: limits::PAGE_BYTES_MAX,
            ..EventFilter::default()
        };
        let view = self.store.snapshot()?;
        let events = view.events(&filter)?;
        let mut marks = *self.marks.borrow();
        for event in events {
            self.seen = event.seq;
            let topics = Topics::of(&event.fact);
            for (_, mark) in Topics::NAMED.iter().zip(&mut marks).filter(|((topic, _), _)| topic.meets(topics)) {
                *mark = event.seq;
            }
            if self.logged.receiver_count() > 0 {
                let (seq, kind) = (event.seq, event.fact.kind());
                let shape = EventShape::of(&*view, event)?;
                let json = Some(serde_json::to_string(&shape)?).filter(|json| json.len() <= LOGGED_BYTES_MAX);
                // Those who went away meanwhile miss nothing.
                let _ = self.logged.send(Arc::new(Logged { seq, cursor: shape.cursor, kind, json }));
            }
        }
        self.marks.send_replace(marks);
        Ok(())
    }
}
