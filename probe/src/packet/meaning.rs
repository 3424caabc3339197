//! ICMP types and codes in words.

use netdiag_wire::ping::{IcmpError, IcmpMeaning};

/// `None` for a type that is no error (RFC 792, RFC 1812; source quench died with RFC 6633).
pub(crate) fn of_v4(kind: u8, code: u8, mtu: u32) -> Option<IcmpError> {
    let meaning = match (kind, code) {
        (3, 0 | 6 | 11) => IcmpMeaning::NetUnreachable,
        (3, 1 | 7 | 8 | 12) => IcmpMeaning::HostUnreachable,
        (3, 2) => IcmpMeaning::ProtocolUnreachable,
        (3, 3) => IcmpMeaning::PortUnreachable,
        (3, 4) => IcmpMeaning::FragmentationNeeded,
        (3, 5) => IcmpMeaning::SourceRouteFailed,
        (3, 9 | 10 | 13) => IcmpMeaning::AdminProhibited,
        (11, 0) => IcmpMeaning::TtlExceeded,
        (11, 1) => IcmpMeaning::ReassemblyTimeExceeded,
        (12, _) => IcmpMeaning::ParameterProblem,
        (3 | 11, _) => IcmpMeaning::Other,
        _ => return None,
    };
    Some(error(meaning, kind, code, mtu))
}

/// `None` for a type that is no error (RFC 4443).
pub(crate) fn of_v6(kind: u8, code: u8, mtu: u32) -> Option<IcmpError> {
    let meaning = match (kind, code) {
        (1, 0) => IcmpMeaning::NetUnreachable,
        (1, 1 | 5 | 6) => IcmpMeaning::AdminProhibited,
        (1, 2) => IcmpMeaning::BeyondScope,
        (1, 3) => IcmpMeaning::HostUnreachable,
        (1, 4) => IcmpMeaning::PortUnreachable,
        (1, 7) => IcmpMeaning::SourceRouteFailed,
        (2, _) => IcmpMeaning::FragmentationNeeded,
        (3, 0) => IcmpMeaning::TtlExceeded,
        (3, 1) => IcmpMeaning::ReassemblyTimeExceeded,
        (4, _) => IcmpMeaning::ParameterProblem,
        (1 | 3, _) => IcmpMeaning::Other,
        _ => return None,
    };
    Some(error(meaning, kind, code, mtu))
}

fn error(meaning: IcmpMeaning, kind: u8, code: u8, mtu: u32) -> IcmpError {
    // Routers older than RFC 1191 leave the field at zero.
    let is_told = meaning == IcmpMeaning::FragmentationNeeded && mtu != 0;
    IcmpError { meaning, kind, code, mtu: is_told.then_some(mtu) }
}
