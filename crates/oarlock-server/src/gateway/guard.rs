//! The first look at a request: is it meant for this gateway, and may its sender ask?
//!
//! A page in a browser can make requests to this machine, also under a name of its own that it lets point here (DNS
//! rebinding). So the host that a request names must be one of ours, and a page's origin too; and every request but the
//! one for health needs a key, which no page has.

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HOST, ORIGIN};
use hyper::http::uri::Uri;
use oarlock_client::gateway::{Challenge, Key, PROOF_HEADER, is_loopback, split_port};
use oarlock_host::clock::wall_ms;
use oarlock_model::{Rejection, seeded};
use oarlock_ops::OpError;
use oarlock_ops::store::StoreError;

use super::access::{AccessList, Principal, unknown_key};
use oarlock_model::rules::authority::Authority;

/// The limits on requests.
#[derive(Debug)]
pub(crate) struct Guard {
    /// The port that a host of this machine must name; none behind a proxy or on a socket.
    pub(crate) port: Option<u16>,
    /// Names besides those of this machine.
    pub(crate) hosts: Vec<String>,
    /// The hash of the key of this user, which opens everything.
    pub(crate) own_key: blake3::Hash,
    /// The part of it that is no secret.
    pub(crate) own_id: String,
    /// The keys of others.
    pub(crate) access: AccessList,
}

/// A request that was turned away.
#[derive(Debug)]
pub(super) struct Refused {
    /// Why, in a word for the metrics.
    pub(super) why: &'static str,
    /// The message to its sender.
    pub(super) error: Box<OpError>,
}

impl Refused {
    fn new(why: &'static str, error: impl Into<OpError>) -> Self {
        Self { why, error: Box::new(error.into()) }
    }
}

impl Guard {
    /// Whether the request is meant for this gateway, and no foreign page has sent it.
    ///
    /// # Errors
    /// `denied`.
    pub(super) fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refused> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = match (uri.authority(), hosts.next(), hosts.next()) {
            (Some(authority), _, None) => Some(authority.as_str()),
            (None, Some(host), None) => host.to_str().ok(),
            _ => None,
        };
        if !host.is_some_and(|host| self.is_ours(host)) && !seeded::is(seeded::ANY_HOST) {
            let hint = "use the URL that `oarlock serve` printed, or start it with --host NAME";
            return Err(Refused::new("host", denied("the request names another host than this gateway's", hint)));
        }
        if seeded::is(seeded::ANY_ORIGIN) {
            return Ok(());
        }
        let foreign = || Refused::new("origin", denied("a page of another origin cannot use this gateway", "call it from a program"));
        for origin in headers.get_all(ORIGIN) {
            let origin = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")));
            if !origin.is_some_and(|origin| self.is_ours(origin)) {
                return Err(foreign());
            }
        }
        match headers.get("sec-fetch-site") {
            Some(site) if site != "same-origin" && site != "none" => Err(foreign()),
            _ => Ok(()),
        }
    }

    /// A host that this gateway goes by, with the port where it matters.
    fn is_ours(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let Some((name, port)) = split_port(&host) else { return false };
        if self.hosts.iter().any(|own| own == name) {
            return true;
        }
        // A URL without a port means that of its scheme.
        let named = port.or(self.port.filter(|port| matches!(port, 80 | 443)));
        is_loopback(name) && (self.port.is_none() || named == self.port)
    }

    /// The proof that this gateway knows the key that a client has and has not sent yet, for the address that the client has dialled.
    ///
    /// # Errors
    /// `denied`: there is no such key; `invalid_request`.
    pub(super) fn prove(&self, uri: &Uri, headers: &HeaderMap) -> Result<String, OpError> {
        let asked = headers.get(PROOF_HEADER).and_then(|asked| asked.to_str().ok()).and_then(Challenge::parse);
        let asked =
            asked.ok_or_else(|| Rejection::invalid(format!("the header {} is not a challenge", PROOF_HEADER), "see docs/gateway.md"))?;
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let address = uri.authority().map(|authority| authority.as_str()).or(host).unwrap_or_default();
        let hash = match asked.key_id() == self.own_id {
            true => Some(self.own_key),
            false => self.access.hash_of(asked.key_id(), wall_ms())?,
        };
        let hash = hash.ok_or_else(unknown_key)?;
        Ok(asked.answer(&hash, address).to_hex().to_string())
    }

    /// Who asks, by the key in `Authorization: Bearer KEY`.
    ///
    /// # Errors
    /// `denied`.
    pub(super) fn principal(&self, headers: &HeaderMap) -> Result<Principal, Refused> {
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let (Some(given), None) = (given.next(), given.next()) else {
            let hint = "send `Authorization: Bearer KEY`; the key is in the file that `oarlock serve` printed";
            return Err(Refused::new("key", denied("this gateway wants an access key", hint)));
        };
        let key = given.to_str().ok().and_then(|text| text.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some(key) = key.and_then(|(_, key)| Key::parse(key.trim())) else { return Err(Refused::new("key", unknown_key())) };
        // Two hashes of blake3 are compared in constant time.
        if key.hash() == self.own_key || seeded::is(seeded::ANY_KEY) {
            return Ok(own());
        }
        self.access.principal(&key, wall_ms()).map_err(|error| match error {
            // A stranger does not learn where the list is, or its fault.
            OpError::Store(StoreError::Unavailable { .. }) | OpError::Damaged { .. } => {
                let (message, hint) = (
                    "the list of access keys cannot be read".to_owned(),
                    "the operator of the gateway sees more with `oarlock access list`".to_owned(),
                );
                Refused::new("access", StoreError::Unavailable { message, hint })
            }
            error => Refused::new("key", error),
        })
    }
}

/// The user who runs the gateway.
pub(crate) fn own() -> Principal {
    Principal { key_id: "own".into(), name: None, root: None, authority: Authority::Operator, verbs: Vec::new() }
}

fn denied(message: &str, hint: &'static str) -> Rejection {
    Rejection::Denied { message: message.to_owned(), hint }
}
