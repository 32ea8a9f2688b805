//! The little of deb822 (deb822(5)) that Release files and `.sources` files need: stanzas of fields.
//!
//! Refused are lines that are neither a field nor its continuation, and the same field twice in a stanza: two
//! readers would take different ones.

/// A field and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// Its name, as written.
    pub(super) name: String,
    /// The line it begins in, counted from 1.
    pub(super) line: usize,
    /// Its lines: what stands behind the colon, then its continuations, each without spaces around it.
    pub(super) lines: Vec<String>,
}

/// The fields of one stanza, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Stanza {
    pub(super) fields: Vec<Field>,
}

/// A line that is not as it must be, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadLine {
    pub(super) line: usize,
    pub(super) what: String,
}

impl Stanza {
    /// The field of that name, in whatever case.
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// Takes one more line that is not empty.
    fn take(&mut self, line: usize, raw: &str) -> Result<(), String> {
        // Signatures over texts take it for the end of a line, so a field could be hidden behind it.
        if raw.contains('\r') {
            return Err("has a carriage return in the middle".into());
        }
        if raw.starts_with([' ', '\t']) {
            let field = self.fields.last_mut().ok_or("continues a field, and there is none before it")?;
            field.lines.push(raw.trim().to_owned());
            return Ok(());
        }
        let (name, value) = raw
            .split_once(':')
            .filter(|(name, _)| is_name(name))
            .ok_or("is no field; wanted \"Name: value\"")?;
        if let Some(first) = self.field(name) {
            return Err(format!("has the field \"{name}\" again, after line {}", first.line));
        }
        let lines = vec![value.trim().to_owned()];
        self.fields.push(Field { name: name.to_owned(), line, lines });
        Ok(())
    }
}

impl Field {
    /// The whole value as one line.
    pub(super) fn joined(&self) -> String {
        let filled: Vec<&str> =
            self.lines.iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
        filled.join(" ")
    }

    /// The words of all lines.
    pub(super) fn words(&self) -> Vec<String> {
        self.lines.iter().flat_map(|line| line.split_ascii_whitespace()).map(str::to_owned).collect()
    }
}

/// Reads all stanzas. Lines that begin with `#` are comments.
pub(super) fn read(text: &str) -> Result<Vec<Stanza>, Vec<BadLine>> {
    let (mut stanzas, mut stanza, mut bad) = (Vec::new(), Stanza::default(), Vec::new());
    for (index, raw) in text.split('\n').enumerate() {
        let (line, raw) = (index + 1, raw.trim_end());
        if raw.starts_with('#') {
            continue;
        }
        if !raw.is_empty() {
            if let Err(what) = stanza.take(line, raw) {
                bad.push(BadLine { line, what });
            }
        } else if !stanza.fields.is_empty() {
            stanzas.push(std::mem::take(&mut stanza));
        }
    }
    if !stanza.fields.is_empty() {
        stanzas.push(stanza);
    }
    if bad.is_empty() { Ok(stanzas) } else { Err(bad) }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()) && !name.starts_with('-')
}
