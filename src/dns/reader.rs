//! What messages are made of, read with every length checked: numbers, names and records; their meaning is
//! left to `message`.

use super::Name;
use super::name::WIRE_LIMIT;

/// The most compression pointers followed in one name. A name has at most 127 labels and each pointer leads
/// to at least one, so more of them are a loop.
const POINTER_LIMIT: usize = 127;

/// A reply that breaks the rules of the format.
#[derive(Debug, PartialEq)]
pub(super) struct Malformed;

/// A place in a message, from which things are read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

/// A resource record (RFC 1035, 4.1.3).
pub(super) struct Record<'a> {
    pub(super) owner: Name,
    pub(super) kind: u16,
    pub(super) class: u16,
    /// The upper half of the time to live; of an OPT record, the extended response code and the version.
    pub(super) ttl_high: u16,
    /// At the first byte of the data, in a message that ends with the last.
    pub(super) data: Reader<'a>,
}

impl<'a> Reader<'a> {
    /// At the beginning of `message`.
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { message, at: 0 }
    }

    pub(super) fn record(&mut self) -> Result<Record<'a>, Malformed> {
        let owner = self.name()?;
        let [kind, class, ttl_high, _, length] = self.fields()?;
        let start = self.at;
        self.bytes(length.into())?;
        let data = Reader { message: &self.message[..self.at], at: start };
        Ok(Record { owner, kind, class, ttl_high, data })
    }

    /// The name that begins here, its compression undone (RFC 1035, 4.1.4).
    pub(super) fn name(&mut self) -> Result<Name, Malformed> {
        let mut wire = Vec::new();
        let mut place = *self;
        let mut end = None;
        let mut pointers = 0;
        loop {
            let first = place.byte()?;
            match first {
                0..=0x3f => {
                    wire.push(first);
                    wire.extend(place.bytes(first.into())?);
                }
                0xc0.. => {
                    let target = u16::from_be_bytes([first & 0x3f, place.byte()?]);
                    // With its first pointer the name ends here, though its labels go on elsewhere.
                    end = end.or(Some(place.at));
                    place.at = target.into();
                    pointers += 1;
                }
                _ => return Err(Malformed),
            }
            if wire.len() > WIRE_LIMIT || pointers > POINTER_LIMIT {
                return Err(Malformed);
            }
            if first == 0 {
                self.at = end.unwrap_or(place.at);
                return Ok(Name::from_wire(wire));
            }
        }
    }

    /// The name that is all there is to read.
    pub(super) fn sole_name(mut self) -> Result<Name, Malformed> {
        let name = self.name()?;
        if self.rest().is_empty() { Ok(name) } else { Err(Malformed) }
    }

    pub(super) fn fields<const N: usize>(&mut self) -> Result<[u16; N], Malformed> {
        let mut fields = [0; N];
        for field in &mut fields {
            *field = u16::from_be_bytes([self.byte()?, self.byte()?]);
        }
        Ok(fields)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.bytes(1)?[0])
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let end = self.at + length;
        let bytes = self.message.get(self.at..end).ok_or(Malformed)?;
        self.at = end;
        Ok(bytes)
    }

    pub(super) fn rest(self) -> &'a [u8] {
        &self.message[self.at..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_at(message: &[u8], at: usize) -> Result<(Name, usize), Malformed> {
        let mut reader = Reader { message, at };
        Ok((reader.name()?, reader.at))
    }

    #[test]
    fn a_name_ends_at_the_root_or_at_its_first_pointer() {
        let message = b"\x01b\0\x01a\xc0\0\xc0\x03!";
        for (at, text, end) in [(0, "b", 3), (3, "a.b", 7), (7, "a.b", 9), (2, ".", 3)] {
            assert_eq!(name_at(message, at), Ok((Name::domain(text).unwrap(), end)), "{at}");
        }
    }

    #[test]
    fn what_leads_nowhere_is_malformed() {
        let circle: &[u8] = &[0xc0, 2, 0xc0, 0];
        for message in [
            &[][..],
            &[1],
            &[1, b'a'],
            &[0xc0],
            &[0xc0, 0],
            &[0xc0, 1],
            &[0xff, 0xff],
            &[0x40, 0],
            &[0x80, 0],
            circle,
        ] {
            assert_eq!(name_at(message, 0), Err(Malformed), "{message:?}");
        }
    }

    #[test]
    fn follows_127_pointers() {
        // The root, and pointers of which each leads to the one before it.
        let mut message = vec![0];
        for number in 0..=POINTER_LIMIT {
            let target = if number == 0 { 0 } else { 2 * number - 1 };
            message.extend((0xc000 | u16::try_from(target).unwrap()).to_be_bytes());
        }
        assert!(name_at(&message, 2 * POINTER_LIMIT - 1).is_ok());
        assert_eq!(name_at(&message, 2 * POINTER_LIMIT + 1), Err(Malformed));
    }

    #[test]
    fn a_name_has_at_most_255_bytes() {
        let name_of = |last: u8| {
            let mut message = b"\x01b\0".to_vec();
            for length in [63, 63, 63, last] {
                message.push(length);
                message.resize(message.len() + usize::from(length), b'x');
            }
            message.extend([0xc0, 0]);
            name_at(&message, 3).map(|(name, _)| name.wire().len())
        };
        assert_eq!(name_of(59), Ok(WIRE_LIMIT));
        assert_eq!(name_of(60), Err(Malformed));
    }

    #[test]
    fn a_record_has_as_much_data_as_it_declares() {
        let message = b"\x01b\0\0\x05\0\x01\x12\x34\0\0\0\x02\xc0\0!";
        let record = Reader::new(message).record().unwrap_or_else(|_| panic!("a record"));
        assert_eq!((record.kind, record.class, record.ttl_high), (5, 1, 0x1234));
        assert_eq!(record.data.rest(), [0xc0, 0]);
        assert_eq!(record.data.sole_name(), Ok(record.owner));
        assert!(Reader::new(&message[..message.len() - 2]).record().is_err());
    }
}
