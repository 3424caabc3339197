//! Where certificates are held: `-`, a file, `[NAMESPACE/]secret/NAME[:KEY]`, `configmap/…`.

use std::{fmt, path::PathBuf};

use super::kube::is_namespace;

/// Something that holds certificates.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Held {
    Stdin,
    File(PathBuf),
    Object(Holder),
}

/// A Secret or ConfigMap and one of its keys.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Holder {
    pub(crate) kind: HolderKind,
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    pub(crate) key: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum HolderKind {
    Secret,
    ConfigMap,
}

impl Held {
    pub(crate) fn parse(word: &str) -> Result<Self, String> {
        if word.is_empty() {
            return Err("a file, -, secret/NAME or configmap/NAME is missing".into());
        }
        if word == "-" {
            return Ok(Self::Stdin);
        }
        let (path, key) = match word.split_once(':') {
            Some((path, key)) => (path, Some(key)),
            None => (word, None),
        };
        let parts: Vec<&str> = path.splitn(3, '/').collect();
        let (namespace, kind, name) = match parts.as_slice() {
            [kind, name] => (None, kind, name),
            [namespace, kind, name] if is_namespace(namespace) => (Some(*namespace), kind, name),
            _ => return Ok(Self::File(word.into())),
        };
        let Some(kind) = HolderKind::of(kind) else { return Ok(Self::File(word.into())) };
        holder(kind, namespace, (name, key)).map(Self::Object)
    }
}

fn holder(
    kind: HolderKind,
    namespace: Option<&str>,
    (name, key): (&str, Option<&str>),
) -> Result<Holder, String> {
    let is_letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    if name.is_empty() || name.len() > 253 || !name.bytes().all(is_letter) {
        return Err(format!("\"{name}\" cannot be the name of a {kind}"));
    }
    let is_key = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if let Some(key) = key
        && (key.is_empty() || key.len() > 253 || !key.bytes().all(is_key))
    {
        return Err(format!("\"{key}\" cannot be a key of a {kind}"));
    }
    Ok(Holder {
        kind,
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
        key: key.map(str::to_owned),
    })
}

impl HolderKind {
    fn of(word: &str) -> Option<Self> {
        match word {
            "secret" | "secrets" => Some(Self::Secret),
            "configmap" | "configmaps" | "cm" => Some(Self::ConfigMap),
            _ => None,
        }
    }
}

impl fmt::Display for HolderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret => "secret",
            Self::ConfigMap => "configmap",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_file_unless_it_names_a_kind() {
        let object = |kind, namespace: Option<&str>, name: &str, key: Option<&str>| {
            let (namespace, key) = (namespace.map(Into::into), key.map(Into::into));
            Ok(Held::Object(Holder { kind, namespace, name: name.into(), key }))
        };
        use HolderKind::{ConfigMap, Secret};
        for (word, held) in [
            ("-", Ok(Held::Stdin)),
            ("tls.crt", Ok(Held::File("tls.crt".into()))),
            ("./secret/web", Ok(Held::File("./secret/web".into()))),
            ("/etc/secret/web", Ok(Held::File("/etc/secret/web".into()))),
            ("etc/ssl/secret/web", Ok(Held::File("etc/ssl/secret/web".into()))),
            ("secret/a/b", Ok(Held::File("secret/a/b".into()))),
            ("secret/web", object(Secret, None, "web", None)),
            ("shop/secret/web:tls.crt", object(Secret, Some("shop"), "web", Some("tls.crt"))),
            ("cm/ca:ca.crt", object(ConfigMap, None, "ca", Some("ca.crt"))),
        ] {
            assert_eq!(Held::parse(word), held, "{word}");
        }
        for (word, why) in [
            ("", "a file, -"),
            ("secret/", "\"\" cannot be the name"),
            ("secret/We b", "\"We b\" cannot be"),
            ("secret/a:", "\"\" cannot be a key"),
            ("secret/a:b c", "\"b c\" cannot be a key"),
        ] {
            let said = Held::parse(word).unwrap_err();
            assert!(said.starts_with(why), "{word}: {said}");
        }
    }
}
