//! `multipart/form-data` (RFC 7578), as curl's -F makes it.

use std::path::Path;

use aws_lc_rs::rand;

use super::payload::{Payload, whole};
use crate::{code, finding::Failure};

/// One part.
struct Part {
    name: String,
    content: Vec<u8>,
    filename: Option<String>,
    content_type: Option<String>,
}

pub(super) fn of(forms: &[String]) -> Result<Payload, Failure> {
    let parts: Vec<Part> = forms.iter().map(|form| Part::of(form)).collect::<Result<_, _>>()?;
    let boundary = boundary()?;
    let mut bytes = Vec::new();
    for part in &parts {
        part.write(&boundary, &mut bytes);
    }
    bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let content_type = Some(format!("multipart/form-data; boundary={boundary}"));
    Ok(Payload::Bytes { bytes: bytes.into(), content_type })
}

/// Nothing that a part could hold by chance.
fn boundary() -> Result<String, Failure> {
    let mut random = [0; 16];
    rand::fill(&mut random)
        .map_err(|_| Failure::new(code::BAD_VALUE, "-F: no randomness for a boundary"))?;
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("------------------------{digits}"))
}

/// By the file's extension, as curl has it.
fn usual_type(path: &str) -> &'static str {
    let extension = Path::new(path).extension().map(|it| it.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("gif") => "image/gif",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain",
        Some("htm" | "html") => "text/html",
        Some("pdf") => "application/pdf",
        Some("xml") => "application/xml",
        _ => "application/octet-stream",
    }
}

impl Part {
    /// `NAME=VALUE`, `NAME=@FILE`, `NAME=<FILE`, with `;type=` and `;filename=` behind it.
    fn of(form: &str) -> Result<Self, Failure> {
        let refused = |why: &str| Failure::new(code::BAD_VALUE, format!("-F {form}: {why}"));
        let (name, value) = form.split_once('=').ok_or_else(|| refused("must be NAME=VALUE"))?;
        let mut words = value.split(';');
        let first = words.next().unwrap_or_default();
        let (mut filename, mut content_type, mut rest) = (None, None, String::new());
        for word in words {
            match word.trim_start().split_once('=') {
                Some(("type", kind)) => content_type = Some(kind.to_owned()),
                Some(("filename", name)) => filename = Some(name.trim_matches('"').to_owned()),
                _ => rest.push_str(&format!(";{word}")),
            }
        }
        let content = match first.as_bytes().first() {
            Some(b'@') => {
                let base = Path::new(&first[1..]).file_name().map(|it| it.to_string_lossy().into());
                filename = filename.or(base);
                content_type.get_or_insert_with(|| usual_type(&first[1..]).into());
                whole(&first[1..])?
            }
            Some(b'<') => whole(&first[1..])?,
            _ => format!("{first}{rest}").into_bytes(),
        };
        let is_line = |text: &Option<String>| !text.iter().any(|it| it.contains(['\r', '\n']));
        match is_line(&filename) && is_line(&content_type) && !name.contains(['\r', '\n']) {
            true => Ok(Self { name: name.to_owned(), content, filename, content_type }),
            false => Err(refused("a line end in a name")),
        }
    }

    fn write(&self, boundary: &str, bytes: &mut Vec<u8>) {
        let quoted = |text: &str| text.replace('"', "%22");
        let name = quoted(&self.name);
        let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"");
        if let Some(filename) = &self.filename {
            head.push_str(&format!("; filename=\"{}\"", quoted(filename)));
        }
        if let Some(content_type) = &self.content_type {
            head.push_str(&format!("\r\nContent-Type: {content_type}"));
        }
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes.extend_from_slice(&self.content);
        bytes.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_written_as_curl_writes_them() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.txt");
        std::fs::write(&file, "hello").unwrap();
        let at = |sign: &str| format!("f={sign}{}", file.display());
        let forms = ["a=b;c".to_owned(), at("@"), at("<"), "j={};type=application/json".to_owned()];
        let Payload::Bytes { bytes, content_type } = of(&forms).unwrap() else { panic!() };
        let boundary = content_type.unwrap().split_once("boundary=").unwrap().1.to_owned();
        let text = String::from_utf8(bytes.to_vec()).unwrap().replace(&boundary, "B");
        let want = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb;c\r\n\
            --B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\
            Content-Type: text/plain\r\n\r\nhello\r\n\
            --B\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nhello\r\n\
            --B\r\nContent-Disposition: form-data; name=\"j\"\r\n\
            Content-Type: application/json\r\n\r\n{}\r\n--B--\r\n";
        assert_eq!(text, want);
        assert!(of(&["nothing".into()]).unwrap_err().message.contains("NAME=VALUE"));
    }
}
