//! `GET /v1/events`: the log as a stream of server-sent events (HTML, section 9.2). Anyone who goes on from the last id it
//! saw misses nothing and sees nothing twice.

use http_body_util::BodyExt;
use http_body_util::channel::{Channel, Sender};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Request, Response};
use oarlock_model::StoreIdentity;
use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::log::{Events, EventsReply};
use oarlock_ops::registry;
use oarlock_ops::request::Request as _;
use oarlock_ops::shapes::EventShape;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::broadcast::error::RecvError;

use super::access::Principal;
use super::asked::Asked;
use super::bounds::{Account, Of, Places};
use super::engine::Outcome;
use super::reply::Body;
use super::routes::{RECHECK, Router};

/// A line without meaning goes out after this long without news: it keeps the connection alive and shows when it is not.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Pieces that may wait for a slow reader; after that it is waited for.
const PIECES_MAX: usize = 2;

/// Events of one page: small ones take little, and large ones end a page early.
const PAGE_ITEMS: usize = 200;

/// A piece is sent once it has this many bytes.
const PIECE_BYTES: usize = 64 << 10;

/// Where a stream begins, and what it shows.
#[derive(Clone, Debug, Default)]
struct From {
    after: Option<String>,
    kinds: Vec<String>,
}

impl From {
    /// The query `after=CURSOR&kind=K,…`; `Last-Event-ID` goes before `after`: it is what a client sends when it comes back.
    fn read(request: &Request<Incoming>) -> Self {
        let mut from = Self::default();
        for (name, value) in form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()) {
            match &*name {
                "after" => from.after = Some(value.into_owned()),
                "kind" => from.kinds.extend(value.split(',').map(str::to_owned)),
                _ => {}
            }
        }
        let last = request.headers().get("last-event-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
        from.after = last.map(str::to_owned).or(from.after);
        from
    }

    fn shows(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|own| own == kind)
    }
}

