//! How an answer is to look, and which verdicts make exit code 1.

use clap::{ArgAction, Args, ValueEnum};

use crate::finding::Severity;

#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputFlags {
    /// Form of the answer
    #[arg(short = 'o', long = "output", value_name = "FORM")]
    pub(crate) format: Option<Format>,
    /// More lines below each verdict
    #[arg(short = 'v', action = ArgAction::Count)]
    pub(crate) detail: u8,
    /// Print nothing: the exit code tells
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Exit code 1 from the mildest of these verdicts on
    #[arg(long, value_name = "VERDICT,...", value_delimiter = ',', default_value = "fail,unknown")]
    pub(crate) fail_on: Vec<FailOn>,
    /// When to colour
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Colour,
    /// No character beyond ASCII
    #[arg(long)]
    pub(crate) ascii: bool,
    /// Tables without their header
    #[arg(long)]
    pub(crate) no_headers: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    Wide,
    Json,
    Ndjson,
    Yaml,
    Verdict,
    // Of trace alone.
    Dot,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum Colour {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum FailOn {
    Warn,
    Fail,
    Unknown,
}

impl OutputFlags {
    /// For words that do not parse: the form that they ask for all the same, so that a program
    /// gets its error as it gets its answers.
    pub(crate) fn guess(words: &[String]) -> Self {
        let pairs = words.iter().zip(words.iter().skip(1));
        let apart = pairs.filter(|(flag, _)| matches!(flag.as_str(), "-o" | "--output"));
        let joined = words.iter().filter_map(|word| {
            let value = word.strip_prefix("--output=").or_else(|| word.strip_prefix("-o"));
            value.map(|value| value.trim_start_matches('='))
        });
        let mut forms = apart.map(|(_, value)| value.as_str()).chain(joined);
        let format = forms.find_map(|form| Format::from_str(form, false).ok());
        Self { format, ..Self::default() }
    }

    /// Exit code of a probe that ran: 1 from the mildest verdict of `--fail-on` upwards.
    pub(crate) fn exit_code(&self, verdict: Severity) -> u8 {
        let mildest = self.fail_on.iter().map(|on| match on {
            FailOn::Warn => Severity::Warn,
            FailOn::Unknown => Severity::Unknown,
            FailOn::Fail => Severity::Fail,
        });
        u8::from(mildest.min().is_some_and(|mildest| verdict >= mildest))
    }
}
