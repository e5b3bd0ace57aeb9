//! DNS messages (RFC 1035) with EDNS(0) (RFC 6891) as bytes: queries encoded, replies decoded; sockets are
//! left to `exchange`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Name;
use super::name::WIRE_LIMIT;
use super::reader::{Malformed, Reader};

/// The largest reply asked for over UDP, in bytes: it passes every IPv6 path unfragmented (DNS flag day
/// 2020), and fragments are what networks lose.
pub(super) const UDP_PAYLOAD: u16 = 1232;

/// The most aliases followed from the name asked for to its addresses. Resolvers give up sooner (Unbound and
/// BIND at 11), so a longer chain is a loop or an attack.
const ALIAS_LIMIT: usize = 16;

const HEADER_LENGTH: usize = 12;
const RESPONSE: u16 = 0x8000;
const OPERATION: u16 = 0x7800;
const AUTHORITATIVE: u16 = 0x0400;
const TRUNCATED: u16 = 0x0200;
const RECURSION_DESIRED: u16 = 0x0100;
const RECURSION_AVAILABLE: u16 = 0x0080;
const RESPONSE_CODE: u16 = 0x000f;

const NO_ERROR: u16 = 0;
const FORMAT_ERROR: u16 = 1;
const NAME_ERROR: u16 = 3;
const NOT_IMPLEMENTED: u16 = 4;
const BAD_VERSION: u16 = 16;

const TYPE_A: u16 = 1;
const TYPE_CNAME: u16 = 5;
const TYPE_AAAA: u16 = 28;
const TYPE_OPT: u16 = 41;
const CLASS_IN: u16 = 1;

/// Which addresses are asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Family {
    V4,
    V6,
}

/// The addresses of one family that a name has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Question<'a> {
    pub(super) name: &'a Name,
    pub(super) family: Family,
}

/// What a nameserver answered to a question.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reply {
    /// The first [`ADDRESS_LIMIT`](super::ADDRESS_LIMIT) of them, at least one.
    Addresses(Vec<IpAddr>),
    /// There is no such name, or it has no address of this family.
    Absent,
    /// There is more than fits a datagram: to be asked over TCP.
    Truncated,
    /// FORMERR, NOTIMP or BADVERS: perhaps EDNS was not understood.
    NotUnderstood,
    /// SERVFAIL, REFUSED and all else; or no records from a server that has neither authority nor recursion.
    Failed,
}

/// The query message for `question`.
pub(super) fn encode(id: u16, question: Question, edns: bool) -> Vec<u8> {
    let mut message = Vec::with_capacity(HEADER_LENGTH + WIRE_LIMIT + 4 + 11);
    put(&mut message, &[id, RECURSION_DESIRED, 1, 0, 0, u16::from(edns)]);
    message.extend(question.name.wire());
    put(&mut message, &[question.family.record_type(), CLASS_IN]);
    if edns {
        // The root; the class is the payload size; then extended code, version, flags and options, all zero.
        message.push(0);
        put(&mut message, &[TYPE_OPT, UDP_PAYLOAD, 0, 0, 0]);
    }
    message
}

/// What `message` answers to `question`, or `None` where it is no reply to just this query.
///
/// The question has to come back, except with an error: a server that could not read the query may leave it
/// out.
pub(super) fn decode(message: &[u8], id: u16, question: Question) -> Result<Option<Reply>, Malformed> {
    let mut reader = Reader::new(message);
    let Ok([reply_id, flags, questions, counts @ ..]) = reader.fields::<6>() else {
        return Ok(None);
    };
    if reply_id != id || flags & (RESPONSE | OPERATION) != RESPONSE {
        return Ok(None);
    }
    let repeats_question = questions == 1 && repeats(&mut reader, question);
    if let Some(failure) = failure(flags & RESPONSE_CODE) {
        let is_bare = questions == 0 || message.len() == HEADER_LENGTH;
        return Ok((repeats_question || is_bare).then_some(failure));
    }
    if !repeats_question {
        return Ok(None);
    }
    if flags & TRUNCATED != 0 {
        return Ok(Some(Reply::Truncated));
    }
    decode_records(reader, flags, counts, question).map(Some)
}

