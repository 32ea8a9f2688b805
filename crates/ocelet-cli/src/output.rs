//! Talking to whoever runs the command: errors and progress on stderr, as text or as JSON lines.
use std::io::{IsTerminal, Write};

use clap::{Args, ValueEnum};

use crate::environment;
use crate::failure::Failure;

/// How the command talks.
#[derive(Debug, Clone, Args)]
pub(crate) struct Talk {
    /// Say nothing but errors.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,

    /// How progress and errors are written to stderr.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub(crate) message_format: MessageFormat,

    /// When to use colour.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: When,
}

/// The form of what is said on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MessageFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Talk {
    fn colored(&self) -> bool {
        match self.color {
            When::Always => true,
            When::Never => false,
            When::Auto => std::io::stderr().is_terminal() && !environment::no_color(),
        }
    }

    /// Whether a line may be drawn over again: on a terminal, in text.
    pub(crate) fn redraws(&self) -> bool {
        !self.quiet && self.message_format == MessageFormat::Text && std::io::stderr().is_terminal()
    }

    /// Draws a line that the next one draws over; an empty one takes it away.
    pub(crate) fn redraw(&self, word: &str, text: &str) {
        // To the first column, and clear to the end of the line (ECMA-48, EL).
        match text {
            "" => say("\r\x1b[K"),
            _ if self.colored() => say(&format!("\r\x1b[K\x1b[1;36m{word:>12}\x1b[0m {text}")),
            _ => say(&format!("\r\x1b[K{word:>12} {text}")),
        }
    }

    /// One line of progress: a short word for what happens, and what it happens to.
    pub(crate) fn status(&self, word: &str, text: &str) {
        if self.quiet {
            return;
        }
        match self.message_format {
            MessageFormat::Json => {
                self.line(&serde_json::json!({"level": "info", "step": word, "message": text}));
            }
            MessageFormat::Text if self.colored() => say(&format!("\x1b[1;32m{word:>12}\x1b[0m {text}\n")),
            MessageFormat::Text => say(&format!("{word:>12} {text}\n")),
        }
    }

    /// Something that stops nothing.
    pub(crate) fn warning(&self, text: &str) {
        if self.quiet {
            return;
        }
        match self.message_format {
            MessageFormat::Json => {
                self.line(&serde_json::json!({"level": "warning", "message": text}));
            }
            MessageFormat::Text if self.colored() => say(&format!("\x1b[1;33mwarning\x1b[0m: {text}\n")),
            MessageFormat::Text => say(&format!("warning: {text}\n")),
        }
    }

    /// Problems of a recipe, which come with the lines that they are about.
    pub(crate) fn rendered(&self, text: &str, document: &serde_json::Value) {
        match self.message_format {
            MessageFormat::Json => self.line(document),
            MessageFormat::Text => say(text),
        }
    }

    /// What ended the command, with its causes and what to do next.
    pub(crate) fn error(&self, message: &str, causes: &[String], hints: &[String], code: u8) {
        if self.message_format == MessageFormat::Json {
            self.line(&serde_json::json!({
                "level": "error", "message": message, "causes": causes, "hints": hints, "exit": code,
            }));
            return;
        }
        if self.colored() {
            say(&format!("\x1b[1;31merror\x1b[0m: {message}\n"));
        } else {
            say(&format!("error: {message}\n"));
        }
        for cause in causes {
            say(&format!("  caused by: {cause}\n"));
        }
        for hint in hints {
            say(&format!("  hint: {hint}\n"));
        }
    }

    #[expect(clippy::unused_self, reason = "all talk goes through the same value")]
    fn line(&self, value: &serde_json::Value) {
        say(&format!("{value}\n"));
    }
}

/// Writes talk to stderr. Where nobody listens any more (`2>&1 | head`) the work goes on.
fn say(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Writes data to stdout. A reader that has gone away (`| head`) is no failure.
///
/// # Errors
/// stdout cannot be written for another reason, such as a full disk.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::of(&error)),
        _ => Ok(()),
    }
}

/// Writes a JSON document to stdout, indented, with a newline at its end.
///
/// # Errors
/// As [`print`].
pub(crate) fn print_json(value: &serde_json::Value) -> Result<(), Failure> {
    print(&format!("{value:#}\n"))
}
