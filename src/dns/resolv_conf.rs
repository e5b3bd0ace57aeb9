//! resolv.conf(5) as Linux and the kubelet write it: nameservers, candidate names and time limits; asking is
//! left to `look_up`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use super::Name;
use crate::digits;

/// The most nameservers used, `MAXNS` of resolv.conf(5).
const NAMESERVER_LIMIT: usize = 3;

/// The most search domains used: what Kubernetes lets a pod have (a `dnsConfig.searches` of 32).
const SEARCH_LIMIT: usize = 32;

/// The cap of `ndots`, as in resolv.conf(5).
const NDOTS_LIMIT: u16 = 15;

/// The cap of `timeout` in seconds, as in resolv.conf(5).
const TIMEOUT_LIMIT_S: u16 = 30;

/// The cap of `attempts`, as in resolv.conf(5).
const ATTEMPTS_LIMIT: u16 = 5;

/// The port of DNS over UDP and TCP (RFC 1035, 4.2).
const PORT: u16 = 53;

/// The contents of resolv.conf. Out of scope: the other options (`rotate`, `use-vc`, …), `sortlist`, the
/// variables `LOCALDOMAIN` and `RES_OPTIONS`, and a search list made up from the host's own name, which in a
/// pod has no dot.
#[derive(Debug, PartialEq)]
pub(super) struct ResolvConf {
    /// In the order of the file; never empty.
    pub(super) nameservers: Vec<SocketAddr>,
    pub(super) search: Vec<Name>,
    /// A name with so many dots is first tried as it is.
    pub(super) ndots: usize,
    /// The longest wait for one nameserver at one attempt.
    pub(super) timeout: Duration,
    /// How often the nameservers are gone through.
    pub(super) attempts: usize,
}

impl ResolvConf {
    /// Reads the text of a resolv.conf. What it does not understand it skips, as every resolver does.
    /// `scope_id` gives the number of a network interface, for `nameserver fe80::1%eth0`.
    pub(super) fn parse(content: &[u8], scope_id: &dyn Fn(&str) -> u32) -> Self {
        let mut conf = Self {
            nameservers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
        };
        for line in content.split(|byte| *byte == b'\n') {
            conf.apply(str::from_utf8(line).unwrap_or_default(), scope_id);
        }
        if conf.nameservers.is_empty() {
            conf.nameservers.push((Ipv4Addr::LOCALHOST, PORT).into());
        }
        conf
    }

    /// The names to ask for, in order. An absolute name (written with a final dot) is asked for alone;
    /// otherwise the search list comes before the name as it is, or after it where that has `ndots` dots.
    pub(super) fn candidates(&self, name: &Name, absolute: bool) -> Vec<Name> {
        let searched = self.search.iter().filter_map(|domain| name.within(domain));
        let as_it_is = || std::iter::once(name.clone());
        let listed: Vec<Name> = if absolute {
            as_it_is().collect()
        } else if name.dots() >= self.ndots {
            as_it_is().chain(searched).collect()
        } else {
            searched.chain(as_it_is()).collect()
        };
        let mut candidates = Vec::with_capacity(listed.len());
        for name in listed {
            if !candidates.contains(&name) {
                candidates.push(name);
            }
        }
        candidates
    }

    /// The Service that every cluster has, in the cluster of the search list: there `svc` comes before
    /// the cluster's domain (Kubernetes, DNS for Services and Pods).
    pub(super) fn kubernetes(&self) -> Option<Name> {
        let is_first = |label: &[u8]| label.eq_ignore_ascii_case(b"svc");
        let services = self.search.iter().find(|domain| domain.labels().next().is_some_and(is_first))?;
        Name::domain("kubernetes.default")?.within(services)
    }

    /// Applies one line. The keyword begins the line; a word that begins with `#` or `;` ends it.
    fn apply(&mut self, line: &str, scope_id: &dyn Fn(&str) -> u32) {
        if line.starts_with([' ', '\t']) {
            return;
        }
        let mut words = line.split_ascii_whitespace().take_while(|word| !word.starts_with(['#', ';']));
        let keyword = words.next().unwrap_or_default();
        let mut values = words.peekable();
        if values.peek().is_none() {
            return;
        }
        match keyword {
            "nameserver" if self.nameservers.len() < NAMESERVER_LIMIT => {
                self.nameservers.extend(values.next().and_then(|value| nameserver(value, scope_id)));
            }
            // The two share one list, of which the last line in the file wins.
            "domain" => self.search = values.take(1).filter_map(Name::domain).collect(),
            "search" => self.search = values.filter_map(Name::domain).take(SEARCH_LIMIT).collect(),
            "options" => values.for_each(|value| self.set(value)),
            _ => {}
        }
    }

