//! Orders and answers as bytes. A frame that is not exactly one of ours is refused as a whole.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{ANSWER_BYTES, Answer, MAX_ADDRESSES, ORDER_BYTES, Order, Refusal};

/// Why bytes are no frame, or a value does not fit one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FrameError {
    #[error("frame of unknown kind {0}")]
    Kind(u8),
    #[error("{0} is not what Kubernetes would name")]
    Name(&'static str),
    #[error("{0} addresses, must be 1 to {MAX_ADDRESSES}")]
    Addresses(usize),
    #[error("unknown value {0} in a frame")]
    Value(u8),
    #[error("frame ends early")]
    Short,
    #[error("bytes after the end of a frame")]
    Trailing,
}

const POD: u8 = b'p';
const NODE: u8 = b'n';
const CONNECT: u8 = b'c';
const SELF_TEST: u8 = b't';
const STARTED: u8 = b's';
const REFUSED: u8 = b'r';

impl Order {
    pub fn encode(&self) -> Result<[u8; ORDER_BYTES], FrameError> {
        let mut frame = Writer::<ORDER_BYTES>::new();
        match self {
            Self::Pod { uid, namespace, name, addresses, is_static } => {
                frame.put(&[POD, u8::from(*is_static)])?;
                frame.name("uid", uid, 36)?;
                frame.name("namespace", namespace, 63)?;
                frame.name("name", name, 253)?;
                frame.count(addresses.len())?;
                addresses.iter().try_for_each(|address| frame.address(*address))?;
            }
            Self::Node => frame.put(&[NODE])?,
            Self::Connect(addresses) => {
                frame.put(&[CONNECT])?;
                frame.count(addresses.len())?;
                for address in addresses {
                    frame.address(address.ip())?;
                    frame.put(&address.port().to_be_bytes())?;
                }
            }
            Self::SelfTest => frame.put(&[SELF_TEST])?,
        }
        Ok(frame.bytes)
    }

    pub fn decode(bytes: &[u8; ORDER_BYTES]) -> Result<Self, FrameError> {
        let mut frame = Reader(bytes);
        let order = match frame.byte()? {
            POD => Self::Pod {
                is_static: frame.flag()?,
                uid: frame.name("uid", 36)?,
                namespace: frame.name("namespace", 63)?,
                name: frame.name("name", 253)?,
                addresses: frame.list(Reader::address)?,
            },
            NODE => Self::Node,
            CONNECT => Self::Connect(frame.list(|frame| {
                let address = frame.address()?;
                Ok(SocketAddr::new(address, u16::from_be_bytes(frame.array()?)))
            })?),
            SELF_TEST => Self::SelfTest,
            kind => return Err(FrameError::Kind(kind)),
        };
        frame.end()?;
        Ok(order)
    }
}

impl Answer {
    pub fn encode(&self) -> [u8; ANSWER_BYTES] {
        let mut bytes = [0; ANSWER_BYTES];
        match self {
            Self::Started { netns, is_node } => {
                bytes[..2].copy_from_slice(&[STARTED, u8::from(*is_node)]);
                bytes[2..10].copy_from_slice(&netns.to_be_bytes());
            }
            Self::Refused { refusal, errno } => {
                bytes[..2].copy_from_slice(&[REFUSED, *refusal as u8]);
                bytes[2..6].copy_from_slice(&errno.to_be_bytes());
            }
            Self::SelfTest { problems, errno } => {
                bytes[0] = SELF_TEST;
                bytes[1..5].copy_from_slice(&problems.to_be_bytes());
                bytes[5..9].copy_from_slice(&errno.to_be_bytes());
            }
        }
        bytes
    }

    pub fn decode(bytes: &[u8; ANSWER_BYTES]) -> Result<Self, FrameError> {
        let mut frame = Reader(bytes);
        let answer = match frame.byte()? {
            STARTED => {
                Self::Started { is_node: frame.flag()?, netns: u64::from_be_bytes(frame.array()?) }
            }
            REFUSED => Self::Refused {
                refusal: Refusal::from_byte(frame.byte()?)?,
                errno: i32::from_be_bytes(frame.array()?),
            },
            SELF_TEST => Self::SelfTest {
                problems: u32::from_be_bytes(frame.array()?),
                errno: i32::from_be_bytes(frame.array()?),
            },
            kind => return Err(FrameError::Kind(kind)),
        };
        frame.end()?;
        Ok(answer)
    }
}

