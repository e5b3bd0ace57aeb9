//! The hosts file, hosts(5): the addresses it gives a name; reading the file is left to the resolver.

use std::net::IpAddr;

/// The addresses of `name` in the text of a hosts file; all lines count, and lines that are none are skipped.
pub(super) fn addresses(content: &[u8], name: &str) -> Vec<IpAddr> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let mut addresses = Vec::new();
    for line in content.split(|byte| *byte == b'\n') {
        let Some(text) = line.split(|byte| *byte == b'#').next() else { continue };
        let mut words = str::from_utf8(text).unwrap_or_default().split_ascii_whitespace();
        let Some(Ok(address)) = words.next().map(str::parse) else { continue };
        if words.any(|known| known.eq_ignore_ascii_case(name)) {
            super::add(&mut addresses, address);
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    const KUBERNETES: &str = "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n\
        ::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n10.244.0.7\tsmoker-server-x\n\
        # Entries added by HostAliases.\n10.1.2.3\tfoo.remote\tbar.remote # why\n";

    #[test]
    fn finds_a_name_and_its_aliases() {
        for (name, expected) in [
            ("smoker-server-x", &["10.244.0.7"][..]),
            ("bar.remote", &["10.1.2.3"]),
            ("BAR.Remote.", &["10.1.2.3"]),
            ("localhost", &["127.0.0.1", "::1"]),
            ("why", &[]),
            ("remote", &[]),
            ("10.244.0.7", &[]),
        ] {
            let expected: Vec<IpAddr> = expected.iter().map(|text| text.parse().unwrap()).collect();
            assert_eq!(addresses(KUBERNETES.as_bytes(), name), expected, "{name}");
        }
    }

    #[test]
    fn ipv4_comes_first_whatever_the_order_of_the_lines() {
        let content = b"fd00::1 a\n10.0.0.1 a\nfd00::2 a\n10.0.0.2 a";
        let expected =
            ["10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2"].map(|text| text.parse::<IpAddr>().unwrap());
        assert_eq!(addresses(content, "a"), expected);
    }

    #[test]
    fn skips_lines_that_are_none() {
        let content =
            b"\xff\xfe a\n10.0.0.999 a\n#10.0.0.8 a\n10.0.0.9\nfe80::1%eth0 a\n\r\n  10.0.0.1 a\r\n\0";
        assert_eq!(addresses(content, "a"), ["10.0.0.1".parse::<IpAddr>().unwrap()]);
    }
}
