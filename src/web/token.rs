//! Bearer tokens (RFC 6750): whether a request presents the one that a route needs.

use std::hint::black_box;

use crate::http::Headers;

/// A secret that requests must present. Its value is never printed.
pub struct BearerToken {
    secret: Vec<u8>,
}

/// What a request presents instead of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// No `Authorization` of the scheme `Bearer`.
    NoToken,
    /// Another token.
    WrongToken,
}

impl BearerToken {
    /// The token `secret`; `None` if no `Authorization` could carry it: an empty one, or one with bytes other
    /// than visible ASCII.
    pub fn new(secret: &str) -> Option<Self> {
        let can_be_sent = !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic());
        can_be_sent.then(|| Self { secret: secret.into() })
    }

    pub(super) fn check(&self, headers: &Headers<'_>) -> Result<(), Denied> {
        let presented = headers.only("Authorization").and_then(credentials).ok_or(Denied::NoToken)?;
        if self.is(presented) { Ok(()) } else { Err(Denied::WrongToken) }
    }

    /// Takes a time that depends on the length of what was presented alone, and neither on where it first
    /// differs nor on the secret's length.
    fn is(&self, presented: &[u8]) -> bool {
        let secret = self.secret.iter().cycle();
        let difference = presented.iter().zip(secret).fold(0, |seen, (a, b)| black_box(seen | (a ^ b)));
        difference == 0 && presented.len() == self.secret.len()
    }
}

/// What follows the scheme `Bearer`, in any case of its letters (RFC 9110, 11.1), and spaces.
fn credentials(authorization: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = authorization.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| rest.trim_ascii_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &str) -> Result<(), Denied> {
        BearerToken::new("s3cret").unwrap().check(&Headers::new(lines.as_bytes()))
    }

    #[test]
    fn only_the_token_itself_is_accepted() {
        for (lines, checked) in [
            ("Authorization: Bearer s3cret\r\n", Ok(())),
            ("a: b\r\nauthorization:  bearer   s3cret \r\n", Ok(())),
            ("", Err(Denied::NoToken)),
            ("Authorization: s3cret\r\n", Err(Denied::NoToken)),
            ("Authorization: Basic s3cret\r\n", Err(Denied::NoToken)),
            ("Authorization: Bearer\r\n", Err(Denied::NoToken)),
            ("Authorization: Bearers3cret\r\n", Err(Denied::NoToken)),
            ("Authorization: Bearer x\r\n", Err(Denied::WrongToken)),
            ("Authorization: Bearer s3cre\r\n", Err(Denied::WrongToken)),
            ("Authorization: Bearer s3cret2\r\n", Err(Denied::WrongToken)),
            ("Authorization: Bearer s3crets3cret\r\n", Err(Denied::WrongToken)),
            ("Authorization: Bearer S3CRET\r\n", Err(Denied::WrongToken)),
            ("Authorization: Bearer s3cret, x\r\n", Err(Denied::WrongToken)),
            ("Authorization: Bearer s3cret\r\nAuthorization: Bearer s3cret\r\n", Err(Denied::NoToken)),
        ] {
            assert_eq!(check(lines), checked, "{lines:?}");
        }
    }

    #[test]
    fn a_secret_must_fit_into_a_field() {
        for secret in ["", "a b", "a\n", "\u{e9}"] {
            assert!(BearerToken::new(secret).is_none(), "{secret:?}");
        }
    }
}
