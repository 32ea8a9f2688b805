//! Progress of the library's rooms, told line by line as cargo does.

use ocelet::{Event, Observer};

use crate::output::Talk;

/// Turns events into lines on stderr.
pub(crate) struct Lines<'talk>(pub(crate) &'talk Talk);

impl Observer for Lines<'_> {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Unpacked { source, entries: Some(entries) } => {
                self.0.status("Unpacked", &format!("{source} ({entries} entries)"));
            }
            Event::Closed { flavor, platform, files, bytes } => {
                self.0.status("Closed", &format!("{flavor} for {platform}: {files} files, {}", size(*bytes)));
            }
            Event::LayerWritten { layer, number, of } => {
                let sizes = format!("{} from {}", size(layer.blob().size()), size(layer.uncompressed()));
                self.0.status("Layer", &format!("{number}/{of} {sizes}, {}", layer.blob().digest()));
            }
            Event::Tagged { tag, digest } => self.0.status("Tagged", &format!("{tag} {digest}")),
            Event::Warning { message } => self.0.warning(message),
            _ => {}
        }
    }
}

impl<'talk> Lines<'talk> {
    pub(crate) fn new(talk: &'talk Talk) -> Self {
        Self(talk)
    }
}

/// Bytes for people: three digits and a decimal unit.
#[expect(clippy::cast_precision_loss, reason = "a size for people has three digits")]
pub(crate) fn size(bytes: u64) -> String {
    let mut amount = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if amount < 999.5 {
            let decimals = usize::from(unit != "B" && amount < 99.95);
            return format!("{amount:.decimals$} {unit}");
        }
        amount /= 1000.0;
    }
    format!("{amount:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        for (bytes, want) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (123_456, "123 kB"),
            (999_600, "1.0 MB"),
            (57_845_704, "57.8 MB"),
            (u64::MAX, "18446744.1 TB"),
        ] {
            assert_eq!(size(bytes), want);
        }
    }
}
