//! One line that Smoker printed, as the report reads it.

use std::borrow::Cow;
use std::time::SystemTime;

/// The longest prefix of a line, in bytes: `kubectl logs --prefix` puts the pod's name (253 bytes) and the
/// container's (63) there, and `--timestamps` a stamp.
pub(super) const MAX_PREFIX: usize = 512;

/// The parts of a line. A duration has the text form's unit and a list its commas, in whichever form it was
/// read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) time: SystemTime,
    /// The node of a client; `None` for a server.
    pub(super) node: Option<Cow<'a, str>>,
    pub(super) kind: Cow<'a, str>,
    pub(super) event: Cow<'a, str>,
    pub(super) fields: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl Line<'_> {
    /// The value of the field `key`, if it has one.
    pub(super) fn field(&self, key: &str) -> Option<&str> {
        self.fields.iter().find(|(name, _)| name == key).map(|(_, value)| &**value)
    }
}
