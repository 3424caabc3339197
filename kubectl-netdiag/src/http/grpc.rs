//! gRPC's health check: `grpc.health.v1.Health/Check`, one string in, one enumeration out.

use bytes::Bytes;

pub(super) const PATH: &str = "/grpc.health.v1.Health/Check";

/// What a server says of a service (health.proto).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Health {
    Unknown,
    Serving,
    NotServing,
    NoSuchService,
}

impl Health {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Serving => "SERVING",
            Self::NotServing => "NOT_SERVING",
            Self::NoSuchService => "SERVICE_UNKNOWN",
        }
    }
}

/// `HealthCheckRequest { service = 1 }`, with gRPC's five bytes before it.
pub(super) fn request(service: &str) -> Bytes {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(0x0a);
        varint(service.len(), &mut message);
        message.extend_from_slice(service.as_bytes());
    }
    let mut framed = vec![0];
    framed.extend_from_slice(&(message.len() as u32).to_be_bytes());
    framed.extend_from_slice(&message);
    framed.into()
}

fn varint(mut number: usize, to: &mut Vec<u8>) {
    while number > 0x7f {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

/// `HealthCheckResponse { status = 1 }`; an absent field is 0. None: no such answer.
pub(crate) fn answer(body: &[u8]) -> Option<Health> {
    let message = body.get(5..)?;
    let length = u32::from_be_bytes(body.get(1..5)?.try_into().ok()?) as usize;
    if body[0] != 0 || message.len() != length {
        return None;
    }
    match message {
        [] | [0x08, 0] => Some(Health::Unknown),
        [0x08, 1] => Some(Health::Serving),
        [0x08, 2] => Some(Health::NotServing),
        [0x08, 3] => Some(Health::NoSuchService),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_those_of_health_proto() {
        assert_eq!(request("").as_ref(), [0; 5]);
        assert_eq!(request("a.B").as_ref(), b"\0\0\0\0\x05\x0a\x03a.B");
        assert_eq!(answer(b"\0\0\0\0\x02\x08\x01"), Some(Health::Serving));
        assert_eq!(answer(b"\0\0\0\0\0"), Some(Health::Unknown));
        assert_eq!(answer(b"\0\0\0\0\x02\x08\x09"), None);
        assert_eq!(answer(b"\x01\0\0\0\x02\x08\x01"), None);
        assert_eq!(answer(b"\0\0\0"), None);
        let long = "s".repeat(200);
        assert_eq!(&request(&long)[5..8], [0x0a, 0xc8, 1]);
    }
}
