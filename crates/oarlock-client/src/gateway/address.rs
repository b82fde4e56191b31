//! Where a gateway listens and is found: `http://HOST:PORT`, `https://HOST:PORT`, `unix:PATH`.

use oarlock_model::Rejection;
use oarlock_model::ident::shown;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// The port of a gateway that names none.
const PORT_DEFAULT: u16 = 7117;

/// Where a client finds a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// By TCP.
    Net {
        /// Whether the connection is encrypted.
        tls: bool,
        /// A name or an address, an IPv6 one without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// By a socket of this machine.
    Unix(PathBuf),
}

impl Address {
    /// Whether a store's URL names a gateway.
    pub fn is_one(url: &str) -> bool {
        ["http://", "https://", "unix:"].iter().any(|scheme| url.starts_with(scheme))
    }

    /// Reads `http(s)://HOST:PORT` or `unix:PATH`.
    ///
    /// # Errors
    /// `invalid_request`: another form, also one with a name, a password, a path or a query: a key never is in a URL.
    pub fn parse(url: &str) -> Result<Self, Rejection> {
        let wrong = || {
            Rejection::invalid(
                format!("\"{}\" is not the URL of a gateway", shown(url)),
                "write http://HOST:PORT, https://HOST:PORT or unix:PATH, and nothing after it",
            )
        };
        if let Some(path) = url.strip_prefix("unix:") {
            return if path.is_empty() { Err(wrong()) } else { Ok(Address::Unix(PathBuf::from(path))) };
        }
        let (tls, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(wrong()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = split_port(rest).ok_or_else(wrong)?;
        let host_is_fine = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':'));
        if !host_is_fine {
            return Err(wrong());
        }
        let port = port.unwrap_or(if tls { 443 } else { PORT_DEFAULT });
        Ok(Address::Net { tls, host: host.to_ascii_lowercase(), port })
    }

    /// The value for a request's `Host` header.
    pub fn authority(&self) -> String {
        match self {
            Address::Net { host, port, .. } if host.contains(':') => format!("[{host}]:{port}"),
            Address::Net { host, port, .. } => format!("{host}:{port}"),
            Address::Unix(_) => "localhost".into(),
        }
    }

    /// A name for what belongs to this address: no character of it is left that means something to a file system.
    pub fn file_name(&self) -> String {
        match self {
            // Every way to say "this machine" is one gateway.
            Address::Net { host, port, .. } if is_loopback(host) => format!("localhost_{port}"),
            Address::Net { host, port, .. } => format!("{}_{port}", host.replace(':', "-")),
            Address::Unix(path) => {
                let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                format!("unix_{}", &blake3::hash(path.as_os_str().as_encoded_bytes()).to_hex()[..32])
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Net { tls, .. } => write!(f, "{}://{}", if *tls { "https" } else { "http" }, self.authority()),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Whether a name or address is this machine.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A host and its port, if it has one: `a`, `a:1`, `[::1]`, `[::1]:1`.
pub fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    match port {
        Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => Some((host, Some(port.parse().ok()?))),
        Some(_) => None,
        None => Some((host, None)),
    }
}

/// Where a gateway listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bind {
    /// On an address; port 0 takes one that is free.
    Net(SocketAddr),
    /// On a socket of this machine.
    Unix(PathBuf),
}

impl Bind {
    /// Reads `IP:PORT`, `IP`, `localhost[:PORT]` or `unix:PATH`.
    ///
    /// # Errors
    /// `invalid_request`. Names are not resolved: the bound address is reported.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let wrong = || {
            Rejection::invalid(
                format!("\"{}\" is not an address to listen at", shown(text)),
                "write IP:PORT, for example 127.0.0.1:7117, or unix:PATH",
            )
        };
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err(wrong()) } else { Ok(Bind::Unix(PathBuf::from(path))) };
        }
        let text = text.strip_prefix("http://").unwrap_or(text);
        let (host, port) = split_port(text).ok_or_else(wrong)?;
        let ip: IpAddr = if host == "localhost" { [127, 0, 0, 1].into() } else { host.parse().map_err(|_| wrong())? };
        Ok(Bind::Net(SocketAddr::new(ip, port.unwrap_or(PORT_DEFAULT))))
    }

    /// Whether only this machine can reach it.
    pub fn is_local(&self) -> bool {
        match self {
            Bind::Net(address) => address.ip().is_loopback(),
            Bind::Unix(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_shown() {
        for (url, shown) in [
            ("http://127.0.0.1:80", "http://127.0.0.1:80"),
            ("http://LOCALHOST", "http://localhost:7117"),
            ("https://gate.example/", "https://gate.example:443"),
            ("http://[::1]:9", "http://[::1]:9"),
            ("unix:/run/oarlock.sock", "unix:/run/oarlock.sock"),
        ] {
            assert_eq!(Address::parse(url).expect(url).to_string(), shown);
        }
    }

    #[test]
    fn no_url_carries_a_key_a_path_or_a_trick() {
        for url in [
            "http://",
            "http://a@b",
            "http://a:b@c:1",
            "http://a:1/x",
            "http://a?k=1",
            "http://a:x",
            "http://a b",
            "ftp://a",
            "http://../x",
            "unix:",
        ] {
            assert!(Address::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn the_name_of_a_file_is_never_a_way_to_another_folder() {
        for url in ["http://..:1", "http://127.0.0.1:1", "https://[fe80::1]:2", "unix:../../x"] {
            let name = Address::parse(url).expect(url).file_name();
            assert!(!name.contains('/') && !name.contains(".."[..].trim()) || name.starts_with(".._"), "{name}");
        }
        let names = ["http://127.0.0.1:5", "http://localhost:5", "http://[::1]:5"].map(|url| Address::parse(url).expect(url).file_name());
        assert!(names.iter().all(|name| name == "localhost_5"), "{names:?}");
    }

    #[test]
    fn what_is_bound_is_said_in_numbers() {
        assert_eq!(Bind::parse("127.0.0.1:0").expect("fine"), Bind::Net(([127, 0, 0, 1], 0).into()));
        assert!(Bind::parse("localhost").expect("fine").is_local() && Bind::parse("unix:/a").expect("fine").is_local());
        assert!(!Bind::parse("0.0.0.0:1").expect("fine").is_local());
        assert!(Bind::parse("example.org:1").is_err() && Bind::parse("1.2.3.4:99999").is_err() && Bind::parse("").is_err());
    }
}
