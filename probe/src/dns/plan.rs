//! Which names a libc asks for one that was given, in which order, and what ends it: glibc 2.36
//! (`__res_context_search` in `resolv/res_query.c`) and musl 1.2.5 (`name_from_dns_search` in
//! `src/network/lookup_name.c`).

use std::vec;

use netdiag_wire::{
    Untrusted,
    dns::{Libc, ResolverSettings},
};

/// What asking for one name came to, as far as a libc tells it apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Came {
    /// An answer, even if it is a CNAME alone.
    Found,
    /// NOERROR, and no answer at all.
    NoData,
    NoName,
    /// SERVFAIL was the last that was heard.
    ServFail,
    /// Silence, or a code such as REFUSED from every server.
    Unavailable,
    /// By ICMP or RST, from every server.
    NoServer,
    /// A code that ends it (FORMERR), or a name that cannot be asked for.
    Broken,
}

/// The names that are left to ask for.
pub(super) struct Plan {
    given: String,
    libc: Libc,
    stage: Stage,
    search: vec::IntoIter<Untrusted>,
    /// glibc alone: what keeps the name from being asked for as it is after the search list.
    was_asked_as_is: bool,
    is_top_level_withheld: bool,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Stage {
    AsIs,
    Search,
    LastAsIs,
    Done,
}

impl Plan {
    pub(super) fn new(given: &str, settings: &ResolverSettings) -> Self {
        let dots = given.bytes().filter(|byte| *byte == b'.').count();
        let is_absolute = given.ends_with('.');
        let is_searched = match settings.libc {
            Libc::Glibc => !is_absolute,
            Libc::Musl => !is_absolute && dots < usize::from(settings.ndots),
        };
        let mut search = if is_searched { settings.search.clone() } else { Vec::new() };
        if settings.libc == Libc::Musl {
            // What its buffer has no room for is left out.
            search.retain(|domain| domain.as_bytes().len() + given.len() + 1 < 256);
        }
        let is_long_enough = is_absolute || dots >= usize::from(settings.ndots);
        Self {
            given: given.to_owned(),
            libc: settings.libc,
            stage: if is_long_enough { Stage::AsIs } else { Stage::Search },
            is_top_level_withheld: settings.no_tld_query && dots == 0 && !search.is_empty(),
            was_asked_as_is: false,
            search: search.into_iter(),
        }
    }

    /// The next name, absolute, now that the last one came to this; at first to nothing.
    pub(super) fn next(&mut self, last: Option<Came>) -> Option<String> {
        if let Some(came) = last {
            self.stage = self.after(came);
        }
        match self.stage {
            Stage::AsIs => {
                self.was_asked_as_is = true;
                Some(absolute(&self.given, ""))
            }
            Stage::Search => match self.search.next() {
                Some(domain) => Some(self.within(&domain)),
                None => self.last_as_is(),
            },
            Stage::LastAsIs => self.last_as_is(),
            Stage::Done => None,
        }
    }

    fn after(&self, came: Came) -> Stage {
        match (self.libc, self.stage, came) {
            (_, _, Came::Found) | (_, Stage::LastAsIs | Stage::Done, _) => Stage::Done,
            // Whatever became of the name as it is, glibc searches on.
            (Libc::Glibc, Stage::AsIs, _) => Stage::Search,
            (Libc::Glibc, Stage::Search, came) => match came {
                Came::NoData | Came::NoName | Came::ServFail => Stage::Search,
                Came::Unavailable | Came::Broken => Stage::LastAsIs,
                Came::NoServer | Came::Found => Stage::Done,
            },
            // A name that cannot be is one that does not exist.
            (Libc::Musl, Stage::Search, Came::NoName | Came::Broken) => Stage::Search,
            (Libc::Musl, Stage::Search | Stage::AsIs, _) => Stage::Done,
        }
    }

    /// A root in the search list is the name as it is; glibc drops one leading dot.
    fn within(&mut self, domain: &Untrusted) -> String {
        let domain = presentation(domain.as_bytes());
        if self.libc == Libc::Musl {
            return absolute(&self.given, &domain);
        }
        let domain = domain.strip_prefix('.').unwrap_or(&domain);
        self.was_asked_as_is |= domain.is_empty();
        absolute(&self.given, domain)
    }

