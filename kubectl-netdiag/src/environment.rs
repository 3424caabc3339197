//! The environment as values: variables and terminals, read once by `main`.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::{
    args::{Colour, Format, OutputFlags},
    cluster::{ProxyVariables, Surroundings},
    render::{self, Screen},
};

#[derive(Clone, Debug)]
pub(crate) struct Environment {
    pub(crate) surroundings: Surroundings,
    /// `$NETDIAG_FROM`.
    pub(crate) from: Option<String>,
    terminals: Terminals,
    colour: ColourWish,
    /// A terminal that can show more than ASCII.
    has_glyphs: bool,
    columns: Option<usize>,
}

/// What is at the other end of the streams.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Terminals {
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
    pub(crate) width: Option<usize>,
    /// The file that the kubelet gives to every pod.
    pub(crate) has_pod_token: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum ColourWish {
    None,
    Terminal,
    Forced,
}

impl Environment {
    pub(crate) fn new(variable: &dyn Fn(&str) -> Option<OsString>, terminals: Terminals) -> Self {
        let text = |name: &str| {
            let value = variable(name).and_then(|value| value.into_string().ok());
            value.filter(|value| !value.is_empty())
        };
        let first = |names: &[&str]| names.iter().find_map(|name| text(name));
        let in_pod = terminals.has_pod_token && text("KUBERNETES_SERVICE_HOST").is_some();
        let locale = first(&["LC_ALL", "LC_CTYPE", "LANG"]).unwrap_or_default().to_lowercase();
        let term = text("TERM").unwrap_or_default();
        Self {
            surroundings: Surroundings {
                is_in_cluster: in_pod,
                agent_namespace: text("NETDIAG_NAMESPACE"),
                proxies: ProxyVariables {
                    http: first(&["HTTP_PROXY", "http_proxy"]),
                    https: first(&["HTTPS_PROXY", "https_proxy"]),
                    none: first(&["NO_PROXY", "no_proxy"]),
                },
                ..kubeconfigs(variable)
            },
            from: text("NETDIAG_FROM"),
            terminals,
            colour: match (text("NO_COLOR"), text("CLICOLOR_FORCE").as_deref()) {
                (Some(_), _) => ColourWish::None,
                (None, Some(force)) if force != "0" => ColourWish::Forced,
                (None, _) if term == "dumb" => ColourWish::None,
                (None, _) => ColourWish::Terminal,
            },
            has_glyphs: !matches!(term.as_str(), "dumb" | "linux")
                && (locale.contains("utf-8") || locale.contains("utf8")),
            columns: text("COLUMNS").and_then(|columns| columns.parse().ok()).filter(|n| *n > 0),
        }
    }

    pub(crate) fn has_stderr_terminal(&self) -> bool {
        self.terminals.stderr
    }

    /// How to write to stdout.
    pub(crate) fn screen(&self, output: &OutputFlags, timestamps: bool) -> Screen {
        let terminal = self.terminals.stdout;
        Screen { timestamps, ..self.screen_for(output, terminal) }
    }

    /// How to write to stderr.
    pub(crate) fn error_screen(&self, output: &OutputFlags) -> Screen {
        self.screen_for(output, self.terminals.stderr)
    }

    fn screen_for(&self, output: &OutputFlags, is_terminal: bool) -> Screen {
        let colour = match (output.color, self.colour) {
            (Colour::Always, _) | (Colour::Auto, ColourWish::Forced) => true,
            (Colour::Never, _) | (Colour::Auto, ColourWish::None) => false,
            (Colour::Auto, ColourWish::Terminal) => is_terminal,
        };
        Screen {
            width: self.columns.or(self.terminals.width).filter(|_| is_terminal),
            colour,
            ascii: output.ascii || !is_terminal || !self.has_glyphs,
            format: match output.format {
                None => render::Format::Text,
                Some(Format::Wide) => render::Format::Wide,
                Some(Format::Json) => render::Format::Json,
                Some(Format::Ndjson) => render::Format::Ndjson,
                Some(Format::Yaml) => render::Format::Yaml,
                Some(Format::Verdict) => render::Format::Verdict,
                Some(Format::Dot) => render::Format::Dot,
            },
            detail: output.detail,
            no_headers: output.no_headers,
            quiet: output.quiet,
            timestamps: false,
        }
    }
}

