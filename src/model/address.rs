//! Which IP addresses are public, and which only an operator's word opens.
use ipnet::IpNet;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

/// The class of an address that is refused unless allowed, or `None` for a public one.
///
/// IPv4 addresses inside IPv6 ones (mapped, compatible, NAT64, 6to4, Teredo) are judged as the IPv4
/// address that they reach. Source: the IANA special-purpose address registries (RFC 6890).
pub fn refusal(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => refusal_v4(address),
        IpAddr::V6(address) => refusal_v6(address),
    }
}

/// True where `address` may be dialled: it is public, or one of `allow` holds it.
///
/// A v4-mapped IPv6 address is compared as the IPv4 address it stands for. Metadata services are
/// only allowed by a network of at most 256 addresses: allowing 169.254.0.0/16 is never meant so.
pub fn is_allowed(address: IpAddr, allow: &[IpNet]) -> bool {
    let address = address.to_canonical();
    match refusal(address) {
        None => true,
        Some(METADATA) => {
            let narrow = |it: &&IpNet| it.max_prefix_len() - it.prefix_len() <= 8;
            allow.iter().filter(narrow).any(|it| it.contains(&address))
        }
        Some(_) => allow.iter().any(|it| it.contains(&address)),
    }
}

/// The class of cloud metadata services, whose answers are credentials.
pub const METADATA: &str = "metadata";

fn refusal_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, d] = address.octets();
    Some(match (a, b, c, d) {
        (0, ..) => "unspecified",
        (127, ..) => "loopback",
        (10, ..) | (192, 168, ..) => "private",
        (172, 16..=31, ..) => "private",
        // Azure's host agent and Alibaba Cloud's metadata service lie outside 169.254/16.
        (169, 254, 169, 254) | (169, 254, 170, 2) | (169, 254, 170, 23) => METADATA,
        (168, 63, 129, 16) | (100, 100, 100, 200) => METADATA,
        (169, 254, ..) => "link_local",
        (100, 64..=127, ..) => "cgnat",
        (192, 0, 0, _) => "reserved",
        (192, 0, 2, _) | (198, 51, 100, _) | (203, 0, 113, _) => "documentation",
        (192, 88, 99, _) => "reserved",
        (198, 18..=19, ..) => "benchmarking",
        (224..=239, ..) => "multicast",
        (255, 255, 255, 255) => "broadcast",
        (240..=255, ..) => "reserved",
        _ => return None,
    })
}

fn refusal_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    if address.is_unspecified() {
        return Some("unspecified");
    }
    if address.is_loopback() {
        return Some("loopback");
    }
    if let Some(inner) = embedded_v4(segments) {
        return refusal_v4(inner).or(Some("translated").filter(|_| segments[0] == 0x2001));
    }
    match segments {
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => {
            Some(METADATA)
        }
        [0xfc00..=0xfdff, ..] => Some("private"),
        [0xfe80..=0xfebf, ..] => Some("link_local"),
        [0xfec0..=0xfeff, ..] => Some("private"),
        [0xff00..=0xffff, ..] => Some("multicast"),
        [0x64, 0xff9b, 1, ..] => Some("translated"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Some("documentation"),
        [0x2001, 2, 0, ..] => Some("benchmarking"),
        [0x2001, 0..=0x1ff, ..] => Some("reserved"),
        [0x100, 0, 0, 0, ..] => Some("reserved"),
        [0x5f00, ..] => Some("reserved"),
        // Global unicast is 2000::/3; everything else is not assigned (RFC 4291 §2.4).
        [0x2000..=0x3fff, ..] => None,
        _ => Some("reserved"),
    }
}

/// The IPv4 address that an IPv6 one leads to, where it has one in it.
fn embedded_v4(segments: [u16; 8]) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] => Some(join(high, low)), // mapped (RFC 4291 §2.5.5.2)
        [0, 0, 0, 0, 0xffff, 0, high, low] => Some(join(high, low)), // translated (RFC 2765 §2.1)
        [0, 0, 0, 0, 0, 0, high, low] => Some(join(high, low)), // compatible (RFC 4291 §2.5.5.1)
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)), // NAT64 (RFC 6052 §2.1)
        [0x2002, high, low, ..] => Some(join(high, low)),       // 6to4 (RFC 3056 §2)
        [0x2001, 0, _, _, _, _, high, low] => Some(join(!high, !low)), // Teredo (RFC 4380 §4)
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_every_spelling_of_a_place_inside() {
        for address in [
            "127.0.0.1",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "169.254.1.1",
            "100.64.0.1",
            "100.100.100.200",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "198.18.0.1",
            "240.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001:0::1",
            "2001:0:1::f5ff:fffe",
            "ff02::1",
            "2001:db8::1",
            "100::1",
            "::ffff:0:10.0.0.1",
            "fec0::1",
            "4000::1",
        ] {
            assert!(refusal(address.parse().unwrap()).is_some(), "{address}");
        }
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "172.32.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert_eq!(refusal(address.parse().unwrap()), None, "{address}");
        }
    }

    #[test]
    fn an_allowance_opens_what_it_names_and_nothing_else() {
        let allow = ["10.1.0.0/16".parse().unwrap(), "169.254.0.0/16".parse().unwrap()];
        for (address, allowed) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("10.2.0.1", false),
            ("169.254.7.7", true),
            ("169.254.169.254", false),
            ("1.1.1.1", true),
        ] {
            assert_eq!(is_allowed(address.parse().unwrap(), &allow), allowed, "{address}");
        }
        let metadata = ["169.254.169.254/32".parse().unwrap()];
        assert!(is_allowed("169.254.169.254".parse().unwrap(), &metadata));
    }
}
