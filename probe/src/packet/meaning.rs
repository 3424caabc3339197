//! ICMP types and codes in words.

use netdiag_wire::{IcmpError, IcmpMeaning};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mtu_is_told_only_where_the_field_means_it() {
        assert_eq!(of_v4(3, 4, 1400).unwrap().mtu, Some(1400));
        assert_eq!(of_v4(3, 4, 0).unwrap().mtu, None);
        assert_eq!(of_v4(3, 1, 1400).unwrap().mtu, None);
        assert_eq!(of_v6(2, 0, 1280).unwrap().mtu, Some(1280));
    }

    #[test]
    fn types_that_are_no_errors_mean_nothing() {
        for kind in [0, 4, 5, 8, 9, 10, 13, 14, 42] {
            assert_eq!(of_v4(kind, 0, 0), None, "{kind}");
        }
        for kind in [0, 5, 127, 128, 129, 133, 135, 137] {
            assert_eq!(of_v6(kind, 0, 0), None, "{kind}");
        }
    }

    #[test]
    fn a_code_without_a_name_is_still_an_error() {
        assert_eq!(of_v4(3, 200, 0).unwrap().meaning, IcmpMeaning::Other);
        assert_eq!(of_v6(1, 200, 0).unwrap().meaning, IcmpMeaning::Other);
    }
}
