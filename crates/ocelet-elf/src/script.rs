//! [`Shebang`]: the first line of a script, and the program that it names.
//!
//! Rules of the kernel (`fs/binfmt_script.c`) and of `env` (coreutils). It refuses to look beyond the first
//! line: which commands a script runs is for the recipe to say.

/// As much of a script as the kernel looks at (`BINPRM_BUF_SIZE`, 256 since Linux 5.1), with its final NUL.
const KERNEL_LOOKS_AT: usize = 255;

/// The interpreter that the first line of a script names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shebang {
    /// The interpreter's path, as it is written.
    pub interpreter: Vec<u8>,
    /// Its one argument: all that follows, spaces included.
    pub argument: Option<Vec<u8>>,
}

impl Shebang {
    /// Reads the first line of a script; nothing where the file is none, or is one that the kernel refuses.
    pub fn read(head: &[u8]) -> Option<Self> {
        let looked_at = &head[..head.len().min(KERNEL_LOOKS_AT)];
        let rest = looked_at.strip_prefix(b"#!")?;
        let line_end = rest.iter().position(|byte| matches!(byte, b'\n' | 0));
        let line = trim(&rest[..line_end.unwrap_or(rest.len())]);
        let end = line.iter().position(|byte| is_blank(*byte));
        // Without the end of the line in sight, the path must be known to be whole; its argument may be cut.
        let whole = line_end.is_some() || head.len() <= KERNEL_LOOKS_AT || end.is_some();
        if line.is_empty() || !whole {
            return None;
        }
        let (interpreter, argument) = line.split_at(end.unwrap_or(line.len()));
        let argument = trim(argument);
        Some(Self {
            interpreter: interpreter.to_vec(),
            argument: (!argument.is_empty()).then(|| argument.to_vec()),
        })
    }

    /// The command that `env` would look up in `PATH`, where the interpreter is `env`.
    pub fn looked_up_by_env(&self) -> Option<Vec<u8>> {
        let name = self.interpreter.rsplit(|byte| *byte == b'/').next()?;
        if name != b"env" {
            return None;
        }
        let argument = self.argument.as_deref()?;
        let split =
            [&b"--split-string="[..], b"-S", b"-vS"].iter().find_map(|flag| argument.strip_prefix(*flag));
        match split {
            Some(words) => command(words),
            // The kernel passes one argument: without -S, spaces belong to the name.
            None if argument.first() == Some(&b'-') || argument.contains(&b'=') => None,
            None => Some(argument.to_vec()),
        }
    }
}

/// The first word that is neither an option of `env` nor an assignment.
fn command(words: &[u8]) -> Option<Vec<u8>> {
    let mut words = words.split(|byte| is_blank(*byte)).filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        match word {
            b"-u" | b"--unset" | b"-C" | b"--chdir" => {
                words.next();
            }
            option if option.first() == Some(&b'-') => {}
            assignment if assignment.contains(&b'=') => {}
            command => {
                let quotes: &[u8] = b"\"'";
                return Some(command.iter().copied().filter(|byte| !quotes.contains(byte)).collect());
            }
        }
    }
    None
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_blank(*first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && is_blank(*last)
    {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_reads_the_first_line() {
        let long = format!("#!/bin/{} -x\n", "a".repeat(250));
        let cut_argument = format!("#!/bin/sh {}\n", "a".repeat(300));
        for (text, want) in [
            ("#!/bin/sh\nx", Some(("/bin/sh", None))),
            ("#! /bin/sh -e  \n", Some(("/bin/sh", Some("-e")))),
            ("#!\t/bin/sh\t-e x\n", Some(("/bin/sh", Some("-e x")))),
            ("#!/bin/sh", Some(("/bin/sh", None))),
            ("#!/bin/sh\0-x\n", Some(("/bin/sh", None))),
            ("#!\n/bin/sh", None),
            ("#!   \n", None),
            (" #!/bin/sh\n", None),
            ("#/bin/sh\n", None),
            (long.as_str(), None),
            (cut_argument.as_str(), Some(("/bin/sh", Some(&cut_argument[10..255])))),
        ] {
            let got = Shebang::read(text.as_bytes());
            let want = want.map(|(interpreter, argument)| Shebang {
                interpreter: interpreter.into(),
                argument: argument.map(Into::into),
            });
            assert_eq!(got, want, "{text:?}");
        }
    }

    #[test]
    fn env_looks_its_command_up() {
        for (text, want) in [
            ("#!/usr/bin/env python3\n", Some("python3")),
            ("#!/usr/bin/env -S python3 -u\n", Some("python3")),
            ("#!/usr/bin/env -Sperl -w\n", Some("perl")),
            ("#!/bin/env -S -i A=1 -u B bash -e\n", Some("bash")),
            ("#!/usr/bin/env python3 -u\n", Some("python3 -u")),
            ("#!/usr/bin/env --split-string=awk -f\n", Some("awk")),
            ("#!/usr/bin/env\n", None),
            ("#!/usr/bin/env -i\n", None),
            ("#!/usr/bin/python3\n", None),
        ] {
            let shebang = Shebang::read(text.as_bytes()).expect(text);
            assert_eq!(shebang.looked_up_by_env(), want.map(Into::into), "{text:?}");
        }
    }
}
