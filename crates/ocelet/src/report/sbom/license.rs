//! Whether what a package says of its licence is an expression of SPDX (2.3, annex D) with names of its list. Alpine
//! packages also say `custom` or words of their own, which neither format takes for an expression.

use spdx::{Expression, ParseMode};

/// The expression, where the text is one. Deprecated names are valid; `LicenseRef-…` would have to be explained in the
/// document, and nobody can.
pub(super) fn expression(text: &str) -> Option<&str> {
    let mode = ParseMode { allow_deprecated: true, ..ParseMode::STRICT };
    let expression = Expression::parse_mode(text, mode).ok()?;
    let known = expression.requirements().all(|one| one.req.license.id().is_some());
    known.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_told_from_words() {
        for (text, valid) in [
            ("MIT", true),
            ("GPL-2.0-only AND (MIT OR Apache-2.0)", true),
            ("GPL-2.0-or-later WITH Bison-exception-2.2", true),
            ("GPL-2.0", true),
            ("BSD-2-Clause AND BSD-3-Clause AND Public-Domain", false),
            ("custom", false),
            ("LicenseRef-mine", false),
            ("MIT BSD", false),
            ("mit", false),
            ("", false),
        ] {
            assert_eq!(expression(text).is_some(), valid, "{text:?}");
        }
    }
}
