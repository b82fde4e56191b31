//! Answers: JSON with the status of the table of codes, and headers that keep browsers from doing anything with them.

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Bytes};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use oarlock_client::gateway::header;
use oarlock_model::identity::StoreId;
use oarlock_ops::OpError;
use serde::Serialize;
use serde_json::json;
use std::convert::Infallible;

use super::bounds::{Of, Places, Tab};
use super::pieces::Pieces;

/// The body of an answer.
pub(super) type Body = BoxBody<Bytes, Infallible>;

/// The headers of every answer: nothing of it may run, be framed, be guessed at or be kept (Content Security Policy 3; Fetch).
const SAFETY: [(HeaderName, &str); 4] = [
    (HeaderName::from_static("content-security-policy"), "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    (HeaderName::from_static("x-content-type-options"), "nosniff"),
    (HeaderName::from_static("referrer-policy"), "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// An answer with this content.
pub(super) fn text(status: StatusCode, kind: &'static str, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Full::new(text.into()).boxed());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// The reply of a verb, which counts until its client has taken it.
pub(super) fn made(status: StatusCode, json: String, places: Option<Places>) -> Response<Body> {
    let mut response = Response::new(Pieces::new(json, places).boxed());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An answer that was made elsewhere, so that it counts until its client has taken it. One without an end counts as a stream.
///
/// # Errors
/// `limit_reached` and `store_busy` while too much is not taken.
pub(super) async fn counted(response: Response<Body>, tab: &Tab) -> Result<Response<Body>, OpError> {
    let (head, body) = response.into_parts();
    let body = match body.size_hint().exact() {
        Some(bytes) => {
            let mut places = tab.settle(usize::try_from(bytes).unwrap_or(usize::MAX)).await?;
            let Ok(collected) = body.collect().await;
            let bytes = collected.to_bytes();
            places.grow(bytes.len());
            Pieces::new(bytes, Some(places)).boxed()
        }
        None => {
            tab.hold(None);
            let place = tab.account().take(Of::Streams, 1)?;
            body.map_frame(move |frame| {
                // It is given back with the body.
                let _ = &place;
                frame
            })
            .boxed()
        }
    };
    Ok(Response::from_parts(head, body))
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    text(status, "application/json", json!(value).to_string())
}

/// The error object, with its status and, where it helps, when to come back.
pub(super) fn error(error: &OpError) -> Response<Body> {
    let code = error.code();
    let mut response = json(StatusCode::from_u16(code.http()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &error.object());
    let after_ms = error.retry_after_ms().and_then(|ms| u64::try_from(ms).ok()).or((code.http() == 503).then_some(1_000));
    if let Some(after_ms) = after_ms {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after_ms.div_ceil(1_000)));
    }
    response
}

/// A path that has no such method.
pub(super) fn wrong_method(allowed: &'static str) -> Response<Body> {
    let message = format!("this path answers {allowed} only");
    let refusal = oarlock_model::Rejection::invalid(message, "see /openapi.json");
    let mut response = error(&refusal.into());
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// Adds the headers that every answer has: which store it comes from, and what makes it safe.
pub(super) fn made_safe(mut response: Response<Body>, store: StoreId) -> Response<Body> {
    let headers = response.headers_mut();
    if let Ok(store) = HeaderValue::try_from(store.to_string()) {
        headers.insert(header::STORE, store);
    }
    for (name, value) in SAFETY {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}
