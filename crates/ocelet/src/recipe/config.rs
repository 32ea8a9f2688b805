//! What an image's configuration can hold: names of variables and labels, users, signals, ports.
//!
//! The formats are those of the OCI image specification, config.md, "Properties"; what it leaves open is refused
//! where no runtime could use it.

use super::fields::Text;
use super::names::AccountName;
use super::problem::{Code, Findings, Span};

/// The annotations that the image specification defines (annotations.md, "Pre-Defined Annotation Keys").
const DEFINED_ANNOTATIONS: &[&str] = &[
    "org.opencontainers.image.authors",
    "org.opencontainers.image.base.digest",
    "org.opencontainers.image.base.name",
    "org.opencontainers.image.created",
    "org.opencontainers.image.description",
    "org.opencontainers.image.documentation",
    "org.opencontainers.image.licenses",
    "org.opencontainers.image.ref.name",
    "org.opencontainers.image.revision",
    "org.opencontainers.image.source",
    "org.opencontainers.image.title",
    "org.opencontainers.image.url",
    "org.opencontainers.image.vendor",
    "org.opencontainers.image.version",
];

/// The prefix that the image specification keeps for itself (annotations.md, "Rules").
const RESERVED_PREFIX: &str = "org.opencontainers.";

/// The signals of Linux on every architecture that images are made for (signal(7)), without `SIGRTMIN+n`.
const SIGNALS: &[&str] = &[
    "SIGABRT",
    "SIGALRM",
    "SIGBUS",
    "SIGCHLD",
    "SIGCONT",
    "SIGFPE",
    "SIGHUP",
    "SIGILL",
    "SIGINT",
    "SIGIO",
    "SIGKILL",
    "SIGPIPE",
    "SIGPROF",
    "SIGPWR",
    "SIGQUIT",
    "SIGRTMIN",
    "SIGRTMAX",
    "SIGSEGV",
    "SIGSTOP",
    "SIGSYS",
    "SIGTERM",
    "SIGTRAP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGUSR1",
    "SIGUSR2",
    "SIGVTALRM",
    "SIGWINCH",
    "SIGXCPU",
    "SIGXFSZ",
];

/// Whether a variable of the environment can have this name.
pub(super) fn env_name(name: &str, span: Span, findings: &mut Findings<'_>) -> bool {
    let is_valid = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'=');
    if !is_valid {
        let message = format!("\"{name}\" cannot be the name of an environment variable");
        findings.error(Code::InvalidName, span, message).label("write letters, digits and \"_\"");
    }
    is_valid
}

/// Whether a label or annotation can have this name; warns of one that looks like a standard one and is none.
pub(super) fn label_name(name: &str, span: Span, findings: &mut Findings<'_>) -> bool {
    if name.is_empty() || name.contains(|other: char| other.is_control() || other.is_whitespace()) {
        findings.error(
            Code::InvalidName,
            span,
            format!("\"{name}\" cannot be the name of a label or annotation"),
        );
        return false;
    }
    if name.starts_with(RESERVED_PREFIX) && !DEFINED_ANNOTATIONS.contains(&name) {
        let message = format!(
            "\"{name}\" is not defined by the image specification, which keeps the prefix for itself"
        );
        let problem = findings.warning(Code::UnknownName, span, message);
        problem.did_you_mean(name, DEFINED_ANNOTATIONS.iter().copied()).label("use a prefix of your own");
    }
    true
}

/// `port`, `port/tcp` or `port/udp`.
pub(super) fn port(text: &Text, findings: &mut Findings<'_>) -> Option<String> {
    let (number, protocol) = text.value.split_once('/').unwrap_or((&text.value, "tcp"));
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
    if is_number && number.parse::<u16>().is_ok() && matches!(protocol, "tcp" | "udp") {
        return Some(text.value.clone());
    }
    let message = format!("\"{}\" is not a port", text.value);
    findings
        .error(Code::InvalidValue, text.span, message)
        .label("write 1 to 65535, and /tcp or /udp if it matters");
    None
}

/// Whether a signal is one.
pub(super) fn stop_signal(text: &Text, findings: &mut Findings<'_>) -> bool {
    let given = text.value.as_str();
    let real_time = given.strip_prefix("SIGRTMIN+").or_else(|| given.strip_prefix("SIGRTMAX-"));
    let number = |text: &str, most: u8| text.parse::<u8>().is_ok_and(|number| (1..=most).contains(&number));
    if SIGNALS.contains(&given) || number(given, 64) || real_time.is_some_and(|offset| number(offset, 30)) {
        return true;
    }
    let problem = findings.error(Code::UnknownName, text.span, format!("\"{given}\" is not a signal"));
    let full =
        if given.starts_with("SIG") { given.to_owned() } else { format!("SIG{}", given.to_uppercase()) };
    problem.did_you_mean(&full, SIGNALS.iter().copied()).label("write a name like SIGTERM, or a number");
    false
}

/// `user`, `uid`, `user:group`, `uid:gid`, `uid:group` or `user:gid`.
pub(super) fn user(user: &str, span: Span, findings: &mut Findings<'_>) -> bool {
    let is_valid = match user.split_once(':') {
        Some((user, group)) => is_account(user) && is_account(group),
        None => is_account(user),
    };
    if !is_valid {
        let message = format!("\"{user}\" is not a user");
        findings.error(Code::InvalidValue, span, message).label("write user, uid, user:group or uid:gid");
    }
    is_valid
}

/// A number that fits the kernel, or a name as useradd(8) takes it.
fn is_account(account: &str) -> bool {
    if account.bytes().all(|byte| byte.is_ascii_digit()) {
        return account.parse::<u32>().is_ok_and(|id| id < u32::MAX);
    }
    AccountName::new(account).is_ok()
}
