//! Commands as a shell reads them back.

use netdiag_wire::untrusted::is_hostile;

/// The whole command on one line.
pub(crate) fn line(argv: &[String]) -> String {
    argv.iter().map(|argument| quoted(argument)).collect::<Vec<_>>().join(" ")
}

/// One argument, quoted where a POSIX shell would read anything into it.
///
/// Bytes that steer a terminal become octal escapes in `$'...'` (POSIX.1-2024), so that the command
/// is still complete and nothing of it acts before it is run.
pub(crate) fn quoted(argument: &str) -> String {
    if argument.contains(is_hostile) {
        return format!("$'{}'", argument.chars().map(octal).collect::<String>());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

fn octal(c: char) -> String {
    match c {
        '\\' | '\'' => format!("\\{c}"),
        c if is_hostile(c) => {
            let mut bytes = [0; 4];
            c.encode_utf8(&mut bytes).bytes().map(|byte| format!("\\{byte:03o}")).collect()
        }
        c => c.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_quotes_has_them() {
        for (argument, shown) in [
            ("shop/pod/foo", "shop/pod/foo"),
            ("fd00::7", "fd00::7"),
            ("--selector=app", "--selector=app"),
            ("", "''"),
            ("two words", "'two words'"),
            ("it's", r"'it'\''s'"),
            ("$(reboot)", "'$(reboot)'"),
            ("*", "'*'"),
            ("a\x1b[2Jb", r"$'a\033[2Jb'"),
            ("\u{202e}'\\", r"$'\342\200\256\'\\'"),
            ("Grüße", "'Grüße'"),
        ] {
            assert_eq!(quoted(argument), shown);
        }
    }

    #[test]
    fn a_shell_reads_back_what_was_meant() {
        let arguments =
            ["two words", "it's", "a\x1b]0;x\x07b", "\u{202e}'\\\u{9b}", "", "a\nb", "~"];
        let argv = arguments.map(String::from);
        let script = format!("printf '%s\\0' {}", line(&argv));
        #[expect(clippy::disallowed_methods, reason = "the judge of quoting is a shell")]
        let output = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
        let read: Vec<_> = output.stdout.split(|byte| *byte == 0).collect();
        assert_eq!(&read[..arguments.len()], arguments.map(str::as_bytes));
    }
}
