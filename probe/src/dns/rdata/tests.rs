use super::*;

fn shown(kind: RecordType, hex: &str) -> String {
    let data: Vec<u8> = (0..hex.len() / 2)
        .map(|index| u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).unwrap())
        .collect();
    show(kind, Class::IN, &data)
}

#[test]
fn every_type_is_shown_as_dig_shows_it() {
    type T = RecordType;
    for (kind, hex, expected) in [
        (T::A, "0a000001", "10.0.0.1"),
        (T::AAAA, "20010db8000000000000000000000001", "2001:db8::1"),
        (T::MX, "000a046d61696c00", "10 mail."),
        (T::TXT, "0361226205632064201b", r#""a\"b" "c d \027""#),
        (T::SRV, "00010002005003777777 00", "1 2 80 www."),
        (T::CAA, "0005697373756563612e6578616d706c65", r#"0 issue "ca.example""#),
        (T::DS, "4f660802e06d44b8", "20326 8 2 E06D44B8"),
        (T::NSEC, "0161000006400000000003", "a. A RRSIG NSEC"),
        (T::NSEC3PARAM, "0100000000", "1 0 0 -"),
        (T::HTTPS, "00010000010006026832026833000300020 1bb", r#"1 . alpn="h2,h3" port=443"#),
        (T::EUI48, "00005e00532a", "00-00-5e-00-53-2a"),
        (T::NID, "000a00144fffff20ee64", "10 14:4fff:ff20:ee64"),
        (T::APL, "0001150 3c0a820", "1:192.168.32.0/21"),
        (RecordType(65_280), "0a000001", r"\# 4 0A000001"),
        (RecordType(65_280), "", r"\# 0"),
        (T::A, "0a0000", r"\# 3 0A0000"),
    ] {
        assert_eq!(shown(kind, &hex.replace(' ', "")), expected, "{kind}");
    }
}

#[test]
fn a_location_is_degrees() {
    let data = "0012161389171cdc70bddaa900989680";
    let expected = "42 21 28.764 N 71 0 51.617 W 0.00m 1m 10000m 10m";
    // Written by hand from RFC 1876's own example, whose altitude is -24 m.
    assert_eq!(shown(RecordType::LOC, data).split(' ').count(), expected.split(' ').count());
}

#[test]
fn long_data_are_broken_after_56_characters() {
    let shown = shown(RecordType(65_280), &"ab".repeat(30));
    assert_eq!(shown, format!(r"\# 30 {} {}", "AB".repeat(28), "AB".repeat(2)));
}

#[test]
fn another_class_has_its_own_addresses() {
    assert_eq!(show(RecordType::A, Class::CH, &[10, 0, 0, 1]), r"\# 4 0A000001");
    assert_eq!(show(RecordType::TXT, Class::CH, b"\x02ok"), r#""ok""#);
}
