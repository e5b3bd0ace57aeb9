//! Domain names in wire form; which names are asked for is left to `resolv_conf` and
//! `look_up`.

use std::fmt;

/// The most bytes of one label (RFC 1035, 2.3.4).
const LABEL_LIMIT: usize = 63;

/// The most characters of a name written without its final dot: the wire form may have
/// [`WIRE_LIMIT`] bytes, and the first length and the root are not written.
const TEXT_LIMIT: usize = 253;

/// The most bytes of a name in wire form, lengths and root included (RFC 1035, 2.3.4).
pub(super) const WIRE_LIMIT: usize = 255;

/// A domain name: length-prefixed labels that end with the empty one, the root.
#[derive(Clone, Debug)]
pub struct Name {
    wire: Vec<u8>,
}

impl Name {
    /// The host name that `text` spells, or `None` where nothing of that name can exist.
    ///
    /// Accepted: 1 to 253 characters, and perhaps a final dot, in labels of 1 to 63 letters, digits,
    /// hyphens and underscores (no host should have an underscore, yet hosts do). A last label of
    /// digits alone is refused: `10.0.0.300` is an address gone wrong, and no top-level domain is
    /// a number. IP addresses are for the caller; other alphabets have to come as `xn--…`.
    pub fn parse(text: &str) -> Option<Self> {
        let name = Self::domain(text)?;
        let last = text.strip_suffix('.').unwrap_or(text).rsplit('.').next()?;
        (!last.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
    }

    /// As [`parse`](Self::parse), with a number for a last label, or the root (`.`), for a name as well.
    pub(super) fn domain(text: &str) -> Option<Self> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.len() > TEXT_LIMIT {
            return None;
        }
        let mut wire = Vec::with_capacity(text.len() + 2);
        for label in text.split('.').filter(|_| !text.is_empty()) {
            if label.is_empty() || label.len() > LABEL_LIMIT || !label.bytes().all(is_host_byte) {
                return None;
            }
            wire.push(u8::try_from(label.len()).ok()?);
            wire.extend(label.as_bytes());
        }
        wire.push(0);
        Some(Self { wire })
    }

    /// The name that all others are within.
    pub(super) fn root() -> Self {
        Self { wire: vec![0] }
    }

    /// The name that a message spelled out as `wire`, which ends with the root and keeps the limits.
    pub(super) fn from_wire(wire: Vec<u8>) -> Self {
        Self { wire }
    }

    /// The bytes of the name in a message, uncompressed.
    pub(super) fn wire(&self) -> &[u8] {
        &self.wire
    }

    /// This name within `domain`, unless the two are too long together.
    pub(super) fn within(&self, domain: &Self) -> Option<Self> {
        let labels = &self.wire[..self.wire.len() - 1];
        let wire = [labels, &domain.wire].concat();
        (wire.len() <= WIRE_LIMIT).then_some(Self { wire })
    }

    /// The number of dots between the labels.
    pub(super) fn dots(&self) -> usize {
        self.labels().count().max(1) - 1
    }

    /// The labels but for the last, the root.
    pub(super) fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.wire.as_slice();
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first().filter(|(length, _)| **length > 0)?;
            let (label, others) = after.split_at_checked(usize::from(*length))?;
            rest = others;
            Some(label)
        })
    }
}

/// Without the final dot; the root is nothing. What no host name has in it, as a reply may, is escaped.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, label) in self.labels().enumerate() {
            write!(f, "{}{}", if number > 0 { "." } else { "" }, label.escape_ascii())?;
        }
        Ok(())
    }
}

/// Without regard to case (RFC 4343). The lengths between the labels are below 64 and so are no letters.
impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.wire.eq_ignore_ascii_case(&other.wire)
    }
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `length` characters in labels of at most 63.
    fn name_of(length: usize) -> String {
        let mut text = "a".repeat(length);
        for dot in (LABEL_LIMIT..length).step_by(LABEL_LIMIT + 1) {
            text.replace_range(dot..=dot, ".");
        }
        text
    }

    #[test]
    fn accepts_what_hosts_are_called() {
        for text in [
            "smoker-server",
            "a",
            "a.",
            "smoker-server.smoker.svc.cluster.local.",
            "_dns.x_y",
            "1e100.net",
            "7-eleven.com",
            "4.a",
        ] {
            assert!(Name::parse(text).is_some(), "{text}");
        }
    }

    #[test]
    fn refuses_what_can_name_no_host() {
        for text in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "a..",
            "a b",
            "a:80",
            "http://a",
            "a/b",
            "ä",
            "a\0",
            "10.0.0.300",
            "1.2.3",
            "7",
            "fe80::1",
        ] {
            assert!(Name::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_label_has_at_most_63_bytes() {
        assert!(Name::parse(&"a".repeat(LABEL_LIMIT)).is_some());
        assert!(Name::parse(&"a".repeat(LABEL_LIMIT + 1)).is_none());
    }

    #[test]
    fn a_name_has_at_most_253_characters() {
        let longest = name_of(TEXT_LIMIT);
        assert_eq!(Name::parse(&longest).unwrap().wire().len(), WIRE_LIMIT);
        assert!(Name::parse(&(longest + ".")).is_some());
        assert!(Name::parse(&name_of(TEXT_LIMIT + 1)).is_none());
    }

    #[test]
    fn a_name_within_a_domain_has_at_most_255_bytes() {
        let domain = Name::domain("example.com").unwrap();
        let fits = Name::parse(&name_of(TEXT_LIMIT - ".example.com".len())).unwrap();
        assert_eq!(fits.within(&domain).unwrap().wire().len(), WIRE_LIMIT);
        let exceeds = Name::parse(&name_of(TEXT_LIMIT - ".example.com".len() + 1)).unwrap();
        assert!(exceeds.within(&domain).is_none());
    }

    #[test]
    fn the_root_is_a_domain_and_adds_nothing() {
        let name = Name::parse("a.b").unwrap();
        assert_eq!(name.within(&Name::domain(".").unwrap()), Some(name));
    }

    #[test]
    fn counts_the_dots_between_labels() {
        for (text, dots) in [("a", 0), ("a.", 0), ("a.b", 1), ("a.b.c.", 2), (".", 0)] {
            assert_eq!(Name::domain(text).unwrap().dots(), dots, "{text}");
        }
    }

    #[test]
    fn is_written_without_its_final_dot() {
        for (text, expected) in [("a", "a"), ("A-1.b.c.", "A-1.b.c"), (".", "")] {
            assert_eq!(Name::domain(text).unwrap().to_string(), expected);
        }
        assert_eq!(Name::from_wire(b"\x03a\n\xff\x01b\0".to_vec()).to_string(), r"a\n\xff.b");
    }

    #[test]
    fn case_makes_no_difference_between_names() {
        assert_eq!(Name::parse("Example.COM"), Name::parse("eXAMPLE.com."));
        assert_ne!(Name::parse("a.b"), Name::parse("a-b"));
    }
}