impl Refusal {
    const ALL: [Self; 7] = [
        Self::BadFrame,
        Self::NoProcess,
        Self::ForeignNamespace,
        Self::Permission,
        Self::Busy,
        Self::Spawn,
        Self::Connect,
    ];

    fn from_byte(byte: u8) -> Result<Self, FrameError> {
        let known = Self::ALL.into_iter().find(|refusal| *refusal as u8 == byte);
        known.ok_or(FrameError::Value(byte))
    }
}

/// Lower-case letters, digits, `-` and `.`: what UIDs and object names consist of, and nothing that
/// a path could be steered with.
fn is_name(name: &[u8], longest: usize) -> bool {
    (1..=longest).contains(&name.len())
        && name.first() != Some(&b'.')
        && name.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
}

struct Writer<const N: usize> {
    bytes: [u8; N],
    used: usize,
}

impl<const N: usize> Writer<N> {
    fn new() -> Self {
        Self { bytes: [0; N], used: 0 }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), FrameError> {
        let end = self.used + bytes.len();
        self.bytes.get_mut(self.used..end).ok_or(FrameError::Short)?.copy_from_slice(bytes);
        self.used = end;
        Ok(())
    }

    fn name(&mut self, what: &'static str, name: &str, longest: usize) -> Result<(), FrameError> {
        if !is_name(name.as_bytes(), longest) {
            return Err(FrameError::Name(what));
        }
        self.put(&[name.len() as u8])?;
        self.put(name.as_bytes())
    }

    fn count(&mut self, addresses: usize) -> Result<(), FrameError> {
        if !(1..=MAX_ADDRESSES).contains(&addresses) {
            return Err(FrameError::Addresses(addresses));
        }
        self.put(&[addresses as u8])
    }

