//! A request's body, as curl's flags make it.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

use crate::{
    args::http::AskFlags,
    code,
    finding::Failure,
    stream::{Input, read},
};

/// Largest body that is put together in memory: of a form, of JSON.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// What stays as it is in a form (RFC 3986, section 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const FORM: &str = "application/x-www-form-urlencoded";

/// What is sent behind the head.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Payload {
    #[default]
    None,
    Bytes {
        bytes: Bytes,
        /// Absent: nobody said, so none is sent.
        content_type: Option<String>,
    },
    File {
        path: PathBuf,
        bytes: u64,
    },
    /// As it comes.
    Stdin,
}

impl Payload {
    /// Reads what `@` names; nothing is sent yet.
    pub(crate) fn of(flags: &AskFlags) -> Result<Self, Failure> {
        if let Some(path) = &flags.upload_file {
            return Self::of_file(path);
        }
        if let Some(service) = &flags.grpc_health {
            let content_type = Some("application/grpc".to_owned());
            return Ok(Self::Bytes { bytes: super::grpc::request(service), content_type });
        }
        if !flags.form.is_empty() {
            return super::multipart::of(&flags.form);
        }
        if !flags.json.is_empty() {
            let bytes = flags
                .json
                .iter()
                .map(|text| content(text, false))
                .collect::<Result<Vec<_>, _>>()?;
            let bytes = bytes.concat().into();
            return Ok(Self::Bytes { bytes, content_type: Some("application/json".into()) });
        }
        Ok(match data(flags)? {
            Some(bytes) if !flags.get => Self::Bytes { bytes, content_type: Some(FORM.into()) },
            _ => Self::None,
        })
    }

    fn of_file(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self::Stdin);
        }
        let metadata = path.metadata().and_then(|it| match it.is_dir() {
            true => Err(io::ErrorKind::IsADirectory.into()),
            false => Ok(it),
        });
        let bytes = metadata.map_err(|cause| unread(path, &cause))?.len();
        Ok(Self::File { path: path.to_owned(), bytes })
    }

    /// As it stands in the head; absent: as long as it comes.
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Self::None => Some(0),
            Self::Bytes { bytes, .. } => Some(bytes.len() as u64),
            Self::File { bytes, .. } => Some(*bytes),
            Self::Stdin => None,
        }
    }

    /// Whether it can be sent once more.
    pub(crate) fn is_repeatable(&self) -> bool {
        *self != Self::Stdin
    }

    /// Chunk by chunk.
    pub(crate) fn open(&self) -> Result<Input, Failure> {
        Ok(match self {
            Self::None => read(io::empty(), false),
            Self::Bytes { bytes, .. } => read(io::Cursor::new(bytes.clone()), false),
            Self::File { path, .. } => {
                read(File::open(path).map_err(|cause| unread(path, &cause))?, false)
            }
            Self::Stdin => read(io::stdin(), false),
        })
    }
}

/// What `-d` and its kin come to, in the order of the kinds: `a=1&b=2`.
pub(crate) fn data(flags: &AskFlags) -> Result<Option<Bytes>, Failure> {
    let mut pieces = Vec::new();
    for text in &flags.data {
        pieces.push(content(text, true)?);
    }
    for text in &flags.data_raw {
        pieces.push(text.clone().into_bytes());
    }
    for text in &flags.data_binary {
        pieces.push(content(text, false)?);
    }
    for text in &flags.data_urlencode {
        pieces.push(urlencoded(text)?);
    }
    Ok((!pieces.is_empty()).then(|| pieces.join(&b"&"[..]).into()))
}

/// The text itself, or what `@` names; curl leaves line ends and NULs out of `-d @FILE`.
fn content(text: &str, is_one_line: bool) -> Result<Vec<u8>, Failure> {
    let Some(path) = text.strip_prefix('@') else { return Ok(text.as_bytes().to_vec()) };
    let mut bytes = whole(path)?;
    if is_one_line {
        bytes.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
    }
    Ok(bytes)
}

/// `CONTENT`, `=CONTENT`, `NAME=CONTENT`, `@FILE`, `NAME@FILE`.
fn urlencoded(text: &str) -> Result<Vec<u8>, Failure> {
    let (name, content) = match text.find(['=', '@']) {
        Some(at) if text.as_bytes()[at] == b'=' => (&text[..at], text[at + 1..].into()),
        Some(at) => (&text[..at], whole(&text[at + 1..])?),
        None => ("", text.as_bytes().to_vec()),
    };
    let encoded =
        percent_encoding::percent_encode(&content, ENCODED).to_string().replace("%20", "+");
    Ok(match name {
        "" => encoded,
        name => format!("{name}={encoded}"),
    }
    .into_bytes())
}

/// Of a file, or of stdin.
pub(super) fn whole(path: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = match path {
        "-" => io::stdin().take(MAX_BYTES + 1).read_to_end(&mut bytes),
        path => File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)),
    };
    let read = read.map_err(|cause| unread(Path::new(path), &cause))?;
    if read as u64 > MAX_BYTES {
        let message = format!("{path}: more than {} MiB; -T sends it as it is", MAX_BYTES >> 20);
        return Err(Failure::new(code::BAD_VALUE, message));
    }
    Ok(bytes)
}

fn unread(path: &Path, cause: &io::Error) -> Failure {
    let name = if path == Path::new("-") { "stdin".into() } else { path.display().to_string() };
    Failure::new(code::BAD_VALUE, format!("read {name}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_joined_as_curl_joins_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("data");
        std::fs::write(&file, "c=1\r\n2\n").unwrap();
        let flags = AskFlags {
            data: vec!["a=b".into(), format!("@{}", file.display())],
            data_raw: vec!["@no".into()],
            data_binary: vec![format!("@{}", file.display())],
            data_urlencode: vec!["q=a b&c".into(), "=x y".into(), "ü".into()],
            ..AskFlags::default()
        };
        let bytes = data(&flags).unwrap().unwrap();
        let want = "a=b&c=12&@no&c=1\r\n2\n&q=a+b%26c&x+y&%C3%BC";
        assert_eq!(String::from_utf8(bytes.to_vec()).unwrap(), want);
        let missing = AskFlags { data: vec!["@/no/such".into()], ..AskFlags::default() };
        let failure = data(&missing).unwrap_err();
        assert!(failure.message.starts_with("read /no/such: No such file"), "{failure}");
    }

    #[test]
    fn what_is_uploaded_says_its_length() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("data");
        std::fs::write(&file, "hello").unwrap();
        let upload = |path: PathBuf| {
            Payload::of(&AskFlags { upload_file: Some(path), ..AskFlags::default() })
        };
        assert_eq!(upload(file).unwrap().length(), Some(5));
        let stdin = upload("-".into()).unwrap();
        assert_eq!((stdin.length(), stdin.is_repeatable()), (None, false));
        assert!(upload(directory.path().into()).unwrap_err().message.contains("directory"));
    }
}
