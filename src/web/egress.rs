//! Where requests may go (N15).
//!
//! Addresses that are written out are checked before the request; names when they are resolved for
//! the connection, so that a name which means something else a moment later gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::error::WebError;
use crate::config;

/// Names under which clouds tell a machine its secrets. They are names of link-local addresses, and
/// are refused as names too, for a proxy may be the one that resolves them.
const METADATA_NAMES: [&str; 5] = [
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
    "instance-data.ec2.internal",
];

/// The same as addresses, where those are not link-local: AWS over IPv6, Alibaba, Azure, Oracle.
const METADATA_ADDRESSES: [IpAddr; 4] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

/// The rules of `[egress]`.
#[derive(Debug)]
pub(super) struct Egress {
    allow: Vec<IpNet>,
}

/// A request may not go there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Only HTTP is spoken.
    #[error("requests go to http:// and https:// only, not to {0}:")]
    Scheme(String),
    /// The rules say no.
    #[error("{host} {fault}; if it may be reached, list its network in egress.allow (N15)")]
    Host {
        /// The name or address.
        host: String,
        /// What it is.
        fault: &'static str,
    },
}

/// What an address is, as far as the rules differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Public,
    /// Of a network of one's own; reached unless a list says which.
    Own,
    /// Reached only if listed.
    Forbidden(&'static str),
}

impl Egress {
    /// # Errors
    /// An entry that is no network.
    pub(super) fn new(allow: &[String]) -> Result<Self, WebError> {
        let network =
            |entry: &String| config::network(entry).ok_or(WebError::Network(entry.clone()));
        Ok(Self { allow: allow.iter().map(network).collect::<Result<_, _>>()? })
    }

    /// What can be said of an address of the web before anything is resolved.
    pub(super) fn check_url(&self, url: &Url) -> Result<(), Refused> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused::Scheme(url.scheme().to_owned()));
        }
        let host = url.host_str().unwrap_or_default();
        match host.trim_matches(['[', ']']).parse() {
            Ok(address) => self.check(address),
            Err(_) => check_name(host),
        }
    }

    fn check(&self, address: IpAddr) -> Result<(), Refused> {
        let address = embedded(address);
        if self.allow.iter().any(|network| network.contains(&address)) {
            return Ok(());
        }
        let fault = match reach(address) {
            Reach::Public => return Ok(()),
            Reach::Own if self.allow.is_empty() => return Ok(()),
            Reach::Own => "is a private address that is not listed",
            Reach::Forbidden(fault) => fault,
        };
        Err(Refused::Host { host: address.to_string(), fault })
    }
}

fn check_name(name: &str) -> Result<(), Refused> {
    let name = name.trim_end_matches('.');
    if METADATA_NAMES.iter().any(|metadata| name.eq_ignore_ascii_case(metadata)) {
        let fault = "is a cloud's metadata service, which may be reached by its address only";
        return Err(Refused::Host { host: name.to_owned(), fault });
    }
    Ok(())
}

/// An IPv4 address that is written as IPv6, mapped or for NAT64 (RFC 4291, RFC 6052), counts as
/// itself.
fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)).into()
        }
        _ => v6.to_canonical(),
    }
}

