//! Reads `pack` and `daemon` of a source: which of its programs upx packs, and which must never be.
//!
//! It refuses to pack all programs of a distribution, and programs that the recipe itself says run for long.

use super::fields::{Data, Fields, Value};
use super::location::Setting;
use super::model::{Pack, PackMethod};
use super::problem::{At, Code, Span};
use super::values;

/// Reads both keys; `kind` is the kind of the source where it is known.
pub(super) fn read(
    fields: &mut Fields,
    kind: Option<&'static str>,
    setting: &mut Setting<'_, '_>,
) -> (Option<At<Pack>>, bool) {
    let daemon_at = fields.key_span("daemon");
    let daemon = fields.boolean("daemon").unwrap_or(false);
    let title = fields.title.clone();
    let pack_at = fields.key_span("pack");
    let pack = fields.any("pack").zip(pack_at).and_then(|(value, at)| pack(value, at, kind, &title, setting));
    if let (Some(pack), Some(daemon_at), true) = (&pack, daemon_at, daemon) {
        let message = format!("{title} packs programs that it says run for long");
        setting
            .findings
            .error(Code::Conflict, pack.span, message)
            .label("remove it: a packed daemon cannot share its memory with another, nor give it back")
            .note(daemon_at, "they run for long because of this");
    }
    (pack, daemon)
}

fn pack(
    value: Value,
    at: Span,
    kind: Option<&'static str>,
    title: &str,
    setting: &mut Setting<'_, '_>,
) -> Option<At<Pack>> {
    let pack = match value.data {
        Data::Boolean(true) => Pack { files: Vec::new(), method: None },
        Data::Text(text) => Pack { files: Vec::new(), method: PackMethod::from_word(&text.value) },
        Data::Table(mut fields) => {
            let method = fields.text("method").and_then(|text| PackMethod::from_word(&text.value));
            let is_sound = fields.is_sound;
            let files = fields.texts("files").map(|(texts, list)| {
                if texts.is_empty() {
                    let message = format!("\"files\" in {} names no file", fields.title);
                    setting.findings.error(Code::Empty, list, message).label("name patterns or leave it out");
                }
                values::patterns(texts, "the pattern", setting.findings)
            });
            fields.finish();
            if !is_sound || files.as_ref().is_some_and(Vec::is_empty) {
                return None;
            }
            Pack { files: files.unwrap_or_default(), method }
        }
        _ => return None,
    };
    if pack.files.is_empty()
        && let Some(kind @ ("rootfs" | "apk" | "deb")) = kind
    {
        let message = format!("\"pack\" in {title} does not say which programs of the {kind} are packed");
        let label = "write { files = [\"/usr/bin/NAME\"] }";
        setting.findings.error(Code::MissingKey, at, message).label(label);
        return None;
    }
    Some(At::new(pack, at))
}
