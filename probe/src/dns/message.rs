//! DNS messages (RFC 1035, section 4; RFC 6891): read as far as they can be, and written.

use netdiag_wire::dns::{Class, Flags, RecordType};

use super::{
    cursor::{Cursor, Fault},
    name::Name,
    rdata,
};

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Message {
    pub(crate) header: Header,
    pub(crate) question: Vec<Asked>,
    pub(crate) answer: Vec<RawRecord>,
    pub(crate) authority: Vec<RawRecord>,
    /// Without the OPT record, unless there is more than one.
    pub(crate) additional: Vec<RawRecord>,
    pub(crate) opt: Option<Opt>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Header {
    pub(crate) id: u16,
    pub(crate) flags: Flags,
    pub(crate) opcode: u16,
    /// Without the upper bits of the OPT record.
    pub(crate) rcode: u16,
}

/// One question.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) name: Name,
    pub(crate) kind: RecordType,
    pub(crate) class: Class,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RawRecord {
    pub(crate) name: Name,
    pub(crate) kind: RecordType,
    pub(crate) class: Class,
    pub(crate) ttl: u32,
    /// With every name in full.
    pub(crate) data: Vec<u8>,
}

/// The OPT record.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Opt {
    pub(crate) udp_bytes: u16,
    pub(crate) rcode_high: u8,
    pub(crate) version: u8,
    pub(crate) dnssec_ok: bool,
    /// The other flags, which mean nothing yet.
    pub(crate) z: u16,
    pub(crate) options: Vec<(u16, Vec<u8>)>,
}

/// A message and the first thing that is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parsed {
    pub(crate) message: Message,
    /// What of the message is left out, or what should not be there.
    pub(crate) fault: Option<String>,
    /// Whether the question could be read whole.
    pub(crate) has_question: bool,
    /// Bytes behind the last record.
    pub(crate) trailing: usize,
}

impl Message {
    /// `None` if there is no whole header.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Parsed> {
        let mut cursor = Cursor::new(bytes);
        let header = Header::read(&mut cursor).ok()?;
        let counts: [u16; 4] =
            [cursor.u16().ok()?, cursor.u16().ok()?, cursor.u16().ok()?, cursor.u16().ok()?];
        let message = Self { header, ..Self::default() };
        let mut parsed = Parsed { message, fault: None, has_question: false, trailing: 0 };
        match parsed.read(&mut cursor, counts) {
            Ok(()) => parsed.trailing = cursor.left(),
            Err(fault) => parsed.fault = parsed.fault.or(Some(fault)),
        }
        Some(parsed)
    }

    pub(crate) fn rcode(&self) -> u16 {
        let high = self.opt.as_ref().map_or(0, |opt| u16::from(opt.rcode_high));
        high << 4 | self.header.rcode
    }

    /// Without compression; the counts are those of the sections.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.header.encode().to_vec();
        let additional = self.additional.len() + usize::from(self.opt.is_some());
        let counts = [self.question.len(), self.answer.len(), self.authority.len(), additional];
        bytes.extend(counts.iter().flat_map(|count| (*count as u16).to_be_bytes()));
        self.question.iter().for_each(|asked| asked.encode(&mut bytes));
        let records = [&self.answer, &self.authority, &self.additional];
        records.into_iter().flatten().for_each(|record| record.encode(&mut bytes));
        if let Some(opt) = &self.opt {
            opt.record().encode(&mut bytes);
        }
        bytes
    }
}

impl Parsed {
    fn read(&mut self, cursor: &mut Cursor<'_>, counts: [u16; 4]) -> Result<(), String> {
        let [questions, answers, authorities, additionals] = counts;
        for index in 0..questions {
            let asked = Asked::read(cursor);
            self.message.question.push(asked.map_err(|fault| {
                format!("question {} of {questions} {fault}", u32::from(index) + 1)
            })?);
        }
        self.has_question = true;
        let sections =
            [("answer", answers), ("authority", authorities), ("additional", additionals)];
        for (section, count) in sections {
            for index in 1..=u32::from(count) {
                let place = || format!("{section} record {index} of {count}");
                let (record, fault) =
                    RawRecord::read(cursor).map_err(|fault| format!("{} {fault}", place()))?;
                let kind = record.kind;
                let place = || format!("{} ({kind})", place());
                let fault = fault.map(|fault| format!("{} {fault}", place()));
                let misplaced = self.place(section, record, place);
                self.fault = self.fault.take().or(fault).or(misplaced);
            }
        }
        Ok(())
    }

