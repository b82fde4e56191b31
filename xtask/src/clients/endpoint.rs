//! The model: an endpoint on this machine that answers each request with the next turn of a script, and remembers what it was asked.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

use super::program::{Call, Program};
use super::wire::{self, Asker};
use crate::output::Outcome;

/// A running endpoint.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    main: VecDeque<Call>,
    helper: VecDeque<Call>,
    heard: Vec<(Asker, Value)>,
    answered: usize,
}

impl Endpoint {
    /// Starts one for a client; it ends with the runtime.
    ///
    /// # Errors
    /// No port can be had.
    pub(super) fn start(runtime: &tokio::runtime::Runtime, program: Program) -> Outcome<Self> {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let endpoint = Self { url: format!("http://{}", listener.local_addr()?), state: Arc::default() };
        let state = Arc::clone(&endpoint.state);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&state);
                tokio::spawn(async move {
                    let answering = service_fn(move |request| answer(program, Arc::clone(&state), request));
                    http1::Builder::new().serve_connection(TokioIo::new(stream), answering).await
                });
            }
        });
        Ok(endpoint)
    }

    /// Sets the model's next steps, and its helper's; earlier requests are forgotten.
    pub(super) fn load(&self, main: Vec<Call>, helper: Vec<Call>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.main, state.helper, state.heard) = (main.into(), helper.into(), Vec::new());
    }

    /// The requests since then, in order.
    pub(super) fn heard(&self) -> Vec<(Asker, Value)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).heard.clone()
    }

    /// How many turns were not asked for.
    pub(super) fn left(&self) -> usize {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.main.len() + state.helper.len()
    }
}

async fn answer(program: Program, state: Arc<Mutex<State>>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let path = head.uri.path().to_owned();
    let is_asked =
        ["/messages", "/responses", "/chat/completions"].iter().any(|end| path.ends_with(end)) || path.contains("enerateContent");
    if head.method != Method::POST || !is_asked {
        let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
        *response.status_mut() = if head.method == Method::GET { StatusCode::NOT_FOUND } else { StatusCode::OK };
        return Ok(response);
    }
    let asker = wire::asker(program, &head.headers, &body);
    let (n, call) = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.heard.push((asker, body.clone()));
        state.answered += 1;
        let call = match asker {
            Asker::Main => state.main.pop_front(),
            Asker::Helper => state.helper.pop_front(),
            Asker::Aside => None,
        };
        (state.answered, call)
    };
    let (kind, text) = wire::reply(program, n, &path, &body, call.as_ref());
    let mut response = Response::new(Full::new(Bytes::from(text)));
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    Ok(response)
}