/// The meaning of a reply's records; `counts` of them are answers, authorities and additional ones.
fn decode_records(
    reader: Reader,
    flags: u16,
    counts: [u16; 3],
    question: Question,
) -> Result<Reply, Malformed> {
    let code = extended_code(reader, counts.map(usize::from).iter().sum())? | flags & RESPONSE_CODE;
    if let Some(failure) = failure(code) {
        return Ok(failure);
    }
    let addresses = addresses(reader, counts[0], question)?;
    let is_competent = flags & (AUTHORITATIVE | RECURSION_AVAILABLE) != 0;
    Ok(match code {
        NO_ERROR if !addresses.is_empty() => Reply::Addresses(addresses),
        NO_ERROR if !is_competent => Reply::Failed,
        _ => Reply::Absent,
    })
}

/// Whether the question section is `question`.
fn repeats(reader: &mut Reader, question: Question) -> bool {
    reader.name().is_ok_and(|name| name == *question.name)
        && reader.fields() == Ok([question.family.record_type(), CLASS_IN])
}

/// The part of the response code that the OPT record among the next `count` records has, if one has.
fn extended_code(mut reader: Reader, count: usize) -> Result<u16, Malformed> {
    let mut code = 0;
    for _ in 0..count {
        let record = reader.record()?;
        if record.kind == TYPE_OPT {
            code = record.ttl_high >> 8 << 4;
        }
    }
    Ok(code)
}

/// The addresses that the next `count` records give the name asked for, by way of its aliases.
///
/// One pass for each alias, because their order means nothing: in January 2026 a large resolver put addresses
/// before aliases, and programs that read once found none.
fn addresses(answers: Reader, count: u16, question: Question) -> Result<Vec<IpAddr>, Malformed> {
    let mut owner = question.name.clone();
    for _ in 0..=ALIAS_LIMIT {
        let mut reader = answers;
        let mut addresses = Vec::new();
        let mut alias = None;
        for _ in 0..count {
            let record = reader.record()?;
            if record.class != CLASS_IN || record.owner != owner {
                continue;
            }
            if record.kind == question.family.record_type() {
                super::add(&mut addresses, question.family.address(record.data.rest())?);
            } else if record.kind == TYPE_CNAME {
                alias = Some(record.data.sole_name()?);
            }
        }
        match alias {
            Some(alias) if addresses.is_empty() => owner = alias,
            _ => return Ok(addresses),
        }
    }
    Err(Malformed)
}

impl Family {
    fn record_type(self) -> u16 {
        match self {
            Self::V4 => TYPE_A,
            Self::V6 => TYPE_AAAA,
        }
    }

    fn address(self, data: &[u8]) -> Result<IpAddr, Malformed> {
        match self {
            Self::V4 => <[u8; 4]>::try_from(data).map(|octets| Ipv4Addr::from(octets).into()),
            Self::V6 => <[u8; 16]>::try_from(data).map(|octets| Ipv6Addr::from(octets).into()),
        }
        .map_err(|_| Malformed)
    }
}

/// The reply that a response code makes whatever else was sent with it, if it does.
fn failure(code: u16) -> Option<Reply> {
    match code {
        NO_ERROR | NAME_ERROR => None,
        FORMAT_ERROR | NOT_IMPLEMENTED | BAD_VERSION => Some(Reply::NotUnderstood),
        _ => Some(Reply::Failed),
    }
}

