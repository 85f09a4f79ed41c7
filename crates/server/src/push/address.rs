//! Addresses that a push may go to.
//!
//! A device names the URL that the server posts to. It must not reach what only the server can reach: this machine,
//! its network, the cloud's metadata.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether the address is one of the open internet's (the IANA registries of special-purpose addresses, and
/// multicast, are not).
pub(super) fn is_global(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_global_v4(v4),
        IpAddr::V6(v6) => is_global_v6(v6),
    }
}

fn is_global_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0                                  // this network
        || a >= 224                                // multicast, reserved, broadcast
        || (a == 100 && (64..128).contains(&b))    // shared by carriers
        || (a == 192 && b == 0 && c == 0)          // protocol assignments
        || (a == 192 && b == 88 && c == 99)        // 6to4 relays
        || (a == 198 && (18..20).contains(&b))) // benchmarks
}

fn is_global_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Of all that is assigned, only 2000::/3 is; in it, what carries an IPv4 address inside or is for examples is not.
    (0x2000..0x4000).contains(&a)
        && !(a == 0x2001 && (b < 0x0200 || b == 0x0db8))
        && a != 0x2002
        && !(a == 0x3fff && b < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_open_internet_is_reached() {
        for good in
            ["1.1.1.1", "142.250.180.138", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"]
        {
            assert!(is_global(good.parse().unwrap()), "{good}");
        }
    }

    #[test]
    fn nothing_else_is() {
        let bad = [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for bad in bad {
            assert!(!is_global(bad.parse().unwrap()), "{bad}");
        }
    }
}