/// Answers with the stream.
///
/// # Errors
/// `invalid_request` for a cursor or a kind that is none, `limit_reached` when this agent calls too often, store errors.
pub(super) async fn stream(
    router: &Arc<Router>,
    principal: &Principal,
    account: &Account,
    request: &Request<Incoming>,
) -> Result<Response<Body>, OpError> {
    let Some(entry) = registry::find(Events::VERB) else { return Err(OpError::Internal("events is a verb".into())) };
    let from = From::read(request);
    let caller = Caller { name: principal.name.clone(), authority: principal.authority, root: principal.root.clone(), ..Caller::default() };
    router.quotas.admit_unread(principal, 0)?;
    router.quotas.admit(principal, &caller, entry, 0)?;
    let place = account.take(Of::Streams, 1)?;
    // What happens while the first page is read is heard already.
    let headers = request.headers().clone();
    let store = router.engine.identity.now();
    let follower = Follower {
        live: router.engine.log.follow(),
        router: Arc::clone(router),
        headers,
        caller,
        from,
        store,
        account: account.clone(),
        _place: place,
    };
    let first = follower.page(follower.from.after.clone()).await?;
    let (sender, body) = Channel::<Bytes, Infallible>::new(PIECES_MAX);
    tokio::spawn(follower.tell(first, sender));
    let mut response = Response::new(body.boxed());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    // Proxies that would collect it before they hand it on.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

struct Follower {
    live: tokio::sync::broadcast::Receiver<Arc<super::log_follower::Logged>>,
    router: Arc<Router>,
    headers: HeaderMap,
    caller: Caller,
    from: From,
    /// Whose cursors are reported: those of another are nothing to who follows.
    store: StoreIdentity,
    /// At whose expense pages are read.
    account: Account,
    /// Its place among the streams.
    _place: Places,
}

/// A page of the log, and the places that it takes until it is sent.
struct Page {
    page: EventsReply,
    _places: Option<Places>,
}

/// The reader has gone away, or the store cannot be read any more.
struct Ended;

impl Follower {
    /// A page of the log, by the same operation as `events`.
    async fn page(&self, after: Option<String>) -> Result<Page, OpError> {
        let request = Events { after, kind: self.from.kinds.clone(), limit: Some(PAGE_ITEMS), ..Events::default() };
        let asked = Asked::new(Arc::new(registry::asked(request)), self.caller.clone(), 0, RECHECK)?.paid_by(Some(&self.account), 0);
        match self.router.engine.ask(&asked).await? {
            Outcome::Reply(page, places) => {
                let read = move || serde_json::from_str(&page);
                let read = tokio::task::spawn_blocking(read).await;
                Ok(Page {
                    page: read.map_err(|error| OpError::Internal(format!("a reading thread has ended: {error}")))??,
                    _places: places,
                })
            }
            Outcome::Waiting(_) => Err(OpError::Internal("a page of the log does not wait".into())),
        }
    }

    async fn tell(mut self, first: Page, mut sender: Sender<Bytes, Infallible>) {
        // Why it ended, the reader finds out when it comes back.
        let _ = self.run(first, &mut sender).await;
    }

    async fn run(&mut self, first: Page, sender: &mut Sender<Bytes, Infallible>) -> Result<(), Ended> {
        send(sender, "retry: 1000\n\n".to_owned()).await?;
        let mut seen = self.catch_up(first, sender).await?;
        let mut stopping = self.router.engine.stopping.clone();
        let (mut told_at, mut checked_at) = (Instant::now(), Instant::now());
        loop {
            if checked_at.elapsed() >= RECHECK {
                // A key may have been revoked meanwhile.
                self.router.guard.principal(&self.headers).map_err(|_| Ended)?;
                checked_at = Instant::now();
            }
            if told_at.elapsed() >= KEEP_ALIVE {
                send(sender, ": \n\n".to_owned()).await?;
                told_at = Instant::now();
            }
            let logged = tokio::select! {
                logged = tokio::time::timeout(RECHECK, self.live.recv()) => logged,
                _ = stopping.wait_for(|stopping| *stopping) => return Err(Ended),
            };
            match logged {
                Err(_) => {}
                Ok(Ok(logged)) if logged.seq <= seen => {}
                Ok(Ok(logged)) if self.store.read(&logged.cursor) != Some(logged.seq) => return Err(Ended),
                Ok(Ok(logged)) => {
                    if self.from.shows(logged.kind) {
                        told_at = Instant::now();
                        let Some(json) = &logged.json else {
                            // Too long to be kept for anyone who is slow: the store has it.
                            seen = self.catch_up_from(seen, sender).await?;
                            continue;
                        };
                        send(sender, piece(&logged.cursor, logged.kind, json)).await?;
                    }
                    seen = logged.seq;
                }
                // Slower than what happens: the store has it all.
                Ok(Err(RecvError::Lagged(_))) => seen = self.catch_up_from(seen, sender).await?,
                Ok(Err(RecvError::Closed)) => return Err(Ended),
            }
        }
    }

    /// Sends the events after this number.
    async fn catch_up_from(&self, seen: u64, sender: &mut Sender<Bytes, Infallible>) -> Result<u64, Ended> {
        let page = self.page(Some(self.store.give(seen))).await.map_err(|_| Ended)?;
        Ok(self.catch_up(page, sender).await?.max(seen))
    }

    /// Sends this page and all after it that are there. The number of the last event seen.
    async fn catch_up(&self, first: Page, sender: &mut Sender<Bytes, Infallible>) -> Result<u64, Ended> {
        let mut page = first;
        loop {
            let EventsReply { events, cursor, .. } = &page.page;
            let mut text = String::new();
            for event in events {
                text.push_str(&piece_of(event)?);
                if text.len() >= PIECE_BYTES {
                    send(sender, std::mem::take(&mut text)).await?;
                }
            }
            let is_last = events.is_empty();
            if !text.is_empty() {
                send(sender, text).await?;
            }
            if is_last {
                return self.store.read(cursor).ok_or(Ended);
            }
            let cursor = cursor.clone();
            // Its places are given back before the next one takes some.
            drop(page);
            page = self.page(Some(cursor)).await.map_err(|_| Ended)?;
        }
    }
}

fn piece_of(event: &EventShape) -> Result<String, Ended> {
    Ok(piece(&event.cursor, &event.kind, &serde_json::to_string(event).map_err(|_| Ended)?))
}

/// One event. JSON of serde_json has no line ends, so nothing an agent wrote can begin a field of the stream.
fn piece(id: &str, kind: &str, json: &str) -> String {
    format!("id: {id}\nevent: {kind}\ndata: {json}\n\n")
}

async fn send(sender: &mut Sender<Bytes, Infallible>, text: String) -> Result<(), Ended> {
    // Who reads nothing loses its connection, and with it this ends.
    sender.send_data(Bytes::from(text)).await.map_err(|_| Ended)
}