    fn address(&mut self, address: IpAddr) -> Result<(), FrameError> {
        match address {
            IpAddr::V4(v4) => self.put(&[4]).and_then(|()| self.put(&v4.octets())),
            IpAddr::V6(v6) => self.put(&[6]).and_then(|()| self.put(&v6.octets())),
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, FrameError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(FrameError::Short)?;
        self.0 = rest;
        Ok(*head)
    }

    fn flag(&mut self) -> Result<bool, FrameError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(FrameError::Value(other)),
        }
    }

    fn name(&mut self, what: &'static str, longest: usize) -> Result<String, FrameError> {
        let length = usize::from(self.byte()?);
        let (name, rest) = self.0.split_at_checked(length).ok_or(FrameError::Short)?;
        self.0 = rest;
        match str::from_utf8(name) {
            Ok(text) if is_name(name, longest) => Ok(text.to_owned()),
            _ => Err(FrameError::Name(what)),
        }
    }

    fn list<T>(
        &mut self,
        item: impl Fn(&mut Self) -> Result<T, FrameError>,
    ) -> Result<Vec<T>, FrameError> {
        let count = usize::from(self.byte()?);
        if !(1..=MAX_ADDRESSES).contains(&count) {
            return Err(FrameError::Addresses(count));
        }
        (0..count).map(|_| item(self)).collect()
    }

    fn address(&mut self) -> Result<IpAddr, FrameError> {
        match self.byte()? {
            4 => Ok(Ipv4Addr::from(self.array()?).into()),
            6 => Ok(Ipv6Addr::from(self.array()?).into()),
            other => Err(FrameError::Value(other)),
        }
    }

    fn end(self) -> Result<(), FrameError> {
        if self.0.iter().all(|byte| *byte == 0) { Ok(()) } else { Err(FrameError::Trailing) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pod() -> Order {
        Order::Pod {
            uid: "1b8c5d9e-0f53-4a38-9a52-9d1b7b2f7a11".into(),
            namespace: "shop".into(),
            name: "foo-7d9f".into(),
            addresses: vec![[10, 244, 1, 7].into()],
            is_static: false,
        }
    }

    fn orders() -> impl Strategy<Value = Order> {
        let addresses = proptest::collection::vec(any::<IpAddr>(), 1..=MAX_ADDRESSES);
        let sockets = proptest::collection::vec((any::<IpAddr>(), any::<u16>()), 1..=MAX_ADDRESSES);
        prop_oneof![
            (
                "[0-9a-f-]{1,36}",
                "[a-z0-9-]{1,63}",
                "[a-z0-9][a-z0-9.-]{0,252}",
                addresses,
                any::<bool>()
            )
                .prop_map(|(uid, namespace, name, addresses, is_static)| Order::Pod {
                    uid,
                    namespace,
                    name,
                    addresses,
                    is_static
                }),
            sockets.prop_map(|s| Order::Connect(s.into_iter().map(SocketAddr::from).collect())),
            Just(Order::Node),
            Just(Order::SelfTest),
        ]
    }

    proptest! {
        #[test]
        fn an_order_reads_back(order in orders()) {
            prop_assert_eq!(Order::decode(&order.encode().unwrap()), Ok(order));
        }

        #[test]
        fn an_answer_reads_back(netns: u64, is_node: bool, problems: u32, errno: i32, at in 0..7usize) {
            for answer in [
                Answer::Started { netns, is_node },
                Answer::Refused { refusal: Refusal::ALL[at], errno },
                Answer::SelfTest { problems, errno },
            ] {
                prop_assert_eq!(Answer::decode(&answer.encode()), Ok(answer));
            }
        }

        #[test]
        fn hostile_bytes_are_refused_or_read_back(bytes in proptest::collection::vec(any::<u8>(), ORDER_BYTES)) {
            let frame: [u8; ORDER_BYTES] = bytes.try_into().unwrap();
            if let Ok(order) = Order::decode(&frame) {
                prop_assert_eq!(order.encode().unwrap(), frame);
            }
        }

        #[test]
        fn one_changed_byte_never_steers_a_path(at in 0..ORDER_BYTES, byte: u8) {
            let mut frame = pod().encode().unwrap();
            frame[at] = byte;
            if let Ok(Order::Pod { uid, namespace, name, .. }) = Order::decode(&frame) {
                for part in [uid, namespace, name] {
                    prop_assert!(!part.is_empty() && !part.contains('/') && !part.starts_with('.'));
                }
            }
        }
    }

    #[test]
    fn hostile_frames_are_refused() {
        let mut frames = vec![([0; ORDER_BYTES], FrameError::Kind(0))];
        let mut with = |change: fn(&mut [u8; ORDER_BYTES]), error| {
            let mut frame = pod().encode().unwrap();
            change(&mut frame);
            frames.push((frame, error));
        };
        with(|f| f[0] = b'x', FrameError::Kind(b'x'));
        with(|f| f[1] = 2, FrameError::Value(2));
        with(|f| f[2] = 0, FrameError::Name("uid"));
        with(|f| f[2] = 37, FrameError::Name("uid"));
        with(|f| f[3] = b'/', FrameError::Name("uid"));
        with(|f| f[3] = b'.', FrameError::Name("uid"));
        with(|f| f[3] = b'A', FrameError::Name("uid"));
        with(|f| f[4] = 0xff, FrameError::Name("uid"));
        with(|f| f[ORDER_BYTES - 1] = 1, FrameError::Trailing);
        for (frame, error) in frames {
            assert_eq!(Order::decode(&frame), Err(error));
        }
        assert_eq!(Answer::decode(&[b'r'; ANSWER_BYTES]), Err(FrameError::Value(b'r')));
        let mut trailing = Answer::Started { netns: 1, is_node: true }.encode();
        trailing[ANSWER_BYTES - 1] = 1;
        assert_eq!(Answer::decode(&trailing), Err(FrameError::Trailing));
    }

    #[test]
    fn what_does_not_fit_is_not_sent() {
        assert_eq!(Order::Connect(vec![]).encode(), Err(FrameError::Addresses(0)));
        let nine = vec![SocketAddr::from(([10, 0, 0, 1], 443)); 9];
        assert_eq!(Order::Connect(nine).encode(), Err(FrameError::Addresses(9)));
        let Order::Pod { uid, namespace, addresses, .. } = pod() else { unreachable!() };
        let name = "../etc".to_owned();
        let order = Order::Pod { uid, namespace, name, addresses, is_static: true };
        assert_eq!(order.encode(), Err(FrameError::Name("name")));
    }
}
