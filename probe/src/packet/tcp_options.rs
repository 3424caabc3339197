//! The options of a SYN (RFC 9293 section 3.2, RFC 7323, RFC 2018).

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TcpOption {
    Mss(u16),
    SackOk,
    Timestamp,
    Nop,
    WindowScale(u8),
    End,
    Other(u8),
}

/// In their order; `None` where a length is wrong.
pub(crate) fn read(mut bytes: &[u8]) -> Option<Vec<TcpOption>> {
    let mut options = Vec::new();
    while let [kind, rest @ ..] = bytes {
        bytes = rest;
        options.push(match kind {
            0 => TcpOption::End,
            1 => TcpOption::Nop,
            kind => {
                let (length, rest) = bytes.split_first()?;
                let (value, rest) = rest.split_at_checked(usize::from(*length).checked_sub(2)?)?;
                bytes = rest;
                option(*kind, value)
            }
        });
    }
    Some(options)
}

fn option(kind: u8, value: &[u8]) -> TcpOption {
    match (kind, value) {
        (2, [high, low]) => TcpOption::Mss(u16::from_be_bytes([*high, *low])),
        (3, [scale]) => TcpOption::WindowScale(*scale),
        (4, []) => TcpOption::SackOk,
        (8, value) if value.len() == 8 => TcpOption::Timestamp,
        _ => TcpOption::Other(kind),
    }
}
