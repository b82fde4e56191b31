//! The stack of the gateway: HTTP/1 of hyper, and behind `/mcp` the service of `rmcp` without sessions.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;

use super::fixture::Fixture;
use super::shared::Shared;
use super::tools;
use crate::output::Outcome;

/// The service that answers.
pub(super) type Service = StreamableHttpService<Fixture, LocalSessionManager>;

/// The service for a port of this machine, configured as the gateway's.
///
/// # Errors
/// A fixture is not what the library takes for one.
pub(super) fn service(port: u16) -> Outcome<Service> {
    let shared = Arc::new(Shared::new(tools::all())?);
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_allowed_hosts(["localhost", "127.0.0.1", "::1"])
        .with_allowed_origins([format!("http://127.0.0.1:{port}"), format!("http://localhost:{port}")])
        .enforce_origin_validation();
    let fixture = move || Ok(Fixture::new(Arc::clone(&shared)));
    Ok(StreamableHttpService::new(fixture, Arc::new(LocalSessionManager::default()), config))
}

/// Serves as long as the runtime lives.
pub(super) async fn serve(listener: TcpListener, service: Arc<Service>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let service = Arc::clone(&service);
        tokio::spawn(async move {
            let answering = service_fn(move |request| answer(Arc::clone(&service), request));
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).half_close(false);
            http.serve_connection(TokioIo::new(stream), answering).await
        });
    }
}

async fn answer(service: Arc<Service>, request: Request<Incoming>) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
    if request.uri().path() == "/mcp" {
        return Ok(service.handle(request).await);
    }
    let mut response = Response::new(Empty::new().boxed());
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}
