//! Sockets of this machine: for their owner alone, and with the peer's user looked at. They need a Unix system; elsewhere there is only TCP.

#[cfg(not(unix))]
pub(super) use of_none::knock;
#[cfg(not(unix))]
pub use of_none::{SocketListener, Stream, connect};
#[cfg(unix)]
pub(super) use of_unix::knock;
#[cfg(unix)]
pub use of_unix::{SocketListener, Stream, connect};

#[cfg(unix)]
mod of_unix {
    use std::io;
    use std::os::unix::fs::FileTypeExt as _;
    use std::path::{Path, PathBuf};

    use oarlock_host::file;
    use tokio::net::UnixListener;

    /// One connection.
    pub type Stream = tokio::net::UnixStream;

    /// A socket that is listened on. Its file goes with it.
    #[derive(Debug)]
    pub struct SocketListener {
        listener: UnixListener,
        path: PathBuf,
        identity: (u64, u64),
    }

    impl SocketListener {
        /// Listens, for its owner alone, in the place of a socket that nobody listens on any more.
        ///
        /// # Errors
        /// Something else is there, or the place cannot be written.
        pub fn bind(path: &Path) -> io::Result<Self> {
            if let Ok(found) = path.symlink_metadata() {
                let is_stale = found.file_type().is_socket() && knock(path).is_err();
                if !is_stale {
                    return Err(io::Error::new(io::ErrorKind::AddrInUse, "something else is there"));
                }
                std::fs::remove_file(path)?;
            }
            // Nobody can connect between the making of the socket and the taking away of others' rights: it has another name until then.
            let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let hidden = tempfile::Builder::new().prefix(".oarlock-").tempdir_in(dir)?;
            let first = hidden.path().join("s");
            let listener = UnixListener::bind(&first)?;
            file::keep_for_owner(&first)?;
            std::fs::rename(&first, path)?;
            Ok(Self { listener, path: path.to_owned(), identity: file::identity_at(path)? })
        }

        /// The next connection; none when it comes from another user.
        ///
        /// # Errors
        /// The system refuses, or does not say who it is.
        pub async fn accept(&self) -> io::Result<Option<Stream>> {
            let (stream, _) = self.listener.accept().await?;
            let peer = stream.peer_cred()?.uid();
            Ok(is_trusted(peer).then_some(stream))
        }
    }

    impl Drop for SocketListener {
        fn drop(&mut self) {
            // Somebody else may listen there by now.
            if file::identity_at(&self.path).is_ok_and(|found| found == self.identity) {
                let _ = std::fs::remove_file(&self.path);
            }
        }
    }

    /// Connects, to a listener of this user or of root: another one would get the key.
    ///
    /// # Errors
    /// Nobody listens (`ConnectionRefused`, `NotFound`), or somebody else does (`PermissionDenied`).
    pub async fn connect(path: &Path) -> io::Result<Stream> {
        let stream = Stream::connect(path).await?;
        if !is_trusted(stream.peer_cred()?.uid()) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "another user listens there"));
        }
        Ok(stream)
    }

    /// Whether a peer of this user id is this user, or root.
    fn is_trusted(peer: u32) -> bool {
        peer == rustix::process::geteuid().as_raw() || peer == 0
    }

    /// Whether somebody listens.
    ///
    /// # Errors
    /// Nobody does.
    pub(crate) fn knock(path: &Path) -> io::Result<()> {
        std::os::unix::net::UnixStream::connect(path).map(drop)
    }
}

#[cfg(not(unix))]
mod of_none {
    use std::convert::Infallible;
    use std::io;
    use std::path::Path;

    /// One connection, of which there are none; the type is one that a connection can have.
    pub type Stream = tokio::net::TcpStream;

    /// A socket that is listened on: there is none.
    #[derive(Debug)]
    pub struct SocketListener(Infallible);

    impl SocketListener {
        /// Refuses.
        ///
        /// # Errors
        /// Always.
        pub fn bind(_path: &Path) -> io::Result<Self> {
            Err(unsupported())
        }

        /// The next connection.
        ///
        /// # Errors
        /// None here; the signature is that of all systems.
        pub async fn accept(&self) -> io::Result<Option<Stream>> {
            match self.0 {}
        }
    }

    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub async fn connect(_path: &Path) -> io::Result<Stream> {
        Err(unsupported())
    }

    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub(crate) fn knock(_path: &Path) -> io::Result<()> {
        Err(unsupported())
    }

    fn unsupported() -> io::Error {
        io::Error::new(io::ErrorKind::Unsupported, "this system has no sockets of Unix: use http://127.0.0.1:PORT")
    }
}