    /// Puts it into its section; an OPT record has only one place.
    fn place(
        &mut self,
        section: &str,
        record: RawRecord,
        place: impl Fn() -> String,
    ) -> Option<String> {
        let message = &mut self.message;
        let records = match section {
            "answer" => &mut message.answer,
            "authority" => &mut message.authority,
            _ => &mut message.additional,
        };
        if record.kind != RecordType::OPT {
            records.push(record);
            return None;
        }
        let fault = match Opt::of(&record) {
            _ if section != "additional" => "does not belong here",
            _ if message.opt.is_some() => "is the second of its type",
            _ if !record.name.is_root() => "is not of the root",
            Err(fault) => fault,
            Ok(opt) => {
                message.opt = Some(opt);
                return None;
            }
        };
        let fault = format!("{} {fault}", place());
        records.push(record);
        Some(fault)
    }
}

impl Header {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Fault> {
        let id = cursor.u16()?;
        let bits = cursor.u16()?;
        let has = |bit: u32| bits >> bit & 1 == 1;
        let flags = Flags {
            qr: has(15),
            aa: has(10),
            tc: has(9),
            rd: has(8),
            ra: has(7),
            z: has(6),
            ad: has(5),
            cd: has(4),
        };
        Ok(Self { id, flags, opcode: bits >> 11 & 0xf, rcode: bits & 0xf })
    }

    fn encode(&self) -> [u8; 4] {
        let flags = self.flags;
        let set = [
            (flags.qr, 15),
            (flags.aa, 10),
            (flags.tc, 9),
            (flags.rd, 8),
            (flags.ra, 7),
            (flags.z, 6),
            (flags.ad, 5),
            (flags.cd, 4),
        ];
        let flags: u16 = set.iter().map(|(is_set, bit)| u16::from(*is_set) << bit).sum();
        let bits = flags | (self.opcode & 0xf) << 11 | self.rcode & 0xf;
        let ([a, b], [c, d]) = (self.id.to_be_bytes(), bits.to_be_bytes());
        [a, b, c, d]
    }
}

impl Asked {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Fault> {
        let name = cursor.name()?;
        Ok(Self { name, kind: RecordType(cursor.u16()?), class: Class(cursor.u16()?) })
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.name.wire());
        bytes.extend_from_slice(&self.kind.0.to_be_bytes());
        bytes.extend_from_slice(&self.class.0.to_be_bytes());
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind && self.class == other.class && self.name.is_same(&other.name)
    }
}

impl RawRecord {
    /// Also what is wrong with its data, if their end is known all the same.
    fn read(cursor: &mut Cursor<'_>) -> Result<(Self, Option<Fault>), Fault> {
        let name = cursor.name()?;
        let (kind, class) = (RecordType(cursor.u16()?), Class(cursor.u16()?));
        let ttl = cursor.u32()?;
        let length = cursor.u16()?;
        let part = cursor.part(length.into()).map_err(|_| "ends before its data do")?;
        let (data, fault) = match rdata::expand(kind, class, part) {
            Ok(data) => (data, None),
            Err(fault) => (part.clone().rest().to_vec(), Some(fault)),
        };
        Ok((Self { name, kind, class, ttl, data }, fault))
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.name.wire());
        bytes.extend_from_slice(&self.kind.0.to_be_bytes());
        bytes.extend_from_slice(&self.class.0.to_be_bytes());
        bytes.extend_from_slice(&self.ttl.to_be_bytes());
        bytes.extend_from_slice(&(self.data.len() as u16).to_be_bytes());
        bytes.extend_from_slice(&self.data);
    }
}

impl Opt {
    const DNSSEC_OK: u16 = 0x8000;

    fn of(record: &RawRecord) -> Result<Self, Fault> {
        let [rcode_high, version, high, low] = record.ttl.to_be_bytes();
        let flags = u16::from_be_bytes([high, low]);
        let mut cursor = Cursor::new(&record.data);
        let mut options = Vec::new();
        while cursor.left() > 0 {
            let code = cursor.u16()?;
            let length = cursor.u16()?;
            let data = cursor.bytes(length.into()).map_err(|_| "has an option beyond its end")?;
            options.push((code, data.to_vec()));
        }
        Ok(Self {
            udp_bytes: record.class.0,
            rcode_high,
            version,
            dnssec_ok: flags & Self::DNSSEC_OK != 0,
            z: flags & !Self::DNSSEC_OK,
            options,
        })
    }

    fn record(&self) -> RawRecord {
        let flags = self.z | if self.dnssec_ok { Self::DNSSEC_OK } else { 0 };
        let [high, low] = flags.to_be_bytes();
        let mut data = Vec::new();
        for (code, bytes) in &self.options {
            data.extend_from_slice(&code.to_be_bytes());
            data.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
            data.extend_from_slice(bytes);
        }
        RawRecord {
            name: Name::root(),
            kind: RecordType::OPT,
            class: Class(self.udp_bytes),
            ttl: u32::from_be_bytes([self.rcode_high, self.version, high, low]),
            data,
        }
    }
}
