//! Our requests beside curl's: the same command line, the same server, and what it saw.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::server::{Seen, Server};
use crate::run::Plugin;

/// What is put between curl's words and ours; `FILE` holds two lines, `COOKIES` cookies, `OTHER` is another server's
/// address, `URL` is the server's.
const LINES: &[&str] = &[
    "URL/",
    "URL/a/b?c=d&e=%20f",
    "URL/a%2fb/../c",
    "URL/?q=a+b",
    "URL/#fragment",
    "URL",
    "-X DELETE URL/thing",
    "-X OPTIONS URL/",
    "-X PATCH -d a=b URL/",
    "-X get URL/",
    "-I URL/",
    "-d a=b URL/",
    "-d a=b -d c=d URL/",
    "-d @FILE URL/",
    "--data-binary @FILE URL/",
    "--data-raw @FILE URL/",
    "--data-urlencode a=b%c URL/",
    "--data-urlencode =x&y URL/",
    "--data-urlencode a@FILE URL/",
    "--data-urlencode x&y URL/",
    "-G -d a=b -d c=d URL/p",
    "-G -d a=b URL/p?z=1",
    "-G --data-urlencode q=a&b URL/",
    "--json {\"a\":1} URL/",
    "--json @FILE URL/",
    "--json {} -H Content-Type:text/plain URL/",
    "-F a=b URL/",
    "-F a=b -F c=@FILE URL/",
    "-F a=<FILE URL/",
    "-F a=b;type=text/x URL/",
    "-F f=@FILE;filename=x.y;type=image/png URL/",
    "-T FILE URL/up",
    "-T FILE -X POST URL/up",
    "-H X-A:1 -H X-A:2 URL/",
    "-H Host:other.example URL/",
    "-H Accept: URL/",
    "-H User-Agent: URL/",
    "-H User-Agent:me URL/",
    "-H X-Empty; URL/",
    "-H Content-Type:text/plain -d x URL/",
    "-H Content-Type: -d x URL/",
    "-A agent/1 URL/",
    "-e http://from.example/ URL/",
    "-b k=v URL/",
    "-b k=v;l=w URL/",
    "-b COOKIES URL/",
    "-b COOKIES URL/a/b?c",
    "-b COOKIES URL/ab",
    "-b COOKIES -b k=v -b l=w URL/a",
    "-b COOKIES -H Host:www.shop.example:81 URL/a",
    "-b COOKIES http://www.shop.example:PORT/a --resolve www.shop.example:PORT:127.0.0.1",
    "-b COOKIES http://shop.example:PORT/a --resolve shop.example:PORT:127.0.0.1",
    "-b COOKIES http://eshop.example:PORT/a --resolve eshop.example:PORT:127.0.0.1",
    "-L -b COOKIES URL/redirect/302/a/b",
    "-L -b COOKIES -b k=v URL/redirect/302/a/b",
    "-L -b COOKIES URL/away/OTHER",
    "-u al:secret URL/",
    "-u al: URL/",
    "-u al:se:cret URL/",
    "-H Authorization:mine -u al:secret URL/",
    "-L URL/redirect/302/there",
    "-L -d a=b URL/redirect/301/there",
    "-L -d a=b URL/redirect/302/there",
    "-L -d a=b URL/redirect/303/there",
    "-L -d a=b URL/redirect/307/there",
    "-L -d a=b URL/redirect/308/there",
    "-L -X POST -d a=b URL/redirect/307/there",
    "-L -I URL/redirect/302/there",
    "-L URL/redirect/302/redirect/301/there",
    "-L -u al:secret URL/away/OTHER",
    "-L -b k=v URL/away/OTHER",
    "-L -H Authorization:mine -H X-A:1 URL/away/OTHER",
    "URL/redirect/302/there",
    "-L -u al:secret URL/redirect/302/there",
    "--compressed URL/gzip",
    "--http1.0 URL/",
    "-0 -d a=b URL/",
    "--http1.1 URL/",
    "-i URL/plain",
    "-f URL/status/200",
    "-f URL/status/404",
    "URL/status/500",
    "--resolve a.example:PORT:127.0.0.1 http://a.example:PORT/x",
    "--connect-to a.example:80:127.0.0.1:PORT http://a.example/x",
    "--connect-to ::127.0.0.1:PORT http://b.example/x",
    "-x http://127.0.0.1:PORT http://c.example/x?y",
    "-x http://al:secret@127.0.0.1:PORT http://c.example/x",
    "--haproxy-protocol URL/",
    "http://al:se%3Acret@127.0.0.1:PORT/",
];

/// Tabs where spaces are: by host, path, expiry, TLS, and one that is said twice.
const COOKIES: &str = "# Netscape HTTP Cookie File

127.0.0.1 FALSE / FALSE 0 root one
127.0.0.1 FALSE /a FALSE 0 longer two
127.0.0.1 FALSE /a/ FALSE 4102444800 slash three
127.0.0.1 FALSE / FALSE 1 gone four
127.0.0.1 FALSE / TRUE 0 tls five
#HttpOnly_127.0.0.1 FALSE / FALSE 0 only six
127.0.0.1 FALSE / FALSE 0 root seven
127.0.0.1 FALSE / FALSE 0 empty
.0.0.1 TRUE / FALSE 0 below eight
.shop.example TRUE / FALSE 0 all nine
shop.example FALSE / FALSE 0 one ten
.shop.example TRUE / TRUE 0 secret eleven
";

