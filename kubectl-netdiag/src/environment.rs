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
        let home = variable("HOME").or_else(|| variable("USERPROFILE"));
        let home = home.filter(|home| !home.is_empty());
        let kubeconfig = variable("KUBECONFIG").unwrap_or_default();
        let paths = std::env::split_paths(&kubeconfig).filter(|path| *path != Path::new(""));
        let is_in_cluster = terminals.has_pod_token && text("KUBERNETES_SERVICE_HOST").is_some();
        let locale = first(&["LC_ALL", "LC_CTYPE", "LANG"]).unwrap_or_default().to_lowercase();
        let term = text("TERM").unwrap_or_default();
        Self {
            surroundings: Surroundings {
                kubeconfig: paths.collect(),
                home_kubeconfig: home.map(|home| PathBuf::from(home).join(".kube").join("config")),
                is_in_cluster,
                agent_namespace: text("NETDIAG_NAMESPACE"),
                proxies: ProxyVariables {
                    http: first(&["HTTP_PROXY", "http_proxy"]),
                    https: first(&["HTTPS_PROXY", "https_proxy"]),
                    none: first(&["NO_PROXY", "no_proxy"]),
                },
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
            },
            detail: output.detail,
            no_headers: output.no_headers,
            quiet: output.quiet,
            timestamps: false,
        }
    }
}
