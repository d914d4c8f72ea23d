//! What an address tells before anybody calls it.

use std::net::Ipv4Addr;

use redis::IntoConnectionInfo;
use url::{Host, Url};

/// Whether it leads to this machine or a private network.
pub(super) fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(ip)) => is_local_v4(ip),
        Some(Host::Ipv6(ip)) => match ip.to_ipv4_mapped() {
            Some(ip) => is_local_v4(ip),
            None => {
                ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local()
            }
        },
        None => true,
    }
}

fn is_local_v4(ip: Ipv4Addr) -> bool {
    ip.is_loopback() || ip.is_private() || ip.is_unspecified() || ip.is_link_local()
}

/// Whether the client of Redis can read it. What stands after `#` would switch off the check of the certificate.
pub(super) fn is_redis(text: &str) -> bool {
    !text.contains('#') && text.into_connection_info().is_ok()
}
