//! TLS of the gateway's own side.

use oarlock_host::file::{self as host_file, WithoutTraps as _};
use oarlock_model::{Rejection, seeded};
use oarlock_ops::OpError;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// TLS with this certificate chain and its private key, both in PEM.
///
/// # Errors
/// `data_damaged` when one of the files cannot be read, or they do not belong together.
pub(crate) fn acceptor(certificates: &Path, key: &Path) -> Result<TlsAcceptor, OpError> {
    let damaged = |file: &Path, why: String| OpError::Damaged {
        message: format!("{}: {why}", file.display()),
        hint: "give a certificate chain and its private key in PEM".into(),
        details: json!({"file": file.display().to_string()}),
    };
    let chain = CertificateDer::pem_file_iter(certificates)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| damaged(certificates, error.to_string()))?;
    let private = private_key(key, damaged)?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| OpError::Internal(format!("TLS: {error}")))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| damaged(certificates, error.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The private key, which nobody else may read. It is opened once, so that the judged file is the read one; links are followed, because
/// programs that renew certificates keep the key of the day behind one. As PostgreSQL has it, a key of root's may be readable by a group.
fn private_key(file: &Path, damaged: impl Fn(&Path, String) -> OpError) -> Result<PrivateKeyDer<'static>, OpError> {
    let opened = OpenOptions::new().read(true).without_waiting().open(file).map_err(|error| damaged(file, error.to_string()))?;
    let found = opened.metadata().map_err(|error| damaged(file, error.to_string()))?;
    if !found.is_file() {
        return Err(damaged(file, "it is not a regular file".into()));
    }
    if !is_private_key_of_ours(&found) && !seeded::is(seeded::OPEN_KEY_FILE) {
        return Err(Rejection::Denied {
            message: format!("the private key {} can be read or changed by other users, or belongs to one", file.display()),
            hint: "chmod 600 it; make a new key if this one may be known",
        }
        .into());
    }
    let mut pem = Vec::new();
    opened.take(KEY_BYTES_MAX).read_to_end(&mut pem).map_err(|error| damaged(file, error.to_string()))?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|error| damaged(file, error.to_string()))
}

/// The longest private key that is read, in bytes.
const KEY_BYTES_MAX: u64 = 1 << 20;

#[cfg(unix)]
fn is_private_key_of_ours(found: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let is_roots = host_file::owner(found).is_root();
    host_file::is_for_owner_only(found) || (is_roots && found.mode() & 0o027 == 0)
}

#[cfg(not(unix))]
fn is_private_key_of_ours(found: &std::fs::Metadata) -> bool {
    host_file::is_for_owner_only(found)
}
