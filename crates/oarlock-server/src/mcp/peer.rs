//! The one client of a server on standard input and output: whether it is still there, and which replies it has not heard. A client
//! that has gone takes nothing: its calls wait no longer, and what a reply gave that could not be written is given back.

use oarlock_host::process::{Liveness, ProcessId};
use oarlock_ops::caller::Caller;
use oarlock_ops::registry::Call;
use oarlock_ops::reply::Reply;
use rmcp::RoleServer;
use rmcp::model::{JsonRpcMessage, RequestId};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::json;
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};

use super::backend::Backend;
use crate::gateway::calls_that_give_back;

/// How often the process that started the server is looked at: its death alone closes nothing where a child of it keeps the pipes.
const PARENT_INTERVAL: Duration = Duration::from_millis(500);

/// The code of a line that is not JSON (JSON-RPC 2.0, section 5.1).
const PARSE_ERROR: i32 = -32_700;

/// How long giving back may take.
const GIVE_BACK_PATIENCE: Duration = Duration::from_secs(5);

/// The client.
pub(crate) struct Peer {
    backend: Backend,
    /// Whether it has gone.
    gone: watch::Sender<bool>,
    /// By request, how to give back what its reply gives, until the reply is written.
    unheard: Mutex<HashMap<RequestId, Given>>,
}

/// The grants of a reply, as the calls that give them back, and to whom.
struct Given {
    calls: Vec<Arc<dyn Call>>,
    caller: Caller,
}

impl Peer {
    /// A client that is there. `gone` says when it no longer is.
    pub(crate) fn new(backend: Backend, gone: watch::Sender<bool>) -> Arc<Self> {
        Arc::new(Self { backend, gone, unheard: Mutex::default() })
    }

    /// Looks after the process that started the server. When it dies, nobody waits for earlier requests; later
    /// requests come from somebody who is there.
    pub(crate) fn watch_parent(self: &Arc<Self>, parent: ProcessId) {
        let peer = Arc::clone(self);
        tokio::spawn(async move {
            // One that cannot be seen from here, or has ended already, says nothing.
            while parent.liveness() == Liveness::Alive {
                tokio::time::sleep(PARENT_INTERVAL).await;
                if parent.liveness() == Liveness::Dead {
                    peer.gone.send_replace(true);
                }
            }
        });
    }

    /// Waits until the client has gone.
    pub(super) async fn leaves(&self) {
        let mut gone = self.gone.subscribe();
        let _ = gone.wait_for(|gone| *gone).await;
    }

    /// A reply is on its way.
    pub(super) fn note(&self, request: &RequestId, verb: &str, reply: &Reply, caller: &Caller) {
        let calls: Vec<Arc<dyn Call>> = calls_that_give_back(verb, reply).into_iter().map(Arc::from).collect();
        if !calls.is_empty() {
            let given = Given { calls, caller: caller.clone() };
            self.unheard.lock().unwrap_or_else(PoisonError::into_inner).insert(request.clone(), given);
        }
    }

    fn take(&self, request: &RequestId) -> Option<Given> {
        self.unheard.lock().unwrap_or_else(PoisonError::into_inner).remove(request)
    }

    async fn give_back(&self, given: Given) {
        for call in given.calls {
            // It fails where the lease has been lost already; and at the latest, its time runs out.
            let _ = self.backend.call(call, &given.caller, GIVE_BACK_PATIENCE, None).await;
        }
    }

    /// The connection has ended: gives back what replies gave that were never written.
    pub(crate) async fn end(&self) {
        let unheard: Vec<Given> = self.unheard.lock().unwrap_or_else(PoisonError::into_inner).drain().map(|(_, given)| given).collect();
        for given in unheard {
            self.give_back(given).await;
        }
    }
}

/// A transport that reports to the peer reads and writes, and answers lines that are no JSON.
pub(crate) struct Watched<T, W> {
    transport: T,
    peer: Arc<Peer>,
    faults: mpsc::Receiver<String>,
    /// Where the answer to such a line is written, which no message interrupts.
    output: Arc<tokio::sync::Mutex<W>>,
    /// The answer to such a line that is on its way. It is kept here because waiting for a message may be given up in between.
    answering: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl<T, W> Watched<T, W> {
    /// Watches a transport that writes where `output` does; `faults` reports lines that were kept from it.
    pub(crate) fn new(transport: T, output: W, peer: Arc<Peer>, faults: mpsc::Receiver<String>) -> Self {
        Self { transport, peer, faults, output: Arc::new(tokio::sync::Mutex::new(output)), answering: None }
    }
}

impl<T: Transport<RoleServer>, W: AsyncWrite + Send + Unpin + 'static> Transport<RoleServer> for Watched<T, W> {
    type Error = T::Error;

    fn send(&mut self, item: TxJsonRpcMessage<RoleServer>) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let answered = match &item {
            JsonRpcMessage::Response(response) => Some(response.id.clone()),
            _ => None,
        };
        let sending = self.transport.send(item);
        let (peer, output) = (Arc::clone(&self.peer), Arc::clone(&self.output));
        async move {
            let sent = {
                let _turn = output.lock().await;
                sending.await
            };
            let given = answered.and_then(|request| peer.take(&request));
            if sent.is_err() {
                peer.gone.send_replace(true);
                if let Some(given) = given {
                    peer.give_back(given).await;
                }
            }
            sent
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            if let Some(answering) = &mut self.answering {
                answering.await;
                self.answering = None;
            }
            let message = tokio::select! {
                biased;
                Some(fault) = self.faults.recv() => {
                    // JSON-RPC 2.0, section 5.1: whose request it was is not known, and the id says so.
                    let error = json!({"jsonrpc": "2.0", "id": null, "error": {"code": PARSE_ERROR, "message": fault}});
                    let output = Arc::clone(&self.output);
                    self.answering = Some(Box::pin(async move {
                        let mut output = output.lock().await;
                        // One that reads nothing any more has gone, which the next message finds.
                        let _ = output.write_all(format!("{error}\n").as_bytes()).await;
                        let _ = output.flush().await;
                    }));
                    continue;
                }
                message = self.transport.receive() => message,
            };
            self.peer.gone.send_replace(message.is_none());
            return message;
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.transport.close().await
    }
}