fn reach(address: IpAddr) -> Reach {
    if METADATA_ADDRESSES.contains(&address) {
        return Reach::Forbidden("is a cloud's metadata service");
    }
    if address.is_multicast() {
        return Reach::Forbidden("is a multicast address");
    }
    match address {
        IpAddr::V4(v4) => reach_v4(v4),
        IpAddr::V6(v6) => reach_v6(v6),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [169, 254, ..] => Reach::Forbidden("is a link-local address"),
        // The first means this host to Linux; the last is broadcast and what was never given out.
        [0, ..] | [240..=255, ..] => Reach::Forbidden("is no address of a host"),
        // 100.64/10 is a provider's own network (RFC 6598).
        [100, 64..=127, ..] => Reach::Own,
        _ if address.is_private() || address.is_loopback() => Reach::Own,
        _ => Reach::Public,
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    if address.is_unicast_link_local() {
        Reach::Forbidden("is a link-local address")
    } else if address.is_unspecified() {
        Reach::Forbidden("is no address of a host")
    } else if address.is_loopback() || address.is_unique_local() {
        Reach::Own
    } else {
        Reach::Public
    }
}

/// Resolves names to those of their addresses that may be reached.
pub(super) struct Guard(pub(super) Arc<Egress>);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = Arc::clone(&self.0);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed = allowed(&egress, found)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The addresses that may be reached; an error if there were some and none may.
fn allowed(
    egress: &Egress,
    found: impl Iterator<Item = SocketAddr>,
) -> Result<Vec<SocketAddr>, Refused> {
    let mut allowed = Vec::new();
    let mut refused = None;
    for address in found {
        match egress.check(address.ip()) {
            Ok(()) => allowed.push(address),
            Err(why) => refused = Some(why),
        }
    }
    match refused {
        Some(why) if allowed.is_empty() => Err(why),
        _ => Ok(allowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn egress(allow: &[&str]) -> Egress {
        Egress::new(&allow.iter().map(|network| (*network).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    fn goes(egress: &Egress, url: &str) -> bool {
        egress.check_url(&Url::parse(url).unwrap()).is_ok()
    }

    const OWN: [&str; 9] = [
        "http://127.0.0.1/",
        "http://10.1.2.3/",
        "http://172.16.0.1/",
        "http://192.168.1.1:8080/",
        "http://100.64.0.1/",
        "http://[::1]/",
        "http://[fd12::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://2130706433/",
    ];
    const NEVER: [&str; 17] = [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://2852039166/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "http://168.63.129.16/",
        "http://192.0.0.192/",
        "http://224.0.0.1/",
        "http://[ff02::1]/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://255.255.255.255/",
        "https://metadata.google.internal./",
        "http://METADATA/",
        "ftp://192.0.2.1/",
    ];
    const PUBLIC: [&str; 3] =
        ["https://93.184.216.34/", "http://[2606:2800:220::1]/", "http://example.org/"];

    #[test]
    fn by_default_all_but_link_local_metadata_and_no_hosts_n15() {
        let egress = egress(&[]);
        for url in OWN.iter().chain(&PUBLIC) {
            assert!(goes(&egress, url), "{url}");
        }
        for url in NEVER {
            assert!(!goes(&egress, url), "{url}");
        }
    }

    #[test]
    fn with_a_list_only_those_own_networks_that_are_on_it_n15() {
        let egress = egress(&["10.0.0.0/8", "169.254.169.254", "fd12::/16"]);
        for url in PUBLIC {
            assert!(goes(&egress, url), "{url}");
        }
        let listed = ["http://10.1.2.3/", "http://[::ffff:10.0.0.1]/", "http://[fd12::1]/"];
        for url in listed.iter().chain(&["http://169.254.169.254/"]) {
            assert!(goes(&egress, url), "{url}");
        }
        for url in OWN.iter().filter(|url| !listed.contains(url)) {
            assert!(!goes(&egress, url), "{url}");
        }
        assert!(!goes(&egress, "http://169.254.169.253/"));
    }

    #[test]
    fn a_refusal_says_what_would_allow_it() {
        let url = Url::parse("http://[::ffff:169.254.169.254]/token?secret").unwrap();
        let refused = egress(&[]).check_url(&url).unwrap_err().to_string();
        assert_eq!(
            refused,
            "169.254.169.254 is a link-local address; if it may be reached, list its network in \
             egress.allow (N15)"
        );
        let bad = Egress::new(&["10.0.0.0/8".into(), "ten".into()]).unwrap_err();
        assert!(bad.to_string().contains("`ten` is no network"), "{bad}");
    }

    #[test]
    fn of_a_names_addresses_those_are_used_that_may_be_reached() {
        let egress = egress(&[]);
        let found = |addresses: &[&str]| {
            let parsed: Vec<SocketAddr> = addresses.iter().map(|a| a.parse().unwrap()).collect();
            allowed(&egress, parsed.into_iter())
        };
        assert_eq!(found(&["169.254.1.1:0", "10.0.0.1:0"]).unwrap().len(), 1);
        assert!(found(&["169.254.1.1:0"]).is_err());
        assert_eq!(found(&[]), Ok(Vec::new()));
    }
}
