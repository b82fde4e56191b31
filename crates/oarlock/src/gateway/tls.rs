//! TLS of the gateway's own side.

use oarlock_ops::OpError;
use serde_json::json;
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
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| damaged(key, error.to_string()))?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| OpError::Internal(format!("TLS: {error}")))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| damaged(certificates, error.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
