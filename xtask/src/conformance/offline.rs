//! No network means none: `lock` and `assemble` with `--offline` and a mirror make no call of the kernel that has to do
//! with sockets, of whatever family, from a fresh cache to finished images.

use std::path::Path;

use super::bundle::{Bundle, assembled, cached};
use super::need;
use crate::Outcome;
use crate::shell::{command, ended, output, read, read_text, root};

/// The calls that are looked for: all that strace counts to the network, and the one by which a socket could be made
/// without any of them.
const CALLS: &str = "trace=%network,io_uring_setup";

/// Traces both commands, and compares the lock with the one of the checkout.
pub(super) fn run(ocelet: &str) -> Outcome {
    if !need("strace")? {
        return Ok(());
    }
    let bundle = Bundle::copy()?;
    control(&bundle)?;
    let cache = bundle.place("cache");
    let mut lock = traced(ocelet, &cache, &bundle.place("lock.trace"));
    output(lock.args(bundle.lock_words()))?;
    silent(&bundle.place("lock.trace"), "lock")?;
    let committed = root().join("recipes/bundle-node.lock");
    if read(&bundle.lock())? != read(&committed)? {
        return Err(format!("{} is not what `ocelet lock` writes today", committed.display()));
    }
    let cache = bundle.place("another-cache");
    let mut assemble = traced(ocelet, &cache, &bundle.place("assemble.trace"));
    let tags = assembled(assemble.args(bundle.assemble_words(&bundle.place("layout"))))?;
    silent(&bundle.place("assemble.trace"), "assemble")?;
    println!("{} tags were locked and assembled without a socket", tags.len());
    Ok(())
}

/// A program, its children and threads, with their calls written to a file.
fn traced(program: &str, cache: &Path, trace: &Path) -> std::process::Command {
    let mut strace = cached("strace", cache);
    strace.args(["-f", "-qq", "-e", CALLS, "-e", "signal=none", "-o"]).arg(trace).arg(program);
    strace
}

/// A trace that shows nothing proves nothing unless it can show something.
fn control(bundle: &Bundle) -> Outcome {
    let trace = bundle.place("control.trace");
    // It asks the C library, which asks by sockets whether there is somebody to ask.
    let mut strace = command("strace");
    strace.args(["-f", "-qq", "-e", CALLS, "-o"]).arg(&trace).args(["getent", "ahosts", "localhost"]);
    // Whether the name is found does not matter.
    ended(&mut strace)?;
    if calls(&read_text(&trace)?).is_empty() {
        return Err("strace sees no socket where `getent ahosts localhost` makes some: it cannot trace here"
            .to_owned());
    }
    Ok(())
}

fn silent(trace: &Path, what: &str) -> Outcome {
    let text = read_text(trace)?;
    let found = calls(&text);
    if found.is_empty() {
        return Ok(());
    }
    Err(format!(
        "`ocelet {what} --offline` made {} calls of the network:\n  {}",
        found.len(),
        found.join("\n  ")
    ))
}

/// The lines of a trace that are calls; how a process ended is none.
fn calls(text: &str) -> Vec<&str> {
    let is_call = |line: &&str| line.contains('(') && !line.contains("+++") && !line.contains("---");
    text.lines().filter(is_call).collect()
}

#[cfg(test)]
mod tests {
    use super::calls;

    #[test]
    fn calls_are_told_from_ends() {
        for (line, want) in [
            ("17  socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 3", 1),
            ("18  io_uring_setup(8, {flags=0}) = 4", 1),
            ("19  connect(3, {sa_family=AF_INET}, 16 <unfinished ...>", 1),
            ("17  +++ exited with 0 +++", 0),
            ("17  +++ killed by SIGKILL (core dumped) +++", 0),
            ("17  --- SIGCHLD {si_signo=SIGCHLD} ---", 0),
            ("", 0),
        ] {
            assert_eq!(calls(line).len(), want, "{line}");
        }
    }
}