    fn last_as_is(&mut self) -> Option<String> {
        self.stage = Stage::LastAsIs;
        let is_asked = !self.was_asked_as_is && !self.is_top_level_withheld;
        is_asked.then(|| absolute(&self.given, ""))
    }
}

fn absolute(name: &str, domain: &str) -> String {
    let whole = if domain.is_empty() { name.to_owned() } else { format!("{name}.{domain}") };
    if whole.ends_with('.') { whole } else { whole + "." }
}

/// A resolv.conf may hold any bytes; names are written in ASCII.
fn presentation(domain: &[u8]) -> String {
    domain
        .iter()
        .map(|byte| match byte {
            b'!'..=b'~' => char::from(*byte).to_string(),
            other => format!("\\{other:03}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names asked for, where `came` tells what became of some; NXDOMAIN of all others.
    fn asked(settings: &ResolverSettings, name: &str, came: &[(&str, Came)]) -> String {
        let mut plan = Plan::new(name, settings);
        let (mut names, mut last) = (Vec::new(), None);
        while let Some(name) = plan.next(last) {
            last = came.iter().find(|(of, _)| *of == name).map(|(_, came)| *came);
            last = last.or(Some(Came::NoName));
            names.push(name);
            assert!(names.len() < 50, "{names:?}");
        }
        names.join(" ")
    }

    fn settings(libc: Libc, ndots: u8, search: &str) -> ResolverSettings {
        let search = search.split_whitespace().map(Untrusted::from).collect();
        ResolverSettings { libc, ndots, search, ..ResolverSettings::default() }
    }

    const PODS: &str = "shop.svc.c.l svc.c.l c.l";

    #[test]
    fn glibc_walks() {
        use Came::*;
        let of = |ndots, search| settings(Libc::Glibc, ndots, search);
        for (ndots, search, name, came, wanted) in [
            (5, PODS, "web", &[][..], "web.shop.svc.c.l. web.svc.c.l. web.c.l. web."),
            (5, PODS, "web", &[("web.shop.svc.c.l.", Found)], "web.shop.svc.c.l."),
            (5, PODS, "web.", &[], "web."),
            (5, PODS, "web.", &[("web.", ServFail)], "web."),
            (
                5,
                PODS,
                "a.b.c",
                &[("a.b.c.c.l.", Found)],
                "a.b.c.shop.svc.c.l. a.b.c.svc.c.l. a.b.c.c.l.",
            ),
            (5, "x", "a.b.c.d.e", &[], "a.b.c.d.e.x. a.b.c.d.e."),
            (5, "x", "a.b.c.d.e.f", &[], "a.b.c.d.e.f. a.b.c.d.e.f.x."),
            (1, "x y", "a.b", &[], "a.b. a.b.x. a.b.y."),
            (1, "x y", "a.b", &[("a.b.", Found)], "a.b."),
            (1, "x y", "a.b", &[("a.b.", NoData)], "a.b. a.b.x. a.b.y."),
            (1, "x y", "a.b", &[("a.b.", Unavailable)], "a.b. a.b.x. a.b.y."),
            (1, "x y", "a.b", &[("a.b.", NoServer)], "a.b. a.b.x. a.b.y."),
            (1, "x y", "a", &[], "a.x. a.y. a."),
            (0, "x y", "a", &[], "a. a.x. a.y."),
            (1, "x y", "a", &[("a.x.", NoData)], "a.x. a.y. a."),
            (1, "x y", "a", &[("a.x.", ServFail)], "a.x. a.y. a."),
            (1, "x y", "a", &[("a.x.", Unavailable)], "a.x. a."),
            (1, "x y", "a", &[("a.x.", Broken)], "a.x. a."),
            (1, "x y", "a", &[("a.x.", NoServer)], "a.x."),
            (1, "x y", "a", &[("a.y.", NoServer)], "a.x. a.y."),
            (1, "x y", "a.b", &[("a.b.x.", Unavailable)], "a.b. a.b.x."),
            (1, "x y", "a.b", &[("a.b.x.", NoServer)], "a.b. a.b.x."),
            (1, "", "a", &[], "a."),
            (1, "", "a.b", &[("a.b.", NoData)], "a.b."),
            (1, ".", "a", &[], "a."),
            (1, ". x", "a", &[], "a. a.x."),
            (1, "x .", "a", &[("a.x.", Unavailable)], "a.x. a."),
            (1, ".x y.", "a", &[], "a.x. a.y. a."),
            (1, "x", ".", &[], "."),
        ] {
            assert_eq!(asked(&of(ndots, search), name, came), wanted, "{name} {search} {came:?}");
        }
    }

    #[test]
    fn musl_walks() {
        use Came::*;
        let of = |ndots, search| settings(Libc::Musl, ndots, search);
        for (ndots, search, name, came, wanted) in [
            (5, PODS, "web", &[][..], "web.shop.svc.c.l. web.svc.c.l. web.c.l. web."),
            (5, PODS, "web", &[("web.shop.svc.c.l.", Found)], "web.shop.svc.c.l."),
            (5, PODS, "web.", &[], "web."),
            (5, PODS, "a.b.c.d.e.f", &[], "a.b.c.d.e.f."),
            (5, "x", "a.b.c.d.e", &[], "a.b.c.d.e.x. a.b.c.d.e."),
            (1, "x y", "a.b", &[], "a.b."),
            (1, "x y", "a.b", &[("a.b.", NoData)], "a.b."),
            (1, "x y", "a", &[], "a.x. a.y. a."),
            (0, "x y", "a", &[], "a."),
            (1, "x y", "a", &[("a.x.", NoData)], "a.x."),
            (1, "x y", "a", &[("a.x.", ServFail)], "a.x."),
            (1, "x y", "a", &[("a.x.", Unavailable)], "a.x."),
            (1, "x y", "a", &[("a.y.", Unavailable)], "a.x. a.y."),
            (1, "x .y z", "a", &[("a..y.", Broken)], "a.x. a..y. a.z. a."),
            (1, "", "a", &[], "a."),
        ] {
            assert_eq!(asked(&of(ndots, search), name, came), wanted, "{name} {search} {came:?}");
        }
    }

    #[test]
    fn a_top_level_name_is_withheld_on_request() {
        let with =
            |search| ResolverSettings { no_tld_query: true, ..settings(Libc::Glibc, 1, search) };
        assert_eq!(asked(&with("x"), "a", &[]), "a.x.");
        assert_eq!(asked(&with("x"), "a.b", &[]), "a.b. a.b.x.");
        assert_eq!(asked(&with(""), "a", &[]), "a.");
    }

    #[test]
    fn odd_bytes_of_a_search_list_are_escaped() {
        let search = vec![Untrusted::from(vec![b'a', 0xff, b'\r'])];
        let settings = ResolverSettings { search, ndots: 1, ..ResolverSettings::default() };
        assert_eq!(asked(&settings, "b", &[]), "b.a\\255\\013. b.");
    }
}