fn put(message: &mut Vec<u8>, fields: &[u16]) {
    for field in fields {
        message.extend(field.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_nameserver::record;
    use super::*;

    const ID: u16 = 0x1234;
    /// A pointer to the name in the question.
    const ASKED: &[u8] = &[0xc0, 12];
    const RECURSIVE: u16 = RESPONSE | RECURSION_DESIRED | RECURSION_AVAILABLE;

    fn name(text: &str) -> Name {
        Name::domain(text).unwrap()
    }

    fn wire(text: &str) -> Vec<u8> {
        name(text).wire().to_vec()
    }

    /// A message about `a.b`, whose sections have `counts` records.
    fn message(flags: u16, counts: [u16; 3], records: &[&[u8]]) -> Vec<u8> {
        let mut message = Vec::new();
        put(&mut message, &[ID, flags, 1]);
        put(&mut message, &counts);
        message.extend(b"\x01a\x01b\0\0\x01\0\x01");
        message.extend(records.concat());
        message
    }

    fn answers(records: &[&[u8]]) -> Vec<u8> {
        message(RECURSIVE, [u16::try_from(records.len()).unwrap(), 0, 0], records)
    }

    fn a(owner: &[u8], last: u8) -> Vec<u8> {
        record(owner, TYPE_A, &[10, 0, 0, last])
    }

    fn cname(owner: &str, target: &str) -> Vec<u8> {
        record(&wire(owner), TYPE_CNAME, &wire(target))
    }

    fn decoded(message: &[u8]) -> Result<Option<Reply>, Malformed> {
        decode(message, ID, Question { name: &name("A.b"), family: Family::V4 })
    }

    fn reply(message: &[u8]) -> Reply {
        decoded(message).unwrap().unwrap()
    }

    fn found(last: &[u8]) -> Reply {
        Reply::Addresses(last.iter().map(|last| IpAddr::from([10, 0, 0, *last])).collect())
    }

    /// Replies as nameservers send them, each with something of its own.
    fn valid() -> Vec<Vec<u8>> {
        let opt = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];
        let soa = record(b"\xc0\x0e", 6, &[&wire("ns.b")[..], b"\x05admin\xc0\x0e", &[0; 20]].concat());
        vec![
            answers(&[&a(ASKED, 1), &a(&wire("a.b"), 2)]),
            answers(&[&record(ASKED, TYPE_CNAME, b"\x01c\xc0\x0e"), &a(b"\xc0\x21", 3)]),
            answers(&[&a(&wire("c.d"), 4), &cname("c", "c.d"), &cname("a.b", "c")]),
            message(RECURSIVE, [1, 0, 1], &[&a(ASKED, 5), &opt]),
            message(RECURSIVE | NAME_ERROR, [0, 1, 1], &[&soa, &opt]),
            message(RESPONSE | AUTHORITATIVE, [0, 1, 0], &[&soa]),
        ]
    }

    #[test]
    fn a_query_has_a_question_and_the_size_it_can_take() {
        let name = name("smoker-server.b");
        let question = Question { name: &name, family: Family::V6 };
        let plain = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x0dsmoker-server\x01b\0\0\x1c\0\x01";
        assert_eq!(encode(ID, question, false), plain);
        let mut with_opt = [plain, &b"\0\0\x29\x04\xd0\0\0\0\0\0\0"[..]].concat();
        with_opt[11] = 1;
        assert_eq!(encode(ID, question, true), with_opt);
    }

    #[test]
    fn reads_what_nameservers_send() {
        let expected = [found(&[1, 2]), found(&[3]), found(&[4]), found(&[5]), Reply::Absent, Reply::Absent];
        for (message, expected) in valid().iter().zip(expected) {
            assert_eq!(reply(message), expected);
        }
    }

    #[test]
    fn reads_ipv6() {
        let mut message =
            answers(&[&record(ASKED, TYPE_AAAA, &[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])]);
        message[18] = 28;
        let asked = name("a.b");
        let reply = decode(&message, ID, Question { name: &asked, family: Family::V6 });
        assert_eq!(reply, Ok(Some(Reply::Addresses(vec!["fd00::1".parse().unwrap()]))));
        assert_eq!(decoded(&message), Ok(None));
    }

    #[test]
    fn takes_only_the_addresses_of_the_name_asked_for() {
        let other_type = record(ASKED, 16, b"\x04text");
        let mut other_class = a(ASKED, 9);
        other_class[5] = 3;
        let others = [&a(&wire("evil.b"), 9)[..], &other_type, &other_class, &cname("evil.b", "c.b")];
        assert_eq!(reply(&answers(&others)), Reply::Absent);
        assert_eq!(reply(&answers(&[&others[..], &[&a(ASKED, 1)]].concat())), found(&[1]));
    }

    #[test]
    fn takes_64_addresses_each_once() {
        let records: Vec<Vec<u8>> = (0..140).map(|number| a(ASKED, number / 2)).collect();
        let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        assert_eq!(reply(&answers(&records)), found(&(0..64).collect::<Vec<u8>>()));
    }

    #[test]
    fn follows_16_aliases() {
        let chain = |aliases: usize| {
            let names = |number: usize| if number == 0 { "a.b".to_owned() } else { format!("c{number}") };
            let mut records: Vec<Vec<u8>> =
                (0..aliases).map(|number| cname(&names(number), &names(number + 1))).collect();
            records.push(a(&wire(&names(aliases)), 1));
            let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
            decoded(&answers(&records))
        };
        assert_eq!(chain(ALIAS_LIMIT), Ok(Some(found(&[1]))));
        assert_eq!(chain(ALIAS_LIMIT + 1), Err(Malformed));
    }

    #[test]
    fn aliases_in_a_circle_are_malformed() {
        assert_eq!(decoded(&answers(&[&cname("a.b", "c"), &cname("c", "a.b")])), Err(Malformed));
        assert_eq!(decoded(&answers(&[&cname("a.b", "a.b")])), Err(Malformed));
    }

    #[test]
    fn an_alias_that_leads_nowhere_is_an_absence() {
        assert_eq!(reply(&answers(&[&cname("a.b", "c")])), Reply::Absent);
    }

    #[test]
    fn response_codes_distinguish_absence_and_failure() {
        for (flags, expected) in [
            (RECURSIVE, Reply::Absent),
            (RESPONSE | AUTHORITATIVE, Reply::Absent),
            // A referral: this server neither owns the name nor asks others.
            (RESPONSE, Reply::Failed),
            (RECURSIVE | 1, Reply::NotUnderstood),
            (RECURSIVE | 2, Reply::Failed),
            (RECURSIVE | 3, Reply::Absent),
            (RECURSIVE | 4, Reply::NotUnderstood),
            (RECURSIVE | 5, Reply::Failed),
            (RECURSIVE | 15, Reply::Failed),
            (RECURSIVE | TRUNCATED, Reply::Truncated),
            (RECURSIVE | TRUNCATED | 3, Reply::Truncated),
            (RECURSIVE | TRUNCATED | 2, Reply::Failed),
        ] {
            assert_eq!(reply(&message(flags, [0; 3], &[])), expected, "{flags:#x}");
        }
    }

    #[test]
    fn the_upper_bits_of_the_response_code_count() {
        for (high, expected) in [(0, Reply::Absent), (1, Reply::NotUnderstood), (2, Reply::Failed)] {
            let opt = [0, 0, 41, 4, 208, high, 0, 0, 0, 0, 0];
            assert_eq!(reply(&message(RECURSIVE, [0, 0, 1], &[&opt])), expected, "{high}");
        }
    }

    #[test]
    fn ignores_what_answers_something_else() {
        let valid = answers(&[&a(ASKED, 1)]);
        for (place, byte) in [
            (0, 0x13),  // another id
            (2, 0x01),  // a query
            (2, 0xa1),  // another operation
            (5, 0),     // no question
            (5, 2),     // two
            (13, b'c'), // another name
            (18, 28),   // another type
            (20, 3),    // another class
        ] {
            let mut message = valid.clone();
            message[place] = byte;
            assert_eq!(decoded(&message), Ok(None), "byte {place}");
        }
    }

    #[test]
    fn an_error_may_come_without_the_question() {
        for flags in [RECURSIVE | 1, RECURSIVE | 2, RECURSIVE | 5] {
            let whole = message(flags, [0; 3], &[]);
            let header = &whole[..HEADER_LENGTH];
            assert!(decoded(header).unwrap().is_some(), "{flags:#x}");
            let mut uncounted = header.to_vec();
            uncounted[5] = 0;
            assert!(decoded(&uncounted).unwrap().is_some(), "{flags:#x}");
            let mut other = whole.clone();
            other[13] = b'c';
            assert_eq!(decoded(&other), Ok(None), "{flags:#x}");
        }
        for flags in [RECURSIVE, RECURSIVE | 3] {
            assert_eq!(decoded(&message(flags, [0; 3], &[])[..HEADER_LENGTH]), Ok(None), "{flags:#x}");
        }
    }

    #[test]
    fn no_prefix_of_a_reply_is_a_reply() {
        for message in valid() {
            for end in 0..message.len() {
                assert!(!matches!(decoded(&message[..end]), Ok(Some(_))), "{end} of {message:?}");
            }
        }
    }

    #[test]
    fn lying_lengths_and_counts_are_malformed() {
        let one = a(ASKED, 1);
        let lying = |place: usize, byte: u8| {
            let mut record = one.clone();
            record[place] = byte;
            answers(&[&record])
        };
        for message in [
            lying(11, 3),
            lying(11, 5),
            lying(10, 0xff),
            answers(&[&record(ASKED, TYPE_A, &[10, 0, 0, 1, 0])]),
            answers(&[&record(ASKED, TYPE_A, &[10, 0, 0])]),
            answers(&[&record(ASKED, TYPE_CNAME, b"\x01c\0\0")]),
            answers(&[&record(ASKED, TYPE_CNAME, b"\x05c\0")]),
            answers(&[&record(ASKED, TYPE_CNAME, b"")]),
            message(RECURSIVE, [2, 0, 0], &[&one]),
            message(RECURSIVE, [u16::MAX; 3], &[&one]),
            message(RECURSIVE, [1, 0, 1], &[&one, &[0, 0, 41]]),
        ] {
            assert_eq!(decoded(&message), Err(Malformed), "{message:?}");
        }
    }

    #[test]
    fn pointers_in_a_circle_are_malformed() {
        let here = 21;
        assert_eq!(decoded(&answers(&[&a(&[0xc0, here], 1)])), Err(Malformed));
        assert_eq!(decoded(&answers(&[&a(&[0xc0, here + 2, 0xc0, here], 1)])), Err(Malformed));
    }

    #[test]
    fn a_message_full_of_long_ways_is_bounded_work() {
        // Each record leads to a.b by 126 pointers, and is an alias of itself: all are read for each alias.
        let data: Vec<u8> =
            (0..124u16).flat_map(|number| (0xc000 | (33 + 2 * number)).to_be_bytes()).collect();
        let chain = record(ASKED, 16, &[ASKED, &data].concat());
        let owner = (0xc000 | (33 + 2 * 124_u16)).to_be_bytes();
        let records = vec![record(&owner, TYPE_CNAME, ASKED); 1000];
        let count = u16::try_from(records.len() + 1).unwrap();
        let message = message(RECURSIVE, [count, 0, 0], &[&chain, &records.concat()]);
        assert_eq!(decoded(&message), Err(Malformed));
    }

    #[test]
    fn mutations_never_panic() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = move |bound: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state >> 33).unwrap() % bound
        };
        let valid = valid();
        let mut outcomes = [0; 3];
        let asked = name("a.b");
        for round in 0..200_000 {
            let mut message = valid[round % valid.len()].clone();
            for _ in 0..=random(3) {
                let place = random(message.len());
                message[place] =
                    [0, 1, 12, 0x3f, 0xc0, 0xff, 0x80][random(7)] ^ u8::try_from(random(4)).unwrap();
            }
            let reply = decode(&message, ID, Question { name: &asked, family: Family::V4 });
            outcomes[match reply {
                Ok(Some(_)) => 0,
                Ok(None) => 1,
                Err(Malformed) => 2,
            }] += 1;
        }
        assert!(outcomes.iter().all(|count| *count > 10_000), "{outcomes:?}");
    }
}
