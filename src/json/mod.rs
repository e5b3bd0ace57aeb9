//! JSON (RFC 8259): a strict, bounded reader and a streaming writer. Pure.
//!
//! [`read`] takes a whole document as bytes and gives a [`Value`] that borrows from it. It accepts what the
//! RFC's grammar allows and nothing else. What the RFC leaves open is decided as follows; `tests/suite.rs`
//! has the decisions by the names of the public `JSONTestSuite`:
//!
//! | case | decision |
//! |---|---|
//! | bytes that are not UTF-8 (UTF-16, Latin-1, overlong forms, surrogates in UTF-8) | refused |
//! | byte order mark | refused |
//! | a key twice in one object | refused, also where only the escapes differ (`"a"`, `"\u0061"`) |
//! | anything but white space after the value | refused |
//! | half a surrogate pair in an escape (`"\ud800"`) | read as U+FFFD, also where that makes two keys equal |
//! | noncharacters (U+FFFF), `\u0000`, DEL in a string | accepted |
//! | depth, length of a document, a string or a number | up to [`Limits`], which the caller gives |
//! | an integer beyond 64 bits | accepted as a [`Number`]; `u64` and `i64` refuse it |
//! | a number beyond the largest `f64` | accepted as a [`Number`]; `f64` refuses it: never infinity |
//! | a number nearer to zero than the smallest `f64` | `f64` gives zero |
//! | `-0` | `i64` gives 0, `f64` gives -0, `u64` refuses it |
//! | `1.0`, `1e2` | a number, but not an integer: `u64` and `i64` refuse it |
//!
//! [`write`] writes one value, piece by piece, into anything that takes text. What it writes is valid by
//! construction: objects and arrays close themselves, keys and strings are escaped, numbers are integers or
//! decimals and so never NaN. [`stream`] does the same into bytes, in chunks. Only keys are not compared: an
//! object's writer must not use one twice.

mod error;
mod escape;
mod reader;
mod scalar;
mod stream;
#[cfg(test)]
mod tests;
mod value;
mod writer;

pub use error::Error;
pub use reader::{Limits, read};
pub use stream::{Chunks, stream};
pub use value::{Number, Object, Value};
pub use writer::{ArrayWriter, ObjectWriter, ValueWriter, write};