/// `$KUBECONFIG` and what stands in for it; paths need not be text.
fn kubeconfigs(variable: &dyn Fn(&str) -> Option<OsString>) -> Surroundings {
    let home = variable("HOME").or_else(|| variable("USERPROFILE"));
    let home = home.filter(|home| !home.is_empty());
    let list = variable("KUBECONFIG").unwrap_or_default();
    let paths = std::env::split_paths(&list).filter(|path| *path != Path::new(""));
    Surroundings {
        kubeconfig: paths.collect(),
        home_kubeconfig: home.map(|home| PathBuf::from(home).join(".kube").join("config")),
        ..Surroundings::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)], is_terminal: bool) -> Environment {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let terminals = Terminals {
            stdout: is_terminal,
            stderr: is_terminal,
            width: Some(120),
            has_pod_token: true,
        };
        Environment::new(&variable, terminals)
    }

    #[test]
    fn colour_is_for_terminals_unless_somebody_says_otherwise() {
        for (variables, is_terminal, flag, coloured) in [
            (vec![], true, Colour::Auto, true),
            (vec![], false, Colour::Auto, false),
            (vec![("NO_COLOR", "1")], true, Colour::Auto, false),
            (vec![("NO_COLOR", "")], true, Colour::Auto, true),
            (vec![("TERM", "dumb")], true, Colour::Auto, false),
            (vec![("CLICOLOR_FORCE", "1")], false, Colour::Auto, true),
            (vec![("CLICOLOR_FORCE", "0")], false, Colour::Auto, false),
            (vec![("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true, Colour::Auto, false),
            (vec![("NO_COLOR", "1")], false, Colour::Always, true),
            (vec![], true, Colour::Never, false),
        ] {
            let output = OutputFlags { color: flag, ..OutputFlags::default() };
            let screen = environment(&variables, is_terminal).screen(&output, false);
            assert_eq!(screen.colour, coloured, "{variables:?} {is_terminal} {flag:?}");
        }
    }

    #[test]
    fn glyphs_need_a_terminal_that_has_them() {
        for (variables, is_terminal, ascii) in [
            (vec![("LANG", "de_DE.UTF-8")], true, false),
            (vec![("LANG", "de_DE.UTF-8")], false, true),
            (vec![("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")], true, true),
            (vec![("LANG", "en_US.utf8"), ("TERM", "linux")], true, true),
            (vec![], true, true),
        ] {
            let screen =
                environment(&variables, is_terminal).screen(&OutputFlags::default(), false);
            assert_eq!(screen.ascii, ascii, "{variables:?} {is_terminal}");
        }
    }

    #[test]
    fn the_width_is_columns_else_the_terminals_and_none_in_a_pipe() {
        let width = |variables: &[(&str, &str)], is_terminal| {
            environment(variables, is_terminal).screen(&OutputFlags::default(), false).width
        };
        assert_eq!(width(&[("COLUMNS", "80")], true), Some(80));
        assert_eq!(width(&[("COLUMNS", "wide")], true), Some(120));
        assert_eq!(width(&[("COLUMNS", "80")], false), None);
    }

    #[test]
    fn where_the_cluster_is() {
        let variables = [
            ("KUBECONFIG", "/a::/b"),
            ("HOME", "/home/alice"),
            ("KUBERNETES_SERVICE_HOST", "10.96.0.1"),
            ("NETDIAG_NAMESPACE", "tools"),
            ("NETDIAG_FROM", ""),
            ("https_proxy", "http://proxy:3128"),
        ];
        let environment = environment(&variables, true);
        let around = environment.surroundings;
        assert_eq!(around.kubeconfig, [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert_eq!(around.home_kubeconfig, Some("/home/alice/.kube/config".into()));
        assert_eq!(around.agent_namespace.as_deref(), Some("tools"));
        assert_eq!(around.proxies.https.as_deref(), Some("http://proxy:3128"));
        assert!(around.is_in_cluster && environment.from.is_none());
    }
}
