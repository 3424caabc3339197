//! Documents for programs: JSON and YAML in which nothing hostile stands unescaped.

use std::io::{self, Write};

use netdiag_wire::{API_VERSION, Line, untrusted::is_hostile};
use serde::{Serialize, Serializer};
use serde_json::{
    Value,
    ser::{CompactFormatter, Formatter, PrettyFormatter},
};

use super::{Format, Screen, document::Action};
use crate::finding::{Code, Failure, Label};

/// Any line of an event stream, for `-o ndjson` only.
pub(crate) fn stream_line(
    out: &mut dyn Write,
    screen: &Screen,
    line: &Line<impl Serialize>,
) -> io::Result<()> {
    if screen.quiet || screen.format != Format::Ndjson {
        return Ok(());
    }
    write(out, Format::Ndjson, line)
}

/// One document in the format of the screen; for `ndjson` one line.
pub(super) fn write(
    out: &mut dyn Write,
    format: Format,
    document: &impl Serialize,
) -> io::Result<()> {
    match format {
        Format::Yaml => return yaml(out, document),
        Format::Ndjson => compact(out, document)?,
        Format::Json | Format::Text | Format::Wide | Format::Verdict | Format::Dot => {
            let formatter = Escaping(PrettyFormatter::new());
            document
                .serialize(&mut serde_json::Serializer::with_formatter(&mut *out, formatter))?;
        }
    }
    writeln!(out)
}

fn compact(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    let formatter = Escaping(CompactFormatter);
    Ok(document.serialize(&mut serde_json::Serializer::with_formatter(out, formatter))?)
}

/// The object `kind: Error` that stands on stderr in place of a report.
pub(super) fn failure(err: &mut dyn Write, format: Format, failure: &Failure) -> io::Result<()> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct ErrorDocument<'a> {
        api_version: &'static str,
        kind: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<Code>,
        message: &'a str,
        seen: Vec<&'a str>,
        next: Vec<Action>,
        admin: Vec<Action>,
    }
    let seen = failure.labels.iter().filter_map(|label| match label {
        Label::Seen(text) | Label::SeenOf { text, .. } | Label::Note(text) => Some(text.as_str()),
        _ => None,
    });
    let document = ErrorDocument {
        api_version: API_VERSION,
        kind: "Error",
        code: failure.code,
        message: &failure.message,
        seen: seen.collect(),
        next: Action::next(&failure.labels),
        admin: Action::admin(&failure.labels),
    };
    write(err, format, &document)
}

/// A JSON formatter that writes hostile code points as `\uXXXX`.
struct Escaping<F>(F);

impl<F: Formatter> Formatter for Escaping<F> {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_hostile(*c)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }
    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }
    fn begin_array_value<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(w, first)
    }
    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }
    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }
    fn begin_object_key<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(w, first)
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }
    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

fn yaml(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    let value = serde_json::to_value(document)?;
    // A command stays on one line, to be copied.
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let written = serde_saphyr::to_string_with_options(&Quoting(&value), options);
    let written = written.map_err(io::Error::other)?;
    // Whatever is still hostile stands within double quotes, where YAML has the same escapes.
    for c in written.chars() {
        match c {
            '\n' => writeln!(out)?,
            c if is_hostile(c) => write!(out, "\\U{:08X}", u32::from(c))?,
            c => write!(out, "{c}")?,
        }
    }
    Ok(())
}

/// A value whose hostile strings are double-quoted in YAML.
struct Quoting<'a>(&'a Value);

impl Serialize for Quoting<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) if text.contains(is_hostile) => {
                serde_saphyr::DoubleQuoted(text).serialize(serializer)
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Quoting)),
            Value::Object(fields) => {
                serializer.collect_map(fields.iter().map(|(key, value)| (key, Quoting(value))))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.0.serialize(serializer)
            }
        }
    }
}
