//! The error numbers of Linux (errno(3)) that std's `ErrorKind` has no kind of their own for, each once.

/// Permission denied: `ErrorKind::PermissionDenied` is `EPERM` too.
pub const EACCES: i32 = 13;

/// Too many open files in the system.
pub const ENFILE: i32 = 23;

/// Too many open files in the process.
pub const EMFILE: i32 = 24;

/// The machine is not on the network: the ICMP code "source host isolated" (RFC 1122, 3.2.2.1).
pub const ENONET: i32 = 64;

/// The message is too long: a datagram does not fit the MTU.
pub const EMSGSIZE: i32 = 90;

/// The protocol is not available: the ICMP code "protocol unreachable".
pub const ENOPROTOOPT: i32 = 92;

/// The address family is not supported: a host without IPv6.
pub const EAFNOSUPPORT: i32 = 97;

/// No buffer space is available.
pub const ENOBUFS: i32 = 105;

/// The host is down.
pub const EHOSTDOWN: i32 = 112;

/// The connection is already being made.
pub const EALREADY: i32 = 114;

/// The connection is being made.
pub const EINPROGRESS: i32 = 115;
