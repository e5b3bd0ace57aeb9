//! The names of nodes and pods that Smoker accepts, in its settings and in replies alike. Pure.

/// The longest name, in bytes: that of a Kubernetes object (a subdomain of RFC 1123).
pub const MAX_NAME: usize = 253;

/// What [`is_object_name`] accepts, for messages.
pub const ACCEPTED: &str = "1 to 253 visible ASCII characters, no brackets, quotes or backslashes";

/// Whether `name` can name a node or a pod: visible ASCII without the characters that delimit or escape a
/// word of a log line (`[NODE:name]`, `"…"`). Kubernetes' own names are a subset of these.
pub fn is_object_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"[]\"\\".contains(&byte);
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_nodes_and_pods() {
        for name in ["n", "node-1", "ip-10-0-0-1.ec2.internal", "smoker-server-7d9f_x", "NODE'1"] {
            assert!(is_object_name(name), "{name}");
        }
    }

    #[test]
    fn names_that_would_break_a_line_are_refused() {
        for name in ["", "a b", "a]", "[a", "a\n", "a\u{1b}", "a\u{7f}", "\u{e9}", "a\"", "a\\", "a\tb"] {
            assert!(!is_object_name(name), "{name:?}");
        }
    }

    #[test]
    fn a_name_is_as_long_as_kubernetes_allows_and_no_longer() {
        assert!(is_object_name(&"n".repeat(MAX_NAME)));
        assert!(!is_object_name(&"n".repeat(MAX_NAME + 1)));
        assert!(ACCEPTED.contains(&MAX_NAME.to_string()));
    }
}
