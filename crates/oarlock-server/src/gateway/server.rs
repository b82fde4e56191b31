//! Listening: TCP on this machine, a socket with the peer's user checked, TLS for other machines; a bounded number of
//! connections, each with bounded headers and bounded patience; and an end in good order.

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use oarlock_client::gateway::{Bind, SocketListener, Stream as SocketStream};
use oarlock_model::seeded;
use oarlock_ops::OpError;
use oarlock_ops::store::StoreError;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use super::connections::Connection;
use super::patient::Patient;
use super::routes::{self, Router};

/// Open connections, at most; further ones wait to be accepted.
pub(super) const CONNECTIONS_MAX: usize = 4_096;

/// The longest time the head of a request, or the greeting of TLS, may take to arrive.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);

/// The largest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 32 << 10;

/// Headers of a request, at most.
const HEADERS_MAX: usize = 64;

/// How long requests that are under way may go on after the gateway was asked to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// A listener that is bound.
#[derive(Debug)]
pub(crate) enum Listening {
    /// TCP.
    Tcp(TcpListener),
    /// A socket of this machine.
    Unix(SocketListener),
}

impl Listening {
    /// Binds. A socket is for its owner alone, and takes the place of one that nobody listens at any more.
    ///
    /// # Errors
    /// `store_unavailable`: it is taken, or may not be bound.
    pub(crate) async fn bind(bind: &Bind) -> Result<Self, OpError> {
        match bind {
            Bind::Net(address) => {
                TcpListener::bind(address).await.map(Listening::Tcp).map_err(|error| cannot_bind(&address.to_string(), &error))
            }
            Bind::Unix(path) => {
                SocketListener::bind(path).map(Listening::Unix).map_err(|error| cannot_bind(&path.display().to_string(), &error))
            }
        }
    }

    /// The port, where there is one.
    pub(crate) fn port(&self) -> Option<u16> {
        match self {
            Listening::Tcp(listener) => listener.local_addr().ok().map(|address| address.port()),
            Listening::Unix(..) => None,
        }
    }
}

fn cannot_bind(place: &str, error: &std::io::Error) -> OpError {
    StoreError::Unavailable {
        message: format!("failed to listen on {place}: {error}"),
        hint: "is another gateway running there? choose another place with --bind, port 0 for one that is free".into(),
    }
    .into()
}

/// Serves until `stop` says so, then lets the requests that are under way end.
pub(crate) async fn serve(listening: Listening, tls: Option<TlsAcceptor>, router: Arc<Router>, mut stop: watch::Receiver<bool>) {
    // Each connection is an open file, and the usual limit is lower than ours.
    oarlock_host::file::raise_limit();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let accepted = tokio::select! {
            () = stopped(&mut stop) => break,
            accepted = accept(&listening) => accepted,
        };
        let place = || (place, router.connections.enter());
        match accepted {
            Ok(Some(Stream::Tcp(stream))) => {
                let place = place();
                let _ = stream.set_nodelay(true);
                match &tls {
                    None => drop(tokio::spawn(talk(stream, Arc::clone(&router), place, stop.clone()))),
                    Some(tls) => drop(tokio::spawn(greet(stream, tls.clone(), Arc::clone(&router), place, stop.clone()))),
                }
            }
            Ok(Some(Stream::Unix(stream))) => drop(tokio::spawn(talk(stream, Arc::clone(&router), place(), stop.clone()))),
            Ok(None) => router.engine.metrics.refuse("user"),
            // No file descriptor left, for example: the next one may go better.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    drop(listening);
    // All places are free when all connections have ended.
    let _ = tokio::time::timeout(STOP_PATIENCE, places.acquire_many(CONNECTIONS_MAX as u32)).await;
}

/// Waits until it is said to stop, or nobody can say so any more.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// A connection's place among all, and its known facts.
type Place = (OwnedSemaphorePermit, Arc<Connection>);

enum Stream {
    Tcp(tokio::net::TcpStream),
    Unix(SocketStream),
}

/// The next connection; none when it comes from another user.
async fn accept(listening: &Listening) -> std::io::Result<Option<Stream>> {
    match listening {
        Listening::Tcp(listener) => Ok(Some(Stream::Tcp(listener.accept().await?.0))),
        Listening::Unix(listener) => Ok(listener.accept().await?.map(Stream::Unix)),
    }
}

async fn greet(stream: tokio::net::TcpStream, tls: TlsAcceptor, router: Arc<Router>, place: Place, stop: watch::Receiver<bool>) {
    let greeted = tokio::select! {
        greeted = tokio::time::timeout(HEAD_PATIENCE, tls.accept(stream)) => greeted,
        () = place.1.is_over() => return router.engine.metrics.refuse("stranger"),
    };
    match greeted {
        Ok(Ok(stream)) => talk(stream, router, place, stop).await,
        Ok(Err(_)) | Err(_) => {
            router.connections.leave(&place.1);
            router.engine.metrics.refuse("tls");
        }
    }
}

async fn talk<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    stream: S,
    router: Arc<Router>,
    (permit, place): Place,
    mut stop: watch::Receiver<bool>,
) {
    router.engine.metrics.connections.inc();
    let (answering, asking) = (Arc::clone(&router), Arc::clone(&place));
    let service = service_fn(move |request: Request<Incoming>| {
        let (router, connection) = (Arc::clone(&answering), Arc::clone(&asking));
        async move { Ok::<_, Infallible>(routes::answer(router, connection, request).await) }
    });
    let mut http = http1::Builder::new();
    let patience = if seeded::is(seeded::SLOW_FOR_EVER) { None } else { Some(HEAD_PATIENCE) };
    http.timer(TokioTimer::new()).header_read_timeout(patience).max_headers(HEADERS_MAX).max_buf_size(HEAD_BYTES_MAX).half_close(false);
    let connection = http.serve_connection(TokioIo::new(Patient::new(stream)), service);
    tokio::pin!(connection);
    // What a peer does wrong is its own affair.
    tokio::select! {
        _ = connection.as_mut() => {}
        // Anyone who shows no key makes room for others.
        () = place.is_over() => router.engine.metrics.refuse("stranger"),
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(STOP_PATIENCE, connection).await;
        }
    }
    router.engine.metrics.connections.dec();
    router.connections.leave(&place);
    drop(permit);
}