    fn set(&mut self, option: &str) {
        let Some((name, value)) = option.split_once(':') else { return };
        let Some(value) = number(value) else { return };
        match name {
            "ndots" => self.ndots = value.min(NDOTS_LIMIT).into(),
            // With zero of either no server would be asked at all.
            "timeout" => self.timeout = Duration::from_secs(value.clamp(1, TIMEOUT_LIMIT_S).into()),
            "attempts" => self.attempts = value.clamp(1, ATTEMPTS_LIMIT).into(),
            _ => {}
        }
    }
}

/// An address, a link-local one with its interface by name or number. Where the interface is unknown the
/// server stays in the list, unreachable: to ask another in its place would hide the mistake.
fn nameserver(text: &str, scope_id: &dyn Fn(&str) -> u32) -> Option<SocketAddr> {
    let Some((address, scope)) = text.split_once('%') else {
        return text.parse::<IpAddr>().ok().map(|address| (address, PORT).into());
    };
    let address: Ipv6Addr = address.parse().ok()?;
    let scope = scope.parse().unwrap_or_else(|_| scope_id(scope));
    Some(SocketAddrV6::new(address, PORT, 0, scope).into())
}

/// Digits alone; what overflows is far beyond every cap.
fn number(text: &str) -> Option<u16> {
    digits::number(text.as_bytes()).map(|number| u16::try_from(number).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(content: &str) -> ResolvConf {
        ResolvConf::parse(content.as_bytes(), &|name| if name == "eth0" { 2 } else { 0 })
    }

    fn servers(content: &str) -> Vec<String> {
        parse(content).nameservers.iter().map(ToString::to_string).collect()
    }

    fn names(texts: &[&str]) -> Vec<Name> {
        texts.iter().map(|text| Name::domain(text).unwrap()).collect()
    }

    const KUBERNETES: &str = "search smoker.svc.cluster.local svc.cluster.local cluster.local\n\
        nameserver 10.96.0.10\noptions ndots:5\n";

    #[test]
    fn reads_what_kubernetes_writes() {
        let expected = ResolvConf {
            nameservers: vec!["10.96.0.10:53".parse().unwrap()],
            search: names(&["smoker.svc.cluster.local", "svc.cluster.local", "cluster.local"]),
            ndots: 5,
            timeout: Duration::from_secs(5),
            attempts: 2,
        };
        assert_eq!(parse(KUBERNETES), expected);
    }

    #[test]
    fn knows_the_cluster_by_its_services() {
        for (search, expected) in [
            ("a.svc.b svc.b b svc.c", Some("kubernetes.default.svc.b")),
            ("SVC.Cluster.Local.", Some("kubernetes.default.SVC.Cluster.Local")),
            ("svcs.b a.svc.b b .", None),
        ] {
            let kubernetes = parse(&format!("search {search}\n")).kubernetes();
            assert_eq!(kubernetes.map(|name| name.to_string()).as_deref(), expected);
        }
        assert_eq!(parse("").kubernetes(), None);
    }

    #[test]
    fn without_a_nameserver_the_host_itself_is_asked() {
        for content in
            ["", "search a\n", "nameserver\n", "nameserver 10.0.0.999\n", "# nameserver 10.0.0.1\n"]
        {
            assert_eq!(servers(content), ["127.0.0.1:53"], "{content}");
        }
    }

    #[test]
    fn uses_the_first_three_nameservers() {
        let content = "nameserver 10.0.0.1\nnameserver x\nnameserver fd00::1\n\
            nameserver\t10.0.0.3 # c\nnameserver 10.0.0.4";
        assert_eq!(servers(content), ["10.0.0.1:53", "[fd00::1]:53", "10.0.0.3:53"]);
    }

    #[test]
    fn link_local_nameservers_have_a_scope() {
        let content = "nameserver fe80::1%eth0\nnameserver fe80::1%7\nnameserver fe80::1%gone\n";
        assert_eq!(servers(content), ["[fe80::1%2]:53", "[fe80::1%7]:53", "[fe80::1]:53"]);
        assert_eq!(servers("nameserver 10.0.0.1%eth0"), ["127.0.0.1:53"]);
    }

    #[test]
    fn the_last_of_domain_and_search_wins() {
        for (content, search) in [
            ("domain a.b c\n", &["a.b"][..]),
            ("search a b\ndomain c\n", &["c"]),
            ("domain c\nsearch a b ; x\n", &["a", "b"]),
            ("search a b\nsearch\n", &["a", "b"]),
            ("search a. . x!y\n", &["a", "."]),
        ] {
            assert_eq!(parse(content).search, names(search), "{content}");
        }
    }

    #[test]
    fn uses_32_search_domains() {
        let domains: Vec<String> = (0..=SEARCH_LIMIT).map(|number| format!("d{number}.x")).collect();
        let search = |count: usize| parse(&format!("search {}", domains[..count].join(" "))).search;
        assert_eq!(search(SEARCH_LIMIT).len(), SEARCH_LIMIT);
        assert_eq!(search(SEARCH_LIMIT + 1), search(SEARCH_LIMIT));
    }

    #[test]
    fn options_are_capped() {
        for (options, ndots, timeout_s, attempts) in [
            ("ndots:0 timeout:1 attempts:1", 0, 1, 1),
            ("ndots:15 timeout:30 attempts:5", 15, 30, 5),
            ("ndots:16 timeout:31 attempts:6", 15, 30, 5),
            ("ndots:99999999999 timeout:99999999999 attempts:99999999999", 15, 30, 5),
            ("timeout:0 attempts:0", 1, 1, 1),
            ("rotate single-request ndots: ndots:-1 ndots:+2 timeout:x attempts edns0 ndots:1:2", 1, 5, 2),
            ("ndots:2 ndots:3", 3, 5, 2),
            ("ndots:4\noptions timeout:2", 4, 2, 2),
            ("ndots:4 # timeout:2", 4, 5, 2),
        ] {
            let conf = parse(&format!("options {options}\n"));
            let expected = (ndots, Duration::from_secs(timeout_s), attempts);
            assert_eq!((conf.ndots, conf.timeout, conf.attempts), expected, "{options}");
        }
    }

    #[test]
    fn skips_what_it_does_not_understand() {
        let content = b"\xff\xfe\n nameserver 10.0.0.9\nsortlist 10.0.0.0\n;search x\n\
            NAMESERVER 10.0.0.8\n\0\nnameserver 10.0.0.1\r\n";
        let conf = ResolvConf::parse(content, &|_| 0);
        assert_eq!(conf.nameservers, ["10.0.0.1:53".parse().unwrap()]);
        assert!(conf.search.is_empty());
    }

    #[test]
    fn candidates_follow_ndots_and_the_search_list() {
        let short = "smoker-server";
        for (options, text, expected) in [
            ("ndots:5", short, &["smoker-server.a.b", "smoker-server.b", short][..]),
            ("ndots:5", "x.y.z", &["x.y.z.a.b", "x.y.z.b", "x.y.z"]),
            ("ndots:2", "x.y.z", &["x.y.z", "x.y.z.a.b", "x.y.z.b"]),
            ("ndots:0", short, &[short, "smoker-server.a.b", "smoker-server.b"]),
            ("ndots:5", "smoker-server.", &[short]),
        ] {
            let conf = parse(&format!("search a.b b\noptions {options}\n"));
            let candidates = conf.candidates(&Name::parse(text).unwrap(), text.ends_with('.'));
            assert_eq!(candidates, names(expected), "{text} {options}");
        }
    }

    #[test]
    fn candidates_are_asked_for_once_and_fit_a_message() {
        let long = format!(
            "search . a {} a\n",
            ["x".repeat(60), "x".repeat(60), "x".repeat(60), "x".repeat(60)].join(".")
        );
        let candidates = parse(&long).candidates(&Name::parse("much-too-long").unwrap(), false);
        assert_eq!(candidates, names(&["much-too-long", "much-too-long.a"]));
    }
}
