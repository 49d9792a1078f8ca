//! Which addresses a request may go to that somebody else asked for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What lies behind an address, as far as the operator's grant is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Public,
    /// A private network, this very machine: only with `allow_private`.
    Private,
    /// Link-local, metadata services of clouds, what is no single host: under no grant.
    Never,
}

/// A name led to an address that the grant does not cover.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AddressRefused {
    #[error("the address is link-local or a metadata service, which no grant covers")]
    Never,
    #[error("the address is private; the grant needs `allow_private = true`")]
    Private,
}

/// Whether a connection may go there; private addresses only where the operator grants them.
pub fn admissible(address: IpAddr, allow_private: bool) -> Result<(), AddressRefused> {
    match reach(address) {
        Reach::Public => Ok(()),
        Reach::Private if allow_private => Ok(()),
        Reach::Private => Err(AddressRefused::Private),
        Reach::Never => Err(AddressRefused::Never),
    }
}

/// Metadata services that do not lie in a link-local range: Alibaba, Azure's wire server, Oracle.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
/// The same by IPv6: Amazon (EC2, ECS), Google.
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    let [a, b, ..] = address.octets();
    let never = METADATA_V4.contains(&address)
        || address.is_link_local()
        || address.is_multicast()
        // 0.0.0.0/8 means this very machine on Linux, 240.0.0.0/4 is reserved, its last address a broadcast.
        || a == 0
        || a >= 240;
    let shared_or_benchmark = (a == 100 && (64..128).contains(&b)) || (a == 198 && (b & 0xfe) == 18);
    if never {
        Reach::Never
    } else if address.is_private() || address.is_loopback() || shared_or_benchmark {
        Reach::Private
    } else {
        Reach::Public
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    let segments = address.segments();
    let own = if METADATA_V6.contains(&address)
        || address.is_unspecified()
        || address.is_multicast()
        || is_local_link(segments[0])
    {
        Reach::Never
    } else if address.is_loopback() || address.is_unique_local() {
        Reach::Private
    } else {
        Reach::Public
    };
    match embedded(address) {
        Embedded::Nothing => own,
        Embedded::Address(inner) => own.max(reach_v4(inner)),
        Embedded::Hidden => Reach::Never,
    }
}

/// fe80::/10, and fec0::/10, its long deprecated sibling.
fn is_local_link(first: u16) -> bool {
    first & 0xff80 == 0xfe80
}

/// An IPv4 address in the clothes of IPv6.
enum Embedded {
    Nothing,
    Address(Ipv4Addr),
    /// It goes through somebody's relay, scrambled.
    Hidden,
}

fn embedded(address: Ipv6Addr) -> Embedded {
    let s = address.segments();
    let from = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Embedded::Address(Ipv4Addr::new(a, b, c, d))
    };
    match s {
        // `::1` is IPv6's own loopback.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Embedded::Nothing,
        // Compatible, mapped, translated (RFC 2765).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => from(high, low),
        // NAT64: the well-known prefix, the one for local use.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => from(high, low),
        [0x64, 0xff9b, ..] => Embedded::Hidden,
        // 6to4, Teredo.
        [0x2002, high, low, ..] => from(high, low),
        [0x2001, 0, ..] => Embedded::Hidden,
        // ISATAP.
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => from(high, low),
        _ => Embedded::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach_of(text: &str) -> Reach {
        reach(text.parse().unwrap())
    }

    #[test]
    fn t18_metadata_and_link_local_addresses_are_never_reached() {
        for text in [
            "169.254.169.254",
            "169.254.170.2",
            "169.254.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "0.0.0.0",
            "0.1.2.3",
            "255.255.255.255",
            "224.0.0.1",
            "::",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "::ffff:0:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "2001:0:a9fe:a9fe::1",
            "2a00::5efe:a9fe:a9fe",
        ] {
            assert_eq!(reach_of(text), Reach::Never, "{text}");
        }
    }

    #[test]
    fn t18_private_addresses_need_a_grant_in_every_spelling() {
        for text in [
            "127.0.0.1",
            "127.1.2.3",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "198.18.0.1",
            "::1",
            "fd12::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:c0a8:101::1",
        ] {
            assert_eq!(reach_of(text), Reach::Private, "{text}");
        }
    }

    #[test]
    fn other_addresses_are_public() {
        for text in ["1.1.1.1", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"] {
            assert_eq!(reach_of(text), Reach::Public, "{text}");
        }
    }
}