/// A line that differs from curl's on purpose, and why.
const DIFFERENCES: &[(&str, &str)] = &[
    ("-T FILE URL/up", "Expect: 100-continue costs a second where a server does not know it"),
    ("-T FILE -X POST URL/up", "the same"),
    (
        "-L -b k=v URL/away/OTHER",
        "curl sends cookies to all ports of a host; we do only to the one",
    ),
];

struct Both {
    server: Server,
    other: Server,
    directory: TempDir,
}

impl Both {
    fn words(&self, line: &str) -> Vec<String> {
        let port = self.server.address.port().to_string();
        let file = self.directory.path().join("file.txt");
        let cookies = self.directory.path().join("cookies.txt");
        let word = |word: &str| {
            word.replace("URL", &format!("http://{}", self.server.address))
                .replace("PORT", &port)
                .replace("OTHER", &self.other.address.port().to_string())
                .replace("FILE", &file.to_string_lossy())
                .replace("COOKIES", &cookies.to_string_lossy())
        };
        line.split(' ').map(word).collect()
    }

    fn seen(&self) -> Vec<Seen> {
        let mut seen = self.server.seen();
        seen.extend(self.other.seen());
        seen.into_iter().map(normal).collect()
    }

    fn curl(&self, line: &str) -> (Vec<Seen>, Vec<u8>) {
        #[expect(clippy::disallowed_methods, reason = "the peer is a program")]
        let mut command = Command::new("curl");
        let output = command
            .args(["-q", "-sS"])
            .args(self.words(line))
            .env_clear()
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (self.seen(), output.stdout)
    }

    fn ours(&self, line: &str) -> (Vec<Seen>, String, String) {
        let run = Plugin::new("http --from local --body").words(&self.words(line)).run();
        (self.seen(), run.stdout, run.stderr)
    }
}

/// Without what may differ: who sends it, and a random boundary.
fn normal(mut seen: Seen) -> Seen {
    let boundary = seen.fields.iter().find_map(|(_, value)| {
        value.split_once("boundary=").map(|(_, boundary)| boundary.to_owned())
    });
    for (name, value) in &mut seen.fields {
        if name == "user-agent" && (value.starts_with("curl/") || value.starts_with("kubectl-")) {
            *value = "its own".into();
        }
        if let Some(boundary) = &boundary {
            *value = value.replace(boundary.as_str(), "BOUNDARY");
        }
        // Boundaries are of different lengths, and kept connections are curl's own affair.
        if name == "content-length" && boundary.is_some() {
            *value = "-".into();
        }
        if name == "accept-encoding" {
            *value = "-".into();
        }
    }
    seen.fields.retain(|(name, _)| name != "proxy-connection");
    if let Some(boundary) = boundary {
        let text = String::from_utf8_lossy(&seen.body).replace(&boundary, "BOUNDARY");
        seen.body = text.into_bytes();
    }
    seen
}

fn short(all: &[Seen]) -> String {
    let one = |seen: &Seen| {
        let Seen { proxy, line, fields, body } = seen;
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        format!("{proxy:?} {line} {fields:?} {:?}", String::from_utf8_lossy(body))
    };
    all.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[test]
fn the_server_sees_what_curl_would_send() {
    let directory = TempDir::new().unwrap();
    let mut file = std::fs::File::create(directory.path().join("file.txt")).unwrap();
    file.write_all(b"first line\r\nsecond line\n").unwrap();
    std::fs::write(directory.path().join("cookies.txt"), COOKIES.replace(' ', "\t")).unwrap();
    let both = Both { server: Server::start(), other: Server::start(), directory };
    let mut wrong = Vec::new();
    assert!(LINES.len() >= 60, "{}", LINES.len());
    for line in LINES {
        let (theirs, their_body) = both.curl(line);
        let (ours, our_body, said) = both.ours(line);
        assert!(!theirs.is_empty(), "curl asked nothing: {line}");
        let is_same_body =
            our_body.as_bytes() == their_body || line.contains("-i ") || line.contains("-I ");
        let is_same = ours == theirs && is_same_body;
        let is_known = DIFFERENCES.iter().any(|(known, _)| known == line);
        assert!(!(is_same && is_known), "no longer a difference: {line}");
        if !is_same && !is_known {
            let their_body = String::from_utf8_lossy(&their_body);
            let (theirs, ours) = (short(&theirs), short(&ours));
            wrong.push(format!(
                "{line}\n  curl {theirs} {their_body:?}\n  ours {ours} {our_body:?}\n{said}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{} lines differ:\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn a_file_that_holds_no_cookies_is_refused_before_anything_is_sent() {
    let server = Server::start();
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("cookies.txt");
    std::fs::write(&file, "# of mine\nSet-Cookie: k=secret\n").unwrap();
    let ask = |path: &str| {
        let line = format!("http http://{}/ --from local -b {path}", server.address);
        Plugin::new(&line).run().exits(2).stderr
    };
    let bad = ask(&file.to_string_lossy());
    assert!(bad.starts_with("error    ND0030  -b ") && bad.contains("line 2 must be "), "{bad}");
    assert!(!bad.contains("secret"), "{bad}");
    let none = ask(&directory.path().join("none").to_string_lossy());
    assert!(none.contains(": read the cookie file: No such file"), "{none}");
    assert!(server.seen().is_empty());
}
