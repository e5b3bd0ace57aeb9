//! Percent-decoding (RFC 3986, 2.1) of one part of a target, once and into bounded memory.

/// Why a part of a target was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// A `%` without two hexadecimal digits after it.
    Encoding,
    /// Bytes that are not UTF-8, or a control character, NUL among them.
    Text,
    /// More bytes than the limit.
    TooLong,
}

/// The text that `part` encodes, of `limit` bytes at most.
pub(super) fn decode(part: &str, limit: usize) -> Result<String, Refused> {
    decode_with(part, limit, |byte| byte)
}

/// As [`decode`], for a query, where `+` stands for a space (WHATWG URL, 5.1).
pub(super) fn decode_form(part: &str, limit: usize) -> Result<String, Refused> {
    decode_with(part, limit, |byte| if byte == b'+' { b' ' } else { byte })
}

fn decode_with(part: &str, limit: usize, plain: impl Fn(u8) -> u8) -> Result<String, Refused> {
    let mut decoded = Vec::with_capacity(part.len().min(limit));
    let mut bytes = part.bytes();
    while let Some(byte) = bytes.next() {
        if decoded.len() == limit {
            return Err(Refused::TooLong);
        }
        decoded.push(match byte {
            b'%' => 16 * hex_digit(bytes.next())? + hex_digit(bytes.next())?,
            byte => plain(byte),
        });
    }
    let text = String::from_utf8(decoded).map_err(|_| Refused::Text)?;
    if text.chars().any(char::is_control) { Err(Refused::Text) } else { Ok(text) }
}

fn hex_digit(byte: Option<u8>) -> Result<u8, Refused> {
    match byte {
        Some(byte @ b'0'..=b'9') => Ok(byte - b'0'),
        Some(byte @ b'a'..=b'f') => Ok(byte - b'a' + 10),
        Some(byte @ b'A'..=b'F') => Ok(byte - b'A' + 10),
        _ => Err(Refused::Encoding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_once() {
        for (part, text) in [
            ("", ""),
            ("node-1", "node-1"),
            ("a%2Fb%2fc", "a/b/c"),
            ("%2525", "%25"),
            ("%C3%A9", "\u{e9}"),
            ("a+b", "a+b"),
            ("%2e%2E", ".."),
        ] {
            assert_eq!(decode(part, 10).as_deref(), Ok(text), "{part}");
        }
        assert_eq!(decode_form("a+b%2B", 10).as_deref(), Ok("a b+"));
    }

    #[test]
    fn what_is_not_text_is_refused() {
        for part in ["%", "%2", "%g0", "%0g", "a%", "%%20", "%+1"] {
            assert_eq!(decode(part, 10), Err(Refused::Encoding), "{part}");
        }
        for part in ["%00", "a%0A", "%1b", "%7F", "%C2%80", "%ff", "%C3", "%C0%AF", "%ED%A0%80"] {
            assert_eq!(decode(part, 10), Err(Refused::Text), "{part}");
        }
    }

    #[test]
    fn a_part_may_have_as_many_bytes_as_the_limit_and_no_more() {
        assert_eq!(decode("%61aa", 3).as_deref(), Ok("aaa"));
        assert_eq!(decode("%61aaa", 3), Err(Refused::TooLong));
        assert_eq!(decode("aaa%", 3), Err(Refused::TooLong));
        assert_eq!(decode("a", 0), Err(Refused::TooLong));
    }
}
