//! The floor of a gateway: the same HTTP library in front of one thread that takes the waiting requests, writes its rows in one
//! transaction, and answers after the commit. It checks no key, no caller and nothing that can go wrong.

use std::convert::Infallible;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rusqlite::Connection;
use serde_json::Value;
use tokio::sync::oneshot;

use super::super::floor::{Floor, FloorTask, claim_rows, done_rows};
use super::super::side::Syncing;
use crate::output::Outcome;

/// Calls of one commit, at most: as many as ours takes.
const GROUP_MAX: usize = 128;

struct Write {
    is_done: bool,
    fields: Value,
    reply: oneshot::Sender<String>,
}

/// Serves until it is killed; prints where.
///
/// # Errors
/// The store cannot be opened, nothing can be bound.
pub(in super::super) fn serve(file: &Path) -> Outcome<()> {
    let conn = Floor::open(file, "-", Syncing::Full)?.into_connection();
    let (queue, writes) = sync_channel(1_024);
    std::thread::spawn(move || write_on(&conn, &writes));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        crate::output::say(format_args!("{{\"url\":\"http://{}\"}}", listener.local_addr()?));
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let queue = queue.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| answer(request, queue.clone()));
                http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
            });
        }
    })
}

async fn answer(request: Request<Incoming>, queue: SyncSender<Write>) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_done = request.uri().path().ends_with("/done");
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let fields = serde_json::from_slice(&body).unwrap_or_default();
    let (reply, told) = oneshot::channel();
    let sent = queue.try_send(Write { is_done, fields, reply }).is_ok();
    let text = if sent { told.await.unwrap_or_default() } else { String::new() };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    Ok(response)
}

fn write_on(conn: &Connection, writes: &Receiver<Write>) {
    while let Ok(first) = writes.recv() {
        let mut group = vec![first];
        group.extend(writes.try_iter().take(GROUP_MAX - 1));
        let begun = conn.execute_batch("BEGIN IMMEDIATE");
        let replies: Vec<String> = group.iter().map(|write| rows(conn, write).unwrap_or_default()).collect();
        if begun.and_then(|()| conn.execute_batch("COMMIT")).is_ok() {
            for (write, reply) in group.into_iter().zip(replies) {
                let _ = write.reply.send(reply);
            }
        }
    }
}

fn rows(conn: &Connection, write: &Write) -> rusqlite::Result<String> {
    let word = |name: &str| write.fields[name].as_str().unwrap_or_default();
    let (agent, key) = (word("as"), word("idempotency_key"));
    if !write.is_done {
        return claim_rows(conn, agent, key).map(|(_, reply)| reply);
    }
    let id = word("id").to_owned();
    // The number in an id is its row's.
    let seq = id.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or_default();
    done_rows(conn, agent, key, &FloorTask { seq, id, token: write.fields["token"].as_i64().unwrap_or_default() })
}
