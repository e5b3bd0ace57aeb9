//! The server that answered over HTTP: the `Smoker-*` fields of a reply, each used only where it is well
//! formed.

use std::net::SocketAddr;

use crate::node_names::is_object_name;
use crate::sys::address::unmapped;

/// A Smoker, as it names itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answerer {
    /// Random, chosen when its process started.
    pub instance: u64,
    /// Its node; empty where the reply does not name it.
    pub node: String,
    /// Its pod; empty where the reply does not name it.
    pub pod: String,
    /// The client's address and port as it saw them.
    pub client: Option<SocketAddr>,
    /// The client's own address and port: another than `client` where they were translated on the way.
    pub own: SocketAddr,
    /// It is about to stop.
    pub draining: bool,
}

/// The fields seen so far. Of a field that comes twice the last well-formed one counts.
#[derive(Default)]
pub(super) struct Fields {
    instance: Option<u64>,
    node: String,
    pod: String,
    client: Option<SocketAddr>,
    draining: bool,
}

impl Fields {
    /// Notes one field of a reply.
    pub(super) fn note(&mut self, name: &[u8], value: &[u8]) {
        let Ok(value) = str::from_utf8(value) else { return };
        match &*name.to_ascii_lowercase() {
            b"smoker-instance" => self.instance = instance(value).or(self.instance),
            b"smoker-node" if is_object_name(value) => value.clone_into(&mut self.node),
            b"smoker-pod" if is_object_name(value) => value.clone_into(&mut self.pod),
            b"smoker-client" => self.client = value.parse().map(unmapped).ok().or(self.client),
            b"smoker-state" => self.draining = value == "draining",
            _ => {}
        }
    }

    /// The Smoker that they name, if any; `own` is the local address.
    pub(super) fn answerer(self, own: SocketAddr) -> Option<Answerer> {
        let Self { instance, node, pod, client, draining } = self;
        Some(Answerer { instance: instance?, node, pod, client, own: unmapped(own), draining })
    }
}

/// 16 hexadecimal digits.
fn instance(value: &str) -> Option<u64> {
    let well_formed = value.len() == 16 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(value, 16).ok().filter(|_| well_formed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "10.0.0.9:4711";

    fn answerer(fields: &[(&str, &[u8])]) -> Option<Answerer> {
        let mut noted = Fields::default();
        for (name, value) in fields {
            noted.note(name.as_bytes(), value);
        }
        noted.answerer(OWN.parse().unwrap())
    }

    /// An answerer with this field too.
    fn with(name: &str, value: &[u8]) -> Answerer {
        answerer(&[("Smoker-Instance", b"00000000000000ff"), (name, value)]).unwrap()
    }

    #[test]
    fn a_smoker_names_itself() {
        let named = answerer(&[
            ("Date", b"today"),
            ("Smoker-Instance", b"0123456789abcDEF"),
            ("smoker-node", b"node-2"),
            ("SMOKER-POD", b"smoker-server-abc"),
            ("Smoker-Client", b"[::ffff:192.0.2.1]:50000"),
            ("Smoker-State", b"draining"),
        ]);
        let expected = Answerer {
            instance: 0x0123_4567_89ab_cdef,
            node: "node-2".into(),
            pod: "smoker-server-abc".into(),
            client: Some("192.0.2.1:50000".parse().unwrap()),
            own: OWN.parse().unwrap(),
            draining: true,
        };
        assert_eq!(named, Some(expected));
    }

    #[test]
    fn without_an_instance_it_is_no_smoker() {
        assert_eq!(answerer(&[]), None);
        assert_eq!(answerer(&[("Smoker-Node", b"node-1")]), None);
        for wrong in
            [&b""[..], b"123456789abcdef", b"00123456789abcdef", b"+123456789abcdef", b"0123456789abcdeg"]
        {
            assert_eq!(answerer(&[("Smoker-Instance", wrong)]), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_malformed_field_is_ignored() {
        for wrong in [&b""[..], b"a b", b"a\"b", b"a]", b"a\\", b"\xff", "\u{e9}".as_bytes(), b"a\tb"] {
            assert_eq!((with("Smoker-Node", wrong).node, with("Smoker-Pod", wrong).pod), Default::default());
        }
        for wrong in [&b""[..], b"10.0.0.1", b"10.0.0.1:70000", b"node:80", b"[::1]"] {
            assert_eq!(with("Smoker-Client", wrong).client, None, "{wrong:?}");
        }
        assert!(!with("Smoker-State", b"Draining!").draining);
    }
}
